"""Images drawn smaller than they are: what is sharpened, and with which characters."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_strips import draw, draw_small
from numpy.typing import NDArray
from rich.cells import cell_len

from tests.tui.images.test_drawing import ALL, digit, shown
from tuilabel.tui.images import ImageKind
from tuilabel.tui.images.small import small
from tuilabel.tui.terminal.capabilities import Blocks, Colours, Depth

PLAIN = ALL - {Blocks.OCTANT}
QUARTERS = set(" ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█")
BOXES = [(7, 4), (14, 7)]

Image = NDArray[np.uint8]


def thin_nine() -> Image:
    """Return a digit of 20 rows whose strokes are thin and not fully bright."""
    y, x = np.mgrid[0:28, 0:28]
    ring = np.abs(np.hypot(x - 13, y - 9) - 5)
    tail = np.where(y > 9, np.abs(x - 18 + (y - 9) / 4), 99)
    return (np.clip(1.6 - np.minimum(ring, tail), 0, 1) * (y < 24) * 220).astype(np.uint8)


def photograph() -> Image:
    """Return an image with all brightnesses side by side."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[0:32, 0:32]
    return np.clip(60 + 4 * x + 20 * np.sin(y / 5) + rng.normal(0, 6, x.shape), 0, 255).astype(
        np.uint8
    )


@settings(max_examples=60)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    box=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    depth=st.sampled_from(Depth),
    coloured=st.booleans(),
    blocks=st.sampled_from([ALL, PLAIN, frozenset({Blocks.HALF, Blocks.SHADE}), frozenset()]),
    flat=st.booleans(),
)
def test_every_image_is_drawn_inside_any_box(
    size: tuple[int, int],
    box: tuple[int, int],
    depth: Depth,
    coloured: bool,
    blocks: frozenset[Blocks],
    flat: bool,
) -> None:
    shape = (*size, 3) if coloured else size
    image = np.full(shape, 255, np.uint8)
    if not flat:
        image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    strips = draw_small(image, box, Colours(depth, blocks=blocks))
    assert 1 <= len(strips) <= box[1]
    assert {cell_len(strip.text) for strip in strips} == {strips[0].cell_length}
    assert strips[0].cell_length <= box[0]
    if flat and depth in (Depth.TRUECOLOR, Depth.PALETTE) and size[0] > box[1] * 2:
        assert shown(strips)[-1, 0] >= 230


@pytest.mark.parametrize(
    ("box", "depth", "dark", "ground"), list(product(BOXES, Depth, [True, False], [0, 255]))
)
def test_a_digit_is_told_by_its_strokes(
    box: tuple[int, int], depth: Depth, dark: bool, ground: int
) -> None:
    """As bright as the image's own ink and ground, and where the image has them."""
    for image in (digit(), thin_nine()):
        image = np.abs(image.astype(np.int16) - ground).astype(np.uint8)
        seen = shown(draw_small(image, box, Colours(depth, dark, PLAIN)), dark=dark)
        assert seen.max() - seen.min() > 0.8 * np.ptp(image.astype(int))
        like = small(image, box, ImageKind.TWO_BY_FOUR)[:, :, 0]
        assert np.corrcoef(seen.ravel(), like.ravel())[0, 1] > 0.75


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("depth", [Depth.SIXTEEN, Depth.NONE])
def test_with_few_colours_a_digit_is_of_solid_blocks_and_shades(
    box: tuple[int, int], depth: Depth
) -> None:
    """Braille's dots beside solid blocks are of another brightness."""
    for image in (digit(), thin_nine(), 255 - digit()):
        strips = draw_small(image, box, Colours(depth, blocks=PLAIN))
        assert {char for strip in strips for char in strip.text} <= QUARTERS | set("░▒▓")


def test_a_plain_edge_gives_its_room_to_what_is_inside() -> None:
    image = thin_nine()
    seen = small(image, (14, 7), ImageKind.QUARTER)[:, :, 0] > 100
    whole = draw(image, (14, 7), Colours(), ImageKind.QUARTER)
    before = shown(whole)[::2] > 100
    assert np.ptp(np.flatnonzero(seen.any(axis=1))) > np.ptp(np.flatnonzero(before.any(axis=1)))
    # A small thing stays smaller than a large one.
    dot = np.zeros((28, 28), np.uint8)
    dot[13:15, 13:15] = 255
    assert (small(dot, (14, 7), ImageKind.QUARTER) > 100).mean() < 0.03
    # What reaches an edge keeps it.
    bar = np.zeros((28, 28), np.uint8)
    bar[:, 0] = bar[0] = bar[-1] = 255
    drawn = small(bar, (14, 7), ImageKind.QUARTER)[:, :, 0]
    assert drawn[0].min() > 100
    assert drawn[-1].min() > 100
    assert drawn[:, 0].min() > 100


@pytest.mark.parametrize("depth", Depth)
def test_an_image_of_few_pixels_fills_its_box(depth: Depth) -> None:
    image = digit()[2:26:3, 5:29:3]
    assert image.shape == (8, 8)
    strips = draw_small(image, (14, 7), Colours(depth, blocks=PLAIN))
    assert (strips[0].cell_length, len(strips)) == (14, 7)


@pytest.mark.parametrize("depth", Depth)
def test_where_every_pixel_has_room_an_image_is_as_it_is(depth: Depth) -> None:
    colours = Colours(depth, blocks=PLAIN)
    for image in (photograph()[:28, :28], digit()):
        assert draw_small(image, (28, 14), colours) == draw(image, (28, 14), colours)


def test_without_colours_a_photograph_keeps_its_shades() -> None:
    strips = draw_small(photograph(), (14, 7), Colours(Depth.NONE, blocks=PLAIN))
    assert {char for strip in strips for char in strip.text} & set("░▒▓")
    seen = shown(strips).mean(axis=0)
    assert np.corrcoef(seen, np.arange(len(seen)))[0, 1] > 0.9


@pytest.mark.parametrize("size", [(28, 28), (90, 90), (9, 9)])
def test_a_coloured_thing_has_no_rim_and_no_other_colour(size: tuple[int, int]) -> None:
    ground, thing = np.array([20, 40, 120]), np.array([0, 200, 220])
    image = np.empty((*size, 3), np.uint8)
    image[:] = ground
    image[size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = thing
    seen = small(image, (14, 7), ImageKind.HALF)
    # Everything lies on the way from the one colour to the other.
    share = (seen[:, :, 1] - ground[1]) / (thing[1] - ground[1])
    assert share.min() > -0.01
    assert share.max() < 1.01
    assert np.abs(seen - (ground + share[:, :, None] * (thing - ground))).max() < 2
