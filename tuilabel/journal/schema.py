"""The tables of a session file.

A session is a SQLite database. `APPLICATION_ID` in its header identifies it without opening it, and
`user_version` is `VERSION`. A file of another version is neither opened nor changed.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

APPLICATION_ID = 0x54554C42
"""The letters TULB, in the database header's application id."""

VERSION = 3
"""The schema of this tuilabel. Before 3, item ids were hashes of decoded pixels."""

FORMER_TABLE = ("table", "migration")
"""A table that sessions of versions 1 and 2 have, and no later one."""

# A CASE takes half the time of an IN list, which counts for tens of thousands of auto-labels.
_SCHEMA = """
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    );
    CREATE TABLE event (
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
    CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER meta_is_never_changed BEFORE UPDATE ON meta
        BEGIN SELECT RAISE(ABORT, 'what a session is about never changes'); END;
    CREATE TRIGGER meta_is_never_deleted BEFORE DELETE ON meta
        BEGIN SELECT RAISE(ABORT, 'what a session is about never changes'); END;
"""


def create_tables(connection: sqlite3.Connection) -> None:
    """Create the tables of a session in an empty database, in one transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
        In autocommit mode, and the only writer of its file.

    Raises
    ------
    sqlite3.Error
        The database is left empty.
    """
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA}; PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {VERSION}; COMMIT;"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.rollback()
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema version of a database."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def objects_of(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Return the tables, views, indices and triggers of a database as (type, name)."""
    return set(
        connection.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    )


def expected_objects() -> set[tuple[str, str]]:
    """Return what `objects_of` finds in a session."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        create_tables(connection)
        return objects_of(connection)
