"""The parts of the screen that need no screen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tuilabel.tui.terminal.capabilities import Colours
from tuilabel.tui.text.glyphs import level_bar
from tuilabel.tui.text.pieces import fitted
from tuilabel.tui.widgets import thumbnails
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


def test_thumbnails_of_a_batch_that_is_too_large_to_keep_are_done_at_some_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thumbnails, "KEPT", 8)
    asked: list[int] = []

    def image_of(row: int) -> NDArray[np.uint8]:
        asked.append(row)
        return np.zeros((2, 2), np.uint8)

    kept = thumbnails.Thumbnails(image_of, 16, lambda rows: None)
    for row in range(100, 112):
        kept.drawn(row, 4, 2, Colours())
    steps = 0
    while kept.prepare(range(20), 4, 2, Colours()) and steps < 20:
        steps += 1
    assert steps < 20
    assert asked[12:] == list(range(4))
