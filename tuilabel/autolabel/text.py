"""The result of auto-labelling, in sentences."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from tuilabel.autolabel.choosing import AutolabelOptions
from tuilabel.autolabel.run import AutolabelOutcome
from tuilabel.text import counted, inert, shown_path


def outcome_lines(
    outcome: AutolabelOutcome, options: AutolabelOptions, path: Path, session: str | None = None
) -> Iterator[str]:
    """Yield the lines of the report, one sentence each.

    Parameters
    ----------
    outcome : AutolabelOutcome
    options : AutolabelOptions
    path : Path
        The session file.
    session : str, optional
        What the session was named by, to be named so again; by default its path.
    """
    yield (
        f"{outcome.model} on {outcome.features}, fitted on {counted(outcome.trained_on, 'label')}, "
        f"predicted {counted(outcome.unanswered, 'unanswered image')}."
    )
    yield outcome.calibration.sentence()
    yield outcome.estimate.sentence()
    for name, count in outcome.by_class.items():
        yield f"  {count:>6,}   {inert(name)}"
    for accuracy, on in (
        (outcome.untaught, "annotators' labels alone"),
        (outcome.taught, "all labels"),
    ):
        if accuracy is not None:
            yield f"A {options.student} on the pixels, fitted on {on}: accuracy {accuracy.text}."
    if options.student is not None and outcome.taught is None:
        yield "The student cannot be measured: there is no hold-out and no label in the audit set."
    if not outcome.saved:
        if outcome.accepted:
            yield "Nothing was written (--dry-run)."
        return
    if outcome.replaced:
        replaced = counted(outcome.replaced, "earlier auto-label")
        yield f"The new auto-labels replace {replaced}."
    named = shlex.quote(shown_path(session or path))
    yield (
        f"Saved in {shown_path(path)} as one batch of origin auto. "
        f"`tuilabel autolabel {named} --revert` takes it back."
    )
