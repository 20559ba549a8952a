"""The line codec."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journal.folders import AT, raw_line
from tuilabel.journal import payloads as kinds
from tuilabel.journal.lines import (
    MAX_COUNTER,
    Event,
    InvalidEvent,
    NewerEvent,
    add_checksum,
    decode_event,
    encode_event,
    is_whole,
)

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
SHARES = st.floats(0, 1)
ANSWER: dict[str, Any] = {
    "item": WORDS,
    "round": st.integers(0, 2**52),
    "ms": st.none() | st.integers(0, 2**52),
    "draw": st.none() | SHARES,
    "probabilities": st.none() | st.dictionaries(WORDS, SHARES, max_size=3),
    "names": st.lists(st.text(max_size=20), max_size=2).map(kinds.stored_names),
}
PAYLOADS = st.one_of(
    st.builds(kinds.Label, class_id=WORDS, **ANSWER),
    st.builds(kinds.Skip, **ANSWER),
    st.builds(kinds.ClassAdded, class_id=WORDS, name=WORDS, key=st.none() | WORDS),
    st.builds(kinds.Ended, seen=st.dictionaries(WORDS, st.integers(0, 2**52), max_size=3)),
    st.builds(
        kinds.Batch,
        round=st.integers(0, 9),
        items=st.lists(st.builds(kinds.Asked, item=WORDS, reason=WORDS, draw=SHARES)).map(tuple),
    ),
)
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 30), timezones=st.just(UTC))
COUNTERS = st.integers(1, MAX_COUNTER)
EVENTS = st.builds(
    Event, st.uuids().map(lambda made: made.hex), COUNTERS, COUNTERS, TIMES, WORDS, PAYLOADS
)


def decode(line: bytes) -> Event:
    text = line.removesuffix(b"\n")
    assert is_whole(text)
    return decode_event(text, "log")


@given(EVENTS)
def test_an_event_comes_back_harmless(event: Event) -> None:
    line = encode_event(event)
    assert line.count(b"\n") == 1
    assert list(json.loads(line)) == ["id", "n", "t", "at", "kind", "by", "payload", "crc"]
    found = decode(line)
    assert encode_event(found) == line
    kept = ("id", "n", "t", "at", "kind")
    assert [getattr(found, name) for name in kept] == [getattr(event, name) for name in kept]
    assert getattr(found.payload, "names", ()) == getattr(event.payload, "names", ())
    shown = msgspec.to_builtins(found)
    shown["payload"].pop("names", None)
    for char in json.dumps(shown, ensure_ascii=False):
        assert unicodedata.category(char) not in ("Cc", "Zl", "Zp")
        assert char not in "\u202e\u2066"


@given(EVENTS, st.data())
def test_any_changed_byte_is_noticed(event: Event, data: st.DataObject) -> None:
    line = encode_event(event)[:-1]
    place = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != line[place]))
    assert not is_whole(line[:place] + bytes([other]) + line[place + 1 :])
    assert not is_whole(line[:place])


@pytest.mark.parametrize("char", ["\x1b", "\x7f", "\x9b", "\u202e", "\u2028"])
def test_text_from_a_line_is_harmless_and_file_names_stay(char: str) -> None:
    text = f"a{char}b"
    payload = {"item": text, "class_id": text, "probabilities": {text: 1}, "names": [text]}
    found = decode(raw_line(1, payload=payload, by=text))
    assert isinstance(found.payload, kinds.Label)
    assert found.payload.names == (text,)
    shown = [found.by, found.payload.item, found.payload.class_id, *found.payload.probabilities]
    assert len(set(shown)) == 1
    assert char not in shown[0]


LABEL = {"item": "f1:a", "class_id": "cat"}
OPENED = {"settings": {}, "items": 3}


@pytest.mark.parametrize(
    "line",
    [
        *(raw_line(1, t) for t in (0, -1, 2**52 + 1, 2**60, "1", None, 1.5)),
        *(raw_line(n) for n in (0, -1, 2**60)),
        *(
            raw_line(1, at=at)
            for at in ("yesterday", "", 5, "2026-11-27T12:00:00", "0001-01-01T00:00:00Z")
        ),
        *(raw_line(1, id=id) for id in ("", "ab", 7)),
        raw_line(1, by="x" * 4096),
        *(raw_line(1, payload=payload) for payload in (None, [], {}, {"item": 3, "class_id": "c"})),
        *(
            raw_line(1, payload={**LABEL, **more})
            for more in (
                *({"ms": -1}, {"ms": 2**60}, {"ms": "1"}, {"draw": 2}, {"draw": -0.1}),
                *({"class_id": "x" * 81}, {"probabilities": {"cat": 7}}, {"names": "a"}),
            )
        ),
        raw_line(1, 1, "opened", payload={**OPENED, "settings": {"batch_size": 10**10}}),
        raw_line(1, 1, "opened", payload={**OPENED, "items": 10**30}),
        add_checksum(raw_line(1, payload={**LABEL, "draw": 7})[:-19].replace(b"7}", b"1e400}}")),
        add_checksum(raw_line(1, 77)[:-19].replace(b'"t":77', b'"t":1' + b"0" * 400) + b"}"),
        add_checksum(b'{"payload":' + b"[" * 5000 + b"}"),
        add_checksum(b'{"id":"\xff"}'),
        add_checksum(b"{}"),
    ],
)
def test_an_invalid_event_is_refused(line: bytes) -> None:
    assert is_whole(line[:-1])
    with pytest.raises(InvalidEvent):
        decode(line)


def test_what_a_newer_tuilabel_writes_is_passed_over() -> None:
    payload = {**LABEL, "from_the_future": [1], "v": 1}
    assert decode(raw_line(1, payload=payload)).payload == kinds.Label(**LABEL)
    for newer in ({**LABEL, "v": 2}, {"v": 2}):
        with pytest.raises(NewerEvent):
            decode(raw_line(1, payload=newer))


def test_a_line_of_over_a_mebibyte_is_not_made() -> None:
    batch = kinds.Batch(
        round=1,
        items=tuple(kinds.Asked(item="f1:" + "a" * 32, reason="order") for _ in range(2**14)),
    )
    at = datetime.fromisoformat(AT) + timedelta(days=1)
    with pytest.raises(InvalidEvent, match="bytes"):
        encode_event(Event("ab" * 16, 1, 1, at, "anna", batch))
