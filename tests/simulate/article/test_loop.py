"""The loop: what is asked next, ties, and what each learner may look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tuilabel.errors import UsageError
from tuilabel.simulate.article import ARTICLE, Protocol
from tuilabel.simulate.article.loop import (
    ArticleLearner,
    ask_in_order,
    ask_least_confident,
    auto_label_most_confident,
    take_images,
)


def asked(learner: ArticleLearner, protocol: Protocol, loop: Any) -> list[int]:
    """Run a loop; return the rows in the order they got a label."""
    before: list[int] = list(learner.left)
    seen: list[int] = []
    for _ in loop(learner, protocol):
        seen += [row for row in before if row not in set(learner.left)]
        before = list(learner.left)
    return seen


def test_the_protocol_is_the_articles() -> None:
    assert (ARTICLE.pool, ARTICLE.test, ARTICLE.batch, ARTICLE.budget) == (4000, 400, 10, 400)
    assert (ARTICLE.patience, ARTICLE.learning_rate) == (10, 0.1)


@pytest.mark.parametrize(
    "numbers",
    [{"batch": 0}, {"batch": 401}, {"budget": 4001}, {"test": 0}, {"patience": 0}, {"draws": 0}],
)
def test_numbers_that_do_not_fit(numbers: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"expected 1 <= batch size|expected 1 or more"):
        Protocol(**numbers)


def test_images_are_cut_from_the_front(small: Protocol, data: Any) -> None:
    images = data.images(small)
    assert images.pool.shape == (60, 24)
    np.testing.assert_array_equal(images.test_classes, data.test_labels[:20])
    np.testing.assert_array_equal(images.others_classes, data.test_labels[20:])
    assert images.others[0, 0] == np.float32(data.test_images[20, 0, 0] / 255)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train_images": np.zeros((59, 4, 6), np.uint8)}, "59 training images.*at least 60"),
        ({"test_images": np.zeros((20, 4, 6), np.uint8)}, "20 test images.*at least 21"),
        ({"train_images": np.zeros((70, 4, 6), np.float32)}, "float32 of shape"),
        ({"train_images": np.zeros((70, 24), np.uint8)}, r"shape \(70, 24\)"),
        ({"test_images": np.zeros((50, 6, 4), np.uint8)}, "4 x 6 pixels and test images 6 x 4"),
        ({"test_labels": np.zeros(49, int)}, "50 test images have labels of shape"),
        ({"train_labels": np.full(70, 3)}, "labels run from 3 to 3; expected 0 to 2"),
        ({"train_labels": np.full(70, -1)}, "labels run from -1 to -1"),
    ],
)
def test_images_that_do_not_fit(
    small: Protocol, data: Any, change: dict[str, np.ndarray], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        take_images(small, *replace(data, **change).arrays())


def test_the_first_batch_is_the_first_in_file_order(small: Protocol, data: Any) -> None:
    learner = ArticleLearner(small, data.images(small), on_test=True)
    seen = asked(learner, small, ask_least_confident)
    assert seen[:4] == [0, 1, 2, 3]
    assert len(set(seen)) == small.budget == learner.labels


def test_then_the_least_confident_are_asked(small: Protocol, data: Any) -> None:
    learner = ArticleLearner(small, data.images(small), on_test=True)
    steps = ask_least_confident(learner, small)
    next(steps)
    confidence = learner.confidence()
    assert (np.diff(confidence) >= 0).all()
    assert confidence[0] < confidence[-1]
    expected = set(learner.left[:4])
    next(steps)
    assert not expected & set(learner.left)


def test_equally_confident_images_keep_their_order(small: Protocol, data: Any) -> None:
    order = np.random.default_rng(1).permutation(60)
    learner = ArticleLearner(small, data.images(small), on_test=True, order=order)
    learner.sort()
    np.testing.assert_array_equal(learner.left, order)


def test_of_equally_confident_images_the_last_get_auto_labels(small: Protocol, data: Any) -> None:
    images = data.images(small)
    learner = ArticleLearner(small, images, on_test=True)
    learner.auto_label(3)
    np.testing.assert_array_equal(learner.left, np.arange(57))
    # Weights of zero say class 0 of everything.
    assert learner.auto_right == np.count_nonzero(images.pool_classes[57:] == 0)
    assert learner.labels == 3


def test_auto_labels_are_the_models_own(small: Protocol, data: Any) -> None:
    learner = ArticleLearner(small, data.images(small), on_test=True)
    learner.label(12)
    learner.fit()
    hits = int(np.count_nonzero(learner.hits()))
    learner.auto_label(1000)
    assert learner.labels == 60
    assert learner.auto_right == hits
    assert len(learner.left) == 0


@pytest.mark.parametrize("loop", [ask_least_confident, ask_in_order])
def test_a_budget_that_is_no_multiple_of_the_batch(data: Any, loop: Any) -> None:
    odd = Protocol(pool=30, test=20, batch=4, budget=10, classes=3)
    learner = ArticleLearner(odd, data.images(odd), on_test=True)
    assert list(loop(learner, odd)) == [4, 8, 10]


def test_auto_labels_go_to_the_end(small: Protocol, data: Any) -> None:
    learner = ArticleLearner(small, data.images(small), on_test=True)
    learner.label(58)
    learner.fit()
    assert list(auto_label_most_confident(learner, small)) == [60]
    learner = ArticleLearner(small, data.images(small), on_test=True)
    learner.label(50)
    learner.fit()
    assert list(auto_label_most_confident(learner, small)) == [54, 58, 60]


def test_random_batches_keep_the_given_order(small: Protocol, data: Any) -> None:
    order = np.random.default_rng(1).permutation(60)
    learner = ArticleLearner(small, data.images(small), on_test=True, order=order)
    for _ in ask_in_order(learner, small):
        pass
    np.testing.assert_array_equal(learner.left, order[20:])


def test_only_the_articles_learner_sees_the_test_images(small: Protocol, data: Any) -> None:
    ends = {}
    for on_test in (True, False):
        ways = []
        for test_labels in (data.test_labels, (data.test_labels + 1) % 3):
            images = replace(data, test_labels=test_labels).images(small)
            learner = ArticleLearner(small, images, on_test=on_test)
            for _ in ask_least_confident(learner, small):
                pass
            ways.append(learner.confidence().tolist())
        ends[on_test] = ways[0] == ways[1]
    assert ends == {True: False, False: True}


def test_the_other_test_images_have_no_say(small: Protocol, data: Any) -> None:
    ways = []
    for shift in (0, 1):
        labels = data.test_labels.copy()
        labels[small.test :] = (labels[small.test :] + shift) % 3
        learner = ArticleLearner(
            small, replace(data, test_labels=labels).images(small), on_test=True
        )
        for _ in ask_least_confident(learner, small):
            pass
        ways.append(learner.confidence().tolist())
    assert ways[0] == ways[1]


def test_counts_follow_the_weights(small: Protocol, data: Any) -> None:
    images = data.images(small)
    learner = ArticleLearner(small, images, on_test=False)
    before = learner.right()
    zeros = (images.test_classes == 0).sum(), (images.others_classes == 0).sum()
    assert before == zeros
    learner.label(20)
    learner.fit()
    assert sum(learner.right()) > sum(before)


def test_a_copy_leaves_the_original_alone(small: Protocol, data: Any) -> None:
    learner = ArticleLearner(small, data.images(small), on_test=False)
    learner.label(8)
    learner.fit()
    twin = learner.copy()
    learner.label(12)
    state = learner.left.tolist(), learner.labels, learner.right(), learner.confidence().tolist()
    for _ in auto_label_most_confident(twin, small):
        pass
    assert twin.labels == 60
    now = learner.left.tolist(), learner.labels, learner.right(), learner.confidence().tolist()
    assert now == state
    learner.fit()
    assert learner.confidence().tolist() != state[3], "the fit must move something"
    again = ArticleLearner(small, data.images(small), on_test=False)
    for size in (8, 12):
        again.label(size)
        again.fit()
    assert again.confidence().tolist() == learner.confidence().tolist()
