"""The options of auto-labelling, and the choice of the items that get an auto-label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.autolabels import (
    choose,
    measure,
    ordered,
    training_set,
)
from tuilabel.learn.calibration import Calibration, fit_temperature
from tuilabel.learn.learner import Learner, Teacher
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import Fit
from tuilabel.progress import Progress

if TYPE_CHECKING:
    from tuilabel.data import Dataset


METHODS = ("confident", "ordered", "naive")


STUDENTS = ("softmax", "mlp")


USUAL_THRESHOLD = 0.95
"""The threshold of `confident`, unless one is given."""


STEPS = 400
"""Most fits of `ordered`, unless a step is given."""


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
    dry_run : bool
        Whether nothing is written.
    """

    method: str = "confident"
    threshold: float | None = None
    step: int | None = None
    student: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, eq=False)
class KnownItems:
    """Items with a known class that are not trained on: the hold-out, or the audit set."""

    name: str
    rows: NDArray[np.intp] | None
    truth: NDArray[np.intp]

    @classmethod
    def of(cls, dataset: Dataset, request: Fit, teacher: Teacher) -> KnownItems:
        if dataset.holdout is not None and teacher.holdout is not None:
            truth = np.asarray(dataset.holdout.truth, dtype=np.intp)
            return cls(dataset.holdout.name, None, truth)
        return cls("audit", row_array(request.audit_items), row_array(request.audit_classes))

    def probabilities(self, teacher: Teacher) -> NDArray[np.float32]:
        return teacher.of_holdout() if self.rows is None else teacher.of_pool(self.rows)

    def measure(self, student: Teacher) -> Accuracy | None:
        return measure(self.probabilities(student).argmax(axis=1), self.truth, self.name)


@dataclass(frozen=True, eq=False)
class Choosing:
    """Chooses the items to label, and chooses known items in the same way to measure the result."""

    learner: Learner
    request: Fit
    teacher: Teacher
    calibration: Calibration
    known: KnownItems
    rows: NDArray[np.intp]
    options: AutolabelOptions
    progress: Progress | None

    def choose(
        self, rng: np.random.Generator
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any], Accuracy | None]:
        """Return the accepted rows, their classes and probabilities, and the measured accuracy."""
        if self.options.method == "ordered":
            return self._in_order(rng)
        threshold = threshold_of(self.options)
        chosen = choose(
            self.options.method, self.calibration.apply(self.teacher.of_pool(self.rows)), threshold
        )
        chosen_known = choose(
            self.options.method,
            self.calibration.apply(self.known.probabilities(self.teacher)),
            threshold,
        )
        taken = chosen_known.accepted
        measured = measure(chosen_known.classes[taken], self.known.truth[taken], self.known.name)
        accepted = chosen.accepted
        return self.rows[accepted], chosen.classes[accepted], chosen.confidences[accepted], measured

    def _in_order(
        self, rng: np.random.Generator
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any], Accuracy | None]:
        count = len(self.rows)
        step = self.options.step or max(10, -(-count // STEPS))
        human = (row_array(self.request.items), row_array(self.request.classes))

        def everything(teacher: Teacher) -> NDArray[np.float32]:
            both = [teacher.of_pool(self.rows), self.known.probabilities(teacher)]
            calibration = self.calibration
            if self.options.threshold is not None:
                # A threshold has one meaning after every fit only if each is calibrated.
                calibration = fit_temperature(
                    both[1], self.known.truth, fitted_on=self.known.name, rng=rng
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
                threshold=threshold_of(self.options),
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
        measured = measure(given, self.known.truth[seen], self.known.name)
        return self.rows[rows], classes, confidences, measured


def threshold_of(options: AutolabelOptions) -> float | None:
    if options.method == "confident" and options.threshold is None:
        return USUAL_THRESHOLD
    return options.threshold


def row_array(numbers: Any) -> NDArray[np.intp]:
    return np.array(numbers, dtype=np.intp)
