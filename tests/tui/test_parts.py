"""The parts of the screen that need no screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.errors import UsageError
from tuilabel.tui.actions import ACTIONS, DEMO_ACTIONS, actions_for
from tuilabel.tui.class_keys import FREE_KEYS, class_keys
from tuilabel.tui.guard import GUARD_INTERVAL, PATIENCE, PaintGuard
from tuilabel.tui.screens.demo import DemoScreen
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.tui.widgets.curve import _resampled
from tuilabel.tui.widgets.lines import fitted
from tuilabel.tui.widgets.suggestions import _filled

# Actions and keys.


def test_no_two_actions_share_a_key() -> None:
    for demo in (False, True):
        keys = [key for action in actions_for(demo=demo) for key in action.keys]
        assert len(set(keys)) == len(keys)


def test_every_action_has_its_method() -> None:
    for action in ACTIONS:
        assert callable(getattr(LabelScreen, f"action_{action.id}"))
    for action in DEMO_ACTIONS:
        assert callable(getattr(DemoScreen, f"action_{action.id}"))


def test_only_keys_that_reach_the_program_everywhere_are_used() -> None:
    named = {"enter", "space", "backspace", "left", "right", "question_mark", "plus", "minus"}
    for action in ACTIONS + DEMO_ACTIONS:
        for key in action.keys:
            is_function_key = key.startswith("f") and key[1:].isdigit()
            assert len(key) == 1 or key in named or is_function_key or key == "ctrl+c"


def test_digits_are_their_own_keys() -> None:
    assert class_keys(["3", "1", "0"]) == ("3", "1", "0")


def test_other_classes_get_digits_then_letters_that_no_action_uses() -> None:
    keys = class_keys([f"class {number}" for number in range(14)])
    assert "".join(keys) == "1234567890abcd"
    used = {key for action in ACTIONS + DEMO_ACTIONS for key in action.keys}
    assert not used & set(FREE_KEYS)
    assert len(set(FREE_KEYS)) == len(FREE_KEYS)


def test_more_classes_than_keys_is_a_clear_sentence() -> None:
    many = [f"class {number}" for number in range(len(FREE_KEYS) + 1)]
    assert len(class_keys(many[:-1])) == len(FREE_KEYS)
    with pytest.raises(UsageError, match=rf"{len(many)} classes and {len(FREE_KEYS)} keys"):
        class_keys(many)


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
