"""What is written of a frame, on a terminal emulator beside one that gets every frame whole."""

from __future__ import annotations

import re

import pyte
import pytest
from hostile_sessions import foreign
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region, Size
from textual.strip import Strip

from tuilabel.tui.terminal import screen_diff
from tuilabel.tui.terminal.screen_diff import ScreenCopy

WIDTH, HEIGHT = 12, 3
SIZE = Size(WIDTH, HEIGHT)

styles = st.builds(
    lambda colour, ground, bold, reverse: Style(
        color=colour, bgcolor=ground, bold=bold, reverse=reverse
    ),
    st.sampled_from([None, "red", "#102030", "#808080", "default"]),
    st.sampled_from([None, "blue", "#102030", "#ffffff"]),
    st.sampled_from([None, True]),
    st.sampled_from([None, None, True]),
)
texts = st.text(st.sampled_from(" a▀▄█é界"), min_size=1, max_size=WIDTH)
segments = st.tuples(texts, st.none() | styles).map(lambda pair: Segment(*pair))
rows = st.lists(segments, max_size=5).map(lambda row: Strip(row).adjust_cell_length(WIDTH))
frames = st.lists(rows, min_size=HEIGHT, max_size=HEIGHT)


def emulator() -> tuple[pyte.Screen, pyte.Stream]:
    screen = pyte.Screen(WIDTH, HEIGHT)
    return screen, pyte.Stream(screen)


def looks(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """Return the look of each cell: half blocks may be either, and a blank has no colour."""
    return [[look(screen.buffer[y][x]) for x in range(WIDTH)] for y in range(HEIGHT)]


def look(cell: pyte.screens.Char) -> tuple[object, ...]:
    colour, ground = (cell.bg, cell.fg) if cell.reverse else (cell.fg, cell.bg)
    match cell.data:
        case " ":
            upper = lower = ground
        case "█":
            upper = lower = colour
        case "▀":
            upper, lower = colour, ground
        case "▄":
            upper, lower = ground, colour
        case _:
            return cell.data, colour, ground, cell.bold
    return upper, lower


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(frames, st.integers(0, WIDTH), st.integers(0, WIDTH)), max_size=5))
def test_differences_draw_what_whole_frames_draw(
    parts: list[tuple[list[Strip], int, int]],
) -> None:
    copy = ScreenCopy()
    shown, stream = emulator()
    wanted, whole = emulator()
    console = Console(color_system="truecolor")
    for number, (strips, one, other) in enumerate(parts):
        start, stop = (0, WIDTH) if not number or one == other else sorted((one, other))
        cut = [strip.crop(start, stop) for strip in strips]
        frame = ChopsUpdate(
            [{0: None, start: strip} if start else {0: strip} for strip in cut],
            [(y, start, stop) for y in range(HEIGHT)],
            [[start, stop] if start else [stop] for _ in cut],
        )
        stream.feed(copy.difference(frame, SIZE, ColorSystem.TRUECOLOR))
        whole.feed(frame.render_segments(console))
        assert looks(shown) == looks(wanted)
        assert copy.difference(frame, SIZE, ColorSystem.TRUECOLOR) == ""


def layout(*texts: str, style: Style | None = None) -> LayoutUpdate:
    strips = [[Strip([Segment(text.ljust(WIDTH), style)])] for text in texts]
    return LayoutUpdate(strips, Region(0, 0, WIDTH, len(texts)))


@pytest.mark.parametrize("code", ["\x1b]0;o\x07", "\x1b[2J", "\x9b31m", "\u202e", "\r", "\u2028"])
def test_a_text_that_was_forgotten_reaches_the_terminal_without_codes(code: str) -> None:
    written = ScreenCopy().difference(layout(f"a{code}b"), SIZE, None)
    assert not foreign(re.sub(r"\x1b\[[0-9;]*[Hm]", "", written))
    screen, stream = emulator()
    stream.feed(written)
    assert screen.display[0].index("b") == cell_len(f"a{code}")


def test_only_cells_that_differ_are_written() -> None:
    copy = ScreenCopy()
    copy.difference(layout("1 of 10", "digits"), SIZE, None)
    assert copy.difference(layout("2 of 10", "digits"), SIZE, None) == "\x1b[1;1H2"


def test_a_short_gap_is_written_again_rather_than_jumped_over() -> None:
    copy = ScreenCopy()
    copy.difference(layout("a--b-----c"), SIZE, None)
    assert copy.difference(layout("x--y-----z"), SIZE, None) == "\x1b[1;1Hx--y\x1b[5Cz"


def test_of_the_colours_only_those_that_change_are_written() -> None:
    copy = ScreenCopy()
    on_black = [Segment("▀", Style(color=f"#{n}{n}{n}", bgcolor="#000000")) for n in ("10", "20")]
    frame = LayoutUpdate([[Strip(on_black)]], Region(0, 0, 2, 1))
    assert copy.difference(frame, SIZE, None) == (
        "\x1b[1;1H\x1b[38;2;16;16;16;48;2;0;0;0m▀\x1b[38;2;32;32;32m▀\x1b[m"
    )


def test_a_half_block_is_turned_over_where_that_keeps_a_colour() -> None:
    copy = ScreenCopy()
    black, grey, white = "#000000", "#808080", "#ffffff"
    cells = [
        Segment("▀", Style(color=black, bgcolor=grey)),
        Segment("▀", Style(color=grey, bgcolor=white)),
    ]
    frame = LayoutUpdate([[Strip(cells)]], Region(0, 0, 2, 1))
    assert copy.difference(frame, SIZE, None).endswith("m▀\x1b[38;2;255;255;255m▄\x1b[m")


@pytest.mark.parametrize("better", "▄▖▗")
def test_a_block_is_never_turned_so_that_its_ink_is_in_the_top_row(better: str) -> None:
    """Fonts leave the top row of pixels of a cell in the colour of the background."""
    copy = ScreenCopy()
    black, grey, white = "#000000", "#808080", "#ffffff"
    cells = [
        Segment(better, Style(color=black, bgcolor=grey)),
        Segment(better, Style(color=grey, bgcolor=white)),
    ]
    frame = LayoutUpdate([[Strip(cells)]], Region(0, 0, 2, 1))
    assert copy.difference(frame, SIZE, None).count(better) == 2


def test_a_grey_of_the_256_colours_is_written_as_one_of_them() -> None:
    copy = ScreenCopy()
    greys = [8, 9, 128, 238, 248]
    cells = [Segment("a", Style(color=f"#{n:02x}{n:02x}{n:02x}")) for n in greys]
    frame = LayoutUpdate([[Strip(cells)]], Region(0, 0, 5, 1))
    assert copy.difference(frame, SIZE, None) == (
        "\x1b[1;1H\x1b[38;5;232ma\x1b[38;2;9;9;9ma\x1b[38;5;244ma\x1b[38;5;255ma"
        "\x1b[38;2;248;248;248ma\x1b[m"
    )


def test_without_extended_colours_no_half_block_is_turned_over() -> None:
    copy = ScreenCopy()
    cells = [
        Segment("▀", Style(color="bright_red", bgcolor="blue")),
        Segment("▀", Style(color="blue", bgcolor="black")),
    ]
    frame = LayoutUpdate([[Strip(cells)]], Region(0, 0, 2, 1))
    assert "▄" not in copy.difference(frame, SIZE, ColorSystem.STANDARD)


def test_what_was_forgotten_is_written_again() -> None:
    copy = ScreenCopy()
    first = copy.difference(layout("one"), SIZE, None)
    assert copy.forget()
    assert not copy.forget()
    assert copy.difference(layout("one"), SIZE, None) == first


def test_another_size_or_depth_writes_all() -> None:
    copy = ScreenCopy()
    copy.difference(layout("one", style=Style(color="#808080")), SIZE, None)
    other = Size(WIDTH + 1, HEIGHT)
    assert "one" in copy.difference(layout("one", style=Style(color="#808080")), other, None)
    frame = layout("one", style=Style(color="#808080"))
    assert "38;5;" in copy.difference(frame, other, ColorSystem.EIGHT_BIT)


def test_wide_and_joined_characters_are_never_written_in_halves() -> None:
    copy = ScreenCopy()
    copy.difference(layout("e\u0301界x"), SIZE, None)
    piece = ChopsUpdate([{0: None, 2: Strip([Segment("y")])}], [(0, 2, 3)], [[2, 3]])
    assert copy.difference(piece, SIZE, None) == "\x1b[1;3Hy"
    assert "e\u0301界x" in copy.difference(layout("e\u0301界x"), SIZE, None)


def test_the_cursor_is_known_behind_a_piece_that_takes_the_place_of_another() -> None:
    copy = ScreenCopy()
    shown, stream = emulator()
    for pieces in (("界ab", "....", "x"), ("円abcd", "..", "y")):
        strip = Strip(list(map(Segment, pieces))).adjust_cell_length(WIDTH)
        frame = LayoutUpdate([[strip]], Region(0, 0, WIDTH, 1))
        stream.feed(copy.difference(frame, SIZE, None))
    assert "".join(shown.display[0]).rstrip() == "円abcd..y"


def test_the_colours_of_photographs_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_diff, "_MOST_PENS", 50)
    copy = ScreenCopy()
    fixed = Strip([Segment("a" * WIDTH, Style(color="#123456"))])
    for number in range(100):
        colours = (f"#{number:02x}{x:02x}30" for x in range(WIDTH))
        row = Strip([Segment("▀", Style(color=colour)) for colour in colours])
        # A mark that moves lets the second row differ, so that its cells are compared.
        mark = Strip.join([fixed.crop(0, WIDTH - 1), Strip([Segment(chr(ord("A") + number % 2))])])
        frame = LayoutUpdate([[row], [mark], [row]], Region(0, 0, WIDTH, HEIGHT))
        codes = copy.difference(frame, SIZE, ColorSystem.TRUECOLOR)
        assert ("a" in codes) is (number == 0), "what stays is not written again"
        assert len(copy._pen_of) + len(copy._older_pens) <= 100
        assert len(copy._pens_made) <= 200
