"""Images as characters."""

from __future__ import annotations

import numpy as np
import pytest

from tuilabel.line.picture import ASCII, SHADES, Look, picture


def test_a_ramp_is_drawn_from_dark_to_bright() -> None:
    image = np.tile(np.arange(10, dtype=np.uint8) * 28, (2, 1))
    (line, other) = picture(image, Look(20, 2))
    assert line == other == "".join(2 * char for char in ASCII)
    assert picture(image, Look(20, 2).inverted())[0] == "".join(2 * c for c in ASCII[::-1]).rstrip()


@pytest.mark.parametrize("shape", [(28, 28), (8, 8), (96, 64, 3), (1, 96), (96, 1), (1, 1)])
def test_it_fits_and_holds_nothing_but_the_ramp(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(1, 256, shape).astype(np.uint8)
    lines = picture(image, Look(60, 20, SHADES))
    assert 1 <= len(lines) <= 20
    assert all(len(line) <= 60 and set(line) <= set(SHADES) for line in lines)


def test_means_are_of_what_is_covered() -> None:
    image = np.zeros((40, 40), np.uint8)
    image[:20] = 255
    assert picture(image, Look(60, 20)) == ["@" * 40] * 10 + [""] * 10


def test_where_nothing_can_be_seen_there_are_no_lines() -> None:
    assert picture(np.zeros((8, 8), np.uint8), Look()) == []
