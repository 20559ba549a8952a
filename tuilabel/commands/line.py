"""Line mode from the command line: when it is, and what it opens."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from tuilabel.errors import UsageError

if TYPE_CHECKING:
    from tuilabel.workspace.opening import SourceOptions


class PlainProgress:
    """Says on standard error in lines of text when a part begins, and when it is done."""

    def __init__(self) -> None:
        self._begun = ""

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Say a part's beginning and end."""
        if what != self._begun:
            self._begun = what
            click.echo(f"{what}: begun", err=True)
        if total is not None and done >= total:
            click.echo(f"{what}: done", err=True)
            self._begun = ""


def line_mode(wished: bool, image: bool) -> tuple[str, ...] | None:
    """Decide between lines and the full screen.

    Parameters
    ----------
    wished : bool
        Whether lines are asked for.
    image : bool
        Whether images are to be drawn; only line mode can do without.

    Returns
    -------
    tuple of str or None
        What line mode begins with: why it is there, where nobody asked for it. None for the full
        screen.

    Raises
    ------
    UsageError
        Neither can be.
    """
    if wished:
        for stream, name in ((sys.stdin, "input"), (sys.stdout, "output")):
            if stream is None:
                raise UsageError(
                    f"Standard {name} is closed, and line mode needs it: leave it open."
                )
        return ()
    from tuilabel.commands.text import cannot_draw, terminal_problem

    problem = terminal_problem()
    if problem is not None:
        raise UsageError(problem)
    why = cannot_draw()
    if why is not None:
        return (why,)
    if not image:
        raise UsageError("--no-image belongs to --line: give both, or neither.")
    return None


def label_in_lines(
    source: SourceOptions,
    session: str | None,
    flags: Mapping[str, Any],
    *,
    image: bool,
    opening: Sequence[str],
) -> int:
    """Open a session and talk about it; give the exit status."""
    _use_one_thread()
    from tuilabel.line.run import run
    from tuilabel.workspace.opening import open_workspace
    from tuilabel.workspace.places import find_session

    path = None if session is None else find_session(session, may_be_new=True)
    with open_workspace(source, flags, path=path, progress=PlainProgress()) as work:
        return run(work, pictures=image, opening=opening)


def demo_in_lines(
    source: SourceOptions,
    flags: Mapping[str, Any],
    *,
    rate: float,
    budget: int,
    image: bool,
    opening: Sequence[str],
) -> int:
    """Let the ground truth talk; give the exit status."""
    _use_one_thread()
    from tuilabel.line.run import run
    from tuilabel.workspace.opening import demo_workspace

    with demo_workspace(source, flags, progress=PlainProgress()) as work:
        return run(work, pictures=image, demo=rate, demo_budget=budget, opening=opening)


def _use_one_thread() -> None:
    """Import numpy without numerical threads, of which this process needs none."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
