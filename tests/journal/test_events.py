"""Text in events and in the description of a session is harmless for a terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loop_fakes import ME

from tuilabel.journal import Draft, Event, EventKind, Journal, SessionInfo
from tuilabel.journal.reading import info_of
from tuilabel.text import inert

HOSTILE = "\x1b]52;c;eA==\x07\x9b31m\u202e\x00\x7f\udcff[/bold]"
TEXT = st.text(st.characters(), max_size=200) | st.just(HOSTILE)
BODY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXT, part, max_size=3),
    max_leaves=8,
)


def texts(value: Any) -> list[str]:
    """Return every text in a value, also the names in it."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in (*value, *value.values()) for text in texts(part)]
    return [text for part in value for text in texts(part)] if isinstance(value, list) else []


@given(
    *(TEXT for _ in range(4)), *(st.none() | TEXT for _ in range(3)), st.dictionaries(TEXT, BODY)
)
def test_every_text_in_an_event_is_harmless(
    uuid: str,
    time: str,
    annotator: str,
    origin: str,
    item: str | None,
    name: str | None,
    target: str | None,
    body: dict[str, Any],
) -> None:
    more = {"references": [HOSTILE]}
    event = Event(
        *(1, uuid, EventKind.LABEL, time, annotator, item, name, 1, None, origin, target),
        {**body, **more},
    )
    found = [event.uuid, event.time, event.annotator, event.origin]
    assert found == [inert(text) for text in (uuid, time, annotator, origin)]
    for text, given_text in ((event.item, item), (event.class_name, name), (event.target, target)):
        assert text == (None if given_text is None else inert(given_text))
    shown = dict(event.body)
    assert shown.pop("references") == [HOSTILE], "the name of a file has to be found"
    assert all(text == inert(text) for text in texts(shown))
    # Two names may be one when they are harmless.
    kept = {inert(name): type(part) for name, part in body.items() if name != "references"}
    assert {name: type(part) for name, part in shown.items()} == kept


def test_what_tuilabel_writes_stays_as_it_is() -> None:
    body = {"position": 3, "probabilities": {"Zoë": 0.5, "猫": 0.5}, "references": ["a\tb.png"]}
    event = Event(1, "u", EventKind.LABEL, "t", "me", "i", "猫", 1, 5, "human", None, body)
    assert event.body is body
    assert event.class_name == "猫"


def test_the_class_names_of_a_session_are_harmless() -> None:
    info = SessionInfo("/data/\x1b[31m", ("cat", HOSTILE))
    assert info.class_names == ("cat", inert(HOSTILE))
    assert info.source == "/data/\x1b[31m"


def test_what_is_read_back_is_what_was_applied(journal: Journal) -> None:
    written = journal.append(Draft(EventKind.LABEL, HOSTILE, HOSTILE, body={HOSTILE: [1]}), ME)
    assert list(journal.events()) == [written]
    assert written.class_name == inert(HOSTILE)


@pytest.mark.parametrize("names", [["a\x1b", "a␛"], [["a"]], [5], "ab", {"a": 1}])
def test_class_names_that_are_none_or_become_the_same_are_refused(names: object) -> None:
    meta = {"source": "s", "class_names": names, "pool": 1, "test": 1, "seed": 1, "audit": 0.1}
    with pytest.raises(ValueError, match="invalid"):
        info_of({key: json.dumps(value) for key, value in meta.items()})
