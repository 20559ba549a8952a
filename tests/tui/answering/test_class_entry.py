"""From keys to a class: single keys, chords, and names that are typed."""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from screen_app import ScreenApp
from sessions import answer_of
from textual import events
from textual.pilot import Pilot

from tuilabel.tui.answering.class_entry import LONGEST_TEXT, ClassEntry, OutcomeKind, Place
from tuilabel.tui.answering.class_search import ClassNames
from tuilabel.tui.answering.entry_text import entry_line
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.screens.page import Page
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace

NAMES = ["cat", "Caterpillar", "vacation", "dog", "Straße", "猫"]
KEYS = ["1", "2", "za", "zb", "", ""]
HERE = Place("item", True)
NOT_YET = Place("item", False)
ELSEWHERE = Place("other", True)


def entry() -> ClassEntry:
    return ClassEntry(KEYS, NAMES)


def press(one: ClassEntry, keys: str, place: Place = HERE) -> list[tuple[OutcomeKind, int | None]]:
    """Press characters; ⏎ is Enter, ⎋ Escape, ⌫ Backspace, ⇥ Tab, ↓ and ↑ the arrows."""
    named = dict(zip("⏎⎋⌫⇥↓↑", ["enter", "escape", "backspace", "tab", "down", "up"], strict=True))
    outcomes = [
        one.press(named.get(key, key), None if key in named else key, place) for key in keys
    ]
    return [(outcome.kind, outcome.class_index) for outcome in outcomes]


# Keys and chords.


def test_one_key_labels_and_other_keys_are_left_alone() -> None:
    assert press(entry(), "12q") == [
        (OutcomeKind.LABEL, 0),
        (OutcomeKind.LABEL, 1),
        (OutcomeKind.NOT_OURS, None),
    ]
    assert press(entry(), "1", NOT_YET) == [(OutcomeKind.HELD, 0)]


def test_a_chord_labels_with_its_second_key_only() -> None:
    one = entry()
    assert press(one, "z") == [(OutcomeKind.WAITING, None)]
    assert (one.leader, one.chords()) == ("z", [2, 3])
    assert press(one, "b") == [(OutcomeKind.LABEL, 3)]
    assert not one.is_begun


@pytest.mark.parametrize("key", ["x", "1", "z", "⏎", "⌫", " "])
def test_a_wrong_second_key_labels_nothing_and_does_nothing_else(key: str) -> None:
    one = entry()
    assert press(one, "z" + key)[1] == (OutcomeKind.SAID, None)
    assert not one.is_begun
    assert press(one, "1") == [(OutcomeKind.LABEL, 0)]


def test_escape_leaves_a_chord_and_ctrl_c_leaves_the_program() -> None:
    one = entry()
    assert press(one, "z⎋") == [(OutcomeKind.WAITING, None), (OutcomeKind.LEFT, None)]
    press(one, "z")
    assert one.press("ctrl+c", "\x03", HERE).kind is OutcomeKind.NOT_OURS
    assert not one.is_begun


def test_ctrl_z_is_no_text_and_what_was_typed_stays() -> None:
    one = typing()
    press(one, "do")
    assert one.press("ctrl+z", "\x1a", HERE).kind is OutcomeKind.NOT_OURS
    assert one.text == "do"


def test_a_chord_that_began_before_the_image_was_there_is_held_to_its_end() -> None:
    one = entry()
    press(one, "z", NOT_YET)
    assert press(one, "a", HERE) == [(OutcomeKind.HELD, 2)]
    press(one, "z", HERE)
    assert press(one, "a", NOT_YET) == [(OutcomeKind.HELD, 2)]


def test_a_chord_that_began_on_another_image_labels_nothing() -> None:
    one = entry()
    press(one, "z", HERE)
    assert press(one, "a", ELSEWHERE) == [(OutcomeKind.SAID, None)]


# Names.


def typing(place: Place = HERE) -> ClassEntry:
    one = entry()
    one.begin_name(place)
    return one


def test_while_a_name_is_typed_every_key_is_text() -> None:
    one = typing()
    assert {kind for kind, _ in press(one, "1zq? /")} == {OutcomeKind.WAITING}
    assert one.text == "1zq? /"
    assert one.press("f5", None, HERE).kind is OutcomeKind.WAITING
    assert press(one, "⌫⌫⌫")[-1] == (OutcomeKind.WAITING, None)
    assert one.text == "1zq"
    one.press("ctrl+u", "\x15", HERE)
    assert one.text == ""
    assert press(one, "⎋") == [(OutcomeKind.LEFT, None)]
    assert not one.is_typing


@pytest.mark.parametrize(
    ("keys", "index"),
    [
        ("cat⏎", 0),
        ("CATE⏎", 1),
        ("do⏎", 3),
        ("strasse⏎", 4),
        ("acat⏎", 2),
        ("ca⇥⇥⏎", 0),
        ("cater⇥⏎", 1),
        ("ca↓↓⏎", 1),
        ("ca↓↓↑⏎", 0),
        ("dg⇥⏎", 3),
        ("猫⏎", 5),
        ("dox⌫g⏎", 3),
    ],
)
def test_a_name_that_can_only_mean_one_class_labels(keys: str, index: int) -> None:
    one = typing()
    assert press(one, keys)[-1] == (OutcomeKind.LABEL, index)
    assert not one.is_begun


@pytest.mark.parametrize("keys", ["⏎", "ca⏎", "a⏎", " ⏎", "x//y⏎", "..⏎"])
def test_a_name_that_may_mean_another_labels_nothing_and_stays(keys: str) -> None:
    one = typing()
    assert press(one, keys)[-1] == (OutcomeKind.SAID, None)
    assert one.is_typing


@pytest.mark.parametrize("typed", ["xyz", "dg", "xyz↓"])
def test_a_name_of_no_class_is_added_when_enter_is_pressed_twice(typed: str) -> None:
    one = typing()
    assert press(one, typed + "⏎")[-1] == (OutcomeKind.WAITING, None)
    assert one.new == typed.rstrip("↓")
    press(one, "⌫")  # it was mistyped
    assert (one.new, one.text) == ("", typed.rstrip("↓")[:-1])
    press(one, "q⏎")
    added = one.press("enter", None, HERE)
    assert (added.kind, added.text) == (OutcomeKind.NEW, typed.rstrip("↓")[:-1] + "q")
    assert not one.is_typing
    one = typing()
    assert press(one, typed + "⏎⎋")[-1] == (OutcomeKind.LEFT, None)
    assert not one.is_typing


def test_a_new_class_labels_what_it_was_typed_for_or_nothing() -> None:
    one = typing(HERE)
    assert press(one, "xyz⏎⏎", ELSEWHERE)[-1] == (OutcomeKind.SAID, None)
    assert press(one, "⏎", ELSEWHERE) == [(OutcomeKind.NEW, None)]
    one = typing(NOT_YET)
    assert press(one, "xyz⏎⏎", NOT_YET)[-1] == (OutcomeKind.HELD, None)
    assert press(one, "⏎⏎", HERE) == [(OutcomeKind.SAID, None), (OutcomeKind.NEW, None)]


def test_a_name_labels_what_it_began_on_or_nothing() -> None:
    one = typing(HERE)
    assert press(one, "dog⏎", ELSEWHERE)[-1] == (OutcomeKind.SAID, None)
    assert press(one, "⏎", ELSEWHERE) == [(OutcomeKind.LABEL, 3)]
    one = typing(NOT_YET)
    assert press(one, "dog⏎", NOT_YET)[-1] == (OutcomeKind.HELD, 3)
    assert press(one, "⏎", HERE) == [(OutcomeKind.SAID, None)]
    assert press(one, "⏎", HERE) == [(OutcomeKind.LABEL, 3)]


def test_pasted_text_is_a_name_or_nothing() -> None:
    one = entry()
    assert not one.paste("1")
    one.begin_name(HERE)
    assert one.paste("do\x1bg\r1\n2")
    assert one.text == "dog"


def test_a_name_that_is_typed_or_pasted_has_a_limit() -> None:
    one = entry()
    one.begin_name(HERE)
    press(one, "d" * (LONGEST_TEXT - 1))
    assert one.paste("og")
    assert press(one, "o") == [(OutcomeKind.WAITING, None)]
    assert one.text == "d" * (LONGEST_TEXT - 1) + "o"


def test_names_that_begin_with_the_text_come_first() -> None:
    names = ClassNames(["vacation", "old cat", "cat", "Caterpillar", "cxaxt", "dog"])
    assert [match.place for match in names.matches("cat")] == [2, 3, 1, 0, 4]
    assert names.completed("c", 0) == "cat"
    assert ClassNames(["Ça va", "cab"]).completed("Ç", 0) == "Ça va"


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=30, unique=True))
def test_every_name_that_is_typed_in_full_means_its_class(names: list[str]) -> None:
    found = ClassNames(names)
    for index, name in enumerate(names):
        if name == name.strip():
            assert found.meant(name) == index


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([*"12zabcdo", "enter", "escape", "backspace", "tab", "down", "/"]),
        st.sampled_from(["one", "two"]),
        st.booleans(),
    ),
    max_size=40,
)


@given(EVENTS)
@settings(max_examples=300, deadline=None)
def test_no_label_comes_of_keys_for_another_image(events: list[tuple[str, str, bool]]) -> None:
    one = entry()
    since: list[Place] = []
    for key, item, seen in events:
        place = Place(item, seen)
        if not one.is_begun:
            since = []
        since.append(place)
        before = one.text
        if key == "/" and not one.is_begun:
            one.begin_name(place)
            continue
        outcome = one.press(key, key if len(key) == 1 else None, place)
        if outcome.kind is OutcomeKind.LABEL:
            assert place.seen
            if before is None:  # a key or a chord: all of it on this image, after it was seen
                assert set(since) == {place}
            else:  # what it began on, or an Enter that was refused for this image before
                assert since[0] == place or place in since[1:-1]
        elif outcome.kind in (OutcomeKind.SAID, OutcomeKind.HELD) and before is not None:
            assert one.is_typing
        assert one.leader in ("", "z")
        assert not (one.leader and one.is_typing)


# On the screen.


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Workspace]:
    """Open images with more classes than there are keys."""
    images = np.random.default_rng(0).integers(0, 255, (40, 4, 4), np.uint8)
    np.savez(tmp_path / "many.npz", images=images)
    words = [a + b for a in string.ascii_lowercase for b in ("ardvark", "ee", "שלום", "猫")]
    options = SourceOptions(str(tmp_path / "many.npz"), tuple(words))
    flags = {"annotator": "me", "cold_start": "random"}
    with open_workspace(options, flags, path=tmp_path / "many.tuilabel") as opened:
        yield opened


def row_of(app: ScreenApp, id: str, y: int = 0) -> str:
    return app.label_screen.query_one(f"#{id}").render_line(y).text


async def pressed(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


async def test_chords_and_names_label_and_are_shown(many: Workspace) -> None:
    app = ScreenApp(many, LabelScreen)
    screen = app.label_screen
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        first = many.session.current_id
        assert first is not None
        assert "more: press ? or F5" in row_of(app, "legend", 2)
        chord = next(key for key in screen.presenter.classes.keys if len(key) == 2)
        await pressed(pilot, chord[0])
        assert chord[0] + " …" in row_of(app, "status")
        assert chord in row_of(app, "legend")
        await pressed(pilot, chord[1])
        expected = many.session.classes.names[screen.presenter.classes.keys.index(chord)]
        assert answer_of(many.session, first)[0] == expected

        second = many.session.current_id
        assert second is not None
        await pressed(pilot, "slash", "q", "a")
        assert "/qa_  Enter: qardvark" in row_of(app, "status")
        assert "qardvark" in row_of(app, "legend")
        await pressed(pilot, "down", "enter")
        assert answer_of(many.session, second)[0] == "qardvark"
        assert "2 saved" in row_of(app, "status")
        assert many.session.labels == 2


async def test_what_is_written_at_once_is_taken_in_turn(many: Workspace) -> None:
    app = ScreenApp(many, LabelScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        first = many.session.current_id
        assert first is not None
        for key in ("slash", *"qardvark", "enter", *"123"):
            app.post_message(events.Key(key, {"slash": "/", "enter": "\r"}.get(key, key)))
        await pilot.pause()
        assert answer_of(many.session, first)[0] == "qardvark"
        # What came behind Enter was for an image that was not there.
        assert many.session.labels == 1


async def test_what_is_refused_is_said_beside_what_was_typed(many: Workspace) -> None:
    app = ScreenApp(many, LabelScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pressed(pilot, "slash", "r", "d", "v", "enter")
        assert "/rdv_  26 classes fit: type on" in row_of(app, "status")
        await pressed(pilot, "escape", "z", "exclamation_mark")
        assert "nothing was labelled" in row_of(app, "status")
        assert many.session.labels == 0


async def test_the_columns_stay_straight_with_wide_and_turned_names(many: Workspace) -> None:
    app = ScreenApp(many, LabelScreen)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for id in ("legend", "status", "header", "suggestions", "strip"):
            widget = app.label_screen.query_one(f"#{id}")
            for y in range(widget.size.height):
                assert cell_len(widget.render_line(y).text) == widget.size.width


async def test_the_help_page_lists_every_class_in_straight_columns(many: Workspace) -> None:
    app = ScreenApp(many, LabelScreen)
    screen = app.label_screen
    async with app.run_test(size=(80, 24)) as pilot:
        await pressed(pilot, "question_mark")
        page = app.screen.query_one(Page)
        for key, name in zip(screen.presenter.classes.keys, screen.presenter.names, strict=True):
            assert f" {key} {name}" in page.text
        assert "Two keys, one after the other" in page.text
        rows = [page.render_line(y) for y in range(page.size.height)]
        assert {row.cell_length for row in rows} == {page.size.width}
        grid = [row.text for row in rows if "猫" in row.text]
        starts = {cell_len(row[: row.index("猫") - 1]) for row in grid}
        assert len(starts) <= 6
        assert page.size.height > 24
        await pressed(pilot, "end")
        assert app.screen.query_one("#page").scroll_y > 0
        await pressed(pilot, "escape")
        assert app.screen is screen


@pytest.mark.parametrize(
    "typed", ["a", "an extraordinarily long class name", "zzzzzzzzzzzzzzzz", "eogam"]
)
def test_what_is_typed_and_what_it_means_fit_on_80_columns(typed: str) -> None:
    names = ["an extraordinarily long class name", "another of the same kind"]
    entry = ClassEntry(["", ""], names)
    entry.begin_name(Place("item", True))
    entry.text = typed
    for message in (None, (ClassNames(names).why_not(typed), "accent")):
        line = entry_line(entry, names, message)
        assert line is not None
        assert len(line[0]) < 80
