"""Logs of an attacker through the reader and both folds; TUILABEL_HOSTILE_LOGS=20000 makes more."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hostile_sessions import HOSTILE
from loop_fakes import FakeItems

from tuilabel.errors import SaveError, SessionFileError
from tuilabel.events.lines import AS_FOUND, sealed
from tuilabel.events.payloads import KINDS, About
from tuilabel.feeds.changes import lines_of
from tuilabel.journal.description import create_session
from tuilabel.journal.journal import Journal
from tuilabel.session import Annotator, LoopSettings, Session
from tuilabel.session.summary import summarise
from tuilabel.session.view import SessionView
from tuilabel.text import LONGEST_PATH, inert
from tuilabel.workspace.checking import check_session

LOGS = int(os.environ.get("TUILABEL_HOSTILE_LOGS", "400"))
LOGS_A_SESSION = 10
AT = "2026-01-01T00:00:00.000+00:00"
ITEMS = FakeItems(30, holdout=False)
IDS = [f"{place:032x}" for place in range(40)]
NUMBERS = [0, 1, 2, 3, -1, 2**31, 2**52, 2**52 + 1, 2**60, 10**10, 10**30, 1.5, 1e-320, True]
OBJECTS: list[Any] = [None, [], {}, [[]], {"": None}, "yesterday", "1970-01-01T00:00:00Z", AT]


def value(rng: random.Random) -> Any:
    """Return anything that JSON can hold."""
    return rng.choice([rng.choice(NUMBERS), rng.choice(HOSTILE), rng.choice(OBJECTS), some(rng)])


def some(rng: random.Random) -> str:
    """Return an id of an item, a class or an event."""
    return rng.choice([*IDS[:8], *ITEMS.ids[:8], "c1:0", "c1:1", rng.choice(HOSTILE)])


def begin(rng: random.Random) -> dict[str, Any]:
    about = {"uuid": rng.choice(["ours", "ours", "ours", "other"]), "source": "fake"}
    facts = {"annotator": "eve", "host": "h", "boot": "", "pid": 1, "started": 1, "program": "0"}
    return {"about": about, "source": "fake", **facts}


def payload(rng: random.Random, kind: str) -> Any:
    """Return a content that is often close to a valid one."""
    if kind == "begin":
        return begin(rng)
    made: dict[str, Any] = {}
    for field in msgspec.structs.fields(KINDS[kind]):
        if field.required or rng.random() < 0.3:
            text = str(field.type)
            if "Asked" in text:
                made[field.name] = [[some(rng), "margin"] for _ in range(rng.randrange(4))]
                if rng.random() < 0.8:
                    made[field.name] = [{"item": a, "reason": b} for a, b in made[field.name]]
            elif "Carry" in text:
                ids = [(some(rng), some(rng)) for _ in range(rng.randrange(4))]
                made[field.name] = [{"item": a, "into": b, "pixels": ""} for a, b in ids]
            elif "dict" in text:
                made[field.name] = {str(value(rng)): rng.choice([1, value(rng)])}
            elif "int" in text or "float" in text:
                made[field.name] = rng.choice([1, 0, 1, rng.choice(NUMBERS)])
            elif "tuple" in text:
                made[field.name] = [some(rng) for _ in range(rng.randrange(3))]
            elif "bool" in text:
                made[field.name] = rng.random() < 0.5
            else:
                made[field.name] = some(rng)
    if rng.random() < 0.1:
        made[rng.choice([*made, "v", "x"])] = value(rng)
    return made


def line(rng: random.Random, n: int) -> bytes:
    """Return one line, more or less right."""
    if rng.random() < 0.05:
        return rng.choice(
            [b"\n", b"\0" * 99 + b"\n", rng.randbytes(40), b"[" * 9999 + b"\n", b"{}\n"]
        )
    kind = rng.choice(["begin", "label", "label", "undo", *KINDS])
    fields: dict[str, Any] = {
        "id": rng.choice([rng.randbytes(16).hex(), rng.choice(IDS)]),
        "n": n,
        "t": rng.randrange(1, 30),
        "at": AT,
        "kind": kind,
        "by": rng.choice(["me", "eve", *HOSTILE]),
        "payload": payload(rng, kind),
    }
    if rng.random() < 0.2:
        name = rng.choice(list(fields))
        fields[name] = value(rng)
        if rng.random() < 0.3:
            del fields[name]
    try:
        text = msgspec.json.encode(fields)
    except (UnicodeEncodeError, OverflowError):
        text = json.dumps(fields).encode()  # with escaped surrogates, numbers of any size
    made = sealed(text)
    return made[: rng.randrange(len(made))] if rng.random() < 0.05 else made


def log(rng: random.Random) -> bytes:
    """Return a log."""
    lines = [line(rng, n + rng.choice([0, 0, 0, 1, -1])) for n in range(2, rng.randrange(3, 9))]
    if rng.random() < 0.9:
        first = {"id": rng.randbytes(16).hex(), "n": 1, "t": 1, "at": AT, "kind": "begin"}
        lines.insert(0, sealed(msgspec.json.encode({**first, "by": "eve", "payload": begin(rng)})))
    if rng.random() < 0.1:
        rng.shuffle(lines)
    return b"".join(lines)


def check_texts(value: Any, name: str = "") -> None:
    """Check that all text in an event is harmless for a terminal, except names of files."""
    if isinstance(value, str):
        assert inert(value, 2**20) == value
    elif isinstance(value, dict):
        for key, part in value.items():
            check_texts(key)
            if key not in AS_FOUND:
                check_texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            check_texts(part)


@pytest.mark.parametrize("part", range(4))
def test_random_logs_end_neither_reader_nor_folds(tmp_path: Path, part: int) -> None:
    read = opened = 0
    for seed in range(part, LOGS // LOGS_A_SESSION, 4):
        rng = random.Random(seed)
        path = tmp_path / f"{seed}.tuilabel"
        create_session(path, About(uuid="ours", source="fake"))
        for place in range(LOGS_A_SESSION):
            name = rng.choice(["", "\x1b[2J", "\u202e", "a b"]) + str(place)
            (path / "log" / f"{name}.jsonl").write_bytes(log(rng))
        view = SessionView(path)
        events = list(view.events)
        read += len(events)
        assert len({event.id for event in events}) == len(events)
        assert [(one.t, one.id) for one in events] == sorted((one.t, one.id) for one in events)
        for event in events:
            check_texts(msgspec.to_builtins(event.payload))
            check_texts([event.id, event.by, event.at])
        summarise(view)
        list(view.labelled())
        assert all(json.loads(told)["kind"] for told in lines_of(events, view))
        for problem in view.problems:
            assert inert(str(problem), LONGEST_PATH) == str(problem)
        assert check_session(path)["events"] == len(events)
        journal = Journal(path, "me", "fake", reader=view.reader)
        me = Annotator("me")
        try:
            session = Session(ITEMS, journal, LoopSettings(), me, view.record)  # type: ignore[arg-type]
        except (SaveError, SessionFileError) as error:
            assert "counter" in str(error) or "was made for" in str(error)  # noqa: PT017
            continue
        opened += 1
        while session.undo(by=me) is not None:
            pass
        if session.current_id is not None and session.classes.open:
            session.label(session.current_id, session.classes.open[0], by=me)
        assert session.events[-1].by == "me"
    assert read > LOGS // 4
    assert opened
