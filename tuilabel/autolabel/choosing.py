"""What can be asked of an auto-labelling, and which items it accepts."""

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
"""What `confident` asks for where no threshold is given."""


STEPS = 400
"""Fits that `ordered` makes at most, unless a step is given."""


@dataclass(frozen=True)
class AutolabelOptions:
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
    options: AutolabelOptions
    progress: Progress | None

    def choose(
        self, rng: np.random.Generator
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any], Accuracy | None]:
        """Give the rows accepted, their classes and probabilities, and what was measured."""
        if self.options.method == "ordered":
            return self._in_order(rng)
        threshold = _threshold(self.options)
        chosen = choose(
            self.options.method, self.calibration.apply(self.teacher.of_pool(self.rows)), threshold
        )
        shadowed = choose(
            self.options.method,
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
        step = self.options.step or max(10, -(-count // STEPS))
        human = (_rows(self.request.items), _rows(self.request.classes))

        def everything(teacher: Teacher) -> NDArray[np.float32]:
            both = [teacher.of_pool(self.rows), self.shadows.probabilities(teacher)]
            calibration = self.calibration
            if self.options.threshold is not None:
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
                threshold=_threshold(self.options),
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


def _threshold(options: AutolabelOptions) -> float | None:
    if options.method == "confident" and options.threshold is None:
        return USUAL_THRESHOLD
    return options.threshold


def _rows(numbers: Any) -> NDArray[np.intp]:
    return np.array(numbers, dtype=np.intp)
