"""The parts of the screen that need no screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuilabel.tui.text.glyphs import level_bar
from tuilabel.tui.text.pieces import fitted
from tuilabel.tui.widgets.accuracy_line import _resampled

# Text.


@given(st.text(max_size=30), st.integers(0, 20))
def test_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    from rich.cells import cell_len

    assert cell_len(fitted(text, width)) == width


def test_bars_are_as_long_as_their_share() -> None:
    assert level_bar(0, 8) == ""
    assert level_bar(1, 8) == "▄" * 8
    assert level_bar(0.5, 8) == "▄▄▄▄"
    assert level_bar(0.45, 8) == "▄▄▄▖"
    assert level_bar(1e-9, 8) == "▖"
    assert len(level_bar(2.0, 8)) == 8


def test_a_long_curve_keeps_its_newest_value() -> None:
    assert _resampled([0.1, 0.2], 5) == [0.1, 0.2]
    values = [number / 100 for number in range(100)]
    assert len(_resampled(values, 7)) == 7
    assert _resampled(values, 7)[-1] == 0.99
