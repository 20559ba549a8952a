"""Promise 2: a key is never applied to an image that the annotator has not seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from textual.geometry import Size

from tuilabel.errors import SaveError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import LONGEST_NOTE, Label
from tuilabel.session import Annotator, NotAnsweredError
from tuilabel.tui.answering.answer_keys import AnswerKeys, saved_sentence
from tuilabel.tui.keymap.actions import Action
from tuilabel.tui.terminal.round_trips import RoundTrips

DELAY = 0.5

ME = Annotator("me", "human")


def label(item: str) -> Event:
    return Event("e1", 1, 1, "now", "me", Label(item=item, class_id="c1:cat"))


class FakeTerminal:
    """A terminal that numbers the questions it is asked and answers when a test says so."""

    def __init__(self) -> None:
        self.round_trips = RoundTrips(round_trip=0.001)
        self.relay = ""
        self.key_delay = int(1000 * DELAY)
        self.asked = 0

    def ask(self) -> int:
        self.asked += 1
        return self.asked


class FakeSaving:
    """Writes at once, or never where the disk hangs."""

    def __init__(self) -> None:
        self.is_pending = False
        self.held = 0

    def write(
        self,
        write: Callable[[], Event],
        then: Callable[[Event], object],
        failed: Callable[[Exception], object],
    ) -> None:
        assert not self.is_pending
        try:
            event = write()
        except (SaveError, NotAnsweredError) as error:
            failed(error)
        else:
            then(event)

    def hold(self) -> None:
        self.held += 1


class FakeClasses:
    """Four classes: two with a key, one with a chord, one that is labelled by name."""

    version = 1
    keys = ("1", "2", "x1", "")
    names = full_names = ("cat", "dog", "owl", "yak")
    open = range(4)


class FakeScreen:
    """Shows images by name; callbacks wait in a queue until the test runs them."""

    def __init__(self, terminal: FakeTerminal | None = None) -> None:
        self.now = 100.0
        self.size = Size(80, 24)
        self.too_small = False
        self.actions = (Action("skip", ("tab u", "space"), "skip", "Skip."),)
        self.is_on_top = True
        self.first_actions: tuple[str, ...] = ()
        self.terminal = terminal
        self.asked: str | None = "a"
        self.drawn = True
        self.sentences: list[str] = []
        self.left: list[str | None] = []
        self.notes: list[tuple[str, str]] = []
        self.chosen: list[int] = []
        self.given: list[tuple[str, int]] = []
        self.queue: deque[Callable[[], object]] = deque()
        self.saved: list[Event] = []
        self.saving = FakeSaving()
        self.keys = AnswerKeys(self, FakeClasses(), ME, self.saving, self.clock)

    def clock(self) -> float:
        return self.now

    def image_is_in_frame(self) -> bool:
        return self.drawn and self.asked is not None

    def choose_class(self, index: int) -> None:
        self.chosen.append(index)
        self.keys.give(self.write, self.saved.append)

    def write(self, item: str, *, by: Annotator, ms: int) -> Event:
        assert by == ME
        self.given.append((item, ms))
        return label(item)

    def write_note(self, item: str, text: str) -> None:
        self.notes.append((item, text))
        self.keys.end_note()

    def entry_changed(self) -> None: ...

    def say(self, text: str, style: str) -> None:
        self.sentences.append(text)

    def after_frame(self) -> None: ...

    def after_painting(self) -> None: ...

    def call_later(self, callback: Callable[..., object], *args: object) -> None:
        self.queue.append(lambda: callback(*args))

    def run_queue(self) -> None:
        while self.queue:
            self.queue.popleft()()

    def press(self, *keys: str) -> None:
        for key in keys:
            left = self.keys.press("enter" if key == "\r" else key, None if len(key) > 1 else key)
            self.left.append(left)
            if left == "tab u":
                self.keys.give(self.write, self.saved.append)

    def show(self, item: str) -> None:
        self.asked = item
        self.keys.expect_image()


@pytest.fixture
def screen() -> FakeScreen:
    """Return a screen on a terminal that answers, its first image not yet painted."""
    shown = FakeScreen(FakeTerminal())
    shown.keys.expect_image()
    return shown


def painted(screen: FakeScreen) -> None:
    """Have the image painted, and the terminal say so."""
    screen.keys.frame_was_there()
    assert screen.terminal is not None
    screen.keys.painted_up_to(screen.terminal.asked)
    screen.run_queue()


def test_a_key_before_the_terminal_answers_is_held_back_and_the_screen_says_so(
    screen: FakeScreen,
) -> None:
    screen.keys.frame_was_there()
    screen.press("1")
    assert (screen.given, screen.chosen) == ([], [])
    assert screen.sentences == ["1 key was typed ahead of the image: press again."]
    painted(screen)
    screen.now += 0.25
    screen.press("1")
    assert screen.given == [("a", 250)]


def test_an_answer_to_an_older_question_counts_for_nothing(screen: FakeScreen) -> None:
    painted(screen)
    screen.show("b")
    screen.keys.frame_was_there()
    screen.keys.painted_up_to(1)
    screen.run_queue()
    screen.press("2")
    assert screen.given == []


def test_where_a_relay_answers_keys_wait_after_its_answer(screen: FakeScreen) -> None:
    assert screen.terminal is not None
    screen.terminal.relay = "mosh-server"
    painted(screen)
    screen.now += DELAY - 0.01
    screen.press("1")
    assert screen.given == []
    screen.now += 0.02
    screen.press("1")
    assert [item for item, _ in screen.given] == ["a"]


def test_a_relay_may_be_found_and_lost_while_an_image_is_shown(screen: FakeScreen) -> None:
    assert screen.terminal is not None
    painted(screen)
    screen.terminal.relay = "unknown"
    screen.press("1")
    assert screen.given == []
    screen.terminal.relay = ""
    screen.press("1")
    assert screen.given == [("a", 0)]


def test_what_comes_behind_esc_waits_where_a_relay_may_have_cut_it_off(screen: FakeScreen) -> None:
    assert screen.terminal is not None
    screen.terminal.relay = "tmux"
    painted(screen)
    screen.now += 2 * DELAY
    screen.press("escape", "1")
    assert screen.given == []
    screen.now += 2 * DELAY
    screen.press("1")
    assert [item for item, _ in screen.given] == ["a"]


def test_two_keys_are_handed_over_as_one(screen: FakeScreen) -> None:
    painted(screen)
    screen.press("tab")
    assert screen.keys.line(None) == ("Tab …  Esc cancels  u skip", "accent")
    screen.press("u")
    assert screen.left == [None, "tab u"]
    assert screen.keys.line(None) is None
    assert screen.given == [("a", 0)]


def test_a_wrong_second_key_does_nothing_and_labels_nothing(screen: FakeScreen) -> None:
    painted(screen)
    screen.press("tab", "1", "tab", "escape", "tab", "ctrl+c")
    assert screen.left == [None, None, None, None, None, "ctrl+c"]
    assert screen.sentences == ["Tab 1 does nothing here."]
    screen.press("tab")
    screen.keys.paste("u")
    screen.press("space")
    assert screen.left[-1] == "space"
    assert not screen.given
    assert not screen.chosen


def test_two_keys_are_for_the_image_they_began_on(screen: FakeScreen) -> None:
    painted(screen)
    screen.press("tab")
    screen.show("b")
    painted(screen)
    screen.press("u")
    assert not screen.given
    assert screen.sentences == ["Tab u began on another image: nothing was done."]


def test_two_keys_that_began_before_the_image_was_there_answer_nothing(screen: FakeScreen) -> None:
    screen.keys.frame_was_there()
    screen.press("tab")
    painted(screen)
    screen.press("u")
    assert not screen.given
    assert screen.keys.guard.held == 1
    screen.press("tab", "u")
    assert screen.given == [("a", 0)]


def test_a_note_is_typed_and_labels_nothing(screen: FakeScreen) -> None:
    painted(screen)
    screen.keys.begin_note("we")
    screen.press("t", "1", "backspace", "tab", "u", "space", "x", "\r")
    assert screen.notes == [("a", "wetux")]
    assert not screen.given
    assert not screen.keys.is_begun


def test_a_note_is_about_the_image_on_which_it_began(screen: FakeScreen) -> None:
    painted(screen)
    screen.keys.begin_note("")
    screen.press("w")
    screen.show("b")
    screen.press("\r")
    assert screen.notes == [("a", "w")]


def test_a_note_begins_on_no_image_that_was_not_seen(screen: FakeScreen) -> None:
    screen.keys.frame_was_there()
    screen.keys.begin_note("")
    assert not screen.keys.is_begun
    assert screen.keys.guard.held == 1


def test_what_is_pasted_into_a_note_is_text_of_one_line_with_a_limit(screen: FakeScreen) -> None:
    painted(screen)
    screen.keys.begin_note("")
    assert screen.keys.paste("\x1b[31mred\x07\n1\r2")
    screen.press("1")
    line = screen.keys.line(None)
    assert line == ("note: [31mred1_  Enter saves · Esc leaves", "accent")
    assert screen.keys.paste("y" * 10_000)
    line = screen.keys.line(("✗ full", "bad"))
    assert line == (f"note: …{'y' * 29}_  ✗ full", "bad")
    screen.press("\r")
    assert len(screen.notes[0][1]) == LONGEST_NOTE
    screen.keys.begin_note("")
    screen.press("1", "escape")
    assert len(screen.notes) == 1
    assert not screen.given


def test_a_chord_that_began_on_another_image_labels_nothing(screen: FakeScreen) -> None:
    painted(screen)
    screen.press("x")
    screen.show("b")
    painted(screen)
    screen.press("1")
    assert screen.given == []
    assert screen.sentences == ["x1 began on another image: nothing was labelled."]


def test_a_typed_name_is_an_answer(screen: FakeScreen) -> None:
    painted(screen)
    screen.keys.begin_name()
    screen.press("y", "a")
    assert screen.keys.paste("k")
    screen.press("\r")
    assert (screen.chosen, screen.given) == ([3], [("a", 0)])
    assert not screen.keys.paste("more")


def test_where_nothing_is_asked_the_screen_decides(screen: FakeScreen) -> None:
    screen.asked = None
    screen.press("1")
    assert screen.chosen == [0]
    assert (screen.given, screen.sentences) == ([], [])


def test_a_window_that_is_too_small_takes_no_answer(screen: FakeScreen) -> None:
    painted(screen)
    screen.too_small = True
    screen.press("1")
    assert screen.given == []


def test_an_image_that_comes_back_from_under_another_screen_is_painted_again(
    screen: FakeScreen,
) -> None:
    painted(screen)
    screen.keys.terminal_back()
    screen.press("1")
    assert screen.given == []
    painted(screen)
    screen.press("1")
    assert screen.given == [("a", 0)]


@pytest.mark.parametrize("error", [SaveError("The disk is full."), NotAnsweredError("No.")])
def test_what_is_not_saved_is_said(screen: FakeScreen, error: Exception) -> None:
    painted(screen)

    def fail(item: str, *, by: Annotator, ms: int) -> Event:
        raise error

    screen.keys.give(fail, screen.saved.append)
    assert screen.saved == []
    assert screen.sentences == [f"✗ {error}"]


def test_while_the_disk_has_not_answered_keys_are_held_back_and_counted(
    screen: FakeScreen,
) -> None:
    painted(screen)
    screen.saving.is_pending = True
    screen.press("1", "x", "1")
    screen.keys.save(screen.write, screen.saved.append)
    assert (screen.given, screen.saved) == ([], [])
    assert screen.saving.held == screen.keys.guard.held == 3
    screen.saving.is_pending = False
    screen.press("1")
    assert [item for item, _ in screen.given] == ["a"]


def test_without_a_terminal_what_is_drawn_counts_as_painted() -> None:
    screen = FakeScreen()
    screen.keys.expect_image()
    screen.keys.frame_written(None)
    screen.run_queue()
    screen.press("1")
    assert screen.given == [("a", 0)]


def test_the_confirmation_names_both_classes() -> None:
    assert saved_sentence(7, "dog", "cat") == "✓ 7 saved: dog, was cat."
    assert saved_sentence(8, "dog", None) == "✓ 8 saved: dog, was a skip."


class Promise2(RuleBasedStateMachine):
    """Frames, answers of the terminal and keys in any order: only a seen image is labelled."""

    def __init__(self) -> None:
        super().__init__()
        self.terminal = FakeTerminal()
        self.screen = FakeScreen(self.terminal)
        self.screen.keys.expect_image()
        self.number = 0
        self.questions: dict[int, str] = {}
        self.seen: set[str] = set()
        self.checked = 0

    def note_questions(self) -> None:
        """Every question since the last look follows a frame with the image of now."""
        for number in range(len(self.questions) + 1, self.terminal.asked + 1):
            self.questions[number] = str(self.screen.asked) if self.shows() else ""

    def shows(self) -> bool:
        return self.screen.drawn and self.screen.is_on_top

    @rule(drawn=st.booleans())
    def show_another(self, drawn: bool) -> None:
        self.number += 1
        self.screen.drawn = False
        self.screen.show(f"item{self.number}")
        self.seen.clear()
        if drawn:
            self.frame(with_image=True)

    @rule(uncovered=st.booleans())
    def cover(self, uncovered: bool) -> None:
        self.screen.is_on_top = False
        if uncovered:
            self.screen.is_on_top = True
            self.screen.keys.terminal_back()
            self.seen.clear()

    @rule(with_image=st.booleans())
    def frame(self, with_image: bool) -> None:
        self.screen.drawn |= with_image
        self.screen.keys.frame_written(self.terminal.ask())
        self.note_questions()

    @rule()
    def frame_that_brings_nothing(self) -> None:
        self.screen.keys.frame_was_there()
        self.note_questions()

    @precondition(lambda self: self.questions)
    @rule(data=st.data())
    def terminal_answers(self, data: st.DataObject) -> None:
        newest = self.terminal.asked
        number = data.draw(st.sampled_from([newest, max(1, newest - 1), 1]))
        self.screen.keys.painted_up_to(number)
        self.screen.run_queue()
        self.seen |= {item for asked, item in self.questions.items() if asked <= number}

    @rule(seconds=st.sampled_from([0.01, DELAY, 1.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.screen.now += seconds

    @rule()
    def disk_hangs_or_answers(self) -> None:
        self.screen.saving.is_pending = not self.screen.saving.is_pending

    @rule(key=st.sampled_from(["1", "1", "x", "\r", "escape", "tab", "u"]))
    def press_key(self, key: str) -> None:
        self.screen.press(key)
        self.note_questions()

    @rule(rest=st.sampled_from(["\r", "escape", ""]))
    def name(self, rest: str) -> None:
        self.screen.keys.begin_name()
        self.screen.press("c", "a", "t", *([rest] if rest else []))
        self.note_questions()

    @invariant()
    def every_answer_is_for_an_image_that_was_seen(self) -> None:
        for item, _ in self.screen.given[self.checked :]:
            assert item == self.screen.asked
            assert item in self.seen
        self.checked = len(self.screen.given)


TestPromise2 = Promise2.TestCase
TestPromise2.settings = settings(max_examples=300, stateful_step_count=50, deadline=None)
