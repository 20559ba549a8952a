"""The n-th system call fails, is cut short, or is the last thing that happens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.faults.context import Context, Kind
from tests.faults.preload import Fault, Told
from tests.faults.table import Tally, check, contents, is_sentence

LABELS = 12
SECTOR = 512


def failing(fault: Fault) -> Kind:
    """Return a kind of fault that lets each system call fail once, in random order."""

    def kind(context: Context, tally: Tally) -> Iterator[None]:
        folder = context.folder()
        undisturbed = context.labeller.label(folder, labels=LABELS)
        calls, events = undisturbed.calls, len(undisturbed.saved)
        tally.expect(calls > 2 * LABELS, f"only {calls} calls were seen")
        shutil.rmtree(folder)
        while True:
            for at in context.shuffled(calls):
                folder = context.folder()
                told = context.labeller.label(folder, labels=LABELS, at=at + 1, fault=fault)
                tally.injected += 1
                _judge(told, fault, events, tally)
                problems = check(folder / "s.tuilabel", told.saved, tally)
                if fault not in (Fault.SHORT, Fault.TORN):
                    tally.expect(not problems, f"reported without reason: {problems[:1]}")
                shutil.rmtree(folder)
                yield

    return kind


def _judge(told: Told, fault: Fault, events: int, tally: Tally) -> None:
    for message in told.crashed:
        tally.expect(False, message)
    for message in told.refused:
        tally.expect(is_sentence(message), f"no sentence: {message}")
    if told.refused:
        tally.notes["reported as not saved"] += len(told.refused)
    if fault in (Fault.TORN, Fault.KILLED):
        # A write is cut in the middle; of any other call the process dies, too.
        tally.expect(told.ended in ([-9], [0]), f"ended with {told.ended}")
        return
    tally.expect(told.ended == [0], f"ended with {told.ended}")
    if fault is not Fault.READ_ONLY:
        tally.expect(len(told.saved) == events, "a key pressed again was not taken")


class Call(NamedTuple):
    """A call that reached the disk, or a note that an event was acknowledged.

    Attributes
    ----------
    kind : str
        W (write), C (create a file), D (make a folder), R (rename), U (remove), S (synchronise) or
        A (acknowledged).
    path : str
        The new path of what is renamed; the id of what is acknowledged.
    place : int
        Where in the file it was written.
    data : bytes
        What was written; the old path of what is renamed.
    """

    kind: str
    path: str
    place: int
    data: bytes


def read_calls(log: Path) -> list[Call]:
    """Return the calls that `faulty.c` has recorded."""
    data = log.read_bytes()
    calls = []
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        kind, place, size, path = data[at:end].decode().split(" ", 3)
        at = end + 1
        content = data[at : at + int(size)] if kind in "WR" else b""
        at += len(content)
        calls.append(Call(kind, path, int(place), content))
    return calls


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Call] = field(default_factory=list)


@dataclass
class _Folder:
    names: dict[str, _File | _Folder] = field(default_factory=dict)
    durable: dict[str, _File | _Folder] = field(default_factory=dict)
    pending: list[dict[str, _File | _Folder | None]] = field(default_factory=list)

    def change(self, names: dict[str, _File | _Folder | None]) -> None:
        """Set and remove names, at once."""
        self.pending.append(names)
        _change(self.names, names)


class Disk:
    """What a disk holds for certain, and what was only handed to it.

    What is written to a file is certain once the file was synchronised, and which names are in a
    folder once the folder was. A power cut may leave any of the rest: nothing, all, or pieces of
    512 bytes in any choice; of the names in a folder, those that changed first.

    Parameters
    ----------
    folder : str
        The folder whose calls are applied.
    """

    def __init__(self, folder: str) -> None:
        self._path = Path(folder)
        self._root = _Folder()

    def begin(self, folder: Path) -> None:
        """Put all that is in a folder on the disk, for certain."""
        self._root = _copied(folder)

    def apply(self, call: Call) -> None:
        """Apply one more call."""
        if call.kind == "A":
            return
        path = Path(call.path)
        if call.kind in "WS":
            node = self._find(path)
            if isinstance(node, _File):
                if call.kind == "W":
                    node.pending.append(call)
                else:
                    for one in node.pending:
                        _write(node.durable, one.place, one.data)
                    node.pending = []
            elif node is not None:
                node.durable, node.pending = dict(node.names), []
            return
        folder = self._find(path.parent)
        assert isinstance(folder, _Folder)
        if call.kind == "R":
            old = Path(call.data.decode())
            assert old.parent == path.parent, "only names in one folder change at once"
            folder.change({old.name: None, path.name: folder.names[old.name]})
        else:
            made = {"C": _File, "D": _Folder, "U": lambda: None}[call.kind]
            folder.change({path.name: made()})

    def _find(self, path: Path) -> _File | _Folder | None:
        node: _File | _Folder | None = self._root
        for name in path.relative_to(self._path).parts:
            node = node.names.get(name) if isinstance(node, _Folder) else None
        return node

    def after_power_cut(self, folder: Path, rng: np.random.Generator, share: float) -> None:
        """Write what is left into a folder; of what was not certain, about a share is kept."""
        _leave(self._root, folder, rng, share)


def _copied(path: Path) -> _Folder:
    names: dict[str, _File | _Folder] = {
        one.name: _copied(one) if one.is_dir() else _File(bytearray(one.read_bytes()))
        for one in path.iterdir()
    }
    return _Folder(names, dict(names))


def _leave(node: _Folder, path: Path, rng: np.random.Generator, share: float) -> None:
    names = dict(node.durable)
    kept = int(rng.binomial(len(node.pending), share)) if node.pending else 0
    for change in node.pending[:kept]:
        _change(names, change)
    for name, one in names.items():
        if isinstance(one, _Folder):
            (path / name).mkdir()
            _leave(one, path / name, rng, share)
            continue
        content = bytearray(one.durable)
        for call in one.pending:
            for start in range(0, len(call.data), SECTOR):
                if rng.random() < share:
                    piece = call.data[start : start + SECTOR]
                    _write(content, call.place + start, piece)
        (path / name).write_bytes(content)


def _change(
    names: dict[str, _File | _Folder], change: Mapping[str, _File | _Folder | None]
) -> None:
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _write(content: bytearray, place: int, data: bytes) -> None:
    content.extend(bytes(max(0, place - len(content))))
    content[place : place + len(data)] = data


def power_cut(context: Context, tally: Tally, careless: str = "") -> Iterator[None]:
    """Cut the power after any call: what was not synchronised is gone, kept, or kept in pieces."""
    while True:
        folder, record = context.folder(), context.work / "calls"
        record.unlink(missing_ok=True)
        # Some sessions have two writers, and some meet a call that fails, or ends the writers, so
        # that others come after them.
        writers = ("me", "you")[: 1 + context.below(2)]
        fault = Fault(context.below(len(Fault) - 1))
        at = 1 + context.below((15, 80)[context.below(2)]) if fault else 0
        told = context.labeller.label(
            folder,
            labels=LABELS,
            record=record,
            at=at,
            fault=fault,
            careless=careless,
            writers=writers,
        )
        if fault in (Fault.TORN, Fault.KILLED):
            after = context.labeller.label(folder, labels=4, record=record, careless=careless)
            told.saved += after.saved
            told.crashed += after.crashed
        tally.expect(not told.crashed, str(told.crashed[:1]))
        calls = read_calls(record)
        tally.expect(calls, "no call was recorded")
        by_id = {event.id: event for event in told.saved}
        disk = Disk(str(folder))
        wanted = set(context.shuffled(len(calls))[: max(1, len(calls) // 4)])
        saved = []
        for place, call in enumerate(calls):
            if call.kind == "A":
                saved.append(by_id[call.path])
            disk.apply(call)
            if place not in wanted and place != len(calls) - 1:
                continue
            left = context.folder()
            share = float(context.rng.choice([0.0, 0.5, 0.9, 1.0]))
            disk.after_power_cut(left, context.rng, share)
            tally.injected += 1
            check(left / "s.tuilabel", saved, tally)
            shutil.rmtree(left)
            yield
        whole = context.folder()
        disk.after_power_cut(whole, context.rng, 1.0)
        tally.expect(contents(whole) == contents(folder), "a call was not recorded")
        shutil.rmtree(whole)
        shutil.rmtree(folder)
