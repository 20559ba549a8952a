"""Files that a disk, a copy or a hand has damaged: changed, cut, removed, lines out of order."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from unittest import mock

from tests.faults.context import Context, Kind
from tests.faults.labeller import BATCH, batch, label, open_journal, write_bulk
from tests.faults.table import Tally, check, contents
from tuilabel.events.lines import Event, decode
from tuilabel.events.payloads import Batch, Begin, Bulk, Ended
from tuilabel.journal import journal as journal_module
from tuilabel.journal.journal import Journal
from tuilabel.journal.store import FILE
from tuilabel.runs import this_run

PAGE, SECTOR = 4096, 512

Files = dict[str, bytes]


class Snapshot:
    """The files of a session whose three writers have gone.

    Two of them worked at the same time. The third read what they wrote, and recorded that, so the
    end of its own log is all that no other log has seen.

    Attributes
    ----------
    files : dict of str to bytes
        Content by name.
    saved : list of Event
        What was acknowledged.
    """

    def __init__(self, folder: Path, labels: int = 16) -> None:
        path = folder / "s.tuilabel"
        self.saved: list[Event] = []
        gone = this_run()._replace(started=1)
        with mock.patch.object(journal_module, "this_run", return_value=gone):
            with open_journal(path, "anna") as anna, open_journal(path, "bob") as bob:
                for number in range(labels):
                    self._label(anna if number // 3 % 2 else bob, number)
            with open_journal(path, "cleo") as cleo:
                for number in range(labels, labels + labels // 2):
                    self._label(cleo, number)
        self.files = contents(path)
        self._lines = {
            name: [(line, decode(line, "")) for line in content.splitlines()]
            for name, content in self.files.items()
            if name.startswith("log/")
        }
        shutil.rmtree(path)

    def _label(self, journal: Journal, number: int) -> None:
        by = journal._annotator
        if number % BATCH == 0:
            journal.read()
            self.saved += journal.append([batch(number, journal.seen())], by)
        if number % BATCH == 2:
            self.saved += journal.append([write_bulk(journal)], by)
        self.saved += journal.append([label(number)], by)

    def put(self, folder: Path, files: Mapping[str, bytes]) -> Path:
        """Write files of a session into a folder; return the path of the session."""
        path = folder / "s.tuilabel"
        for name in ("log", "bulk"):
            (path / name).mkdir(parents=True)
        for name, content in files.items():
            (path / name).write_bytes(content)
        return path

    def gone(self, files: Mapping[str, bytes]) -> set[str]:
        """Return the ids of acknowledged events of which no whole line, or no bulk file, is left.

        All are gone if nothing is left that says which session it is.
        """
        left = self._left(files)
        begun = any(isinstance(event.payload, Begin) for event in left)
        whole = {event.id for event in left if self._has_bulk(event, files)}
        if not begun and not self._has_description(files):
            whole = set()
        return {event.id for event in self.saved} - whole

    def must_be_reported(self, files: Mapping[str, bytes]) -> bool:
        """Return whether a change can be noticed.

        Any can, except that a log was cut behind a line after which no other log has seen more.
        """
        left = self._left(files)
        seen: dict[str, int] = {}
        for event in left:
            if isinstance(event.payload, Batch | Ended):
                for log, number in event.payload.seen.items():
                    seen[f"log/{log}.jsonl"] = max(number, seen.get(f"log/{log}.jsonl", 0))
        return (
            not self._has_description(files)
            or not all(self._has_bulk(event, files) for event in left)
            or any(
                self._can_be_noticed(name, files.get(name, b""), seen.get(name, 0))
                for name in self._lines
            )
        )

    def _can_be_noticed(self, name: str, left: bytes, seen: int) -> bool:
        lines = [line for line, _ in self._lines[name]]
        found = left.removesuffix(b"\n").split(b"\n") if left else []
        if found != lines[: len(found)]:
            return True
        return len(found) < seen

    def _left(self, files: Mapping[str, bytes]) -> list[Event]:
        """Return the events whose lines are left."""
        logs = (content for name, content in files.items() if name in self._lines)
        found = {line for content in logs for line in content.split(b"\n")}
        return [event for lines in self._lines.values() for line, event in lines if line in found]

    def _has_description(self, files: Mapping[str, bytes]) -> bool:
        return files.get(FILE, b"").rstrip(b"\n") == self.files[FILE].rstrip(b"\n")

    def _has_bulk(self, event: Event, files: Mapping[str, bytes]) -> bool:
        if not isinstance(event.payload, Bulk):
            return True
        name = f"bulk/{event.payload.file}"
        return files.get(name) == self.files[name]


_Change = Callable[[Context, Files], Iterator[Files]]
"""Yields damaged files of a session."""


def _damaging(change: _Change) -> Kind:
    def kind(context: Context, tally: Tally) -> Iterator[None]:
        while True:
            session = Snapshot(context.folder())
            for files in change(context, session.files):
                put = context.folder()
                path = session.put(put, files)
                tally.injected += 1
                must = session.must_be_reported(files)
                check(path, session.saved, tally, session.gone(files), must_be_reported=must)
                shutil.rmtree(put)
                yield

    return kind


def _places(context: Context, files: Files) -> Iterator[tuple[str, int]]:
    """Yield every byte of every file once, in random order."""
    every = [(name, place) for name, content in files.items() for place in range(len(content))]
    for number in context.shuffled(len(every)):
        yield every[number]


def _one_of(context: Context, files: Files) -> str:
    names = sorted(files)
    return names[context.below(len(names))]


def _change_byte(context: Context, files: Files) -> Iterator[Files]:
    for name, place in _places(context, files):
        content = bytearray(files[name])
        content[place] ^= 1 + context.below(255)
        yield {**files, name: bytes(content)}


def _cut(context: Context, files: Files) -> Iterator[Files]:
    for name, place in _places(context, files):
        yield {**files, name: files[name][:place]}


def _remove(context: Context, files: Files) -> Iterator[Files]:
    """Remove one file, any two, and so on up to all of them."""
    every = [
        removed
        for count in range(1, len(files) + 1)
        for removed in combinations(sorted(files), count)
    ]
    for number in context.shuffled(len(every)):
        yield {name: files[name] for name in files if name not in every[number]}


def _reorder(context: Context, files: Files) -> Iterator[Files]:
    """Swap, repeat or remove lines of a log."""
    for _ in range(100):
        name = _one_of(context, {name: files[name] for name in files if name.startswith("log/")})
        lines = files[name].splitlines(keepends=True)
        for _ in range(1 + context.below(2)):
            one, other = context.below(len(lines)), context.below(len(lines))
            match context.below(3):
                case 0:
                    lines[one], lines[other] = lines[other], lines[one]
                case 1:
                    lines.insert(one, lines[other])
                case 2:
                    del lines[one]
        yield {**files, name: b"".join(lines)}


def _overwrite(context: Context, files: Files) -> Iterator[Files]:
    """Overwrite one to three stretches, of a sector or a page or two, with zeros."""
    for _ in range(100):
        changed = dict(files)
        for _ in range(1 + context.below(3)):
            name = _one_of(context, files)
            content = bytearray(changed[name])
            unit = (SECTOR, PAGE)[context.below(2)]
            start = context.below(max(1, len(content) // unit)) * unit
            end = min(len(content), start + unit * (1 + context.below(2)))
            content[start:end] = bytes(end - start)
            changed[name] = bytes(content)
        yield changed


def _flip(context: Context, files: Files) -> Iterator[Files]:
    """Flip one to five bits anywhere."""
    for _ in range(100):
        changed = dict(files)
        for _ in range(1 + context.below(5)):
            name = _one_of(context, files)
            content = bytearray(changed[name])
            content[context.below(len(content))] ^= 1 << context.below(8)
            changed[name] = bytes(content)
        yield changed


byte_changed = _damaging(_change_byte)
cut = _damaging(_cut)
removed = _damaging(_remove)
reordered = _damaging(_reorder)
overwritten = _damaging(_overwrite)
flipped = _damaging(_flip)
