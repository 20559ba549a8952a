"""Writing: an event is on disk when `append` returns, or nothing has changed."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from loop_fakes import ME

from tuilabel.errors import SaveError, SessionFileError
from tuilabel.journal import (
    Annotator,
    Draft,
    Event,
    EventKind,
    Journal,
    Ledger,
    SessionInfo,
    read_session,
    store,
)

LABEL = Draft(EventKind.LABEL, "item", "cat", round=1, ms=120, body={"references": ["a.png"]})


def seen_by_another(path: Path) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT seq, uuid FROM event ORDER BY seq").fetchall()


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let real writes fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_event_is_committed_before_append_returns(journal: Journal, path: Path) -> None:
    written = []
    for _ in range(5):
        event = journal.append(LABEL, ME)
        written.append((event.seq, event.uuid))
        assert seen_by_another(path) == written


def test_every_commit_waits_for_the_disk(journal: Journal) -> None:
    def pragma(name: str) -> Any:
        return journal._connection.execute(f"PRAGMA {name}").fetchone()[0]  # type: ignore[union-attr]

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2
    assert pragma("fullfsync") == 1


def test_what_is_written_is_read_back(journal: Journal, path: Path, info: SessionInfo) -> None:
    written = [
        journal.append(Draft(EventKind.OPEN, body={"model": "mlp", "batch_size": 10}), ME),
        journal.append(LABEL, ME),
        journal.append(Draft(EventKind.SKIP, "other", round=2), ME),
    ]
    assert list(journal.events()) == written
    journal.close()
    assert read_session(path) == (info, written)
    assert written[1].annotator == "me"
    assert written[1].origin == "human"
    assert datetime.fromisoformat(written[1].time).utcoffset() == timedelta(0)


def test_times_are_utc_wherever_the_clock_is(path: Path, info: SessionInfo) -> None:
    there = datetime(2030, 1, 1, 23, tzinfo=timezone(timedelta(hours=-5)))
    with Journal.create(path, info, clock=lambda: there) as journal:
        assert journal.append(LABEL, ME).time == "2030-01-02T04:00:00.000+00:00"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET class_name = 'dog'",
        "DELETE FROM event",
        "UPDATE meta SET value = '1'",
        "DELETE FROM meta WHERE key = 'seed'",
    ],
)
def test_nothing_written_is_ever_changed(journal: Journal, path: Path, statement: str) -> None:
    event = journal.append(LABEL, ME)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    assert list(journal.events()) == [event]


def test_undo_reaches_back_over_any_number_of_openings(path: Path, info: SessionInfo) -> None:
    Journal.create(path, info).close()
    for number in range(6):
        with Journal(path) as journal:
            by = Annotator(f"annotator {number}")
            journal.append(Draft(EventKind.LABEL, f"item{number}", "cat"), by)
    for left in reversed(range(6)):
        with Journal(path) as journal:
            last = Ledger.of(journal.events()).last_answer()
            assert last is not None
            assert last.item == f"item{left}"
            journal.append(Draft(EventKind.UNDO, last.item, target=last.uuid), ME)
    ledger = Ledger.of(read_session(path)[1])
    assert ledger.labels_held == 0
    assert ledger.acts == 12


def test_a_clock_that_goes_backwards_changes_nothing(path: Path, info: SessionInfo) -> None:
    times = [datetime(2030, 1, 1, tzinfo=UTC) - timedelta(days=n) for n in range(20)]
    with Journal.create(path, info, clock=iter(times).__next__) as journal:
        for class_name in ("cat", "dog", "cat", "dog"):
            journal.append(Draft(EventKind.LABEL, "item", class_name), ME)
        events = list(journal.events())
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert events == sorted(events, key=lambda event: event.time, reverse=True)
    assert Ledger.of(events).by_class == {"dog": 1}


@pytest.mark.parametrize(
    "name", ['it\'s "quoted"', "🐈‍⬛", "x" * 10_000, "'; DROP TABLE event; --", "a\nb\tc", "é", ""]
)
def test_weird_names_survive(tmp_path: Path, name: str) -> None:
    path = tmp_path / "w.tuilabel"
    odd = "caf\udce9.png"
    info = SessionInfo(odd, (name, "other"))
    with Journal.create(path, info) as journal:
        event = journal.append(
            Draft(EventKind.LABEL, "item", name, body={"references": [odd, name]}), ME
        )
    assert read_session(path) == (info, [event])


@pytest.mark.parametrize(
    "name",
    ["with space.tuilabel", "what?.tuilabel", "#1 100%.tuilabel", "%41", "a&b=c;d", "é\udce9"],
)
def test_weird_file_names_work(tmp_path: Path, info: SessionInfo, name: str) -> None:
    path = tmp_path / name
    with Journal.create(path, info) as journal:
        event = journal.append(LABEL, ME)
    with Journal(path) as journal:
        assert list(journal.events()) == [event]
    assert read_session(path) == (info, [event])
    assert names_in(tmp_path) == {name}


def test_a_path_that_begins_with_two_slashes_works(path: Path, journal: Journal) -> None:
    journal.append(LABEL, ME)
    journal.close()
    assert len(read_session(Path("/" + str(path)))[1]) == 1


def test_a_session_is_opened_through_a_link(path: Path, journal: Journal, tmp_path: Path) -> None:
    journal.close()
    link = tmp_path / "elsewhere" / "link.tuilabel"
    link.parent.mkdir()
    link.symlink_to(path)
    with Journal(link) as through:
        event = through.append(LABEL, ME)
        assert read_session(link)[1] == [event]
    assert read_session(path)[1] == [event]


# Failing writes.


@pytest.mark.parametrize(
    "draft",
    [
        Draft(EventKind.LABEL, "item", "cat", body={"probabilities": [float("nan")]}),
        Draft(EventKind.ROUND, body={"accuracy": float("inf")}),
    ],
)
def test_what_is_no_json_is_refused(journal: Journal, draft: Draft) -> None:
    with pytest.raises(ValueError, match="JSON"):
        journal.append(draft, ME)
    event = journal.append(LABEL, ME)
    assert list(journal.events()) == [event]


def test_a_full_database_loses_nothing_and_a_retry_works(journal: Journal, path: Path) -> None:
    connection = journal._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    large = Draft(EventKind.LABEL, "item", "cat", body={"references": ["x" * 1500]})
    saved: list[Event] = []
    with pytest.raises(SaveError, match=r"^Not saved: the disk is full\. Free some space, then "):
        saved.extend(journal.append(large, ME) for _ in range(10))
    assert 0 < len(saved) < 10
    assert [uuid for _, uuid in seen_by_another(path)] == [event.uuid for event in saved]
    connection.execute("PRAGMA max_page_count = 1000000")
    saved.append(journal.append(large, ME))
    assert list(journal.events()) == saved
    assert [event.seq for event in saved] == list(range(1, len(saved) + 1))


def test_a_write_that_the_disk_refuses_loses_nothing(journal: Journal, path: Path) -> None:
    saved = [journal.append(LABEL, ME)]
    with (
        files_no_larger_than(path.with_name(path.name + "-wal").stat().st_size),
        pytest.raises(SaveError, match=r"^Not saved: "),
    ):
        journal.append(LABEL, ME)
    assert [uuid for _, uuid in seen_by_another(path)] == [saved[0].uuid]
    saved.append(journal.append(LABEL, ME))
    journal.close()
    assert read_session(path)[1] == saved


def test_a_locked_database_is_reported(journal: Journal, path: Path) -> None:
    journal._connection.execute("PRAGMA busy_timeout = 0")  # type: ignore[union-attr]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SaveError, match="locked"):
            journal.append(LABEL, ME)
    assert journal.append(LABEL, ME).seq == 1


def test_a_moved_file_is_noticed_and_may_come_back(journal: Journal, path: Path) -> None:
    first = journal.append(LABEL, ME)
    away = path.rename(path.with_name("away"))
    with pytest.raises(SaveError, match="moved, replaced or deleted"):
        journal.append(LABEL, ME)
    away.rename(path)
    second = journal.append(LABEL, ME)
    journal.close()
    assert read_session(path)[1] == [first, second]


def test_a_replaced_file_is_noticed(journal: Journal, path: Path) -> None:
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)
    with pytest.raises(SaveError, match="moved, replaced or deleted"):
        journal.append(LABEL, ME)


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_deleted_file_is_noticed(journal: Journal, path: Path, suffix: str) -> None:
    journal.append(LABEL, ME)
    path.with_name(path.name + suffix).unlink()
    with pytest.raises(SaveError, match="moved, replaced or deleted"):
        journal.append(LABEL, ME)


def test_what_was_saved_survives_a_deleted_log_once_closed(journal: Journal, path: Path) -> None:
    event = journal.append(LABEL, ME)
    path.with_name(path.name + "-wal").unlink()
    journal.close()
    assert read_session(path)[1] == [event]


def test_a_closed_journal_takes_nothing_and_closes_twice(journal: Journal) -> None:
    journal.close()
    journal.close()
    with pytest.raises(SaveError, match="closed"):
        journal.append(LABEL, ME)


# Opening.


def test_another_tool_cannot_take_the_write_ahead_log_away(small_session: Path) -> None:
    with closing(sqlite3.connect(small_session)) as connection:
        assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    with Journal(small_session) as journal:
        journal.append(LABEL, ME)
        assert small_session.with_name(small_session.name + "-wal").stat().st_size > 0


def test_a_read_only_file_is_refused_at_once(powerless_dir: Path, info: SessionInfo) -> None:
    path = powerless_dir / "s.tuilabel"
    Journal.create(path, info).close()
    path.chmod(0o444)
    with pytest.raises(SessionFileError, match="it is read-only"):
        Journal(path)
    assert names_in(powerless_dir) == {path.name}


def test_a_read_only_directory_is_refused_at_once(powerless_dir: Path, info: SessionInfo) -> None:
    path = powerless_dir / "s.tuilabel"
    Journal.create(path, info).close()
    powerless_dir.chmod(0o555)
    with pytest.raises(SessionFileError, match=r"Permission denied.*directory writable"):
        Journal(path)
    with pytest.raises(SessionFileError, match=r"No session .*Make the directory writable"):
        Journal.create(powerless_dir / "new.tuilabel", info)


def test_a_network_file_system_is_refused(
    path: Path, info: SessionInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    Journal.create(path, info).close()
    monkeypatch.setattr(store, "network_type", lambda _: "nfs4")
    with pytest.raises(SessionFileError, match=r"network file system \(nfs4\)"):
        Journal(path)
    new = path.with_name("new.tuilabel")
    with pytest.raises(SessionFileError, match=r"network file system \(nfs4\)"):
        Journal.create(new, info)
    assert names_in(path.parent) == {path.name}


# Creation.


def test_creation_leaves_the_session_alone_in_its_directory(path: Path, info: SessionInfo) -> None:
    Journal.create(path, info).close()
    assert names_in(path.parent) == {path.name}
    assert read_session(path) == (info, [])


def test_an_existing_file_is_never_replaced(path: Path, info: SessionInfo) -> None:
    path.write_text("precious")
    with pytest.raises(SessionFileError, match="exists already"):
        Journal.create(path, info)
    assert path.read_text() == "precious"
    assert names_in(path.parent) == {path.name}


@pytest.mark.parametrize("step", ["create_tables", "give_name"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), sqlite3.Error("full")])
def test_a_failed_creation_leaves_nothing(
    path: Path, info: SessionInfo, monkeypatch: pytest.MonkeyPatch, step: str, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(store, step, fail)
    with pytest.raises(SessionFileError, match=r"No session can be created"):
        Journal.create(path, info)
    assert names_in(path.parent) == set()


def test_a_disk_too_full_for_a_session_leaves_nothing(path: Path, info: SessionInfo) -> None:
    with files_no_larger_than(5000), pytest.raises(SessionFileError, match="can be created"):
        Journal.create(path, info)
    assert names_in(path.parent) == set()


def test_without_hard_links_a_session_is_made_all_the_same(
    path: Path, info: SessionInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    Journal.create(path, info).close()
    assert names_in(path.parent) == {path.name}
    with pytest.raises(SessionFileError, match="exists already"):
        Journal.create(path, info)


def test_nothing_is_saved_while_the_name_of_the_log_could_be_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.tuilabel"
    info = SessionInfo("digits", ("0", "1"), pool=None, test=None, seed=0, audit=0.1)
    Journal.create(path, info).close()
    synchronised: list[Path] = []

    def fails(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with Journal(path) as journal:
        with monkeypatch.context() as broken:
            broken.setattr("tuilabel.journal.store.sync_directory", fails)
            with pytest.raises(SaveError, match=r"Not saved: .*press the key again"):
                journal.append(Draft(EventKind.SKIP, "one"), ME)
            assert list(journal.events()) == []
        monkeypatch.setattr("tuilabel.journal.store.sync_directory", synchronised.append)
        for item in ("one", "two"):
            journal.append(Draft(EventKind.SKIP, item), ME)
        assert synchronised == [tmp_path]
        assert [event.item for event in journal.events()] == ["one", "two"]


def test_a_window_is_added_once_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "s.tuilabel"
    with Journal.create(path, SessionInfo("digits", ("0", "1"))) as journal:
        assert journal.info.window is None
        journal.keep_window((0.5, 100.0))
        assert journal.info.window == (0.5, 100.0)
        with pytest.raises(SaveError, match="Not saved"):
            journal.keep_window((7.0, 8.0))
        assert journal.info.window == (0.5, 100.0)
    assert read_session(path)[0].window == (0.5, 100.0)
