"""Auto-labels for the items of a learner: fit, calibrate, choose and measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.autolabel.rules import (
    Estimate,
    choose,
    estimate,
    ordered,
    training_set,
)
from tuilabel.errors import UsageError
from tuilabel.learn.calibration import Calibration
from tuilabel.learn.known import Known
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import Fit
from tuilabel.progress import Progress

if TYPE_CHECKING:
    # A process that only sends and receives the options and the result needs no learner.
    from tuilabel.learn.learner import Learner, Teacher

METHODS = ("confident", "ordered", "naive")

STUDENTS = ("softmax", "mlp")

USUAL_THRESHOLD = 0.95
"""The threshold of `confident`, unless one is given."""

STEPS = 400
"""Most fits of `ordered`, unless a step is given."""

Chosen = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any], Accuracy | None]
"""The accepted rows, their classes and probabilities, and the measured accuracy."""


@dataclass(frozen=True)
class AutolabelOptions:
    """The options of auto-labelling.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    threshold : float or None
        The smallest probability to accept, 0 to 1; None for the method's own.
    step : int or None
        Number of items that `ordered` accepts between two fits; None for 10, or more in a large
        pool.
    student : str or None
        A model of `STUDENTS`, fitted on the pixels of all labelled items for comparison.
    """

    method: str = "confident"
    threshold: float | None = None
    step: int | None = None
    student: str | None = None

    def check(self) -> None:
        """Check the options that need no model to be checked.

        Raises
        ------
        UsageError
            There is no such method or student, or the step does not suit the method.
        """
        for option, name, known in (
            ("method", self.method, METHODS),
            ("student", self.student, STUDENTS),
        ):
            if name is not None and name not in known:
                raise UsageError(
                    f"There is no {option} {name!r}: choose one of {', '.join(known)}."
                )
        if self.step is not None and (self.method != "ordered" or self.step < 1):
            raise UsageError(
                f"--step {self.step} needs --method ordered, and a whole number of 1 or more."
            )

    @property
    def lowest(self) -> float | None:
        """The threshold in effect; None for no threshold."""
        if self.method == "confident" and self.threshold is None:
            return USUAL_THRESHOLD
        return self.threshold


@dataclass(frozen=True, eq=False)
class AutoLabels:
    """The labels that a model gives, and what they are worth.

    Attributes
    ----------
    model, features : str
        The model fitted, and its features.
    trained_on, unanswered : int
        Number of annotators' labels, and of items without an answer.
    rows, classes : (a,) intp array
        The items that get a label, and the columns of their classes in the request.
    probabilities : (a,) floating array
        Of these classes.
    calibration : Calibration
    estimate : Estimate
    taught, untaught : Accuracy or None
        The student's accuracy, fitted on all labels and on those of annotators alone.
    """

    model: str
    features: str
    trained_on: int
    unanswered: int
    rows: NDArray[np.intp]
    classes: NDArray[np.intp]
    probabilities: NDArray[np.floating[Any]]
    calibration: Calibration
    estimate: Estimate
    taught: Accuracy | None
    untaught: Accuracy | None


def auto_label(
    learner: Learner,
    request: Fit,
    rows: NDArray[np.intp],
    options: AutolabelOptions,
    *,
    rng: Generator,
    progress: Progress | None = None,
) -> AutoLabels:
    """Label items with the model that the session would fit, and measure the result.

    The model is fitted on annotators' labels alone. The hold-out or the audit set calibrates its
    probabilities and measures the result, and is not trained on.

    Parameters
    ----------
    learner : Learner
        What the request needs is prepared; otherwise a simpler model is fitted.
    request : Fit
        The annotators' labels, and the model to fit.
    rows : (n,) intp array
        The items to choose from.
    options : AutolabelOptions
    rng
        Breaks ties, and draws the folds of the calibration.
    progress : callable, optional
        Called before each fit of `ordered`.

    Raises
    ------
    UsageError
        The options, or names in the request, are invalid.
    """
    options.check()
    teacher = learner.teach(request)
    known = Known.of(learner, teacher, request)
    calibration = known.calibrated(known.probabilities(teacher), rng)
    if options.method == "ordered":
        labelled = _in_order(
            learner, request, teacher, calibration, known, rows, options, rng, progress
        )
    else:
        labelled = _at_once(teacher, calibration, known, rows, options)
    accepted, classes, probabilities, measured = labelled
    taught = untaught = None
    if options.student is not None:
        student = (options.student, "raw")
        all_rows, all_classes = training_set(*_labels(request), accepted, classes)
        taught = known.measure(
            learner.teach(request, rows=all_rows, classes=all_classes, seen=student)
        )
        untaught = known.measure(learner.teach(request, seen=student))
    return AutoLabels(
        *teacher.seen,
        trained_on=len(request.items),
        unanswered=len(rows),
        rows=accepted,
        classes=classes,
        probabilities=probabilities,
        calibration=calibration,
        estimate=estimate(probabilities, measured),
        taught=taught,
        untaught=untaught,
    )


def _at_once(
    teacher: Teacher,
    calibration: Calibration,
    known: Known,
    rows: NDArray[np.intp],
    options: AutolabelOptions,
) -> Chosen:
    """Choose without a fit in between, and measure with known items that pass too."""
    chosen, passed = (
        choose(options.method, calibration.apply(probabilities), options.lowest)
        for probabilities in (teacher.of_pool(rows), known.probabilities(teacher))
    )
    accepted, taken = chosen.accepted, passed.accepted
    measured = known.measured(passed.classes[taken], taken)
    return rows[accepted], chosen.classes[accepted], chosen.confidences[accepted], measured


def _in_order(
    learner: Learner,
    request: Fit,
    teacher: Teacher,
    calibration: Calibration,
    known: Known,
    rows: NDArray[np.intp],
    options: AutolabelOptions,
    rng: Generator,
    progress: Progress | None,
) -> Chosen:
    """Choose the most confident first, with fits in between; known items are shadows."""
    count = len(rows)

    def everything(teacher: Teacher) -> NDArray[np.float32]:
        both = [teacher.of_pool(rows), known.probabilities(teacher)]
        current = calibration
        if options.threshold is not None:
            # A threshold has one meaning after every fit only if each is calibrated.
            current = known.calibrated(both[1], rng)
        return np.asarray(current.apply(np.concatenate(both)))

    def refit(accepted: NDArray[np.intp], classes: NDArray[np.intp]) -> NDArray[np.float32]:
        if progress is not None:
            progress("labelling in order", len(accepted), count)
        both = training_set(*_labels(request), rows[accepted], classes)
        return everything(learner.teach(request, rows=both[0], classes=both[1], seen=teacher.seen))

    first = everything(teacher)
    steps = list(
        ordered(
            first,
            refit,
            rng=rng,
            threshold=options.lowest,
            step=options.step or max(10, -(-count // STEPS)),
            shadow=np.arange(len(first)) >= count,
        )
    )
    if progress is not None and steps:
        progress("labelling in order", count, count)
    none = np.empty(0, dtype=np.intp)
    accepted = np.concatenate([none, *(s.rows for s in steps)])
    classes = np.concatenate([none, *(s.classes for s in steps)])
    confidences = np.concatenate([np.empty(0), *(s.confidences for s in steps)])
    seen = np.concatenate([none, *(s.shadow_rows for s in steps)]) - count
    given = np.concatenate([none, *(s.shadow_classes for s in steps)])
    measured = known.measured(given, seen)
    return rows[accepted], classes, confidences, measured


def _labels(request: Fit) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return _array(request.items), _array(request.classes)


def _array(numbers: Any) -> NDArray[np.intp]:
    return np.array(numbers, dtype=np.intp)
