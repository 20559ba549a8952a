"""Line mode: when the command line uses it, and how it reports progress there."""

from __future__ import annotations

import os
import sys

import click

from tuilabel.errors import UsageError


class PlainProgress:
    """Reports on standard error, in lines of text, that a part begins and that it is done."""

    def __init__(self) -> None:
        self._begun = ""

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Print the beginning and the end of a part."""
        if what != self._begun:
            self._begun = what
            click.echo(f"{what}: begun", err=True)
        if total is not None and done >= total:
            click.echo(f"{what}: done", err=True)
            self._begun = ""


def line_mode(line: bool, image: bool, *, is_input_read: bool = False) -> tuple[str, ...] | None:
    """Return what line mode opens with, or None for the full screen.

    Parameters
    ----------
    line : bool
        Whether line mode was requested.
    image : bool
        Whether to draw images; only line mode can do without.
    is_input_read : bool
        Whether standard input names the images, so that answers have to come from the terminal.

    Returns
    -------
    tuple of str or None
        Without a request for line mode, the reason for it.

    Raises
    ------
    UsageError
        Neither is possible.
    """
    if line:
        for stream, name in ((sys.stdin, "input"), (sys.stdout, "output")):
            if stream is None:
                raise UsageError(
                    f"Standard {name} is closed, and line mode needs it: leave it open."
                )
        if is_input_read:
            try:
                check_terminal()
            except UsageError as error:
                raise UsageError(
                    "Standard input has the paths of the images, so the answers need a terminal, "
                    "and this process has none: write the paths to a file, and name that instead "
                    "of -."
                ) from error
        return ()
    from tuilabel.commands.text import cannot_draw

    check_terminal()
    reason = cannot_draw()
    if reason is not None:
        return (reason,)
    if not image:
        raise UsageError("--no-image needs --line: use both, or neither.")
    return None


def check_terminal(*, draws: bool = False) -> None:
    """Raise if there is no terminal, or, with `draws`, one that may not be able to draw.

    Raises
    ------
    UsageError
    """
    from tuilabel.commands.text import cannot_draw
    from tuilabel.tui.terminal.tty import TTY

    TTY.open()
    if draws and cannot_draw() is not None:
        raise UsageError(
            f"TERM is {os.environ.get('TERM', '')!r}, so the terminal may not be able to draw. "
            "Set TERM to its name, or label in lines of text: `tuilabel label --line`."
        )


def use_one_thread() -> None:
    """Make numpy start no threads when it is imported: this process needs none."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
