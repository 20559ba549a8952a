"""Options of commands that label, about what others follow meanwhile."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from tuilabel.commands.options import one_of, options
from tuilabel.errors import ExportError, UsageError
from tuilabel.plugins import GROUPS
from tuilabel.text import shown_path

if TYPE_CHECKING:
    from tuilabel.feeds.parent import Feeds
    from tuilabel.feeds.plan import Plan
    from tuilabel.workspace.opening import Workspace

_PATHS = ("relative", "absolute", "name")

feed_options = options(
    click.option(
        "--mirror",
        type=click.Path(),
        metavar="FILE",
        help="Keep FILE like an export while you label.",
    ),
    click.option(
        "--mirror-format",
        **{**one_of(list(GROUPS["writers"].built_in), "writers"), "metavar": "NAME"},
        help="Format of the mirror, as with `tuilabel export --format`.  [default: the ending of "
        "FILE]",
    ),
    click.option(
        "--mirror-columns",
        metavar="FIELD=NAME,...",
        help="Fields of the mirror and their names, such as path=filename,class=label.",
    ),
    click.option(
        "--mirror-paths",
        type=click.Choice(_PATHS),
        help="Paths in the mirror, as with `tuilabel export --paths`.  [default: relative]",
    ),
    click.option("--force", is_flag=True, help="Replace the file of --mirror if it exists."),
)


class Feeding(NamedTuple):
    """What is to be fed, checked as far as it can be before a session is open."""

    plan: Plan
    force: bool


def check_feeds(given: dict[str, Any]) -> Feeding | None:
    """Return what options request, and take it out of them; None if they request nothing.

    Raises
    ------
    UsageError, ExportError
        It is not possible.
    """
    mirror = given.pop("mirror", None)
    of_mirror = {name: given.pop(f"mirror_{name}", None) for name in ("format", "columns", "paths")}
    force = given.pop("force", False)
    if mirror is None:
        unfit = [f"--mirror-{name}" for name, value in of_mirror.items() if value is not None]
        for option in [*unfit, *(["--force"] if force else [])]:
            raise UsageError(f"{option} is for --mirror: add --mirror FILE, or leave it out.")
        return None
    return _check_mirror(given["source"], mirror, force=force, **of_mirror)


def _check_mirror(
    source: str | None,
    mirror: str,
    *,
    format: str | None,
    columns: str | None,
    paths: str | None,
    force: bool,
) -> Feeding:
    from tuilabel.exchange import format_of, writer
    from tuilabel.exchange.choosing import parse_columns
    from tuilabel.exchange.foreign import form_of
    from tuilabel.exchange.guard import guard
    from tuilabel.feeds.mirror import FIELDS, check_mirror, mark_of
    from tuilabel.feeds.plan import MirrorPlan, Plan
    from tuilabel.workspace.outputs import guarded
    from tuilabel.workspace.places import FIRST_SOURCE

    if mirror == "-":
        raise UsageError("--mirror needs the name of a file; --stream - writes to standard output.")
    try:
        name = format or format_of(mirror)
    except UsageError as error:
        raise UsageError(str(error).replace("--format", "--mirror-format")) from None
    form = form_of(writer(name))
    if form.images or form.into == "folder":
        raise UsageError(f"The format {name} is about image files: choose another for --mirror.")
    named = None if columns is None else parse_columns(columns, FIELDS)
    if named is not None and form.fields is not None:
        raise UsageError(f"The format {name} has columns of its own: leave out --mirror-columns.")
    path = os.path.abspath(mirror)  # noqa: PTH100  (links stay what they are)
    plan = MirrorPlan(path, name, named, paths or _PATHS[0], replaces=mark_of(Path(path)))
    check_mirror(plan, guard(*guarded(source or FIRST_SOURCE)), force=force)
    return Feeding(Plan("", mirror=plan), force)


def start_feeds(feeding: Feeding | None, work: Workspace) -> AbstractContextManager[Feeds | None]:
    """Start the process that feeds others, if there is anything to feed.

    Raises
    ------
    UsageError, ExportError
        It is not possible for this session.
    """
    if feeding is None:
        return nullcontext()
    from tuilabel.data.places import files_root
    from tuilabel.feeds.mirror import is_mirror
    from tuilabel.feeds.parent import Feeds
    from tuilabel.workspace.places import log_file

    plan, mirror = replace(feeding.plan, session=str(work.path)), feeding.plan.mirror
    if mirror is not None:
        path = Path(mirror.path)
        if path.exists() and not (feeding.force or is_mirror(path, work.session.about.uuid)):
            raise ExportError(
                f"{shown_path(path)} is the mirror of another session; use --force to replace it, "
                "or another name."
            )
        root = files_root(work.dataset.source)
        if mirror.paths == "absolute" and root is None:
            raise UsageError(
                f"{shown_path(work.dataset.source)} has no files, which --mirror-paths absolute "
                "would name."
            )
        plan = replace(plan, mirror=replace(mirror, root=None if root is None else str(root)))
    return Feeds(plan, log_file().with_name("feeds.log"))
