"""The tables of a session."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, nullcontext

import pytest

from tuilabel.journal.schema import (
    APPLICATION_ID,
    VERSION,
    create_tables,
    expected_objects,
    objects_of,
    version_of,
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Return an empty database in autocommit mode."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        yield made


def test_a_new_database_has_the_tables_and_the_version(connection: sqlite3.Connection) -> None:
    create_tables(connection)
    assert version_of(connection) == VERSION
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert objects_of(connection) == expected_objects()


def test_a_failure_leaves_the_database_empty(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE event (seq)")
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        create_tables(connection)
    assert not connection.in_transaction
    assert version_of(connection) == 0
    assert objects_of(connection) == {("table", "event")}


def test_events_are_neither_changed_nor_deleted(connection: sqlite3.Connection) -> None:
    create_tables(connection)
    connection.execute(
        "INSERT INTO event (uuid, kind, time, annotator, round) VALUES ('u', 'open', 't', 'me', 0)"
    )
    for statement in ("UPDATE event SET annotator = 'x'", "DELETE FROM event WHERE seq = 1"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)


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
    create_tables(connection)
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
    create_tables(connection)
    values = (kind, item, class_name, target, origin)
    with nullcontext() if fits else pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute(
            "INSERT INTO event (uuid, time, annotator, round, kind, item, class_name, target, "
            "origin) VALUES ('u', 't', 'me', 1, ?, ?, ?, ?, ?)",
            values,
        )
    (count,) = connection.execute("SELECT count(*) FROM event").fetchone()
    assert count == fits
