"""Sessions as folders, with logs made line by line."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tuilabel.journal.folder import LOGS, create_session
from tuilabel.journal.journal import Journal
from tuilabel.journal.lines import Event, add_checksum
from tuilabel.journal.payloads import About, Label, Payload

ABOUT = About(uuid="5e" * 16, source="digits")
OTHER = About(uuid="07" * 16, source="digits")
AT = "2026-11-27T12:00:00Z"


def label(item: str = "f1:a", **fields: Any) -> Label:
    """Return an answer."""
    return Label(item=item, class_id="cat", **fields)


def new_session(path: Path, about: About = ABOUT) -> Path:
    """Make an empty session."""
    create_session(path, about)
    return path


def everything(path: Path, **options: Any) -> list[Event]:
    """Return all events of a session."""
    return list(Journal(path, **options).read())


def raw_line(n: int, t: object = "n", kind: str = "label", /, **fields: Any) -> bytes:
    """Return a line with a right checksum, whatever is in it; by default, `t` is `n`."""
    t = n if t == "n" else t
    payload = fields.pop("payload", {"item": "f1:a", "class_id": "cat"})
    values = {"id": uuid.uuid4().hex, "n": n, "t": t, "at": AT, "kind": kind, "by": "eve"}
    return add_checksum(msgspec.json.encode({**values, "payload": payload, **fields}))


def begin_line(about: About = ABOUT, **fields: Any) -> bytes:
    """Return the first line of a log."""
    payload = {"annotator": "eve", "host": "elsewhere", "boot": "b", "pid": 1, "started": 1}
    payload |= {"about": msgspec.to_builtins(about), "program": "0", "source": "/data"}
    return raw_line(1, 1, "begin", payload=payload, **fields)


def put(path: Path, *lines: bytes, name: str = "eve") -> Path:
    """Put a log into a session."""
    log = path / LOGS / f"{name}.jsonl"
    log.write_bytes(b"".join(lines))
    return log


def texts(journal: Journal) -> str:
    """Return the sentences about all problems."""
    return "\n".join(problem.text for problem in journal.problems())


def items(events: Sequence[Event[Payload]]) -> list[str]:
    """Return the items of the labels among events."""
    return [event.payload.item for event in events if isinstance(event.payload, Label)]
