"""A small experiment on generated images."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pytest

from tuilabel.simulate.article import ArticleReport, Protocol, run_article
from tuilabel.simulate.article.loop import ArticleImages, take_images


@dataclass(frozen=True, eq=False)
class Data:
    """Bytes and classes, as a data set has them."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    def arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))

    def images(self, protocol: Protocol) -> ArticleImages:
        return take_images(protocol, *self.arrays())


@pytest.fixture(scope="session")
def small() -> Protocol:
    """Return settings that a test can afford."""
    return Protocol(pool=60, test=20, batch=4, budget=20, classes=3, clusters=4, draws=2)


def blobs(n: int, seed: int, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Draw bytes of shape (n, 4, 6) around one picture per class, noisy enough to be mistaken."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    middles = np.random.default_rng(99).integers(0, 90, (classes, 4, 6))
    return (middles[labels] + rng.integers(0, 166, (n, 4, 6))).astype(np.uint8), labels


@pytest.fixture(scope="session")
def data() -> Data:
    """Return 70 training and 50 test images of three classes."""
    return Data(*blobs(70, 1), *blobs(50, 2))


@pytest.fixture(scope="session")
def report(small: Protocol, data: Data) -> ArticleReport:
    """Return a report with two perturbed runs."""
    return run_article(
        *data.arrays(), perturb=2, rng=np.random.default_rng(0), progress=None, protocol=small
    )
