"""What every store has to do: the folder, and the example of a plug-in."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from plugins.conftest import Install
from plugins.conftest import example as example
from plugins.conftest import install as install
from plugins.conftest import site as site

from tests.journal.sessions import ABOUT, answers, label, read, session, written
from tuilabel.errors import SaveError, SessionFileError
from tuilabel.events.payloads import AUTO_ORIGIN, About, Bulk, BulkLine
from tuilabel.journal.description import create_session, is_session
from tuilabel.journal.journal import Journal
from tuilabel.journal.store import BULK, FILE, LOGS, Store, open_store, read_whole
from tuilabel.workspace.checking import check_session

LOG, OTHER = f"{LOGS}/one.jsonl", f"{LOGS}/two.jsonl"


@pytest.fixture(params=["folder", "sqlite"])
def path(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    install: Install,
    example: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Return the path of a session that does not exist, in each store."""
    monkeypatch.setenv("PYTHONPATH", str(example))
    (tmp_path / "at").mkdir()
    name = "" if request.param == "folder" else f"{request.param}:"
    return Path(f"{name}{tmp_path}/at/s.tuilabel")


@pytest.fixture
def store(path: Path) -> Store:
    """Return a store with a session."""
    open_store(path).write(FILE, b"described")
    return open_store(path)


def place(path: Path) -> Path:
    """Return the file or folder that a store makes."""
    return Path(str(path).removeprefix("sqlite:"))


def remove(path: Path, name: str) -> None:
    """Remove a file from a session."""
    if place(path).is_dir():
        (path / name).unlink()
        return
    with closing(sqlite3.connect(place(path))) as database, database:
        database.execute("DELETE FROM part WHERE name = ?", (name,))


def move(path: Path) -> None:
    """Move a session away."""
    place(path).rename(place(path).with_name("moved"))


# Bytes.


def test_looking_makes_nothing(path: Path) -> None:
    store = open_store(path)
    assert not store.has_session()
    with pytest.raises(FileNotFoundError):
        store.size(FILE)
    assert list(place(path).parent.iterdir()) == []


def test_a_session_is_made_once(path: Path, store: Store) -> None:
    assert store.has_session()
    with pytest.raises(OSError, match=r"."):
        open_store(path).write(FILE, b"another")
    assert read_whole(store, FILE) == b"described"
    assert store.names(LOGS) == store.names(BULK) == []
    assert list(place(path).parent.iterdir()) == [place(path)], "nothing is left beside it"


def test_a_whole_file_is_seen_by_others_and_never_replaced(path: Path, store: Store) -> None:
    content = bytes(range(256)) * 500
    store.write(f"{BULK}/a.jsonl", content)
    for one in (store, open_store(path)):
        assert read_whole(one, f"{BULK}/a.jsonl") == content
        assert one.names(BULK) == ["a.jsonl"]
        assert one.names(LOGS) == []
    with pytest.raises(OSError, match=r"."):
        open_store(path).write(f"{BULK}/a.jsonl", b"another")
    assert read_whole(store, f"{BULK}/a.jsonl") == content


def test_a_log_grows_at_its_end_and_is_read_from_anywhere(path: Path, store: Store) -> None:
    reader = open_store(path)
    store.create(LOG)
    assert (reader.names(LOGS), reader.size(LOG)) == (["one.jsonl"], 0)
    assert reader.read(LOG, 0, 10) == b""
    whole = b""
    for part in (b"first\n", b"\xff\0second\n", b"x" * 100_000 + b"\n"):
        store.append(LOG, part)
        assert reader.read(LOG, len(whole), 2 * len(part)) == part
        whole += part
        assert reader.size(LOG) == len(whole)
    assert reader.read(LOG, 3, 5) == whole[3:8]
    assert reader.read(LOG, len(whole) + 5, 10) == b""
    store.close()
    assert read_whole(open_store(path), LOG) == whole


def test_a_log_has_one_writer(path: Path, store: Store) -> None:
    store.create(LOG)
    store.append(LOG, b"mine")
    other = open_store(path)
    with pytest.raises(FileExistsError):
        other.create(LOG)
    other.create(OTHER)
    other.append(OTHER, b"yours")
    store.append(LOG, b" too")
    assert (read_whole(store, LOG), read_whole(store, OTHER)) == (b"mine too", b"yours")
    assert sorted(store.names(LOGS)) == ["one.jsonl", "two.jsonl"]


def test_after_one_log_the_next_is_begun(store: Store) -> None:
    store.create(LOG)
    store.append(LOG, b"1")
    store.close()
    store.close()
    store.create(OTHER)
    store.append(OTHER, b"2")
    assert (read_whole(store, LOG), read_whole(store, OTHER)) == (b"1", b"2")


@pytest.mark.parametrize("is_whole", [False, True])
def test_nothing_is_appended_to_a_log_that_is_gone(
    path: Path, store: Store, is_whole: bool
) -> None:
    store.create(LOG)
    store.append(LOG, b"there")
    if is_whole:
        move(path)
        open_store(path).write(FILE, b"another")
    else:
        remove(path, LOG)
    with pytest.raises(OSError, match=r"."):
        store.append(LOG, b"nowhere")
    assert open_store(path).names(LOGS) == []
    with pytest.raises(FileNotFoundError):
        store.size(LOG)


@pytest.mark.parametrize("name", [LOG, f"{BULK}/a.jsonl"])
def test_what_is_not_there_is_not_found(store: Store, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        store.size(name)
    with pytest.raises(FileNotFoundError):
        store.read(name, 0, 1)


def test_a_file_that_is_kept_is_read_whole_again(store: Store) -> None:
    store.create(LOG)
    store.append(LOG, b"first")
    kept = store.keep(LOG)
    store.append(LOG, b", second")
    assert kept() == kept() == b"first, second"
    assert store.skip_hole(LOG, 3) == 3


def test_what_was_appended_outlives_its_process(path: Path, store: Store) -> None:
    script = (
        "import os, pathlib, sys\n"
        "from tuilabel.journal.store import open_store\n"
        "store = open_store(pathlib.Path(sys.argv[1]))\n"
        f"store.create({LOG!r}); store.append({LOG!r}, b'there'); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -9
    assert read_whole(store, LOG) == b"there"


# Sessions.


def test_everybody_reads_everybody(path: Path) -> None:
    assert not is_session(path)
    assert create_session(path, ABOUT)
    assert is_session(path)
    assert not create_session(path, About(uuid="late", source="digits"))
    anna, bob = (Journal(path, by, "/x") for by in ("anna", "bob"))
    (first,) = anna.append([label(1)], "anna")
    assert [event.id for event in answers(bob.read())] == [first.id]
    (second,) = bob.append([label(2)], "bob")
    assert [event.id for event in answers(anna.read())] == [second.id]
    assert anna.event(second.place) == second
    anna.close()
    bob.close()
    found, problems = read(path)
    assert [event.id for event in found] == [first.id, second.id]
    assert problems == []
    assert all(log["has_ended"] for log in check_session(path)["logs"])


def test_a_missing_description_is_replaced_by_a_log(path: Path) -> None:
    create_session(path, ABOUT)
    written(path, 1)
    remove(path, FILE)
    found, problems = read(path)
    assert len(found) == 1
    assert "a log has replaced it" in problems[0]


def test_a_missing_log_is_named_by_another(path: Path) -> None:
    create_session(path, ABOUT)
    written(path, 3, by="anna")
    (gone,) = open_store(path).names(LOGS)
    written(path, 1, by="bob", first=3)
    remove(path, f"{LOGS}/{gone}")
    found, problems = read(path)
    assert len(found) == 1
    assert "has seen 5" in problems[0]


def test_after_a_session_was_moved_nothing_is_acknowledged_and_a_copy_is_whole(
    path: Path, tmp_path: Path
) -> None:
    create_session(path, ABOUT)
    with Journal(path, "anna", "/x") as journal:
        name, sha256, count = journal.write_bulk([BulkLine(item="a1:0", class_id="c1:0")])
        bulk = Bulk(file=name, sha256=sha256, count=count, origin=AUTO_ORIGIN)
        journal.append([label(1), bulk], "anna")
        assert journal.lost() is None
        assert len(journal.bulk_lines(bulk)) == 1
        move(path)
        with pytest.raises(SaveError, match="Not saved"):
            journal.append([label(2)], "anna")
        assert "no longer there" in str(journal.lost())
        move_back = place(path).with_name("moved")
        move_back.rename(place(path))
        journal.append([label(2)], "anna")
        copy = path.with_name("copy.tuilabel")
        assert journal.save_copy(copy) == []
    assert len(read(copy)[0]) == 2
    with pytest.raises(SessionFileError, match="There is no session"):
        read(path.with_name("none.tuilabel"))


# The names of stores.


@pytest.mark.usefixtures("path")
def test_a_folder_comes_before_a_store_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = session(tmp_path, "sqlite:s")
    assert made.is_dir()
    written(Path("sqlite:s.tuilabel"), 1)
    assert len(read(made)[0]) == 1
    shutil.rmtree(made)
    assert not is_session(Path("sqlite:s.tuilabel"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["at", "site"]
