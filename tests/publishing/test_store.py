"""The folder of reports: links lead to whole runs, whatever was killed when."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from crm_lib.errors import UsageError
from crm_lib.publishing.store import Store

JANUARY, FEBRUARY = date(2023, 1, 1), date(2023, 2, 1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "six")


def publish(store: Store, day: date, text: str = "page") -> str:
    run_id = store.new_id(day)
    draft = store.draft(run_id)
    (draft / "index.html").write_text(text)
    store.publish(draft, run_id)
    return run_id


def leads_to(store: Store, link: str) -> str:
    return (store.folder / link).resolve().name


def test_ids_count_the_runs_of_a_data_set(store: Store) -> None:
    assert [publish(store, day) for day in (FEBRUARY, JANUARY, FEBRUARY)] == [
        "0001-2023-02-01",
        "0002-2023-01-01",
        "0003-2023-02-01",
    ]


def test_latest_is_the_latest_day_not_the_latest_run(store: Store) -> None:
    first = publish(store, FEBRUARY)
    older = publish(store, JANUARY)
    assert leads_to(store, "latest") == first
    assert leads_to(store, "2023-01-01") == older
    again = publish(store, FEBRUARY)
    assert leads_to(store, "latest") == leads_to(store, "2023-02-01") == again
    assert os.readlink(store.folder / "latest") == "2023-02-01"


def test_a_run_killed_between_its_rename_and_its_links_is_linked_at_the_next_start(
    store: Store,
) -> None:
    publish(store, JANUARY, "old")
    run_id = store.new_id(JANUARY)
    draft = store.draft(run_id)
    (draft / "index.html").write_text("new")
    os.rename(draft, store.runs_folder / run_id)
    assert (store.folder / "latest" / "index.html").read_text() == "old"
    store.clean()
    assert (store.folder / "latest" / "index.html").read_text() == "new"


def test_leftovers_of_killed_runs_are_removed_and_nothing_else(store: Store) -> None:
    publish(store, JANUARY)
    (store.draft(store.new_id(JANUARY)) / "half.html").write_text("half")
    (store.folder / ".link-latest").symlink_to("nowhere")
    (store.folder / ".trash-.runs-0000-2023-01-01").mkdir()
    (store.folder / "mine.txt").write_text("a person's file")
    store.clean()
    assert sorted(path.name for path in store.folder.iterdir()) == [
        ".runs", "2023-01-01", "latest", "mine.txt",
    ]  # fmt: skip


def test_pruning_keeps_the_newest_runs_and_what_latest_leads_to(store: Store) -> None:
    ids = [publish(store, day) for day in (FEBRUARY, JANUARY, JANUARY, JANUARY)]
    assert store.prune(2) == [ids[1]]
    assert store.run_ids() == [ids[0], *ids[2:]]
    assert leads_to(store, "latest") == ids[0]
    assert store.prune(9) == []
    march = publish(store, date(2023, 3, 1))
    assert store.prune(1) == [ids[0], *ids[2:]]
    assert leads_to(store, "latest") == march
    days = {path.name for path in store.folder.iterdir() if path.is_symlink()}
    assert days == {"2023-03-01", "latest"}


def test_a_success_takes_the_failure_page_of_its_day_away(store: Store) -> None:
    for day in (JANUARY, FEBRUARY):
        draft = store.draft(store.new_id(day))
        (draft / "index.html").write_text("failed")
        store.publish_failure(draft, day)
    publish(store, JANUARY)
    assert [path.name for path in (store.folder / ".failed").iterdir()] == ["2023-02-01"]


def test_the_labs_view_of_a_day_is_replaced_and_runs_are_not(store: Store) -> None:
    run_id = publish(store, JANUARY, "full run")
    for text in ("first", "second"):
        lab_id = store.new_id(JANUARY)
        draft = store.draft(lab_id)
        (draft / "index.html").write_text(text)
        shown = store.publish_lab(draft, lab_id)
    assert (shown / "index.html").read_text() == "second"
    assert len(list((store.folder / ".lab" / ".builds").iterdir())) == 1
    assert leads_to(store, "latest") == run_id


def test_a_folder_in_the_place_of_a_link_is_not_overwritten(store: Store) -> None:
    (store.folder / "2023-01-01").mkdir(parents=True)
    with pytest.raises(UsageError, match="Move it away"):
        publish(store, JANUARY)
