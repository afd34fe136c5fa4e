"""A real server for the session, and a clean schema in it for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from crm_lib.postgres import TablePart
    from tests.postgres.server import Server

VARIABLE = "CRM_SHOP_DB"


@pytest.fixture(scope="session")
def started() -> Iterator[Server]:
    """The server, started once. Without PostgreSQL: a skip, or a failure where it is required."""
    missing = "" if find_spec("adbc_driver_postgresql") else "the extra `postgres` is not installed"
    if not missing:
        from tests.postgres.server import Server, programs

        found = programs()
        missing = "" if found else "PostgreSQL's server is not installed (Debian: postgresql)"
    if missing:
        if os.environ.get("CRM_REQUIRE_POSTGRES"):
            pytest.fail(missing)
        pytest.skip(missing)
    assert found
    server = Server(found)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def server(started: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server with an empty schema `sales`, and the variable that leads to it."""
    started.run("DROP SCHEMA IF EXISTS sales CASCADE", "CREATE SCHEMA sales")
    monkeypatch.setenv(VARIABLE, started.url())
    return started


@pytest.fixture
def transferred(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The labels of the parts that were transferred, in order."""
    from crm_lib.postgres import Snapshot

    labels: list[str] = []
    write = Snapshot.write

    def noted(self: Snapshot, part: TablePart, path: Path) -> None:
        labels.append(part.label)
        write(self, part, path)

    monkeypatch.setattr(Snapshot, "write", noted)
    return labels
