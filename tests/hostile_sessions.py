"""Sessions and sources of an attacker: valid in their form, with hostile text in every place."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from loop_fakes import fake_ranking
from PIL import Image

from tuilabel.journal import AutoLabel, auto_batch, revert
from tuilabel.journal.reading import COLUMNS
from tuilabel.workspace.opening import SourceOptions, open_workspace

HOSTILE = (
    *("\x1b]0;owned\x07", "\x1b]52;c;eA==\x1b\\", "\x1b[2J\x1b[31m", "\x1bPq#0;2\x1b\\", "\x1b[6n"),
    *("\x9b31m", "\x9d0;owned\x9c", "\x90q\x9c", "\x7f", "\x00", "\b\b\b", "\r\n", "\t", "\x0e"),
    *("\u202e\u2066", "\u200e", "\u200b\ufeff", "\u2028\u2029", "\U000e0041", "\ud83d", "\udc9b"),
    *("[bold red]", "[/]", "[/bold]", "[@click=app.quit]x[/]", "[link=file:///]x", "\\[", "{0}%s"),
    *("x" * 300, "e" + "\u0301" * 40, "👨‍👩‍👧", "שלום", ""),
)
"""Text that a terminal, a markup or a layout might obey."""

_MARKS = ("application_id", "user_version")

CLASSES = ("cat", "dog", "owl")
_NAMES = tuple(text for text in HOSTILE if "\0" not in text and text.isascii() and "/" not in text)


def foreign(text: str) -> set[str]:
    """Return the characters in output that a terminal would obey: none of them is ours."""
    return {
        character
        for character in text
        if character not in "\n\u200c\u200d"
        and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }


def make_photos(folder: Path, count: int = 12) -> Path:
    """Make a folder of images with hostile names, also of the folder."""
    photos = folder / "pho\x1b]0;owned\x07[bold]\u202etos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        name = f"{number}{_NAMES[number % len(_NAMES)][:40]}.png"
        Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(photos / name)
    return photos


def make_session(photos: Path, path: Path) -> None:
    """Make a session in which every kind of event occurs, with nothing hostile but file names."""
    flags = {"annotator": "me", "batch_size": 3, "cold_start": "kmeans", "audit": 0.3}
    with open_workspace(SourceOptions(str(photos), CLASSES), flags, path=path) as workspace:
        session, by = workspace.session, workspace.annotator
        for number in range(7):
            request = session.take_request()
            if request is not None:
                session.accept_ranking(fake_ranking(request, 12, len(CLASSES)), by=by)
            session.label(str(session.current_id), number % len(CLASSES), by=by, ms=5)
        session.skip(str(session.current_id), by=by)
        session.undo(by=by)
        answered = {str(event.item) for event in session.ledger.answers()}
        left = [item for item in workspace.dataset.ids if item not in answered]
        for _ in range(2):
            drafts = auto_batch(
                [AutoLabel(item, "cat", 0.9, ("a.png",)) for item in left],
                **{"round": 2, "method": "confident", "threshold": 0.9, "model": "softmax"},
                **{"trained_on": 7, "settings": {}, "calibration": None, "estimate": None},
            )
            header, *_ = workspace.journal.append_many(drafts, by)
            if not session.ledger.auto_labels_held:
                workspace.journal.append(revert(header), by)


Poison = Callable[[str], str]


def poisoned(template: Path, path: Path, seed: int, *, share: float, spare: Iterable[str]) -> None:
    """Write a copy of a session, with hostile text in a share of its places.

    Parameters
    ----------
    template, path : Path
    seed : int
    share : float
        The probability that a text becomes hostile, 0 to 1.
    spare : iterable of str
        Columns and names in bodies that stay as they are.
    """
    rng = random.Random(seed)
    spare = set(spare)

    def poison(text: str) -> str:
        if rng.random() >= share:
            return text
        hostile = "".join(rng.choices(HOSTILE, k=rng.randint(1, 3)))
        return rng.choice((hostile, text + hostile, hostile + text))

    # A class is called the same everywhere: the session can then be opened.
    names = {name: name + re.sub("[\ud800-\udfff]", "", poison("")) for name in CLASSES}

    def change(value: Any, key: str = "") -> Any:
        if key in spare:
            return value
        if isinstance(value, str):
            return names.get(value) or poison(value)
        if isinstance(value, dict):
            return {
                names.get(name, name if spare else poison(name)): change(part, name)
                for name, part in value.items()
            }
        if isinstance(value, list):
            return [change(part, key) for part in value]
        return value

    with closing(sqlite3.connect(template)) as old:
        meta = {key: json.loads(value) for key, value in old.execute("SELECT * FROM meta")}
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in old.execute("SELECT * FROM event")]
        schema = [sql for (sql,) in old.execute("SELECT sql FROM sqlite_master") if sql is not None]
        marks = {name: old.execute(f"PRAGMA {name}").fetchone()[0] for name in _MARKS}
    meta["class_names"] = [names[name] for name in meta["class_names"]]
    if "source" not in spare:
        meta["source"] = poison(meta["source"])
    with closing(sqlite3.connect(path, isolation_level=None)) as new:
        for statement in schema:
            if "sqlite_sequence" not in statement:  # SQLite makes that itself
                new.execute(statement)
        for name, mark in marks.items():
            new.execute(f"PRAGMA {name} = {mark}")
        new.executemany(
            "INSERT INTO meta VALUES (?, ?)", [(key, json.dumps(meta[key])) for key in meta]
        )
        for row in rows:
            for column in ("annotator", "time", "class_name", "item", "target", "origin"):
                if column not in spare and isinstance(row[column], str):
                    # SQLite keeps no lone surrogates.
                    row[column] = re.sub("[\ud800-\udfff]", "", change(row[column]))
            if "origin" not in spare and row["kind"] in ("auto", "autobatch"):
                row["origin"] = "auto"
            if not (row["kind"] == "open" and spare):  # its settings are checked at the start
                row["body"] = json.dumps(change(json.loads(row["body"])))
            places = ", ".join("?" * len(COLUMNS))
            new.execute(
                f"INSERT INTO event ({', '.join(COLUMNS)}) VALUES ({places})",
                [row[column] for column in COLUMNS],
            )
