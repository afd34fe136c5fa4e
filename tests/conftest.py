"""What tests share: a small ledger checkable by hand, a project of its own, the public data."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("CRM_DATA") or ROOT.parent / "shared" / "data")

SIX_CUSTOMERS = """customer,order,when,amount,quantity,product
anna,1,2023-01-05,100.00,2,tea
anna,2,2023-02-05,50.00,1,tea
anna,3,2023-03-05,50.00,1,cup
ben,4,2023-01-20,30.00,1,tea
ben,5,2023-03-20,30.00,1,tea
carla,6,2023-02-10,500.00,5,pot
carla,7,2023-02-12,-100.00,-1,pot
dora,8,2023-03-01,10.00,1,cup
emil,9,2023-01-15,20.00,1,cup
fred,10,2023-02-20,-5.00,-1,cup
,11,2023-03-15,40.00,2,tea
"""
"""Ledger of 2023, January to March, 725.00 in all: 40.00 of it anonymous, 105.00 returned.

Occasions: anna 3 (gaps 31 and 28 days), ben 2 (gap 59), carla, dora and emil 1, fred none.
"""

SIX_YML = """
title: Six customers
currency: EUR
observed_from: 2023-01-01
default_as_of: 2023-04-01
tables:
  lines:
    source: {files: data/six/lines.csv}
    columns:
      customer_id: customer
      order_id: order
      ordered_at: when
      amount: amount
      quantity: quantity
      product_id: product
"""

MakeProject = Callable[..., Path]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets (CRM_DATA, or shared/data beside the project)."""
    if not (SHARED / "online_retail" / "online_retail.parquet").is_file():
        pytest.skip("the public data sets are not here: set CRM_DATA to their folder")
    os.environ["CRM_DATA"] = str(SHARED)
    return SHARED


@pytest.fixture
def make_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeProject:
    """`make_project(name, files={...}, yml=...)`: a project folder of its own with one data set."""

    def make(name: str = "six", files: dict[str, str] | None = None, yml: str = SIX_YML) -> Path:
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True, exist_ok=True)
        for filename, text in (files or {"lines.csv": SIX_CUSTOMERS}).items():
            (folder / filename).write_text(text, encoding="utf-8")
        (folder / "dataset.yml").write_text(yml, encoding="utf-8")
        for shared in ("notebooks", "expectations"):
            link = tmp_path / shared
            if not link.exists():
                link.symlink_to(ROOT / shared)
        monkeypatch.setenv("CRM_HOME", str(tmp_path))
        for variable in ("CRM_CACHE", "CRM_REPORTS"):
            monkeypatch.delenv(variable, raising=False)
        return tmp_path

    return make


@pytest.fixture
def a_batch_a_month(monkeypatch: pytest.MonkeyPatch) -> None:
    """A month's order lines are counted by themselves; so few would be counted together."""
    monkeypatch.setattr("crm_lib.history.periods.LINES", 1)


@pytest.fixture
def six_customers(make_project: MakeProject) -> object:
    """The book of the six customers as of 2023-04-01."""
    from crm_lib.book import open_book

    make_project()
    return open_book("six", as_of="2023-04-01")


@pytest.fixture(scope="session")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of this worker for simulated companies; `simulated` fills it."""
    home = tmp_path_factory.mktemp("companies")
    (home / "data").mkdir()
    for shared in ("notebooks", "expectations"):
        (home / shared).symlink_to(ROOT / shared)
    return home


@pytest.fixture
def simulated(companies: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`simulated("retailer", "heavy")`: the name of a data set of 1,000 customers over 24 months.

    Written, staged and judged once a session (and worker); its project is the current one meanwhile.
    """
    from crm_lib.simulate import simulate

    monkeypatch.setenv("CRM_HOME", str(companies))
    for variable in ("CRM_CACHE", "CRM_REPORTS"):
        monkeypatch.delenv(variable, raising=False)

    def make(company: str, dirt: str = "none") -> str:
        folder = companies / "data" / f"{company}_{dirt}"
        if not folder.exists():
            simulate(company, customers=1_000, months=24, seed=1, dirt=dirt, out=folder, jobs=1)
        return folder.name

    return make
