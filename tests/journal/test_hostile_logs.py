"""Logs of an attacker: random ones, read in process; TUILABEL_HOSTILE_LOGS=20000 makes more."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hostile_sessions import HOSTILE

from tests.journal.folders import ABOUT, AT, OTHER, begin_line, label, new_session
from tuilabel.errors import SaveError, SessionFileError
from tuilabel.journal.check import check_session
from tuilabel.journal.journal import Journal
from tuilabel.journal.lines import add_checksum, harmless
from tuilabel.journal.payloads import KINDS
from tuilabel.text import LONGEST_PATH, inert

LOGS = int(os.environ.get("TUILABEL_HOSTILE_LOGS", "600"))
LOGS_A_SESSION = 20
IDS = [f"{place:032x}" for place in range(40)]
NUMBERS = [0, 1, 2, 3, -1, 2**31, 2**52, 2**52 + 1, 2**60, 10**10, 10**30, 1.5, 1e-320, True]
OBJECTS: list[Any] = [None, [], {}, [[]], {"": None}, "yesterday", "1970-01-01T00:00:00Z", AT]


def value(rng: random.Random) -> Any:
    """Return anything that JSON can hold."""
    return rng.choice(
        (rng.choice(NUMBERS), rng.choice(HOSTILE), rng.choice(OBJECTS), rng.choice(IDS))
    )


def payload(rng: random.Random, kind: str) -> Any:
    """Return a content that is often close to a valid one."""
    if kind == "begin":
        return json.loads(begin_line(rng.choice((ABOUT, ABOUT, OTHER))))["payload"]
    if kind == "adopted":
        return {"uuid": rng.choice((OTHER.uuid, value(rng)))}
    made: dict[str, Any] = {}
    for field in msgspec.structs.fields(KINDS[kind]):
        if field.required or rng.random() < 0.3:
            text = str(field.type)
            if "int" in text or "float" in text:
                made[field.encode_name] = rng.choice((1, 0, 1, rng.choice(NUMBERS)))
            elif "dict" in text:
                made[field.encode_name] = {str(value(rng)): rng.choice((1, value(rng)))}
            elif "tuple" in text:
                made[field.encode_name] = [value(rng) for _ in range(rng.randrange(3))]
            else:
                made[field.encode_name] = rng.choice((rng.choice(IDS), rng.choice(HOSTILE)))
    if rng.random() < 0.1:
        made[rng.choice((*made, "v", "x"))] = value(rng)
    return made


def line(rng: random.Random, n: int) -> bytes:
    """Return one line, more or less right."""
    if rng.random() < 0.05:
        return rng.choice(
            (b"\n", b"\0" * 99 + b"\n", rng.randbytes(40), b"[" * 9999 + b"\n", b"{}\n")
        )
    kind = rng.choice(("begin", "label", "label", *KINDS))
    fields = {
        "id": rng.choice((rng.randbytes(16).hex(), rng.choice(IDS))),
        "n": n,
        "t": rng.randrange(1, 30),
    }
    fields |= {"at": AT, "kind": kind, "by": rng.choice(HOSTILE), "payload": payload(rng, kind)}
    if rng.random() < 0.2:
        name = rng.choice(list(fields))
        fields[name] = value(rng)
        if rng.random() < 0.3:
            del fields[name]
    try:
        text = msgspec.json.encode(fields)
    except (UnicodeEncodeError, OverflowError):
        text = json.dumps(fields).encode()  # with escaped surrogates, numbers of any size
    made = add_checksum(text)
    if rng.random() < 0.05:
        made = made[: rng.randrange(len(made))]
    return made


def log(rng: random.Random) -> bytes:
    """Return a log."""
    first = [begin_line(rng.choice((ABOUT, ABOUT, OTHER)))] if rng.random() < 0.9 else []
    lines = [line(rng, n + rng.choice((0, 0, 0, 1, -1))) for n in range(2, rng.randrange(3, 9))]
    if rng.random() < 0.1:
        rng.shuffle(lines)
    return b"".join(first + lines)


@pytest.mark.parametrize("part", range(4))
def test_random_logs_are_read_without_a_crash(tmp_path: Path, part: int) -> None:
    read = 0
    for seed in range(part, LOGS // LOGS_A_SESSION, 4):
        rng = random.Random(seed)
        path = new_session(tmp_path / f"{seed}.tuilabel")
        for place in range(LOGS_A_SESSION):
            name = rng.choice(("", "\x1b[2J", "\u202e", "a b")) + str(place)
            (path / "log" / f"{name}.jsonl").write_bytes(log(rng))
        journal = Journal(path, "anna")
        events = [*journal.read(), *journal.read()]
        read += len(events)
        order = [(event.t, event.id) for event in events]
        assert len({event.id for event in events}) == len(events)
        falls = [place for place in range(1, len(order)) if order[place - 1] > order[place]]
        assert len(falls) <= 4, "all that is out of place, or adopted, comes last"
        for event in events:
            assert harmless(event.payload) == event.payload
            assert inert(event.by) == event.by
        for problem in journal.problems():
            assert inert(problem.text, LONGEST_PATH) == problem.text
        report = check_session(path)
        assert sum(report.kinds.values()) == len(events)
        assert all(inert(line, LONGEST_PATH) == line for line in report.lines())
        json.dumps(report.as_dict())
        for event in events:
            if event.kind == "bulk":
                with pytest.raises(SessionFileError):
                    journal.bulk_lines(event.payload)  # type: ignore[arg-type]
        try:
            written = journal.append(label())
        except SaveError as error:
            assert "counters" in str(error)  # noqa: PT017
        else:
            assert written in list(Journal(path).read())
    assert read > LOGS // 4
