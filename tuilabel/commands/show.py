"""The command that prints images: one in colour, or a contact sheet of the newest labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from tuilabel.commands.completion import complete_sessions
from tuilabel.commands.options import setting_options
from tuilabel.commands.progress import ProgressLine

if TYPE_CHECKING:
    from tuilabel.commands.printing import PicturePrinter
    from tuilabel.data import Dataset
    from tuilabel.errors import SourceError
    from tuilabel.session.view import SessionView

_LEAST_SHARE = 2
"""A picture gets at least the terminal's rows divided by this, however many details follow it."""


@click.command("show")
@click.argument("items", nargs=-1, type=click.Path(), metavar="[ITEM]...")
@click.option(
    "--session",
    type=click.Path(),
    metavar="F",
    shell_complete=complete_sessions,
    help="The session or the source it was made for.  [default: the last session]",
)
@setting_options("color", "background", "blocks")
def show(items: Sequence[str], session: str | None, **flags: Any) -> None:
    """Show images and what is known about them.

    ITEM is the number of an event in the history (F6), an item id or its first 8 digits, or a path
    in the source. Without ITEM the newest labels are shown side by side, as many as fit. The first
    ITEM may be a session or its source instead of --session.
    """
    from tuilabel.commands.printing import PicturePrinter, echo
    from tuilabel.commands.sheets import newest_sheet
    from tuilabel.session.view import SessionView
    from tuilabel.workspace.items import find_item
    from tuilabel.workspace.opening import open_dataset_of
    from tuilabel.workspace.places import find_session

    if session is None and items and _is_session(items[0]):
        session, *items = items
    path = find_session(session)
    view = SessionView(path)
    printer = PicturePrinter(flags)
    dataset = open_dataset_of(view, ProgressLine())
    if not items:
        echo(list(newest_sheet(dataset, view, printer)) or ["There is no labelled image to show."])
        return
    problems = []
    for place, item in enumerate([find_item(name, dataset, view.events) for name in items]):
        if place:
            click.echo()
        problems += _show_item(item, dataset, view, printer)
    if problems:
        raise problems[0]


def _is_session(name: str) -> bool:
    """Return whether a word names a session, and not an event by its number."""
    from tuilabel.errors import SessionFileError
    from tuilabel.workspace.places import SUFFIX, find_session

    try:
        return not name.isdigit() and find_session(name).suffix == SUFFIX
    except SessionFileError:
        return False


def _show_item(
    item: str, dataset: Dataset, view: SessionView, printer: PicturePrinter
) -> list[SourceError]:
    """Print an image and what is known about it; return why there is no image, if so."""
    from tuilabel.commands.printing import echo
    from tuilabel.errors import SourceError
    from tuilabel.text import shown_path
    from tuilabel.tui.views.item import item_details
    from tuilabel.workspace.items import short_id

    picture, problems, row = None, [], dataset.row_of(item)
    try:
        if row is None:
            raise SourceError(
                f"The image {short_id(item)} is no longer in {shown_path(dataset.source)}: put it "
                "back to see it."
            )
        # The finest blocks have two by four pixels in a cell.
        picture = dataset.picture(row, (2 * printer.columns, 4 * printer.rows))
    except SourceError as error:
        problems.append(error)
    details = list(item_details(item, dataset, view, picture))
    if picture is not None:
        rows = max(printer.rows // _LEAST_SHARE, printer.rows - len(details))
        echo(printer.picture(picture.pixels(), printer.columns, rows))
    for name, text in details:
        click.echo(f"{name:<8} {text}")
    return problems
