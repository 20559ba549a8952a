"""Migrations: numbered, in order, each whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

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
    """Give an empty database in autocommit mode."""
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
