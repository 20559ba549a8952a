"""The article's experiment, with an honest measurement beside each published figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.errors import UsageError
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.threads import one_thread
from tuilabel.progress import Progress
from tuilabel.simulate.article import published
from tuilabel.simulate.article.centres import name_centres
from tuilabel.simulate.article.loop import (
    ARTICLE,
    ArticleImages,
    ArticleLearner,
    Protocol,
    ask_in_order,
    ask_least_confident,
    auto_label_most_confident,
    take_images,
)
from tuilabel.simulate.article.report import (
    ALL,
    MEASURES,
    OTHERS,
    PICKED,
    ArticleReport,
    AutoRow,
    Band,
    BandRow,
    Centre,
    Confidence,
    Draws,
    ReportRow,
    Tenth,
    mean,
    spread,
)
from tuilabel.simulate.article.softmax import Float32Array, IndexArray, noise

CURVE_POINTS = 201
"""Points of a curve of sorted confidences: more than a terminal can show."""


def run_article(
    train_images: NDArray[np.uint8],
    train_labels: NDArray[np.integer[Any]],
    test_images: NDArray[np.uint8],
    test_labels: NDArray[np.integer[Any]],
    *,
    perturb: int,
    rng: Generator,
    progress: Progress | None,
    protocol: Protocol = ARTICLE,
) -> ArticleReport:
    """Run the article's experiment.

    Every figure is measured in three columns beside the published one: on the test images on
    which the weights are picked, as in the article; with the same weights on the other test
    images; and in a separate run that picks its weights on the labelled images by the same rule,
    on all test images. Only the random baselines, the k-means and the perturbations draw from the
    generator; the rest does not depend on it.

    Parameters
    ----------
    train_images : (n, height, width) uint8 array
        At least ``protocol.pool``; the first are the pool.
    train_labels : (n,) integer array
        Their classes.
    test_images : (m, height, width) uint8 array
        More than ``protocol.test``; the first are those that the article uses.
    test_labels : (m,) integer array
    perturb
        Number of runs of the least confident curve that start with ``protocol.noise`` added to
        the weights.
    rng
        Source of all random choices. More perturbed runs do not change the first ones.
    progress
        Called in this thread as the work goes on.
    protocol
        Other settings than the article's; then there are no published figures.

    Returns
    -------
    ArticleReport

    Raises
    ------
    UsageError
        If there are too few images, they do not suit the protocol, or `perturb` is negative.

    References
    ----------
    Bosyi, "Active learning on MNIST: saving on labeling", 2018.
    """
    if perturb < 0:
        raise UsageError(f"--perturb is {perturb}; expected 0 or more.")
    images = take_images(protocol, train_images, train_labels, test_images, test_labels)
    with one_thread():
        return _Run(protocol, images, progress or _silent).report(perturb, rng)


def _silent(part: str, done: int, total: int | None) -> None:
    """Ignore progress."""


class _Run:
    """The parts of the experiment, all on the same images."""

    def __init__(self, protocol: Protocol, images: ArticleImages, tell: Progress) -> None:
        self.protocol, self.images, self.tell = protocol, images, tell
        self._published = protocol == ARTICLE

    def report(self, perturb: int, rng: Generator) -> ArticleReport:
        """Run all parts; the perturbed runs draw last, so that they do not affect the others."""
        self.tell("single fits", 0, 2)
        everything = self.one_fit(self.protocol.pool, published.ALL_4000)
        self.tell("single fits", 1, 2)
        first = self.one_fit(self.protocol.budget, published.FIRST_400)
        self.tell("single fits", 2, 2)
        pair = self.pair()
        curve, confidence = self.least_confident(*pair)
        naive = self.naive(*(learner.copy() for learner in pair))
        ordered = tuple(self.ordered(*pair))
        centres = self.centres(int(rng.integers(2**31)))
        random_fit, random_loop = self.random(rng)
        return ArticleReport(
            protocol=self.protocol,
            everything=everything,
            first=first,
            random_fit=random_fit,
            random_loop=random_loop,
            curve=curve,
            naive=naive,
            ordered=ordered,
            confidence=confidence,
            centres=centres,
            band=self.band(perturb, rng) if perturb else None,
        )

    def centres(self, seed: int) -> tuple[Centre, ...]:
        """Return the k-means centres of the pool."""
        self.tell("k-means", 0, 1)
        images = self.images
        found = name_centres(
            images.pool,
            images.pool_classes,
            self.protocol.clusters,
            shape=images.shape,
            seed=seed,
        )
        self.tell("k-means", 1, 1)
        return found

    def pair(
        self, order: IndexArray | None = None, start: Float32Array | None = None
    ) -> tuple[ArticleLearner, ArticleLearner]:
        """Return the article's learner, and one that does not pick weights on test images."""
        picked, unpicked = (
            ArticleLearner(self.protocol, self.images, on_test=on_test, order=order, start=start)
            for on_test in (True, False)
        )
        return picked, unpicked

    def row(
        self, picked: ArticleLearner, unpicked: ArticleLearner, figure: float | None
    ) -> ReportRow:
        """Return the measurements of both learners."""
        test, others = len(self.images.test), len(self.images.others)
        on_test, on_others = picked.right()
        return ReportRow(
            picked.labels,
            figure if self._published else None,
            Accuracy(on_test, test, PICKED),
            Accuracy(on_others, others, OTHERS),
            Accuracy(sum(unpicked.right()), test + others, ALL),
        )

    def one_fit(
        self, labels: int, figure: float | None, order: IndexArray | None = None
    ) -> ReportRow:
        """Return the measurements after labelling that many images and one fit."""
        pair = self.pair(order)
        for learner in pair:
            learner.label(labels)
            learner.fit()
        return self.row(*pair, figure)

    def least_confident(
        self, picked: ArticleLearner, unpicked: ArticleLearner
    ) -> tuple[tuple[ReportRow, ...], tuple[Confidence, ...]]:
        """Return the curve and the confidences of asking for the least confident images."""
        rows: list[ReportRow] = []
        sorted_by: list[Confidence] = []
        for figure in self._figures(picked, unpicked):
            rows.append(self.row(picked, unpicked, figure))
            if len(rows) == 1 or picked.labels == self.protocol.budget:
                sorted_by.append(_confidence(picked))
            self.tell("least confident", picked.labels, self.protocol.budget)
        return tuple(rows), tuple(sorted_by)

    def _figures(self, picked: ArticleLearner, unpicked: ArticleLearner) -> Iterator[float | None]:
        """Ask for the least confident images of both; yield the published figure after each fit."""
        for labels, _ in zip(
            ask_least_confident(picked, self.protocol),
            ask_least_confident(unpicked, self.protocol),
            strict=True,
        ):
            yield published.PUBLISHED_LEAST_CONFIDENT.get(labels)

    def naive(self, picked: ArticleLearner, unpicked: ArticleLearner) -> AutoRow:
        """Return the measurements after the model labels everything left, and one fit."""
        self.tell("auto-labels at once", 0, 1)
        for learner in (picked, unpicked):
            learner.auto_label(len(learner.left))
            learner.fit()
        self.tell("auto-labels at once", 1, 1)
        return self._auto_row(picked, unpicked, published.NAIVE)

    def ordered(self, picked: ArticleLearner, unpicked: ArticleLearner) -> Iterator[AutoRow]:
        """Yield the measurements as the model labels its most confident images, batch by batch."""
        both = zip(
            auto_label_most_confident(picked, self.protocol),
            auto_label_most_confident(unpicked, self.protocol),
            strict=True,
        )
        for labels, _ in both:
            yield self._auto_row(picked, unpicked, published.PUBLISHED_ORDERED.get(labels))
            self.tell("auto-labels in order", labels, self.protocol.pool)

    def _auto_row(
        self, picked: ArticleLearner, unpicked: ArticleLearner, figure: float | None
    ) -> AutoRow:
        return AutoRow(
            self.row(picked, unpicked, figure),
            picked.labels - self.protocol.budget,
            picked.auto_right,
            unpicked.auto_right,
        )

    def random(self, rng: Generator) -> tuple[Draws, Draws]:
        """Return the random baselines: one fit, and a fit after each batch of the same images."""
        at_once, in_loop = [], []
        total = self.protocol.draws
        for done in range(1, total + 1):
            order = rng.permutation(self.protocol.pool).astype(np.intp)
            at_once.append(self.one_fit(self.protocol.budget, None, order))
            pair = self.pair(order)
            for learner in pair:
                _exhaust(ask_in_order(learner, self.protocol))
            in_loop.append(self.row(*pair, None))
            self.tell("random baselines", done, total)
        return Draws(tuple(at_once)), Draws(tuple(in_loop))

    def band(self, runs: int, rng: Generator) -> Band:
        """Return runs of the least confident curve from slightly perturbed weights."""
        shape = (self.images.pool.shape[1] + 1, self.protocol.classes)
        found: list[list[ReportRow]] = []
        for done in range(1, runs + 1):
            pair = self.pair(start=noise(rng, shape, self.protocol.noise))
            found.append([self.row(*pair, figure) for figure in self._figures(*pair)])
            self.tell("perturbed runs", done, runs)
        rows = tuple(_band_row(at_once) for at_once in zip(*found, strict=True))
        return Band(runs, self.protocol.noise, rows)


def _band_row(rows: Sequence[ReportRow]) -> BandRow:
    """Return the statistics of several runs with the same number of labels."""
    picked, others, unpicked = ([getattr(row, name).value for row in rows] for name in MEASURES)
    figure = rows[0].published
    least = 0 if figure is None else round(figure * rows[0].picked.n / 100)
    return BandRow(
        labels=rows[0].labels,
        published=figure,
        mean=mean(picked),
        sd=spread(picked),
        low=min(picked),
        high=max(picked),
        others_mean=mean(others),
        others_sd=spread(others),
        unpicked_mean=mean(unpicked),
        unpicked_sd=spread(unpicked),
        above=None if figure is None else sum(row.picked.correct >= least for row in rows),
    )


def _exhaust(steps: Iterator[int]) -> None:
    """Run a loop to its end."""
    for _ in steps:
        pass


def _confidence(learner: ArticleLearner) -> Confidence:
    """Return the confidences of the images left, and the share that is right in each tenth."""
    confidence = learner.confidence()
    # In another order of rows the last digits may differ from those that were sorted by.
    order = np.argsort(confidence, kind="stable")
    sorted_up, hits = confidence[order].astype(np.float64), learner.hits()[order]
    n = len(sorted_up)
    if not n:
        return Confidence(learner.labels, 0, (), ())
    places = np.linspace(0, n - 1, min(n, CURVE_POINTS))
    curve = np.interp(places, np.arange(n), sorted_up)
    tenths = tuple(
        Tenth(float(part[0]), float(part[-1]), len(part), int(np.count_nonzero(hit)))
        for part, hit in zip(np.array_split(sorted_up, 10), np.array_split(hits, 10), strict=True)
        if len(part)
    )
    return Confidence(learner.labels, n, tuple(curve.tolist()), tenths)
