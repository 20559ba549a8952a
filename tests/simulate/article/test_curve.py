"""The confidence curve: an area of braille dots, as wide as it was asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuilabel.simulate.article.curve import braille_curve


def test_a_curve_is_an_area_on_a_fixed_axis() -> None:
    assert list(braille_curve([1.0, 1.0], 3, 2)) == ["⣿⣿⣿", "⣿⣿⣿"]
    assert list(braille_curve([0.5, 0.5], 3, 2)) == ["   ", "⣿⣿⣿"]
    assert list(braille_curve([0.0, 0.0], 3, 2)) == ["   ", "   "]
    # The least that is above nothing shows.
    assert list(braille_curve([0.001], 1, 2)) == [" ", "⣀"]
    assert list(braille_curve([], 4, 2)) == ["    ", "    "]


def test_a_rising_curve_rises_from_left_to_right() -> None:
    assert list(braille_curve([0.0, 1.0], 2, 1)) == ["⢠⣾"]


@given(
    values=st.lists(st.floats(0, 1), max_size=300),
    columns=st.integers(1, 90),
    height=st.integers(1, 9),
)
def test_a_curve_fills_its_cells(values: list[float], columns: int, height: int) -> None:
    lines = list(braille_curve(values, columns, height))
    assert len(lines) == height
    assert {len(line) for line in lines} == {columns}
