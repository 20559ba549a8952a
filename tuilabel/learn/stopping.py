"""Stopping: whether more labels would still change the predictions.

Consecutive fits are compared on the same random items, the stop set, which needs no labels. The
comparison shows whether a model has settled, not whether it is right: accuracy shows that. numpy
is imported by the functions that count, so that `advice` does not load it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

STOP_SET_SIZE = 2000
COMPARISONS = 3
"""Number of comparisons that are averaged."""

SETTLED_KAPPA = 0.99
"""Least mean agreement of a settled model: Bloodgood & Vijay-Shanker's figure."""

MUCH_MOVED = 0.05
"""Share of changed predictions from which on labels help a lot."""


def stop_set(n: int, rng: Generator, size: int = STOP_SET_SIZE) -> NDArray[np.intp]:
    """Draw the rows of a pool on which fits are compared, uniformly without replacement.

    Parameters
    ----------
    n
        Number of rows of the pool, labelled or not.
    rng
        The same state gives the same rows, since the set must stay the same from fit to fit.
    size
        How many rows to draw.

    Returns
    -------
    (min(size, n),) intp array
        Ascending, so that a memory-mapped pool is read forwards.

    Raises
    ------
    ValueError
        If `n` or `size` is negative.
    """
    if n < 0 or size < 0:
        raise ValueError(f"{size} of {n} rows cannot be drawn; expected 0 or more of both.")
    import numpy as np

    return np.sort(rng.choice(n, min(size, n), replace=False)).astype(np.intp)


def moved(before: NDArray[np.integer], after: NDArray[np.integer]) -> float:
    """Return the share of predictions that differ from one fit to the next.

    Parameters
    ----------
    before, after : (n,) integer array
        Predicted classes of the same items, n at least 1.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        If the lengths differ or are 0.
    """
    _check_pair(before, after)
    return float((before != after).mean())


def kappa(before: NDArray[np.integer], after: NDArray[np.integer], n_classes: int) -> float | None:
    """Return Cohen's kappa of two fits: their agreement beyond chance.

    Parameters
    ----------
    before, after : (n,) integer array
        Predicted classes of the same items, 0 to n_classes - 1, n at least 1.
    n_classes
        k, the number of classes.

    Returns
    -------
    float or None
        -1 to 1; 1 for the same predictions. None if both predict the same single class for every
        item, since then the agreement is that of chance.

    Raises
    ------
    ValueError
        If the lengths differ or are 0, or a prediction is not a class.

    References
    ----------
    Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
    Measurement 1960; between successive models: Bloodgood & Vijay-Shanker, "A method for stopping
    active learning based on stabilizing predictions and the need for user-adjustable stopping",
    CoNLL 2009.
    """
    import numpy as np

    from tuilabel.learn.checks import check_indices

    _check_pair(before, after)
    check_indices(before, n_classes, "Predictions before")
    check_indices(after, n_classes, "Predictions after")
    n = len(before)
    agreed = int((before == after).sum())
    counts = [np.bincount(found, minlength=n_classes) for found in (before, after)]
    # In integers, so that the same predictions give exactly 1.
    by_chance = int(counts[0] @ counts[1])
    if by_chance == n * n:
        return None
    return (agreed * n - by_chance) / (n * n - by_chance)


def settled(agreements: Sequence[float | None]) -> bool:
    """Return whether the last `COMPARISONS` fits agree so well that more labels change little.

    Parameters
    ----------
    agreements
        `kappa` of each fit and the one before, the newest last.

    References
    ----------
    Bloodgood & Vijay-Shanker, CoNLL 2009: a mean of 0.99 over three comparisons on a stop set of
    2,000.
    """
    last = agreements[-COMPARISONS:]
    known = [value for value in last if value is not None]
    return len(known) == COMPARISONS and sum(known) / COMPARISONS >= SETTLED_KAPPA


def advice(shares: Sequence[float], agreements: Sequence[float | None], n: int) -> str | None:
    """Return one sentence on how much the last fits changed.

    Parameters
    ----------
    shares
        `moved` of each fit and the one before, the newest last.
    agreements
        `kappa` of the same fits.
    n
        Number of predictions compared.

    Returns
    -------
    str or None
        None with fewer than `COMPARISONS` comparisons, or if one of them has no agreement.

    Raises
    ------
    ValueError
        If the numbers of shares and agreements differ.
    """
    if len(shares) != len(agreements):
        raise ValueError(
            f"There are {len(shares)} shares and {len(agreements)} agreements; expected as many."
        )
    last = shares[-COMPARISONS:]
    if len(last) < COMPARISONS or None in agreements[-COMPARISONS:]:
        return None
    of_all = f"of {n:,} predictions"
    if settled(agreements):
        share = _percent(sum(last) / COMPARISONS)
        return (
            f"The last {COMPARISONS} fits changed {share} {of_all} on average: more labels will "
            "change little."
        )
    much = " a lot" if last[-1] >= MUCH_MOVED else ""
    return f"The last fit changed {_percent(last[-1])} {of_all}: more labels still help{much}."


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.1f}%"


def _check_pair(before: NDArray[np.integer], after: NDArray[np.integer]) -> None:
    if before.shape != after.shape or before.ndim != 1 or len(before) == 0:
        raise ValueError(
            f"Predictions have the shapes {before.shape} and {after.shape}; expected two lists of "
            "the same length, with at least one prediction."
        )
