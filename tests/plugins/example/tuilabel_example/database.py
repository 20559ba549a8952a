"""A store: a session in one SQLite file, as in `tuilabel digits --session sqlite:labels.db`."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tuilabel.journal.store import FILE, Store


class DatabaseStore(Store):
    def __init__(self, path):
        self.path = Path(path)

    def run(self, statement, *values, mode="rw"):
        place = f"{self.path.absolute().as_uri()}?mode={mode}"
        try:
            with closing(sqlite3.connect(place, uri=True)) as database, database:
                return database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise OSError(str(error)) from error

    def names(self, folder):
        start = f"{folder}/"
        found = self.run("SELECT DISTINCT name FROM part") if self.path.exists() else []
        return [name.removeprefix(start) for (name,) in found if name.startswith(start)]

    def size(self, name):
        query = "SELECT sum(length(bytes)) FROM part WHERE name = ?"
        ((size,),) = self.run(query, name) if self.path.exists() else [(None,)]
        if size is None:
            raise FileNotFoundError(f"{name} is not in the database")
        return size

    def read(self, name, offset, size):
        self.size(name)
        parts = self.run("SELECT bytes FROM part WHERE name = ? ORDER BY number", name)
        return b"".join(part for (part,) in parts)[offset:][:size]

    def write(self, name, content):
        if name == FILE:
            columns = "name TEXT, number INTEGER NOT NULL, bytes BLOB, PRIMARY KEY (name, number)"
            self.run(f"CREATE TABLE IF NOT EXISTS part ({columns})", mode="rwc")
        if name.rpartition("/")[2] in self.names(name.rpartition("/")[0]):
            raise FileExistsError(f"{name} is in the database")
        self.run("INSERT INTO part VALUES (?, 0, ?)", name, content)

    def create(self, name):
        self.write(name, b"")

    def append(self, name, content):
        # Without its first part the log is gone, and the number is NULL: an error.
        number = "(SELECT max(number) + 1 FROM part WHERE name = ?)"
        self.run(f"INSERT INTO part VALUES (?, {number}, ?)", name, name, content)
