"""Files that a disk, a copy or a hand has damaged: cut, overwritten with zeros, bits flipped."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.faults.context import Context, Kind
from tests.faults.labeller import INFO, ME, label_draft
from tests.faults.table import Tally, check
from tuilabel.journal import Draft, Event, Journal

PAGE = 4096
FRAME = 24 + PAGE
HEADER = 32
SECTOR = 512

# The bytes of a record before its uuid, with its size and its number.
_BEFORE = 20


class Snapshot:
    """A session's two files as they were at some moment, and the labels that were saved by then.

    Attributes
    ----------
    content, log : bytes
    events : list of Event
    """

    def __init__(self, folder: Path, labels: int, in_log: int, rng: np.random.Generator) -> None:
        path = folder / "s.tuilabel"
        Journal.create(path, INFO, _clock).close()
        self.events: list[Event] = []
        with Journal(path, _clock) as journal:
            for number in range(labels - in_log):
                self.events.append(journal.append(_draft(number, rng), ME))
        self.content, self.log = path.read_bytes(), b""
        if in_log:
            with Journal(path, _clock) as journal:
                for number in range(labels - in_log, labels):
                    self.events.append(journal.append(_draft(number, rng), ME))
                self.log = path.with_name(path.name + "-wal").read_bytes()
        path.unlink()

    def put(self, folder: Path, content: bytes, log: bytes) -> Path:
        """Write files of it into a folder."""
        path = folder / "s.tuilabel"
        path.write_bytes(content)
        if log:
            path.with_name(path.name + "-wal").write_bytes(log)
        return path

    @cached_property
    def _places(self) -> dict[str, tuple[list[_Span], list[_Span]]]:
        """Say where in the file and in the log the record of each event is."""
        found = {}
        for event in self.events:
            record = f"{event.uuid}{event.kind.value}{event.time}".encode()
            end = f'"{event.body["references"][0]}"'.encode()
            found[event.uuid] = (_spans(self.content, record, end), _spans(self.log, record, end))
        return found

    def gone(self, content: bytes, log: bytes) -> set[str]:
        """Name the events of which no record is left whole, in a place that may be believed.

        In the log that is a frame of a transaction that can be seen to have been committed.
        """
        frames = (len(self.log) - HEADER) // FRAME if self.log else 0
        same = [
            log[place : place + FRAME] == self.log[place : place + FRAME]
            for place in range(HEADER, HEADER + frames * FRAME, FRAME)
        ]
        ends = [
            n
            for n in range(frames)
            if same[n]
            and any(self.log[HEADER + n * FRAME + 4 : HEADER + n * FRAME + 8])
            and self._head_is_same(log, n - 1)
        ]
        last = max(ends, default=-1)
        gone = set()
        for name, (in_file, in_log) in self._places.items():
            whole = any(content[s.start : s.end] == self.content[s.start : s.end] for s in in_file)
            frames_of = [(span.start - HEADER) // FRAME for span in in_log]
            if not whole and not any(same[n] and n <= last for n in frames_of):
                gone.add(name)
        return gone

    def _head_is_same(self, log: bytes, frame: int) -> bool:
        start, end = (0, HEADER) if frame < 0 else (HEADER + frame * FRAME,) * 2
        end = end if frame < 0 else start + 24
        return log[start:end] == self.log[start:end]


def _clock() -> datetime:
    return datetime(2030, 1, 1, tzinfo=UTC)


def _draft(number: int, rng: np.random.Generator) -> Draft:
    """Draft a label that is the same for the same seed."""
    return replace(label_draft(number), uuid=str(uuid.UUID(bytes=rng.bytes(16), version=4)))


class _Span(NamedTuple):
    start: int
    end: int


def _spans(data: bytes, record: bytes, end: bytes) -> list[_Span]:
    spans, place = [], data.find(record)
    while place >= 0:
        spans.append(_Span(max(0, place - _BEFORE), data.index(b"}}", place) + 2))
        place = data.find(record, place + 1)
    return spans


_Change = Callable[[Context, Snapshot], Iterator[tuple[bytes, bytes]]]
"""Gives damaged contents of a session's two files."""


def _damaging(change: _Change, *, in_log: int, labels: int = 40) -> Kind:
    def kind(context: Context, tally: Tally) -> Iterator[None]:
        folder = context.folder()
        while True:
            session = Snapshot(folder, labels, in_log, context.rng)
            for content, log in change(context, session):
                put = context.folder()
                path = session.put(put, content, log)
                tally.injected += 1
                check(path, session.events, tally, session.gone(content, log))
                shutil.rmtree(put)
                yield

    return kind


def _cut_file(context: Context, session: Snapshot) -> Iterator[tuple[bytes, bytes]]:
    for place in context.shuffled(len(session.content) // SECTOR):
        yield session.content[: place * SECTOR], session.log


def _cut_log(context: Context, session: Snapshot) -> Iterator[tuple[bytes, bytes]]:
    for place in context.shuffled(len(session.log) // SECTOR):
        yield session.content, session.log[: place * SECTOR]


def _overwrite(context: Context, session: Snapshot) -> Iterator[tuple[bytes, bytes]]:
    """Overwrite one to three stretches, of a sector or a page or two, with zeros."""
    for _ in range(100):
        both = [bytearray(session.content), bytearray(session.log)]
        for _ in range(1 + context.below(3)):
            data = both[context.below(2)] or both[0]
            unit = PAGE if context.below(2) else SECTOR
            start = context.below(max(1, len(data) // unit)) * unit
            end = min(len(data), start + unit * (1 + context.below(2)))
            data[start:end] = bytes(end - start)
        yield bytes(both[0]), bytes(both[1])


def _flip(context: Context, session: Snapshot) -> Iterator[tuple[bytes, bytes]]:
    """Flip one to five bits anywhere."""
    for _ in range(100):
        both = [bytearray(session.content), bytearray(session.log)]
        for _ in range(1 + context.below(5)):
            data = both[context.below(2)] or both[0]
            data[context.below(len(data))] ^= 1 << context.below(8)
        yield bytes(both[0]), bytes(both[1])


cut_file = _damaging(_cut_file, in_log=0)
cut_file_with_log = _damaging(_cut_file, in_log=15)
cut_log = _damaging(_cut_log, in_log=15)
overwritten = _damaging(_overwrite, in_log=15)
flipped = _damaging(_flip, in_log=15)
