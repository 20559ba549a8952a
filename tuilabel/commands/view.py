"""The command that shows images and writes the paths of the marked ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

import click

from tuilabel.commands.completion import complete_sources
from tuilabel.commands.line import check_terminal
from tuilabel.commands.options import one_of, setting_options
from tuilabel.commands.progress import ProgressLine
from tuilabel.commands.screen import check_limits, prepare_screen, terminal_for
from tuilabel.commands.sources import INPUT, fetch, read_list
from tuilabel.commands.text import data_output, say_after_screen
from tuilabel.errors import UsageError
from tuilabel.plugins import is_url
from tuilabel.text import counted, meant, shown_path

_SORTS = ("name", "time", "likeness", "odd")

_SETTINGS = (
    *("color", "background", "blocks", "graphics", "theme", "keymap", "link", "key_delay"),
)


@click.command("view")
@click.argument("source", type=click.Path(), shell_complete=complete_sources)
@click.option(
    "--sort",
    **one_of(_SORTS),
    default="name",
    show_default=True,
    help="The first order: odd has the images first that are unlike all others.",
)
@click.option(
    "-0",
    "--null",
    is_flag=True,
    help="End each path with NUL, as xargs -0 expects; also of a list.",
)
@setting_options(*_SETTINGS)
def view(source: str, sort: str, null: bool, **options: Any) -> None:
    """Look at images and mark some.

    No classes and no session are needed. Space marks an image, q writes the paths of the marked
    ones to standard output and quits, Ctrl-C quits and writes nothing.
    """
    if sort not in _SORTS:
        raise UsageError(
            f"There is no order {sort!r}: choose one of {', '.join(_SORTS)}.{meant(sort, _SORTS)}"
        )
    check_limits()
    check_terminal(draws=True)
    if source == INPUT:
        source = read_list(null=null, is_kept=False)
    elif is_url(source):
        source = fetch(source)
    from tuilabel.settings import resolve
    from tuilabel.tui.terminal.tty import TTY

    settings = resolve(options)
    with prepare_screen() as probe:
        from tuilabel.workspace.viewing import Viewed

        viewed = Viewed(source, ProgressLine(stream=TTY.shown(sys.stderr)))
        terminal = terminal_for(settings, probe.finish())
        from tuilabel.tui.app.viewing import run_view

        ended, marked = run_view(viewed, settings, sort, **terminal)
    if not ended.status:
        _write(viewed.written(marked), "\0" if null else "\n")
    sys.exit(ended.status)


def _write(paths: Iterable[str], end: str) -> None:
    """Write paths to standard output, as they are; on a terminal, as text that is harmless there.

    Raises
    ------
    UsageError
        A path has a line break, and would be read as two. The others are written.
    """
    if sys.stdout.isatty():
        say_after_screen(*map(shown_path, paths))
        return
    left_out = 0
    with data_output():
        for path in paths:
            if end in path:
                left_out += 1
            else:
                sys.stdout.buffer.write(os.fsencode(path + end))
        sys.stdout.buffer.flush()
    if left_out:
        raise UsageError(
            f"{counted(left_out, 'marked path has', 'marked paths have')} a line break and "
            "cannot be written one in a line: use -0, and a program that expects it."
        )
