"""Options of commands that label, about what others follow meanwhile."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from tuilabel.commands.options import one_of, options
from tuilabel.errors import ExportError, UsageError
from tuilabel.exchange.choosing import PATH_FORMS
from tuilabel.plugins import GROUPS
from tuilabel.text import shown_path

if TYPE_CHECKING:
    from tuilabel.exchange.guard import Guard
    from tuilabel.feeds.parent import Feeds
    from tuilabel.feeds.plan import MirrorPlan, Plan
    from tuilabel.workspace.opening import Workspace

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
        type=click.Choice(PATH_FORMS),
        help="Paths in the mirror, as with `tuilabel export --paths`.  [default: relative]",
    ),
    click.option("--force", is_flag=True, help="Replace the file of --mirror if it exists."),
    click.option(
        "--stream",
        type=click.Path(),
        metavar="FIFO",
        help="Write a line of JSON for each change to a FIFO, or with - to standard output.",
    ),
    click.option(
        "--on-label",
        metavar="CMD",
        help="Start a program that reads a line of JSON for each change while you label.",
    ),
)


class Feeding(NamedTuple):
    """What is to be fed, checked as far as it can be before a session is open."""

    plan: Plan
    force: bool

    @property
    def takes_stdout(self) -> bool:
        """Whether changes are written to standard output."""
        return self.plan.stream is None and self.plan.descriptor is not None


def check_feeds(given: dict[str, Any]) -> Feeding | None:
    """Return what options request, and take them away; None if they request nothing.

    Raises
    ------
    UsageError, ExportError
        It is not possible.
    """
    mirror, stream, command = (given.pop(name, None) for name in ("mirror", "stream", "on_label"))
    of_mirror = {name: given.pop(f"mirror_{name}", None) for name in ("format", "columns", "paths")}
    force = given.pop("force", False)
    if mirror is None:
        unfit = [f"--mirror-{name}" for name, value in of_mirror.items() if value is not None]
        for option in [*unfit, *(["--force"] if force else [])]:
            raise UsageError(f"{option} is for --mirror: add --mirror FILE, or leave it out.")
    if mirror is stream is command is None:
        return None
    from tuilabel.exchange.guard import guard
    from tuilabel.feeds.plan import Plan
    from tuilabel.workspace.outputs import guarded
    from tuilabel.workspace.places import FIRST_SOURCE

    keep = guard(*guarded(given["source"] or FIRST_SOURCE))
    plan = Plan("")
    if mirror is not None:
        plan = replace(plan, mirror=_check_mirror(mirror, keep, force=force, **of_mirror))
    if stream is not None:
        plan = replace(plan, **_check_stream(stream, keep))
    if command is not None:
        if not command.strip() or "\0" in command:
            raise UsageError("--on-label has no command: name a program and its arguments.")
        plan = replace(plan, command=command)
    return Feeding(plan, force)


def _check_stream(stream: str, keep: Guard) -> dict[str, Any]:
    from tuilabel.exchange.output import check_stdout

    if stream == "-":
        if sys.stdout is None or sys.stdout.isatty():
            raise UsageError(
                "--stream - writes to standard output, which is this terminal: redirect it, as in "
                "`tuilabel label SOURCE --stream - | jq`, or name a FIFO."
            )
        check_stdout(keep)
        return {"descriptor": os.dup(sys.stdout.fileno())}
    shown = shown_path(stream)
    try:
        is_fifo = stat.S_ISFIFO(os.stat(stream).st_mode)  # noqa: PTH116  (perhaps /dev/fd/63)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{shown} cannot be opened ({reason}); --stream needs a FIFO: make it with `mkfifo "
            f"{shown}`."
        ) from None
    if not is_fifo:
        raise UsageError(
            f"{shown} is not a FIFO: make one with `mkfifo`, or write to a file with `--stream - > "
            "FILE`."
        )
    return {"stream": os.path.abspath(stream), **_opened(stream)}  # noqa: PTH100


def _opened(path: str) -> dict[str, int]:
    """Open a FIFO that is read already: a name such as /dev/fd/63 has a meaning here alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nobody reads it yet
            return {}
        raise UsageError(f"{shown_path(path)} cannot be opened ({error.strerror}).") from error
    os.set_blocking(descriptor, True)
    return {"descriptor": descriptor}


def _check_mirror(
    mirror: str,
    keep: Guard,
    *,
    format: str | None,
    columns: str | None,
    paths: str | None,
    force: bool,
) -> MirrorPlan:
    from tuilabel.exchange import format_of, writer
    from tuilabel.exchange.choosing import parse_columns
    from tuilabel.exchange.foreign import form_of
    from tuilabel.feeds.mirror import FIELDS, check_mirror, mark_of
    from tuilabel.feeds.plan import MirrorPlan

    if mirror == "-":
        raise UsageError("--mirror needs the name of a file; --stream - writes to standard output.")
    try:
        name = format or format_of(mirror)
    except UsageError as error:
        raise UsageError(str(error).replace("--format", "--mirror-format")) from None
    form = form_of(writer(name))
    if form.images or form.into == "folder":
        raise UsageError(f"The format {name} is about image files: choose another for --mirror.")
    named = None if columns is None else parse_columns(columns, FIELDS, "--mirror-columns")
    if named is not None and form.fields is not None:
        raise UsageError(f"The format {name} has columns of its own: leave out --mirror-columns.")
    path = os.path.abspath(mirror)  # noqa: PTH100  (links stay what they are)
    plan = MirrorPlan(path, name, named, paths or PATH_FORMS[0], replaces=mark_of(Path(path)))
    check_mirror(plan, keep, force=force)
    return plan


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

    plan = replace(feeding.plan, session=str(work.path), read=work.journal.read_so_far)
    mirror = feeding.plan.mirror
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
    try:
        return Feeds(plan, log_file().with_name("feeds.log"))
    finally:
        if plan.descriptor is not None:
            os.close(plan.descriptor)  # it is open in the other process
