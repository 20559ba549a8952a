"""How many colours, which background and which blocks: from wishes, the environment and answers."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tuilabel.settings import Settings
from tuilabel.tui.terminal.capabilities import (
    MOST_GREYS,
    THIN_GREYS,
    Blocks,
    Colours,
    Depth,
    coarse_hint,
    contrast,
    decide_colours,
    luminance,
    prepare,
)
from tuilabel.tui.terminal.doctor import colour_lines
from tuilabel.tui.terminal.probe import TerminalAnswers
from tuilabel.tui.text.theme import theme_for

TRUE, PALETTE, SIXTEEN, NONE = Depth


@pytest.mark.parametrize(
    ("term", "depth"),
    [
        ("linux", SIXTEEN),
        ("xterm", SIXTEEN),
        ("screen", SIXTEEN),
        ("screen-256color", PALETTE),
        ("tmux", PALETTE),
        ("tmux-256color", PALETTE),
        ("xterm-256color", PALETTE),
        ("alacritty", TRUE),
        ("foot", TRUE),
        ("xterm-kitty", TRUE),
        ("xterm-ghostty", TRUE),
        ("xterm-direct", TRUE),
        ("dumb", NONE),
        ("", NONE),
        ("vt220", NONE),
        ("xterm-mono", NONE),
    ],
)
def test_depth_by_the_name_of_the_terminal_alone(term: str, depth: Depth) -> None:
    assert decide_colours({"TERM": term}).depth is depth


@pytest.mark.parametrize(
    ("environ", "depth"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, TRUE),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, TRUE),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, TRUE),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, PALETTE),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, TRUE),
        ({"TERM": "xterm-256color", "VTE_VERSION": "3409"}, PALETTE),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, NONE),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, PALETTE),
        ({"TERM": "xterm-256color", "NO_COLOR": "1", "FORCE_COLOR": "3"}, TRUE),
        ({"TERM": "xterm-kitty", "FORCE_COLOR": "0"}, NONE),
        ({"TERM": "xterm-kitty", "FORCE_COLOR": "1"}, SIXTEEN),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, NONE),
        ({"TERM": "tmux-256color", "TMUX": "x", "COLORTERM": "truecolor"}, TRUE),
        # Of the terminal that tmux was started in, which may not be the one it is attached to.
        ({"TERM": "tmux-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"}, PALETTE),
        ({"TERM": "screen", "TMUX": "x"}, PALETTE),
        # GNU screen 4 garbles truecolor codes.
        ({"TERM": "screen-256color", "STY": "1.x", "COLORTERM": "truecolor"}, PALETTE),
        ({"TERM": "screen", "STY": "1.x", "COLORTERM": "truecolor"}, SIXTEEN),
    ],
)
def test_depth_by_what_else_the_environment_says(environ: dict[str, str], depth: Depth) -> None:
    assert decide_colours(environ).depth is depth


@pytest.mark.parametrize("depth", list(Depth))
def test_a_wish_comes_before_everything(depth: Depth) -> None:
    environ = {"TERM": "xterm-kitty", "NO_COLOR": "1", "FORCE_COLOR": "2"}
    assert decide_colours(environ, color=depth.value).depth is depth


def test_a_terminal_that_tells_its_name_has_its_colours_behind_ssh() -> None:
    behind_ssh = {"TERM": "xterm-256color"}
    assert decide_colours(behind_ssh, version="kitty(0.40.1)").depth is TRUE
    assert decide_colours({"TERM": "xterm"}, version="XTerm(379)").depth is PALETTE
    assert decide_colours({"TERM": "xterm"}, version="somebody else").depth is SIXTEEN


@pytest.mark.parametrize(
    ("arguments", "dark"),
    [
        ({}, True),
        ({"answered": (255, 255, 255)}, False),
        ({"answered": (0xFD, 0xF6, 0xE3)}, False),
        ({"answered": (0, 0x2B, 0x36)}, True),
        ({"answered": (255, 255, 255), "background": "dark"}, True),
        ({"answered": (0, 0, 0), "background": "light"}, False),
    ],
)
def test_the_background(arguments: dict[str, object], dark: bool) -> None:
    assert decide_colours({"TERM": "xterm"}, **arguments).dark is dark  # type: ignore[arg-type]


def test_the_answer_of_the_terminal_comes_before_colorfgbg() -> None:
    light = {"TERM": "rxvt", "COLORFGBG": "0;15"}
    assert not decide_colours(light).dark
    assert not decide_colours({"TERM": "rxvt", "COLORFGBG": "0;default;7"}).dark
    assert decide_colours({"TERM": "rxvt", "COLORFGBG": "15;0"}).dark
    assert decide_colours({"TERM": "rxvt", "COLORFGBG": "default"}).dark
    assert decide_colours(light, answered=(0, 0, 0)).dark


@pytest.mark.parametrize(
    ("environ", "arguments", "is_told"),
    [
        ({"TERM": "tmux-256color", "TMUX": "/tmp/tmux"}, {}, False),
        ({"TERM": "xterm-256color"}, {}, False),
        ({"TERM": "mlterm", "COLORFGBG": "default;default"}, {}, False),
        ({"TERM": "rxvt", "COLORFGBG": "15;0"}, {}, True),
        ({"TERM": "xterm"}, {"answered": (0, 0, 0)}, True),
        ({"TERM": "xterm"}, {"background": "dark"}, True),
    ],
)
def test_whether_the_background_is_known(
    environ: dict[str, str], arguments: dict[str, Any], is_told: bool
) -> None:
    colours = decide_colours(environ, **arguments)
    assert (colours.dark, colours.is_told) == (True, is_told)


@pytest.mark.parametrize("environ", [{"TERM": "mlterm"}, {"TERM": "xterm", "MLTERM": "3.9.0"}])
def test_mlterm_gets_256_colours_as_it_keeps_too_few_of_24_bits(environ: dict[str, str]) -> None:
    assert decide_colours(environ).depth is Depth.PALETTE
    assert coarse_hint(environ, Colours(PALETTE), "auto", is_coloured=True) == ""
    assert decide_colours({"TERM": "st-256color"}).depth is Depth.TRUECOLOR


@pytest.mark.parametrize(
    ("depth", "color", "is_coloured", "option"),
    [
        (Depth.SIXTEEN, "auto", False, "--color 256"),
        (Depth.PALETTE, "auto", True, "--color truecolor"),
        (Depth.PALETTE, "auto", False, ""),
        (Depth.TRUECOLOR, "auto", True, ""),
        (Depth.NONE, "auto", True, ""),
        (Depth.SIXTEEN, "16", True, ""),
        (Depth.PALETTE, "256", True, ""),
    ],
)
def test_the_option_for_more_colours_is_named_where_images_are_coarse(
    depth: Depth, color: str, is_coloured: bool, option: str
) -> None:
    hint = coarse_hint({}, Colours(depth), color, is_coloured=is_coloured)
    assert hint.endswith(option)
    assert bool(hint) is bool(option)
    # There fewer colours are used on purpose, and no option brings more.
    assert coarse_hint({}, Colours(depth).thin(), color, is_coloured=is_coloured) == ""


@pytest.mark.parametrize(
    "environ", [{"TERM": "screen-256color", "STY": "1.x"}, {"TERM": "screen.xterm-256color"}]
)
def test_inside_gnu_screen_nobody_is_sent_to_colours_that_it_garbles(
    environ: dict[str, str],
) -> None:
    colours = decide_colours({**environ, "COLORTERM": "truecolor"})
    assert colours.depth is PALETTE
    assert coarse_hint(environ, colours, "auto", is_coloured=True) == ""
    inside_tmux = {"TERM": "screen-256color", "TMUX": "x"}
    assert coarse_hint(inside_tmux, Colours(PALETTE), "auto", is_coloured=True)


def test_the_linux_console_draws_shades_and_halves_only() -> None:
    assert decide_colours({"TERM": "linux"}).blocks == {Blocks.SHADE, Blocks.HALF}


@pytest.mark.parametrize(
    ("environ", "version", "drawn"),
    [
        ({"TERM": "xterm-kitty"}, "kitty(0.40.0)", True),
        ({"TERM": "xterm-kitty"}, "kitty(0.35.2)", False),
        ({"TERM": "xterm-kitty"}, "", False),
        ({"TERM": "foot"}, "foot(1.20.1)", True),
        ({"TERM": "foot"}, "foot(1.16.2)", False),
        ({"TERM": "xterm-ghostty"}, "ghostty 1.2.3", True),
        (
            {"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty", "TERM_PROGRAM_VERSION": "1.2.0"},
            "",
            True,
        ),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7802"}, "", True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, "", False),
        ({"TERM": "tmux-256color", "TMUX": "x", "VTE_VERSION": "7802"}, "", False),
        ({"TERM": "alacritty"}, "", False),
    ],
)
def test_octants_only_where_they_are_known_to_be_drawn(
    environ: dict[str, str], version: str, drawn: bool
) -> None:
    blocks = decide_colours(environ, version=version).blocks
    assert (Blocks.OCTANT in blocks) is drawn
    assert Blocks.BRAILLE in blocks


def test_another_charset_than_utf8_has_ascii_only() -> None:
    def blocks(**environ: str) -> frozenset[Blocks]:
        return decide_colours({"TERM": "xterm", **environ}).blocks

    assert not blocks(LANG="de_DE.ISO-8859-1")
    assert not blocks(LANG="C.UTF-8", LC_ALL="ru_RU.KOI8-R")
    assert blocks(LANG="de_DE.utf8@euro")
    # Python takes these for UTF-8, and so are the terminals around them.
    assert blocks(LANG="C")
    assert blocks()


def test_blocks_by_wish() -> None:
    assert Blocks.OCTANT in decide_colours({"TERM": "linux"}, blocks="octant").blocks
    assert decide_colours({"TERM": "foot"}, blocks="ascii").blocks == frozenset()
    assert decide_colours({"TERM": "foot"}, blocks="half").blocks == {Blocks.SHADE, Blocks.HALF}


def test_a_slow_link_takes_fewer_colours_and_never_more() -> None:
    assert Colours().thin() == Colours(PALETTE, greys=THIN_GREYS)
    assert Colours(SIXTEEN, dark=False).thin() == Colours(SIXTEEN, dark=False, greys=THIN_GREYS)
    assert Colours(NONE).thin().depth is NONE
    assert Colours().greys == MOST_GREYS


def test_contrast_is_that_of_the_web_guidelines() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((255, 255, 255), (0x76, 0x76, 0x76)) == pytest.approx(4.54, abs=0.01)
    assert luminance((255, 255, 255)) == pytest.approx(1)


def told(settings: Settings, answers: TerminalAnswers | None = None, **environ: str) -> str:
    return "\n".join(
        colour_lines(
            {"TERM": "xterm", **environ}, settings, answers or TerminalAnswers(), theme_for
        )
    )


def test_doctor_says_what_is_drawn_with_and_why() -> None:
    lines = told(Settings(), TerminalAnswers((255, 255, 255), "kitty(0.41.0)"))
    assert "all (truecolor)" in lines
    assert "light (reported by the terminal)" in lines
    assert "octants" in lines
    assert "tuilabel-light" in lines
    assert "!" not in lines
    assert "! No more colours are known" in told(Settings())
    assert "dark (assumed" in told(Settings())
    assert "dark (assumed" in told(Settings(), COLORFGBG="default;default")
    assert "mlterm keeps 240 colours" in told(Settings(), TERM="mlterm")
    assert "more colours" not in told(Settings(), TERM="mlterm")
    assert "! NO_COLOR is set" in told(Settings(), NO_COLOR="1")
    assert "!" not in told(Settings(color="none"), NO_COLOR="1")
    assert "light (by COLORFGBG)" in told(Settings(), COLORFGBG="0;15")
    assert "ASCII" in told(Settings(blocks="ascii"))
    assert "needs more colours: ansi is used" in told(Settings(theme="tritanopia"))


def test_textual_is_told() -> None:
    for color, system in [("truecolor", "truecolor"), ("256", "256"), ("none", "standard")]:
        environ = {"TERM": "xterm"}
        assert prepare(environ, color=color).depth == color
        assert environ["TEXTUAL_COLOR_SYSTEM"] == system


def test_deciding_imports_neither_textual_nor_numpy() -> None:
    code = (
        "import sys, tuilabel.tui.terminal.capabilities as c; c.decide_colours({});"
        "print([m for m in ('textual', 'rich', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
