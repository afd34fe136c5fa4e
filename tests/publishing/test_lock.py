"""The lock: one run a data set, the second is told who holds it, a dead holder blocks nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crm_lib.errors import RunLocked
from crm_lib.publishing import lock

HOLD = """
import sys
from pathlib import Path
from crm_lib.publishing import lock
with lock.held(Path(sys.argv[1]), "six", "2023-04-01"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with hold(tmp_path) as other:
        says = rf"process {other.pid} .*as of 2023-04-01"
        with (
            pytest.raises(RunLocked, match=says) as caught,
            lock.held(tmp_path, "six", "2023-05-01"),
        ):
            pass
        assert caught.value.exit_code == 6
        assert other.stdin is not None
        other.stdin.close()
    with lock.held(tmp_path, "six", "2023-05-01") as left_behind:
        assert left_behind is None


def test_a_killed_holder_leaves_its_note_and_no_lock(tmp_path: Path) -> None:
    with hold(tmp_path) as other:
        other.kill()
    with lock.held(tmp_path, "six", "2023-05-01") as left_behind:
        assert left_behind is not None
        assert left_behind.pid == other.pid
        holder = lock.read_holder(tmp_path)
        assert holder is not None
        assert holder.pid == os.getpid()
    assert lock.read_holder(tmp_path) is None


def test_a_run_that_raises_releases_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyError), lock.held(tmp_path, "six", "2023-05-01"):
        raise KeyError
    with lock.held(tmp_path, "six", "2023-05-01") as left_behind:
        assert left_behind is None
