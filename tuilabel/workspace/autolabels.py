"""Auto-labels for a session on disk: read it, let the model label the rest, write the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuilabel.autolabel.job import AutolabelOptions, AutoLabels, auto_label
from tuilabel.data import Dataset
from tuilabel.errors import UsageError
from tuilabel.journal import (
    Annotator,
    AutoBatch,
    AutoLabel,
    Journal,
    Ledger,
    SessionInfo,
    auto_batch,
    read_session,
    revert,
)
from tuilabel.learn.requests import Fit
from tuilabel.progress import Progress
from tuilabel.session.learner import open_learner
from tuilabel.session.payloads import settings_from
from tuilabel.session.requests import Material, fit_request, labelled_rows
from tuilabel.settings import resolve
from tuilabel.workspace.opening import open_dataset_of
from tuilabel.workspace.places import cache_dir


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
    """

    found: AutoLabels
    by_class: Mapping[str, int]
    saved: bool
    replaced: int
    labels: Sequence[AutoLabel] = field(repr=False)
    dataset: Dataset = field(repr=False, compare=False)


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
        The session file.
    options : AutolabelOptions
    dry_run : bool
        Whether nothing is written.
    progress : callable, optional
        Called with the current work and its progress.

    Raises
    ------
    SessionFileError, SessionLockedError, SaveError
        The session cannot be read, is open elsewhere or cannot be written.
    UsageError
        The options are invalid, or there is no label to fit to.
    """
    options.check()
    if dry_run:
        return _autolabel(path, options, None, progress)
    # Locked during the computation, so that nobody answers meanwhile and the result can be written.
    journal = Journal(path)
    try:
        return _autolabel(path, options, journal, progress)
    finally:
        journal.close()


def take_back(path: Path) -> AutoBatch | None:
    """Take back the newest batch of auto-labels, with one event.

    Returns
    -------
    AutoBatch or None
        None if there is no batch.

    Raises
    ------
    SessionFileError, SessionLockedError, SaveError
        The session cannot be read, is open elsewhere or cannot be written.
    """
    journal = Journal(path)
    try:
        batches = Ledger.of(journal.events()).auto_batches()
        if not batches:
            return None
        journal.append(revert(batches[-1].header), _annotator())
        return batches[-1]
    finally:
        journal.close()


def _annotator() -> Annotator:
    """Return the person who asks for auto-labels."""
    return Annotator(resolve({}).annotator)


def _autolabel(
    path: Path, options: AutolabelOptions, journal: Journal | None, progress: Progress | None
) -> AutolabelOutcome:
    if journal is None:
        info, events = read_session(path)
    else:
        info, events = journal.info, list(journal.events())
    dataset = open_dataset_of(path, info, progress)
    ledger = Ledger.of(events)
    request = _request(info, ledger, dataset)
    learner = open_learner(dataset, cache_dir() / "features")
    learner.prepare(learner.needs(request), progress=progress)
    # From the labels alone: earlier auto-labels must not change what the same labels give.
    rng = np.random.default_rng((info.seed, 3, len(request.items)))
    found = auto_label(
        learner, request, _unanswered(dataset, ledger), options, rng=rng, progress=progress
    )
    names = info.class_names
    labels = [
        AutoLabel(
            dataset.ids[row], names[class_], min(float(probability), 1.0), dataset.references(row)
        )
        for row, class_, probability in zip(
            found.rows.tolist(), found.classes.tolist(), found.probabilities, strict=True
        )
    ]
    if journal is not None and labels:
        _write(journal, ledger, labels, found, options)
    counts = np.bincount(found.classes, minlength=len(names)).tolist()
    return AutolabelOutcome(
        found,
        by_class={name: count for name, count in zip(names, counts, strict=True) if count},
        saved=journal is not None and len(labels) > 0,
        replaced=ledger.auto_labels_held,
        labels=labels,
        dataset=dataset,
    )


def _write(
    journal: Journal,
    ledger: Ledger,
    labels: Sequence[AutoLabel],
    found: AutoLabels,
    options: AutolabelOptions,
) -> None:
    """Write auto-labels as one batch, in place of earlier ones."""
    earlier = [revert(batch.header) for batch in ledger.auto_batches()]
    batch = auto_batch(
        labels,
        round=max((event.round for event in ledger.answers()), default=0),
        method=options.method,
        threshold=options.lowest,
        model=found.model,
        trained_on=found.trained_on,
        settings={"features": found.features, "step": options.step, "seed": journal.info.seed},
        calibration=asdict(found.calibration),
        estimate=found.estimate.to_json(),
    )
    journal.append_many(earlier + batch, _annotator())


def _request(info: SessionInfo, ledger: Ledger, dataset: Dataset) -> Fit:
    """Return the request for the fit that the session would make on its labels."""
    settings = settings_from({} if ledger.opened is None else ledger.opened.body)
    classes = {name: index for index, name in enumerate(info.class_names)}
    training, audit = labelled_rows(ledger, dataset, classes)
    material = Material(settings, len(classes), training, audit, ())
    request = fit_request(material, 0, (info.seed, 2, len(training)))
    if request is None:
        raise UsageError("There is no label to fit a model to. Label some images first.")
    return request


def _unanswered(dataset: Dataset, ledger: Ledger) -> NDArray[np.intp]:
    free = np.ones(len(dataset), dtype=bool)
    for event in ledger.answers():
        row = dataset.row_of(str(event.item))
        if row is not None:
            free[row] = False
    return np.flatnonzero(free)
