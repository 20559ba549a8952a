"""Auto-labels for a session: the model labels the rest, and the result is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.autolabel.choosing import (
    METHODS,
    STUDENTS,
    AutolabelOptions,
    Choosing,
    KnownItems,
    row_array,
    threshold_of,
)
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
from tuilabel.learn.autolabels import (
    Estimate,
    estimate,
    training_set,
)
from tuilabel.learn.calibration import Calibration, fit_temperature
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import Fit
from tuilabel.session.learner import open_learner
from tuilabel.session.payloads import settings_from
from tuilabel.session.requests import Material, fit_request, labelled_rows
from tuilabel.settings import resolve
from tuilabel.workspace.opening import open_dataset_of
from tuilabel.workspace.places import cache_dir

if TYPE_CHECKING:
    from tuilabel.data import Dataset


@dataclass(frozen=True)
class AutolabelOutcome:
    """The result of auto-labelling.

    Attributes
    ----------
    model, features : str
        The model fitted, and its features.
    trained_on, unanswered, accepted : int
        Number of annotators' labels, of items without an answer, and of new auto-labels.
    by_class : mapping
        Number of auto-labels by class name.
    calibration : Calibration
    estimate : Estimate
    taught, untaught : Accuracy or None
        The student's accuracy, fitted on all labels and on those of annotators alone.
    saved : bool
    replaced : int
        Number of earlier auto-labels in effect until now.
    labels : sequence of AutoLabel
        One for each accepted item.
    dataset : Dataset
        The source of the items.
    """

    model: str
    features: str
    trained_on: int
    unanswered: int
    accepted: int
    by_class: Mapping[str, int]
    calibration: Calibration
    estimate: Estimate
    taught: Accuracy | None
    untaught: Accuracy | None
    saved: bool
    replaced: int
    labels: Sequence[AutoLabel] = field(repr=False)
    dataset: Dataset = field(repr=False, compare=False)


def autolabel(path: Path, options: AutolabelOptions, *, progress: Any = None) -> AutolabelOutcome:
    """Label the unanswered items of a session with its model.

    Earlier auto-labels are taken back in the same step.

    As in the session, the model is fitted on annotators' labels alone. The hold-out or the audit
    set calibrates its probabilities and measures the result, and is not trained on.

    Parameters
    ----------
    path : Path
        The session file.
    options : AutolabelOptions
    progress : callable, optional
        Called with the current work and its progress.

    Raises
    ------
    SessionFileError, SessionLockedError, SaveError
        The session cannot be read, is open elsewhere or cannot be written.
    UsageError
        The options are invalid, or there is no label to fit to.
    """
    _check(options)
    if options.dry_run:
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


def _check(options: AutolabelOptions) -> None:
    for option, name, known in (
        ("method", options.method, METHODS),
        ("student", options.student, STUDENTS),
    ):
        if name is not None and name not in known:
            raise UsageError(f"There is no {option} {name!r}: choose one of {', '.join(known)}.")
    if options.step is not None and (options.method != "ordered" or options.step < 1):
        raise UsageError(
            f"--step {options.step} needs --method ordered, and a whole number of 1 or more."
        )


def _autolabel(
    path: Path, options: AutolabelOptions, journal: Journal | None, progress: Any
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
    teacher = learner.teach(request)

    rows = _unanswered(dataset, ledger)
    known_items = KnownItems.of(dataset, request, teacher)
    # From the labels alone: earlier auto-labels must not change what the same labels give.
    rng = np.random.default_rng((info.seed, 3, len(request.items)))
    calibration = fit_temperature(
        known_items.probabilities(teacher), known_items.truth, fitted_on=known_items.name, rng=rng
    )
    labelled = Choosing(
        learner, request, teacher, calibration, known_items, rows, options, progress
    )
    accepted, classes, confidences, measured = labelled.choose(rng)
    found = estimate(confidences, measured)
    counts = np.bincount(classes, minlength=len(info.class_names)).tolist()
    taught = untaught = None
    if options.student is not None:
        both = training_set(row_array(request.items), row_array(request.classes), accepted, classes)
        student = (options.student, "raw")
        taught = known_items.measure(
            learner.teach(request, rows=both[0], classes=both[1], seen=student)
        )
        untaught = known_items.measure(learner.teach(request, seen=student))
    saved = journal is not None and len(accepted) > 0
    names = info.class_names
    labels = [
        AutoLabel(
            dataset.ids[row], names[class_], min(float(confidence), 1.0), dataset.references(row)
        )
        for row, class_, confidence in zip(
            accepted.tolist(), classes.tolist(), confidences, strict=True
        )
    ]
    if journal is not None and saved:
        earlier = [revert(batch.header) for batch in ledger.auto_batches()]
        journal.append_many(
            earlier
            + auto_batch(
                labels,
                round=max((event.round for event in ledger.answers()), default=0),
                method=options.method,
                threshold=threshold_of(options),
                model=teacher.seen[0],
                trained_on=len(request.items),
                settings={"features": teacher.seen[1], "step": options.step, "seed": info.seed},
                calibration=asdict(calibration),
                estimate=found.to_json(),
            ),
            _annotator(),
        )
    return AutolabelOutcome(
        *teacher.seen,
        trained_on=len(request.items),
        unanswered=len(rows),
        accepted=len(accepted),
        by_class={
            name: count for name, count in zip(info.class_names, counts, strict=True) if count
        },
        calibration=calibration,
        estimate=found,
        taught=taught,
        untaught=untaught,
        saved=saved,
        replaced=ledger.auto_labels_held,
        labels=labels,
        dataset=dataset,
    )


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
