"""The article's published figures, in per cent of its 400 test images.

Andy Bosyi, "Active learning on MNIST: saving on labeling", 2018, and the notebook beside it. Its
"400 random samples" are the first 400 training images in the order of the file.
"""

from __future__ import annotations

from itertools import count

_CURVE = (
    *(38.0, 49.75, 53.5, 54.75, 59.0, 64.0, 64.75, 69.25, 69.75, 73.0),
    *(74.5, 76.25, 77.25, 77.25, 77.25, 78.75, 78.75, 81.75, 82.25, 82.25),
    *(82.5, 84.25, 84.25, 84.5, 85.25, 85.25, 85.25, 85.25, 85.25, 85.25),
    *(86.0, 86.0, 86.0, 86.0, 86.5, 87.75, 88.25, 88.25, 88.5, 89.75),
)

PUBLISHED_LEAST_CONFIDENT: dict[int, float] = dict(zip(count(10, 10), _CURVE, strict=False))
"""Accuracy by number of labels, when the ten least confident images are asked for each time."""

FIRST_400 = 83.75
"""The first 400 in one fit: the article's random baseline."""

ALL_4000 = 92.25
"""All 4,000 with their true labels in one fit."""

NAIVE = 89.75
"""400 labels, and one fit with the model's own labels on the other 3,600."""

PUBLISHED_ORDERED: dict[int, float] = {
    labels: 89.75 if labels < 3550 else 90.0 if labels < 3880 else 90.5
    for labels in range(410, 4001, 10)
}
"""Accuracy by number of labels, a person's and the model's: the ten most confident at a time."""
