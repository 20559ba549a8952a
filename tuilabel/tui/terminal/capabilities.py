"""How many colours a terminal has, whether its background is dark, and which blocks it draws.

This is decided before textual is imported, which reads its own variables at that moment: nothing
here imports textual, rich or numpy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from typing import NamedTuple

Rgb = tuple[int, int, int]


class Depth(StrEnum):
    """How many colours may be written."""

    TRUECOLOR = "truecolor"
    PALETTE = "256"
    SIXTEEN = "16"
    NONE = "none"


class Blocks(StrEnum):
    """Alphabets of block characters, from what every terminal draws to what few do.

    `SHADE` is ░▒▓█, `HALF` is ▀▄█▌▐, `EIGHTH` is ▁▂▃▅▆▇ and ▏▎▍▋▊▉, `QUADRANT` is ▖▗▘▙▚▛▜▝▞▟,
    `BRAILLE` is U+2800 to U+28FF, `OCTANT` is Unicode 16's two by four blocks.
    """

    SHADE = "shade"
    HALF = "half"
    EIGHTH = "eighth"
    QUADRANT = "quadrant"
    BRAILLE = "braille"
    OCTANT = "octant"


_CONSOLE = frozenset({Blocks.SHADE, Blocks.HALF})
_FONTS = _CONSOLE | {Blocks.EIGHTH, Blocks.QUADRANT}
_BLOCKS = {
    "ascii": frozenset[Blocks](),
    "half": _CONSOLE,
    "braille": _FONTS | {Blocks.BRAILLE},
    "octant": _FONTS | {Blocks.BRAILLE, Blocks.OCTANT},
}
"""The characters that each value of the setting `blocks` allows."""

MOST_GREYS = 52
"""So many greys look the same as 256, and make longer runs of equal cells."""

THIN_GREYS = 16
"""Greys on a slow link."""


class Colours(NamedTuple):
    """What the terminal can show.

    Attributes
    ----------
    depth : Depth
    dark : bool
        Whether the terminal's own background is dark; assumed where that is not known.
    blocks : frozenset of Blocks
        The block characters it draws; none where only ASCII is safe.
    greys : int
        How many values a channel of a picture may have, 2 to `MOST_GREYS`.
    wished : Blocks or None
        The alphabet that pictures are to be drawn with; None leaves it to each picture.
    is_told : bool
        Whether `dark` is known.
    """

    depth: Depth = Depth.TRUECOLOR
    dark: bool = True
    blocks: frozenset[Blocks] = _BLOCKS["braille"]
    greys: int = MOST_GREYS
    wished: Blocks | None = None
    is_told: bool = True

    def thin(self) -> Colours:
        """Return what to draw pictures with on a slow link: at most 256 colours, and few greys."""
        depth = Depth.PALETTE if self.depth is Depth.TRUECOLOR else self.depth
        return self._replace(depth=depth, greys=min(self.greys, THIN_GREYS))


def decide_colours(
    environ: Mapping[str, str],
    *,
    color: str = "auto",
    background: str = "auto",
    blocks: str = "auto",
    answered: Rgb | None = None,
    version: str = "",
) -> Colours:
    """Decide what the terminal can show: by setting, else by its answer, else by its name.

    Parameters
    ----------
    environ : mapping
        The process's environment.
    color : str
        A `Depth` or `auto`.
    background : str
        `dark`, `light` or `auto`.
    blocks : str
        `octant`, `braille`, `half`, `ascii` or `auto`.
    answered : tuple of int, optional
        The background as the terminal told it, 0 to 255 each (OSC 11).
    version : str
        The terminal's name and version as it told them (XTVERSION), such as `foot(1.20.0)`.
    """
    term = _term(environ)
    depth = _depth(environ, term, version) if color == "auto" else Depth(color)
    told = _is_dark(environ, answered) if background == "auto" else background == "dark"
    drawn = _drawn(environ, term, version) if blocks == "auto" else _BLOCKS[blocks]
    wished = Blocks(blocks) if blocks in set(Blocks) else None
    dark = True if told is None else told
    return Colours(depth, dark, drawn, wished=wished, is_told=told is not None)


def prepare(
    environ: MutableMapping[str, str],
    *,
    color: str = "auto",
    background: str = "auto",
    blocks: str = "auto",
    answered: Rgb | None = None,
    version: str = "",
) -> Colours:
    """Decide as `decide_colours` does, and configure Textual before it is imported."""
    colours = decide_colours(
        environ,
        color=color,
        background=background,
        blocks=blocks,
        answered=answered,
        version=version,
    )
    prepare_environment(colours, environ)
    return colours


def prepare_environment(colours: Colours, environ: MutableMapping[str, str]) -> None:
    """Set how many colours Textual writes; it reads that once, when it is imported.

    Where there are none, `tuilabel.tui.text.theme` takes the last ones out of what is written.
    """
    systems = {Depth.TRUECOLOR: "truecolor", Depth.PALETTE: "256"}
    environ["TEXTUAL_COLOR_SYSTEM"] = systems.get(colours.depth, "standard")


def coarse_hint(
    environ: Mapping[str, str], colours: Colours, color: str, *, is_coloured: bool
) -> str:
    """Return a sentence that names the option for more colours, where few make an image coarse.

    Parameters
    ----------
    environ : mapping
        The process's environment.
    colours : Colours
        What images are drawn with. Empty on a slow link, where few are used on purpose.
    color : str
        The setting. Empty where a number of colours was asked for.
    is_coloured : bool
        Whether the image is coloured: 256 colours have enough greys.
    """
    if color != "auto" or colours.greys < MOST_GREYS:
        return ""
    if colours.depth is Depth.SIXTEEN:
        return "16 colours make images coarse. If the terminal has more: --color 256"
    garbles = is_mlterm(environ) or _is_screen(environ)
    if colours.depth is Depth.PALETTE and is_coloured and not garbles:
        return "256 colours make images coarse. If the terminal has more: --color truecolor"
    return ""


# Depth.

_FORCED = {"0": Depth.NONE, "1": Depth.SIXTEEN, "2": Depth.PALETTE, "3": Depth.TRUECOLOR}

_TRUECOLOR_TERMS = re.compile(
    r"(xterm-)?(kitty|ghostty)|(xterm-)?alacritty|foot|wezterm|contour|rio|iterm2?|konsole|mintty"
    r"|st-(256color|direct)|.*-(direct|truecolor)"
)
"""Names of terminals with all colours: COLORTERM does not pass through SSH."""

_TRUECOLOR_PROGRAMS = {
    "iterm.app",
    "wezterm",
    "ghostty",
    "vscode",
    "hyper",
    "tabby",
    "rio",
    "kitty",
}
_TRUECOLOR_VARIABLES = ("WT_SESSION", "KONSOLE_VERSION", "KITTY_WINDOW_ID")
_COLOURLESS_TERMS = re.compile(r"dumb|unknown|vt[0-9].*|.*-m(ono)?")


def _term(environ: Mapping[str, str]) -> str:
    return environ.get("TERM", "").strip().lower()


def is_multiplexed(environ: Mapping[str, str]) -> bool:
    """Return whether tmux or screen is between the program and the terminal.

    What other terminals leave in the environment is then about the terminal that it was started
    in, which need not be the one that it is attached to now.
    """
    inside = "TMUX" in environ or "STY" in environ
    return inside or _term(environ).startswith(("tmux", "screen"))


def _is_screen(environ: Mapping[str, str]) -> bool:
    """Return whether GNU screen is between: before version 5 it garbles truecolor codes."""
    return "STY" in environ or ("TMUX" not in environ and _term(environ).startswith("screen"))


def _depth(environ: Mapping[str, str], term: str, version: str) -> Depth:
    forced = _FORCED.get(environ.get("FORCE_COLOR", ""))
    if forced is not None:
        return forced
    if environ.get("NO_COLOR") or not term or _COLOURLESS_TERMS.fullmatch(term):
        return Depth.NONE
    full = environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit")
    if is_multiplexed(environ):
        # tmux turns truecolor codes into what the terminal has.
        if full and not _is_screen(environ):
            return Depth.TRUECOLOR
        return (
            Depth.PALETTE if "TMUX" in environ or "256" in term or "tmux" in term else _least(term)
        )
    if full or _TRUECOLOR_TERMS.fullmatch(term) or _program(environ) in _TRUECOLOR_PROGRAMS:
        return Depth.TRUECOLOR
    if any(name in environ for name in _TRUECOLOR_VARIABLES):
        return Depth.TRUECOLOR
    if _number(environ.get("VTE_VERSION", "")) >= (3600,):
        return Depth.TRUECOLOR
    if _named(
        version, "kitty", "foot", "ghostty", "wezterm", "alacritty", "konsole", "vte", "iterm2"
    ):
        return Depth.TRUECOLOR
    if "256" in term or _named(version, "xterm") or is_mlterm(environ):
        return Depth.PALETTE
    return _least(term)


def is_mlterm(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal is mlterm.

    It takes codes of 24 bits, but keeps 240 such colours: with more of them on the screen, cells
    that were drawn before change theirs. A colour picture has thousands.
    """
    return "MLTERM" in environ or _term(environ).startswith("mlterm")


def _least(term: str) -> Depth:
    """Return the least depth of a terminal of which only the name is known."""
    return Depth.PALETTE if "256" in term else Depth.SIXTEEN


def _program(environ: Mapping[str, str]) -> str:
    return environ.get("TERM_PROGRAM", "").strip().lower()


def _named(version: str, *names: str) -> bool:
    return version.lower().startswith(names)


def _number(text: str) -> tuple[int, ...]:
    """Return the first version number in a text; an empty tuple is less than every version."""
    found = re.search(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


# Background.


def luminance(colour: Rgb) -> float:
    """Return the relative luminance of a colour, 0 to 1 (WCAG 2.2)."""
    channels = (value / 255 for value in colour)
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Rgb, other: Rgb) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2); text needs 4.5."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _is_dark(environ: Mapping[str, str], answered: Rgb | None) -> bool | None:
    """Return whether the background is dark; None where that is not known."""
    if answered is not None:
        # Dark is what white is the better text colour on.
        return contrast(answered, (255, 255, 255)) >= contrast(answered, (0, 0, 0))
    # rxvt, konsole and others: foreground;background, or foreground;default;background.
    last = environ.get("COLORFGBG", "").rpartition(";")[2]
    if not last.isdecimal():
        return None
    return last not in ("7", "9", "10", "11", "12", "13", "14", "15")


# Blocks.

_OCTANTS_SINCE = {"kitty": (0, 40), "foot": (1, 20), "ghostty": (1, 2), "vte": (7800,)}
"""Versions from which terminals draw octants themselves; hardly any font has them."""


def _drawn(environ: Mapping[str, str], term: str, version: str) -> frozenset[Blocks]:
    charset = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    _, dot, encoding = charset.partition(".")
    encoding = encoding.partition("@")[0].replace("-", "").lower()
    if (dot and encoding != "utf8") or term in ("", "dumb"):
        return _BLOCKS["ascii"]
    if term == "linux":
        return _CONSOLE
    return _BLOCKS["octant" if _draws_octants(environ, version) else "braille"]


def _draws_octants(environ: Mapping[str, str], version: str) -> bool:
    if is_multiplexed(environ):
        # The width of newer characters is the multiplexer's to know, and older ones do not.
        return False
    names = [version]
    program = _program(environ)
    if program:
        names.append(f"{program} {environ.get('TERM_PROGRAM_VERSION', '')}")
    if "VTE_VERSION" in environ:
        names.append(f"vte {environ['VTE_VERSION']}")
    return any(
        _named(name, terminal) and _number(name) >= since
        for name in names
        for terminal, since in _OCTANTS_SINCE.items()
    )
