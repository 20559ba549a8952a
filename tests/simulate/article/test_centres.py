"""The k-means centres: found without the classes, named by them."""

from __future__ import annotations

import warnings

import numpy as np

from tuilabel.simulate.article.centres import name_centres


def test_three_heaps_have_three_centres() -> None:
    rng = np.random.default_rng(0)
    heap = np.repeat([0, 1, 2], [10, 20, 30])
    middles = np.eye(3, 6)
    rows = (middles[heap] + 0.05 * rng.random((60, 6))).astype(np.float32)
    classes = np.array([4, 1, 1])[heap]
    classes[0] = 0
    centres = name_centres(rows, classes, 3, shape=(2, 3), seed=1)
    assert [(c.digit, c.size, c.count) for c in centres][2] == (4, 10, 9)
    assert sorted((c.digit, c.size, c.count) for c in centres)[:2] == [(1, 20, 20), (1, 30, 30)]
    for centre in centres:
        assert np.shape(centre.pixels) == (2, 3)
        assert all(
            isinstance(grey, int) and 0 <= grey <= 255 for line in centre.pixels for grey in line
        )
        assert sum(grey > 200 for line in centre.pixels for grey in line) == 1
    assert centres == name_centres(rows, classes, 3, shape=(2, 3), seed=1)


def test_the_purest_of_a_digit_comes_first() -> None:
    rows = np.repeat(np.eye(2, dtype=np.float32), 4, axis=0)
    classes = np.array([1, 1, 1, 0, 1, 1, 1, 1])
    found = name_centres(rows, classes, 2, shape=(1, 2), seed=0)
    assert [(c.digit, c.count, c.pixels) for c in found] == [
        (1, 4, ((0, 255),)),
        (1, 3, ((255, 0),)),
    ]


def test_fewer_different_images_than_centres() -> None:
    rows = np.zeros((8, 4), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        centres = name_centres(rows, np.arange(8) % 2, 3, shape=(2, 2), seed=0)
    assert [(c.digit, c.size, c.count) for c in centres] == [(0, 8, 4)]
