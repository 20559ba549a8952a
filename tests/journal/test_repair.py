"""Repair: all that is still there comes back, nothing else, and the damaged file is kept."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_fakes import ME

from tests.journal.sessions import auto_drafts
from tuilabel.errors import SessionFileError, SessionLockedError, UsageError
from tuilabel.journal import Draft, Event, EventKind, Journal, SessionInfo, read_session, revert
from tuilabel.journal.repair import describe_gaps, repair

INFO = SessionInfo("digits", ("cat", "dog"), pool=100, test=None, seed=3, audit=0.2)
NOW = datetime(2030, 1, 2, 3, 4, 5)
PAGE = 4096


class Made(NamedTuple):
    """A session as its two files had it at some moment, and all that was written."""

    content: bytes
    log: bytes
    events: list[Event]

    def put(self, folder: Path) -> Path:
        path = folder / "s.tuilabel"
        path.write_bytes(self.content)
        if self.log:
            path.with_name(path.name + "-wal").write_bytes(self.log)
        return path


def drafts() -> Iterator[Draft]:
    yield Draft(EventKind.OPEN, body={"model": "softmax", "strategy": "margin", "items": 100})
    for number in range(60):
        body = {"references": [f"{number}.png"], "probabilities": {"cat": 0.25, "dog": 0.75}}
        # Two of them are longer than a page.
        body |= {"references": ["x" * 9000, "y"]} if number in (20, 40) else {}
        yield Draft(EventKind.LABEL, f"item{number}", "cat", round=1, ms=10 * number, body=body)
    fit = {"model": "softmax", "labels": 1, "ranking": ["item70"], "probabilities": None}
    fit |= {"batch": ["item70"], "audits": [], "accuracy": None}
    yield Draft(EventKind.ROUND, round=1, body=fit)


@cache
def made(*, log: bool) -> Made:
    """Make a session; with a log, it is copied while it is open."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "s.tuilabel"
        with Journal.create(path, INFO) as journal:
            events = [journal.append(draft, ME) for draft in drafts()]
            skip = journal.append(Draft(EventKind.SKIP, "item80", round=1), ME)
            events += [skip, journal.append(Draft(EventKind.UNDO, "item80", target=skip.uuid), ME)]
            events += journal.append_many(auto_drafts("item81", "item82"), ME)
            events.append(journal.append(revert(events[-3]), ME))
            beside = path.with_name(path.name + "-wal")
            both = (path.read_bytes(), beside.read_bytes())
        return Made(*both, events) if log else Made(path.read_bytes(), b"", events)


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


# A sound file.


@pytest.mark.parametrize("log", [False, True])
def test_a_sound_file_is_left_alone(tmp_path: Path, log: bool) -> None:
    session = made(log=log)
    path = session.put(tmp_path)
    before = files(tmp_path)
    done = repair(path)
    assert (done.problem, done.written, done.kept) == (None, None, None)
    assert (list(done.events), done.gaps, done.dropped) == (session.events, (), 0)
    assert files(tmp_path) == before


# What comes back.


def test_a_page_that_is_gone_costs_its_own_events_only(tmp_path: Path) -> None:
    session = made(log=False)
    for page in range(len(session.content) // PAGE):
        folder = tmp_path / str(page)
        folder.mkdir()
        path = session.put(folder)
        content = bytearray(session.content)
        content[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)
        path.write_bytes(content)
        done = repair(path, now=NOW, source="digits", class_names=("cat", "dog"))
        assert done.problem is not None
        assert all(event in session.events for event in done.events)
        found = {event.seq for event in done.events}
        # The rest of a long event is on pages of its own.
        there = {event.seq for event in session.events if record(event) in content} - {22, 42}
        assert there <= found
        assert sum(high - low + 1 for low, high in done.gaps) == done.last - len(done.events)
        assert read_session(path)[1] == list(done.events)
        assert (folder / "s.tuilabel.damaged-20300102-030405").read_bytes() == content
        Journal(path).close()


def record(event: Event) -> bytes:
    return f"{event.uuid}{event.kind.value}{event.time}".encode()


def test_a_log_with_a_hole_is_refused_and_what_lies_behind_comes_back(tmp_path: Path) -> None:
    session = made(log=True)
    path = session.put(tmp_path)
    log = bytearray(session.log)
    log[len(log) // 2] ^= 1
    beside = path.with_name(path.name + "-wal")
    beside.write_bytes(log)
    for opened_by in (read_session, lambda path: Journal(path)):
        with pytest.raises(SessionFileError, match=r"follow a damaged place.*tuilabel repair"):
            opened_by(path)
    assert beside.read_bytes() == log
    done = repair(path, now=NOW)
    assert list(done.events) == session.events
    assert read_session(path) == (INFO, session.events)
    kept = tmp_path / "s.tuilabel.damaged-20300102-030405"
    assert (kept.read_bytes(), Path(f"{kept}-wal").read_bytes()) == (session.content, bytes(log))
    assert not beside.exists()


def test_a_log_without_its_header_comes_back_but_for_nothing(tmp_path: Path) -> None:
    session = made(log=True)
    path = session.put(tmp_path)
    path.with_name(path.name + "-wal").write_bytes(bytes(32) + session.log[32:])
    with pytest.raises(SessionFileError, match="newer events"):
        read_session(path)
    assert list(repair(path).events) == session.events


def test_a_last_transaction_that_is_torn_is_never_dropped_without_a_word(tmp_path: Path) -> None:
    session = made(log=True)
    frame = 24 + PAGE
    frames = range(32, len(session.log), frame)
    ends = [n for n in frames if any(session.log[n + 4 : n + 8])]
    said = set()
    for torn in range(ends[-2] + frame, len(session.log), frame):
        folder = tmp_path / str(torn)
        folder.mkdir()
        path = session.put(folder)
        log = bytearray(session.log)
        log[torn + 24 : torn + frame] = bytes(PAGE)
        path.with_name(path.name + "-wal").write_bytes(log)
        try:
            with Journal(path) as journal:
                assert list(journal.events()) == session.events[:-1]
            said.add("the event is gone, and was never committed")
        except SessionFileError:
            assert list(repair(path).events) == session.events
            said.add("repaired")
    assert len(said) == 2


def test_an_empty_file_comes_back_from_its_log(tmp_path: Path) -> None:
    session = made(log=True)
    path = session.put(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(SessionFileError, match=r"is empty.*tuilabel repair"):
        read_session(path)
    with pytest.raises(UsageError, match=r"--source S and --classes A,B.*cat"):
        repair(path)
    done = repair(path, source="digits", class_names=["cat", "dog"])
    assert list(done.events) == session.events


def test_numbers_of_lost_events_are_not_given_again(tmp_path: Path) -> None:
    session = made(log=False)
    path = session.put(tmp_path)
    content = bytearray(session.content)
    record = content.rindex(session.events[-1].uuid.encode() + b"revert")
    content[record : record + 60] = bytes(60)
    path.write_bytes(content)
    done = repair(path)
    assert done.last == session.events[-1].seq == done.events[-1].seq + 1
    with Journal(path) as journal:
        assert journal.append(Draft(EventKind.SKIP, "item"), ME).seq == done.last + 1


def test_what_a_failed_write_left_in_the_log_is_no_damage(tmp_path: Path) -> None:
    session = made(log=True)
    frame = 24 + PAGE
    ends = [
        place + frame
        for place in range(32, len(session.log), frame)
        if int.from_bytes(session.log[place + 4 : place + 8], "big")
    ]
    path = session.put(tmp_path)
    # That of a long event, number 42, fails, and another is written over its beginning.
    before, end = ends[40], ends[41]
    path.with_name(path.name + "-wal").write_bytes(session.log[:before])
    with Journal(path) as journal:
        other = journal.append(Draft(EventKind.SKIP, "other"), ME)
        log = path.with_name(path.name + "-wal").read_bytes()
    assert before < len(log) < end
    path = session.put(tmp_path)
    path.with_name(path.name + "-wal").write_bytes(log + session.log[len(log) : end])
    done = repair(path)
    assert done.problem is None
    assert [event.uuid for event in done.events][-1] == other.uuid
    with Journal(path) as journal:
        assert list(journal.events()) == list(done.events)


def test_a_session_of_a_newer_tuilabel_is_left_alone(tmp_path: Path) -> None:
    path = made(log=False).put(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE another (value)")
        connection.execute("PRAGMA user_version = 99")
    before = files(tmp_path)
    with pytest.raises(SessionFileError, match=r"schema 99.*newer tuilabel"):
        repair(path)
    assert files(tmp_path) == before


def test_a_version_that_is_only_damaged_comes_back(tmp_path: Path) -> None:
    session = made(log=False)
    path = session.put(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    done = repair(path)
    assert done.problem is not None
    assert "session schema 99" in done.problem
    assert read_session(path)[1] == session.events


def test_a_damaged_class_name_costs_no_label(tmp_path: Path) -> None:
    session = made(log=False)
    class_name = next(event.class_name for event in session.events if event.class_name)
    other = chr(ord(class_name[0]) ^ 1) + class_name[1:]
    names = json.dumps(list(INFO.class_names))
    assert session.content.count(names.encode()) == 1
    damaged = session.content.replace(
        names.encode(), names.replace(f'"{class_name}"', f'"{other}"').encode()
    )
    path = tmp_path / "s.tuilabel"
    path.write_bytes(damaged)
    with pytest.raises(UsageError, match=r"has lost what it was made with.*--classes"):
        repair(path)
    assert path.read_bytes() == damaged
    assert repair(path, class_names=INFO.class_names).events == tuple(session.events)


def test_a_copy_with_a_checksum_is_believed_more_than_the_file(tmp_path: Path) -> None:
    session = made(log=True)
    frame = 24 + PAGE
    with Journal(session.put(tmp_path)):
        pass  # What the log holds is in the file when it closes.
    content = (tmp_path / "s.tuilabel").read_bytes()
    victim = session.events[-1]
    place = content.index(victim.uuid.encode())
    damaged = bytearray(content)
    time = damaged.index(victim.time.encode(), place)
    damaged[time + 3] ^= 1
    # SQLite sees nothing of a log whose first frame is damaged; the last is whole.
    log = bytearray(session.log)
    log[32 + frame // 2] ^= 1
    path = tmp_path / "s.tuilabel"
    path.write_bytes(damaged)
    path.with_name(path.name + "-wal").write_bytes(log)
    done = repair(path)
    assert list(done.events) == session.events


@pytest.mark.parametrize("place", [18, 19])
def test_a_header_that_forbids_writing_is_refused_and_mended(tmp_path: Path, place: int) -> None:
    session = made(log=False)
    path = session.put(tmp_path)
    content = bytearray(session.content)
    content[place] ^= 8
    path.write_bytes(content)
    with pytest.raises(SessionFileError, match=r"is damaged.*tuilabel repair"):
        Journal(path)
    done = repair(path)
    assert done.problem is not None
    assert list(done.events) == session.events
    with Journal(path) as journal:
        journal.append(Draft(EventKind.SKIP, "item90"), ME)


# What is asked for.


def test_output_and_dry_run_leave_the_file_alone(tmp_path: Path) -> None:
    session = made(log=True)
    path = session.put(tmp_path)
    log = bytearray(session.log[:-100])
    log[len(log) // 2] ^= 1
    path.with_name(path.name + "-wal").write_bytes(log)
    before = files(tmp_path)
    done = repair(path, dry_run=True)
    assert (done.problem is None, done.written, done.kept) == (False, None, None)
    assert files(tmp_path) == before
    out = tmp_path / "out" / "new.tuilabel"
    out.parent.mkdir()
    done = repair(path, output=out)
    assert done.kept is None
    assert read_session(out)[1] == list(done.events) == session.events[:-1]
    assert {name: data for name, data in files_of(tmp_path).items() if name in before} == before
    with pytest.raises(SessionFileError, match="exists already"):
        repair(path, output=out)


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def test_what_is_given_has_to_be_what_it_is_about(tmp_path: Path) -> None:
    session = made(log=False)
    path = session.put(tmp_path)
    path.write_bytes(session.content[:-PAGE])
    with pytest.raises(UsageError, match=r"made with --source digits. Leave --source out"):
        repair(path, source="mnist")
    content = session.content
    for key in (b"class_names", b"source"):
        content = content.replace(key, b"?" * len(key))
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"labels of other classes: cat \(60\), dog \(2\)"):
        repair(path, source="digits", class_names=["bird"])


Holder = Callable[[Path], AbstractContextManager[Any]]


def test_a_file_that_is_being_labelled_in_is_refused(
    small_session: Path, held_by_another: Holder
) -> None:
    with held_by_another(small_session), pytest.raises(SessionLockedError, match="by process"):
        repair(small_session)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", bytes(9000), b"text\n" * 5000])
def test_what_is_no_session_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.tuilabel"
    path.write_bytes(content)
    with pytest.raises(SessionFileError, match="no events that could be recovered"):
        repair(path)
    assert files(tmp_path) == {"s.tuilabel": content}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET class_name = 'bird' WHERE seq = 5",
        "UPDATE event SET body = '[1' WHERE seq = 5",
        "UPDATE event SET time = 'noon' WHERE seq = 5",
        "UPDATE event SET ms = 1.5 WHERE seq = 5",
        "UPDATE event SET body = '{\"references\": 5}' WHERE seq = 5",
        "UPDATE event SET class_name = CAST(x'ff' AS TEXT) WHERE seq = 5",
    ],
)
def test_what_makes_no_sense_is_left_out_and_counted(tmp_path: Path, statement: str) -> None:
    session = made(log=False)
    path = session.put(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        (sql,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'event_is_never_changed'"
        ).fetchone()
        connection.execute("DROP TRIGGER event_is_never_changed")
        assert connection.execute(statement).rowcount == 1
        connection.execute(sql)
    done = repair(path)
    assert done.dropped == 1
    assert list(done.events) == [event for event in session.events if event.seq != 5]
    assert done.gaps == ((5, 5),)


def test_a_failure_on_the_way_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = made(log=False)
    path = session.put(tmp_path)
    path.write_bytes(session.content[:-PAGE])
    before = files(tmp_path)
    monkeypatch.setattr("tuilabel.journal.repair.read_session", lambda _: (INFO, []))
    with pytest.raises(SessionFileError, match="differs when it is read back"):
        repair(path)
    assert files(tmp_path) == before


def test_gaps_are_written_in_a_line() -> None:
    assert describe_gaps([(3, 3), (7, 9)]) == "3, 7 to 9"
    assert describe_gaps([(n, n) for n in range(12)]).endswith("9 and 2 more")


# Whatever happens to the files.


def outcome(content: bytes, log: bytes) -> list[Event]:
    """Repair whatever this is; only one kind of error may come."""
    with TemporaryDirectory() as folder:
        path = Made(content, log, []).put(Path(folder))
        try:
            done = repair(path, source=None)
        except (UsageError, SessionFileError):
            return []
        if done.written:
            assert read_session(path) == (done.info, list(done.events))
        return list(done.events)


places = st.integers(0, 10**6)


@settings(max_examples=60, deadline=None)
@given(log=st.booleans(), cut=places, zeros=st.lists(st.tuples(st.booleans(), places), max_size=4))
def test_nothing_comes_back_that_was_not_written(
    log: bool, cut: int, zeros: list[tuple[bool, int]]
) -> None:
    session = made(log=log)
    contents = [bytearray(session.content), bytearray(session.log)]
    for in_log, place in zeros:
        content = contents[in_log]
        if content:
            start = place % len(content) // 512 * 512
            content[start : start + 512] = bytes(len(content[start : start + 512]))
    del contents[log][cut % (2 * len(contents[log])) :]
    events = outcome(bytes(contents[0]), bytes(contents[1]))
    written = {json.dumps(event.uuid): event for event in session.events}
    assert all(written[json.dumps(event.uuid)] == event for event in events)


@settings(max_examples=60, deadline=None)
@given(log=st.booleans(), flips=st.lists(st.tuples(st.booleans(), places, st.integers(1, 255))))
def test_a_changed_byte_changes_no_more_than_its_own_event(
    log: bool, flips: list[tuple[bool, int, int]]
) -> None:
    session = made(log=log)
    contents = [bytearray(session.content), bytearray(session.log)]
    for in_log, place, mask in flips:
        if contents[in_log]:
            contents[in_log][place % len(contents[in_log])] ^= mask
    events = outcome(bytes(contents[0]), bytes(contents[1]))
    assert sum(event not in session.events for event in events) <= len(flips)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=9000), log=st.binary(max_size=9000))
def test_bytes_of_anything_are_refused(content: bytes, log: bytes) -> None:
    assert outcome(content, log) == []


def test_a_copy_of_the_damaged_file_opens_as_before(tmp_path: Path) -> None:
    session = made(log=True)
    path = session.put(tmp_path)
    log = bytearray(session.log)
    log[5000] ^= 255
    path.with_name(path.name + "-wal").write_bytes(log)
    kept = repair(path, now=NOW).kept
    assert kept is not None
    second = tmp_path / "second"
    second.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{kept}{suffix}", second / f"s.tuilabel{suffix}")
    assert list(repair(second / "s.tuilabel").events) == session.events
