"""The options of the command line that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from tuilabel.learn.names import COLD_START_NAMES, FEATURE_NAMES, MODEL_NAMES, STRATEGY_NAMES
from tuilabel.settings import (
    BACKGROUNDS,
    BLOCKS,
    COLORS,
    GRAPHICS,
    KEYMAPS,
    LINKS,
    SUGGESTIONS,
    THEMES,
    VIEWS,
)


def comma_separated(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Take names apart that are given in one word."""
    return None if value is None else tuple(name.strip() for name in value.split(","))


def one_of(names: Sequence[str]) -> dict[str, Any]:
    """Show and complete the names of an option; `settings` refuses others in one sentence."""
    return {
        "metavar": "[" + "|".join(names) + "]",
        "shell_complete": lambda _, __, typed: [name for name in names if name.startswith(typed)],
    }


def some_of(names: Sequence[str]) -> dict[str, Any]:
    """Do the same for an option that takes several names."""

    def complete(ctx: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
        before, comma, last = typed.rpartition(",")
        return [before + comma + name for name in names if name.startswith(last)]

    return {
        "metavar": "[" + "|".join(names) + "],...",
        "callback": comma_separated,
        "shell_complete": complete,
    }


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def options(*decorators: Decorator) -> Decorator:
    """Make one decorator of several, which are then shown in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


count_options = options(
    click.option(
        "--classes",
        metavar="A,B,...",
        callback=comma_separated,
        help="Class names, where the source has none.",
    ),
    click.option("--pool", type=int, metavar="N", help="Use the first N images of the pool."),
    click.option("--test", type=int, metavar="N", help="Use the first N images of the hold-out."),
)

loop_options = options(
    click.option("--model", **one_of(MODEL_NAMES), help="What learns.  [default: auto]"),
    click.option("--features", **one_of(FEATURE_NAMES), help="What it sees.  [default: auto]"),
    click.option(
        "--strategy", **one_of(STRATEGY_NAMES), help="What is asked next.  [default: auto]"
    ),
    click.option(
        "--cold-start", **one_of(COLD_START_NAMES), help="What is asked first.  [default: auto]"
    ),
    click.option(
        "--epsilon",
        type=float,
        metavar="SHARE",
        help="Share of each batch to draw at random.  [default: 0]",
    ),
    click.option(
        "--batch-size", type=int, metavar="N", help="Labels between two fits.  [default: 10]"
    ),
    click.option(
        "--seed", type=int, metavar="N", help="Seed of every random choice.  [default: 0]"
    ),
    click.option(
        "--suggestions",
        **one_of(SUGGESTIONS),
        help="When the model's classes are shown.  [default: before]",
    ),
)

source_options = options(
    click.argument("source", required=False, type=click.Path()), count_options, loop_options
)

person_options = options(
    click.option(
        "--audit",
        type=float,
        metavar="SHARE",
        help="Share drawn at random to measure accuracy, without truth.  [default: 0.1]",
    ),
    click.option("--annotator", metavar="NAME", help="Who labels.  [default: your user name]"),
)

_color = click.option(
    "--color", **one_of(COLORS), help="How many colours the terminal has.  [default: auto]"
)
_background = click.option(
    "--background",
    **one_of(BACKGROUNDS),
    help="What the terminal's own background is.  [default: auto]",
)
_blocks = click.option(
    "--blocks",
    **one_of(BLOCKS),
    help="The characters that images are drawn with.  [default: auto]",
)

picture_options = options(_color, _background, _blocks)

screen_options = options(
    _color,
    click.option("--theme", **one_of(THEMES), help="The colours.  [default: auto]"),
    _background,
    _blocks,
    click.option(
        "--graphics",
        **one_of(GRAPHICS),
        help="Draw images by a graphics protocol.  [default: off]",
    ),
    click.option(
        "--link", **one_of(LINKS), help="How fast the line to the terminal is.  [default: auto]"
    ),
    click.option("--keymap", **one_of(KEYMAPS), help="Which keys there are.  [default: default]"),
    click.option(
        "--view",
        **one_of(VIEWS),
        help="One image at a time, or a batch at once.  [default: single]",
    ),
)

line_options = options(
    click.option(
        "--line",
        is_flag=True,
        envvar="TUILABEL_LINE",
        help="No full screen: plain lines of text, for screen readers and serial lines.",
    ),
    click.option(
        "--image/--no-image",
        default=True,
        envvar="TUILABEL_IMAGE",
        help="With --line: draw images, or only name them.  [default: draw]",
    ),
)
