"""Where things lie, whatever the folder that a command or a notebook runs in."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_lib import project
from tests.data.conftest import Workshop


def test_folders_named_by_a_relative_path_lie_in_the_project(
    workshop: Workshop, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook runs in another folder than the command that starts it, and must find the same cache."""
    monkeypatch.setenv("CRM_CACHE", "here/cache")
    monkeypatch.setenv("CRM_REPORTS", "here/reports")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert project.cache_folder() == workshop.home / "here" / "cache"
    assert project.reports_folder() == workshop.home / "here" / "reports"


def test_folders_named_by_a_whole_path_need_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRM_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRM_CACHE", str(tmp_path / "cache"))
    assert project.cache_folder() == tmp_path / "cache"
