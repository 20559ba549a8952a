"""Commands about an existing session: its progress, a check, auto-labels."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from tuilabel.commands.options import one_of, session_argument
from tuilabel.commands.progress import ProgressLine
from tuilabel.commands.text import say
from tuilabel.text import counted, inert, shown_path


@click.command("status")
@session_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--pictures", is_flag=True, help="Show the newest labelled images of each class.")
@click.option(
    *("--unreadable", "--skipped", "unreadable"),
    is_flag=True,
    help="List the files that cannot be read, and why; count those that have changed.",
)
def status_(session: str | None, as_json: bool, pictures: bool, unreadable: bool) -> None:
    """Show a session's progress.

    F is a session or the source it was made for; by default the last session.
    """
    import json

    from tuilabel.errors import UsageError
    from tuilabel.session.summary import asked, summarise
    from tuilabel.session.view import SessionView
    from tuilabel.workspace.places import find_session

    if as_json and (pictures or unreadable):
        option = "--pictures" if pictures else "--unreadable"
        raise UsageError(f"{option} cannot be part of --json: leave one of them out.")
    path = find_session(session)
    view = SessionView(path)
    summary = summarise(view)
    if as_json:
        click.echo(json.dumps({**summary, "asked": asked(view)}))
        return
    from tuilabel.commands.text import status_lines

    for line in status_lines(path, summary):
        click.echo(line)
    if not (pictures or unreadable):
        return
    from tuilabel.workspace.opening import carry_command, open_dataset_of

    dataset = open_dataset_of(view, ProgressLine())
    if unreadable:
        from tuilabel.commands.text import unreadable_lines
        from tuilabel.session.gone import gone
        from tuilabel.text import carry_text, changed_text

        for line in unreadable_lines(dataset):
            click.echo(line)
        answered = list(view.known.answered())
        rows = dataset.rows_of(answered)
        found = gone(view.known, view.record.events, dataset, answered, rows)
        if found.same:
            click.echo(carry_text(len(found.same), carry_command(path)))
        if others := found.changed - len(found.same):
            click.echo(changed_text(others))
    if pictures:
        from tuilabel.commands.printing import PicturePrinter, echo
        from tuilabel.commands.sheets import class_sheet

        echo(class_sheet(dataset, view, PicturePrinter({})))


@click.command("check")
@session_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(session: str | None, as_json: bool) -> None:
    """Check a session for damaged and missing parts.

    F is a session or the source it was made for; by default the last session. Nothing is written.
    The exit status is 1 if anything is damaged or missing. Contradictions about classes are listed
    too.
    """
    import json

    from tuilabel.commands.text import check_lines
    from tuilabel.session.view import SessionView
    from tuilabel.workspace.checking import check_session
    from tuilabel.workspace.places import find_session

    path = find_session(session)
    found = check_session(path)
    of_classes = SessionView(path).known.classes.problems
    if as_json:
        click.echo(json.dumps({**found, "classes": of_classes}))
    else:
        say(*check_lines(found, of_classes))
    if found["problems"]:
        click.get_current_context().exit(1)


@click.command("carry")
@session_argument
@click.option("--revert", is_flag=True, help="Undo it, also where another annotator did it.")
def carry_(session: str | None, revert: bool) -> None:
    """Keep labels where only a file's metadata changed.

    F is a session or the source it was made for; by default the last session. A file is found by
    its path, and its stored pixels are compared with those that were labelled.
    """
    from tuilabel.text import changed_text, uncarried_text
    from tuilabel.workspace.carrying import carry, take_back
    from tuilabel.workspace.opening import carry_command
    from tuilabel.workspace.places import find_session

    path = find_session(session)
    command = carry_command(path)
    if revert:
        count = take_back(path)
        say(uncarried_text(count) if count else "There is nothing to undo.")
        return
    progress = ProgressLine()
    found = carry(path, progress)
    progress.close()
    if found.same:
        files = counted(len(found.same), "file")
        say(f"Kept the labels of {files}. {command[:-1]} --revert` takes this back.")
    else:
        say("No labelled file has changed only in its metadata.")
    if left := found.changed - len(found.same):
        say(changed_text(left))


@click.command("autolabel")
@session_argument
@click.option(
    "--method",
    **one_of(("confident", "ordered", "naive", "rest")),
    default="confident",
    help="Label images above a threshold; all, the most confident first, with fits in between; "
    "all at once; or what a random check of the rest has covered.  [default: confident]",
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
    help="With ordered: labels between two fits.  [default: 10, or a 400th of the pool]",
)
@click.option(
    "--student",
    **one_of(("softmax", "mlp")),
    help="Train this model on the pixels of all labels, and show its accuracy.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and write nothing.")
@click.option("--revert", is_flag=True, help="Undo the newest batch of auto-labels.")
def autolabel_(session: str | None, revert: bool, dry_run: bool, **options: Any) -> None:
    """Label the remaining images with the model.

    F is a session or the source it was made for; by default the last session. Auto-labels are
    stored apart from a person's, and marked: they are not used to train or to measure a model.
    """
    from tuilabel.autolabel.job import AutolabelOptions
    from tuilabel.autolabel.text import outcome_lines
    from tuilabel.workspace.autolabels import autolabel, take_back
    from tuilabel.workspace.places import find_session

    path = find_session(session)
    if options["method"] == "rest" and not revert:
        _label_rest(path, session, dry_run, {**options, "method": None})
        return
    if revert:
        batch = take_back(path)
        if batch is None:
            say("There is no batch of auto-labels to undo.")
        else:
            from tuilabel.tui.views.values import shown_time

            undone = counted(batch.held, "auto-label")
            say(f"Undone: {undone} of {shown_time(batch.event.at)}.")
        return
    chosen = AutolabelOptions(**options)
    progress = ProgressLine()
    outcome = autolabel(path, chosen, dry_run=dry_run, progress=progress)
    progress.close()
    lines = outcome_lines(
        outcome.found,
        outcome.by_class,
        chosen.student,
        path if outcome.saved else None,
        replaced=outcome.replaced,
        session=session,
    )
    say(*lines, *filter(None, [outcome.damage]))
    if dry_run and sys.stdout.isatty():
        from tuilabel.commands.printing import PicturePrinter, echo
        from tuilabel.commands.sheets import auto_label_sheet

        echo(auto_label_sheet(outcome.dataset, outcome.labels, PicturePrinter({})))


def _label_rest(path: Path, session: str | None, dry_run: bool, others: dict[str, Any]) -> None:
    from tuilabel.errors import UsageError
    from tuilabel.session.spot_checks import sentence
    from tuilabel.workspace.rest import label_rest

    given = [name for name, value in others.items() if value is not None]
    if given:
        raise UsageError(f"--{given[0]} has no effect with --method rest: leave it out.")
    found = label_rest(path, dry_run=dry_run)
    say(sentence(found.result, found.sought))
    labels = f"{counted(found.images, 'image')} without an answer"
    if not found.images:
        say("Each image that the check covers has an answer, so nothing is labelled.")
    elif dry_run:
        say(f"{labels} would be labelled {inert(found.other)}. Nothing was written (--dry-run).")
    else:
        named = shlex.quote(shown_path(session or path))
        say(
            f"Labelled {labels} as {inert(found.other)}, as one batch of origin auto. "
            f"`tuilabel autolabel {named} --revert` takes it back."
        )
