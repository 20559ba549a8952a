"""The command palette in every number of colours: what is marked, what can be read."""

from __future__ import annotations

import asyncio
from itertools import product

import pytest
from rich.segment import Segment
from screen_app import ScreenApp
from textual.command import CommandInput
from textual.pilot import Pilot

from tuilabel.tui.answering.class_entry import LONGEST_TEXT
from tuilabel.tui.app.palette import ActionProvider, FoundList, Palette
from tuilabel.tui.terminal.capabilities import Blocks, Colours, Depth, contrast
from tuilabel.tui.text.theme import apply_colours
from tuilabel.tui.widgets.picture import Picture

CASES = list(product(Depth, (True, False)))


async def open_palette(app: ScreenApp, pilot: Pilot[None], colours: Colours) -> Palette:
    apply_colours(app, colours)
    app.COMMANDS = {provider}  # type: ignore[misc]
    palette = Palette()
    await app.push_screen(palette)
    async with asyncio.timeout(60):
        while not palette.query_one(FoundList).option_count:
            await pilot.pause()
    await pilot.pause()
    return palette


def provider() -> type:
    from tuilabel.tui.app.palette import ActionProvider

    return ActionProvider


def cells(segments: list[Segment]) -> list[tuple[str, Segment]]:
    return [(character, segment) for segment in segments for character in segment.text]


def frame(palette: Palette) -> list[list[Segment]]:
    """Give the rows of the screen as they are written, without the scrollbar."""
    strips = palette._compositor.render_strips(palette.size)
    return [list(strip.crop(0, palette.size.width - 1)) for strip in strips]


def texts(rows: list[list[Segment]]) -> list[str]:
    return ["".join(segment.text for segment in row) for row in rows]


def is_reversed(segment: Segment) -> bool:
    return bool(segment.style and segment.style.reverse)


@pytest.mark.parametrize(("depth", "dark"), CASES)
async def test_the_palette_can_be_read_in_every_number_of_colours(
    app: ScreenApp, depth: Depth, dark: bool
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        palette = await open_palette(app, pilot, Colours(depth, dark))
        everything_can_be_read(palette, depth)
        what_is_typed_stands_above_what_is_found_with_a_plain_cursor(palette, depth)
        await pilot.press("down")
        await pilot.pause()
        one_entry_is_marked_and_all_of_it(palette, depth)


def one_entry_is_marked_and_all_of_it(palette: Palette, depth: Depth) -> None:
    rows = frame(palette)
    lines = texts(rows)
    marked = [y for y, line in enumerate(lines) if line.startswith("› ")]
    (y,) = marked
    assert lines[y + 1].startswith("  key: ")
    others = [line[:2] for line in lines[y + 2 : y + 6]]
    assert others == ["  "] * 4
    backs = []
    for row in rows[y : y + 4]:
        styles = {
            (segment.style.bgcolor, bool(segment.style.reverse))
            for _, segment in cells(row)[:70]
            if segment.style
        }
        assert len(styles) == 1
        backs += styles
    assert backs[0] == backs[1] != backs[2] == backs[3]
    if depth in (Depth.SIXTEEN, Depth.NONE):
        assert backs[0][1]
        assert not backs[2][1]


def everything_can_be_read(palette: Palette, depth: Depth) -> None:
    inside = palette.query_one("#--input").region.y + 1
    below = palette.query_one(FoundList).region.bottom - 1
    for row in frame(palette)[inside:below]:
        for segment in row:
            style = segment.style
            if not segment.text.strip() or style is None:
                continue
            assert not style.dim
            if depth in (Depth.SIXTEEN, Depth.NONE):
                assert style.color is None or style.color.is_default
            else:
                assert style.color is not None
                assert style.bgcolor is not None
                colours = (style.color.get_truecolor(), style.bgcolor.get_truecolor())
                assert contrast(*colours) >= 4.5, segment.text


def what_is_typed_stands_above_what_is_found_with_a_plain_cursor(
    palette: Palette, depth: Depth
) -> None:
    typed, found = palette.query_one(CommandInput), palette.query_one(FoundList)
    rows = frame(palette)
    lines = texts(rows)
    assert 1 <= found.region.y - typed.region.y <= 2
    column = lines[typed.region.y].index("Type")
    assert column == lines[found.region.y].index("accept")
    assert set(lines[typed.region.y - 1]) == set(lines[found.region.bottom - 1]) == {"─"}
    _, cursor = cells(rows[typed.region.y])[column]
    _, behind = cells(rows[typed.region.y])[column + 1]
    if depth in (Depth.SIXTEEN, Depth.NONE):
        assert is_reversed(cursor)
        assert not is_reversed(behind)
    else:
        assert cursor.style is not None
        assert cursor.style.bgcolor is not None
        assert behind.style is not None
        assert behind.style.bgcolor is not None
        backs = cursor.style.bgcolor.get_truecolor(), behind.style.bgcolor.get_truecolor()
        # A cursor in reverse swaps the two.
        fore = (cursor.style.color or cursor.style.bgcolor).get_truecolor()
        assert max(contrast(backs[0], backs[1]), contrast(fore, backs[1])) >= 3
    assert found.scrollbar_size_vertical == 1
    assert not typed.cursor_blink


async def test_without_any_blocks_the_palette_is_in_ascii(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        palette = await open_palette(app, pilot, Colours(Depth.NONE, blocks=frozenset[Blocks]()))
        inside = palette.query_one("#--input").region.y
        below = palette.query_one(FoundList).region.bottom
        assert [line for line in texts(frame(palette)[inside:below]) if not line.isascii()] == []


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("conf", ["confusion", "curve"]),
        ("co", ["contrast", "contrast", "confusion", "copy"]),
        ("fusi", ["confusion"]),
    ],
)
async def test_names_that_begin_with_what_is_typed_come_first(
    app: ScreenApp, typed: str, expected: list[str]
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        provider = ActionProvider(app.label_screen)
        hits = sorted([hit async for hit in provider.search(typed)], reverse=True)
        names = [str(hit.text).partition(":")[0] for hit in hits]
        assert names[: len(expected)] == expected
        assert all(typed in str(hit.text).lower() for hit in hits)


async def test_enter_does_what_is_marked(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        palette = await open_palette(app, pilot, Colours())
        await pilot.press(*"swap")
        found = palette.query_one(FoundList)
        async with asyncio.timeout(60):
            while not texts(frame(palette))[found.region.y].startswith("› invert"):
                await pilot.pause()
        picture = app.label_screen.query_one(Picture)
        assert not picture.inverted
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen is app.label_screen
        assert picture.inverted


async def test_what_is_typed_has_a_limit(app: ScreenApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        palette = await open_palette(app, pilot, Colours())
        typed = palette.query_one(CommandInput)
        typed.value = "x" * (LONGEST_TEXT - 1)
        await pilot.press("y", "z")
        assert typed.value == "x" * (LONGEST_TEXT - 1) + "y"
        await pilot.press("backspace", "z")
        assert typed.value[-2:] == "xz"
