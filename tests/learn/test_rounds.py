"""One round: what is returned, what it is measured on, and what it costs in memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from tuilabel.errors import UsageError
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.rounds import RoundResult, run_round
from tuilabel.plugins import GROUPS

EVERY_STRATEGY = [name for name in GROUPS["strategies"].built_in if name != "auto"]
MODELS = ("softmax", "mlp")

NONE = np.empty(0, dtype=np.intp)


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def blobs(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Bytes of shape (n, 3, 4) around three dark pictures, and their classes."""
    labels = np.arange(n) % 3
    centres = rng(99).integers(0, 200, (3, 3, 4))
    return (centres[labels] + rng(seed).integers(0, 55, (n, 3, 4))).astype(np.uint8), labels


POOL, TRUTH = blobs(60)


def a_round(pool: np.ndarray = POOL, labelled: Any = range(12), **changes: Any) -> RoundResult:
    rows = np.array(labelled, dtype=np.intp)
    given: dict[str, Any] = {
        "labelled": rows,
        "labels": TRUTH[rows % 60],
        "n_classes": 3,
        "excluded": NONE,
        "model": "softmax",
        "strategy": "margin",
        "limit": 10,
        "rng": rng(),
    }
    holdout = changes.pop("holdout", None)
    if holdout is not None:
        given["holdout"] = (View(pixels(holdout[0])), holdout[1])
    return run_round(View(pixels(pool)), **(given | changes))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("strategy", EVERY_STRATEGY)
def test_items_come_with_what_the_model_believes(model: str, strategy: str) -> None:
    result = a_round(model=model, strategy=strategy)
    assert result.items.shape == (10,)
    assert len(set(result.items.tolist())) == 10
    assert result.probabilities.shape == (10, 3)
    assert result.probabilities.dtype == np.float32
    np.testing.assert_allclose(result.probabilities.sum(axis=1), 1, atol=1e-5)
    assert result.fit_seconds > 0
    assert result.rank_seconds > 0


def test_best_first() -> None:
    everything = a_round(limit=1000, strategy="least-confident")
    confidence = everything.probabilities.max(axis=1)
    assert len(confidence) == 48
    np.testing.assert_allclose(confidence, np.sort(confidence), atol=1e-6)
    best = a_round(limit=5, strategy="least-confident")
    assert best.items.tolist() == everything.items[:5].tolist()


@pytest.mark.parametrize("strategy", ["margin", "committee", "diverse-margin"])
def test_the_likeliest_of_a_class_that_is_looked_for_come_first(strategy: str) -> None:
    result = a_round(limit=1000, strategy=strategy, sought=1, epsilon=0.5)
    np.testing.assert_array_equal(
        result.probabilities[:, 1], np.sort(result.probabilities[:, 1])[::-1]
    )
    assert np.isnan(result.draws).all()


def test_labelled_excluded_and_audit_items_are_not_returned() -> None:
    result = a_round(
        excluded=np.arange(20, 40), audit=(np.arange(35, 45), TRUTH[35:45]), limit=1000
    )
    assert sorted(result.items) == [*range(12, 20), *range(45, 60)]


def test_nothing_left_is_an_empty_ranking() -> None:
    result = a_round(labelled=range(60))
    assert result.items.shape == (0,)
    assert result.probabilities.shape == (0, 3)


def test_same_seed_same_round() -> None:
    for model in MODELS:
        one, two = (a_round(model=model, strategy="random") for _ in range(2))
        assert one.items.tolist() == two.items.tolist()
        np.testing.assert_array_equal(one.probabilities, two.probabilities)


@pytest.mark.parametrize("strategy", EVERY_STRATEGY)
def test_the_chunk_size_changes_nothing(strategy: str) -> None:
    whole = a_round(strategy=strategy, chunk_rows=1000)
    parts = a_round(strategy=strategy, chunk_rows=7)
    assert whole.items.tolist() == parts.items.tolist()
    np.testing.assert_allclose(whole.probabilities, parts.probabilities, atol=1e-6)


def test_first_items_come_first_in_their_order_and_once() -> None:
    first = np.array([50, 3, 41, 30])
    result = a_round(first=first, excluded=np.array([41]))
    # 3 is labelled and 41 excluded.
    assert result.items[:2].tolist() == [50, 30]
    assert len(set(result.items.tolist())) == 10
    plain = a_round(excluded=np.array([41])).items
    rest = [item for item in plain.tolist() if item not in (50, 30)]
    assert result.items[2:].tolist() == rest[:8]
    # Their probabilities go with them.
    alone = a_round(first=first, excluded=np.array([41]), limit=1)
    np.testing.assert_allclose(alone.probabilities[0], result.probabilities[0], atol=1e-6)


def test_the_stop_set_is_predicted_as_everything_else() -> None:
    rows = np.array([40, 2, 59])
    result = a_round(stop_rows=rows)
    assert result.stop_predictions.tolist() == TRUTH[rows].tolist()
    assert a_round().stop_predictions.shape == (0,)


def test_a_share_of_each_batch_is_random() -> None:
    plain, mixed, random = (
        a_round(strategy="margin", epsilon=epsilon, batch_size=10).items.tolist()
        for epsilon in (0.0, 0.5, 1.0)
    )
    assert len(set(mixed)) == len(set(random)) == 10
    assert len(set(mixed) & set(plain)) >= 5
    assert mixed != plain != random
    assert a_round(strategy="margin", epsilon=0.5).items.tolist() == mixed


def test_no_label_yet_is_an_ordinary_round() -> None:
    result = a_round(labelled=[], holdout=(POOL, TRUTH))
    np.testing.assert_array_equal(result.probabilities, np.full((10, 3), np.float32(1 / 3)))
    assert result.accuracy is None
    assert result.confusion is None
    assert a_round(labelled=[], rng=rng(6)).items.tolist() != result.items.tolist()


def test_a_single_class_so_far_is_measured_as_it_is() -> None:
    result = a_round(labelled=[0, 3, 6], holdout=(POOL, TRUTH))
    np.testing.assert_array_equal(result.probabilities, np.tile([1, 0, 0], (10, 1)))
    assert result.accuracy == Accuracy(correct=20, n=60, name="hold-out")


def test_accuracy_is_measured_on_the_holdout() -> None:
    features, truth = blobs(90, seed=1)
    wrong = (truth + 1) % 3
    result = a_round(holdout=(features, np.r_[truth[:60], wrong[60:]]), holdout_name="t10k")
    assert result.accuracy == Accuracy(correct=60, n=90, name="t10k")
    assert result.confusion is not None
    assert result.confusion.tolist() == [[20, 0, 10], [10, 20, 0], [0, 10, 20]]


def test_without_a_holdout_it_is_measured_on_the_audit_set() -> None:
    rows = np.array([50, 20, 33])
    result = a_round(audit=(rows, np.array([TRUTH[50], TRUTH[20], (TRUTH[33] + 1) % 3])))
    assert result.accuracy == Accuracy(correct=2, n=3, name="audit")


@pytest.mark.parametrize(
    "measured", [{}, {"audit": (NONE, NONE)}, {"holdout": (POOL[:0], TRUTH[:0])}]
)
def test_without_items_to_measure_on_there_is_no_accuracy(measured: dict[str, Any]) -> None:
    result = a_round(**measured)
    assert result.accuracy is None
    assert result.confusion is None


def test_training_on_an_audit_item_is_refused() -> None:
    with pytest.raises(ValueError, match="also trained on"):
        a_round(audit=(np.array([11, 40]), TRUTH[[11, 40]]))


def test_rows_outside_the_pool_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 to 59"):
        a_round(labelled=[60])
    with pytest.raises(ValueError, match="expected 0 to 59"):
        a_round(excluded=np.array([-1]))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="model 'forest'"):
        a_round(model="forest")
    with pytest.raises(UsageError, match="strategy 'best'"):
        a_round(strategy="best")


def test_memory_grows_with_the_chunk_and_not_with_the_pool() -> None:
    def peak(n: int, chunk_rows: int) -> int:
        pool = np.zeros((n, 20, 20), dtype=np.uint8)
        a_round(pool, chunk_rows=chunk_rows)
        tracemalloc.start()
        a_round(pool, chunk_rows=chunk_rows)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    small, large = peak(2_000, 500), peak(22_000, 500)
    # As float32 each item is 1,600 bytes; a mask, a row number, a utility and its sort are few.
    assert large - small < 20_000 * 64
    assert peak(22_000, 4_000) > small + 3_500 * 1_600


def test_a_loop_on_digits_reaches_ninety_percent() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = (digits.images * (255 / 16)).astype(np.uint8)
    order = rng(0).permutation(len(images))
    pool, truth = images[order[500:]], digits.target[order[500:]]
    holdout = (View(pixels(images[order[:500]])), digits.target[order[:500]])
    generator = rng(1)
    labelled = generator.choice(len(pool), 10, replace=False)
    while True:
        result = run_round(
            View(pixels(pool)),
            labelled=labelled,
            labels=truth[labelled],
            n_classes=10,
            excluded=NONE,
            model="softmax",
            strategy="least-confident",
            limit=10,
            rng=generator,
            holdout=holdout,
        )
        if len(labelled) == 200:
            break
        labelled = np.concatenate([labelled, result.items])
    assert result.accuracy is not None
    assert result.accuracy.value > 0.9
