"""Items whose classes are known and that are not trained on, to measure and calibrate a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.calibration import Calibration, fit_temperature
from tuilabel.learn.levels import as_answered, subtrees
from tuilabel.learn.metrics import Accuracy, measure
from tuilabel.learn.requests import Fit
from tuilabel.learn.rounds import AUDIT_NAME

if TYPE_CHECKING:
    from tuilabel.learn.learner import Learner, Teacher


@dataclass(frozen=True, eq=False)
class Known:
    """The hold-out, or the audit set.

    Attributes
    ----------
    name : str
        What an accuracy on them is called.
    rows : (m,) intp array or None
        Rows of the pool; None for the hold-out.
    truth : (m,) intp array
        The columns of their classes.
    below : (k, k) bool array
        As `tuilabel.learn.levels.subtrees` returns it.
    """

    name: str
    rows: NDArray[np.intp] | None
    truth: NDArray[np.intp]
    below: NDArray[np.bool_]

    @classmethod
    def of(cls, learner: Learner, teacher: Teacher, request: Fit) -> Known:
        """Return the hold-out, or the audit set of a request where the teacher cannot see one."""
        truth = learner.truth(request)
        below = subtrees(request.parents, len(request.columns))
        if learner.holdout is not None and truth is not None and teacher.holdout is not None:
            return cls(learner.holdout[0], None, truth, below)
        rows, classes = (
            np.array(numbers, dtype=np.intp)
            for numbers in (request.audit_items, request.audit_classes)
        )
        return cls(AUDIT_NAME, rows, classes, below)

    def probabilities(self, teacher: Teacher) -> NDArray[np.float32]:
        """Return the probabilities of these items: (m, k) float32."""
        return teacher.of_holdout() if self.rows is None else teacher.of_pool(self.rows)

    def measure(self, student: Teacher) -> Accuracy | None:
        """Return how many of these items a model predicts right; None if there are none."""
        return self.measured(self.probabilities(student).argmax(axis=1), slice(None))

    def measured(self, classes: NDArray[np.intp], which: slice | NDArray[Any]) -> Accuracy | None:
        """Return how many classes of some of the items are right, at the level of their answers."""
        truth = self.truth[which]
        return measure(as_answered(classes, truth, self.below), truth, self.name)

    def calibrated(self, probabilities: NDArray[np.float32], rng: Generator) -> Calibration:
        """Return a calibration; an answer that lies above the likeliest class confirms it."""
        likeliest = probabilities.argmax(axis=1)
        truth = np.where(self.below[self.truth, likeliest], likeliest, self.truth)
        return fit_temperature(probabilities, truth, fitted_on=self.name, rng=rng)
