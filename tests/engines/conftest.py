"""Spark for the tests: one session on this machine, small, for all of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

SMALL = {
    # Tables of a few hundred rows: neither parts nor compiled queries pay.
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """PySpark leaves sockets to the garbage collector."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))


@pytest.fixture(scope="session")
def spark() -> Any:
    """The Spark backend; skipped where pyspark or Java is missing, unless CRM_REQUIRE_SPARK says not to."""
    missing = _missing()
    if missing and os.environ.get("CRM_REQUIRE_SPARK"):
        pytest.fail(f"CRM_REQUIRE_SPARK is set, and {missing}")
    if missing:
        pytest.skip(missing)
    from crm_lib import engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_MEMORY", "1GB")
        backend = engine.of_kind("spark")
    for name, value in SMALL.items():
        backend._session.conf.set(name, value)
    return backend


def _missing() -> str:
    home = os.environ.get("JAVA_HOME")
    if not shutil.which("java", path=f"{home}/bin" if home else None):
        return "Java is not installed (Debian: default-jre-headless)"
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return "pyspark is not installed (the extra `spark`)"
    return ""
