"""What a machine has is divided among processes; what does not fit into memory goes to the cache."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import ibis
import pytest

from crm_lib import engine, machine
from crm_lib.errors import UsageError

GB, GIB = 10**9, 2**30


@pytest.mark.parametrize(
    ("memory", "processors", "jobs", "expected"),
    [
        (4 * GIB, 2, 2, machine.Share(2, 1, 2 * GIB)),
        (4 * GIB, 8, 4, machine.Share(4, 2, GIB)),
        (4 * GIB, 8, 16, machine.Share(4, 2, GIB)),  # below 1 GiB each, fewer at a time
        (1.5 * GIB, 2, 2, machine.Share(1, 2, int(1.5 * GIB))),
        (200 * 2**20, 2, 2, machine.Share(1, 2, 200 * 2**20)),
        (64 * GIB, 2, 6, machine.Share(6, 1, int(64 * GIB / 6))),
    ],
)
def test_shares(memory: float, processors: int, jobs: int, expected: machine.Share) -> None:
    assert machine.share(int(memory), processors, jobs) == expected


def test_shares_never_add_up_to_more_than_there_is() -> None:
    for memory in (1, GIB, 3 * GIB, 17 * GIB):
        for jobs in range(1, 12):
            got = machine.share(memory, 4, jobs)
            assert 1 <= got.jobs <= jobs
            assert got.jobs * got.memory_bytes <= memory


def test_engines_leave_memory_to_others() -> None:
    assert machine.engine_part(4 * GIB, 2) == int(2.4 * GIB)
    assert machine.engine_part(64 * GIB, 2) == 4 * GIB
    assert machine.engine_part(64 * GIB, 16) == 32 * GIB


def test_what_the_user_set_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_MEMORY", "700MB")
    monkeypatch.setenv("CRM_THREADS", "3")
    assert machine.engine_bytes() == 700 * 10**6
    set_to = engine.connect().raw_sql(
        "SELECT current_setting('memory_limit'), current_setting('threads')"
    )
    assert set_to.fetchone() == ("667.0 MiB", 3)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4 * GB), ("4 GiB", 4 * GIB), ("0.5g", GB // 2), ("512MiB", GIB // 2), ("1000", 1000)],
)
def test_sizes(text: str, size: int) -> None:
    assert machine.parse_bytes(text) == size


@pytest.mark.parametrize("text", ["much", "0", "-1GB", "4 gigs", "4Gb/s"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="CRM_MEMORY is a size such as 4GB"):
        machine.parse_bytes(text)


def test_threads_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_THREADS", "two")
    with pytest.raises(UsageError, match="CRM_THREADS is a number of threads from 1 on, not 'two'"):
        machine.threads()


def test_a_limit_of_the_shell_counts() -> None:
    """`ulimit -v` in a process of its own: it cannot be lifted again here."""
    limit = 6 * GIB
    code = "from crm_lib import machine; print(machine.memory_limit_bytes())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
        check=True,
    )
    # Libraries reserve address space that they never use, and the limit counts it.
    assert int(done.stdout) == limit - 3 * GIB


def test_too_little_memory_for_so_many_customers_is_told_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CRM_MEMORY", "1GB")
    machine.check_room(4_000_000)
    with pytest.raises(UsageError, match=r"10,000,000 customers need about 2.2 GB .* have 1.0 GB"):
        machine.check_room(10_000_000)


def test_a_container_s_limits_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text(f"{512 * 2**20}\n")
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    monkeypatch.setattr(machine, "_CGROUPS", tmp_path)
    assert machine.memory_limit_bytes() == 512 * 2**20
    assert machine.processors() == 1
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.memory_limit_bytes() > 512 * 2**20
    assert machine.processors() >= 1


def test_an_engine_spills_into_the_cache_and_takes_it_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_CACHE", str(tmp_path))
    monkeypatch.setenv("CRM_MEMORY", "100MB")
    monkeypatch.setenv("CRM_THREADS", "1")
    backend = engine.connect()
    numbers = ibis.range(6_000_000).unnest().name("n").as_table()
    backend.create_table("rows", numbers.mutate(text=numbers.n.hash().cast("string")), temp=True)
    assert [*(tmp_path / ".spill").glob("*/*")]
    assert backend.table("rows").count().execute() == 6_000_000
    backend.disconnect()
    assert not [*(tmp_path / ".spill").iterdir()]


def test_what_a_killed_process_left_is_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_CACHE", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine = machine.spill_folder()
    theirs = mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{ended.pid}-"))
    elsewhere = mine.with_name(f"another-host-{ended.pid}-1")
    for folder in (mine, theirs, elsewhere):
        folder.mkdir()
        (folder / "part.tmp").write_text("spilled")
    machine.clear_spills()
    assert (mine.is_dir(), theirs.is_dir(), elsewhere.is_dir()) == (True, False, True)
