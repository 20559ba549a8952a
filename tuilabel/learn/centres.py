"""The centres of a pool's clusters, as pictures."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.clusters import (
    MINI_BATCHES_ABOVE,
    SAMPLE_ROWS,
    SAMPLE_ROWS_PER_CLUSTER,
    fit_clusters,
)
from tuilabel.learn.feature_sources import ArraySource


def cluster_pictures(
    pool: ArraySource, n_clusters: int, rng: Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Find the centres of clusters of images, on a random sample of a large pool.

    Parameters
    ----------
    pool : ArraySource
        Images of uint8, n in all.
    n_clusters
        How many; at most as many as there are images.
    rng
        Draws the sample and places the first centres.

    Returns
    -------
    pictures : (k, H, W) or (k, H, W, 3) uint8 array
        The mean image of each cluster, the largest cluster first; empty clusters are left out.
    shares : (k,) float array
        The share of the sample in each cluster.
    """
    k = min(n_clusters, len(pool))
    seen = min(len(pool), max(SAMPLE_ROWS, SAMPLE_ROWS_PER_CLUSTER * k))
    # Ascending, so that a memory-mapped pool is read forwards.
    rows = np.sort(rng.choice(len(pool), seen, replace=False))
    features = np.asarray(pool.items(rows), dtype=np.float32).reshape(seen, -1)
    fitted = fit_clusters(features, k, rng, mini_batches=k > MINI_BATCHES_ABOVE)
    counts = np.bincount(fitted.labels_, minlength=k)
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    centres = fitted.cluster_centers_[order].reshape(len(order), *pool.shape)
    return np.clip(np.rint(centres), 0, 255).astype(np.uint8), counts[order] / seen
