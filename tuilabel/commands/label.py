"""Commands that label: `label`, `demo` and `home`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from tuilabel.commands.completion import complete_sessions
from tuilabel.commands.feeds import Feeding, check_feeds, feed_options, start_feeds
from tuilabel.commands.line import PlainProgress, check_terminal, line_mode, use_one_thread
from tuilabel.commands.options import (
    count_options,
    line_options,
    setting_options,
    source_argument,
)
from tuilabel.commands.progress import ProgressLine
from tuilabel.commands.screen import (
    ask_folders,
    ask_open,
    check_keys,
    check_limits,
    outcome_of,
    prepare_screen,
    terminal_for,
)
from tuilabel.commands.sources import INPUT, choose_source
from tuilabel.commands.text import say, say_after_screen, write_labels
from tuilabel.errors import UnnamedClassesError
from tuilabel.plugins import exists, is_url, named_source, split_source, with_options
from tuilabel.process.signals import SIGNALS, leave_at_once
from tuilabel.settings import PERSON, SETTINGS

if TYPE_CHECKING:
    from tuilabel.feeds.parent import Feeds
    from tuilabel.tui.app.base import Ended
    from tuilabel.workspace.opening import SourceOptions, Workspace

DEMO_RATE, DEMO_BUDGET = 4.0, 200

PERSON_SETTINGS = tuple(name for name, setting in SETTINGS.items() if setting.scope == PERSON)

DEMO_SETTINGS = tuple(
    name for name, setting in SETTINGS.items() if name != "yesno_keys" and not setting.is_table
)

Opener = Callable[..., "Workspace"]
"""Opens what is to be labelled; it is told how to report progress and which check to make."""


@click.command("label")
@source_argument
@count_options
@click.option(
    "--session",
    type=click.Path(),
    metavar="F",
    shell_complete=complete_sessions,
    help="Session.  [default: the source's own]",
)
@setting_options()
@line_options
@click.option(
    "--yesno", is_flag=True, help="Two classes, no and yes or those of --classes, on two keys."
)
@click.option(
    "--multi", is_flag=True, help="Several classes for an image, or none: keys mark, Enter saves."
)
@click.option(
    "--group",
    metavar="HOW",
    help="Ask the files of a group as one: exif:10s, regex:PATTERN or folder.",
)
@click.option("--watch", is_flag=True, help="Add files that arrive in the folder while you label.")
@feed_options
@click.option("--mouse/--no-mouse", default=False, help="Report mouse events.  [default: no]")
def label(session: str | None, line: bool, image: bool, mouse: bool, **options: Any) -> None:
    """Label images (the default command).

    Without SOURCE, continue the last session; the first time, open scikit-learn's digits.
    """
    _label(partial(_open, options, session), options, line, image, mouse=mouse)


@click.command("demo")
@source_argument
@count_options
@setting_options(*DEMO_SETTINGS)
@line_options
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 1000),
    metavar="N",
    default=DEMO_RATE,
    show_default=True,
    help="Labels per second.",
)
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    metavar="N",
    default=DEMO_BUDGET,
    show_default=True,
    help="Number of labels after which the demo ends.",
)
def demo(line: bool, image: bool, rate: float, budget: int, **options: Any) -> None:
    """Watch the ground truth label images.

    Press any class key to take over (with --line: Enter), p to pause. SOURCE needs ground truth;
    the default is digits.
    """
    _label(partial(_open_demo, options), options, line, image, demo=rate, demo_budget=budget)


@click.command("home")
@setting_options(*(name for name in PERSON_SETTINGS if not SETTINGS[name].is_table))
def home(**options: Any) -> None:
    """Choose among your sessions and sources.

    Enter opens the marked one. While you label, one key shows the same list.
    """
    check_limits()
    check_terminal(draws=True)
    with prepare_screen() as probe:
        from tuilabel.settings import resolve

        settings = resolve(options)
        terminal = terminal_for(settings, probe.finish())
        from tuilabel.tui.app.home import run_home

        ended = run_home(settings, colours=terminal["colours"], answers=terminal["answers"])
    _continue(ended, options)


def _label(
    opener: Opener, options: dict[str, Any], line: bool, image: bool, **how: Any
) -> NoReturn:
    """Label in lines, or on the screen and in the sessions that are requested there."""
    _check_source(options)
    if options.get("guidelines"):
        from tuilabel.workspace.guidelines import read_guidelines

        read_guidelines(options["guidelines"])
    check_limits()
    opening = line_mode(line, image, is_input_read=options["source"] == INPUT)
    choose_source(options)
    feeding = check_feeds(options)
    takes_stdout = feeding is not None and feeding.takes_stdout
    if opening is None:
        how["writes_labels"] = not takes_stdout
        ended = _on_screen(opener, feeding, yesno=options.get("yesno", False), **how)
        more = {name: how[name] for name in ("mouse", "writes_labels") if name in how}
        _continue(ended, options, **more)
    how.pop("mouse", None)
    use_one_thread()
    from tuilabel.line.run import run
    from tuilabel.tui.terminal.relays import find_relay
    from tuilabel.tui.terminal.tty import TTY

    ask = ask_folders if sys.stdin.isatty() and sys.stdout.isatty() else None
    shown = TTY.shown(sys.stdout)
    if takes_stdout and shown is sys.stdout:
        shown = sys.stderr
    with opener(progress=PlainProgress(), ask=ask) as work, start_feeds(feeding, work) as feeds:
        status = run(
            work,
            (TTY.keys, shown.fileno()),
            pictures=image,
            opening=opening,
            is_far=lambda: bool(find_relay(os.environ)),
            feeds=feeds,
            **how,
        )
        work.journal.close()
        status = _finish_feeds(feeds, status, shown)
    if not (status or takes_stdout):
        write_labels(work.path)
    sys.exit(status)


def _continue(ended: Ended, options: Mapping[str, Any], **how: Any) -> NoReturn:
    """Open what the last screen requested until one requests nothing, then exit.

    The settings of the person stay in effect; those of the last session do not.
    """
    kept = {name: options.get(name) for name in PERSON_SETTINGS}
    while ended.request is not None:
        SIGNALS.resume()
        match ended.request:
            case ("demo", name):
                opener = partial(_open_demo, {**kept, "source": name})
                ended = _on_screen(opener, demo=DEMO_RATE, demo_budget=DEMO_BUDGET, **how)
            case ("session", name):
                ended = _on_screen(partial(_open, kept, name), **how)
            case (_, name):
                ended = _on_screen(partial(_open, {**kept, "source": name}), **how)
    sys.exit(ended.status)


def _check_source(options: Mapping[str, Any]) -> None:
    """Raise the error about a source that does not exist, before any about the terminal."""
    source = options["source"]
    if source in (None, INPUT) or is_url(source):
        return
    if (name := split_source(named_source(source))[0]) and exists("sources", name):
        return
    if not os.path.lexists(source) and not source.startswith("~"):
        from tuilabel.data import open_dataset

        open_dataset(source)


def _finish_feeds(feeds: Feeds | None, status: int, stream: TextIO) -> int:
    """Finish what others follow, and return the exit status."""
    if feeds is None:
        return status
    SIGNALS.resume()  # anyone who does not want to wait for it may leave
    say(*feeds.finish(), stream=stream)
    return status or int(feeds.is_behind)


def _on_screen(
    opener: Opener,
    feeding: Feeding | None = None,
    *,
    yesno: bool = False,
    writes_labels: bool = True,
    **how: Any,
) -> Ended:
    from tuilabel.tui.terminal.tty import TTY

    with (
        prepare_screen() as probe,
        opener(
            progress=ProgressLine(stream=TTY.shown(sys.stderr)),
            check=partial(check_keys, yesno=yesno),
            is_open=lambda host: ask_open(host, probe),
            ask=lambda folders: ask_folders(folders, probe),
            reads_on=True,
        ) as work,
        start_feeds(feeding, work) as feeds,
    ):
        terminal = terminal_for(work.settings, probe.finish())
        from tuilabel.tui.app.labelling import run
        from tuilabel.workspace.ending import end_run

        ended = run(work, feeds=feeds, **how, **terminal)
        ending = end_run(work)
        say_after_screen(*work.dataset.notices, *outcome_of(ending, ended.status))
        if ended.request is None and not ending.is_stuck:
            status = _finish_feeds(feeds, ended.status, TTY.shown(sys.stdout))
            ended = ended._replace(status=status)
    if ending.is_stuck:
        leave_at_once(ended.status or int(ending.failed))
    if ending.failed:
        return ended._replace(status=ended.status or 1, request=None)
    if not ended.status and ended.request is None and writes_labels:
        write_labels(work.path)
    return ended


def _open(
    options: Mapping[str, Any],
    session: str | None = None,
    *,
    reads_on: bool = False,
    ask: Callable[[Sequence[str]], str | None] | None = None,
    **more: Any,
) -> Workspace:
    from tuilabel.workspace.opening import open_workspace
    from tuilabel.workspace.places import find_session

    path = None if session is None else find_session(session, may_be_new=True)
    how = {**more, "path": path, "reads_on": reads_on}
    try:
        return open_workspace(_source(options), options, **how)
    except UnnamedClassesError as error:
        kind = ask(error.folders) if ask is not None and error.folders else None
        if kind is None:
            raise
        source = with_options(options["source"], folders=kind)
        return open_workspace(_source({**options, "source": source}), options, **how)


def _open_demo(
    options: Mapping[str, Any],
    *,
    is_open: object = None,
    reads_on: bool = False,
    ask: object = None,
    **more: Any,
) -> Workspace:
    from tuilabel.workspace.opening import demo_workspace

    return demo_workspace(_source(options), options, **more)


def _source(options: Mapping[str, Any]) -> SourceOptions:
    from tuilabel.workspace.opening import SourceOptions

    names = ("source", "classes", "pool", "test", "watch", "yesno", "multi")
    return SourceOptions(**{name: options[name] for name in names if name in options})
