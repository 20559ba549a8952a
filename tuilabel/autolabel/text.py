"""What an auto-labelling reports, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tuilabel.text import inert

if TYPE_CHECKING:
    pass
from tuilabel.autolabel.choosing import AutolabelOptions
from tuilabel.autolabel.run import AutolabelOutcome


def outcome_lines(
    outcome: AutolabelOutcome, options: AutolabelOptions, path: Path
) -> Iterator[str]:
    """Yield what there is to say, a sentence a line."""
    yield (
        f"{outcome.model} on {outcome.features}, fitted on {outcome.trained_on:,} labels, looked "
        f"at {outcome.unanswered:,} unanswered images."
    )
    yield outcome.calibration.sentence()
    yield outcome.estimate.sentence()
    for name, count in outcome.by_class.items():
        yield f"  {count:>6,}   {inert(name)}"
    for accuracy, on in ((outcome.untaught, "annotators' labels alone"), (outcome.taught, "all")):
        if accuracy is not None:
            yield (f"A {options.student} on the pixels, trained on {on}: accuracy {accuracy.text}.")
    if options.student is not None and outcome.taught is None:
        yield "The student cannot be measured: there is neither a hold-out nor an audit label."
    if not outcome.saved:
        if outcome.accepted:
            yield "Nothing was written (--dry-run)."
        return
    yield (
        f"Saved in {inert(str(path), 4096)} as one batch of origin auto; "
        "`tuilabel autolabel --revert` takes it back."
    )
