"""Exploring a pool and seeking rare classes, beside a strategy.

A strategy asks where the model is in doubt. A model that has never seen a class is not in doubt
about it, so the first example of a rare class is the bottleneck: a few images of each batch are
asked because they are far from all that have a label. Once a class has an example, and few, others
like it are sought.

Distances are measured in the principal components of the features and in the label graph. Images
are not asked for being odd: outliers are mostly damaged or strange images of common classes, and
near-copies of a rare image are each other's neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuilabel.learn.clusters import squared_lengths
from tuilabel.learn.feature_view import View
from tuilabel.learn.features import unit_rows
from tuilabel.learn.models import fit_softmax, score_rows
from tuilabel.learn.requests import EXPLORE, HUNT, SEEK, Fit

COMPONENTS, VECTORS = 40, 20
"""Leading components and eigenvectors that distances are measured in."""

BOTH, ONE = 40, 100
"""Images explored without meeting a new or thin class, up to which two of a batch are explored, and
one; then none."""

MOST_SOUGHT = 5
"""The most images of a batch of ten that are sought."""

PATIENCE, LEAST_HITS = 10, 2
"""A class is no longer sought if so few of its last sought images were of it."""

AHEAD = 2
"""Batches for which something is explored and sought: the annotator may be faster than the fit."""

_SMALL_SHARE = 0.25
_BATCH = 10
_SHORTLIST = 500


@dataclass(frozen=True, eq=False)
class Terrain:
    """Where the images of a pool lie.

    Attributes
    ----------
    places : (n, c) float32 array
        Principal components of the features.
    vectors : (n, m) float32 array
        Their places in the label graph.
    """

    places: NDArray[np.float32]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class Hunt:
    """What is explored and sought in each batch.

    Attributes
    ----------
    explored : int
        Images of a batch to explore.
    sought : int
        Images of a batch to seek.
    thin : tuple of int
        Columns of the classes to seek, the one with the fewest labels first.
    place : int
        Number of images that were explored before.
    """

    explored: int
    sought: int
    thin: tuple[int, ...]
    place: int


def plan_hunt(request: Fit, shares: NDArray[np.floating]) -> Hunt:
    """Decide what of the next batch is explored and what is sought.

    Parameters
    ----------
    request
        With the labels so far.
    shares : (k,) floating array
        The share of the pool that the model predicts for each class.
    """
    size = request.batch_size
    counts = np.bincount(request.classes, minlength=len(request.columns))
    place = sum(reason == EXPLORE for _, reason in request.hunted)
    if np.count_nonzero(counts) < 2:
        return Hunt(size, 0, (), place)
    all_thin = [c for c in range(len(counts)) if _is_thin(c, counts, shares)]
    dry = _explored_in_vain(request, all_thin) if counts.all() else 0
    explored = -(-(2 if dry < BOTH else 1 if dry < ONE else 0) * size // _BATCH)
    thin = tuple(
        column
        for column in sorted(all_thin, key=counts.__getitem__)
        if not _is_in_vain(column, request)
    )
    most = size if request.strategy == HUNT else -(-MOST_SOUGHT * size // _BATCH)
    return Hunt(explored, min(size - explored, most) if thin else 0, thin, place)


def _is_thin(column: int, counts: NDArray[np.intp], shares: NDArray[np.floating]) -> bool:
    n, fair = counts[column], counts.sum() / len(counts)
    if not n:
        return False
    is_rare = len(counts) == 2 and n < fair and shares[column] < _SMALL_SHARE
    return bool(n < fair / 2 or is_rare)


def _is_in_vain(column: int, request: Fit) -> bool:
    """Return whether hardly any of the images that were sought last for a class are of it."""
    sought = f"{SEEK} {request.columns[column]}"
    hits = [label == column for label, reason in request.hunted if reason == sought][-PATIENCE:]
    return len(hits) == PATIENCE and sum(hits) < LEAST_HITS


def _explored_in_vain(request: Fit, thin: Sequence[int]) -> int:
    """Return how many images were explored since one was the first of its class, or of a thin one.

    The first that was explored: whether a strategy had met the class before does not count.
    """
    met: set[int] = set()
    dry = 0
    for label, reason in request.hunted:
        if reason == EXPLORE:
            dry = 0 if label in thin or label not in met else dry + 1
            met.add(label)
    return dry


class Explorer:
    """Chooses what to explore and to seek in one pool.

    It remembers how far each image is from those with a label, so that a batch of labels costs
    little.

    Parameters
    ----------
    terrain : Terrain
    """

    def __init__(self, terrain: Terrain) -> None:
        self._terrain = terrain
        self._known: set[int] = set()
        # Squared distances to the nearest row with a label.
        self._near = np.full(len(terrain.places), np.inf, dtype=np.float32)
        self._near_in_graph = self._near.copy()
        self._lengths = squared_lengths(terrain.places)
        self._lengths_in_graph = squared_lengths(terrain.vectors)

    def mix(
        self,
        request: Fit,
        pool: View,
        ranked: NDArray[np.intp],
        candidates: NDArray[np.intp],
        shares: NDArray[np.floating],
    ) -> tuple[NDArray[np.intp], dict[int, str]]:
        """Put rows to explore and to seek before those that a strategy ranked, batch by batch.

        First in a batch, because an annotator who is faster than the fit has begun the batch
        before the ranking comes, and it may fill the rest only.

        Parameters
        ----------
        request : Fit
        pool : View of n items
            The model's input.
        ranked, candidates : intp arrays
            Rows, best first, and all that may be asked.
        shares : (k,) floating array
            The share of the pool that the model predicts for each class.

        Returns
        -------
        intp array
            At most as many rows as were requested, best first.
        dict of int to str
            Why those are asked that were put there.
        """
        hunt = plan_hunt(request, shares)
        labelled = np.array(request.items, dtype=np.intp)
        labels = np.array(request.classes, dtype=np.intp)
        rng = np.random.default_rng((*request.seed, 3))
        free = np.zeros(len(self._terrain.places), dtype=bool)
        free[candidates] = True
        seeks: list[int] = []
        why: dict[int, str] = {}
        if hunt.sought:
            count = AHEAD * hunt.sought
            for row, column in self._seek(hunt.thin, labelled, labels, free, count, pool, rng):
                seeks.append(row)
                why[row] = f"{SEEK} {request.columns[column]}"
            free[seeks] = False
        known = np.concatenate([labelled, np.array(request.audit_items, dtype=np.intp)])
        explored = self.explore(known, free, AHEAD * hunt.explored, hunt.place, rng)
        why |= dict.fromkeys(explored, EXPLORE)
        rest = [row for row in ranked.tolist() if row not in why]
        mixed: list[int] = []
        for _ in range(AHEAD):
            part = explored[: hunt.explored] + seeks[: hunt.sought]
            left = request.batch_size - len(part)
            mixed += part + rest[:left]
            del explored[: hunt.explored], seeks[: hunt.sought], rest[:left]
        return np.array((mixed + rest)[: request.limit], dtype=np.intp), why

    def explore(
        self,
        known: NDArray[np.intp],
        free: NDArray[np.bool_],
        count: int,
        place: int,
        rng: Generator,
    ) -> list[int]:
        """Choose rows that are far from all known ones and from each other.

        By turns the distance in the graph counts too, which finds small clusters, or it does not.

        Parameters
        ----------
        known : (m,) intp array
            Rows with a label; without any, the first row is drawn at random.
        free : (n,) bool array
            Rows that may be chosen.
        count
            How many to choose.
        place
            Number of rows that were explored before: it decides whose turn it is.
        rng
            Draws the very first row.

        Returns
        -------
        list of int
            At most `count` distinct rows.
        """
        self._update(known)
        near, near_in_graph = self._near.copy(), self._near_in_graph.copy()
        free = free.copy()
        chosen: list[int] = []
        while len(chosen) < count and free.any():
            if not len(known) and not chosen:
                row = int(rng.choice(np.flatnonzero(free)))
            else:
                is_turn_of_graph = (place + len(chosen)) % 2 == 0
                value = near * near_in_graph if is_turn_of_graph else near
                row = int(np.where(free, value, -1).argmax())
            chosen.append(row)
            free[row] = False
            self._approach(near, near_in_graph, np.array([row]))
        return chosen

    def _seek(
        self,
        thin: Sequence[int],
        labelled: NDArray[np.intp],
        labels: NDArray[np.intp],
        free: NDArray[np.bool_],
        count: int,
        pool: View,
        rng: Generator,
    ) -> list[tuple[int, int]]:
        """Choose rows that are probably of rare classes.

        In turn over the classes, and by two measures alternately: the distance to the nearest
        example compared with that to the nearest other label, and the probability by a softmax in
        which each class has the same weight.

        Parameters
        ----------
        thin
            Columns of the classes, each with a label; of many only the first are sought.
        labelled, labels : (m,) intp arrays
            Rows with a label, and their columns.
        free : (n,) bool array
            Rows that may be chosen.
        count
            How many to choose.
        pool : View of n items
            The model's input.
        rng
            Of the fit.

        Returns
        -------
        list of pairs of int
            Rows and the columns that they were chosen for.
        """
        # Each class takes time, and gets a place by either measure.
        thin = thin[: max(1, count // 2)]
        present = np.unique(labels)
        rows = unit_rows(pool.rows(labelled))
        model = fit_softmax(rows, np.searchsorted(present, labels), rng, balanced=True)
        candidates = np.flatnonzero(free)
        columns = np.searchsorted(present, thin)
        shares = np.empty((len(candidates), len(thin)), dtype=np.float32)
        for chunk, probabilities in score_rows(model, pool, candidates):
            shares[chunk] = probabilities[:, columns]
        ratios = [
            self._ratios(candidates, labelled[labels == column], labelled[labels != column])
            for column in thin
        ]
        chosen: list[tuple[int, int]] = []
        while len(chosen) < min(count, len(candidates)):
            turn, place = divmod(len(chosen), len(thin))
            best = ratios[place].argmin() if turn % 2 == 0 else shares[:, place].argmax()
            chosen.append((int(candidates[best]), thin[place]))
            for values in ratios:
                values[best] = np.inf
            shares[best] = -1
        return chosen

    def _ratios(
        self, candidates: NDArray[np.intp], own: NDArray[np.intp], others: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Return how much nearer candidates are to examples of a class than to other labels."""
        places = self._terrain.places
        near = _nearest(places[candidates], self._lengths[candidates], places[own])
        ratios = np.full(len(candidates), np.inf, dtype=np.float32)
        # The distance to all labels is worth knowing only of what is near an example.
        short = np.argpartition(near, min(_SHORTLIST, len(near)) - 1)[:_SHORTLIST]
        rows = candidates[short]
        far = _nearest(places[rows], self._lengths[rows], places[others])
        ratios[short] = near[short] / np.maximum(far, np.float32(1e-12))
        return ratios

    def _update(self, known: NDArray[np.intp]) -> None:
        rows = set(known.tolist())
        if not self._known <= rows:  # a label was taken back
            self._known = set()
            self._near[:] = self._near_in_graph[:] = np.inf
        new = np.array(sorted(rows - self._known), dtype=np.intp)
        self._known = rows
        self._approach(self._near, self._near_in_graph, new)

    def _approach(
        self,
        near: NDArray[np.float32],
        near_in_graph: NDArray[np.float32],
        rows: NDArray[np.intp],
    ) -> None:
        """Lower the squared distances to the nearest known row, now that these are known too."""
        places, vectors = self._terrain.places, self._terrain.vectors
        found = _nearest(places, self._lengths, places[rows])
        np.minimum(near, found, out=near)
        found = _nearest(vectors, self._lengths_in_graph, vectors[rows])
        np.minimum(near_in_graph, found, out=near_in_graph)


def _nearest(
    rows: NDArray[np.float32], lengths: NDArray[np.float32], others: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the squared distance of each row to the nearest of some others: (n,) float32."""
    found = np.full(len(rows), np.inf, dtype=np.float32)
    for start in range(0, len(others), 64):
        part = others[start : start + 64]
        squared = squared_lengths(part) - 2 * (rows @ part.T)
        np.minimum(found, lengths + squared.min(axis=1), out=found)
    return np.maximum(found, 0)
