"""Commands for several annotators: merge sessions, share one with a group of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tuilabel.commands.completion import complete_sessions
from tuilabel.commands.options import session_argument
from tuilabel.commands.progress import ProgressLine
from tuilabel.commands.text import say
from tuilabel.errors import SaveError
from tuilabel.text import counted, inert, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tuilabel.workspace.merging import Merged

_MOST_NAMES = 10


@click.command("merge")
@click.argument("target", type=click.Path(), metavar="A", shell_complete=complete_sessions)
@click.argument("other", type=click.Path(), metavar="B", shell_complete=complete_sessions)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and write nothing.")
def merge(target: str, other: str, dry_run: bool) -> None:
    """Merge the labels of one session into another.

    The logs and auto-labels of session B are copied into A, and B is not changed. B may be a copy
    of A on which others have labelled, or another session of the same images. Labels that both have
    count once.
    """
    from tuilabel.settings import resolve
    from tuilabel.workspace.merging import merge as merge_sessions
    from tuilabel.workspace.places import find_session

    a, b = find_session(target), find_session(other)
    progress = ProgressLine()
    annotator = resolve({}).annotator
    merged = merge_sessions(a, b, annotator, dry_run=dry_run, progress=progress)
    progress.close()
    say(*_merge_lines(merged, a, b, dry_run=dry_run))
    if merged.refused:
        click.get_current_context().exit(1)


def _merge_lines(merged: Merged, a: Path, b: Path, *, dry_run: bool) -> Iterator[str]:
    files = counted(len(merged.copied), "file")
    verb = "Would copy" if dry_run else "Copied"
    yield f"{verb} {files} of {shown_path(b)} into {shown_path(a)}."
    yield from (f"  {shown_path(name)}" for name in merged.copied)
    if merged.present:
        yield f"{shown_path(a)} has already: {', '.join(map(shown_path, merged.present))}."
    if merged.adopted is not None:
        verb = "would count" if dry_run else "count"
        yield f"The events of session {inert(merged.adopted, 40)} {verb} in {shown_path(a)}."
    if merged.source_problem is not None:
        yield f"Unknown: which of the images are in the source. {merged.source_problem}"
    elif merged.items:
        gone = f"{len(merged.unmatched):,}" if merged.unmatched else "None"
        yield (
            f"{gone} of {counted(merged.items, 'image')} answered in {shown_path(b)} "
            f"{'is' if len(merged.unmatched) == 1 else 'are'} missing from the source of "
            f"{shown_path(a)}."
        )
    for item, name in merged.unmatched[:_MOST_NAMES]:
        yield f"  {inert(item, 40)} {name}".rstrip()
    if len(merged.unmatched) > _MOST_NAMES:
        yield f"  and {len(merged.unmatched) - _MOST_NAMES:,} more"
    for name, reason in merged.refused.items():
        yield f"Not copied: {name}: {inert(reason, 200)}."


@click.command("share")
@session_argument
@click.option("--group", required=True, metavar="NAME", help="A group of users on this computer.")
def share(session: str | None, group: str) -> None:
    """Share a session with a group of users.

    F is a session or the source it was made for; by default the last session. The group may read
    the session and label in it; nobody can change what others have written. Later files follow.
    """
    from tuilabel.workspace.places import find_session
    from tuilabel.workspace.sharing import share as share_session

    path = find_session(session)
    failed = share_session(path, group)
    if failed:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
        raise SaveError(
            f"Not everything is shared ({reasons}). The owner of each file has to share it."
        )
    say(f"Shared with the group {inert(group)}: {shown_path(path)}.")
