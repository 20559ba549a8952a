"""A process whose system calls fail at a wish: it labels, and says what was acknowledged.

Started with `faulty.c` preloaded, it reads one wish a line and answers in lines of JSON; each wish
is labelled out by a fork of it, so that a kill ends only that one.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tuilabel.errors import SaveError, TuilabelError
from tuilabel.journal import Annotator, Draft, Event, EventKind, Journal, SessionInfo

ME = Annotator("me")
INFO = SessionInfo("digits", ("cat", "dog"), pool=100, test=None, seed=3, audit=0.2)
TRIES = 3

_RIGHTS = ("fault_watch", "fault_arm", "fault_calls", "fault_record", "fault_note")


def label_draft(number: int) -> Draft:
    """Draft the label that is given as the n-th."""
    body = {"references": [f"{number}.png"], "probabilities": {"cat": 0.25, "dog": 0.75}}
    name = ("cat", "dog")[number % 2]
    return Draft(
        EventKind.LABEL, f"item{number}", name, round=1 + number // 10, ms=number, body=body
    )


def label_out(path: Path, labels: int, tell: Any, note: Any, synchronous: str = "") -> None:
    """Make a session and label, with checkpoints and openings in between.

    With another `synchronous` than the journal's own it is careless, as a check of the checks.
    """
    journal: Journal | None = None
    for number in range(labels):
        for _ in range(TRIES):
            try:
                if journal is None:
                    journal = _open(path, synchronous)
                event = journal.append(label_draft(number), ME)
            except SaveError as error:
                tell("refused", str(error))
            except TuilabelError as error:
                tell("refused", str(error))
                journal = None
            else:
                note(event)
                tell("saved", asdict(event))
                break
        if journal is not None and number % 8 == 7:
            journal.close()
            journal = None
    if journal is not None:
        journal.close()


def _open(path: Path, synchronous: str) -> Journal:
    journal = Journal(path) if path.exists() else Journal.create(path, INFO)
    # So that short sessions have checkpoints too.
    assert journal._connection is not None
    journal._connection.execute("PRAGMA wal_autocheckpoint = 10")
    if synchronous:
        journal._connection.execute(f"PRAGMA synchronous = {synchronous}")
    return journal


def _serve() -> None:
    library = ctypes.CDLL(None)
    missing = [name for name in _RIGHTS if not hasattr(library, name)]
    if missing:
        sys.exit("the library is not preloaded")
    out = os.dup(1)

    def tell(kind: str, what: object) -> None:
        os.write(out, json.dumps({kind: what}).encode() + b"\n")

    for line in sys.stdin:
        wish = json.loads(line)
        child = os.fork()
        if not child:
            status = 1
            tell("pid", os.getpid())
            try:
                _grant(library, wish, tell)
                status = 0
            except BaseException as error:  # noqa: BLE001 - whatever it is, the other side is told
                tell("crashed", repr(error))
            os._exit(status)
        _, status = os.waitpid(child, 0)
        tell("ended", os.waitstatus_to_exitcode(status))


def _grant(library: ctypes.CDLL, wish: dict[str, Any], tell: Any) -> None:
    folder = Path(wish["folder"])
    library.fault_watch(os.fsencode(folder))
    if wish["record"]:
        file = os.open(wish["record"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        library.fault_record(file)
    library.fault_arm(ctypes.c_long(wish["at"]), wish["fault"])

    def note(event: Event) -> None:
        library.fault_note(event.uuid.encode())

    label_out(folder / "s.tuilabel", wish["labels"], tell, note, wish["synchronous"])
    library.fault_calls.restype = ctypes.c_long
    tell("calls", library.fault_calls())


if __name__ == "__main__":
    _serve()
