"""The parts of the screen that need no screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuilabel.tui.guard import GUARD_INTERVAL, PATIENCE, PaintGuard
from tuilabel.tui.widgets.curve import _resampled
from tuilabel.tui.widgets.lines import fitted
from tuilabel.tui.widgets.suggestions import _filled

# The paint guard.


def test_a_key_is_held_until_the_terminal_answers() -> None:
    guard = PaintGuard()
    assert guard.holds(0.0)
    guard.expect()
    assert guard.holds(0.1)
    guard.asked(0.1)
    assert guard.holds(0.2)
    assert guard.acknowledged()
    assert not guard.holds(0.25)


def test_an_answer_for_the_image_before_is_not_enough() -> None:
    guard = PaintGuard()
    guard.expect()
    guard.asked(0.0)
    guard.expect()
    assert not guard.acknowledged()
    guard.expect()
    guard.asked(0.06)
    guard.expect()
    guard.asked(0.1)
    assert not guard.acknowledged()
    assert guard.holds(0.2)
    assert guard.acknowledged()
    assert not guard.holds(0.3)


def test_an_image_not_yet_written_holds_even_after_a_long_pause() -> None:
    guard = PaintGuard()
    guard.expect()
    guard.asked(0.0)
    guard.acknowledged()
    guard.expect()
    assert guard.holds(100.0)
    assert guard.answers


def test_a_terminal_that_never_answers_falls_back_to_an_interval() -> None:
    guard = PaintGuard()
    guard.expect()
    guard.asked(0.0)
    assert guard.holds(PATIENCE - 0.01)
    assert not guard.holds(PATIENCE + 0.01)
    assert not guard.answers
    guard.expect()
    guard.asked(10.0)
    assert guard.holds(10.0 + GUARD_INTERVAL / 2)
    assert not guard.holds(10.0 + GUARD_INTERVAL * 1.1)


def test_a_late_answer_counts_for_its_own_image_only() -> None:
    guard = PaintGuard()
    guard.expect()
    guard.asked(0.0)
    assert not guard.holds(PATIENCE + 0.5)
    guard.expect()
    guard.asked(PATIENCE + 1)
    assert not guard.acknowledged()
    assert guard.holds(PATIENCE + 1 + GUARD_INTERVAL / 2)
    assert guard.acknowledged()
    assert guard.answers
    assert not guard.holds(PATIENCE + 1 + GUARD_INTERVAL / 2)


def test_held_keys_are_counted_per_image() -> None:
    guard = PaintGuard()
    guard.expect()
    assert [guard.hold(), guard.hold()] == [1, 2]
    guard.expect()
    assert guard.hold() == 1


# Text.


@given(st.text(max_size=30), st.integers(0, 20))
def test_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    from rich.cells import cell_len

    assert cell_len(fitted(text, width)) == width


def test_bars_are_as_long_as_their_share() -> None:
    assert _filled(0, 8) == ""
    assert _filled(1, 8) == "█" * 8
    assert _filled(0.5, 8) == "████"
    assert _filled(1 / 64, 8) == "▏"
    assert len(_filled(2.0, 8)) == 8


def test_a_long_curve_keeps_its_newest_value() -> None:
    assert _resampled([0.1, 0.2], 5) == [0.1, 0.2]
    values = [number / 100 for number in range(100)]
    assert len(_resampled(values, 7)) == 7
    assert _resampled(values, 7)[-1] == 0.99
