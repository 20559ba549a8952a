"""Writing to a session, and reading what others write."""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.journal.folders import (
    ABOUT,
    OTHER,
    begin_line,
    everything,
    items,
    label,
    new_session,
    put,
    raw_line,
    texts,
)
from tuilabel.errors import SaveError, SessionFileError
from tuilabel.journal import files
from tuilabel.journal.folder import create_session, is_session, read_about
from tuilabel.journal.journal import Journal
from tuilabel.journal.lines import MAX_COUNTER, Event, is_whole
from tuilabel.journal.payloads import (
    AUTO_ORIGIN,
    Adopted,
    Batch,
    Begin,
    Bulk,
    BulkLine,
    Ended,
    Skip,
)

UTC_NAME = re.compile(r"\d{8}T\d{6}Z-[a-z0-9-]{1,20}-[a-z0-9-]{1,20}-[0-9a-f]{4}\.jsonl")
BULK = Bulk(file="", sha256="", count=0, origin=AUTO_ORIGIN)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a new session."""
    return new_session(tmp_path / "s.tuilabel")


def logs(path: Path) -> list[Path]:
    return sorted((path / "log").iterdir())


class Clock:
    """A monotonic clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_session_is_plain_files(path: Path) -> None:
    assert is_session(path)
    assert json.loads((path / "session.json").read_text())["uuid"] == ABOUT.uuid
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    with Journal(path, "Ännä / \x1b[31m" + "x" * 99, "/data/photos") as journal:
        assert not list(journal.read())
        assert not logs(path), "looking writes nothing"
        journal.append(label())
        (log,) = logs(path)
        assert UTC_NAME.fullmatch(log.name)
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
        begin, first = map(json.loads, log.read_text().splitlines())
        assert (begin["n"], begin["kind"], first["n"], first["kind"]) == (1, "begin", 2, "label")
        assert begin["payload"]["about"]["uuid"] == ABOUT.uuid
        assert begin["payload"]["source"] == "/data/photos"
        assert begin["payload"]["host"] == socket.gethostname()
        assert "\x1b" not in log.read_text()
        assert not journal.runs[journal.run].has_ended
    assert [event.kind for event in everything(path)] == ["begin", "label", "ended"]
    assert all(is_whole(line) for line in log.read_bytes().splitlines())


def test_a_journal_that_only_reads_leaves_nothing(path: Path) -> None:
    with Journal(path, "anna") as journal:
        list(journal.read())
    assert not logs(path)


def test_an_event_is_synced_before_append_returns(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[bool, bytes]] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append((is_folder, b"".join(log.read_bytes() for log in logs(path))))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    journal = Journal(path, "anna")
    for name in ("f1:first", "f1:second"):
        journal.append(label(name))
        assert name.encode() in synced[-1][1]
    assert [is_folder for is_folder, _ in synced] == [False, True, False]


def test_two_runs_see_each_other_in_one_order(path: Path) -> None:
    anna, bob = Journal(path, "anna"), Journal(path, "bob")
    written = []
    for place in range(4):
        for journal in (anna, bob):
            theirs = list(journal.read())
            assert all(event.by != journal.annotator for event in theirs)
            written.append(journal.append(label(f"f1:{place}{journal.annotator}")))
    assert all(before.t < after.t for before, after in pairwise(written))
    found = [event for event in everything(path) if event.kind == "label"]
    assert found == written
    assert found[0].log == anna.run
    assert anna.event(written[0].id) == written[0] == bob.event(written[0].id)
    assert anna.event("0" * 32) is None


def test_events_written_together_are_in_one_write(path: Path) -> None:
    journal = Journal(path, "anna")
    found = journal.append_many([label("f1:a"), Skip(item="f1:b")], by="bob")
    assert [(event.n, event.by, event.kind) for event in found] == [
        (2, "bob", "label"),
        (3, "bob", "skip"),
    ]
    assert journal.append_many([]) == []


def fail(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Let the next call of one kind fail."""
    real = getattr(os, call)

    def failing(descriptor: int, *rest: bytes) -> int:
        monkeypatch.setattr(os, call, real)
        if call == "write":
            return int(real(descriptor, rest[0][: len(rest[0]) // 2]))
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, failing)


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("is_first", [False, True])
def test_a_log_is_left_for_good_when_a_write_to_it_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str, *, is_first: bool
) -> None:
    journal = Journal(path, "anna")
    if not is_first:
        journal.append(label("f1:a"))
    fail(monkeypatch, call)
    with pytest.raises(SaveError, match="Press the key again"):
        journal.append(label("f1:b", ms=5))
    (failed,) = logs(path)
    left = failed.read_bytes()
    again = journal.append(label("f1:b", ms=700))
    assert again.payload == label("f1:b", ms=5), "the same event is written"
    journal.append(label("f1:c"))
    assert failed.read_bytes() == left
    assert len(logs(path)) == 2
    runs = everything(path)
    begins = [event.payload for event in runs if isinstance(event.payload, Begin)]
    if not is_first:
        assert sorted(begin.after for begin in begins) == ["", failed.stem]
    assert sorted(items(runs)) == ["f1:a"] * (not is_first) + ["f1:b", "f1:c"]
    list(journal.read())
    assert not [event for event in journal.read() if event.kind == "label"]
    assert ("incomplete" in texts(journal)) == (call == "write")


def test_another_key_after_a_failure_is_a_later_event(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path, "anna")
    fail(monkeypatch, "fsync")
    with pytest.raises(SaveError):
        journal.append(label("f1:b"))
    skip = journal.append(Skip(item="f1:b"))
    (uncertain,) = [event for event in journal.read() if event.kind == "label"]
    assert uncertain.t < skip.t, "it was found whole, and the later one replaces it"


def test_no_log_can_be_made(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path, "anna")

    real = files.create

    def refuse(_: Path) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "create", refuse)
    with pytest.raises(SaveError, match="No space left"):
        journal.append(label())
    monkeypatch.setattr(files, "create", real)
    journal.append(label())
    assert items(everything(path)) == ["f1:a"]
    assert journal.lost() is None
    assert not texts(journal)


def test_a_log_that_was_removed_is_not_written_to(path: Path) -> None:
    journal = Journal(path, "anna")
    journal.append(label("f1:a"))
    logs(path)[0].unlink()
    with pytest.raises(SaveError, match="removed"):
        journal.append(label("f1:b"))
    journal.append(label("f1:b"))
    assert items(everything(path)) == ["f1:b"]
    assert "removed" in (journal.lost() or "")


def test_an_event_that_readers_would_refuse_is_not_written(path: Path) -> None:
    journal = Journal(path, "anna")
    with pytest.raises(SaveError, match="Not saved"):
        journal.append(label("x" * 99))
    assert not logs(path)
    journal.append(label("f1:a"))
    with pytest.raises(SaveError):
        journal.append(label("f1:a", ms=-1))
    journal.append(label("f1:b"))
    assert items(everything(path)) == ["f1:a", "f1:b"]
    assert len(logs(path)) == 1


def test_when_the_counters_are_used_up_the_line_is_named(path: Path) -> None:
    put(path, begin_line(), raw_line(2, MAX_COUNTER - 3))
    journal = Journal(path, "anna")
    journal.append(label())
    with pytest.raises(SaveError, match=r"eve\.jsonl, line 2.*counters"):
        journal.append_many([label(), label()])
    put(path, begin_line(), raw_line(2, MAX_COUNTER))
    with pytest.raises(SaveError, match=r"eve\.jsonl, line 2"):
        Journal(path, "bob").append(label())


def test_an_impossible_counter_stops_nobody(path: Path) -> None:
    put(path, begin_line(), raw_line(2, 2**60))
    journal = Journal(path, "anna")
    assert journal.append(label()).t < 10
    assert re.search(r"eve\.jsonl, line 2: the event is invalid: .*t", texts(journal))


def test_what_another_log_has_seen_is_missed(path: Path) -> None:
    anna, bob = Journal(path, "anna"), Journal(path, "bob")
    for place in range(3):
        anna.append(label(f"f1:{place}"))
    list(bob.read())
    assert bob.unrecorded() == {anna.run: 4}
    bob.append(Batch(round=1, items=(), seen=bob.unrecorded()))
    assert bob.unrecorded() == {}
    (log,) = (path / "log").glob("*anna*")
    whole = log.read_bytes()
    lines = whole.splitlines(keepends=True)
    for content, found in (
        (lines[:-1], "ends with event 3, but .*bob.* has seen its event 4"),
        (None, "missing, but .*bob.* has seen its event 4"),
    ):
        log.unlink()
        if content is not None:
            log.write_bytes(b"".join(content))
        clock = Clock()
        reader = Journal(path, monotonic=clock)
        list(reader.read())
        assert re.search(found, texts(reader))
        assert not reader.problems(patience=60), "it may become visible"
        clock.now = 61
        assert reader.problems(patience=60)
    log.with_stem("a-copy").write_bytes(whole)
    assert not Journal(path).problems()


def test_a_log_that_has_not_grown_is_read_later(path: Path) -> None:
    log = put(path, begin_line(), raw_line(2))
    put(path, begin_line(), raw_line(2), raw_line(3, 5, "ended", payload={}), name="closed")
    clock = Clock()
    journal = Journal(path, monotonic=clock)
    opened: list[str] = []
    real = os.open

    def spy(name: object, *rest: int, **more: int) -> int:
        opened.append(str(name))
        return real(name, *rest, **more)  # type: ignore[arg-type]

    list(journal.read())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", spy)
        for seconds, expected in ((1, 1), (3601, 1), (3630, 0), (3662, 1)):
            clock.now = seconds
            opened.clear()
            list(journal.read())
            assert [Path(name).name for name in opened] == ["eve.jsonl"] * expected
    assert max(run.grew for run in journal.runs.values()) == 0
    with log.open("ab") as file:
        file.write(raw_line(3))
    clock.now = 4000
    assert len(list(journal.read())) == 1
    assert max(run.grew for run in journal.runs.values()) == 4000


def test_the_end_of_a_growing_log(path: Path) -> None:
    third = raw_line(3, payload={"item": "f1:third", "class_id": "cat"})
    log = put(path, begin_line(), raw_line(2), third[:40])
    journal = Journal(path)
    assert len(items(list(journal.read()))) == 1
    assert not journal.problems(), "it may be half of a write"
    with log.open("ab") as file:
        file.write(third[40:-1])
    assert items(list(journal.read())) == ["f1:third"], "whole, but for its newline"
    with log.open("ab") as file:
        file.write(b"\n" + raw_line(4) + b"half")
    assert len(list(journal.read())) == 1
    assert not journal.problems()
    list(journal.read())
    assert "line 5: the last line is incomplete" in texts(journal)


def test_a_log_of_another_session_waits_to_be_adopted(path: Path) -> None:
    put(path, begin_line(), raw_line(2), begin_line(OTHER), raw_line(2), name="joined")
    put(path, begin_line(OTHER), raw_line(2), name="foreign")
    journal = Journal(path, "anna")
    assert len(items(list(journal.read()))) == 1
    assert texts(journal).count("another session") == 2
    assert "joined.jsonl, line 3" in texts(journal)
    assert journal.adopt(OTHER.uuid).payload == Adopted(uuid=OTHER.uuid)
    for reader in (journal, Journal(path)):
        found = list(reader.read())
        assert len(items(found)) == (2 if reader is journal else 3)
        assert not reader.problems()
    assert OTHER.uuid in journal.uuids


def test_a_session_adopted_by_an_event_alone_is_read_last(path: Path) -> None:
    put(path, begin_line(OTHER), raw_line(2), name="foreign")
    put(path, begin_line(), raw_line(5, 9, "adopted", payload={"uuid": OTHER.uuid}))
    assert [event.t for event in everything(path)] == [1, 9, 1, 2]


def test_one_thread_reads_while_another_appends(path: Path) -> None:
    journal, other = Journal(path, "anna"), Journal(path, "bob")
    found: list[Event] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            found.extend(journal.read())

    reader = threading.Thread(target=read)
    reader.start()
    written = [[side.append(label(f"f1:{n}")) for side in (journal, other)] for n in range(50)]
    done.set()
    reader.join()
    found += journal.read()
    assert [event for event in found if event.kind == "label"] == [pair[1] for pair in written]
    mine = [event.t for event, _ in written]
    assert mine == sorted(set(mine))


def test_events_with_one_id(path: Path) -> None:
    one, same = "1d" * 16, raw_line(2, 5, id="ee" * 16)
    put(path, begin_line(), same, raw_line(3, 9, id=one), name="a")
    other = {"item": "f1:other", "class_id": "cat"}
    put(path, begin_line(), same, same, raw_line(3, 8, id=one, payload=other), name="b")
    journal = Journal(path)
    found = [event for event in journal.read() if event.kind == "label"]
    assert items(found) == ["f1:a", "f1:other"], "the first in order counts"
    assert re.search(r"a\.jsonl: event 3 differs from event 3 in .*eve", texts(journal))
    assert "b.jsonl, line 3: event 2 is repeated" in texts(journal)


def test_a_damaged_description_is_taken_from_a_log(path: Path) -> None:
    with Journal(path, "anna") as journal:
        journal.append(label())
    about = path / "session.json"
    before = about.read_bytes()
    for content in (None, b"", before.replace(b"digits", b"mnist."), before[:20], b"\0" * 99):
        about.unlink(missing_ok=True)
        if content is not None:
            about.write_bytes(content)
        assert is_session(path)
        reader = Journal(path)
        assert reader.about == ABOUT
        assert len(items(list(reader.read()))) == 1
        assert "session.json: it " in texts(reader)
        assert about.exists() == (content is not None)


@pytest.mark.parametrize("kind", ["nothing", "file", "sqlite", "empty folder", "newer"])
def test_what_is_no_session(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s.tuilabel"
    expected = "is no session"
    if kind == "file":
        path.write_text("x")
    elif kind == "sqlite":
        path.write_bytes(b"SQLite format 3\0" + b"x" * 99)
        expected = "older tuilabel.*import"
    elif kind == "empty folder":
        path.mkdir()
    elif kind == "newer":
        import msgspec

        new_session(path, msgspec.structs.replace(ABOUT, format=2))
        expected = "newer tuilabel"
    assert is_session(path) == (kind == "newer")
    with pytest.raises(SessionFileError, match=expected):
        Journal(path)


def test_a_session_that_another_process_made_first_is_opened(path: Path) -> None:
    create_session(path, OTHER)
    assert read_about(path)[0] == ABOUT
    assert [entry.name for entry in path.parent.iterdir() if entry.name != "home"] == [path.name]
    with pytest.raises(SessionFileError, match="No session can be created"):
        create_session(path / "session.json", ABOUT)


def test_a_session_removed_or_replaced_while_open_is_noticed(path: Path) -> None:
    idle, journal = Journal(path, "bob"), Journal(path, "anna")
    journal.append(label("f1:a"))
    assert journal.lost() is None
    (log,) = logs(path)
    content = log.read_bytes()
    log.write_bytes(content[:-1])
    assert "removed or replaced" in (journal.lost() or "")
    log.write_bytes(content)
    assert journal.lost() is None
    path.rename(path.with_name("moved"))
    assert "no longer there" in (idle.lost() or "")
    new_session(path, OTHER)
    assert "Another session" in (journal.lost() or "")
    assert journal.save_copy(path.with_name("copy")) == []
    assert items(everything(path.with_name("copy"))) == ["f1:a"]


def test_bulk_files(path: Path) -> None:
    journal = Journal(path, "anna")
    lines = [
        BulkLine(item=f"f1:{place}", class_id="cat\x1b", names=("a\x1b",)) for place in range(3)
    ]
    event = journal.write_bulk(iter(lines), BULK)
    bulk = event.payload
    assert isinstance(bulk, Bulk)
    assert bulk.count == 3
    found = Journal(path).bulk_lines(bulk)
    assert [line.item for line in found] == ["f1:0", "f1:1", "f1:2"]
    assert (found[0].class_id, found[0].names) == ("cat␛", ("a\x1b",))
    (file,) = (path / "bulk").iterdir()
    content = file.read_bytes()
    for damaged in (content[:-1], content.replace(b"cat", b"dog"), None):
        file.unlink()
        if damaged is not None:
            file.write_bytes(damaged)
        with pytest.raises(SessionFileError, match=r"bulk/.*cannot be used"):
            journal.bulk_lines(bulk)
    hostile = Bulk(file="../session.json", sha256=bulk.sha256, count=1, origin="auto")
    with pytest.raises(SessionFileError):
        journal.bulk_lines(hostile)


def test_a_bulk_file_that_fails_is_not_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path, "anna")
    fail(monkeypatch, "fsync")
    for lines in ([BulkLine(item="f1:a", class_id="cat")], [BulkLine(item="x" * 99, class_id="")]):
        with pytest.raises(SaveError, match="Nothing is saved"):
            journal.write_bulk(lines, BULK)
    assert not list((path / "bulk").iterdir())
    assert not logs(path)


def test_a_run_whose_process_is_gone_has_ended(path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from tuilabel.journal.journal import Journal\n"
    )
    code += "from tuilabel.journal.payloads import Skip\n"
    code += "Journal(Path(sys.argv[1]), 'anna').append(Skip(item='f1:a'))\n"
    code += "print(flush=True); sys.stdin.read(1); os._exit(0)"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        journal = Journal(path)
        list(journal.read())
        (run,) = journal.runs.values()
        assert not run.has_ended
        process.communicate(b"x")
    assert run.has_ended
    assert not run.is_closed
    put(path, begin_line(), raw_line(2))
    list(journal.read())
    assert [run.has_ended for run in journal.runs.values()] == [True, False], "another host"


def test_the_closing_event_says_what_was_read(path: Path) -> None:
    put(path, begin_line(), raw_line(2))
    with Journal(path, "anna", clock=lambda: datetime(2026, 1, 2, tzinfo=UTC)) as journal:
        list(journal.read())
        (name,) = journal.runs
        journal.append(label())
    last = everything(path)[-1]
    assert last.payload == Ended(seen={name: 2})
    assert last.log.startswith("20260102T000000Z-anna-")
