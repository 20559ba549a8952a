"""Pictures of characters: nothing of an image is lost, and they are as wide as they say."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.simulate.article.pictures import braille_curve, image_rows

CODE = re.compile(r"\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m")


def greys_of(line: str) -> list[tuple[int, int]]:
    """Read a line of half blocks back: the upper and lower grey of each cell."""
    cells, now, place = [], (-1, -1), 0
    while place < len(line):
        if code := CODE.match(line, place):
            reds = code.group(1, 2, 3, 4, 5, 6)
            assert reds[0] == reds[1] == reds[2]
            assert reds[3] == reds[4] == reds[5]
            now, place = (int(reds[0]), int(reds[3])), code.end()
        elif line.startswith("\x1b[0m", place):
            now, place = (-1, -1), place + 4
        else:
            if line[place] == "▀":
                cells.append(now)
            else:
                assert now == (-1, -1)
            place += 1
    return cells


def test_half_blocks_show_every_pixel_of_an_image_that_fits() -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 5))
    lines = list(image_rows([image], 40, colour=True))
    seen = [greys_of(line) for line in lines]
    upper = [[cell[0] for cell in cells] for cells in seen]
    lower = [[cell[1] for cell in cells] for cells in seen]
    assert upper == image[::2].tolist()
    assert lower == image[1::2].tolist()
    assert all(line.endswith("\x1b[0m") for line in lines)


def test_equal_cells_are_one_code() -> None:
    (line,) = image_rows([np.full((2, 30), 7)], 30, colour=True)
    assert line.count("\x1b[38") == 1
    assert greys_of(line) == [(7, 7)] * 30


def test_the_ramp_goes_from_blank_to_full() -> None:
    image = np.repeat(np.linspace(0, 255, 10)[np.newaxis], 2, axis=0)
    assert list(image_rows([image], 10, colour=False)) == [" .:-=+*#%@"]


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("columns", [1, 5, 11, 28, 100])
def test_images_stand_side_by_side_in_as_many_columns(columns: int, colour: bool) -> None:
    images = [np.full((28, 28), grey) for grey in (0, 120, 255)]
    lines = list(image_rows(images, columns, colour=colour))
    used = min(columns, 28)
    assert len(lines) == max(1, round(used / 2))
    for line in lines:
        assert len(re.sub(r"\x1b\[[\d;]*m", "", line)) == 3 * used + 2


@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    columns=st.integers(1, 12),
    seed=st.integers(0, 9),
)
def test_shrinking_keeps_the_mean(height: int, width: int, columns: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width))
    cells = [cell for line in image_rows([image], columns, colour=True) for cell in greys_of(line)]
    assert np.mean(cells) == pytest.approx(image.mean(), abs=0.5)


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
