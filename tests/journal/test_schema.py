"""Migrations: numbered, in order, each whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, nullcontext

import pytest

from tuilabel.journal.schema import (
    APPLICATION_ID,
    MIGRATIONS,
    migrate,
    objects_at,
    objects_of,
    version_of,
)

SECOND = """
CREATE TABLE note (seq INTEGER PRIMARY KEY, text TEXT NOT NULL);
ALTER TABLE event ADD COLUMN note TEXT;
"""
BROKEN = """
CREATE TABLE note (seq INTEGER PRIMARY KEY);
ALTER TABLE event ADD COLUMN note TEXT;
INSERT INTO no_such_table VALUES (1)
"""


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Return an empty database in autocommit mode."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        yield made


def applied(connection: sqlite3.Connection) -> list[int]:
    return [version for (version,) in connection.execute("SELECT version FROM migration")]


def columns(connection: sqlite3.Connection) -> set[str]:
    return {row[1] for row in connection.execute("PRAGMA table_info(event)")}


def test_a_new_database_gets_every_migration(connection: sqlite3.Connection) -> None:
    migrate(connection)
    assert version_of(connection) == len(MIGRATIONS)
    assert applied(connection) == list(range(1, len(MIGRATIONS) + 1))
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert objects_of(connection) == objects_at(len(MIGRATIONS))


def test_only_what_is_missing_is_applied(connection: sqlite3.Connection) -> None:
    migrate(connection, MIGRATIONS[:1])
    connection.execute("INSERT INTO meta VALUES ('key', 'value')")
    both = (MIGRATIONS[0], SECOND)
    migrate(connection, both)
    migrate(connection, both)
    assert applied(connection) == [1, 2]
    assert version_of(connection) == 2
    assert "note" in columns(connection)
    assert connection.execute("SELECT value FROM meta").fetchall() == [("value",)]
    assert objects_of(connection) == objects_at(2, both) == objects_at(1) | {("table", "note")}


def test_a_migration_that_fails_leaves_the_one_before(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no_such_table"):
        migrate(connection, (MIGRATIONS[0], BROKEN))
    assert not connection.in_transaction
    assert applied(connection) == [1]
    assert version_of(connection) == 1
    assert "note" not in columns(connection)
    assert objects_of(connection) == objects_at(1)
    migrate(connection, (MIGRATIONS[0], SECOND))
    assert applied(connection) == [1, 2]


@pytest.mark.parametrize(
    "values",
    [
        "'u', 'dance', 't', 'me', 1",
        "'u', 'label', 't', 'me', 1",
        "'u', 'skip', 't', 'me', 1",
        "'u', 'undo', 't', 'me', 1",
        "'u', 'auto', 't', 'me', 1",
        "'u', 'revert', 't', 'me', 1",
        "NULL, 'open', 't', 'me', 1",
    ],
)
def test_events_without_what_their_kind_needs_are_refused(
    connection: sqlite3.Connection, values: str
) -> None:
    migrate(connection)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            f"INSERT INTO event (uuid, kind, time, annotator, round) VALUES ({values})"
        )


@pytest.mark.parametrize(
    ("kind", "item", "class_name", "target", "origin", "fits"),
    [
        ("auto", "i", "cat", "b", "auto", True),
        ("auto", None, "cat", "b", "auto", False),
        ("auto", "i", None, "b", "auto", False),
        ("auto", "i", "cat", None, "auto", False),
        ("auto", "i", "cat", "b", "human", False),
        ("autobatch", None, None, None, "auto", True),
        ("autobatch", None, None, None, "human", False),
        ("revert", None, None, "b", "human", True),
        ("revert", None, None, "b", "auto", False),
        ("label", "i", "cat", None, "oracle", True),
        ("label", "i", "cat", None, "auto", False),
    ],
)
def test_a_models_labels_are_never_taken_for_a_persons(
    connection: sqlite3.Connection,
    kind: str,
    item: str | None,
    class_name: str | None,
    target: str | None,
    origin: str,
    fits: bool,
) -> None:
    migrate(connection)
    values = (kind, item, class_name, target, origin)
    with nullcontext() if fits else pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute(
            "INSERT INTO event (uuid, time, annotator, round, kind, item, class_name, target, "
            "origin) VALUES ('u', 't', 'me', 1, ?, ?, ?, ?, ?)",
            values,
        )
    (count,) = connection.execute("SELECT count(*) FROM event").fetchone()
    assert count == fits


# From version 1 to 2.


def fill_version_1(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Make a database of version 1 with gaps between its numbers; give its events."""
    migrate(connection, MIGRATIONS[:1])
    rows = [
        (1, "u1", "open", "t1", "me", None, None, 0, None, "human", None, '{"items":5}'),
        (2, "u2", "label", "t2", "me", "i1", "cat", 1, 120, "human", None, "{}"),
        (7, "u3", "skip", "t3", "you", "i2", None, 1, None, "oracle", None, "{}"),
        (9, "u4", "undo", "t4", "me", "i1", None, 1, None, "human", "u2", "{}"),
        (12, "u5", "round", "t5", "me", None, None, 1, None, "human", None, '{"model":null}'),
    ]
    marks = ", ".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO event VALUES ({marks})", rows)
    return list(rows)


def test_the_second_version_keeps_every_event_and_counts_on(
    connection: sqlite3.Connection,
) -> None:
    rows = fill_version_1(connection)
    before = columns(connection)
    migrate(connection)
    assert connection.execute("SELECT * FROM event ORDER BY seq").fetchall() == rows
    assert columns(connection) == before
    insert = (
        "INSERT INTO event (uuid, kind, time, annotator, round) VALUES (?, 'open', 't', 'me', 0)"
    )
    assert connection.execute(insert, ("u6",)).lastrowid == 13
    assert connection.execute("SELECT * FROM sqlite_sequence").fetchall() == [("event", 13)]
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        connection.execute(insert, ("u3",))
    for statement in ("UPDATE event SET annotator = 'x'", "DELETE FROM event WHERE seq = 2"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_migrated_database_is_like_a_new_one(connection: sqlite3.Connection) -> None:
    fill_version_1(connection)
    migrate(connection)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as new:
        migrate(new)
        of_all = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
        assert connection.execute(of_all).fetchall() == new.execute(of_all).fetchall()


def test_what_the_second_version_does_not_admit_stays_in_the_first(
    connection: sqlite3.Connection,
) -> None:
    rows = fill_version_1(connection)
    connection.execute(
        "INSERT INTO event (uuid, kind, time, annotator, round, origin) "
        "VALUES ('u6', 'open', 't', 'me', 0, 'auto')"
    )
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        migrate(connection)
    assert not connection.in_transaction
    assert version_of(connection) == 1
    assert objects_of(connection) == objects_at(1)
    assert connection.execute("SELECT * FROM event WHERE seq <= 12").fetchall() == rows
