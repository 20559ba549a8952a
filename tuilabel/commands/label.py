"""Commands that label: `label`, `demo` and `home`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuilabel.commands.line import demo_in_lines, label_in_lines, line_mode
from tuilabel.commands.options import (
    line_options,
    person_options,
    screen_options,
    source_options,
)
from tuilabel.commands.progress import ProgressLine
from tuilabel.commands.screen import check_keys, outcome_of, prepare_screen, terminal_for
from tuilabel.commands.text import say
from tuilabel.process.signals import SIGNALS

if TYPE_CHECKING:
    from tuilabel.tui.app.base import Ended
    from tuilabel.workspace.opening import SourceOptions
    from tuilabel.workspace.recent import OpenRequest

DEMO_RATE, DEMO_BUDGET = 4.0, 200


@click.command("label")
@source_options
@click.option(
    "--session",
    type=click.Path(),
    metavar="F",
    help="The session file.  [default: the source's own]",
)
@person_options
@screen_options
@line_options
@click.option("--mouse/--no-mouse", default=False, help="Report the mouse.  [default: no]")
def label(
    source: str | None, session: str | None, mouse: bool, line: bool, image: bool, **options: Any
) -> None:
    """Label images (the default command).

    Without SOURCE the last session goes on; the first time, scikit-learn's digits are opened.
    """
    lines = line_mode(line, image)
    if lines is not None:
        where = _source(source, options)
        sys.exit(label_in_lines(where, session, options, image=image, opening=lines))
    ended = _label(_source(source, options), options, session, mouse=mouse)
    _leave(ended, options, mouse=mouse)


@click.command("demo")
@source_options
@screen_options
@line_options
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 1000),
    default=DEMO_RATE,
    show_default=True,
    help="Labels per second.",
)
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    default=DEMO_BUDGET,
    show_default=True,
    help="Labels after which the demo ends.",
)
def demo(
    source: str | None, rate: float, budget: int, line: bool, image: bool, **options: Any
) -> None:
    """Watch the ground truth press the keys.

    Any class key takes over, in --line mode Enter; p pauses. SOURCE needs ground truth: digits by
    default.
    """
    lines = line_mode(line, image)
    if lines is not None:
        where = _source(source, options)
        sys.exit(
            demo_in_lines(where, options, rate=rate, budget=budget, image=image, opening=lines)
        )
    _leave(_demo(_source(source, options), options, rate, budget), options)


@click.command("home")
@screen_options
def home(**options: Any) -> None:
    """Choose among your sessions and sources.

    Enter opens what is marked. The same list is one key away from labelling.
    """
    with prepare_screen() as probe:
        from tuilabel.settings import resolve

        settings = resolve(options)
        terminal = terminal_for(settings, probe.finish())
        from tuilabel.tui.app.home import run_home

        ended = run_home(settings, colours=terminal["colours"], answers=terminal["answers"])
    _leave(ended, options)


def _label(
    where: SourceOptions, flags: Mapping[str, Any], session: str | None, *, mouse: bool
) -> Ended:
    with prepare_screen() as probe:
        from tuilabel.workspace.opening import open_workspace
        from tuilabel.workspace.places import find_session

        path: Path | None = None if session is None else find_session(session, may_be_new=True)
        with open_workspace(
            where, flags, path=path, progress=ProgressLine(), check=check_keys
        ) as work:
            terminal = terminal_for(work.settings, probe.finish())
            from tuilabel.tui.app.labelling import run

            ended = run(work, mouse=mouse, **terminal)
            say(*work.dataset.notices, *outcome_of(work, ended.status))
    return ended


def _demo(where: SourceOptions, flags: Mapping[str, Any], rate: float, budget: int) -> Ended:
    with prepare_screen() as probe:
        from tuilabel.workspace.opening import demo_workspace

        with demo_workspace(where, flags, progress=ProgressLine(), check=check_keys) as work:
            terminal = terminal_for(work.settings, probe.finish())
            from tuilabel.tui.app.labelling import run

            ended = run(work, demo=rate, demo_budget=budget, **terminal)
            say(*outcome_of(work, ended.status))
    return ended


def _leave(ended: Ended, options: Mapping[str, Any], *, mouse: bool = False) -> None:
    """Open what the screen that ended asked for, as long as one asks; then leave.

    The options of the person and the terminal stay in effect; those of the session before do not.
    """
    from tuilabel.settings.values import OF_THE_PERSON

    kept = {name: options.get(name) for name in (*OF_THE_PERSON, "annotator")}
    while ended.request is not None:
        SIGNALS.go_on()
        ended = _open(ended.request, kept, mouse=mouse)
    sys.exit(ended.status)


def _open(request: OpenRequest, flags: Mapping[str, Any], *, mouse: bool) -> Ended:
    from tuilabel.workspace.opening import SourceOptions

    match request:
        case ("demo", name):
            without = {**flags, "annotator": None}
            return _demo(SourceOptions(name), without, DEMO_RATE, DEMO_BUDGET)
        case ("session", name):
            return _label(SourceOptions(), flags, name, mouse=mouse)
        case (_, name):
            return _label(SourceOptions(name), flags, None, mouse=mouse)


def _source(source: str | None, options: dict[str, Any]) -> SourceOptions:
    from tuilabel.workspace.opening import SourceOptions

    return SourceOptions(source, options.pop("classes"), options.pop("pool"), options.pop("test"))
