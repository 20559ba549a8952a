"""One line of a log: whatever lies there, it is an event or has a reason why not."""

from __future__ import annotations

import json
import os
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journal.sessions import label
from tuilabel.events.lines import (
    HIGHEST_COUNTER,
    Event,
    InvalidLineError,
    Unknown,
    decode,
    encode,
    sealed,
)
from tuilabel.events.payloads import Asked, Batch, Label, Undo, actual_name, stored_names
from tuilabel.text import inert

NOW = "2026-11-27T00:00:00.000+00:00"


def event(payload: msgspec.Struct, **more: object) -> Event:
    facts = {"id": "e1", "n": 1, "t": 1, "at": NOW, "by": "anna", **more}
    return Event(payload=payload, **facts)  # type: ignore[arg-type]


def line(**more: object) -> bytes:
    facts = {"id": "e1", "n": 1, "t": 1, "at": NOW, "kind": "undo", "by": "anna"}
    found = {**facts, "payload": {"event": "x"}, **more}
    return sealed(msgspec.json.encode(found))[:-1]


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PAYLOADS = st.one_of(
    st.builds(Undo, event=TEXT, item=st.none() | TEXT),
    st.builds(
        Label,
        item=TEXT,
        class_id=TEXT,
        ms=st.none() | st.integers(0, 2**53),
        probabilities=st.none() | st.dictionaries(TEXT, st.floats(0, 1)),
    ),
    st.builds(
        Batch,
        round=st.integers(1, 10**6),
        items=st.lists(st.builds(Asked, TEXT, TEXT), unique_by=lambda asked: inert(asked.item)).map(
            tuple
        ),
        seen=st.dictionaries(TEXT, st.integers(0, 2**53)),
    ),
)


@given(PAYLOADS)
def test_an_event_is_read_as_it_was_written_but_harmless(payload: msgspec.Struct) -> None:
    found = decode(encode(event(payload))[:-1], "log")
    assert decode(encode(found)[:-1], "log")[:6] == found[:6]
    assert inert(text := repr(msgspec.to_builtins(found.payload)), 2**20) == text


@given(TEXT)
def test_no_text_but_the_names_of_files_reaches_a_terminal(text: str) -> None:
    payload = Label(item=text, class_id=text, names=stored_names([text.replace("\0", "")]))
    found = decode(encode(event(payload, by=text or "x", id=text or "x"))[:-1], "log")
    assert isinstance(found.payload, Label)
    assert found.payload.item == inert(text, 2**20)
    assert found.by == inert(text or "x", 200)
    assert found.payload.references == [text.replace("\0", "")]


@given(st.binary(max_size=40))
def test_names_of_files_may_be_any_bytes(name: bytes) -> None:
    text = os.fsdecode(name.replace(b"\0", b""))
    stored = msgspec.json.decode(msgspec.json.encode(stored_names([text])))
    assert [actual_name(one) for one in stored] == [text]


@given(st.data())
def test_no_changed_byte_goes_unnoticed(data: st.DataObject) -> None:
    whole = bytearray(encode(event(label(3)))[:-1])
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidLineError):
        decode(bytes(whole), "log")


@given(st.binary(max_size=300))
def test_whatever_has_a_right_checksum_is_an_event_or_has_a_reason(content: bytes) -> None:
    with pytest.raises(InvalidLineError, match=r"\w"):
        decode(sealed(content + b"}")[:-1], "log")


@pytest.mark.parametrize(
    "wrong",
    [
        {"t": 0},
        {"t": HIGHEST_COUNTER + 1},
        {"t": 2**60},
        {"t": -1},
        {"t": 1.5},
        {"t": "1"},
        {"n": 0},
        {"n": None},
        {"id": ""},
        {"by": ""},
        {"by": 7},
        {"at": "yesterday"},
        {"payload": {}},
        {"payload": []},
        {"payload": {"event": 3}},
        {"kind": "label"},
        {"kind": "label", "payload": {"item": "x", "class_id": "y", "ms": -1}},
        {"kind": "label", "payload": {"item": "x", "class_id": "y", "probabilities": {"a": 2}}},
        {"kind": "opened", "payload": {"settings": {"batch_size": 10**10}, "items": 3}},
        {"kind": "opened", "payload": {"settings": {"batch_size": 0}, "items": 3}},
        {"kind": "opened", "payload": {"settings": {"epsilon": 7}, "items": 3}},
        {"kind": "opened", "payload": {"settings": {}, "items": -3}},
        {"kind": "batch", "payload": {"round": -1, "items": []}},
        {"kind": "batch", "payload": {"round": 1, "items": [{"item": "x", "reason": "r"}] * 2}},
    ],
    ids=str,
)
def test_an_invalid_event_has_a_reason(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidLineError, match=r"\w"):
        decode(line(**wrong), "log")


@pytest.mark.parametrize(
    ("part", "replaced"),
    [
        (b'"t":1', b'"t":1' + b"0" * 400),
        (b'{"event":"x"}', b"[" * 10**5 + b"]" * 10**5),
        (b'{"event":"x"}', b'{"event":"\xff"}'),
        (b'{"event":"x"}', b'{"event":"x\0"}'),
    ],
    ids=["digits", "nesting", "encoding", "zero"],
)
def test_damage_with_a_right_checksum_has_a_reason(part: bytes, replaced: bytes) -> None:
    content = line()[:-18].replace(part, replaced) + b"}"
    with pytest.raises(InvalidLineError, match=r"\w"):
        decode(sealed(content)[:-1], "log")


def test_what_a_newer_tuilabel_writes_is_passed_over() -> None:
    kind = decode(line(kind="dream", payload={"of": "sheep"}), "log")
    assert kind.payload == Unknown(kind="dream")
    version = decode(line(payload={"event": "x", "v": 2, "why": "new"}), "log")
    assert version.payload == Unknown(kind="undo")
    field = decode(line(payload={"event": "x", "why": "new"}), "log")
    assert field.payload == Undo("x")


def test_an_event_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        encode(event(Undo("x" * 2**20)))


def test_a_log_can_be_read_with_other_tools() -> None:
    whole = encode(event(label(1))).decode().rstrip("\n")
    found = json.loads(whole)
    assert list(found)[-1] == "crc"
    assert found["kind"] == "label"
    assert int(found["crc"], 16) == zlib.crc32(whole.partition(',"crc"')[0].encode())
