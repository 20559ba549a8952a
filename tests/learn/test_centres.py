"""The centres of a pool, as pictures."""

from __future__ import annotations

import numpy as np
import pytest

from tuilabel.learn.centres import cluster_pictures
from tuilabel.learn.feature_sources import pixels


def test_centres_are_the_means_of_clusters_largest_first() -> None:
    pool = np.zeros((30, 4, 4), np.uint8)
    pool[20:] = 200
    pictures, shares = cluster_pictures(pixels(pool), 2, np.random.default_rng(0))
    assert shares.tolist() == pytest.approx([2 / 3, 1 / 3])
    assert [int(picture.mean()) for picture in pictures] == [0, 200]
    assert pictures.dtype == np.uint8
    few, _ = cluster_pictures(pixels(pool[:1]), 10, np.random.default_rng(0))
    assert few.shape == (1, 4, 4)
