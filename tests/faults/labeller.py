"""A process whose system calls fail on request: it labels, and reports what was acknowledged.

Started with `faulty.c` preloaded, it reads one request a line and answers in lines of JSON. Each
request is served by forks of it, so that a kill ends only those.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuilabel import durable_files
from tuilabel.errors import TuilabelError
from tuilabel.events.lines import Event, decode, encode
from tuilabel.events.payloads import About, Asked, Batch, Bulk, BulkLine, Label, Payload
from tuilabel.journal import store
from tuilabel.journal.description import create_session, is_session
from tuilabel.journal.journal import Journal

ABOUT = About(uuid="session", source="digits", pool=100, seed=3, audit=0.2)
TRIES = 4
BATCH = 4

_NEEDED = ("fault_watch", "fault_arm", "fault_calls", "fault_record", "fault_note")


def label(number: int, by: str = "") -> Label:
    """Return the label that is given as the n-th."""
    return Label(
        item=f"a1:{by}{number}",
        class_id=f"c1:{number % 2:016x}",
        round=1 + number // BATCH,
        ms=number,
        probabilities={f"c1:{0:016x}": 0.25, f"c1:{1:016x}": 0.75},
        names=(f"{number}.png",),
    )


def batch(number: int, seen: dict[str, int]) -> Batch:
    """Return the batch that is asked when so many labels were given."""
    items = tuple(Asked(f"a1:{number + n}", "margin") for n in range(BATCH))
    return Batch(round=1 + number // BATCH, items=items, seen=seen)


def open_journal(path: Path, by: str) -> Journal:
    """Open a session, and read what is there; create it if it is missing."""
    if not is_session(path):
        create_session(path, ABOUT)
    opened = Journal(path, by, "/somewhere")
    opened.read()
    return opened


def write_bulk(opened: Journal) -> Bulk:
    """Write a file of two auto-labels; return the event that is to name it."""
    items = [uuid.uuid4().hex for _ in range(2)]
    lines = [BulkLine(item=f"a1:{item}", class_id=f"c1:{0:016x}") for item in items]
    file, sha256, count = opened.write_bulk(lines)
    return Bulk(file=file, sha256=sha256, count=count, origin="auto")


def as_text(event: Event) -> str:
    """Return an event as text that `as_event` reads."""
    return event.log + " " + encode(event).decode()


def as_event(text: str) -> Event:
    """Return the event in a text."""
    log, _, line = text.partition(" ")
    return decode(line.rstrip("\n").encode(), log)


def label_out(
    path: Path,
    by: str,
    labels: int,
    tell: Callable[[str, object], None],
    note: Callable[[Event], None],
) -> None:
    """Create or open a session and label, in runs of eight labels.

    A batch is recorded before every fourth label, and a bulk file is written in each run.
    """
    opened: Journal | None = None

    def tried(make: Callable[[Journal], Payload]) -> None:
        """Write an event, and try again as a person who presses the key again."""
        nonlocal opened
        for _ in range(TRIES):
            try:
                opened = opened or open_journal(path, by)
                (event,) = opened.append([make(opened)], by)
            except TuilabelError as error:
                tell("refused", str(error))
            else:
                note(event)
                tell("saved", as_text(event))
                return

    for number in range(labels):
        if number % BATCH == 0:
            tried(lambda opened, n=number: _next_batch(opened, n))  # type: ignore[misc]
        if number % 8 == 5:
            tried(write_bulk)
        tried(lambda _, n=number: label(n, by))  # type: ignore[misc]
        if opened is not None and number % 8 == 7:
            opened.close()
            opened = None
    if opened is not None:
        opened.close()


def _next_batch(opened: Journal, number: int) -> Batch:
    opened.read()
    return batch(number, opened.seen())


def _serve() -> None:
    library = ctypes.CDLL(None)
    if not all(hasattr(library, name) for name in _NEEDED):
        sys.exit("the library is not preloaded")
    out = os.dup(1)

    def tell(kind: str, what: object) -> None:
        os.write(out, json.dumps({kind: what}).encode() + b"\n")

    for line in sys.stdin:
        request = json.loads(line)
        writers = [
            child for by in request["writers"] if (child := _fork(library, request, by, tell))
        ]
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in writers]
        tell("ended", ended)


def _fork(library: ctypes.CDLL, request: dict[str, Any], by: str, tell: Any) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    tell("pid", os.getpid())
    try:
        _label(library, request, by, tell)
        status = 0
    except BaseException as error:  # noqa: BLE001 - whatever it is, the other side is told
        tell("crashed", repr(error))
    os._exit(status)


def _label(library: ctypes.CDLL, request: dict[str, Any], by: str, tell: Any) -> None:
    folder = Path(request["folder"])
    for module in (os, store, durable_files):
        if hasattr(module, request["careless"]):
            setattr(module, request["careless"], lambda *_: None)
    library.fault_watch(os.fsencode(folder))
    if request["record"]:
        file = os.open(request["record"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        library.fault_record(file)
    library.fault_arm(ctypes.c_long(request["at"]), request["fault"])

    def note(event: Event) -> None:
        library.fault_note(event.id.encode())

    label_out(folder / "s.tuilabel", by, request["labels"], tell, note)
    library.fault_calls.restype = ctypes.c_long
    tell("calls", library.fault_calls())


if __name__ == "__main__":
    _serve()
