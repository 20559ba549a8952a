"""The colours of text and bars: calm, and easy to tell apart for every kind of colour vision."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

from tuilabel.tui.terminal.capabilities import Colours, Depth
from tuilabel.tui.terminal.textual_internals import set_filters


def _theme(
    name: str,
    *,
    dark: bool,
    background: str,
    text: tuple[str, str],
    accent: str,
    bars: tuple[str, str, str],
    states: tuple[str, str, str],
    panels: tuple[str, str],
) -> Theme:
    """Return a theme.

    Parameters
    ----------
    text : tuple of str
        Foreground and muted.
    bars : tuple of str
        Bar, area and track.
    states : tuple of str
        Success, warning and error.
    panels : tuple of str
        Surface and panel.
    """
    return Theme(
        name=name,
        dark=dark,
        background=background,
        foreground=text[0],
        primary=bars[0],
        secondary=bars[0],
        accent=accent,
        success=states[0],
        warning=states[1],
        error=states[2],
        surface=panels[0],
        panel=panels[1],
        variables={
            "text-muted": text[1],
            "primary-darken-2": bars[1],
            "surface-lighten-2": bars[2],
        },
    )


DARK = _theme(
    "tuilabel",
    dark=True,
    background="#101214",
    text=("#d6d6d6", "#8b939c"),
    accent="#ffb454",
    bars=("#7fb4ca", "#3f6473", "#3a4148"),
    states=("#87c38a", "#ffb454", "#ff6b68"),
    panels=("#16191c", "#1d2125"),
)
LIGHT = _theme(
    "tuilabel-light",
    dark=False,
    background="#fafaf7",
    text=("#22272c", "#59626b"),
    accent="#8f4a00",
    bars=("#1f6f8b", "#8fbccb", "#c3c9ce"),
    states=("#1d6b2c", "#8f4a00", "#b3261e"),
    panels=("#f0f0ec", "#e4e5e1"),
)
HIGH_CONTRAST = _theme(
    "high-contrast",
    dark=True,
    background="#000000",
    text=("#ffffff", "#d7d7d7"),
    accent="#ffff00",
    bars=("#00d7ff", "#0087af", "#6c6c6c"),
    states=("#5fff87", "#ffff00", "#ff8787"),
    panels=("#121212", "#262626"),
)
DEUTERANOPIA = _theme(
    "deuteranopia",
    dark=True,
    background="#101214",
    text=("#e0e0e0", "#949ca5"),
    accent="#f5e663",
    bars=("#56b4e9", "#2a6288", "#3a4148"),
    states=("#6fbcf0", "#fbf3d0", "#d9722e"),
    panels=("#16191c", "#1d2125"),
)
TRITANOPIA = _theme(
    "tritanopia",
    dark=True,
    background="#101214",
    text=("#e0e0e0", "#949ca5"),
    accent="#ffd0dc",
    bars=("#4fc4b0", "#27695e", "#3a4148"),
    states=("#4fc4b0", "#ffd0dc", "#ff5252"),
    panels=("#16191c", "#1d2125"),
)


def _own_colours(name: str, *, area: str) -> Theme:
    """Return a theme that uses the terminal's own colours for text.

    States are shown by signs, bold and reverse: of sixteen colours, every one with a hue is hard
    to read on some background.
    """
    default = "ansi_default"
    names = (
        "text-muted text-disabled foreground-muted surface-lighten-2 ansi-background "
        "ansi-foreground border border-blurred block-cursor-foreground block-cursor-background "
        "footer-key-foreground scrollbar-background scrollbar-background-hover "
        "scrollbar-background-active link-color screen-selection-background "
        "screen-selection-foreground input-selection-background"
    )
    return Theme(
        name=name,
        ansi=True,
        primary=default,
        secondary=area,
        accent=default,
        warning=default,
        success=default,
        error=default,
        foreground=default,
        background=default,
        surface=default,
        panel=default,
        boost=default,
        variables={
            **dict.fromkeys(names.split(), default),
            **dict.fromkeys(("scrollbar", "scrollbar-hover", "scrollbar-active"), area),
            "primary-darken-2": area,
            "block-cursor-text-style": "bold underline",
            "input-cursor-background": default,
            "input-cursor-foreground": default,
            "input-cursor-text-style": "reverse",
            "block-cursor-blurred-text-style": "bold underline",
        },
    )


TERMINAL = replace(
    _own_colours("terminal", area="#5f87af"),
    accent="#d700af",
    warning="#d700af",
    success="#00875f",
    error="#af5f5f",
    primary="#5f5fff",
)
TERMINAL.variables |= {"text-muted": "#767676", "surface-lighten-2": "#808080"}
ANSI = _own_colours("ansi", area="ansi_blue")
PLAIN = _own_colours("plain", area="ansi_default")

THEMES_BY_NAME = {
    theme.name: theme
    for theme in (DARK, LIGHT, TERMINAL, HIGH_CONTRAST, DEUTERANOPIA, TRITANOPIA, ANSI, PLAIN)
}
"""All themes. Those up to `tritanopia` need 256 colours, `ansi` needs 16, `plain` none.

`terminal` leaves the terminal's own background. Its colours are in the palette of 256, and can be
read on white and on black.
"""


def theme_for(colours: Colours, wish: str = "auto") -> str:
    """Return the name of the theme to use.

    Parameters
    ----------
    colours : Colours
    wish : str
        One of `settings.THEMES`. A theme that needs more colours than there are is replaced by
        the one for that many.
    """
    if colours.depth is Depth.NONE:
        return PLAIN.name
    if colours.depth is Depth.SIXTEEN:
        return wish if wish == PLAIN.name else ANSI.name
    if wish == "auto" and not colours.is_told:
        return TERMINAL.name
    if wish == "auto":
        return DARK.name if colours.dark else LIGHT.name
    return wish


def apply_colours(app: App[Any], colours: Colours, wish: str = "auto") -> None:
    """Set the colours of an application.

    Parameters
    ----------
    app : App
        Its widgets get the colours from `colours_of`.
    colours : Colours
    wish : str
        A theme's name or `auto`.
    """
    for theme in THEMES_BY_NAME.values():
        app.register_theme(_in_palette(theme) if colours.depth is Depth.PALETTE else theme)
    _APPLIED[app] = colours
    # Textual's own filters change the terminal's colours, and turn no colour into grey.
    set_filters(app, [Uncoloured()] if colours.depth is Depth.NONE else [])
    app.no_color = colours.depth is Depth.NONE
    # Assigning the theme would have the style sheet read again after the first frame.
    app.set_reactive(App.theme, theme_for(colours, wish))
    app.stylesheet.set_variables(app.get_css_variables())


@lru_cache(maxsize=len(THEMES_BY_NAME))
def _palette_theme(name: str) -> Theme:
    from tuilabel.tui.images.palettes import nearest_in_palette

    theme = THEMES_BY_NAME[name]

    def nearest(colour: str | None) -> str | None:
        return None if colour is None else nearest_in_palette(colour)

    return replace(
        theme,
        **{part: nearest(getattr(theme, part)) for part in _PARTS},  # type: ignore[arg-type]
        variables={name: str(nearest(colour)) for name, colour in theme.variables.items()},
    )


_PARTS = [
    *("primary", "secondary", "accent", "success", "warning", "error"),
    *("foreground", "background", "surface", "panel"),
]


def _in_palette(theme: Theme) -> Theme:
    """Return a theme in the nearest of 256 colours; rich's choice changes the hues of dark ones."""
    return theme if theme.ansi else _palette_theme(theme.name)


def draw_thin(app: App[Any], slow: bool) -> None:
    """Draw pictures small and with few colours while the line is slow."""
    if slow == (app in _THIN):
        return
    if slow:
        _THIN.add(app)
    else:
        _THIN.discard(app)
    for screen in app.screen_stack:
        for widget in screen.query("Lines"):
            widget.redraw()  # type: ignore[attr-defined]


def colours_of(app: App[Any]) -> Colours:
    """Return the colours that `apply_colours` set, fewer while the line is slow.

    A theme with a background of its own decides whether the background is dark.
    """
    colours, theme = _APPLIED.get(app, _ALL), app.current_theme
    if app in _THIN:
        colours = colours.thin()
    if theme.ansi or theme.dark == colours.dark:
        return colours
    return colours._replace(dark=theme.dark)


_ALL = Colours()
_APPLIED: WeakKeyDictionary[App[Any], Colours] = WeakKeyDictionary()
_THIN: WeakSet[App[Any]] = WeakSet()


class Uncoloured(LineFilter):
    """Removes everything from a style but bold, dim, underline and reverse.

    Textual's own filter writes the codes of the default colours.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return segments without colours."""
        return [
            Segment(text, None if style is None else _uncoloured(style), control)
            for text, style, control in segments
        ]


@lru_cache(1024)
def _uncoloured(style: Style) -> Style:
    return style.without_color
