"""Auto-labels for a session on disk: read it, let the model label the rest, write the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tuilabel.autolabel.job import AutolabelOptions, AutoLabels, auto_label
from tuilabel.data import Dataset
from tuilabel.events.payloads import (
    AUTO_ORIGIN,
    Answer,
    Bulk,
    BulkLine,
    Undo,
    stored_names,
)
from tuilabel.journal.journal import Journal
from tuilabel.progress import Progress
from tuilabel.session.labels import AutoBatch
from tuilabel.session.learner import open_learner
from tuilabel.session.view import SessionView
from tuilabel.settings import resolve
from tuilabel.workspace.checking import damage_text
from tuilabel.workspace.fitting import request_of, unanswered_rows
from tuilabel.workspace.multi import refuse
from tuilabel.workspace.opening import open_dataset_of
from tuilabel.workspace.places import cache_dir


class AutoLabel(NamedTuple):
    """A class that a model assigns to an item.

    Attributes
    ----------
    row : int
    class_id, class_name : str
    probability : float
        The probability that the class is right, 0 to 1, calibrated if possible.
    """

    row: int
    class_id: str
    class_name: str
    probability: float


@dataclass(frozen=True)
class AutolabelOutcome:
    """The result of auto-labelling a session.

    Attributes
    ----------
    found : AutoLabels
    by_class : mapping
        Number of auto-labels by class name.
    saved : bool
    replaced : int
        Number of earlier auto-labels in effect until now.
    labels : sequence of AutoLabel
        One for each accepted item.
    dataset : Dataset
        The source of the items.
    damage : str
        A sentence about labels that the model could not learn from; empty if there are none.
    """

    found: AutoLabels
    by_class: Mapping[str, int]
    saved: bool
    replaced: int
    labels: Sequence[AutoLabel] = field(repr=False)
    dataset: Dataset = field(repr=False, compare=False)
    damage: str = ""


def autolabel(
    path: Path,
    options: AutolabelOptions,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> AutolabelOutcome:
    """Label the unanswered items of a session with its model.

    Earlier auto-labels are taken back in the same step.

    Parameters
    ----------
    path : Path
        The session.
    options : AutolabelOptions
    dry_run : bool
        Whether nothing is written.
    progress : callable, optional
        Called with the current work and its progress.

    Raises
    ------
    SessionFileError, SaveError
        The session cannot be read or written.
    UsageError
        The options are invalid, or there is no label to fit to.
    """
    options.check()
    view = SessionView(path)
    refuse(path, view.about, "Auto-labels are", "label the remaining images yourself")
    dataset = open_dataset_of(view, progress)
    request = request_of(view, dataset)
    learner = open_learner(dataset, cache_dir() / "features")
    learner.prepare(learner.needs(request), progress=progress)
    # From the labels alone: earlier auto-labels must not change what the same labels give.
    rng = np.random.default_rng((view.about.seed, 3, len(request.items)))
    found = auto_label(
        learner, request, unanswered_rows(view, dataset), options, rng=rng, progress=progress
    )
    classes = view.known.classes
    labels = [
        AutoLabel(row, id_, classes.name(id_), min(float(probability), 1.0))
        for row, id_, probability in zip(
            found.rows.tolist(),
            (request.columns[column] for column in found.classes.tolist()),
            found.probabilities,
            strict=True,
        )
        if classes.is_open(id_)  # no new label is one of a retired class
    ]
    is_saved = bool(labels) and not dry_run
    if is_saved:
        _write(view, dataset, labels, found, options)
    counts = Counter(label.class_id for label in labels)
    return AutolabelOutcome(
        found,
        by_class={classes.written_name(id_): counts[id_] for id_ in request.columns if counts[id_]},
        saved=is_saved,
        replaced=view.known.auto_labels_held,
        labels=labels,
        dataset=dataset,
        damage=damage_text(path, view.problems),
    )


def take_back(path: Path) -> AutoBatch | None:
    """Take back the newest batch of auto-labels, with one event.

    Returns
    -------
    AutoBatch or None
        None if there is no batch.

    Raises
    ------
    SessionFileError, SaveError
        The session cannot be read or written.
    """
    view = SessionView(path)
    batches = view.known.auto_batches()
    if not batches:
        return None
    with _journal(view) as journal:
        journal.append([Undo(batches[-1].event.id)], _annotator())
    return batches[-1]


def _annotator() -> str:
    """Return the name of the person who asks for auto-labels."""
    return resolve({}).annotator


def _journal(view: SessionView) -> Journal:
    journal = Journal(view.path, _annotator(), view.source)
    journal.read()
    return journal


def _write(
    view: SessionView,
    dataset: Dataset,
    labels: Sequence[AutoLabel],
    found: AutoLabels,
    options: AutolabelOptions,
) -> None:
    """Write auto-labels as one batch, in place of earlier ones."""
    lines = [
        BulkLine(
            item=dataset.ids[label.row],
            class_id=label.class_id,
            probability=round(label.probability, 6),
            names=stored_names(dataset.references(label.row)),
        )
        for label in labels
    ]
    answers = (event.payload for event in view.newest())
    with _journal(view) as journal:
        name, sha256, count = journal.write_bulk(lines)
        bulk = Bulk(
            file=name,
            sha256=sha256,
            count=count,
            origin=AUTO_ORIGIN,
            round=max((a.round for a in answers if isinstance(a, Answer)), default=0),
            replaces=tuple(batch.event.id for batch in view.known.auto_batches()),
            method=options.method,
            threshold=options.lowest,
            model=found.model,
            trained_on=found.trained_on,
            settings={
                "features": found.features,
                "step": options.step,
                "seed": view.about.seed,
            },
            calibration=asdict(found.calibration),
            estimate=found.estimate.to_json(),
        )
        journal.append([bulk], _annotator())
