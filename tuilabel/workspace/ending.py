"""The end of a run: what was not confirmed, what is lost, and the last event of its log."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from tuilabel.errors import SaveError, TuilabelError
from tuilabel.events.payloads import Answer, Label, LabelSet, Payload, Undo, actual_name
from tuilabel.text import counted, inert, shown_path
from tuilabel.workspace.opening import Workspace
from tuilabel.workspace.places import SUFFIX, data_dir
from tuilabel.workspace.writing import DiskBusyError

_AGAIN_SECONDS = 0.1


SETTLE_SECONDS, CLOSE_SECONDS = 0.2, 0.5
"""Seconds for what was being saved when the program was left, and for the last event of the run."""

COPY_SECONDS = 60.0
"""Seconds for a copy of a session that was lost."""

_SILENT = "The disk of the session does not answer"


class Ending(NamedTuple):
    """How a run ended.

    Attributes
    ----------
    sentences : tuple of str
        What the terminal shows.
    failed : bool
        Whether something is not where it was to be saved: the exit status is not 0.
    is_stuck : bool
        Whether a thread still waits for the disk: the process must not wait for it.
    """

    sentences: tuple[str, ...]
    failed: bool = False
    is_stuck: bool = False


def end_run(work: Workspace) -> Ending:
    """Settle what is being saved, look whether the session is there, and close its log.

    Returns within a second, whatever the disk does.
    """
    late = _settle(work)
    if work.writer.pending is not None:
        work.writer.is_stuck = True
    try:
        lost = work.writer.run(partial(_close, work), CLOSE_SECONDS)
        rescued = lost and f"{lost} {work.writer.run(partial(write_copy, work), COPY_SECONDS)}"
    except DiskBusyError:
        if not late:
            late = (f"{_SILENT}. Every answer is saved, but the end of this run is not recorded.",)
            return Ending((work.outcome(), *late), is_stuck=True)
        return Ending((*late, work.outcome()), failed=True, is_stuck=True)
    return Ending((*late, rescued or work.outcome()), failed=bool(late or rescued))


def _settle(work: Workspace) -> tuple[str, ...]:
    """Finish what is pending; return sentences about answers that are not known to be saved."""
    pending = work.writer.pending
    if pending is None:
        return ()
    answers = _named(pending.payloads)
    if not pending.wait(SETTLE_SECONDS):
        if not answers:
            return ()
        return (
            f"Not confirmed: {answers}. {_SILENT}, and may still save it; "
            "the next start shows whether it did.",
        )
    try:
        work.session.finish(work.writer.take)
    except SaveError as error:
        return (f"{error} Lost: {answers}.",) if answers else ()
    return ()


def _close(work: Workspace) -> str | None:
    """Close the log; return a sentence if the session was lost."""
    work.journal.close()
    if work.journal.lost() is None:
        return None
    time.sleep(_AGAIN_SECONDS)  # where a connection was cut, files may be missing for a moment
    return work.journal.lost()


def write_copy(work: Workspace) -> str:
    """Write the whole session to another folder; return a sentence with its path.

    A copy that has everything already is not made again.
    """
    count = len(work.session.events)
    if work.copied is not None and work.copied[0] == count and work.copied[1].exists():
        return work.copied[2]
    now = datetime.now().strftime("%Y%m%d-%H%M%S")
    name = f"{work.path.stem}-{now}{SUFFIX}"
    reason = ""
    for folder in (work.path.parent, data_dir() / "sessions"):
        try:
            missing = work.journal.save_copy(folder / name)
        except TuilabelError as error:
            reason = str(error)
            continue
        command = shlex.join(["tuilabel", "label", "--session", str(folder / name)])
        sentence = (
            f"All of it ({counted(work.session.labels, 'label')}) was written to another folder: "
            f"`{shown_path(command)}` continues it."
        )
        if missing:
            sentence += f" Missing: {inert(', '.join(missing), 300)}."
        work.copied = count, folder / name, sentence
        return sentence
    return f"It cannot be written elsewhere: {reason}"


def _named(payloads: Iterable[Payload]) -> str:
    """Return the answers among some events, in words."""
    found = []
    for payload in payloads:
        match payload:
            case Label() | LabelSet():
                found.append(f"the label of {_item(payload)}")
            case Answer():
                found.append(f"the skip of {_item(payload)}")
            case Undo():
                found.append("an undo")
    return ", ".join(found)


def _item(answer: Answer) -> str:
    return shown_path(actual_name(answer.names[0])) if answer.names else inert(answer.item)
