"""The command line: one function per command, which parses, calls and prints."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from pathlib import Path
from typing import Any

import click

from tuilabel import __version__
from tuilabel.cli_options import (
    comma_separated,
    count_options,
    line_options,
    loop_options,
    one_of,
    person_options,
    screen_options,
    some_of,
    source_options,
)
from tuilabel.cli_screen import (
    check_keys,
    outcome_of,
    prepare_screen,
    say_crashed,
    terminal_for,
)
from tuilabel.endings import ENDINGS
from tuilabel.errors import TuilabelError, UsageError
from tuilabel.learn.names import COLD_START_NAMES, FEATURE_NAMES, MODEL_NAMES, STRATEGY_NAMES
from tuilabel.progress import ProgressLine

_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_LONGEST_MESSAGE = 2000


class _Group(click.Group):
    """A group whose command `label` may be left out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"--version", *ctx.help_option_names}
        if not ctx.resilient_parsing and (
            not args or (args[0] not in self.commands and args[0] not in own)
        ):
            args = ["label", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # A name that the locale has no characters for is no reason to fail.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except TuilabelError as error:
            from tuilabel.data import inert

            click.echo(f"tuilabel: {inert(str(error), _LONGEST_MESSAGE)}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(128 + signal.SIGINT)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001  (it is reported, and ends the program)
            ctx.exit(say_crashed(error))
        finally:
            ENDINGS.put_back()


@click.group(cls=_Group, context_settings=_HELP)
@click.version_option(__version__, prog_name="tuilabel")
def main() -> None:
    """Label images in a terminal, one keypress each, while a model learns beside you.

    Without a command it labels: `tuilabel` goes on where the last session was left, `tuilabel
    SOURCE` opens digits, mnist, mnist:DIR, a folder of images or an .npz file.
    """


@main.command()
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
    from tuilabel.cli_line import label_in_lines, line_mode

    lines = line_mode(line, image)
    if lines is not None:
        where = _source(source, options)
        sys.exit(label_in_lines(where, session, options, image=image, opening=lines))
    with prepare_screen() as probe:
        from tuilabel.workspace import find_session, open_workspace

        path = None if session is None else find_session(session, may_be_new=True)
        where = _source(source, options)
        with open_workspace(
            where, options, path=path, progress=ProgressLine(), check=check_keys
        ) as work:
            terminal = terminal_for(work.settings, probe.finish())
            from tuilabel.tui.app import run

            ended = run(work, mouse=mouse, **terminal)
            _say(*work.dataset.notices, *outcome_of(work, ended.status))
    _go_on(ended, options, mouse)


@main.command()
@source_options
@screen_options
@line_options
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 1000),
    default=4.0,
    show_default=True,
    help="Labels per second.",
)
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    default=200,
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
    from tuilabel.cli_line import demo_in_lines, line_mode

    lines = line_mode(line, image)
    if lines is not None:
        where = _source(source, options)
        sys.exit(
            demo_in_lines(where, options, rate=rate, budget=budget, image=image, opening=lines)
        )
    with prepare_screen() as probe:
        from tuilabel.workspace import demo_workspace

        with demo_workspace(
            _source(source, options), options, progress=ProgressLine(), check=check_keys
        ) as work:
            terminal = terminal_for(work.settings, probe.finish())
            from tuilabel.tui.app import run

            ended = run(work, demo=rate, demo_budget=budget, **terminal)
            _say(*outcome_of(work, ended.status))
    _go_on(ended, options)


@main.command()
@screen_options
def home(**options: Any) -> None:
    """Choose among your sessions and sources.

    Enter opens what is marked. The same list is one key away from labelling.
    """
    with prepare_screen() as probe:
        from tuilabel.settings import resolve

        settings = resolve(options)
        terminal = terminal_for(settings, probe.finish())
        from tuilabel.tui.home_app import run_home

        ended = run_home(settings, colours=terminal["colours"], answers=terminal["answers"])
    _go_on(ended, options)


@main.command("status")
@click.argument("session", required=False, type=click.Path(), metavar="[F]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status_(session: str | None, as_json: bool) -> None:
    """Tell where a session stands.

    F is a session file or the source it was made for; by default the last session.
    """
    import json

    from tuilabel.journal import read_session, summarise
    from tuilabel.workspace import find_session

    path = find_session(session)
    summary = summarise(*read_session(path))
    if as_json:
        click.echo(json.dumps(summary))
        return
    from tuilabel.report import status_lines

    for line in status_lines(path, summary):
        click.echo(line)


@main.command()
@click.argument("session", required=False, type=click.Path(), metavar="[F]")
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="OUT",
    default="-",
    show_default=True,
    help="A file, or - for standard output.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["csv", "jsonl"]),
    help="By default what OUT ends in, else csv.",
)
@click.option(
    "--origin",
    type=click.Choice(["human", "oracle", "auto"]),
    multiple=True,
    help="Only labels of this origin; may be given more than once.  [default: all]",
)
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def export(
    session: str | None, output: str, format_: str | None, origin: tuple[str, ...], force: bool
) -> None:
    """Write the labels of a session out.

    F is a session file or the source it was made for; by default the last session.
    """
    from tuilabel.exchange import FORMATS, export_to, export_to_stdout, label_rows
    from tuilabel.journal import read_session
    from tuilabel.workspace import find_session

    _, events = read_session(find_session(session))
    write = FORMATS[format_ or ("jsonl" if output.endswith(".jsonl") else "csv")]
    rows = label_rows(events, origin or None)
    if output == "-":
        export_to_stdout(rows, write)
    else:
        export_to(Path(output), rows, write, force=force)


@main.command()
@click.argument("session", required=False, type=click.Path(), metavar="[F]")
@click.option(
    "-o", "--output", type=click.Path(), metavar="OUT", help="Write here, and leave F as it is."
)
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and write nothing.")
@click.option("--source", metavar="S", help="What F was made for, where it has lost that.")
@click.option(
    "--classes", metavar="A,B,...", callback=comma_separated, help="Its classes, likewise."
)
def repair(
    session: str | None,
    output: str | None,
    dry_run: bool,
    source: str | None,
    classes: tuple[str, ...] | None,
) -> None:
    """Bring back what a damaged session file still holds.

    F is a session file or the source it was made for; by default the last session. A sound file
    is left alone; a damaged one is kept under another name.
    """
    from tuilabel.journal.repair import repair
    from tuilabel.report import repair_lines
    from tuilabel.workspace import find_session, named_source

    done = repair(
        find_session(session),
        output=None if output is None else Path(output),
        dry_run=dry_run,
        source=None if source is None else named_source(source),
        class_names=classes,
    )
    _say(*repair_lines(done))


@main.command("autolabel")
@click.argument("session", required=False, type=click.Path(), metavar="[F]")
@click.option(
    "--method",
    **one_of(("confident", "ordered", "naive")),
    default="confident",
    help="Those likely enough, all from the surest on with fits in between, or all at once."
    "  [default: confident]",
)
@click.option(
    "--threshold",
    type=float,
    metavar="P",
    help="Least probability, 0 to 1.  [default: 0.95 for confident, else none]",
)
@click.option(
    "--step",
    type=int,
    metavar="N",
    help="Labels between two fits, for ordered.  [default: 10, or a 400th of the pool]",
)
@click.option(
    "--student",
    **one_of(("softmax", "mlp")),
    help="Train this on the pixels of all labels, and tell what it is worth.",
)
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and write nothing.")
@click.option("--revert", is_flag=True, help="Take the newest batch of auto-labels back.")
def autolabel_(session: str | None, revert: bool, **wishes: Any) -> None:
    """Let the model label the rest, and tell how good that is.

    F is a session file or the source it was made for; by default the last session. Auto-labels
    are kept apart from a person's: they train nothing, measure nothing, and say what they are.
    """
    from tuilabel.autolabel import Wish, autolabel, outcome_lines, take_back
    from tuilabel.workspace import find_session

    path = find_session(session)
    if revert:
        header = take_back(path)
        if header is None:
            _say("There is no batch of auto-labels to take back.")
        else:
            _say(f"Taken back: {header.body['count']:,} auto-labels of {header.time}.")
        return
    wish = Wish(**wishes)
    progress = ProgressLine()
    outcome = autolabel(path, wish, progress=progress)
    progress.close()
    _say(*outcome_lines(outcome, wish, path))


@main.command()
@click.argument("source", type=click.Path())
@count_options
@click.option("--strategy", **some_of(STRATEGY_NAMES), help="What is asked next.")
@click.option("--model", **some_of(MODEL_NAMES), help="What learns.")
@click.option("--features", **some_of(FEATURE_NAMES), help="What it sees.")
@click.option("--cold-start", **some_of(COLD_START_NAMES), help="What is asked first.")
@click.option(
    "--epsilon",
    type=float,
    metavar="SHARE",
    help="Share of each batch to draw at random.  [default: 0]",
)
@click.option("--budget", type=int, metavar="N", help="Labels in each run.  [default: 400]")
@click.option("--batch-size", type=int, metavar="N", help="Labels between two fits.  [default: 10]")
@click.option(
    "--seeds", type=int, metavar="N", help="Runs of each, with seeds 0 to N - 1.  [default: 5]"
)
@click.option(
    "--target",
    metavar="SHARE,...",
    callback=comma_separated,
    help="Accuracies to count the labels for.  [default: 0.9,0.95]",
)
@click.option("--jobs", type=int, metavar="N", help="Processes to run in.  [default: 1]")
@click.option("--json", "json_", type=click.Path(), metavar="F", help="Write all runs as JSON.")
@click.option("--csv", "csv_", type=click.Path(), metavar="F", help="Write all runs as CSV.")
@click.option("--plot", type=click.Path(), metavar="F.svg|F.png", help="Draw the learning curves.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option(
    "--progress",
    is_flag=True,
    help="Tell how far it is where standard error is no terminal, too.",
)
@click.option(
    "--protocol",
    type=click.Choice(["article"]),
    help="Run another experiment: the article's, on MNIST.",
)
@click.option(
    "--perturb",
    type=int,
    metavar="K",
    help="With --protocol article: the band of K runs that differ in the last digits.",
)
def simulate(
    source: str, progress: bool, protocol: str | None, perturb: int | None, **options: Any
) -> None:
    """Compare strategies, with the ground truth as annotator.

    SOURCE needs ground truth, such as digits or mnist. Options that take several names, such as
    `--strategy margin,badge`, are run in every combination; `auto`, the default of each, is what
    `label` does by itself. The random baseline is always run too. After Ctrl-C the same command
    goes on from there.
    """
    from tuilabel.cli_simulate import INTERRUPTED, compare, run_the_article, use_one_thread

    use_one_thread()
    if protocol is None and perturb is not None:
        raise UsageError("--perturb belongs to --protocol article: give both or neither.")
    line = ProgressLine(everywhere=progress)
    try:
        if protocol is None:
            status = compare(source, options, line)
        else:
            status = run_the_article(source, perturb or 0, options, line)
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        status = INTERRUPTED
    sys.exit(status)


@main.command("settings")
@click.argument("session", required=False, type=click.Path(), metavar="[F]")
@loop_options
@person_options
@screen_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def settings_(session: str | None, as_json: bool, **flags: Any) -> None:
    """Tell what holds, and where each value came from.

    F is a session file or the source it was made for; with it, what the session was opened with
    last takes part. Options are those of `label`: what would hold with them.
    """
    import json

    from tuilabel.settings import (
        Settings,
        config_file,
        find,
        settings_lines,
        settings_object,
    )
    from tuilabel.tui.keymap.resolved import keymap_of
    from tuilabel.workspace import find_session, stored_settings

    path = None if session is None else find_session(session)
    found = find(flags, None if path is None else stored_settings(path))
    if as_json:
        click.echo(json.dumps(settings_object(found, config_file(), path), ensure_ascii=False))
    else:
        for line in settings_lines(found, config_file(), path):
            click.echo(line)
    # After all of it was shown: what is wrong with keys is seen in what is set.
    keymap_of(Settings(**{name: value for name, (value, _) in found.items()}))


@main.command()
def doctor() -> None:
    """Tell what this terminal and this installation can do."""
    from tuilabel.tui.doctor import doctor_lines

    for line in doctor_lines():
        click.echo(line)


def _source(source: str | None, options: dict[str, Any]) -> Any:
    from tuilabel.workspace import SourceOptions

    return SourceOptions(source, options.pop("classes"), options.pop("pool"), options.pop("test"))


def _go_on(ended: Any, options: dict[str, Any], mouse: bool = False) -> None:
    """Open what was wished for on the screen that has ended, if anything was; else leave.

    What the person said of the screen holds on; what was said of the session before does not.
    """
    if ended.wish is None:
        sys.exit(ended.status)
    from tuilabel.settings.values import OF_THE_PERSON

    ENDINGS.go_on()
    kept = {name: options.get(name) for name in (*OF_THE_PERSON, "annotator")}
    context, (kind, name) = click.get_current_context(), ended.wish
    match kind:
        case "demo":
            del kept["annotator"]
            context.invoke(demo, source=name, **kept)
        case "session":
            context.invoke(label, source=None, session=name, mouse=mouse, **kept)
        case _:
            context.invoke(label, source=name, mouse=mouse, **kept)


def _say(*lines: str) -> None:
    # After a hang-up there is no terminal to say it on, and the exit status is still to be given.
    with contextlib.suppress(OSError):
        for line in lines:
            click.echo(line)
