"""Auto-labels in sentences."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from tuilabel.autolabel.job import AutoLabels
from tuilabel.text import counted, inert, shown_path


def outcome_lines(
    found: AutoLabels,
    by_class: Mapping[str, int],
    student: str | None,
    saved_in: Path | None,
    *,
    replaced: int = 0,
    session: str | None = None,
) -> Iterator[str]:
    """Yield the lines of a report on auto-labels, one sentence each.

    Parameters
    ----------
    found : AutoLabels
    by_class : mapping
        Number of auto-labels by class name.
    student : str or None
        The student that was asked for.
    saved_in : Path or None
        The session; None if nothing was written.
    replaced : int
        Number of earlier auto-labels that were in effect until now.
    session : str, optional
        What the session was named by, to be named so again; by default its path.
    """
    yield (
        f"{found.model} on {found.features}, fitted on {counted(found.trained_on, 'label')}, "
        f"predicted {counted(found.unanswered, 'unanswered image')}."
    )
    yield found.calibration.sentence()
    yield found.estimate.sentence()
    for name, count in by_class.items():
        yield f"  {count:>6,}   {inert(name)}"
    for accuracy, on in (
        (found.untaught, "annotators' labels alone"),
        (found.taught, "all labels"),
    ):
        if accuracy is not None:
            yield f"A {student} on the pixels, fitted on {on}: accuracy {accuracy.text}."
    if student is not None and found.taught is None:
        yield "The student cannot be measured: there is no hold-out and no label in the audit set."
    if saved_in is None:
        if len(found.rows):
            yield "Nothing was written (--dry-run)."
        return
    if replaced:
        yield f"The new auto-labels replace {counted(replaced, 'earlier auto-label')}."
    named = shlex.quote(shown_path(session or saved_in))
    yield (
        f"Saved in {shown_path(saved_in)} as one batch of origin auto. "
        f"`tuilabel autolabel {named} --revert` takes it back."
    )
