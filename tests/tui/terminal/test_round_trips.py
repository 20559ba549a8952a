"""What is known of the terminal: which image it has painted, and how quick the line to it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.tui.answering.paint_guard import PaintGuard
from tuilabel.tui.terminal.round_trips import BACKED_UP, PATIENCE, SLOW, WINDOW, RoundTrips

GUARD_INTERVAL = 0.5


def ask(link: RoundTrips, now: float, size: int = 100, *, columns: int = 80, rows: int = 24) -> int:
    return link.ask(now, size, columns, rows)[0]


def place_of(query: str) -> tuple[int, int]:
    """Play the terminal: give the cell that it reports for a question."""
    found = re.fullmatch(r"\x1b\[(\d+);(\d+)H\x1b\[6n", query)
    assert found is not None
    return int(found[2]) - 1, int(found[1]) - 1


# The guard.


def test_a_key_is_held_until_the_terminal_answers() -> None:
    guard = PaintGuard()
    assert guard.holds(0.0)
    guard.expect()
    assert guard.holds(0.1)
    guard.asked(1, 0.1)
    assert guard.holds(0.2)
    assert guard.acknowledged(1, 0.0)
    assert not guard.holds(0.25)
    assert not guard.acknowledged(2, 0.0), "an image is painted once"


def test_an_answer_for_the_image_before_is_not_enough() -> None:
    guard = PaintGuard()
    guard.asked(1, 0.0)
    guard.expect()
    assert not guard.acknowledged(1, 0.0)
    guard.asked(2, 0.06)
    guard.expect()
    guard.asked(3, 0.1)
    assert not guard.acknowledged(2, 0.0)
    assert guard.holds(0.2)
    assert guard.acknowledged(4, 0.0), "a later answer tells of all before it"
    assert not guard.holds(0.3)


def test_an_image_not_yet_written_holds_even_after_a_long_pause() -> None:
    guard = PaintGuard()
    guard.asked(1, 0.0)
    guard.acknowledged(1, 0.0)
    guard.expect()
    assert guard.holds(100.0)
    assert guard.answers


def test_a_terminal_that_never_answers_falls_back_to_an_interval() -> None:
    guard = PaintGuard()
    guard.delay = GUARD_INTERVAL
    guard.asked(1, 0.0)
    assert guard.holds(PATIENCE - 0.01)
    assert not guard.holds(PATIENCE + 0.01)
    assert not guard.answers
    guard.expect()
    guard.asked(2, 10.0)
    assert guard.holds(10.0 + GUARD_INTERVAL / 2)
    assert not guard.holds(10.0 + GUARD_INTERVAL * 1.1)
    guard.acknowledged(2, 0.0)
    assert guard.answers, "it was only slow to begin"


@pytest.mark.parametrize("known", [True, False])
def test_on_a_line_that_stalls_keys_are_held_for_as_long_as_it_does(known: bool) -> None:
    guard = PaintGuard()
    guard.asked(1, 0.0, answers=known)
    if not known:
        guard.acknowledged(1, 0.0)
        guard.expect()
        guard.asked(2, 1.0)
    assert guard.holds(1000.0)
    assert guard.answers
    assert guard.waits_in_vain(1000.0)
    assert guard.acknowledged(2, 0.0)
    assert not guard.waits_in_vain(1000.0)


def test_what_answers_for_a_terminal_is_not_believed_alone() -> None:
    guard = PaintGuard()
    guard.is_relayed, guard.delay = True, GUARD_INTERVAL
    guard.asked(1, 0.0)
    guard.acknowledged(1, 0.0)
    assert guard.holds(GUARD_INTERVAL / 2)
    assert not guard.holds(GUARD_INTERVAL * 1.1)


def test_held_keys_are_counted_for_each_image() -> None:
    guard = PaintGuard()
    assert [guard.hold(), guard.hold()] == [1, 2]
    guard.expect()
    assert guard.hold() == 1


# The link.


@given(
    st.integers(2, 250),
    st.integers(2, 70),
    st.lists(st.booleans(), min_size=1, max_size=40),
)
def test_each_answer_names_its_question(columns: int, rows: int, lost: list[bool]) -> None:
    link = RoundTrips()
    questions = [link.ask(0.0, 10, columns, rows) for _ in lost]
    places = [place_of(query) for _, query in questions]
    assert all(0 <= x < columns and 1 <= y < rows for x, y in places), "never on the first row"
    if len(set(places)) < len(places):
        return  # a tiny terminal has fewer cells than there are questions
    for (number, _), place, is_lost in zip(questions, places, lost, strict=True):
        if not is_lost:
            assert link.answered(*place, 0.1) == number
    assert not link.is_full(0.1)


def test_what_was_not_asked_is_no_answer() -> None:
    link = RoundTrips()
    _, query = link.ask(0.0, 10, 80, 24)
    x, y = place_of(query)
    assert link.answered(x, 0, 0.1) is None  # F3 with a modifier
    assert link.answered(x + 1, y, 0.1) is None
    assert link.answered(x, y, 0.1) is not None
    assert link.answered(x, y, 0.2) is None
    assert link.has_answered


def test_a_late_answer_never_looks_like_one_to_another_question() -> None:
    """Of another size of the terminal, or from before there was a screen."""
    link = RoundTrips()
    late = [place_of(link.ask(0.0, 10, 80, 24)[1]) for _ in range(85)][-60:]
    link.forget()
    asked = {place_of(link.ask(0.0, 10, 85, 30)[1]) for _ in range(200)}
    assert asked.isdisjoint(late)
    assert all(link.answered(*place, 0.1) is None for place in late)


def test_the_answer_to_the_first_question_of_all_is_none_for_an_image() -> None:
    link = RoundTrips(is_owed=True)
    number, query = link.ask(0.0, 10, 80, 24)
    assert link.answered(*place_of(query), 0.1) is None
    assert link.answered(*place_of(query), 0.2) == number


def test_a_tiny_terminal_has_a_place_for_each_open_question() -> None:
    link = RoundTrips()
    for _ in range(9):
        asked = {place_of(link.ask(0.0, 10, 3, 4)[1]) for _ in range(3)}
        assert len(asked) == 3
        for place in asked:
            link.answered(*place, 0.1)


def test_answers_of_another_size_or_another_terminal_are_none() -> None:
    link = RoundTrips()
    _, query = link.ask(0.0, 10, 80, 24)
    link.forget()
    assert link.answered(*place_of(query), 0.1) is None


def test_a_frame_waits_while_much_is_under_way() -> None:
    link = RoundTrips()
    ask(link, 0.0, WINDOW + 1)
    assert not link.is_full(0.0), "a terminal that may never answer is not waited for"
    _, query = link.ask(0.0, 10, 80, 24)
    link.answered(*place_of(query), 0.01)
    _, first = link.ask(1.0, WINDOW, 80, 24)
    assert not link.is_full(1.0)
    _, second = link.ask(1.0, 300, 80, 24)
    assert link.is_full(1.01)
    link.answered(*place_of(first), 1.02)
    assert not link.is_full(1.02)
    link.answered(*place_of(second), 1.03)
    ask(link, 2.0, WINDOW + 1)
    assert link.is_full(2.0 + PATIENCE)
    assert not link.is_full(2.1 + PATIENCE), "an answer may be lost"


def round_trips(link: RoundTrips, rate: float, *, trip: float = 0.15, frames: int = 12) -> None:
    """Send frames over a line of a rate in bytes a second and a round trip in seconds."""
    for frame in range(frames):
        size = 8000 if frame % 2 else 50
        _, query = link.ask(float(frame), size, 80, 24)
        link.answered(*place_of(query), frame + trip + size / rate)


def test_a_long_line_is_not_a_slow_one() -> None:
    link = RoundTrips()
    round_trips(link, 10e6)
    assert not link.slow
    assert link.round_trip == pytest.approx(0.15, abs=0.001)


def test_a_slow_line_is_found_out_and_a_quick_one_again() -> None:
    link = RoundTrips()
    round_trips(link, SLOW / 2)
    assert link.slow
    round_trips(link, SLOW * 1.5)
    assert link.slow, "in between it stays as it is"
    round_trips(link, 5e6)
    assert not link.slow


BUSY = [
    *((23008, 209), (8996, 283), (62, 402), (62, 1.3), (52, 14), (70, 0.5), (3056, 6.7)),
    *((2875, 52), (185, 44), (102, 31), (3056, 38), (3107, 36), (3115, 89), (3647, 30)),
]
"""Bytes and milliseconds on a local terminal that draws without a graphics card."""


def busy(link: RoundTrips, answers: list[tuple[int, float]], start: float = 0.0) -> None:
    for number, (size, milliseconds) in enumerate(answers):
        _, query = link.ask(start + number, size, 140, 45)
        link.answered(*place_of(query), start + number + milliseconds / 1000)


def test_a_terminal_that_is_late_now_and_then_is_not_slow() -> None:
    link = RoundTrips(round_trip=0.004)
    busy(link, BUSY)
    assert not link.slow
    assert link.rate == pytest.approx(3056 / 0.0062)


def test_a_line_that_was_backed_up_is_quick_again_with_small_frames() -> None:
    link = RoundTrips(round_trip=0.001)
    busy(link, [(9000, 5)] * 9)
    for tenth in range(5):
        link.backed_up(WINDOW + 1, 20 + tenth / 10)
    assert link.slow
    assert link.measured == "The terminal was behind by more than 4 kB for 0.3 s"
    assert link.words == "slow link 5 ms"
    busy(link, [(600, 1.2)] * 3, 30.0)
    assert link.slow, "that may be chance"
    busy(link, [(600, 1.2)], 40.0)
    assert not link.slow
    assert link.measured == "The terminal takes 3,000 kB/s"


def test_a_slow_line_is_shown_with_what_was_measured() -> None:
    link = RoundTrips(round_trip=0.15)
    round_trips(link, 87_000)
    assert link.slow
    assert link.words == "slow link 240 ms, 87 kB/s"
    assert link.measured == "The terminal takes 87 kB/s"


def test_an_answer_that_was_lost_makes_no_line_look_quick() -> None:
    link = RoundTrips(round_trip=0.1)
    for second in range(9):
        _, lost = link.ask(second, 5000, 80, 24)
        _, query = link.ask(second + 0.05, 100, 80, 24)
        link.answered(*place_of(query), second + 0.05 + 0.1 + 0.001)
        assert link.answered(*place_of(lost), second + 0.2) is None
    assert link.rate == pytest.approx(5100 / 0.051)
    assert link.slow


@pytest.mark.parametrize(("mode", "slow"), [("slow", True), ("fast", False)])
def test_what_is_known_of_the_line_is_not_found_out(mode: str, slow: bool) -> None:
    link = RoundTrips(mode)
    round_trips(link, 5e6 if slow else 10e3)
    assert link.slow == slow


@pytest.mark.parametrize(
    ("trip", "words"),
    [(0.0006, ""), (0.0384, "link 38 ms"), (0.1537, "link 150 ms"), (1.204, "link 1200 ms")],
)
def test_a_round_trip_that_one_notices_is_shown(trip: float, words: str) -> None:
    assert RoundTrips(round_trip=trip).words == words
    assert RoundTrips().words == ""
    assert RoundTrips("slow", trip).words.startswith("slow link")


def test_a_line_that_always_has_something_left_to_take_is_slow() -> None:
    link = RoundTrips()
    much = WINDOW + 1
    link.backed_up(much, 0.0)
    link.backed_up(0, 0.1)
    for tenth in range(2, 6):
        link.backed_up(much, tenth / 10)
    assert not link.slow
    link.backed_up(much, 0.25 + BACKED_UP)
    assert link.slow


@pytest.mark.parametrize("backlog", [WINDOW, WINDOW + 1])
def test_moments_far_apart_are_no_backlog_that_lasts(backlog: int) -> None:
    link = RoundTrips()
    for second in range(10):
        link.backed_up(backlog, float(second))
    assert not link.slow
