"""A session's model apart from its pool: fitted to the same labels, and compared with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.errors import UsageError
from tuilabel.learn.calibration import Calibration
from tuilabel.learn.known import Known
from tuilabel.learn.learner import Learner, Seen, Teacher
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.models import network_of, score_rows
from tuilabel.learn.network import Network
from tuilabel.learn.requests import Fit
from tuilabel.learn.rounds import measure_sets


@dataclass(frozen=True, eq=False)
class Agreement:
    """For how many images two models predict the same.

    Attributes
    ----------
    seen : tuple of model and features
        The model of the session.
    agreed, n : int
        Of the images without an answer.
    """

    seen: Seen
    agreed: int
    n: int


@dataclass(frozen=True, eq=False)
class Apart:
    """A model that predicts any image from its features.

    Attributes
    ----------
    model, features : str
    network : Network
        Of d features and c classes, at its temperature.
    columns : (c,) intp array
        The columns of these classes in the request.
    calibration : Calibration or None
        None for several classes, which are not calibrated.
    accuracy : Accuracy or None
        Of images that it was not fitted to: the hold-out or the audit set. None without them.
    agreement : Agreement or None
        None if it is the model of the session.
    """

    model: str
    features: str
    network: Network
    columns: NDArray[np.intp]
    calibration: Calibration | None
    accuracy: Accuracy | None
    agreement: Agreement | None


def take_apart(learner: Learner, request: Fit, rows: NDArray[np.intp], *, rng: Generator) -> Apart:
    """Fit the model of a session, or the best one that needs no pool, to the labels of a request.

    The hold-out or the audit set calibrates its probabilities and measures it, and is not trained
    on. A temperature never changes which class is the likeliest, and so not the accuracy.

    Parameters
    ----------
    learner : Learner
        What the request needs is prepared.
    request : Fit
    rows : (r,) intp array
        The images without an answer, on which models are compared.
    rng
        Draws the folds of the calibration.

    Raises
    ------
    UsageError
        Only one class has labels, or names in the request are invalid.
    """
    own = learner.teach(request)
    seen = learner.inductive(request, own.seen)
    chosen = own if seen == own.seen else learner.teach(request, seen=seen)
    found = network_of(chosen.fitted, chosen.pool.width)
    if found is None:
        raise UsageError(
            "Only one class has labels, and a model tells classes apart: label images of another "
            "class first."
        )
    columns, network = found
    calibration = None
    if request.sets:
        accuracy, _ = measure_sets(
            chosen.fitted,
            chosen.pool,
            np.array(request.audit_items, dtype=np.intp),
            np.array(request.audit_classes, dtype=np.intp),
            np.array(request.sets, dtype=np.int8),
        )
    else:
        known = Known.of(learner, chosen, request)
        accuracy = known.measure(chosen)
        calibration = known.calibrated(known.probabilities(chosen), rng)
        network = network.at(calibration.temperature)
    return Apart(
        *seen,
        network,
        columns,
        calibration,
        accuracy,
        None if chosen is own else _agreement(own, chosen, rows, several=bool(request.sets)),
    )


def _agreement(own: Teacher, other: Teacher, rows: NDArray[np.intp], *, several: bool) -> Agreement:
    agreed = 0
    both = (score_rows(each.fitted, each.pool, rows) for each in (own, other))
    for (_, one), (_, two) in zip(*both, strict=True):
        if several:
            agreed += int(((one >= 0.5) == (two >= 0.5)).all(axis=1).sum())
        else:
            agreed += int((one.argmax(axis=1) == two.argmax(axis=1)).sum())
    return Agreement(own.seen, agreed, len(rows))
