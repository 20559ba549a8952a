"""The renderer for Rich: what it draws, in how many colours, and the example in docs/."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.color import ColorType
from rich.console import Console
from rich.segment import Segment
from rich_pixels import HalfcellRenderer, Pixels, Renderer

from tuilabel.errors import UsageError
from tuilabel.pictures import BLOCKS, COLORS, BlockRenderer, contact_sheet
from tuilabel.tui.images import ImageKind
from tuilabel.tui.images.kinds import alphabet

REPOSITORY = Path(__file__).resolve().parents[1]
QUARTERS = {chr(code) for code in alphabet(ImageKind.QUARTER, octants=False)}
CHARACTERS = {
    "half": set(" ▀▄█"),
    "quarter": QUARTERS,
    "braille": {chr(code) for code in alphabet(ImageKind.TWO_BY_FOUR, octants=False)},
    "octant": {chr(code) for code in alphabet(ImageKind.TWO_BY_FOUR, octants=True)},
    "ascii": {" "},
}


@pytest.fixture
def photo() -> Image.Image:
    """Return an image of many colours, three by two."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def lines_of(segments: list[Segment]) -> list[str]:
    text = "".join(segment.text for segment in segments)
    assert text.endswith("\n")
    return text.removesuffix("\n").split("\n")


def colour_types(segments: list[Segment]) -> set[ColorType]:
    styles = [segment.style for segment in segments if segment.style]
    return {c.type for style in styles for c in (style.color, style.bgcolor) if c is not None}


@pytest.mark.parametrize("blocks", sorted(CHARACTERS))
def test_blocks_are_those_that_are_asked_for(photo: Image.Image, blocks: str) -> None:
    renderer = BlockRenderer(blocks=blocks, color="truecolor", size=(30, 10))
    assert isinstance(renderer, Renderer)
    lines = lines_of(renderer.render(photo))
    assert (len(lines), {len(line) for line in lines}) == (10, {30})
    found = set("".join(lines))
    assert found <= CHARACTERS[blocks]
    if blocks in ("braille", "octant"):
        assert not found <= QUARTERS


@pytest.mark.parametrize(
    ("color", "types"),
    [
        ("truecolor", {ColorType.TRUECOLOR}),
        ("256", {ColorType.EIGHT_BIT}),
        ("16", {ColorType.STANDARD}),
        ("none", set()),
    ],
)
def test_colours_are_as_many_as_asked_for(
    photo: Image.Image, color: str, types: set[ColorType]
) -> None:
    segments = BlockRenderer(blocks="half", color=color, size=(30, 10)).render(photo)
    assert colour_types(segments) == types
    if color == "none":
        assert {segment.style for segment in segments} == {None}
        assert len(set("".join(lines_of(segments)))) > 3


@pytest.mark.parametrize("blocks", ["half", "quarter", "octant"])
@pytest.mark.parametrize("background", ["dark", "light"])
def test_without_colours_ink_is_where_the_image_is_bright_or_dark(
    blocks: str, background: str
) -> None:
    """No cell needs reverse video, which plain text does not have."""
    image = np.zeros((8, 8), np.uint8)
    image[:4] = 255
    renderer = BlockRenderer(blocks=blocks, color="none", background=background, size=(8, 4))
    lines = lines_of(renderer.render(Image.fromarray(image)))
    full, empty = ["█" * 8] * 2, [" " * 8] * 2
    assert lines == (full + empty if background == "dark" else empty + full)
    upper = Image.fromarray(np.array([[255] * 8, [0] * 8], np.uint8))
    (line,) = lines_of(renderer.render(upper))
    assert line == ("▀" if background == "dark" else "▄") * 8


def test_resize_takes_the_space_that_it_takes_with_other_renderers(photo: Image.Image) -> None:
    ours = BlockRenderer(blocks="quarter", color="truecolor", size=(7, 7)).render(photo, (40, 17))
    theirs = HalfcellRenderer().render(photo, (40, 17))
    assert [len(line) for line in lines_of(ours)] == [len(line) for line in lines_of(theirs)]


def test_the_terminal_is_the_default_size(
    photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setenv("LINES", "9")
    lines = lines_of(BlockRenderer(color="16", blocks="half").render(photo))
    assert (len(lines), len(lines[0])) == (8, 24)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_more_than_8_bits_are_shown_from_black_to_white(dtype: type) -> None:
    values = np.linspace(1000, 4000, 64).astype(dtype).reshape(8, 8)
    plain = np.linspace(0, 255, 64).reshape(8, 8).round().astype(np.uint8)
    renderer = BlockRenderer(color="truecolor", blocks="half", size=(8, 4))
    deep, eight = (renderer.render(Image.fromarray(each)) for each in (values, plain))
    greys = [
        [one.style.color.triplet.red for one in segments if one.style and one.style.color]
        for segments in (deep, eight)
    ]
    assert len(greys[0]) == len(greys[1]) > 20
    assert np.abs(np.subtract(*greys)).max() <= 4


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
@pytest.mark.parametrize("side", [1, 5, 700])
def test_every_mode_and_size_is_drawn(mode: str, side: int) -> None:
    image = Image.new(mode, (side, side))
    lines = lines_of(BlockRenderer(color="256", size=(6, 3)).render(image))
    assert 1 <= len(lines) <= 3
    assert {len(line) for line in lines} == {len(lines[0])}


def test_a_large_image_has_the_mean_colour_of_its_pixels() -> None:
    pixels = np.zeros((600, 900, 3), np.uint8)
    pixels[::2] = (200, 100, 60)
    segments = BlockRenderer(color="truecolor", blocks="half", size=(9, 3)).render(
        Image.fromarray(pixels)
    )
    (colour,) = {s.style.bgcolor for s in segments if s.style is not None and s.style.bgcolor}
    assert np.abs(np.array(colour.get_truecolor()) - (100, 50, 30)).max() <= 3


def test_transparent_parts_show_the_background_or_a_colour() -> None:
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 2, 4))
    shown = BlockRenderer(color="truecolor", blocks="half", size=(4, 2)).render(image)
    blue, clear = shown[0], shown[1]
    assert (blue.text, clear.text) == ("  ", "  ")
    assert blue.style is not None
    assert blue.style.bgcolor is not None
    assert blue.style.bgcolor.get_truecolor() == (0, 0, 255)
    assert clear.style is None or clear.style.bgcolor is None
    behind = BlockRenderer(color="truecolor", blocks="half", size=(4, 2), default_color="#ffffff")
    white = behind.render(image)[1]
    assert white.style is not None
    assert white.style.bgcolor is not None
    assert white.style.bgcolor.get_truecolor() == (255, 255, 255)


@pytest.mark.parametrize("name", ["blocks", "color", "background"])
def test_there_is_no_such_choice(name: str) -> None:
    with pytest.raises(UsageError, match=rf"There is no {name} 'x': choose one of auto, "):
        BlockRenderer(**{name: "x"})


@pytest.mark.parametrize("blocks", BLOCKS)
@pytest.mark.parametrize("color", COLORS)
def test_every_choice_draws_on_any_terminal(photo: Image.Image, blocks: str, color: str) -> None:
    lines = lines_of(BlockRenderer(blocks=blocks, color=color, size=(12, 4)).render(photo))
    assert (len(lines), {len(line) for line in lines}) == (4, {12})


def test_a_contact_sheet_has_its_texts_below_its_images(photo: Image.Image) -> None:
    wide, small = photo, Image.new("L", (4, 4), 255)
    renderer = BlockRenderer(blocks="half", color="none", size=(12, 6))
    tiles = [(wide, "wide"), (small, "猫"), (wide, "a name too long to stand here"), (small, "x")]
    lines = lines_of(contact_sheet(tiles, renderer, 3))
    # A wide image is 12 by 4 cells, the other 12 by 6.
    assert len(lines) == (6 + 1) + (6 + 1)
    assert [line[13:25] for line in lines[:6]] == ["█" * 12] * 6
    assert lines[0][:12] == lines[5][:12] == " " * 12
    assert lines[1][:12].strip()
    assert lines[6].split() == ["wide", "猫", "a", "name", "too", "…"]
    assert lines[6].startswith("    wide    ")
    assert lines[-1].strip() == "x"
    assert contact_sheet([], renderer, 3) == []


def test_the_example_in_the_documents_prints_a_picture(tmp_path: Path, photo: Image.Image) -> None:
    text = (REPOSITORY / "docs" / "pictures.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    assert len(found[1].split("\n")) <= 6
    photo.save(tmp_path / "photo.png")
    done = subprocess.run(
        [sys.executable, "-c", found[1]],
        cwd=tmp_path,
        env={
            **{name: value for name, value in os.environ.items() if name != "NO_COLOR"},
            **{"TERM": "xterm-256color", "COLORTERM": "truecolor", "FORCE_COLOR": "1"},
            **{"LANG": "C.UTF-8", "PYTHONUTF8": "1", "COLUMNS": "80"},
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert "\x1b[38;2;" in done.stdout
    lines = re.sub(r"\x1b\[[\d;]*m", "", done.stdout).rstrip("\n").split("\n")
    assert (len(lines), {len(line) for line in lines}) == (20, {60})


def test_pixels_take_the_renderer(tmp_path: Path, photo: Image.Image) -> None:
    photo.save(tmp_path / "photo.png")
    renderer = BlockRenderer(color="none", blocks="half", size=(9, 3))
    console = Console(width=40)
    with console.capture() as captured:
        console.print(Pixels.from_image_path(tmp_path / "photo.png", renderer=renderer))
    assert [len(line) for line in captured.get().rstrip("\n").split("\n")] == [9, 9, 9]
