"""Images as characters: their size, their colours at every depth, and what can be read of them."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_strips import draw
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color, ColorType
from rich.segment import Segment
from textual.strip import Strip

from tuilabel.tui import images
from tuilabel.tui.images import ImageKind, adjust, draw_at, fit, kind_for
from tuilabel.tui.images.cells import split
from tuilabel.tui.images.kinds import alphabet, turned
from tuilabel.tui.images.palettes import oklab, palette_codes, truecolor_codes
from tuilabel.tui.images.sampling import sampled
from tuilabel.tui.terminal.capabilities import MOST_GREYS, Blocks, Colours, Depth

ALL = frozenset(Blocks)
KINDS = [None, *ImageKind]
ASCII: frozenset[Blocks] = frozenset()

SHARES = {" ": 0.0, "░": 0.25, "▒": 0.5, "▓": 0.75, "█": 1.0}


def shown(strips: list[Strip], *, dark: bool = True) -> NDArray[np.float64]:
    """Return the brightness, 0 to 255, of two by four pixels a cell, as a terminal shows it."""
    rows = []
    patterns = {
        chr(code): (kind, pattern)
        for kind, octants in (
            (ImageKind.HALF, False),
            (ImageKind.QUARTER, False),
            (ImageKind.TWO_BY_FOUR, True),
        )
        for pattern, code in enumerate(alphabet(kind, octants).tolist())
    }
    patterns |= {
        chr(code): (ImageKind.TWO_BY_FOUR, pattern)
        for pattern, code in enumerate(alphabet(ImageKind.TWO_BY_FOUR, False).tolist())
    }
    for strip in strips:
        cells = []
        for text, style, _ in strip:
            colour = style.color if style else None
            ground = style.bgcolor if style else None
            front = _brightness(colour, 255 if dark else 0)
            back = _brightness(ground, 0 if dark else 255)
            if style is not None and style.reverse:
                front, back = back, front
            for character in text:
                if character in SHARES:
                    share = SHARES[character]
                    cells.append(np.full((4, 2), back + (front - back) * share))
                    continue
                kind, pattern = patterns[character]
                bits = np.array([pattern >> bit & 1 for bit in range(kind.rows * kind.columns)])
                bits = bits.reshape(kind.rows, kind.columns)
                bits = bits.repeat(4 // kind.rows, 0).repeat(2 // kind.columns, 1)
                cells.append(np.where(bits, front, back))
        rows.append(np.hstack(cells))
    return np.vstack(rows)


def _brightness(colour: Color | None, default: int) -> float:
    if colour is None:
        return default
    if colour.type is ColorType.STANDARD:
        usual = {0: 0, 1: 70, 2: 110, 3: 140, 4: 80, 5: 100, 6: 130, 7: 200, 15: 255}
        assert colour.number is not None
        return usual[colour.number]
    red, green, blue = colour.get_truecolor()
    return 0.299 * red + 0.587 * green + 0.114 * blue


def digit() -> NDArray[np.uint8]:
    """Return a ring with a tail on black, with soft edges: something like a nine."""
    y, x = np.mgrid[0:28, 0:28]
    ring = np.abs(np.hypot(x - 13, y - 9) - 6)
    tail = np.where(y > 9, np.abs(x - 19 + (y - 9) / 4), 99)
    distance = np.minimum(ring, tail)
    ink = np.clip(2.4 - distance, 0, 1) * (y < 26)
    return (ink * 254).astype(np.uint8)


# Sizes.


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    columns=st.integers(1, 200),
    rows=st.integers(1, 100),
    kind=st.sampled_from(ImageKind),
)
def test_an_image_fits_its_box_at_a_whole_scale(
    height: int, width: int, columns: int, rows: int, kind: ImageKind
) -> None:
    drawn_height, drawn_width = fit(height, width, (columns, rows), kind)
    assert 1 <= drawn_height <= rows * kind.rows
    assert 1 <= drawn_width <= columns * kind.columns
    # As long as a pixel of the kind is wide, and as long as it is high.
    wide, high = 1 / kind.columns, 2 / kind.rows
    largest = min(rows * 2 / height, columns / width)
    assert drawn_height == 1 or drawn_height * high <= height * largest + 1e-6
    assert drawn_height * high > height * largest * 0.4 - high
    if largest >= max(1, wide, high):
        scale, rest = divmod(drawn_height, height)
        assert rest == 0
        assert drawn_width * wide * height == drawn_height * high * width
        larger = scale * high + max(wide, high)
        assert larger * height > rows * 2 or larger * width > columns


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", list(Depth))
@settings(max_examples=25)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    box=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    coloured=st.booleans(),
    blocks=st.sampled_from([ALL, ALL - {Blocks.OCTANT}, {Blocks.HALF, Blocks.SHADE}, ASCII]),
    dark=st.booleans(),
)
def test_every_image_is_drawn_inside_any_box(
    kind: ImageKind | None,
    depth: Depth,
    height: int,
    width: int,
    box: tuple[int, int],
    coloured: bool,
    blocks: frozenset[Blocks],
    dark: bool,
) -> None:
    shape = (height, width, 3) if coloured else (height, width)
    image = np.arange(np.prod(shape), dtype=np.uint32).astype(np.uint8).reshape(shape)
    strips = draw(image, box, Colours(depth, dark, frozenset(blocks)), kind)
    assert 1 <= len(strips) <= box[1]
    assert {strip.cell_length for strip in strips} == {strips[0].cell_length}
    assert strips[0].cell_length <= box[0]
    for strip in strips:
        assert strip.cell_length == cell_len(strip.text)
        if not blocks:
            assert strip.text.isascii()


def test_shrinking_takes_the_mean_and_enlarging_repeats() -> None:
    image = np.array([[0, 100, 200, 100]], np.uint8)
    assert sampled(image, 1, 2)[..., 0].tolist() == [[50, 150]]
    assert sampled(image, 2, 8)[..., 0].tolist() == [[0, 0, 100, 100, 200, 200, 100, 100]] * 2
    third = sampled(image, 1, 3)[..., 0][0]
    assert third == pytest.approx([25, 150, 125])


def test_an_image_one_pixel_high_and_odd_heights_let_the_background_through() -> None:
    image = np.full((1, 2), 200, np.uint8)
    for colours in (Colours(), Colours(Depth.PALETTE), Colours(Depth.SIXTEEN)):
        (row,) = draw(image, (2, 2), colours, ImageKind.HALF)
        assert row.text == "▄▄"
        (segment,) = row
        assert segment.style is not None
        assert segment.style.bgcolor is None
        assert segment.style.color is not None
    first = draw(np.full((3, 2), 200, np.uint8), (2, 2), Colours())[0]
    assert first.text == "▄▄"
    (row,) = draw(image, (2, 2), Colours(Depth.NONE), ImageKind.HALF)
    assert row.text == "▄▄"
    (row,) = draw(255 - image, (2, 2), Colours(Depth.NONE), ImageKind.HALF)
    assert row.text == "  "


ODD = [(height, width) for height in (1, 3, 5, 8) for width in (1, 4, 7)]


@pytest.mark.parametrize("kind", [ImageKind.HALF, ImageKind.QUARTER, ImageKind.TWO_BY_FOUR])
@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("size", ODD)
def test_no_more_ink_than_must_be_is_in_the_top_row_of_a_cell(
    kind: ImageKind, depth: Depth, size: tuple[int, int]
) -> None:
    """Fonts leave the top row of pixels of a cell in the colour of the background."""
    image = np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)
    codes = alphabet(kind, octants=True).tolist()
    top = (1 << kind.columns) - 1
    drawing = draw_at(image, size, Colours(depth, blocks=ALL), kind)
    for segment in (segment for row in drawing.rows for segment in row):
        assert segment.style is not None
        for character in segment.text:
            if ord(character) not in codes or segment.style.bgcolor is None:
                continue  # a shade; or the image's edge, which has one colour
            pattern = codes.index(ord(character))
            assert (pattern & top).bit_count() <= kind.columns / 2
            assert pattern != len(codes) - 1, "a full cell is a blank on a background"


def test_a_braille_pattern_is_not_turned_unless_it_is_a_solid_block() -> None:
    better = turned(ImageKind.TWO_BY_FOUR, False)
    assert np.flatnonzero(better).tolist() == [0x0F, 0x5F, 0xAF, 0xFF]
    assert not (better & better[::-1]).any()
    assert turned(ImageKind.HALF, False).tolist() == [False, True, False, True]


# Characters.


def test_octants_are_numbered_as_unicode_does() -> None:
    codes = alphabet(ImageKind.TWO_BY_FOUR, True).tolist()
    assert len(set(codes)) == 256
    # BLOCK OCTANT-3, -23, -1234678 and -2345678 of Unicode 16.
    assert codes[0b00000100] == 0x1CD00
    assert codes[0b00000110] == 0x1CD01
    assert codes[0b11111110] == 0x1CDE5
    for pattern, character in {
        0: " ",
        0x0F: "▀",
        0xF0: "▄",
        0x55: "▌",
        0xAA: "▐",
        0xFF: "█",
    }.items():
        assert chr(codes[pattern]) == character
    assert unicodedata.name(chr(codes[0x03])) == "UPPER ONE QUARTER BLOCK"
    assert unicodedata.name(chr(codes[0x3F])) == "UPPER THREE QUARTERS BLOCK"
    assert unicodedata.name(chr(codes[0xFC])) == "LOWER THREE QUARTERS BLOCK"


def test_braille_dots_lie_where_the_pixels_are() -> None:
    codes = alphabet(ImageKind.TWO_BY_FOUR, False).tolist()
    dots = [unicodedata.name(chr(codes[1 << bit])).split("-")[1] for bit in range(8)]
    assert dots == ["1", "4", "2", "5", "3", "6", "7", "8"]
    assert chr(codes[0xFF]) == "█"


def test_quarters_lie_where_the_pixels_are() -> None:
    names = [unicodedata.name(chr(code)) for code in alphabet(ImageKind.QUARTER, False).tolist()]
    corners = ["UPPER LEFT", "UPPER RIGHT", "LOWER LEFT", "LOWER RIGHT"]
    for bit, corner in enumerate(corners):
        assert names[1 << bit] == f"QUADRANT {corner}"
        if names[15 - (1 << bit)].startswith("QUADRANT"):
            assert corner not in names[15 - (1 << bit)].removeprefix("QUADRANT ").split(" AND ")


@pytest.mark.parametrize(
    ("blocks", "wished", "size", "kind"),
    [
        (ALL, None, 28, ImageKind.HALF),
        (ALL, None, 96, ImageKind.TWO_BY_FOUR),
        (ALL - {Blocks.OCTANT}, None, 96, ImageKind.QUARTER),
        (frozenset({Blocks.HALF, Blocks.SHADE}), None, 96, ImageKind.HALF),
        (ASCII, None, 28, ImageKind.RAMP),
        (ALL, None, 30, ImageKind.HALF),
        (ALL, None, 31, ImageKind.TWO_BY_FOUR),
        (ALL, Blocks.OCTANT, 28, ImageKind.TWO_BY_FOUR),
        (ALL - {Blocks.OCTANT}, Blocks.BRAILLE, 28, ImageKind.TWO_BY_FOUR),
        (frozenset({Blocks.HALF, Blocks.SHADE}), Blocks.HALF, 96, ImageKind.HALF),
    ],
)
def test_the_kind_suits_image_and_terminal(
    blocks: frozenset[Blocks], wished: Blocks | None, size: int, kind: ImageKind
) -> None:
    image = np.zeros((size, size), np.uint8)
    colours = Colours(blocks=blocks, wished=wished)
    assert kind_for(colours, None, image, (36, 15)) is kind


# Colours.


def test_two_pixels_share_a_cell_and_runs_are_one_segment() -> None:
    image = np.zeros((4, 6), np.uint8)
    image[0] = 255
    strips = draw(image, (6, 2), Colours())
    assert [strip.cell_length for strip in strips] == [6, 6]
    (top,) = strips[0]
    assert top.text == "▄" * 6
    assert top.style is not None
    assert top.style.color == Color.from_rgb(0, 0, 0)
    assert top.style.bgcolor == Color.from_rgb(255, 255, 255)
    (bottom,) = strips[1]
    assert bottom.text == " " * 6


def test_colour_images_keep_their_colours() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0] = (255, 20, 130)
    first: Segment = next(iter(draw(image, (2, 1), Colours())[0]))
    assert first.style is not None
    assert first.style.bgcolor is not None
    seen = np.array(first.style.bgcolor.get_truecolor())
    assert np.abs(seen - image[0, 0]).max() <= 3


def test_greys_that_look_the_same_are_the_same() -> None:
    values = np.arange(256, dtype=np.float32)[:, None]
    for levels, most in ((2, 128), (16, 14), (MOST_GREYS, 3)):
        codes = truecolor_codes(values, levels)
        assert len(set(codes.tolist())) == levels
        assert codes[0] == 0
        assert codes[255] == 0xFFFFFF
        assert np.abs((codes & 255) - values[:, 0]).max() <= most


def test_256_colours_have_the_nearest_grey_and_the_nearest_hue() -> None:
    greys = palette_codes(np.arange(256, dtype=np.float32)[:, None], 64)
    shown_as = np.array([Color.from_ansi(code).get_truecolor() for code in greys.tolist()])
    assert (np.ptp(shown_as, axis=1) == 0).all()
    assert np.abs(shown_as[:, 0] - np.arange(256)).max() <= 9
    assert (np.diff(shown_as[:, 0].astype(int)) >= 0).all()
    assert 16 not in greys  # which some terminals use for another colour
    few = palette_codes(np.arange(256, dtype=np.float32)[:, None], 8)
    assert len(set(few.tolist())) == 8

    rng = np.random.default_rng(3)
    colours = rng.integers(0, 90, (200, 3)).astype(np.float32)  # dark ones
    codes = palette_codes(colours, 64)
    chosen = np.array([Color.from_ansi(code).get_truecolor() for code in codes.tolist()])
    every = np.array([Color.from_ansi(code).get_truecolor() for code in range(17, 256)])
    lab = oklab(every.astype(np.float32))
    error = np.linalg.norm(oklab(chosen.astype(np.float32)) - oklab(colours), axis=1)
    least = np.linalg.norm(lab[None] - oklab(colours)[:, None], axis=2).min(axis=1)
    assert (error <= least + 0.02).all()  # within the rounding of the table
    rich = np.array(
        [
            Color.from_rgb(*colour).downgrade(2).get_truecolor()  # type: ignore[arg-type]
            for colour in colours.tolist()
        ]
    )
    assert (
        error.mean()
        < np.linalg.norm(oklab(rich.astype(np.float32)) - oklab(colours), axis=1).mean()
    )


def numbers(strips: list[Strip]) -> set[int | None]:
    """Return the places of the colours that strips use in the terminal's palette."""
    styles = [style for strip in strips for _, style, _ in strip if style is not None]
    used = [colour for style in styles for colour in (style.color, style.bgcolor)]
    return {colour.number for colour in used if colour is not None}


@pytest.mark.parametrize("kind", KINDS)
def test_with_sixteen_colours_only_those_are_used_whose_brightness_is_known(
    kind: ImageKind | None,
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (28, 28, 3)).astype(np.uint8)
    colours = Colours(Depth.SIXTEEN, blocks=ALL)
    assert numbers(draw(image, (36, 15), colours, kind)) <= {*range(8), 15}
    assert numbers(draw(image[:, :, 0], (36, 15), colours, kind)) <= {0, 7, 15}


@pytest.mark.parametrize("depth", [Depth.SIXTEEN, Depth.NONE])
def test_few_colours_keep_the_order_of_brightness(depth: Depth) -> None:
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None], 4, axis=0)
    for dark in (True, False):
        seen = shown(draw(ramp, (64, 2), Colours(depth, dark, ALL), ImageKind.HALF), dark=dark)[0]
        assert (np.diff(seen) >= 0).all()
        assert seen[0] < 20
        assert seen[-1] > 235
        assert len(set(seen.tolist())) >= 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("coloured", [False, True])
@pytest.mark.parametrize("blocks", [ALL, ALL - {Blocks.OCTANT}, ASCII])
def test_no_colour_writes_no_colour(
    kind: ImageKind | None, coloured: bool, blocks: frozenset[Blocks]
) -> None:
    image = digit()
    if coloured:
        image = np.stack([image, image // 2, 255 - image], axis=2)
    strips = draw(image, (14, 7), Colours(Depth.NONE, blocks=blocks), kind)
    assert not numbers(strips)
    assert len({strip.text for strip in strips}) > 3


@pytest.mark.parametrize(
    ("depth", "blocks", "dark"),
    list(product(Depth, [ALL, ALL - {Blocks.OCTANT}], [True, False])),
)
def test_a_digit_in_fourteen_by_seven_cells_can_be_read(
    depth: Depth, blocks: frozenset[Blocks], dark: bool
) -> None:
    image = digit()
    strips = draw(image, (14, 7), Colours(depth, dark, blocks), ImageKind.TWO_BY_FOUR)
    assert len(strips) == 7
    assert strips[0].cell_length == 14
    seen = shown(strips, dark=dark)
    assert np.corrcoef(seen.ravel(), image.ravel().astype(float))[0, 1] > 0.93


@pytest.mark.parametrize(("depth", "dark"), list(product(Depth, [True, False])))
def test_a_digit_is_as_bright_as_it_is_on_dark_and_on_light(depth: Depth, dark: bool) -> None:
    image = digit()
    seen = shown(draw(image, (36, 15), Colours(depth, dark)), dark=dark)
    like = image.repeat(2, 0).repeat(2, 1).astype(float)
    assert np.corrcoef(seen.ravel(), like.ravel())[0, 1] > 0.95


def test_letters_are_as_dense_as_the_image_is_bright() -> None:
    image = digit()
    for colours in (Colours(Depth.NONE, True, ASCII), Colours(Depth.SIXTEEN, False, ASCII)):
        strips = draw(image, (28, 14), colours)
        dense = {
            (y, x) for y, strip in enumerate(strips) for x, c in enumerate(strip.text) if c in "#@"
        }
        assert len(dense) > 10
        assert all(image[2 * y : 2 * y + 2, x].mean() > 150 for y, x in dense)
    light = draw(image, (28, 14), Colours(Depth.NONE, False, ASCII))
    assert light[0].text.startswith("@" * 8)


def test_braille_has_most_of_a_cell_behind_its_dots() -> None:
    """A picture that is mostly ink, as on a light terminal, is turned about: dots are small."""
    colours = Colours(Depth.NONE, False, ALL - {Blocks.OCTANT})
    strips = draw(digit(), (14, 7), colours, ImageKind.TWO_BY_FOUR)
    dots = [
        (character, bool(segment.style and segment.style.reverse))
        for strip in strips
        for segment in strip
        for character in segment.text
        if 0x2800 < ord(character) < 0x2900
    ]
    assert any(turned for _, turned in dots)
    for character, _ in dots:
        assert (ord(character) - 0x2800).bit_count() <= 4


# The two colours of a cell.


@given(st.lists(st.integers(0, 255), min_size=8, max_size=8))
def test_no_other_two_greys_err_less(values: list[int]) -> None:
    pixels = np.array(values, np.float32)
    parts = split(pixels[None, :, None])
    bits = (parts.pattern[0] >> np.arange(8)) & 1
    drawn = np.where(bits == 1, parts.front[0, 0], parts.back[0, 0])
    error = np.square(pixels - drawn).sum()
    ordered = np.sort(pixels)
    least = min(
        np.square(part - part.mean()).sum() + np.square(rest - rest.mean()).sum()
        for part, rest in ((ordered[:n], ordered[n:]) for n in range(1, 8))
    )
    assert error <= least * 1.001 + 0.5
    assert bits.sum() <= 4 or len(set(values)) == 1


def test_two_hues_in_a_cell_are_told_apart() -> None:
    red, green = (200.0, 20.0, 20.0), (20.0, 110.0, 20.0)
    pixels = np.array([[red, green] * 4], np.float32)
    parts = split(pixels)
    assert parts.pattern[0] in (0b01010101, 0b10101010)
    assert {tuple(parts.front[0]), tuple(parts.back[0])} == {red, green}


# Looking closer, and cost.


def test_an_image_is_inverted_or_left_alone() -> None:
    image = np.array([[0, 100, 255]], np.uint8)
    assert adjust(image, inverted=True, contrast=0).tolist() == [[255, 155, 0]]
    assert adjust(image, inverted=False, contrast=0) is image


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("contrast", [-4, -1, 1, 4])
def test_contrast_never_makes_a_part_darker(inverted: bool, contrast: int) -> None:
    rng = np.random.default_rng(0)
    for low, high in ((0, 256), (0, 12), (100, 150), (250, 256), (7, 8)):
        image = rng.integers(low, high, (9, 9, 3), dtype=np.uint8)
        before = adjust(image, inverted=inverted, contrast=0)
        after = adjust(image, inverted=inverted, contrast=contrast)
        assert after.dtype == np.uint8
        assert (after >= before).all()
        assert (np.diff(after.reshape(-1)[np.argsort(before, axis=None)].astype(int)) >= 0).all()


def test_contrast_is_raised_and_lowered() -> None:
    image = np.array([[100, 120, 140]], np.uint8)
    assert adjust(image, inverted=False, contrast=2).tolist() == [[100, 139, 178]]
    assert adjust(image, inverted=False, contrast=-2).tolist() == [[120, 130, 140]]


def test_rows_of_one_pixel_are_drawn_once() -> None:
    drawing = images.draw(digit(), (112, 56), Colours())
    assert len(drawing.rows) == 56
    assert len({id(row) for row in drawing.rows}) <= 28
    assert all(len(row) <= 28 for row in drawing.rows)


@pytest.mark.parametrize("kind", [ImageKind.HALF, ImageKind.QUARTER, ImageKind.TWO_BY_FOUR])
@pytest.mark.parametrize("depth", list(Depth))
def test_the_background_shows_where_an_image_is_transparent(kind: ImageKind, depth: Depth) -> None:
    opaque = np.zeros((8, 8), np.bool_)
    opaque[:4, :4] = True
    image = np.full((8, 8), 255, np.uint8)
    size = (4 * kind.rows, 8 * kind.columns)
    drawing = draw_at(image, size, Colours(depth, blocks=ALL), kind, opaque)
    covered = [
        [bool(character != " " or (style and style.bgcolor)) for character in text]
        for row in drawing.rows
        for text, style, _ in row
    ]
    cells = np.array([cell for run in covered for cell in run]).reshape(4, 8)
    assert (cells == opaque[::2]).all()


def test_drawing_needs_no_pillow() -> None:
    code = (
        "import sys, numpy as np; from tuilabel.tui.images import draw;"
        "from tuilabel.tui.terminal.capabilities import Colours;"
        "draw(np.zeros((96, 96, 3), np.uint8), (36, 15), Colours()); print('PIL' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
