"""What goes wrong with a server is said in words that help and give nothing of the connection away."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crm_lib.errors import SourceError
from crm_lib.postgres import Snapshot, connection
from tests.postgres.conftest import VARIABLE
from tests.postgres.server import ENCODED, OWNER, PASSWORD, Server

pytestmark = pytest.mark.xdist_group("postgres")
SECRETS = [
    OWNER,
    PASSWORD,
    ENCODED,
    "127.0.0.1",
    "w/rd",
    "postgresql://ada",
    "Secr3t",
    "reporter_r",
]


def refusal(act: Callable[[], Any]) -> str:
    """The text of the SourceError that `act` raises; nothing of the connection is in its traceback."""
    with pytest.raises(SourceError) as caught:
        act()
    whole = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    # What a debugger or a log would print beyond the text: causes, and their texts.
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    lines = [
        line
        for line in whole.splitlines()
        if not line.lstrip().startswith(("File", "with ", "act"))
    ]
    assert [secret for secret in SECRETS if secret in "\n".join(lines)] == []
    return str(caught.value)


def open_(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(VARIABLE, url)
    return refusal(lambda: Snapshot(VARIABLE))


def test_a_variable_that_is_not_set_is_named_with_an_example(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(
        SourceError, match=rf"{VARIABLE} is not set.*for example postgresql://user:password@"
    ):
        Snapshot(VARIABLE)
    monkeypatch.setenv(VARIABLE, "  ")
    with pytest.raises(SourceError, match="is not set"):
        Snapshot(VARIABLE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": "Secr3t"}, "does not accept its user or password"),
        ({"user": "reporter_r"}, "does not accept its user or password"),
        ({"database": "Secr3t_db"}, "has no database of that name"),
        ({"password": "Secr3t%zz"}, "it is not written as a connection.*percent-encoded"),
        ({"port": 1}, "no server listens at its host and port"),
    ],
)  # fmt: skip
def test_a_connection_that_fails_says_why_and_not_with_what(
    server: Server, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    text = open_(server.url(**change), monkeypatch)
    assert re.search(said, text)
    assert text.startswith(f"{VARIABLE} gives no connection: ")
    assert text.endswith(f'Try it: psql "${VARIABLE}"')


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("host=Secr3t.invalid user=reporter_r password=Secr3t", "there is no host of that name"),
        ("host=127.0.0.1 passwort=Secr3t", "it is not written as a connection"),
        ("Secr3t", "it is not written as a connection"),
        ("mysql://reporter_r:Secr3t@127.0.0.1/x", "it is not written as a connection"),
    ],
)
def test_keywords_and_whatever_else_stands_there(
    server: Server, monkeypatch: pytest.MonkeyPatch, given: str, said: str
) -> None:
    assert said in open_(given, monkeypatch)


def test_keywords_connect_as_a_url_does(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.run("CREATE TABLE sales.a AS SELECT 1 AS i")
    monkeypatch.setenv(
        VARIABLE,
        f"host=127.0.0.1 port={server.port} dbname=postgres user={OWNER} password='{PASSWORD}'",
    )
    with Snapshot(VARIABLE) as snapshot:
        assert snapshot.columns("sales.a") == ["i"]
    for added in ("?", "?connect_timeout=5", "?keepalives_idle=5&sslmode=prefer"):
        monkeypatch.setenv(VARIABLE, server.url() + added)
        Snapshot(VARIABLE).close()


def test_a_host_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("adbc_driver_postgresql")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://reporter_r:Secr3t@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=2"
        assert "its host does not answer" in open_(url, monkeypatch)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    with pytest.raises(SourceError, match=r"pip install 'crm-reports\[postgres\]'"):
        Snapshot(VARIABLE)


@pytest.fixture
def snapshot(server: Server) -> Iterator[Snapshot]:
    server.run(
        "CREATE TABLE sales.order_lines (line_id int PRIMARY KEY, ordered_at date, amount numeric(9,2))",
        "INSERT INTO sales.order_lines VALUES (1, '2024-01-05', 10)", "CREATE TABLE sales.nothing (i int)",
    )  # fmt: skip
    with Snapshot(VARIABLE) as opened:
        yield opened


def test_a_table_or_column_that_is_not_there_gets_the_nearest(snapshot: Snapshot) -> None:
    text = refusal(lambda: snapshot.columns("sales.orderlines"))
    assert f"In the database of {VARIABLE}: There is no table 'sales.orderlines'" in text
    assert "Did you mean 'sales.order_lines'?" in text
    assert "pg_catalog" not in text
    text = refusal(lambda: snapshot.parts("sales.order_lines", ["amout"]))
    assert "In 'sales.order_lines': There is no column 'amout'. Did you mean 'amount'?" in text
    assert "Did you mean 'ordered_at'" in refusal(
        lambda: snapshot.parts("sales.order_lines", ["amount"], "order_at")
    )


def test_a_period_must_be_a_time_and_a_table_must_have_rows(snapshot: Snapshot) -> None:
    assert "must be a date or a time; it is numeric(9,2)" in refusal(
        lambda: snapshot.parts("sales.order_lines", [], "amount")
    )
    for period in (None, "i"):
        with pytest.raises(SourceError, match="no rows" if period is None else "must be a date"):
            snapshot.parts("sales.nothing", ["i"], period)


def test_what_the_user_may_not_read_says_what_to_grant(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.run(
        "CREATE TABLE sales.order_lines AS SELECT 1 AS i", "DROP ROLE IF EXISTS reporter_r",
        "CREATE ROLE reporter_r LOGIN PASSWORD 'Secr3t'", "GRANT USAGE ON SCHEMA sales TO reporter_r",
    )  # fmt: skip
    monkeypatch.setenv(VARIABLE, server.url("reporter_r", "Secr3t"))
    try:
        with Snapshot(VARIABLE) as snapshot:
            text = refusal(lambda: snapshot.parts("sales.order_lines", ["i"]))
        assert "GRANT SELECT ON sales.order_lines TO" in text
        server.run("GRANT SELECT ON sales.order_lines TO reporter_r")
        with Snapshot(VARIABLE) as snapshot:
            assert len(snapshot.parts("sales.order_lines", ["i"])) == 1
    finally:
        server.run("DROP OWNED BY reporter_r", "DROP ROLE reporter_r")


def big(server: Server) -> None:
    """A table whose rows fill many of the batches they are read in."""
    server.run(
        "CREATE TABLE sales.big AS SELECT i, repeat(md5(i::text), 32) AS filler FROM generate_series(1, 90000) i"
    )


def going_away(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[[], None]
) -> str:
    """The error when `end` comes after the first batch was written; nothing of the part is left."""
    big(server)
    convert, seen = connection.Connection.batches, []

    def interrupted(self: connection.Connection, query: str, what: str) -> Iterator[Any]:
        for batch in convert(self, query, what):
            seen.append(batch.num_rows)
            if len(seen) == 1:
                end()
            yield batch

    monkeypatch.setattr(connection.Connection, "batches", interrupted)
    with Snapshot(VARIABLE) as snapshot:
        (part,) = snapshot.parts("sales.big", ["i", "filler"])
        text = refusal(lambda: snapshot.write(part, tmp_path / "big.parquet"))
    assert 0 < sum(seen) < 90_000
    assert list(tmp_path.iterdir()) == []
    return text


def test_a_session_ended_while_reading_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end() -> None:
        server.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crm-reports'"
        )

    text = going_away(server, tmp_path, monkeypatch, end)
    assert text.startswith(
        f"Reading 'sales.big' from {VARIABLE} failed: the server ended the connection"
    )
    assert "run again" in text


def test_a_server_that_dies_while_reading_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        text = going_away(server, tmp_path, monkeypatch, lambda: server.stop(signal.SIGQUIT))
    finally:
        server.start()
    assert "the server ended the connection or went away" in text


def test_a_query_cancelled_while_reading_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end() -> None:
        server.ask(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'crm-reports'"
        )

    assert "limit on the time of a statement" in going_away(server, tmp_path, monkeypatch, end)


def test_the_servers_limits_are_kept_and_named(server: Server) -> None:
    server.run(
        "CREATE VIEW sales.slow AS SELECT 1 AS i FROM pg_sleep(30)",
        f"ALTER ROLE {OWNER} SET statement_timeout = 100",
    )
    try:
        with Snapshot(VARIABLE) as snapshot:
            text = refusal(lambda: snapshot.parts("sales.slow", ["i"]))
        assert "statement_timeout" in text
    finally:
        server.run(f"ALTER ROLE {OWNER} RESET ALL")


def test_an_error_in_a_view_is_told_without_the_connection(server: Server, tmp_path: Path) -> None:
    server.run(
        "CREATE VIEW sales.faulty AS SELECT i, 1 / (i - 3) AS d FROM generate_series(1, 5) i"
    )
    with Snapshot(VARIABLE) as snapshot:
        text = refusal(lambda: snapshot.parts("sales.faulty", ["d"]))
    assert text == f"Reading 'sales.faulty' from {VARIABLE} failed: division by zero"
    server.run(
        f"CREATE VIEW sales.telling AS SELECT (i || '{PASSWORD} of {OWNER}')::int AS d FROM sales.faulty"
    )
    with Snapshot(VARIABLE) as snapshot:
        text = refusal(lambda: snapshot.parts("sales.telling", ["d"]))
    assert 'invalid input syntax for type integer: "1… of …"' in text


def test_a_view_that_gives_other_rows_each_time_is_refused(server: Server, tmp_path: Path) -> None:
    server.run(
        "CREATE SEQUENCE sales.s",
        "CREATE VIEW sales.rolling AS SELECT i FROM generate_series(1, 9) i WHERE random() < 0.5",
    )
    with Snapshot(VARIABLE) as snapshot:
        (part,) = snapshot.parts("sales.rolling", ["i"])
        text = ""
        for _ in range(50):
            try:
                snapshot.write(part, tmp_path / "x.parquet")
            except SourceError as error:
                text = str(error)
                break
    assert "in one snapshot. Is it a view whose rows depend on chance" in text


def test_nothing_of_the_environment_is_changed(server: Server) -> None:
    before = dict(os.environ)
    Snapshot(VARIABLE).close()
    assert dict(os.environ) == before
