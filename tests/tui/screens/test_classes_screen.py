"""Classes that are added, renamed, merged and retired on the screen, and what others do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loop_fakes import ME, fit_finished
from screen_app import ScreenApp
from sessions import answer_of
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from tuilabel.errors import SaveError
from tuilabel.events.payloads import (
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    ClassRestyled,
    ClassRetired,
    Label,
)
from tuilabel.journal.journal import Journal
from tuilabel.session.classes import class_id_of
from tuilabel.tui.screens.classes import ClassesScreen
from tuilabel.tui.screens.confusion import ConfusionScreen
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.widgets.lines import Lines
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace

SIZES = [(80, 24), (140, 45)]


@pytest.fixture
def animals(tmp_path: Path) -> Iterator[Workspace]:
    """Open an array file with two classes in a new session."""
    images = np.random.default_rng(0).integers(0, 255, (40, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images)
    flags = {"annotator": "me", "cold_start": "random"}
    options = SourceOptions(str(tmp_path / "a.npz"), classes=("cat", "dog"))
    with open_workspace(options, flags, path=tmp_path / "a.tuilabel") as opened:
        yield opened


@pytest.fixture
def own(animals: Workspace) -> ScreenApp:
    return ScreenApp(animals, LabelScreen)


@pytest.fixture
def bob(animals: Workspace) -> Iterator[Journal]:
    """Return the journal of another annotator, who is there too."""
    with Journal(animals.path, "bob", animals.dataset.source) as journal:
        journal.read()
        yield journal


def text_of(screen: Screen[Any], selector: str) -> str:
    (widget,) = screen.query(selector).results(Lines)
    return "\n".join(widget.render_line(y).text.rstrip() for y in range(widget.size.height))


def foot(app: ScreenApp) -> str:
    return text_of(app.screen, "#status").strip()


def rows(app: ScreenApp) -> list[list[str]]:
    """Return the words of the list, without the mark and the bars."""
    lines = text_of(app.screen, "#class-list").splitlines()[1:]
    words = (line.strip("›+ ").split() for line in lines)
    return [[word for word in row if word.isalnum()] for row in words if row]


async def ready(app: ScreenApp, pilot: Pilot[None]) -> None:
    """Wait until the image that is asked is on the terminal."""
    await pilot.pause()
    while app.label_screen.answers.holds_key():
        await pilot.pause()


async def typed(pilot: Pilot[None], text: str) -> None:
    await pilot.press(*text)
    await pilot.pause()


async def labelled(app: ScreenApp, pilot: Pilot[None], keys: str) -> list[str]:
    items = []
    for key in keys:
        await ready(app, pilot)
        items.append(str(app.label_screen.loop.current_id))
        await pilot.press(key)
        await pilot.pause()
    return items


async def classes(app: ScreenApp, pilot: Pilot[None]) -> ClassesScreen:
    await pilot.press("f5")
    await pilot.pause()
    assert isinstance(app.screen, ClassesScreen)
    return app.screen


@pytest.mark.parametrize("size", SIZES)
async def test_a_new_name_and_enter_ask_once_and_label_with_the_new_class(
    own: ScreenApp, size: tuple[int, int]
) -> None:
    loop = own.label_screen.loop
    async with own.run_test(size=size) as pilot:
        await labelled(own, pilot, "1")
        await ready(own, pilot)
        item = str(loop.current_id)
        await pilot.press("slash")
        await typed(pilot, "crack")
        assert "no class has that name · Enter adds one" in foot(own)
        await pilot.press("enter")
        await pilot.pause()
        assert foot(own).startswith("Add the class `crack`? Enter adds it")
        assert loop.labels == 1
        assert loop.classes.names == ("cat", "dog")
        await pilot.press("enter")
        await pilot.pause()
        assert answer_of(loop, item)[0] == "crack"
        assert "The class `crack` was added: 3 labels it." in foot(own)
        assert "3 crack" in text_of(own.screen, "#legend")
        added = [event.payload for event in loop.events if isinstance(event.payload, ClassAdded)]
        assert (added[-1].name, added[-1].key) == ("crack", "3")
        (again,) = await labelled(own, pilot, "3")
        assert answer_of(loop, again)[0] == "crack"


async def test_escape_adds_nothing_and_a_held_key_neither(own: ScreenApp) -> None:
    loop = own.label_screen.loop
    async with own.run_test(size=(80, 24)) as pilot:
        await ready(own, pilot)
        await pilot.press("slash")
        await typed(pilot, "crack")
        await pilot.press("enter", "escape")
        await pilot.pause()
        assert len(loop.classes.open) == 2
        assert "ready" in foot(own)
        await pilot.press("slash")
        await typed(pilot, "crack")
        await pilot.press("enter")
        own.label_screen.answers.guard.expect()
        own.post_message(events.Key("enter", "\r"))
        await pilot.pause()
        assert len(loop.classes.open) == 2
        assert loop.labels == 0


@pytest.mark.parametrize("name", ["a//b", "x" * 100, "..", "\u202eabc"])
async def test_a_name_that_cannot_be_used_is_one_sentence(own: ScreenApp, name: str) -> None:
    async with own.run_test(size=(80, 24)) as pilot:
        await ready(own, pilot)
        await pilot.press("slash")
        own.label_screen.post_message(events.Paste(name))
        await pilot.pause()
        await pilot.press("enter", "enter")
        await pilot.pause()
        if name.isprintable():
            assert "The name " in foot(own)
        assert all(len(shown) <= 80 for shown in own.label_screen.loop.classes.names)
        assert "\u202e" not in foot(own)


async def test_f5_adds_renames_merges_retires_and_undoes(own: ScreenApp) -> None:
    loop = own.label_screen.loop
    async with own.run_test(size=(80, 24)) as pilot:
        await labelled(own, pilot, "1122")
        screen = await classes(own, pilot)
        assert rows(own) == [["1", "cat", "2"], ["2", "dog", "2"]]
        await pilot.press("a")
        await typed(pilot, "crack")
        assert foot(own) == "New class: crack_   Enter adds it · Esc cancels"
        await pilot.press("enter")
        await pilot.pause()
        assert foot(own) == "✓ The class `crack` was added: 3 labels it."
        assert rows(own)[-1] == ["3", "crack", "none"]
        await pilot.press("home", "r")
        await pilot.press("ctrl+u")
        await typed(pilot, "feline")
        await pilot.press("enter")
        await pilot.pause()
        assert rows(own)[0] == ["1", "feline", "2"]
        await pilot.press("m", "down")
        await pilot.pause()
        assert foot(own).startswith("Merge `feline` (2 labels) into `dog`?   Enter merges")
        await pilot.press("enter")
        await pilot.pause()
        assert rows(own) == [["2", "dog", "4"], ["3", "crack", "none"]]
        await pilot.press("u")
        await pilot.pause()
        assert foot(own).startswith("Undo the merge of `feline` into `dog`?   Enter undoes it")
        await pilot.press("enter")
        await pilot.pause()
        assert rows(own)[:2] == [["1", "feline", "2"], ["2", "dog", "2"]]
        await pilot.press("home", "x")
        await pilot.pause()
        assert foot(own).startswith("Retire `feline`? Its 2 labels still count.   Enter retires it")
        await pilot.press("enter")
        await pilot.pause()
        assert rows(own)[-1] == ["feline", "2", "retired"]
        assert screen._rows[screen._cursor].name == "feline"
        kinds = [type(event.payload) for event in loop.events]
        for kind in (ClassAdded, ClassRenamed, ClassMerged, ClassRetired):
            assert kind in kinds
        await pilot.press("q")
        await pilot.pause()
        legend = text_of(own.screen, "#legend")
        assert "feline" not in legend
        assert "2 dog  3 crack" in legend


async def test_a_name_that_exists_is_refused_with_an_offer_to_merge(own: ScreenApp) -> None:
    loop = own.label_screen.loop
    async with own.run_test(size=(80, 24)) as pilot:
        await labelled(own, pilot, "12")
        await classes(own, pilot)
        await pilot.press("r", "ctrl+u")
        await typed(pilot, "dog")
        await pilot.press("enter")
        await pilot.pause()
        assert foot(own).startswith("`dog` exists. Merge `cat` (1 label) into it?   Enter merges")
        await pilot.press("escape")
        await pilot.pause()
        assert loop.classes.names == ("cat", "dog")
        assert loop.known.classes.resolved(class_id_of("cat")) == class_id_of("cat")
        await pilot.press("r", "ctrl+u")
        await typed(pilot, "dog")
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert rows(own) == [["2", "dog", "2"]]


async def test_a_class_has_another_key_for_this_annotator_only(own: ScreenApp) -> None:
    loop = own.label_screen.loop
    async with own.run_test(size=(80, 24)) as pilot:
        await ready(own, pilot)
        await classes(own, pilot)
        await pilot.press("k", "2")
        await pilot.pause()
        assert "2 is the key of `dog`" in foot(own)
        await pilot.press("q")
        await pilot.pause()
        assert "That key cannot label a class" in foot(own), "q quits"
        await pilot.press("w")
        await pilot.pause()
        assert foot(own) == "✓ w labels `cat` now, for you."
        assert isinstance(loop.events[-1].payload, ClassRestyled)
        await pilot.press("escape")
        await pilot.pause()
        (item,) = await labelled(own, pilot, "w")
        assert answer_of(loop, item)[0] == "cat"
        await ready(own, pilot)
        await pilot.press("1")
        await pilot.pause()
        assert loop.labels == 1, "1 labels nothing now"
        await classes(own, pilot)
        await pilot.press("u")
        await pilot.pause()
        assert rows(own)[0][:2] == ["1", "cat"]


async def test_what_cannot_be_saved_changes_nothing_and_is_said(
    own: ScreenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = own.label_screen.workspace

    def fail(*_: object) -> None:
        raise SaveError("Not saved: the test says so.")

    async with own.run_test(size=(80, 24)) as pilot:
        await ready(own, pilot)
        await classes(own, pilot)
        monkeypatch.setattr(workspace.journal, "append", fail)
        await pilot.press("a")
        await typed(pilot, "crack")
        await pilot.press("enter")
        await pilot.pause()
        assert "Not saved" in foot(own)
        assert workspace.session.classes.names == ("cat", "dog")
        monkeypatch.undo()
        await pilot.press("enter")
        await pilot.pause()
        assert rows(own)[-1][:2] == ["3", "crack"]


async def test_anothers_class_is_said_and_changes_no_key_here(own: ScreenApp, bob: Journal) -> None:
    workspace, loop = own.label_screen.workspace, own.label_screen.loop
    async with own.run_test(size=(80, 24)) as pilot:
        await ready(own, pilot)
        await pilot.press("slash")
        await typed(pilot, "mine")
        await pilot.press("enter", "enter")
        await pilot.pause()
        bob.append([ClassAdded(class_id=class_id_of("theirs"), name="theirs", key="3")], "bob")
        own.label_screen._told(workspace.journal.read())
        await pilot.pause()
        assert foot(own) == "bob added the class `theirs`: 4 labels it here, for 3 is taken."
        bob.append([ClassRetired(class_id=class_id_of("cat"))], "bob")
        own.label_screen._told(workspace.journal.read())
        own.label_screen.show_all()
        await pilot.pause()
        assert "2 dog  3 mine  4 theirs" in text_of(own.screen, "#legend")
        await ready(own, pilot)
        before = loop.labels
        await pilot.press("1")
        await pilot.pause()
        assert loop.labels == before, "the key of a class that was retired labels nothing"


async def test_contradictions_are_listed_and_unknown_classes_too(
    own: ScreenApp, bob: Journal
) -> None:
    workspace, loop = own.label_screen.workspace, own.label_screen.loop
    async with own.run_test(size=(80, 24)) as pilot:
        await labelled(own, pilot, "1")
        cat, dog = class_id_of("cat"), class_id_of("dog")
        bob.append(
            [ClassRenamed(class_id=cat, name="dog"), ClassMerged(class_id=dog, into=dog)], "bob"
        )
        bob.append([Label(item=str(loop.current_id), class_id="c1:nobody")], "bob")
        loop.take_in(workspace.journal.read())
        await classes(own, pilot)
        notes = text_of(own.screen, "#notes")
        assert "! The merge of dog into dog has no effect: they are one class." in notes
        assert "! 2 classes have the name dog" in notes
        assert any("unknown" in row for row in rows(own))
        await pilot.press("end", "r")
        await pilot.pause()
        assert "Nobody has added this class" in foot(own)


async def test_a_matrix_of_an_older_list_is_shown_by_the_classes_of_now(
    workspace: Workspace,
) -> None:
    loop = workspace.session
    for _ in range(10):
        loop.label(str(loop.current_id), 0, by=ME)
    request = loop.take_request()
    assert request is not None
    counts = tuple(tuple(10 * row + column for column in range(10)) for row in range(10))
    even = [[0.1] * 10] * 3
    finished = replace(fit_finished(request.generation, [300, 301, 302], even), confusion=counts)
    assert loop.accept_ranking(finished, by=ME) is not None
    loop.merge_classes(class_id_of("1"), class_id_of("0"), by=ME)
    loop.add_class("crack", by=ME)
    app = ScreenApp(workspace, LabelScreen)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await pilot.press("f4")
        await pilot.pause()
        assert isinstance(app.screen, ConfusionScreen)
        found = app.screen._found
        assert found is not None
        assert found.n == sum(map(sum, counts))
        assert found.counts[0][0] == 0 + 1 + 10 + 11
        assert found.counts[1][1] == 22
        assert len(found.counts) == 10
        assert "crack" in text_of(app.screen, "#matrix")


async def test_the_random_baseline_is_not_of_classes_that_are_merged(workspace: Workspace) -> None:
    workspace.session.merge_classes(class_id_of("1"), class_id_of("0"), by=ME)
    app = ScreenApp(workspace, LabelScreen)
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.pause()
        await pilot.press("f3")
        await pilot.pause()
        shown = "\n".join(text_of(app.screen, f"#{id_}") for id_ in ("by-labels", "by-confidence"))
        assert "classes that are merged here" in shown
