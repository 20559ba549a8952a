"""Images in the order of oddness and likeness."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_arrays

from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.likeness import by_likeness, by_oddness


def test_the_most_unusual_come_first() -> None:
    rng = np.random.default_rng(3)
    usual = rng.normal(0, 1, (400, 12))
    far, farther = np.full((1, 12), 9.0), np.full((1, 12), -20.0)
    order = by_oddness(
        View(pixels(np.concatenate([usual[:200], far, usual[200:], farther]).astype(np.float32)))
    )
    assert order[:2].tolist() == [401, 200]
    assert sorted(order.tolist()) == list(range(402))


def test_oddness_is_the_mean_distance_to_the_ten_nearest() -> None:
    rows = np.random.default_rng(4).normal(0, 1, (60, 3)).astype(np.float32)
    distances = np.sort(np.linalg.norm(rows[:, None] - rows[None], axis=2), axis=1)
    expected = np.argsort(-distances[:, 1:11].mean(axis=1))
    assert by_oddness(View(pixels(rows))).tolist() == expected.tolist()


def test_likeness_begins_with_the_item_itself() -> None:
    rows = np.array([[5], [1], [4], [5], [9]], dtype=np.uint8)
    assert by_likeness(View(pixels(rows)), 3).tolist() == [3, 0, 2, 1, 4]


@given(
    of_arrays.arrays(
        np.uint8, st.tuples(st.integers(1, 25), st.integers(1, 4)), elements=st.integers(0, 3)
    )
)
def test_every_item_is_in_every_order_once(rows: np.ndarray) -> None:
    everything = list(range(len(rows)))
    assert sorted(by_oddness(View(pixels(rows))).tolist()) == everything
    assert sorted(by_likeness(View(pixels(rows)), len(rows) - 1).tolist()) == everything
