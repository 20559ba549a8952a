"""What may lie in place of a log, or in a log: each is one sentence, and harms nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.journal.sessions import answers, label, read, session, the_log, written
from tuilabel import durable_files
from tuilabel.durable_files import write_whole
from tuilabel.events.lines import decode, encode
from tuilabel.events.payloads import AUTO_ORIGIN, About, Bulk, BulkLine
from tuilabel.journal import store as store_module
from tuilabel.journal.description import create_session
from tuilabel.journal.journal import Journal
from tuilabel.journal.reader import Reader
from tuilabel.journal.store import FolderStore


def test_lines_that_are_damaged_in_any_way_are_named_and_the_others_count(tmp_path: Path) -> None:
    path = session(tmp_path)
    events = written(path, 4)
    begin, *lines = the_log(path).read_bytes().splitlines(keepends=True)
    long = b'{"x":"' + b"y" * 2**21 + b'"}\n'
    whole = [
        begin,
        lines[0],
        b"\n",
        b"\0" * 9000 + b"\n",
        b"\xff\xfe\n",
        lines[1],
        long,
        *lines[2:],
    ]
    the_log(path).write_bytes(b"".join(whole))
    found, problems = read(path)
    assert [event.id for event in found] == [event.id for event in events]
    assert [problem.split(": ")[0].rpartition(" ")[2] for problem in problems] == list("3457")
    assert "longer than a line may be" in problems[-1]


def test_a_bulk_file_that_grew_is_not_kept_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sizes, real = session(tmp_path), [], FolderStore.read
    with Journal(path, "anna", "/x") as journal:
        file, sha256, count = journal.write_bulk([BulkLine(item="i", class_id="c")])
    bulk = Bulk(file=file, sha256=sha256, count=count, origin=AUTO_ORIGIN)
    assert len(Reader(path).bulk_lines(bulk)) == 1

    def read_part(self: FolderStore, name: str, offset: int, size: int) -> bytes:
        sizes.append(size)
        return real(self, name, offset, size)

    monkeypatch.setattr(FolderStore, "read", read_part)
    os.truncate(path / "bulk" / file, 2**24)
    reader = Reader(path)
    assert reader.bulk_lines(bulk) == []
    assert "its content is not what was written" in str(reader.problems[0])
    assert max(sizes) <= 2**20


def test_thousands_of_damaged_lines_are_not_all_kept(tmp_path: Path) -> None:
    path = session(tmp_path)
    written(path, 2)
    with the_log(path).open("ab") as file:
        file.write(b"x\n" * 30_000)
    assert len(read(path)[1]) == 1001


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_log_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = session(tmp_path)
    written(path, 2)
    the_log(path).chmod(0)
    assert "it cannot be read (Permission denied), so it does not count" in read(path)[1][0]


def test_a_log_that_becomes_shorter_or_goes_is_named(tmp_path: Path) -> None:
    path = session(tmp_path)
    journal = Journal(path, "bob", "/x")
    journal.append([label(1), label(2)], "bob")
    log = the_log(path)
    reader = Reader(path)
    assert len(answers(reader.read())) == 2
    log.write_bytes(log.read_bytes()[:-200])
    assert reader.read() == []
    assert any("become shorter" in str(problem) for problem in reader.problems)
    log.unlink()
    assert reader.read() == []
    assert any("removed while the session was open" in str(problem) for problem in reader.problems)


def test_a_damaged_log_beside_a_whole_copy_is_healed_and_the_copy_named(tmp_path: Path) -> None:
    path = session(tmp_path)
    events = written(path, 5)
    log = the_log(path)
    whole = log.read_bytes()
    log.with_name("copy.jsonl").write_bytes(whole)
    for damaged in (whole[:300], whole[40:], whole.replace(b'"ms":3', b'"ms":4'), b"?\n" * 3):
        log.write_bytes(damaged)
        found, problems = read(path)
        assert [event.id for event in found] == [event.id for event in events]
        assert problems
        assert all("nothing is lost, since log/copy.jsonl is a whole" in one for one in problems)
    log.unlink()
    found, problems = read(path)
    assert (len(found), problems) == (5, [])


def test_a_hostile_number_does_not_stop_others_from_saving(tmp_path: Path) -> None:
    path = session(tmp_path)
    written(path, 1)
    event = decode(the_log(path).read_bytes().splitlines()[1], "")
    with the_log(path).open("ab") as file:
        file.write(encode(event._replace(id="z", n=2**60)))
    journal = Journal(path, "bob", "/x")
    journal.read()
    journal.append([label(3)], "bob")
    journal.close()
    assert len(read(path)[0]) == 2


def test_an_event_is_read_from_its_place_again(tmp_path: Path) -> None:
    path = session(tmp_path)
    written(path, 300)
    journal = Journal(path, "bob", "/x")
    events = [*journal.read(), *journal.append([label(900), label(901)], "bob")]
    for event in events:
        assert journal.event(event.place) == event
    shutil.rmtree(path / "log")
    reader = Reader(session(tmp_path, "other"))
    assert reader.read() == []
    # What this run wrote is in memory; a file that is gone is no crash.
    assert journal.event(events[-1].place) == events[-1]
    journal._reader._pages.clear()
    assert journal.event(events[0].place) is None


def test_a_name_that_is_taken_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = session(tmp_path)
    real, taken = store_module.create_file, []

    def once_taken(log: Path) -> int:
        if not taken:
            taken.append(log)
            log.write_bytes(b"another process's\n")
        return real(log)

    monkeypatch.setattr(store_module, "create_file", once_taken)
    events = written(path, 1)
    assert taken[0].read_bytes() == b"another process's\n"
    assert [event.id for event in read(path)[0]] == [event.id for event in events]


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path: Path) -> None:
    about = About(uuid="x", source="digits")
    path = tmp_path / "s.tuilabel"
    old, new, other = (
        tmp_path / f".{name}.new"
        for name in ("s.tuilabel." + "a" * 32, "s.tuilabel." + "b" * 32, "s.tuilabel.notes")
    )
    for left in (old, new, other):
        (left / "log").mkdir(parents=True)
        write_whole(left / "session.json", [b"x"])
        if left is not new:
            os.utime(left, (1, 1))
    assert create_session(path, about)
    assert (old.exists(), new.exists(), other.exists()) == (False, True, True)
    half = path / "bulk" / f".{'c' * 32}.jsonl.new"
    half.write_bytes(b"x")
    os.utime(half, (1, 1))
    with Journal(path, "anna", "") as journal:
        journal.write_bulk([BulkLine(item="i", class_id="c")])
    assert not half.exists()


def test_the_folders_above_a_new_session_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(durable_files, "sync_directory", synced.append)
    create_session(tmp_path / "a" / "b" / "s.tuilabel", About(uuid="x", source="digits"))
    assert {tmp_path, tmp_path / "a", tmp_path / "a" / "b"} <= set(synced)
