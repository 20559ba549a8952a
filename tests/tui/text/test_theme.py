"""Themes are legible, also to those who see fewer hues; shades have readable numbers on them."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.color import Color, ColorType
from textual.app import App, ComposeResult
from textual.strip import Strip
from textual.theme import Theme
from textual.widgets import Static

from tuilabel import settings
from tuilabel.tui.images.palettes import oklab
from tuilabel.tui.terminal.capabilities import Colours, Depth, Rgb, contrast
from tuilabel.tui.text.shades import cursor_style, shade
from tuilabel.tui.text.theme import (
    THEMES_BY_NAME,
    _in_palette,
    apply_colours,
    colours_of,
    draw_thin,
    theme_for,
)
from tuilabel.tui.views.look import Sight
from tuilabel.tui.widgets.picture import Picture

OWN_BACKGROUND = [theme for theme in THEMES_BY_NAME.values() if not theme.ansi]

# Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of color
# vision deficiency", at full severity, on linear RGB.
SEEN = {
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def rgb(colour: str | None) -> Rgb:
    assert colour is not None
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def lab(colour: Rgb, seen_as: str | None = None) -> NDArray[np.float64]:
    """Return CIE L*a*b* of a colour, as most people or as some people see it."""
    channels = np.array(colour) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    if seen_as is not None:
        linear = np.clip(np.array(SEEN[seen_as]) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ linear / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize(
    "theme",
    [*OWN_BACKGROUND, *(_in_palette(theme) for theme in OWN_BACKGROUND)],
    ids=lambda theme: theme.name,
)
def test_text_stands_out_from_its_background(theme: Theme) -> None:
    background = rgb(theme.background)
    texts = {
        "foreground": theme.foreground,
        "muted": theme.variables["text-muted"],
        "accent": theme.accent,
        "success": theme.success,
        "warning": theme.warning,
        "error": theme.error,
    }
    needed = 7.0 if theme.name == "high-contrast" else 4.5
    for name, colour in texts.items():
        assert contrast(rgb(colour), background) >= needed, name
    assert contrast(rgb(theme.primary), background) >= 3, "bars"


@pytest.mark.parametrize("background", [(0, 0, 0), (255, 255, 255)])
def test_on_an_unknown_background_text_stands_out_from_white_and_from_black(
    background: Rgb,
) -> None:
    theme = THEMES_BY_NAME[theme_for(Colours(is_told=False))]
    assert theme.background == theme.foreground == "ansi_default"
    texts = (theme.accent, theme.success, theme.warning, theme.error, theme.variables["text-muted"])
    for colour in texts:
        assert contrast(rgb(colour), background) >= 4.5
    for colour in (theme.primary, theme.secondary, theme.variables["surface-lighten-2"]):
        assert contrast(rgb(colour), background) >= 3
    for colour in (*texts, theme.primary, theme.secondary):
        red, green, blue = rgb(colour)
        assert {red, green, blue} <= {0, 95, 135, 175, 215, 255} or red == green == blue


@pytest.mark.parametrize(
    ("name", "seen_as"),
    [
        ("deuteranopia", "deuteranopia"),
        ("deuteranopia", "protanopia"),
        ("tritanopia", "tritanopia"),
        ("deuteranopia", None),
        ("tritanopia", None),
    ],
)
def test_states_differ_in_lightness_and_hue_to_whoever_the_theme_is_for(
    name: str, seen_as: str | None
) -> None:
    theme = THEMES_BY_NAME[name]
    states = {"success": theme.success, "warning": theme.warning, "error": theme.error}
    seen = {state: lab(rgb(colour), seen_as) for state, colour in states.items()}
    for one, other in combinations(seen, 2):
        lightness, *hue = np.abs(seen[one] - seen[other])
        assert lightness >= 8, (one, other)
        assert np.hypot(*hue) >= 20, (one, other)


def test_with_256_colours_a_theme_is_what_the_palette_has() -> None:
    levels = {0, 95, 135, 175, 215, 255}
    for theme in map(_in_palette, OWN_BACKGROUND):
        for colour in (theme.background, theme.primary, theme.error, *theme.variables.values()):
            red, green, blue = rgb(colour)
            is_grey = red == green == blue and (red - 8) % 10 == 0
            assert is_grey or {red, green, blue} <= levels
    assert _in_palette(THEMES_BY_NAME["ansi"]) is THEMES_BY_NAME["ansi"]


def test_every_theme_can_be_wished_and_every_wish_is_a_theme() -> None:
    assert set(settings.THEMES) == {"auto", *THEMES_BY_NAME}


def test_the_theme_goes_by_depth_and_background() -> None:
    assert theme_for(Colours()) == "tuilabel"
    assert theme_for(Colours(dark=False)) == "tuilabel-light"
    assert theme_for(Colours(is_told=False)) == "terminal"
    assert theme_for(Colours(Depth.PALETTE, is_told=False), "tuilabel") == "tuilabel"
    assert theme_for(Colours(Depth.SIXTEEN, is_told=False)) == "ansi"
    assert theme_for(Colours(Depth.PALETTE), "tritanopia") == "tritanopia"
    assert theme_for(Colours(Depth.SIXTEEN, dark=False)) == "ansi"
    assert theme_for(Colours(Depth.SIXTEEN), "high-contrast") == "ansi"
    assert theme_for(Colours(Depth.SIXTEEN), "plain") == "plain"
    assert theme_for(Colours(Depth.NONE), "tuilabel") == "plain"
    assert theme_for(Colours(), "plain") == "plain"


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("wrong", [True, False])
@pytest.mark.parametrize("depth", list(Depth))
def test_numbers_on_shades_can_be_read(depth: Depth, wrong: bool, dark: bool) -> None:
    colours = Colours(depth, dark)
    styles = [shade(step / 40, colours, wrong=wrong) for step in range(41)]
    few = {Depth.SIXTEEN: 5, Depth.NONE: 5, Depth.PALETTE: 7}
    assert len(set(styles)) >= few.get(depth, 10)
    for style in styles:
        if depth in (Depth.SIXTEEN, Depth.NONE):
            assert style.color is None
            assert style.bgcolor is None
            continue
        assert style.color is not None
        assert style.bgcolor is not None
        text, fill = style.color.get_truecolor(), style.bgcolor.get_truecolor()
        assert contrast(tuple(text), tuple(fill)) >= 4.5
    if depth in (Depth.TRUECOLOR, Depth.PALETTE):
        assert shade(0.001, colours, wrong=wrong) == styles[3] != styles[0]
    assert shade(-1, colours, wrong=wrong) == styles[0]
    assert shade(2, colours, wrong=wrong) == styles[-1]


@pytest.mark.parametrize("depth", [Depth.TRUECOLOR, Depth.PALETTE])
@pytest.mark.parametrize("wrong", [True, False])
def test_shades_are_in_order_of_brightness(depth: Depth, wrong: bool) -> None:
    for dark in (True, False):
        fills = [shade(step / 20, Colours(depth, dark), wrong=wrong).bgcolor for step in range(21)]
        against = (0, 0, 0) if dark else (255, 255, 255)
        contrasts = [contrast(tuple(fill.get_truecolor()), against) for fill in fills if fill]
        assert contrasts == sorted(contrasts)
        assert len(contrasts) == 21


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize(("wrong", "hues"), [(True, (40, 85)), (False, (205, 265))])
def test_the_palette_has_one_hue_for_mistakes_and_one_for_what_is_right(
    wrong: bool, hues: tuple[int, int], dark: bool
) -> None:
    """Each shade but the first shows it, in its fill or, where that is grey, in its text."""
    styles = [shade(step / 15, Colours(Depth.PALETTE, dark), wrong=wrong) for step in range(16)]
    full = [shade(step / 15, Colours(dark=dark), wrong=wrong) for step in range(16)]
    for style, like in zip(styles[1:], full[1:], strict=True):
        assert style.color is not None
        assert style.bgcolor is not None
        assert like.bgcolor is not None
        text, fill = style.color.get_truecolor(), style.bgcolor.get_truecolor()
        coloured = fill if len(set(fill)) > 1 else text
        _, a, b = oklab(np.array(coloured, np.float32)).tolist()
        assert hues[0] < np.degrees(np.arctan2(b, a)) % 360 < hues[1]
        here, there = (
            oklab(np.array(colour, np.float32))[0]
            for colour in (fill, like.bgcolor.get_truecolor())
        )
        assert abs(here - there) < 0.1
    assert len({style.color for style in styles if style.bgcolor}) > 1
    assert styles[0].color in (Color.from_ansi(231), Color.from_ansi(232))


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("depth", list(Depth))
def test_a_marked_cell_looks_like_no_other(depth: Depth, dark: bool) -> None:
    colours = Colours(depth, dark)
    for step in range(16):
        style = shade(step / 15, colours, wrong=True)
        mark = cursor_style(style, colours)
        if depth in (Depth.SIXTEEN, Depth.NONE):
            assert bool(mark.reverse) is not bool(style.reverse)
            continue
        assert mark.color is not None
        assert mark.bgcolor is not None
        assert style.bgcolor is not None
        text, fill = mark.color.get_truecolor(), mark.bgcolor.get_truecolor()
        assert contrast(tuple(text), tuple(fill)) > 15
        if step < 8:
            assert contrast(tuple(fill), tuple(style.bgcolor.get_truecolor())) > 2


class Page(App[None]):
    """Text of all kinds on a screen."""

    CSS = """
    Screen { background: $background; color: $foreground; }
    #good { color: $success; text-style: bold; }
    #bad { color: $error; background: $surface; border: round $primary; }
    """

    def __init__(self, colours: Colours, wish: str) -> None:
        super().__init__()
        apply_colours(self, colours, wish)

    def compose(self) -> ComposeResult:
        yield Static("good", id="good")
        yield Static("bad", id="bad")


async def shown_styles(app: App[None]) -> list[tuple[str, object, object]]:
    """Return text, colour and background of everything on a screen."""
    async with app.run_test(size=(30, 8)) as pilot:
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        return [
            (
                segment.text,
                segment.style and segment.style.color,
                segment.style and segment.style.bgcolor,
            )
            for strip in strips
            for segment in strip
        ]


@pytest.mark.parametrize("wish", ["auto", "tuilabel"])
async def test_no_colour_means_no_colour_codes(wish: str) -> None:
    styles = await shown_styles(Page(Colours(Depth.NONE), wish))
    assert any("bad" in text for text, _, _ in styles)
    assert {(colour, ground) for _, colour, ground in styles} == {(None, None)}


async def test_with_sixteen_colours_text_is_as_the_terminal_has_it() -> None:
    styles = await shown_styles(Page(Colours(Depth.SIXTEEN), "auto"))
    for text, colour, ground in styles:
        assert ground is None or ground.type is ColorType.DEFAULT, text  # type: ignore[attr-defined]
        assert colour is None or colour.type in (ColorType.DEFAULT, ColorType.STANDARD), text  # type: ignore[attr-defined]


async def test_what_widgets_are_told_goes_by_the_background_of_the_theme() -> None:
    app = Page(Colours(dark=False), "deuteranopia")
    async with app.run_test():
        assert colours_of(app).dark
        app.theme = "tuilabel-light"
        assert not colours_of(app).dark
        app.theme = "ansi"
        assert not colours_of(app).dark
    assert colours_of(App()) == Colours()


async def test_a_slow_line_has_small_pictures_of_few_colours_until_it_is_quick_again() -> None:
    app = Page(Colours(), "auto")
    picture = Picture()
    picture.styles.width, picture.styles.height = 80, 40
    async with app.run_test(size=(90, 50)) as pilot:
        await app.screen.mount(picture)
        image = np.arange(28 * 28, dtype=np.uint16).reshape(28, 28).astype(np.uint8)
        picture.show_image(Sight(0, image))
        await pilot.pause()
        large = [picture.render_line(y) for y in range(40)]
        draw_thin(app, True)
        assert colours_of(app) == Colours().thin()
        small = [picture.render_line(y) for y in range(40)]
        draw_thin(app, False)
        assert [picture.render_line(y) for y in range(40)] == large

    def cells(rows: list[Strip]) -> int:
        return sum(
            segment.cell_length
            for row in rows
            for segment in row
            if segment.style and segment.style.bgcolor and segment.style.bgcolor != ground
        )

    ground = large[0]._segments[0].style.bgcolor  # type: ignore[union-attr]
    assert cells(small) < cells(large) / 3
    colours = {
        segment.style.bgcolor.type
        for row in small
        for segment in row
        if segment.style and segment.style.bgcolor
    }
    assert ColorType.EIGHT_BIT in colours


def test_styles_use_only_what_themes_define() -> None:
    sheets = list((Path(settings.__file__).parents[1] / "tui").rglob("*.tcss"))
    assert len(sheets) == 3
    used = {name for css in sheets for name in re.findall(r"\$([\w-]+)", css.read_text())}
    known = {"background", "foreground", "accent", "primary", "success", "error", "warning"}
    assert used <= known | set(THEMES_BY_NAME["tuilabel"].variables) | {"surface", "panel"}
