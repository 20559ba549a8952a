"""Pools whose clusters are known, for tests of what finds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def blobs(
    sizes: Sequence[int], *, width: int = 8, apart: float = 6.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return normal clouds of deviation 1 around centres that far from each other, shuffled.

    Returns
    -------
    rows : (n, width) float32 array
    cluster : (n,) intp array
    """
    rng = np.random.default_rng(seed)
    cluster = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    # As many directions at right angles as there are clusters.
    centres = apart / np.sqrt(2) * np.eye(len(sizes), width)
    rows = centres[cluster] + rng.normal(size=(len(cluster), width))
    return rows.astype(np.float32), cluster


def glyphs(
    n: int, *, kinds: int = 3, side: int = 16, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return light strokes on black that stand for letters, each a little moved, and their kinds.

    Returns
    -------
    images : (n, side, side) uint8 array
    kind : (n,) intp array
    """
    rng = np.random.default_rng(seed)
    kind = rng.permutation(np.arange(n) % kinds)
    low, high, middle = side // 4, side - side // 4, side // 2
    strokes = np.zeros((3, side, side), dtype=np.uint8)
    strokes[0, low:high, middle - 1 : middle + 1] = 230
    strokes[1, middle - 1 : middle + 1, low:high] = 230
    strokes[2, low:high, low : low + 2] = strokes[2, high - 2 : high, low:high] = 230
    moved = [np.roll(strokes[k], rng.integers(-1, 2, 2), axis=(0, 1)) for k in kind]
    noise = rng.integers(0, 20, (n, side, side))
    return (np.stack(moved) + noise).astype(np.uint8), kind
