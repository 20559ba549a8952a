"""The tables of a session file, as numbered migrations.

A session is a SQLite database. `APPLICATION_ID` in its header identifies it without opening it, and
`user_version` is the number of the last migration that was applied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing

APPLICATION_ID = 0x54554C42
"""The letters TULB, in the database header's application id."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE migration (
        version INTEGER PRIMARY KEY,
        applied TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    );
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    );
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        uuid TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL CHECK (kind IN ('open', 'label', 'skip', 'undo', 'round')),
        time TEXT NOT NULL,
        annotator TEXT NOT NULL,
        item TEXT,
        class_name TEXT,
        round INTEGER NOT NULL,
        ms INTEGER,
        origin TEXT NOT NULL DEFAULT 'human',
        target TEXT,
        body TEXT NOT NULL DEFAULT '{}',
        CHECK (kind <> 'label' OR (item IS NOT NULL AND class_name IS NOT NULL)),
        CHECK (kind <> 'skip' OR item IS NOT NULL),
        CHECK (kind <> 'undo' OR target IS NOT NULL)
    );
    CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER meta_is_never_changed BEFORE UPDATE ON meta
        BEGIN SELECT RAISE(ABORT, 'what a session is about never changes'); END;
    CREATE TRIGGER meta_is_never_deleted BEFORE DELETE ON meta
        BEGIN SELECT RAISE(ABORT, 'what a session is about never changes'); END;
    """,
    # A CHECK cannot be altered: a new table takes over the old one's rows, numbers and name.
    # Dropping a table drops its triggers, and fires none of them. A CASE takes half the time of
    # an IN list, which counts for tens of thousands of auto-labels.
    """
    CREATE TABLE event_2 (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        uuid TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        time TEXT NOT NULL,
        annotator TEXT NOT NULL,
        item TEXT,
        class_name TEXT,
        round INTEGER NOT NULL,
        ms INTEGER,
        origin TEXT NOT NULL DEFAULT 'human',
        target TEXT,
        body TEXT NOT NULL DEFAULT '{}',
        CHECK (CASE kind
            WHEN 'auto' THEN item IS NOT NULL AND class_name IS NOT NULL AND target IS NOT NULL
            WHEN 'label' THEN item IS NOT NULL AND class_name IS NOT NULL
            WHEN 'skip' THEN item IS NOT NULL
            WHEN 'undo' THEN target IS NOT NULL
            WHEN 'revert' THEN target IS NOT NULL
            WHEN 'autobatch' THEN 1
            WHEN 'open' THEN 1
            WHEN 'round' THEN 1
            ELSE 0
        END),
        CHECK ((origin = 'auto') = (kind = 'auto' OR kind = 'autobatch'))
    );
    INSERT INTO event_2 SELECT seq, uuid, kind, time, annotator, item, class_name, round, ms,
        origin, target, body FROM event ORDER BY seq;
    DROP TABLE event;
    ALTER TABLE event_2 RENAME TO event;
    CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    """,
)
"""The SQL of each schema version, from version 1."""


def migrate(connection: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring a database to the newest schema, each migration in a transaction of its own.

    Parameters
    ----------
    connection : sqlite3.Connection
        In autocommit mode, and the only writer of its file.
    migrations : sequence of str
        The SQL of version 1, 2, ...

    Raises
    ------
    sqlite3.Error
        A migration failed; the database is as the previous one left it.
    """
    for number, sql in enumerate(migrations, start=1):
        if number <= version_of(connection):
            continue
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE; {sql}; INSERT INTO migration (version) VALUES ({number});"
                f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number}; COMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.rollback()
            raise


def version_of(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration that was applied to a database."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def objects_of(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Return the tables, views, indices and triggers of a database as (type, name)."""
    return set(
        connection.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    )


def objects_at(version: int, migrations: Sequence[str] = MIGRATIONS) -> set[tuple[str, str]]:
    """Return what `objects_of` finds in a database of a schema version."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, migrations[:version])
        return objects_of(connection)
