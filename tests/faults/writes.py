"""The n-th write, fsync or truncation fails, is cut short, or is the last thing that happens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.faults.context import Context, Kind
from tests.faults.preload import Fault, Told
from tests.faults.table import Tally, check, is_sentence

LABELS = 12
SECTOR = 512


def failing(fault: Fault) -> Kind:
    """Make a kind of fault that lets each system call fail once, in random order."""

    def kind(context: Context, tally: Tally) -> Iterator[None]:
        folder = context.folder()
        calls = context.labeller.label(folder, labels=LABELS).calls
        tally.expect(calls > 3 * LABELS, f"only {calls} calls were seen")
        shutil.rmtree(folder)
        while True:
            for at in context.shuffled(calls):
                folder = context.folder()
                told = context.labeller.label(folder, labels=LABELS, at=at + 1, fault=fault)
                tally.injected += 1
                _judge(told, fault, tally)
                path = folder / "s.tuilabel"
                if path.exists():
                    check(path, told.saved, tally)
                else:
                    tally.expect(not told.saved, "the session is not there")
                    tally.notes["before there was a session"] += 1
                shutil.rmtree(folder)
                yield

    return kind


def _judge(told: Told, fault: Fault, tally: Tally) -> None:
    for message in told.crashed:
        tally.expect(False, message)
    for message in told.refused:
        tally.expect(is_sentence(message), f"no sentence: {message}")
    if told.refused:
        tally.notes["said as not saved"] += len(told.refused)
    if fault in (Fault.TORN, Fault.KILLED):
        # What is torn is a write; the process dies of any other call, too.
        tally.expect(told.ended in (-9, 0), f"ended with {told.ended}")
        return
    tally.expect(told.ended == 0, f"ended with {told.ended}")
    if fault is not Fault.READ_ONLY:
        tally.expect(len(told.saved) == LABELS, "a key pressed again was not taken")


class Call(NamedTuple):
    """A call that reached the disk: what it did to which file, or a note that a label was saved."""

    kind: str
    path: str
    place: int
    data: bytes


def read_calls(log: Path) -> list[Call]:
    """Read what `faulty.c` has written down."""
    data = log.read_bytes()
    calls = []
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        kind, place, size, path = data[at:end].decode().split(" ", 3)
        at = end + 1
        content = data[at : at + int(size)] if kind in "WLR" else b""
        at += len(content)
        calls.append(Call(kind, path, int(place), content))
    return calls


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Call] = field(default_factory=list)


class Disk:
    """What a disk holds for sure, and what was only handed to it.

    What is written to a file is sure once the file was synchronised, and what name a file has once
    its directory was. Of the rest a power cut leaves anything: nothing, all, or pieces of 512 bytes
    in any choice; of names, those that came first.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._names: dict[str, _File] = {}
        self._sure_names: dict[str, _File] = {}
        self._pending_names: list[tuple[str, _File | None]] = []

    def begin(self, files: Mapping[str, bytes]) -> None:
        """Put files on it that are sure, by name."""
        for name, content in files.items():
            self._names[f"{self._folder}/{name}"] = _File(bytearray(content))
        self._sure_names = dict(self._names)

    def apply(self, call: Call) -> None:
        """Take one more call into account."""
        if call.kind == "S" and call.path == self._folder:
            self._sure_names, self._pending_names = dict(self._names), []
        elif call.kind == "S" and call.path in self._names:
            file = self._names[call.path]
            for one in file.pending:
                _write(file.durable, one.kind, one.place, one.data)
            file.pending = []
        elif call.kind in "WT":
            if call.path not in self._names:
                self._name(call.path, _File())
            self._names[call.path].pending.append(call)
        elif call.kind == "U":
            self._name(call.path, None)
        elif call.kind in "LR":
            self._name(call.path, self._names[call.data.decode()])
            if call.kind == "R":
                self._name(call.data.decode(), None)

    def _name(self, path: str, file: _File | None) -> None:
        self._pending_names.append((path, file))
        if file is None:
            self._names.pop(path, None)
        else:
            self._names[path] = file

    def after_power_cut(self, folder: Path, rng: np.random.Generator, share: float) -> None:
        """Write into a folder what is left; of what was not sure, about a share is kept."""
        names = dict(self._sure_names)
        kept = int(rng.binomial(len(self._pending_names), share)) if self._pending_names else 0
        for path, file in self._pending_names[:kept]:
            if file is None:
                names.pop(path, None)
            else:
                names[path] = file
        for path, file in names.items():
            name = Path(path).name
            # The index of the log is made anew; the lock ends with its process.
            if name.endswith(("-shm", ".lock")):
                continue
            content = bytearray(file.durable)
            for call in file.pending:
                if call.kind == "T":
                    if rng.random() < share:
                        _write(content, "T", call.place, b"")
                    continue
                for start in range(0, len(call.data), SECTOR):
                    if rng.random() < share:
                        piece = call.data[start : start + SECTOR]
                        _write(content, "W", call.place + start, piece)
            (folder / name).write_bytes(content)


def _write(content: bytearray, kind: str, place: int, data: bytes) -> None:
    if kind == "T":
        del content[place:]
        content.extend(bytes(place - len(content)))
    else:
        content.extend(bytes(max(0, place - len(content))))
        content[place : place + len(data)] = data


def power_cut(context: Context, tally: Tally, synchronous: str = "") -> Iterator[None]:
    """Cut the power after any call: what was not synchronised is gone, kept, or kept in pieces."""
    while True:
        folder, log = context.folder(), context.work / "calls"
        log.unlink(missing_ok=True)
        # Every other session also meets a call that fails.
        at, fault = 0, Fault.NOTHING
        if context.below(2):
            at, fault = 1 + context.below(120), Fault(1 + context.below(3))
        told = context.labeller.label(
            folder, labels=LABELS, record=log, at=at, fault=fault, synchronous=synchronous
        )
        tally.expect(not told.crashed, str(told.crashed[:1]))
        shutil.rmtree(folder)
        calls = read_calls(log)
        by_uuid = {event.uuid: event for event in told.saved}
        tally.expect(calls, "no call was recorded")
        disk = Disk(str(folder))
        wanted = set(context.shuffled(len(calls))[: max(1, len(calls) // 4)])
        saved = []
        for place, call in enumerate(calls):
            if call.kind == "A":
                saved.append(by_uuid[call.path])
            disk.apply(call)
            if place not in wanted and place != len(calls) - 1:
                continue
            left = context.folder()
            share = float(context.rng.choice([0.0, 0.5, 0.9, 1.0]))
            disk.after_power_cut(left, context.rng, share)
            tally.injected += 1
            path = left / "s.tuilabel"
            if path.exists():
                check(path, saved, tally)
            else:
                tally.expect(not saved, "the session is not there")
                tally.notes["before there was a session"] += 1
            shutil.rmtree(left)
            yield
