"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from tuilabel import plugins
from tuilabel.commands.completion import complete_sessions, complete_sources
from tuilabel.errors import UsageError
from tuilabel.settings import SETTINGS, Setting

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


FOLDERS = ("labels", "suggestions", "truth")
"""What the names of folders can be."""


def comma_separated(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Return the names in a value such as ``cat,dog``."""
    return None if value is None else tuple(name.strip() for name in value.split(","))


def one_of(names: Sequence[str], group: str = "") -> dict[str, Any]:
    """Return the arguments of an option that shows and completes its names.

    The code that uses the name refuses an unknown one, in one sentence.

    Parameters
    ----------
    names : sequence of str
        Those that are built in.
    group : str
        The group of plug-ins that add further names.
    """
    return {
        "metavar": "[" + "|".join(names) + "]",
        "shell_complete": lambda _, __, typed: _beginning(typed, names, group),
    }


def _beginning(typed: str, names: Sequence[str], group: str) -> list[str]:
    """Return the names that begin with what is typed; of plug-ins if no built-in one does."""
    found = [name for name in names if name.startswith(typed)]
    if found or not group:
        return found
    return [name for name in plugins.names(group) if name.startswith(typed)]


def some_of(names: Sequence[str], group: str = "") -> dict[str, Any]:
    """Return the arguments of an option that takes several names, separated by commas."""

    def complete(ctx: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
        before, comma, last = typed.rpartition(",")
        return [before + comma + name for name in _beginning(last, names, group)]

    return {
        "metavar": "[" + "|".join(names) + "],...",
        "callback": comma_separated,
        "shell_complete": complete,
    }


def options(*decorators: Decorator) -> Decorator:
    """Return one decorator for several; the help shows their options in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def setting_options(*names: str) -> Decorator:
    """Return a decorator with the options of these settings, or of all."""
    chosen = names or [name for name, setting in SETTINGS.items() if not setting.is_table]
    return options(*(_setting_option(SETTINGS[name]) for name in chosen))


def _setting_option(setting: Setting) -> Decorator:
    values = setting.values

    def read(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Any:
        return None if value is None else values.read(value, setting.option)

    return click.option(
        setting.option,
        **{**one_of(values.choices, values.group), "metavar": values.metavar},
        callback=read,
        help=f"{setting.help}  [default: {setting.default}]",
    )


def _positive(ctx: click.Context, parameter: click.Parameter, value: int | None) -> int | None:
    if value is not None and value < 1:
        raise UsageError(f"{parameter.opts[0]} {value} is out of range: use a number from 1 on.")
    return value


count_options = options(
    click.option(
        "--classes",
        metavar="A,B,...",
        callback=comma_separated,
        help="Names of the classes, if the source does not contain them.",
    ),
    click.option(
        "--pool",
        type=int,
        callback=_positive,
        metavar="N",
        help="Use the first N images of the pool.",
    ),
    click.option(
        "--test",
        type=int,
        callback=_positive,
        metavar="N",
        help="Use the first N images of the hold-out.",
    ),
    click.option(
        "--where",
        metavar="EXPR",
        help="Use the rows of a table for which this is true, such as 'split == \"train\"'.",
    ),
    click.option(
        "--path-column",
        metavar="NAME",
        help="Column of a table with the paths.  [default: path, file, filename or image]",
    ),
    click.option(
        "--folders",
        **one_of(FOLDERS),
        help="What the names of folders, as cat in cat/1.jpg, are: labels to continue from, "
        "suggestions to check, or the ground truth.",
    ),
    click.option(
        "--confidence",
        metavar="N",
        help="Use the boxes of a JSON file of detections with at least this confidence.  "
        "[default: 0.2]",
    ),
    click.option(
        "--root",
        metavar="DIR",
        help="Folder of the paths in a list, table or JSON file.  [default: the file's own]",
    ),
    click.option(
        "--frames", is_flag=True, help="Each page of a TIFF and frame of an animation is an image."
    ),
    click.option(
        "-0", "--null", is_flag=True, help="The paths of a list end with NUL, as of find -print0."
    ),
)

source_argument = click.argument(
    "source", required=False, type=click.Path(), shell_complete=complete_sources
)

session_argument = click.argument(
    "session",
    required=False,
    type=click.Path(),
    metavar="[F]",
    shell_complete=complete_sessions,
)

line_options = options(
    click.option(
        "--line",
        is_flag=True,
        envvar="TUILABEL_LINE",
        help="Use plain lines of text, for screen readers and serial lines.",
    ),
    click.option(
        "--image/--no-image",
        default=True,
        envvar="TUILABEL_IMAGE",
        help="With --line: draw images, or only name them.  [default: draw]",
    ),
)
