"""Models of several classes for an item."""

from __future__ import annotations

import numpy as np

from tuilabel.learn.class_sets import Tally, least_certain, tallies, whole_sets
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.models import fit_model
from tuilabel.learn.rounds import run_round

SETS = np.array([[1, 0, -1], [0, 1, -1], [1, 1, -1], [0, 0, 0]], np.int8)
PLACES = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.float32)


def test_each_class_is_learned_by_itself_and_unknown_ones_teach_nothing() -> None:
    model = fit_model(
        "softmax",
        np.tile(PLACES, (5, 1)),
        np.tile(np.arange(4), 5),
        n_classes=3,
        rng=np.random.default_rng(0),
        sets=SETS,
    )
    found = model.probabilities(PLACES)
    assert (found[:, :2] >= 0.5).tolist() == (SETS[:, :2] == 1).tolist()
    assert not found[:, 2].any(), "no item is known to have it"


def test_the_class_that_is_least_certain_decides_what_is_asked() -> None:
    shares = np.array([[0.9, 0.4], [1.0, 0.0]], np.float32)
    np.testing.assert_allclose(least_certain(shares), [[0.6, 0.4], [0.0, 1.0]])


def test_tallies_and_whole_sets_leave_out_what_is_unknown() -> None:
    predicted = np.array(
        [[True, False, True], [False, False, True], [True, True, True], [True] * 3]
    )
    assert tallies(SETS, predicted) == (Tally(2, 0, 1, 1), Tally(1, 1, 1, 1), Tally(0, 0, 1, 0))
    assert whole_sets(SETS, predicted) == (0, 1)
    assert whole_sets(SETS[:, :2], predicted[:, :2]) == (2, 4)


def test_a_round_measures_whole_sets_and_each_class() -> None:
    places = np.tile(PLACES, (6, 1))
    known = np.tile(np.arange(4), 6)
    for strategy in ("margin", "diverse-margin", "committee"):
        result = run_round(
            View(pixels(places)),
            labelled=np.arange(12),
            labels=known[:12],
            n_classes=2,
            excluded=np.empty(0, np.intp),
            model="softmax",
            strategy=strategy,
            limit=5,
            rng=np.random.default_rng(0),
            audit=(np.arange(12, 16), known[12:16]),
            sets=SETS[:, :2],
        )
        assert result.accuracy is not None
        assert (result.accuracy.correct, result.accuracy.n) == (4, 4)
        assert result.tallies == (Tally(2, 0, 0, 2), Tally(2, 0, 0, 2))
        assert result.probabilities.shape == (5, 2)
        assert {*result.items.tolist()} <= {*range(16, 24)}
