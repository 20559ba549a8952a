"""Exact bounds from a random sample of a finite set."""

from __future__ import annotations

import math

_SLACK = 1e-6
"""Relative error of sums of logarithms, for which the bound is never too low."""


def most_in_set(size: int, drawn: int, found: int, error: float) -> int:
    """Return an upper bound on how many items of a set have a property.

    It is the upper end of the one-sided Clopper-Pearson interval for draws without replacement: the
    largest number that a sample with as few as were found does not contradict. It is too low with a
    probability of at most `error`, if the sample size was fixed before the draw.

    Parameters
    ----------
    size : int
        Items in the set.
    drawn : int
        Items drawn uniformly without replacement, 1 to `size`.
    found : int
        How many of those have the property.
    error : float
        Strictly between 0 and 1.

    Raises
    ------
    ValueError
        If the numbers are impossible.

    References
    ----------
    Buonaccorsi, "A note on confidence intervals for proportions in finite populations", The
    American Statistician 1987.
    """
    if not (0 <= found <= drawn <= size and drawn >= 1 and 0 < error < 1):
        raise ValueError(f"{found} found among {drawn} of {size} with error {error} is impossible.")
    low, high = found, size - (drawn - found)
    least = math.log(error) - _SLACK
    while low < high:
        middle = (low + high + 1) // 2
        if _log_at_most(size, middle, drawn, found) > least:
            low = middle
        else:
            high = middle - 1
    return low


def _log_at_most(size: int, having: int, drawn: int, found: int) -> float:
    """Return the logarithm of the hypergeometric probability of finding so many, or fewer."""
    first = max(0, drawn - (size - having))
    every = _log_choose(size, drawn)
    logs = [
        _log_choose(having, k) + _log_choose(size - having, drawn - k) - every
        for k in range(first, min(found, having, drawn) + 1)
    ]
    if not logs:
        return -math.inf
    greatest = max(logs)
    return greatest + math.log(math.fsum(math.exp(one - greatest) for one in logs))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
