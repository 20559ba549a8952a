"""Models of classes at several levels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.levels import as_answered, subtrees
from tuilabel.learn.models import fit_model
from tuilabel.learn.rounds import run_round

# cat, bird, bird/owl, bird/hawk
PARENTS = (-1, -1, 1, 1)
CAT, BIRD, OWL, HAWK = range(4)
PLACES = np.array([[0.0, 0.0], [1.0, 0.1], [1.0, 0.0], [1.0, 1.0]], np.float32)


def rows(*classes: int) -> NDArray[np.float32]:
    """Return an item near the place of each class; an unknown bird looks like an owl."""
    return PLACES[list(classes)]


def fitted(*classes: int) -> NDArray[np.float32]:
    """Return what a model of these labels predicts for a cat, an owl and a hawk."""
    model = fit_model(
        "softmax",
        rows(*classes),
        np.array(classes),
        n_classes=4,
        rng=np.random.default_rng(0),
        parents=PARENTS,
    )
    found = model.probabilities(rows(CAT, OWL, HAWK))
    assert found.shape == (3, 4)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    return found


def test_a_label_above_is_evidence_for_what_lies_below_and_never_against_it() -> None:
    some = fitted(CAT, CAT, OWL, OWL, HAWK, HAWK)
    more = fitted(CAT, CAT, OWL, OWL, HAWK, HAWK, *[BIRD] * 20)
    assert some.argmax(axis=1).tolist() == more.argmax(axis=1).tolist() == [CAT, OWL, HAWK]
    assert not more[:, BIRD].any()
    assert more[1, OWL] > some[1, OWL]
    assert more[1, CAT] < some[1, CAT]


def test_the_model_stays_above_where_it_cannot_tell_the_classes_below_apart() -> None:
    assert fitted(CAT, BIRD, BIRD).argmax(axis=1).tolist() == [CAT, BIRD, BIRD]
    assert fitted(CAT, BIRD, OWL).argmax(axis=1).tolist() == [CAT, BIRD, BIRD]
    assert fitted(CAT, OWL, OWL).argmax(axis=1).tolist() == [CAT, OWL, OWL]


def test_an_answer_above_a_prediction_is_right_and_one_below_it_is_not() -> None:
    below = subtrees(PARENTS, 4)
    predicted = np.array([OWL, OWL, BIRD, CAT])
    answers = np.array([BIRD, HAWK, OWL, CAT])
    assert as_answered(predicted, answers, below).tolist() == [BIRD, OWL, BIRD, CAT]
    labelled, audit = np.arange(6), np.arange(6, 9)
    classes = [CAT, CAT, OWL, OWL, HAWK, HAWK]
    result = run_round(
        View(pixels(rows(*classes, OWL, HAWK, CAT))),
        labelled=labelled,
        labels=np.array(classes),
        n_classes=4,
        excluded=np.empty(0, np.intp),
        model="softmax",
        strategy="margin",
        limit=3,
        rng=np.random.default_rng(0),
        audit=(audit, np.array([BIRD, HAWK, CAT])),
        parents=PARENTS,
    )
    assert result.accuracy is not None
    assert (result.accuracy.correct, result.accuracy.n) == (3, 3)
    assert result.predicted.tolist() == [BIRD, HAWK, CAT]


@pytest.mark.parametrize("parents", [(0, -1), (1, 0), (-1,), (2, -1)])
def test_parents_that_are_no_tree_are_refused(parents: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"parents|below itself"):
        subtrees(parents, 2)
