"""What a command fits a model to: the labels of a session on disk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import Dataset
from tuilabel.errors import UsageError
from tuilabel.learn.requests import Fit
from tuilabel.session.class_list import ClassList
from tuilabel.session.hierarchy import parents_of
from tuilabel.session.payloads import settings_from
from tuilabel.session.requests import Material, fit_request, rows_of, sets_of
from tuilabel.session.units import Units
from tuilabel.session.view import SessionView
from tuilabel.settings import check_installed


def request_of(view: SessionView, dataset: Dataset) -> Fit:
    """Return the request for the fit that the session would make on its labels.

    Raises
    ------
    UsageError
        There is no label to fit to.
    """
    stored = {} if view.opened is None else view.opened.settings
    check_installed(stored, {})
    settings = settings_from(stored)
    known, has_truth = view.known, dataset.holdout is not None
    classes = ClassList(known.classes, dataset.class_names)
    columns = classes.columns(known.by_class, has_truth=has_truth)
    sets: dict[str, tuple[int, ...]] = {}
    if view.about.multi:
        sets = sets_of([*known.training.values(), *known.audit.values()], columns)
    training, audit = (
        rows_of(part, list(sets) or columns, dataset.row_of)
        for part in (known.training, known.audit)
    )
    units = Units(dataset, known)
    training, audit = units.once(training, audit), units.once(audit)
    truth = tuple(map(columns.index, classes.of_source)) if has_truth else ()
    material = Material(
        settings,
        columns,
        training,
        audit,
        (),
        truth=truth,
        parents=() if sets else parents_of(columns, known.classes.above),
        sets=tuple(sets.values()),
    )
    request = fit_request(material, 0, (view.about.seed, 2, len(training)))
    if request is None:
        raise UsageError("There is no label to fit a model to. Label some images first.")
    return request


def unanswered_rows(view: SessionView, dataset: Dataset) -> NDArray[np.intp]:
    """Return the rows of the images that nobody has answered."""
    free = np.array([not view.known.is_answered(item) for item in dataset.ids], dtype=bool)
    return np.flatnonzero(free)
