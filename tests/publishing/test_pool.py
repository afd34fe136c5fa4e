"""Each of several processes gets its share of the machine, unless the user says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_lib import machine
from crm_lib.publishing import pool


def test_processes_share_threads_and_memory(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_THREADS", raising=False)
    monkeypatch.delenv("CRM_MEMORY", raising=False)
    monkeypatch.setattr(machine, "processors", lambda: 8)
    monkeypatch.setattr(machine, "memory_limit_bytes", lambda: 10 * 2**30)
    shares = [pool.environment(pool.shared(jobs)) for jobs in (1, 4, 16)]
    assert [share["CRM_THREADS"] for share in shares] == ["8", "2", "1"]
    assert [share["CRM_MEMORY"] for share in shares] == ["6144MiB", "1536MiB", "1024MiB"]


def test_processes_share_what_the_user_set(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_THREADS", "3")
    monkeypatch.setenv("CRM_MEMORY", "6GiB")
    share = pool.environment(pool.shared(4))
    assert (share["CRM_THREADS"], share["CRM_MEMORY"]) == ("3", "1536MiB")
    monkeypatch.setenv("CRM_MEMORY", "700MiB")
    assert (pool.shared(4).jobs, pool.environment(pool.shared(4))["CRM_MEMORY"]) == (1, "700MiB")


def test_the_folder_of_sockets_is_short_and_goes_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with pool.scratch_folder() as folder:
        assert folder.is_dir()
        assert len(str(folder)) < 80
    assert not folder.exists()
