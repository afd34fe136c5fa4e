"""A PostgreSQL server of the tests' own: made in a folder of its own, gone with it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adbc_driver_postgresql import dbapi

OWNER, PASSWORD = "ada_owner", "p@ss:w/rd %41"
"""A password whose signs must be percent-encoded in a URL, and which looks encoded itself."""
ENCODED = "p%40ss%3Aw%2Frd%20%2541"


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`: the newest that Debian installed, or that of the path."""
    debian = Path("/usr/lib/postgresql")
    versions = sorted(debian.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = versions[-1] if versions else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class Server:
    """PostgreSQL on a free loopback port. It refuses to run as root, so root runs it as another user."""

    def __init__(self, programs: Path) -> None:
        self.programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="crm-postgres-"))
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._user = {"user": _unprivileged(), "extra_groups": []}
            shutil.chown(self.folder, self._user["user"])
        password = self.folder / "password"
        password.write_text(PASSWORD)
        subprocess.run(
            [self.programs / "initdb", "-D", self.folder / "data", "-U", OWNER, "--no-sync", "-E", "UTF8",
             "--locale=C", "--auth=scram-sha-256", f"--pwfile={password}"],
            check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self._user,
        )  # fmt: skip

    def start(self) -> None:
        """Start on a free port (the same as before, the second time) and wait until it answers."""
        for _ in range(5):  # another program may take a free port first
            port = self.port or _free_port()
            settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
                        "fsync": "off", "logging_collector": "off", "max_connections": 20}  # fmt: skip
            given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            with (self.folder / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    [self.programs / "postgres", "-D", self.folder / "data", *given],
                    stdout=log, stderr=log, cwd=self.folder, **self._user,
                )  # fmt: skip
            if self._answers(port):
                self.port = port
                return
        raise RuntimeError((self.folder / "log").read_text())

    def _answers(self, port: int) -> bool:
        assert self._process
        ends = time.monotonic() + 60
        while time.monotonic() < ends and self._process.poll() is None:
            try:
                dbapi.connect(self.url(port=port)).close()
            except dbapi.Error:
                time.sleep(0.05)
            else:
                return True
        return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it and its sessions; SIGQUIT: without saying goodbye."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def remove(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(
        self, user: str = OWNER, password: str = ENCODED, database: str = "postgres", port: int = 0
    ) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.port}/{database}"

    @contextmanager
    def session(self, database: str = "postgres") -> Iterator[Any]:
        """A cursor of the server's owner."""
        with (
            dbapi.connect(self.url(database=database), autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor

    def run(self, *commands: str, database: str = "postgres") -> None:
        with self.session(database) as cursor:
            for command in commands:
                cursor.execute(command)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with self.session() as cursor:
            cursor.execute(query)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows


def _unprivileged() -> str:
    known = {line.split(":")[0] for line in Path("/etc/passwd").read_text().splitlines()}
    return "postgres" if "postgres" in known else "nobody"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
