"""A run on a server's tables: one state for all its reports, nothing of the connection in what it leaves."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from crm_lib import fetching
from crm_lib.errors import SourceError
from crm_lib.postgres import Snapshot, TablePart
from crm_lib.publishing import runner
from tests.conftest import SIX_YML, MakeProject
from tests.postgres.conftest import VARIABLE
from tests.postgres.server import ENCODED, OWNER, PASSWORD, Server
from tests.publishing.conftest import write_notebook

pytestmark = pytest.mark.xdist_group("postgres")
DAY = date(2023, 4, 1)
CODE = f"""\
import os
import crm_lib as crm
os.environ["{VARIABLE}"] = "host=127.0.0.1 port=1"  # whoever asks the server fails
book = crm.open_book(dataset, as_of=as_of, scope=scope)
crm.show(crm.finding(f"{{book.lines.count().execute()}} lines"))
"""


@pytest.fixture
def project(server: Server, make_project: MakeProject) -> Path:
    """A project with one small report on 90 order lines of a server."""
    server.run(
        "CREATE TABLE sales.lines AS SELECT 'c' || i % 9 AS customer, i AS order, date '2023-01-01' + i AS when,"
        " 10.0::numeric(9,2) AS amount, 1 AS quantity, 'tea' AS product FROM generate_series(0, 89) i",
    )
    source = f"{{postgres: {VARIABLE}, table: sales.lines, period: when}}"
    home = make_project(yml=SIX_YML.replace("{files: data/six/lines.csv}", source))
    (home / "notebooks").unlink()
    write_notebook(home / "notebooks", "01_lines", CODE)
    return home


def files(folder: Path) -> dict[str, bytes]:
    """What lies in a folder, but for the locks of runs."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {str(path): path.read_bytes() for path in found}


def test_a_run_shows_nothing_of_the_connection_and_outlives_the_server(
    project: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    runner.run("six", [DAY], say=said.append)
    latest = project / "reports" / "six" / "latest"
    assert "90 lines" in (latest / "01_lines.html").read_text(encoding="utf-8")
    assert "sales.lines, 2023-02" in (latest / "manifest.json").read_text()
    published = files(project / "reports")
    left = published | files(project / "data") | {"said": "\n".join(said).encode()}
    assert len(left) > 20
    for secret in (OWNER, PASSWORD, ENCODED, server.url()):
        assert [name for name, content in left.items() if secret.encode() in content] == []

    server.run("UPDATE sales.lines SET amount = 11")
    write = Snapshot.write

    def broken(self: Snapshot, part: TablePart, path: Path) -> None:
        if part.label.endswith("02"):
            server.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crm-reports'"
            )
        write(self, part, path)

    monkeypatch.setattr(Snapshot, "write", broken)
    with pytest.raises(
        SourceError, match=r"Reading 'sales.lines, 2023-02' from CRM_SHOP_DB failed"
    ):
        runner.run("six", [DAY])
    assert files(project / "reports") == published
    assert fetching.PIN not in os.environ
