"""Reading: whatever the file holds, all events come out, or one sentence."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from loop_fakes import ME

from tests.journal.sessions import make_version_2
from tuilabel.errors import SessionFileError
from tuilabel.exchange.rows import label_rows
from tuilabel.journal import Draft, Event, EventKind, Journal, SessionInfo, read_session, summarise
from tuilabel.journal.repair import repair
from tuilabel.journal.schema import VERSION

REPOSITORY = Path(__file__).resolve().parent.parent.parent

WRITER = """
import sys
from pathlib import Path
from tuilabel.journal import Annotator, Draft, EventKind, Journal
other = Annotator("other")
for opening in range(15):
    with Journal(Path(sys.argv[1])) as journal:
        for _ in range(4):
            journal.append(Draft(EventKind.LABEL, "item", "cat"), other)
"""


def read_or_refuse(path: Path) -> list[Event] | None:
    """Do all that `status` and `export` do; a refusal has to be one clear sentence."""
    try:
        info, events = read_session(path)
        summarise(info, events)
        list(label_rows(events))
    except SessionFileError as error:
        message = str(error).replace(str(path), "F")
    else:
        return events
    assert 20 < len(message) < 600
    assert "\n" not in message
    return None


# What is no session.


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "is empty"),
        (b"item,class\n1,cat\n", "not a SQLite database"),
        (b"item,class\n" * 1000, "not a SQLite database"),
        (b"SQLite format 3\0", "not a SQLite database"),
        (bytes(4096), "not a SQLite database"),
    ],
)
@pytest.mark.parametrize("opened_by", [read_session, lambda path: Journal(path)])
def test_what_is_no_database_is_refused(
    path: Path, content: bytes, found: str, opened_by: Callable[[Path], object]
) -> None:
    path.write_bytes(content)
    with pytest.raises(SessionFileError, match=found):
        opened_by(path)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(SessionFileError, match=f"no session file {path}"):
        read_session(path)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SessionFileError, match="is a directory"):
        read_session(tmp_path)


def test_a_pipe_is_refused_without_waiting_for_its_writer(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(SessionFileError, match="pipe"):
        read_session(path)


@pytest.mark.parametrize("name", ["x" * 300, "a/b/c"])
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_text("a file, not a directory")
    with pytest.raises(SessionFileError, match="cannot be read"):
        read_session(tmp_path / name)


def test_a_loop_of_links_is_refused(path: Path) -> None:
    path.symlink_to(path)
    with pytest.raises(SessionFileError, match="cannot be read"):
        read_session(path)


def test_a_file_that_may_not_be_read_is_refused(powerless_dir: Path, info: SessionInfo) -> None:
    path = powerless_dir / "s.tuilabel"
    Journal.create(path, info).close()
    path.chmod(0)
    with pytest.raises(SessionFileError, match=r"cannot be read \(Permission denied\)"):
        read_session(path)


def test_the_database_of_another_application_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE event (seq)")
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(SessionFileError, match="another application"):
        read_session(path)


def test_a_newer_schema_is_refused(small_session: Path) -> None:
    with closing(sqlite3.connect(small_session)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(SessionFileError, match=r"session schema 99.*newer tuilabel"):
        read_session(small_session)
    with pytest.raises(SessionFileError, match="newer tuilabel"):
        Journal(small_session)


def test_a_newer_schema_is_refused_while_it_lies_in_the_log(small_session: Path) -> None:
    with closing(sqlite3.connect(small_session)) as connection:
        connection.execute("PRAGMA user_version = 99")
        assert small_session.read_bytes()[60:64] == bytes([0, 0, 0, VERSION])
        with pytest.raises(SessionFileError, match="session schema 99"):
            read_session(small_session)
        with pytest.raises(SessionFileError, match="session schema 99"):
            Journal(small_session)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE event",
        "DROP TRIGGER event_is_never_deleted",
        "CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM meta; END",
        "CREATE VIEW v AS SELECT 1",
        "PRAGMA user_version = 0",
    ],
)
def test_other_tables_than_a_sessions_are_refused(small_session: Path, statement: str) -> None:
    with closing(sqlite3.connect(small_session)) as connection:
        connection.execute(statement)
    with pytest.raises(SessionFileError, match="not those of a session"):
        read_session(small_session)
    with pytest.raises(SessionFileError, match="not those of a session"):
        Journal(small_session)


# What is damaged.


def test_a_file_cut_short_is_whole_or_refused(small_session: Path, tmp_path: Path) -> None:
    whole = small_session.read_bytes()
    _, events = read_session(small_session)
    assert len(events) == 24
    cut = tmp_path / "cut.tuilabel"
    for size in range(0, len(whole), 512):
        cut.write_bytes(whole[:size])
        assert read_or_refuse(cut) is None, size
        with pytest.raises(SessionFileError):
            Journal(cut)
        assert cut.read_bytes() == whole[:size]
    cut.write_bytes(whole)
    assert read_or_refuse(cut) == events
    assert cut.read_bytes() == whole


def test_a_log_cut_short_gives_a_beginning_of_the_events(journal: Journal, tmp_path: Path) -> None:
    written = [journal.append(Draft(EventKind.LABEL, "item", "cat"), ME) for _ in range(5)]
    log = journal.path.with_name(journal.path.name + "-wal").read_bytes()
    copy = tmp_path / "copy.tuilabel"
    for size in (*range(0, len(log), 512), len(log)):
        shutil.copy(journal.path, copy)
        copy.with_name(copy.name + "-wal").write_bytes(log[:size])
        copy.with_name(copy.name + "-shm").unlink(missing_ok=True)
        _, events = read_session(copy)
        assert events == written[: len(events)]
    assert events == written


def test_flipped_bits_never_end_in_a_traceback(small_session: Path, tmp_path: Path) -> None:
    whole = small_session.read_bytes()
    used = [place for place, byte in enumerate(whole) if byte]
    flipped = tmp_path / "flipped.tuilabel"
    rng = random.Random(0)
    outcomes = set()
    for _ in range(300):
        content = bytearray(whole)
        for place in rng.sample(used, rng.choice((1, 1, 4))):
            content[place] ^= 1 << rng.randrange(8)
        flipped.write_bytes(content)
        outcomes.add(read_or_refuse(flipped) is None)
        assert flipped.read_bytes() == content
        flipped.with_name(flipped.name + "-wal").unlink(missing_ok=True)
        flipped.with_name(flipped.name + "-shm").unlink(missing_ok=True)
    assert outcomes == {True, False}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET body = '5' WHERE seq = 2",
        "UPDATE event SET body = '[1' WHERE seq = 2",
        "UPDATE event SET body = replace(hex(zeroblob(50000)), '00', '[') WHERE seq = 2",
        "UPDATE event SET body = x'7b7d' WHERE seq = 2",
        "UPDATE event SET class_name = x'ff' WHERE seq = 2",
        "UPDATE event SET item = x'00' WHERE seq = 2",
        "UPDATE event SET round = 'first' WHERE seq = 2",
        "UPDATE event SET ms = 1.5 WHERE seq = 2",
        "UPDATE event SET annotator = CAST(x'ff' AS TEXT) WHERE seq = 2",
        "UPDATE event SET body = '{\"references\": 5}' WHERE seq = 2",
        'UPDATE event SET body = \'{"items": "many"}\' WHERE seq = 1',
        "UPDATE event SET body = '{}' WHERE seq = 1",
        'UPDATE event SET body = \'{"model": "mlp", "accuracy": 1}\' WHERE seq = 16',
        'UPDATE event SET body = \'{"model": "mlp", "accuracy": {"n": 1}}\' WHERE seq = 16',
        "UPDATE event SET body = replace(body, '0.5', '1e999') WHERE seq = 16",
        "UPDATE event SET body = replace(body, '0.5', 'NaN') WHERE seq = 16",
        "UPDATE event SET body = replace(body, '2000', '0') WHERE seq = 16",
        "UPDATE event SET body = replace(body, '2000', '1.5') WHERE seq = 16",
        "UPDATE event SET body = replace(body, '0.25', '1.25') WHERE seq = 16",
        "UPDATE event SET body = replace(body, '0.25', '\"many\"') WHERE seq = 16",
        "UPDATE event SET body = replace(body, '0.75', '-2') WHERE seq = 16",
        "UPDATE event SET body = replace(body, '0.9375', '1.9') WHERE seq = 23",
        "UPDATE event SET body = replace(body, '0.9375', 'NaN') WHERE seq = 23",
        "UPDATE event SET body = '{\"references\": []}' WHERE seq = 23",
        "UPDATE meta SET value = '[]' WHERE key = 'source'",
        "UPDATE meta SET value = '[1]' WHERE key = 'class_names'",
        "UPDATE meta SET value = '5' WHERE key = 'class_names'",
        "UPDATE meta SET value = '\"many\"' WHERE key = 'pool'",
        "UPDATE meta SET value = '1.5' WHERE key = 'seed'",
        "UPDATE meta SET value = '-1' WHERE key = 'seed'",
        "UPDATE meta SET value = 'NaN' WHERE key = 'audit'",
        "UPDATE meta SET value = '[' WHERE key = 'audit'",
        "UPDATE meta SET value = '[2, 1]' WHERE key = 'window'",
        "UPDATE meta SET value = '[0, 1e999]' WHERE key = 'window'",
        "UPDATE meta SET value = '[0, NaN]' WHERE key = 'window'",
        "UPDATE meta SET value = '[1]' WHERE key = 'window'",
        "UPDATE meta SET value = '7' WHERE key = 'window'",
        "UPDATE meta SET key = 'other' WHERE key = 'test'",
    ],
)
def test_values_that_make_no_sense_are_refused(small_session: Path, statement: str) -> None:
    assert read_or_refuse(small_session) is not None
    table = statement.split()[1]
    with closing(sqlite3.connect(small_session, isolation_level=None)) as connection:
        trigger = f"{table}_is_never_changed"
        (sql,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = ?", (trigger,)
        ).fetchone()
        connection.execute(f"DROP TRIGGER {trigger}")
        assert connection.execute(statement).rowcount == 1
        connection.execute(sql)
    assert read_or_refuse(small_session) is None


# Who may read, and what reading leaves behind.


def test_reading_leaves_nothing_behind(small_session: Path) -> None:
    before = small_session.read_bytes(), small_session.stat().st_mtime_ns
    read_session(small_session)
    assert (small_session.read_bytes(), small_session.stat().st_mtime_ns) == before
    assert [file.name for file in small_session.parent.iterdir()] == [small_session.name]


def test_a_session_in_a_read_only_directory_is_read(powerless_dir: Path, info: SessionInfo) -> None:
    path = powerless_dir / "s.tuilabel"
    with Journal.create(path, info) as journal:
        event = journal.append(Draft(EventKind.LABEL, "item", "cat"), ME)
    path.chmod(0o444)
    path.with_name(path.name + "-wal").touch()
    powerless_dir.chmod(0o555)
    assert read_session(path) == (info, [event])


def test_a_log_without_its_index_in_a_read_only_directory_is_explained(
    powerless_dir: Path, info: SessionInfo
) -> None:
    path = powerless_dir / "s.tuilabel"
    copies = powerless_dir / "copies"
    copies.mkdir()
    with Journal.create(path, info) as journal:
        event = journal.append(Draft(EventKind.LABEL, "item", "cat"), ME)
        for suffix in ("", "-wal"):
            shutil.copy(path.with_name(path.name + suffix), copies)
    copies.chmod(0o555)
    with pytest.raises(SessionFileError, match=r"-wal.*Copy both files"):
        read_session(copies / path.name)
    copies.chmod(0o755)
    assert read_session(copies / path.name)[1] == [event]


def test_reading_while_another_process_opens_writes_and_closes(
    path: Path, info: SessionInfo
) -> None:
    Journal.create(path, info).close()
    seen = 0
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=REPOSITORY) as writer:
        while True:
            ended = writer.poll() is not None
            _, events = read_session(path)
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
            assert len(events) >= seen
            seen = len(events)
            if ended:
                break
    assert writer.returncode == 0
    assert seen == 60


def test_a_session_with_earlier_ids_is_neither_opened_nor_changed(path: Path) -> None:
    make_version_2(path)
    before = path.read_bytes()
    for opened_by in (read_session, Journal, repair):
        with pytest.raises(
            SessionFileError, match=r"made by an earlier tuilabel.*Nothing was changed\. Move it"
        ):
            opened_by(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_damaged_session_with_earlier_ids_is_not_repaired(path: Path) -> None:
    make_version_2(path)
    content = bytearray(path.read_bytes())
    content[60:64] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(SessionFileError, match="made by an earlier tuilabel"):
        repair(path)
    assert path.read_bytes() == content
