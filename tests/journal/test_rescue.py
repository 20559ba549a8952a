"""A session that is removed or replaced while it is open."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journal.sessions import ABOUT, answers, label, read, session, the_log, written
from tuilabel.errors import SessionFileError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import AUTO_ORIGIN, About, Bulk, BulkLine
from tuilabel.journal import rescue
from tuilabel.journal.journal import Journal
from tuilabel.journal.reader import Reader
from tuilabel.journal.store import FILE, FolderStore


def remove(path: Path) -> None:
    shutil.rmtree(path)


def move(path: Path) -> None:
    path.rename(path.with_name("moved.tuilabel"))


def replace(path: Path) -> None:
    shutil.rmtree(path)
    session(path.parent, path.stem, About(uuid="another", source="digits"))


def restore_an_older_copy(path: Path) -> None:
    for log in (path / "log").iterdir():
        log.unlink()


def cut(path: Path) -> None:
    for log in (path / "log").iterdir():
        log.write_bytes(log.read_bytes()[:-10])


def write_over(path: Path) -> None:
    for log in (path / "log").iterdir():
        log.write_bytes(log.read_bytes()[::-1])


DAMAGE = [remove, move, replace, restore_an_older_copy, cut, write_over]


def of_three(path: Path) -> tuple[Journal, list[Event]]:
    """Return a session that three have written to, open at the third one's desk."""
    events = [*written(path, 3, "anna"), *written(path, 2, "bob", first=3)]
    journal = Journal(path, "carl", "/x")
    journal.read()
    return journal, [*events, *journal.append([label(9)], "carl")]


def test_what_is_there_is_not_lost(tmp_path: Path) -> None:
    path = session(tmp_path)
    journal, _ = of_three(path)
    assert journal.lost() is None
    journal.close()
    assert journal.lost() is None
    assert Journal(path, "anna", "/x").lost() is None


def test_what_is_written_during_the_look_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = session(tmp_path)
    journal, _ = of_three(path)
    read_now = FolderStore.read

    def read_beside_an_answer(self: FolderStore, name: str, offset: int, size: int) -> bytes:
        found = read_now(self, name, offset, size)
        if name != FILE:
            journal.append([label(size)], "carl")
        return found

    monkeypatch.setattr(FolderStore, "read", read_beside_an_answer)
    for _ in range(20):
        assert journal.lost() is None


def test_a_session_that_was_copied_back_is_not_lost(tmp_path: Path) -> None:
    path = session(tmp_path)
    journal, _ = of_three(path)
    shutil.copytree(path, tmp_path / "copy")
    remove(path)
    (tmp_path / "copy").rename(path)
    assert journal.lost() is None


def test_a_log_of_others_that_is_gone_is_lost_unless_a_copy_is_there(tmp_path: Path) -> None:
    path = session(tmp_path)
    journal, events = of_three(path)
    anna, bob = (next((path / "log").glob(f"*-{by}-*")) for by in ("anna", "bob"))
    shutil.copy(anna, anna.with_name("copy.jsonl"))
    anna.unlink()
    assert journal.lost() is None, "the copy was not read yet"
    journal.read()
    assert journal.lost() is None
    bob.unlink()
    assert journal.lost() == f"{bob} was removed; what was saved there is gone."
    assert journal.save_copy(tmp_path / "copy.tuilabel") == []
    found, _ = read(tmp_path / "copy.tuilabel")
    assert [event.id for event in found] == [event.id for event in events]


def test_a_damaged_description_loses_nothing(tmp_path: Path) -> None:
    path = session(tmp_path)
    journal, _ = of_three(path)
    (path / "session.json").write_bytes(b"?")
    assert journal.lost() is None


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_was_saved_and_is_gone_is_named(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = session(tmp_path)
    journal = Journal(path, "anna", "/x")
    journal.append([label(1)], "anna")
    damage(path)
    found = journal.lost()
    assert found is not None
    assert path.name in found


@pytest.mark.parametrize("damage", DAMAGE[:4])
def test_a_copy_has_every_event_also_of_others(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path, copy = session(tmp_path), tmp_path / "else" / "copy.tuilabel"
    journal, events = of_three(path)
    damage(path)
    assert journal.save_copy(copy) == []
    found, problems = read(copy)
    assert [event.id for event in found] == [event.id for event in events]
    assert problems == []
    assert Journal(copy, "anna", "/x").about == ABOUT


def test_a_copy_has_the_bulk_files(tmp_path: Path) -> None:
    path, copy = session(tmp_path), tmp_path / "copy.tuilabel"
    with Journal(path, "anna", "/x") as journal:
        lines = [BulkLine(item="a1:0", class_id="c1:0")]
        name, sha256, count = journal.write_bulk(lines)
        bulk = Bulk(file=name, sha256=sha256, count=count, origin=AUTO_ORIGIN)
        journal.append([bulk], "anna")
        other = Journal(path, "bob", "/x")
        other.read()
        other.bulk_lines(bulk)
        remove(path)
        for number, one in enumerate((journal, other)):
            assert one.save_copy(copy.with_stem(f"copy{number}")) == []
    for number in (0, 1):
        reopened = Journal(copy.with_stem(f"copy{number}"), "anna", "/x")
        assert list(reopened.bulk_lines(bulk)) == lines


def test_a_copy_has_the_bulk_files_that_were_there_before(tmp_path: Path) -> None:
    path = session(tmp_path)
    with Journal(path, "anna", "/x") as journal:
        name, *_ = journal.write_bulk([BulkLine(item="i", class_id="c")])
    reader = Reader(path)
    reader.read()
    with Journal(path, "bob", "/x", reader=reader) as journal:
        journal.read()
        shutil.rmtree(path)
        assert journal.save_copy(tmp_path / "copy.tuilabel") == []
    assert (tmp_path / "copy.tuilabel" / "bulk" / name).is_file()


def test_a_file_that_is_gone_is_missing_in_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescue, "MOST_HELD", 0)
    path = session(tmp_path)
    written(path, 3)
    (gone,) = (path / "log").iterdir()
    journal = Journal(path, "carl", "/x")
    journal.read()
    journal.append([label(9)], "carl")
    remove(path)
    assert journal.save_copy(tmp_path / "copy.tuilabel") == [f"log/{gone.name}"]
    assert len(answers(Journal(tmp_path / "copy.tuilabel", "anna", "/x").read())) == 1


def test_a_copy_goes_over_no_other_session(tmp_path: Path) -> None:
    path, other = session(tmp_path), session(tmp_path, "other")
    written(other, 2)
    before = the_log(other).read_bytes()
    journal, _ = of_three(path)
    with pytest.raises(SessionFileError, match="There is a session at"):
        journal.save_copy(other)
    assert the_log(other).read_bytes() == before
