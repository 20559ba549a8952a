"""The command that imports labels."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuilabel.commands.completion import complete_sessions
from tuilabel.commands.options import comma_separated, one_of
from tuilabel.commands.progress import ProgressLine
from tuilabel.commands.text import say
from tuilabel.errors import ImportFileError, SessionFileError, UsageError
from tuilabel.plugins import GROUPS
from tuilabel.text import counted, inert, shown_path

if TYPE_CHECKING:
    from tuilabel.workspace.importing import Import, Some

_MOST_NAMED = 5
_LONGEST_NAME = 80


@click.command("import")
@click.argument("session", type=click.Path(), metavar="F", shell_complete=complete_sessions)
@click.argument("file", type=click.Path(), required=False, metavar="[FILE]")
@click.option(
    "--format",
    "format_",
    **one_of(["auto", *GROUPS["readers"].built_in], "readers"),
    default="auto",
    help="Format.  [default: auto, what FILE looks like]",
)
@click.option(
    "--as",
    "kind",
    type=click.Choice(["labels", "suggestions"]),
    default="labels",
    show_default=True,
    help="Import labels, or suggestions that an annotator sees and accepts or not.",
)
@click.option("--by", metavar="NAME", help="Annotator of rows that name none.  [default: you]")
@click.option("--skip-bad", is_flag=True, help="Leave out lines that cannot be read.")
@click.option(
    "--map",
    "moved",
    multiple=True,
    metavar="OLD=NEW",
    help="Replace the beginning OLD of paths, as of another machine, by NEW.",
)
@click.option(
    "--classes",
    metavar="A,B,...",
    callback=comma_separated,
    help="Start a session with these classes for a source that has none yet.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and write nothing.")
@click.option(
    "--revert", is_flag=True, help="Undo the newest import, also that of another annotator."
)
def import_(
    session: str,
    file: str | None,
    format_: str,
    kind: str,
    by: str | None,
    skip_bad: bool,
    moved: Sequence[str],
    classes: tuple[str, ...] | None,
    dry_run: bool,
    revert: bool,
) -> None:
    """Import labels from a file or from class folders.

    F is a session or the source it was made for. FILE has a row for each image, with its item_id,
    path or name, and its class. A label that somebody gave in the session stays in effect. Imported
    labels are trained on, but for those of the audit set, and exported.
    """
    from tuilabel.workspace.places import find_session

    if revert or file is None:
        if file is not None or not revert:
            if revert:
                raise UsageError("Name one of them: a FILE to import, or --revert.")
            shown = shlex.quote(shown_path(session))
            raise UsageError(
                "An import needs a session, or the source that it is for, and then FILE: "
                f"`tuilabel import SOURCE {shown}`, with --classes A,B,... if SOURCE has no "
                "session yet."
            )
        _revert(find_session(session))
        return
    from tuilabel.exchange.guessing import correction, format_of_file
    from tuilabel.exchange.reading import read_labels, unit_of
    from tuilabel.workspace.checking import damage_text
    from tuilabel.workspace.importing import Some, plan_import, write_import
    from tuilabel.workspace.matching import replaced

    source, was_guessed = Path(file), format_ == "auto"
    if was_guessed:
        format_ = format_of_file(source)
    by = inert((by or "").strip(), _LONGEST_NAME) or None
    bad, unit = Some(), unit_of(format_)
    rows = read_labels(source, format_, bad.add if skip_bad else None)
    progress = ProgressLine()
    try:
        path = _session(session, classes, progress, dry_run=dry_run)
        found = plan_import(
            path,
            replaced(rows, [_old_and_new(one) for one in moved]),
            inert(source.name, _LONGEST_NAME),
            as_suggestions=kind == "suggestions",
            by=by,
            unit=unit,
            progress=progress,
        )
    except ImportFileError as error:
        more = correction(source, format_, was_guessed=was_guessed)
        raise ImportFileError(f"{error}{more}") from error
    finally:
        progress.close()
    say(f"{shown_path(file)}, read as {format_}: {counted(found.rows, 'row')}.")
    named = shlex.quote(shown_path(session))
    damage = damage_text(path, found.view.problems)
    say(*_named("Left out, since they cannot be read", bad, unit))
    say(*_report(found, named), *filter(None, [damage]))
    if not found.count:
        raise ImportFileError(f"{shown_path(file)} has nothing to import into {named}.")
    if dry_run:
        say("Nothing was written (--dry-run).")
        return
    write_import(found)
    what = counted(found.count, "label" if found.is_of_labels else "suggestion")
    say(f"Imported {what} as one event. `tuilabel import {named} --revert` takes it back.")


def _old_and_new(given: str) -> tuple[str, str]:
    old, is_there, new = given.partition("=")
    if not (old and is_there):
        raise UsageError(
            f"--map is {inert(given)!r}; expected the beginning of paths in the file, =, and what "
            "takes its place, such as --map /mnt/old=/data/new."
        )
    return old, new


def _session(
    name: str, classes: tuple[str, ...] | None, progress: ProgressLine, *, dry_run: bool
) -> Path:
    """Return a session; with classes, start one for a source that has none."""
    from tuilabel.workspace.places import find_session

    try:
        path = find_session(name)
    except SessionFileError as error:
        if classes is None:
            raise SessionFileError(
                f"{error} With --classes A,B,..., the import starts one for a source."
            ) from error
    else:
        if classes is None:
            return path
        raise UsageError(
            f"{shown_path(name)} has a session already, {shown_path(path)}: leave out --classes, "
            "or add classes with `tuilabel classes`."
        )
    if dry_run:
        raise UsageError(
            f"{shown_path(name)} has no session yet, and --dry-run writes nothing: leave it out. "
            "--revert takes an import back."
        )
    from tuilabel.workspace.opening import SourceOptions, open_workspace

    with open_workspace(SourceOptions(name, classes), {}, progress=progress) as work:
        return work.path


def _revert(path: Path) -> None:
    from tuilabel.events.payloads import Bulk
    from tuilabel.session.undoing import bulk_text
    from tuilabel.tui.views.values import shown_time
    from tuilabel.workspace.importing import undo_import

    event = undo_import(path)
    if event is None:
        say("There is no import to undo.")
        return
    assert isinstance(event.payload, Bulk)
    say(f"Undone: {bulk_text(event.payload)} of {shown_time(event.at)}.")


def _report(found: Import, session: str) -> Iterator[str]:
    """Yield what becomes of the rows, one sentence each."""
    images = counted(found.images, "image")
    kinds = ", ".join(f"{count:,} by {how}" for how, count in found.matched.most_common())
    yield f"Matched: {kinds or 'none'}. To import: {images}."
    yield from _named("Unmatched, since no image has the content, path or name", found.unmatched)
    yield from _named("Unmatched, since several images have the name", found.ambiguous)
    if found.unlabelled:
        yield f"Left out, without a class: {counted(found.unlabelled, 'row')}."
    if found.several:
        yield (
            f"Left out, with several classes: {counted(found.several, 'row')}. A session that was "
            "made with --multi takes them as labels."
        )
    for name, count in found.unknown.most_common(_MOST_NAMED):
        add = f"tuilabel classes {session} add {shlex.quote(name)}"
        yield (
            f"Left out, with the unknown class `{name}`: {counted(count, 'row')}. `{add}` adds it."
        )
    rest = sum(count for _, count in found.unknown.most_common()[_MOST_NAMED:]) + found.unlisted
    if rest:
        yield f"Left out, with other unknown classes: {counted(rest, 'row')}."
    if found.of_models:
        yield (
            f"Left out, as labels of a model (origin auto): {counted(found.of_models, 'row')}. "
            "--as suggestions imports them."
        )
    conflicts = "In conflict and left out, since rows of one annotator disagree about the image"
    yield from _named(conflicts, found.conflicts, "image")
    if found.remarks:
        yield f"Not imported: the flags and notes of {counted(found.remarks, 'row')}."
    if found.other:
        stays = "which stays in effect where a person or the oracle gave it"
        if not found.is_of_labels:
            stays = "which stays in effect"
        of_them = counted(found.other, "image has", "images have")
        yield f"{of_them} another label in the session already, {stays}."
    if found.same:
        yield f"{counted(found.same, 'image has', 'images have')} the same label already."
    if found.audit:
        of_them = counted(found.audit, "label is", "labels are")
        yield f"{of_them} of the audit set, and never trained on; the images are still asked."


def _named(what: str, rows: Some, unit: str = "row") -> Iterator[str]:
    if rows.count:
        rest = rows.count - len(rows.first)
        more = f"; and {rest:,} more" if rest else ""
        yield f"{what}: {counted(rows.count, unit)} ({'; '.join(rows.first)}{more})."
