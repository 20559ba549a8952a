"""The k-means centres of the pool, each named by a digit."""

from __future__ import annotations

import numpy as np

from tuilabel.simulate.article.report import Centre
from tuilabel.simulate.article.softmax import Float32Array, IndexArray

STARTS = 4
"""Number of starts of the k-means; the best one is kept."""


def name_centres(
    rows: Float32Array, classes: IndexArray, clusters: int, *, shape: tuple[int, int], seed: int
) -> tuple[Centre, ...]:
    """Cluster images by k-means, and name each centre after the digit of most of its images.

    Parameters
    ----------
    rows : (n, height * width) float32 array
        Numbers from 0 to 1.
    classes : (n,) intp array
        True classes, which name the centres; they are not used to find them.
    clusters
        Number of centres, at most n.
    shape
        Height and width of an image.
    seed
        Seed of scikit-learn's generator.

    Returns
    -------
    tuple of Centre
        Sorted by digit, the purest first. Fewer than `clusters` if there are fewer different
        images.
    """
    import warnings

    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # The warning is about fewer distinct images than centres; empty ones are left out below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(clusters, n_init=STARTS, random_state=seed).fit(rows)
    centres = []
    for cluster, middle in enumerate(found.cluster_centers_):
        counts = np.bincount(classes[found.labels_ == cluster])
        if not counts.size:
            continue
        greys = np.clip(np.rint(255 * middle), 0, 255).astype(int).reshape(shape)
        pixels = tuple(tuple(line) for line in greys.tolist())
        digit = int(counts.argmax())
        centres.append(Centre(pixels, int(counts.sum()), digit, int(counts[digit])))
    return tuple(sorted(centres, key=lambda centre: (centre.digit, -centre.count / centre.size)))
