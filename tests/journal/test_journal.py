"""A session on disk: logs of several processes, whatever happens to them."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.journal.sessions import ABOUT, answers, label, read, session, the_log, written
from tuilabel import durable_files
from tuilabel.errors import SaveError, SessionFileError
from tuilabel.events.lines import LONGEST_LINE, Event, decode, encode, sealed
from tuilabel.events.payloads import (
    About,
    Adopted,
    Batch,
    Begin,
    Bulk,
    BulkLine,
    Ended,
    Undo,
)
from tuilabel.journal import store as store_module
from tuilabel.journal.description import create_session, is_session
from tuilabel.journal.journal import Journal
from tuilabel.journal.reader import Reader
from tuilabel.runs import is_running, this_run
from tuilabel.small_files import open_regular
from tuilabel.workspace.checking import check_session


def ids(events: list[Event]) -> list[str]:
    return [event.id for event in events]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = session(tmp_path)
    events = written(path, 3)
    found, problems = read(path)
    assert [event[:7] for event in found] == [event[:7] for event in events]
    assert problems == []
    assert Reader(path).about == ABOUT


def test_looking_writes_nothing(tmp_path: Path) -> None:
    path = session(tmp_path)
    with Journal(path, "anna", "/x") as journal:
        journal.read()
    assert list((path / "log").iterdir()) == []


def test_a_log_begins_with_who_wrote_it_and_ends_with_its_run(tmp_path: Path) -> None:
    path = session(tmp_path)
    written(path, 1, by="Ánna ../x")
    first, *_, last = Reader(path).read()
    assert isinstance(first.payload, Begin)
    assert first.payload.annotator == "Ánna ../x"
    assert first.payload.pid == os.getpid()
    assert isinstance(last.payload, Ended)
    assert "/" not in the_log(path).stem
    assert the_log(path).stem.isascii()


def test_everybody_reads_everybody_and_order_is_one(tmp_path: Path) -> None:
    path = session(tmp_path)
    anna, bob = (Journal(path, by, "/x") for by in ("anna", "bob"))
    of_anna = anna.append([label(1)], "anna")
    assert ids(answers(bob.read())) == ids(of_anna)
    of_bob = bob.append([label(2), label(3)], "bob")
    assert ids(answers(anna.read())) == ids(of_bob)
    assert anna.read() == []
    more = anna.append([label(4)], "anna")
    assert [event.t for event in (*of_anna, *of_bob, *more)] == sorted(
        {event.t for event in (*of_anna, *of_bob, *more)}
    )
    assert ids(read(path)[0]) == ids([*of_anna, *of_bob, *more])


def test_a_process_that_was_killed_leaves_nothing_to_clean_up(tmp_path: Path) -> None:
    path = session(tmp_path)
    script = (
        "import os, sys, pathlib\n"
        "from tests.journal.sessions import label\n"
        "from tuilabel.journal.journal import Journal\n"
        "j = Journal(pathlib.Path(sys.argv[1]), 'bob', '/x')\n"
        "j.append([label(1)], 'bob'); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, path], check=False, cwd=Path(__file__).parents[2])
    reader = Reader(path)
    assert len(answers(reader.read())) == 1
    assert reader.is_over(the_log(path).stem)
    assert not reader.is_live(the_log(path).stem)
    assert len(written(path, 2, first=5)) == 2


def test_a_desk_is_live_until_its_log_has_not_grown_for_ten_minutes(tmp_path: Path) -> None:
    path, now = session(tmp_path), 0.0
    reader = Reader(path, lambda: now)
    with Journal(path, "bob", "/x") as journal:
        journal.append([label(1)], "bob")
        log = the_log(path).stem
        reader.read()
        assert reader.is_live(log)
        now = 599.0
        assert reader.is_live(log)
        now = 601.0
        assert not reader.is_live(log)
        journal.append([label(2)], "bob")
        reader.read()
        assert reader.is_live(log)
    reader.read()
    assert not reader.is_live(log)


def test_a_log_that_is_empty_when_it_is_first_seen_is_read_at_the_next_look(tmp_path: Path) -> None:
    path = session(tmp_path)
    events = written(path, 1)
    content = the_log(path).read_bytes()
    the_log(path).write_bytes(b"")
    reader = Reader(path)
    assert reader.read() == []
    the_log(path).write_bytes(content)
    assert ids(answers(reader.read())) == ids(events)


# Damage.


@settings(max_examples=60)
@given(st.data())
def test_any_damage_to_a_log_is_noticed_and_everything_else_counts(data: st.DataObject) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = session(Path(folder))
        events = written(path, 6)
        log = the_log(path)
        lines = log.read_bytes().splitlines(keepends=True)
        which = data.draw(st.integers(1, len(lines) - 1))
        match data.draw(st.sampled_from(["flip", "remove", "swap", "repeat", "zeros"])):
            case "flip":
                place = data.draw(st.integers(0, len(lines[which]) - 2))
                changed = bytearray(lines[which])
                changed[place] ^= data.draw(st.integers(1, 255))
                lines[which] = bytes(changed)
            case "remove" if which < len(lines) - 1:
                del lines[which]
            case "swap" if which > 1:
                lines[which], lines[which - 1] = lines[which - 1], lines[which]
            case "repeat":
                lines.insert(which, lines[which])
            case _:
                lines[which] = bytes(len(lines[which]) - 1) + b"\n"
        log.write_bytes(b"".join(lines))
        found, problems = read(path)
        assert set(ids(found)) <= set(ids(events))
        assert len(found) >= len(events) - 2
        assert problems
        assert all(problem.startswith("log/") for problem in problems)


def test_a_last_line_counts_without_its_newline_but_not_if_it_is_cut(tmp_path: Path) -> None:
    path = session(tmp_path)
    journal = Journal(path, "anna", "/x")
    events = [journal.append([label(n)], "anna")[0] for n in range(3)]
    log = the_log(path)
    whole = log.read_bytes()
    log.write_bytes(whole[:-1])
    reader = Reader(path)
    assert ids(answers(reader.read())) == ids(events)
    log.write_bytes(whole)
    assert reader.read() == []
    log.write_bytes(whole[:-10])
    reader = Reader(path)
    assert ids(answers(reader.read())) == ids(events[:2])
    assert reader.problems == [], "it may still be written"
    log.write_bytes(whole)
    assert ids(reader.read()) == ids(events[2:]), "a log that grows is read again"


def test_lines_out_of_order_count_and_are_reported(tmp_path: Path) -> None:
    path = session(tmp_path)
    events = written(path, 6)
    begin, *lines = the_log(path).read_bytes().splitlines(keepends=True)
    the_log(path).write_bytes(b"".join([*reversed(lines), lines[0], begin]))
    found, problems = read(path)
    assert ids(found) == ids(events)
    assert any("repeated or out of order" in problem for problem in problems)
    about = About(uuid="other", source="digits")
    shutil.copy(the_log(path), session(tmp_path, "other", about) / "log")
    found, problems = read(tmp_path / "other.tuilabel")
    assert found == []
    assert any("belongs to another session" in problem for problem in problems)


def test_half_a_first_line_is_reported(tmp_path: Path) -> None:
    path = session(tmp_path)
    written(path, 1)
    the_log(path).write_bytes(the_log(path).read_bytes()[:100])
    assert any("incomplete (100 bytes)" in problem for problem in read(path)[1])


def test_an_undamaged_copy_beside_the_damaged_log_heals_the_session(tmp_path: Path) -> None:
    path = session(tmp_path)
    events = written(path, 5)
    log = the_log(path)
    shutil.copy(log, log.with_name("copy.jsonl"))
    log.write_bytes(log.read_bytes().replace(b'"ms":3', b'"ms":4'))
    assert ids(read(path)[0]) == ids(events)


def test_a_removed_or_shortened_log_is_noticed_where_another_has_seen_it(tmp_path: Path) -> None:
    path = session(tmp_path)
    written(path, 3, by="anna")
    log = the_log(path)
    with Journal(path, "bob", "/x") as bob:
        bob.read()
        bob.append([label(9)], "bob")
    whole = log.read_bytes()
    log.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    assert any("has 2 events" in problem for problem in read(path)[1])
    log.unlink()
    assert any("is missing" in problem for problem in read(path)[1])


def test_events_of_one_id_are_one_and_a_difference_is_reported(tmp_path: Path) -> None:
    path = session(tmp_path)
    written(path, 1)
    log = the_log(path)
    lines = log.read_bytes().splitlines()
    event = decode(lines[1], "x")
    other = event._replace(payload=label(77))
    log.with_name("other.jsonl").write_bytes(lines[0] + b"\n" + encode(other))
    found, problems = read(path)
    assert len(found) == 1
    assert any("has the id of another event" in problem for problem in problems)


def test_a_lost_description_is_taken_from_a_log(tmp_path: Path) -> None:
    path = session(tmp_path)
    events = written(path, 2)
    for content in (None, b"", b"{}", b'{"uuid":"other"}', bytes(100)):
        (path / "session.json").unlink(missing_ok=True)
        if content is not None:
            (path / "session.json").write_bytes(content)
        found, problems = read(path)
        assert ids(found) == ids(events)
        assert any("session.json" in problem for problem in problems)
    assert Reader(path).about == ABOUT
    the_log(path).unlink()
    with pytest.raises(SessionFileError, match="no log can replace it"):
        Reader(path)


def _link(log: Path) -> None:
    target = log.parent.parent / "target"
    log.rename(target)
    log.symlink_to(target)


def _fifo(log: Path) -> None:
    log.unlink()
    os.mkfifo(log)


def _directory(log: Path) -> None:
    log.unlink()
    log.mkdir()


def _sparse(log: Path) -> None:
    with log.open("r+b") as file:
        file.truncate(2**32)


def _long_lines(log: Path) -> None:
    with log.open("ab") as file:
        for _ in range(3):
            file.write(b"x" * (5 * LONGEST_LINE) + b"\n")


def _newer(log: Path) -> None:
    with log.open("ab") as file:
        file.write(b'{"kind":"?"}\n')


def _clock_of_2099(log: Path) -> None:
    content = log.read_bytes().splitlines()
    event = decode(content[1], "x")._replace(id="z", n=99, at="2099-01-01T00:00:00+00:00")
    with log.open("ab") as file:
        file.write(encode(event))


def _high_counter(log: Path) -> None:
    content = log.read_bytes().splitlines()[1][:-18]
    with log.open("ab") as file:
        file.write(sealed(content.replace(b'"t":', b'"t":1152921504606846976') + b"}"))


HOSTILE = [_link, _fifo, _directory, _sparse, _long_lines, _newer, _clock_of_2099, _high_counter]


@pytest.mark.parametrize("damage", HOSTILE)
def test_whatever_lies_in_place_of_a_log_harms_nothing_else(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = session(tmp_path)
    written(path, 2, by="bob")
    log = the_log(path)
    kept = written(path, 3, by="anna", first=10)
    damage(log)
    found, problems = read(path)
    assert set(ids(kept)) <= set(ids(found))
    assert problems
    assert all(problem.isprintable() for problem in problems)
    assert len(written(path, 2, by="cleo", first=20)) == 2


def test_foreign_files_in_a_session_are_passed_over_and_named(tmp_path: Path) -> None:
    path = session(tmp_path)
    events = written(path, 2)
    (path / "log" / "notes.txt").write_text("x")
    (path / "log" / "\x1b]0;x\x07.jsonl").write_text("x\n")
    found, problems = read(path)
    assert ids(found) == ids(events)
    assert any("notes.txt" in problem for problem in problems)
    assert all(problem.isprintable() for problem in problems)


def test_the_logs_of_another_session_do_not_count_until_it_is_adopted(tmp_path: Path) -> None:
    path, other = session(tmp_path), session(tmp_path, "o", About(uuid="other", source="digits"))
    ours, theirs = written(path, 1), written(other, 2, by="bob", first=5)
    shutil.copy(the_log(other), path / "log")
    found, problems = read(path)
    assert ids(found) == ids(ours)
    assert any("belongs to another session" in problem for problem in problems)
    with Journal(path, "anna", "/x") as journal:
        journal.append([Adopted("other")], "anna")
    found, problems = read(path)
    assert set(ids(found)) == set(ids(ours + theirs))
    assert problems == []
    adopting = the_log_of(path, Adopted)
    written(path, 1, first=8)
    adopting.unlink()
    assert set(ids(found)) < set(ids(read(path)[0])), "a later log says so too"


def the_log_of(path: Path, kind: type[object]) -> Path:
    (event,) = (event for event in Reader(path).read() if isinstance(event.payload, kind))
    return path / "log" / f"{event.log}.jsonl"


def test_a_closed_log_is_never_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = session(tmp_path)
    written(path, 1, by="anna")
    with Journal(path, "bob", "/x") as journal:
        journal.append([label(3)], "bob")
        reader, opened = Reader(path), []
        assert len(answers(reader.read())) == 2

        def noted(file: Path, **more: bool) -> int:
            opened.append(file.stem)
            return open_regular(file, **more)

        monkeypatch.setattr(store_module, "open_regular", noted)
        journal.append([label(4)], "bob")
        assert len(answers(reader.read())) == 1
        assert set(opened) == {the_log_of_bob(path)}


def the_log_of_bob(path: Path) -> str:
    (log,) = (path / "log").glob("*-bob-*.jsonl")
    return log.stem


def test_a_run_is_over_once_its_process_is_gone_whoever_has_its_number() -> None:
    run = this_run()
    assert is_running(run)
    assert not is_running(run._replace(started=run.started + 1)), "the number was used again"
    assert not is_running(run._replace(boot="another")), "the computer was started again"
    assert is_running(run._replace(host="elsewhere", boot="another", pid=2**22)), "nobody knows"


# Writing.


def test_names_of_new_files_are_on_disk_before_what_is_in_them_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    for module in (durable_files, store_module):
        monkeypatch.setattr(module, "sync_directory", lambda folder: synced.append(folder.name))
    path = session(tmp_path)
    assert len([name for name in synced if name.startswith(".s.tuilabel.")]) == 1
    assert synced[-1] == tmp_path.name
    journal = Journal(path, "anna", "/x")
    synced.clear()
    journal.append([label(1)], "anna")
    assert synced == ["log", tmp_path.name]
    journal.append([label(2)], "anna")
    assert len(synced) == 2, "once"


def test_a_used_up_counter_is_named_and_nothing_is_acknowledged(tmp_path: Path) -> None:
    path = session(tmp_path)
    written(path, 1)
    content = the_log(path).read_bytes().splitlines()
    event = decode(content[1], "x")._replace(id="z", n=50, t=2**52)
    with the_log(path).open("ab") as file:
        file.write(encode(event))
    journal = Journal(path, "bob", "/x")
    journal.read()
    with pytest.raises(SaveError, match=r"used up by log/.*line 4"):
        journal.append([label(1)], "bob")


@pytest.mark.parametrize("failing", ["short", "write", "fdatasync"])
def test_after_a_failed_write_the_same_key_counts_once_and_another_replaces_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = session(tmp_path)
    journal = Journal(path, "anna", "/x")
    journal.append([label(1)], "anna")
    real_write = os.write

    class Broken:
        def __getattr__(self, name: str) -> object:
            return getattr(os, name)

        def write(self, descriptor: int, content: bytes) -> int:
            if failing == "write":
                raise OSError(28, "No space left on device")
            return real_write(descriptor, content[:36] if failing == "short" else content)

        def fdatasync(self, descriptor: int) -> None:
            raise OSError(5, "Input/output error")

    with monkeypatch.context() as context:
        context.setattr(store_module, "os", Broken())
        for _ in range(2):
            with pytest.raises(SaveError, match="Not saved"):
                journal.append([label(2)], "anna")
    (again,) = journal.append([label(2)], "anna")
    found, _ = read(path)
    assert [event.payload for event in found].count(label(2)) == 1
    with monkeypatch.context() as context:
        context.setattr(store_module, "os", Broken())
        with pytest.raises(SaveError):
            journal.append([label(3)], "anna")
    (other,) = journal.append([label(4)], "anna")
    found, _ = read(path)
    assert other.t > max(event.t for event in found if event.id != other.id)
    assert again.id in ids(found)
    assert len(list((path / "log").iterdir())) >= 3, "a log is never appended to after a failure"


def test_a_key_pressed_again_later_is_the_same_event_whatever_follows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = session(tmp_path)
    journal = Journal(path, "anna", "/x")
    journal.append([label(1)], "anna")

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as context:
        context.setattr(os, "fdatasync", fail)
        with pytest.raises(SaveError):
            journal.append([replace(label(2), ms=100), Batch(round=2, items=())], "anna")
    reached = Reader(path).read()
    later = [replace(label(2), ms=900), Batch(round=2, items=(), place=1)]
    again, batch = journal.append(later, "anna")
    found = Reader(path).read()
    assert [e.id for e in found if e.payload == replace(label(2), ms=100)] == [again.id]
    assert found[-1].id == batch.id
    assert batch.t > max(event.t for event in reached)
    (after,) = journal.append([label(3)], "anna")
    assert after.t > batch.t


@pytest.mark.parametrize("also_fails", [False, True])
def test_a_key_pressed_again_after_a_ranking_is_the_same_event_but_once_saved_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, also_fails: bool
) -> None:
    path = session(tmp_path)
    journal = Journal(path, "anna", "/x")
    journal.append([label(1)], "anna")

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as context:
        context.setattr(os, "fdatasync", fail)
        with pytest.raises(SaveError):
            journal.append([label(2), Batch(round=2, items=())], "anna")
        (doubtful,) = answers(Reader(path).read())[1:]
        if also_fails:
            with pytest.raises(SaveError):
                journal.append([Batch(round=1, items=())], "anna")
    if not also_fails:
        journal.append([Batch(round=1, items=())], "anna")
    again, batch = journal.append([label(2), Batch(round=2, items=())], "anna")
    assert again.id == doubtful.id
    found = Reader(path).read()
    assert [event.id for event in answers(found)[1:]] == [again.id]
    assert found[-1].id == batch.id, "the batch comes after the ranking"
    (third,) = journal.append([label(2)], "anna")
    assert (third.id != again.id, third.t > batch.t) == (True, True)


def test_a_session_that_was_removed_or_replaced_takes_no_more_answers(tmp_path: Path) -> None:
    path = session(tmp_path)
    journal = Journal(path, "anna", "/x")
    journal.append([label(1)], "anna")
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(SaveError, match="Not saved"):
        journal.append([label(2)], "anna")
    session(tmp_path, about=About(uuid="another", source="digits"))
    # A session that was put in its place is not written to before it was read.
    with pytest.raises(SaveError, match="Not saved"):
        journal.append([label(2)], "anna")


def test_a_session_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = session(tmp_path)
        written(path, 1)
    finally:
        os.umask(before)
    for found in (path, *path.rglob("*")):
        assert found.stat().st_mode & 0o077 == 0, found


def test_of_two_that_create_a_session_one_opens_that_of_the_other(tmp_path: Path) -> None:
    path = session(tmp_path)
    written(path, 1)
    assert not create_session(path, About(uuid="late", source="digits"))
    assert Reader(path).about == ABOUT
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [None, b"SQLite format 3\0" + bytes(100), b"text", "folder"])
def test_what_is_no_session_has_a_sentence(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "x.tuilabel.old"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.mkdir()
    with pytest.raises(SessionFileError) as found:
        Reader(path)
    assert not is_session(path)
    assert str(found.value).endswith((".", "`."))
    if isinstance(content, bytes):
        assert path.read_bytes() == content
        assert ("tuilabel import" in str(found.value)) == content.startswith(b"SQLite")


def test_a_bulk_file_counts_only_as_it_was_written(tmp_path: Path) -> None:
    path = session(tmp_path)
    lines = [BulkLine(item=f"{n}", class_id="c1:x", probability=0.5) for n in range(3)]
    with Journal(path, "anna", "/x") as journal:
        name, sha256, count = journal.write_bulk(lines)
        bulk = Bulk(file=name, sha256=sha256, count=count, origin="auto")
        journal.append([bulk], "anna")
        assert journal.bulk_lines(bulk) == lines
    (path / "bulk" / name).write_bytes(b"changed")
    reader = Reader(path)
    assert list(reader.bulk_lines(bulk)) == []
    assert any("its labels do not count" in str(problem) for problem in reader.problems)
    ((file, _, text),) = check_session(path)["problems"]
    assert (file, text) == (
        f"bulk/{name}",
        "its content is not what was written; its labels do not count",
    )


def test_the_report_of_a_check(tmp_path: Path) -> None:
    path = session(tmp_path)
    written(path, 2)
    found = check_session(path)
    assert found["problems"] == []
    assert [log["annotator"] for log in found["logs"]] == ["anna"]
    the_log(path).write_bytes(the_log(path).read_bytes().replace(b'"ms":1', b'"ms":2'))
    ((file, line, text),) = check_session(path)["problems"]
    assert (file, line) == (f"log/{the_log(path).name}", 3)
    assert "checksum" in text


# Whatever lies there.


def hostile_log(rng: random.Random) -> bytes:
    """Return lines that are right, wrong and in between."""
    lines: list[bytes] = []
    for number in range(rng.randrange(1, 12)):
        payload = rng.choice([label(number), Undo(f"{number}"), Ended(), Adopted("x")])
        t = rng.choice([number + 1, 1, 2**52, rng.randrange(1, 2**52)])
        at = "2026-11-27T00:00:00+00:00"
        event = Event(f"{rng.randrange(20)}", rng.randrange(1, 20), t, at, "bob", payload)
        content = bytearray(encode(event))
        match rng.randrange(8):
            case 0:
                content = content[: rng.randrange(len(content))] + b"\n"
            case 1:
                content[rng.randrange(len(content))] = rng.randrange(256)
            case 2:
                part = rng.choice([b'"bob"', b'"t":', b'"kind":"', b'"payload":', b"2026", b'"n":'])
                other = rng.choice(
                    [b'"\\u001b]0;x"', b"1e999", b"{}", b"-7", b"null", b'"', b"\xff"]
                )
                content = bytearray(sealed(bytes(content)[:-19].replace(part, other) + b"}"))
            case 3:
                content = bytearray(rng.randbytes(rng.randrange(60)) + b"\n")
        lines.append(bytes(content))
    return b"".join(lines)


def test_no_log_ends_the_reader(tmp_path: Path) -> None:
    path, rng = session(tmp_path), random.Random(7)
    kept = ids(written(path, 2))
    log = path / "log" / "hostile.jsonl"
    for _ in range(int(os.environ.get("TUILABEL_TEST_LOGS", "500"))):
        log.write_bytes(hostile_log(rng))
        found, problems = read(path)
        assert set(kept) <= set(ids(found))
        assert all(problem.isprintable() for problem in problems)
