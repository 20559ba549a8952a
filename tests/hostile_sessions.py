"""Sessions and sources of an attacker: valid in their form, with hostile text in every place."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from loop_fakes import fake_ranking
from PIL import Image

from tuilabel.events.lines import sealed
from tuilabel.events.payloads import (
    AUTO_ORIGIN,
    IMPORT,
    Adopted,
    Bulk,
    BulkLine,
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    ClassRestyled,
    ClassRetired,
    Decided,
    Label,
    Moved,
    Skip,
    Suggestion,
    Undo,
    Window,
)
from tuilabel.journal.journal import Journal
from tuilabel.journal.store import BULK, FILE, LOGS
from tuilabel.session.classes import class_id_of
from tuilabel.workspace.opening import SourceOptions, open_workspace
from tuilabel.workspace.places import data_dir, remember

SESSIONS = int(os.environ.get("TUILABEL_HOSTILE_SESSIONS", "4"))
"""How many sessions go through every command and screen."""

HOSTILE = (
    *("\x1b]0;owned\x07", "\x1b]52;c;eA==\x1b\\", "\x1b[2J\x1b[31m", "\x1bPq#0;2\x1b\\", "\x1b[6n"),
    *("\x9b31m", "\x9d0;owned\x9c", "\x90q\x9c", "\x7f", "\x00", "\b\b\b", "\r\n", "\t", "\x0e"),
    *("\u202e\u2066", "\u200e", "\u200b\ufeff", "\u2028\u2029", "\U000e0041", "\ud83d", "\udc9b"),
    *("[bold red]", "[/]", "[/bold]", "[@click=app.quit]x[/]", "[link=file:///]x", "\\[", "{0}%s"),
    *("x" * 300, "e" + "\u0301" * 40, "👨‍👩‍👧", "שלום", ""),
)
"""Text that a terminal, a markup or a layout might obey."""

NUMBERS = (-1, 0, 2**52, 2**53, 2**70, 1e308, 0.5, True, None, "1", [], {})
"""Values that a number might be replaced by."""

OPENABLE = (
    *("id", "at", "kind", "uuid", "source", "item", "reason", "event", "desk", "origin"),
    *("settings", "class_id", "classes", "into", "probabilities", "file", "sha256", "names"),
)
"""What has to stay as it is for a session to be opened for labelling."""

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
        session, by, journal = workspace.session, workspace.annotator, workspace.journal
        for number in range(7):
            request = session.take_request()
            if request is not None:
                session.accept_ranking(fake_ranking(request, 12, len(CLASSES)), by=by)
            session.label(str(session.current_id), number % len(CLASSES), by=by, ms=5)
        session.skip(str(session.current_id), by=by)
        session.undo(by=by)
        cat, dog, owl = session.classes.ids
        left = [item for item in workspace.dataset.ids if not session.known.is_answered(item)]
        for number, origin in enumerate((AUTO_ORIGIN, AUTO_ORIGIN, IMPORT)):
            foreign = {} if origin == AUTO_ORIGIN else {"by": "ana", "at": "2020-01-01", "ms": 5}
            name, sha256, count = journal.write_bulk(
                BulkLine(item=item, class_id=cat, probability=0.9, names=("a.png",), **foreign)
                for item in (left if origin == AUTO_ORIGIN else left[-1:])
            )
            batch = Bulk(
                file=name,
                sha256=sha256,
                count=count,
                origin=origin,
                round=2,
                method="confident",
                threshold=0.9,
                model="softmax",
                trained_on=7,
            )
            (written,) = journal.append([batch], by.name)
            if number == 1:
                journal.append([Undo(written.id)], by.name)
        first, second, third = (item for item, _ in list(session.known.items())[:3])
        others = (Decided(first, cat), Decided(third, cat), Skip(item=left[0]))
        with Journal(path, "you", str(photos)) as other:
            other.read()
            for item, class_id in ((first, owl), (second, owl), (third, dog)):
                other.append([Label(item=item, class_id=class_id, names=("b.png",))], "you")
            _, decision, _ = other.append(others, "you")
        journal.read()
        journal.append([Undo(decision.id, third)], by.name)
        bird, fox = map(class_id_of, ("bird", "fox"))
        journal.append(
            [
                *(ClassAdded(bird, "bird"), ClassAdded(fox, "fox", "f"), ClassMerged(bird, owl)),
                *(ClassMerged(owl, bird), ClassRetired(fox), ClassRestyled(owl, "o")),
                *(ClassRenamed(dog, "dog"), Suggestion(second, dog, "me", 0.5)),
                *(Window(0, 255), Adopted("other"), Moved("/nowhere", ("b.png",), (first,))),
            ],
            by.name,
        )


def is_openable(seed: int) -> bool:
    """Return whether the hostile session of a seed can be opened for labelling in any case."""
    return seed % 3 > 0


def hostile_session(template: Path, seed: int) -> Path:
    """Make a session among those that the home screen lists; return its path."""
    folder = data_dir() / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"\x1b]0;owned\x07[bold]{seed}.tuilabel"
    spare = OPENABLE if is_openable(seed) else ()
    poisoned(template, path, seed, share=1.0 if is_openable(seed) else 0.2, spare=spare)
    remember(path)
    return path


def poisoned(template: Path, path: Path, seed: int, *, share: float, spare: Iterable[str]) -> None:
    """Write a copy of a session, with hostile text in a share of its places.

    Every line has the right checksum, and every bulk file the right hash. The same seed makes the
    same of every template, but for ids and times.

    Parameters
    ----------
    template, path : Path
    seed : int
    share : float
        The probability that a text becomes hostile, 0 to 1.
    spare : iterable of str
        Names of fields that stay as they are. If there are any, so do all numbers.
    """
    rng = random.Random(seed)
    spare = set(spare)

    def poison(text: str) -> str:
        if rng.random() >= share:
            return text
        hostile = "".join(rng.choices(HOSTILE, k=rng.randint(1, 3)))
        if spare or rng.random() < 0.9:  # a line with half a character is invalid
            hostile = re.sub("[\ud800-\udfff]", "", hostile)
        return rng.choice((hostile, text + hostile, hostile + text))

    def change(value: Any, key: str = "") -> Any:
        if key in spare:
            return value
        if isinstance(value, str):
            # The beginning of a class's name stays, so that it can be typed.
            return value + poison("") if value in CLASSES else poison(value)
        if isinstance(value, dict):
            return {
                name if spare or rng.random() < 0.95 else poison(name): change(part, name)
                for name, part in value.items()
            }
        if isinstance(value, list):
            return [change(part, key) for part in value]
        if not spare and isinstance(value, int | float) and rng.random() < share / 10:
            return rng.choice(NUMBERS)
        return value

    def line(content: object) -> bytes:
        is_escaped = rng.random() < 0.5
        text = json.dumps(content, ensure_ascii=is_escaped, separators=(",", ":"))
        return sealed(text.encode("utf-8", "surrogatepass"))

    def file_name(name: str) -> str:
        return re.sub("[/\0\ud800-\udfff]", "", poison(name))[:60] or name

    def changed(content: bytes) -> bytes:
        lines = [json.loads(one) for one in content.splitlines()]
        for one in lines:
            one.pop("crc")
        return b"".join(map(line, map(change, lines)))

    for folder in (LOGS, BULK):
        (path / folder).mkdir(parents=True)
        (path / folder / "\x1b[2Jnotes").touch()
    (path / FILE).write_bytes(changed((template / FILE).read_bytes()))
    names: dict[str, str] = {}
    for bulk in sorted((template / BULK).iterdir(), key=lambda file: file.stat().st_mtime_ns):
        lines = [change(json.loads(one)) for one in bulk.read_bytes().splitlines()]
        content = b"".join(json.dumps(one).encode() + b"\n" for one in lines)
        name = bulk.name if spare else file_name(bulk.name)
        (path / BULK / name).write_bytes(content)
        names[bulk.name] = name
        names[hashlib.sha256(bulk.read_bytes()).hexdigest()] = hashlib.sha256(content).hexdigest()
    for log in sorted((template / LOGS).iterdir(), key=lambda file: "-you-" in file.name):
        content = log.read_bytes()
        for before, after in names.items():
            content = content.replace(before.encode(), json.dumps(after)[1:-1].encode())
        (path / LOGS / f"{file_name(log.stem)}.jsonl").write_bytes(changed(content))
