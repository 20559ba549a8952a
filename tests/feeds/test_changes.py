"""What other programs are told: a line for each change, in order, and what is in effect then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sessions import label_of, new_session

from tuilabel.events.payloads import (
    AUTO_ORIGIN,
    Answer,
    Batch,
    Bulk,
    Carried,
    Carry,
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    ClassRestyled,
    ClassRetired,
    Decided,
    Flag,
    Frame,
    LabelSet,
    Payload,
    Skip,
    Undo,
)
from tuilabel.feeds.changes import lines_of
from tuilabel.feeds.child import Follower
from tuilabel.feeds.plan import Plan
from tuilabel.journal.journal import Journal
from tuilabel.session.classes import class_id_of
from tuilabel.session.view import SessionView

CAT, DOG = class_id_of("cat"), class_id_of("dog")


class Desk:
    """Writes events, and reads the lines about them."""

    def __init__(self, path: Path, **about: Any) -> None:
        new_session(path, source="nowhere", **about)
        self.path = path
        self.view = SessionView(path)

    def write(self, *payloads: Payload, by: str = "me") -> list[str]:
        """Append events, and return their ids."""
        with Journal(self.path, by, "nowhere") as journal:
            journal.read()
            return [event.id for event in journal.append(list(payloads), by)]

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines about what is new."""
        return [json.loads(line) for line in lines_of(self.view.read_on(), self.view)]

    def told(self, *payloads: Payload, by: str = "me") -> list[dict[str, Any]]:
        self.write(*payloads, by=by)
        return self.lines()


def test_a_line_has_the_documented_fields(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "s")
    (id_,) = desk.write(label_of("a", "cat", "x/1.png", "2.png"))
    (line,) = desk.lines()
    assert line.pop("time").startswith("20")
    assert line == {
        "kind": "label",
        "event_id": id_,
        "item_id": "a",
        "reference": "x/1.png",
        "class": "cat",
        "class_id": CAT,
        "annotator": "me",
        "now": "cat",
    }


def test_every_change_has_its_kind_and_what_is_in_effect_after_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "s")
    said: list[tuple[Any, ...]] = []

    def do(*payloads: Payload, by: str = "me") -> str:
        ids = desk.write(*payloads, by=by)
        said[:] = [
            (line["kind"], line.get("class"), line.get("now"), line.get("change"))
            for line in desk.lines()
        ]
        return ids[-1]

    first = do(label_of("a", "cat"))
    assert said == [("label", "cat", "cat", None)]
    second = do(label_of("a", "dog"))
    assert said == [("relabel", "dog", "dog", None)]
    do(Undo(event=second, item="a"))
    assert said == [("undo", "dog", "cat", None)]
    do(label_of("a", "dog"), by="you")
    assert said == [("label", "dog", None, None)]
    decided = do(Decided(item="a", class_id=DOG))
    assert said == [("relabel", "dog", "dog", None)]
    do(Undo(event=decided, item="a"), by="you")
    assert said == [("undo", "dog", None, None)]
    do(Undo(event=first, item="a"))
    do(label_of("a", "cat"))
    assert said == [("label", "cat", None, None)]
    do(Skip(item="a", why="unsure"))
    assert said == [("skip", None, "dog", None)]
    do(ClassAdded(class_id=class_id_of("owl"), name="owl"))
    assert said == [("class", "owl", None, "added")]
    merged = do(ClassMerged(class_id=DOG, into=CAT))
    assert said == [("class", "dog", None, "merged")]
    do(Undo(event=merged))
    assert said == [("undo", "dog", None, "merged")]
    do(ClassRenamed(class_id=DOG, name="hound"), ClassRetired(class_id=CAT))
    assert [change for *_, change in said] == ["renamed", "retired"]
    assert said[0][1] == "hound"
    frames = (Frame("c", names=("c.png",)), Frame("d"))
    do(label_of("b", "cat", frames=frames, group="b.png"))
    assert said == [("label", "cat", "cat", None)] * 3
    do(Carried(pairs=(Carry("a", "z", "p"),)))
    assert said[0][0] == "bulk"
    flagged = do(Flag(item="a"), ClassRestyled(class_id=CAT, key="x"), Batch(round=1, items=()))
    assert said == []
    do(Undo(event=flagged, item="a"))
    assert said == []
    do(Undo(event="unknown", item="a"), Undo(event="unknown"))
    assert [kind for kind, *_ in said] == ["undo"]
    do(Bulk(file="f", sha256="0", count=7, origin=AUTO_ORIGIN))
    assert said == [("bulk", None, None, None)]


def test_several_classes_are_lists(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "s", multi=True, format=2)
    (line,) = desk.told(LabelSet(item="a", class_ids=(DOG, CAT)))
    assert (line["class"], line["class_id"], line["now"]) == (
        ["cat", "dog"],
        [CAT, DOG],
        ["cat", "dog"],
    )
    (line,) = desk.told(LabelSet(item="a", class_ids=()))
    assert (line["kind"], line["class"], line["now"]) == ("relabel", [], [])


ACTS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["cat", "dog", None, "undo"]), st.booleans()),
    max_size=12,
)


@settings(max_examples=8)
@given(ACTS)
def test_whoever_keeps_what_is_in_effect_has_what_the_session_says(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str | None, bool]]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("s") / "s")
    kept: dict[str, Any] = {}
    answers: list[tuple[str, str, str]] = []
    with Journal(desk.path, "x", "nowhere") as journal:
        for item, what, is_mine in acts:
            by = "me" if is_mine else "you"
            payload: Payload
            if what == "undo":
                own = [one for one in answers if one[1:] == (item, by)]
                if not own:
                    continue
                payload = Undo(event=own[-1][0], item=item)
            else:
                payload = Skip(item=item) if what is None else label_of(item, what)
            (event,) = journal.append([payload], by)
            if isinstance(payload, Answer):
                answers.append((event.id, item, by))
            for line in desk.lines():
                kept[line["item_id"]] = line["now"]
    labels = {label.item: label.class_name or None for label in SessionView(desk.path).labelled()}
    assert {item: now for item, now in kept.items() if now} == {
        item: name for item, name in labels.items() if name
    }


class Kept:
    """An outlet that keeps its lines."""

    name, trouble = "--stream", ""

    def __init__(self, *_: object) -> None:
        self.lines: list[bytes] = []

    def put(self, lines: Iterator[bytes]) -> None:
        self.lines += lines

    def start(self) -> None: ...
    def end(self) -> None: ...


def test_what_was_there_before_is_not_told_and_what_came_while_it_started_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuilabel.feeds.child.Outlet", Kept)
    desk = Desk(tmp_path / "s")
    desk.write(label_of("a", "cat"), by="you")
    with Journal(desk.path, "me", "nowhere") as journal:
        journal.read()
        plan = Plan(str(desk.path), journal.read_so_far, descriptor=1)
        journal.append([label_of("b", "cat")], "me")
        desk.write(label_of("c", "cat"), by="you")
        follower = Follower(plan)
        journal.append([label_of("d", "cat")], "me")
        follower.look()
        follower.look(is_last=True)
    (kept,) = follower._outlets
    assert sorted(json.loads(line)["item_id"] for line in kept.lines) == ["b", "c", "d"]
