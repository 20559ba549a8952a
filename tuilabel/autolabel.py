"""Auto-labels for a session: the model labels what is left, and says how good that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import inert
from tuilabel.data.array_store import ArrayStore
from tuilabel.errors import UsageError
from tuilabel.journal import (
    AutoLabel,
    Event,
    Journal,
    Ledger,
    SessionInfo,
    auto_batch,
    read_session,
    revert,
)
from tuilabel.learn.autolabels import (
    Estimate,
    choose,
    estimate,
    measure,
    ordered,
    training_set,
)
from tuilabel.learn.calibration import Calibration, fit_temperature
from tuilabel.learn.learner import Learner, Teacher
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import Fit
from tuilabel.session.asking import Material, fit_request, labelled_rows
from tuilabel.session.bodies import settings_from
from tuilabel.settings import resolve
from tuilabel.workspace import cache_dir, open_dataset_of

if TYPE_CHECKING:
    from tuilabel.data import Dataset

METHODS = ("confident", "ordered", "naive")
STUDENTS = ("softmax", "mlp")

USUAL_THRESHOLD = 0.95
"""What `confident` asks for where no threshold is given."""

STEPS = 400
"""Fits that `ordered` makes at most, unless a step is given."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wish:
    """What is wanted of a model.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    threshold : float or None
        The least probability to accept.
    step : int or None
        Items that `ordered` accepts between two fits; None for 10, or more in a large pool.
    student : str or None
        A model of `STUDENTS` to train on the pixels of all labels, for comparison.
    dry_run : bool
        Write nothing.
    """

    method: str = "confident"
    threshold: float | None = None
    step: int | None = None
    student: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class Outcome:
    """What auto-labelling did.

    Attributes
    ----------
    model, features : str
        What was fitted.
    trained_on, unanswered, accepted : int
        Labels of annotators, items without an answer, and those of them that got an auto-label.
    by_class : mapping
        Auto-labels by class name.
    calibration : Calibration
    estimate : Estimate
    taught, untaught : Accuracy or None
        Of the student: on all labels, and on those of annotators alone.
    saved : bool
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


def autolabel(path: Path, wish: Wish, *, progress: Any = None) -> Outcome:
    """Let the model of a session label what no annotator has answered.

    What it labelled before is taken back in the same step.

    Annotators' labels alone train it, as in the session; items of the audit reserve and of the
    hold-out calibrate its probabilities and measure the result, and train nothing.

    Parameters
    ----------
    path : Path
        The session file.
    wish : Wish
    progress : callable, optional
        Told what is being done, and how far it is.

    Raises
    ------
    SessionFileError, SessionLockedError, SaveError
        The session cannot be read, is open elsewhere or cannot be written.
    UsageError
        The wish makes no sense, or no label has been given.
    """
    _check(wish)
    if wish.dry_run:
        return _autolabel(path, wish, None, progress)
    # Taken before anything is computed: nobody answers meanwhile, and the result can be written.
    journal = Journal(path, resolve({}).annotator)
    try:
        return _autolabel(path, wish, journal, progress)
    finally:
        journal.close()


def take_back(path: Path) -> Event | None:
    """Revert the newest batch of auto-labels that holds, by one event.

    Returns
    -------
    Event or None
        The batch's header; None where there is no batch.

    Raises
    ------
    SessionFileError, SessionLockedError, SaveError
        The session cannot be read, is open elsewhere or cannot be written.
    """
    journal = Journal(path, resolve({}).annotator)
    try:
        batches = Ledger.of(journal.events()).auto_batches()
        if not batches:
            return None
        journal.append(revert(batches[-1].header))
        return batches[-1].header
    finally:
        journal.close()


def outcome_lines(outcome: Outcome, wish: Wish, path: Path) -> Iterator[str]:
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
            yield (
                f"A {wish.student} on the pixels, trained on {on}: {accuracy.value:.1%} "
                f"({accuracy.low:.1%} to {accuracy.high:.1%}, 95 %) of the {accuracy.name}, "
                f"n = {accuracy.n:,}."
            )
    if wish.student is not None and outcome.taught is None:
        yield "The student cannot be measured: there is neither a hold-out nor an audit label."
    if not outcome.saved:
        if outcome.accepted:
            yield "Nothing was written (--dry-run)."
        return
    yield (
        f"Saved in {inert(str(path), 4096)} as one batch of origin auto; "
        "`tuilabel autolabel --revert` takes it back."
    )


def _check(wish: Wish) -> None:
    for option, name, known in (
        ("method", wish.method, METHODS),
        ("student", wish.student, STUDENTS),
    ):
        if name is not None and name not in known:
            raise UsageError(f"There is no {option} {name!r}: choose one of {', '.join(known)}.")
    if wish.step is not None and (wish.method != "ordered" or wish.step < 1):
        raise UsageError(
            f"--step {wish.step} is for --method ordered, and a whole number of 1 or more."
        )


def _autolabel(path: Path, wish: Wish, journal: Journal | None, progress: Any) -> Outcome:
    if journal is None:
        info, events = read_session(path)
    else:
        info, events = journal.info, list(journal.events())
    dataset = open_dataset_of(path, info, progress)
    ledger = Ledger.of(events)
    request = _request(info, ledger, dataset)
    holdout = dataset.holdout
    learner = Learner(
        dataset.pool,
        len(info.class_names),
        holdout=None
        if holdout is None
        else (holdout.images, np.asarray(holdout.truth, dtype=np.intp)),
        store=ArrayStore(cache_dir() / "features"),
    )
    learner.prepare(learner.needs(request), progress=progress)
    teacher = learner.teach(request)

    rows = _unanswered(dataset, ledger)
    shadows = _Shadows.of(dataset, request, teacher)
    rng = np.random.default_rng((info.seed, 3, ledger.last_seq))
    calibration = fit_temperature(
        shadows.probabilities(teacher), shadows.truth, fitted_on=shadows.name, rng=rng
    )
    labelled = _Choosing(learner, request, teacher, calibration, shadows, rows, wish, progress)
    accepted, classes, confidences, measured = labelled.choose(rng)
    found = estimate(confidences, measured)
    counts = np.bincount(classes, minlength=len(info.class_names)).tolist()
    taught = untaught = None
    if wish.student is not None:
        both = training_set(_rows(request.items), _rows(request.classes), accepted, classes)
        student = (wish.student, "raw")
        taught = shadows.measure(
            learner.teach(request, rows=both[0], classes=both[1], seen=student)
        )
        untaught = shadows.measure(learner.teach(request, seen=student))
    saved = journal is not None and len(accepted) > 0
    if journal is not None and saved:
        names = info.class_names
        earlier = [revert(batch.header) for batch in ledger.auto_batches()]
        journal.append_many(
            earlier
            + auto_batch(
                [
                    AutoLabel(
                        dataset.ids[row],
                        names[class_],
                        min(float(confidence), 1.0),
                        dataset.references(row),
                    )
                    for row, class_, confidence in zip(
                        accepted.tolist(), classes.tolist(), confidences, strict=True
                    )
                ],
                round=max((event.round for event in ledger.answers()), default=0),
                method=wish.method,
                threshold=_threshold(wish),
                model=teacher.seen[0],
                trained_on=len(request.items),
                settings={"features": teacher.seen[1], "step": wish.step, "seed": info.seed},
                calibration=asdict(calibration),
                estimate=found.to_json(),
            )
        )
    return Outcome(
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
    )


def _request(info: SessionInfo, ledger: Ledger, dataset: Dataset) -> Fit:
    """Ask for the fit that the session would make of its labels."""
    settings = settings_from({} if ledger.opened is None else ledger.opened.body)
    classes = {name: index for index, name in enumerate(info.class_names)}
    training, audit = labelled_rows(ledger, dataset, classes)
    material = Material(settings, len(classes), training, audit, ())
    request = fit_request(material, 0, (info.seed, 2, len(training)))
    if request is None:
        raise UsageError("No label has been given that a model could learn from: label first.")
    return request


def _unanswered(dataset: Dataset, ledger: Ledger) -> NDArray[np.intp]:
    free = np.ones(len(dataset), dtype=bool)
    for event in ledger.answers():
        row = dataset.row_of(str(event.item))
        if row is not None:
            free[row] = False
    return np.flatnonzero(free)


@dataclass(frozen=True, eq=False)
class _Shadows:
    """Items with a known class that train nothing: the hold-out, or else the audit set."""

    name: str
    rows: NDArray[np.intp] | None
    truth: NDArray[np.intp]

    @classmethod
    def of(cls, dataset: Dataset, request: Fit, teacher: Teacher) -> _Shadows:
        if dataset.holdout is not None and teacher.holdout is not None:
            truth = np.asarray(dataset.holdout.truth, dtype=np.intp)
            return cls(dataset.holdout.name, None, truth)
        return cls("audit", _rows(request.audit_items), _rows(request.audit_classes))

    def probabilities(self, teacher: Teacher) -> NDArray[np.float32]:
        return teacher.of_holdout() if self.rows is None else teacher.of_pool(self.rows)

    def measure(self, student: Teacher) -> Accuracy | None:
        return measure(self.probabilities(student).argmax(axis=1), self.truth, self.name)


@dataclass(frozen=True, eq=False)
class _Choosing:
    """Chooses what is labelled, and does the same with the shadows to measure it."""

    learner: Learner
    request: Fit
    teacher: Teacher
    calibration: Calibration
    shadows: _Shadows
    rows: NDArray[np.intp]
    wish: Wish
    progress: Progress | None

    def choose(
        self, rng: np.random.Generator
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any], Accuracy | None]:
        """Give the rows accepted, their classes and probabilities, and what was measured."""
        if self.wish.method == "ordered":
            return self._in_order(rng)
        threshold = _threshold(self.wish)
        chosen = choose(
            self.wish.method, self.calibration.apply(self.teacher.of_pool(self.rows)), threshold
        )
        shadowed = choose(
            self.wish.method,
            self.calibration.apply(self.shadows.probabilities(self.teacher)),
            threshold,
        )
        taken = shadowed.accepted
        measured = measure(shadowed.classes[taken], self.shadows.truth[taken], self.shadows.name)
        accepted = chosen.accepted
        return self.rows[accepted], chosen.classes[accepted], chosen.confidences[accepted], measured

    def _in_order(
        self, rng: np.random.Generator
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any], Accuracy | None]:
        count = len(self.rows)
        step = self.wish.step or max(10, -(-count // STEPS))
        human = (_rows(self.request.items), _rows(self.request.classes))

        def everything(teacher: Teacher) -> NDArray[np.float32]:
            both = [teacher.of_pool(self.rows), self.shadows.probabilities(teacher)]
            calibration = self.calibration
            if self.wish.threshold is not None:
                # A threshold means the same after each fit only if the probabilities do.
                calibration = fit_temperature(
                    both[1], self.shadows.truth, fitted_on=self.shadows.name, rng=rng
                )
            return np.asarray(calibration.apply(np.concatenate(both)))

        def refit(rows: NDArray[np.intp], classes: NDArray[np.intp]) -> NDArray[np.float32]:
            if self.progress is not None:
                self.progress("labelling in order", len(rows), count)
            both = training_set(*human, self.rows[rows], classes)
            return everything(
                self.learner.teach(
                    self.request, rows=both[0], classes=both[1], seen=self.teacher.seen
                )
            )

        first = everything(self.teacher)
        is_shadow = np.arange(len(first)) >= count
        steps = list(
            ordered(
                first,
                refit,
                rng=rng,
                threshold=_threshold(self.wish),
                step=step,
                shadow=is_shadow,
            )
        )
        if self.progress is not None and steps:
            self.progress("labelling in order", count, count)
        none = np.empty(0, dtype=np.intp)
        rows = np.concatenate([none, *(s.rows for s in steps)])
        classes = np.concatenate([none, *(s.classes for s in steps)])
        confidences = np.concatenate([np.empty(0), *(s.confidences for s in steps)])
        seen = np.concatenate([none, *(s.shadow_rows for s in steps)]) - count
        given = np.concatenate([none, *(s.shadow_classes for s in steps)])
        measured = measure(given, self.shadows.truth[seen], self.shadows.name)
        return self.rows[rows], classes, confidences, measured


def _threshold(wish: Wish) -> float | None:
    if wish.method == "confident" and wish.threshold is None:
        return USUAL_THRESHOLD
    return wish.threshold


def _rows(numbers: Any) -> NDArray[np.intp]:
    return np.array(numbers, dtype=np.intp)
