"""The bound from a sample is exact, and holds as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom

from tuilabel.learn.bounds import most_in_set


@pytest.mark.parametrize(
    ("size", "drawn", "found", "error"),
    [
        (1, 1, 0, 0.05),
        (1, 1, 1, 0.05),
        (40, 7, 0, 0.025),
        (40, 7, 3, 1e-6),
        (40, 40, 5, 0.05),
        (10_000, 300, 4, 0.0125),
        (300_000, 2_000, 60, 0.05),
    ],
)
def test_it_is_the_largest_number_that_the_sample_does_not_contradict(
    size: int, drawn: int, found: int, error: float
) -> None:
    most = most_in_set(size, drawn, found, error)
    assert hypergeom.cdf(found, size, most, drawn) > error
    if most < size:
        assert not hypergeom.cdf(found, size, most + 1, drawn) > error


def test_known_figures() -> None:
    # 59 faultless draws say "at most 5%" of a large set, and 299 "at most 1%".
    assert most_in_set(10**6, 59, 0, 0.05) <= 50_000 < most_in_set(10**6, 58, 0, 0.05)
    assert most_in_set(10**6, 299, 0, 0.05) <= 10_000 < most_in_set(10**6, 297, 0, 0.05)


def test_it_is_too_low_no_more_often_than_it_says() -> None:
    rng = np.random.default_rng(0)
    for having in (0, 3, 20, 60):
        draws = rng.hypergeometric(having, 1000 - having, 100, size=4000)
        bounds = {k: most_in_set(1000, 100, int(k), 0.05) for k in np.unique(draws)}
        wrong = np.mean([bounds[k] < having for k in draws])
        assert wrong <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)


@pytest.mark.parametrize(
    "numbers",
    [(10, 0, 0, 0.05), (10, 11, 0, 0.05), (10, 5, 6, 0.05), (10, 5, -1, 0.05), (9, 5, 0, 1)],
)
def test_impossible_numbers_are_refused(numbers: tuple[int, int, int, float]) -> None:
    with pytest.raises(ValueError, match="is impossible"):
        most_in_set(*numbers)
