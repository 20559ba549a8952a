"""A learner: answers requests over one pool, and improves as features and graphs are prepared."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tuilabel.learn.checks import check_finite, check_indices
from tuilabel.learn.cold_start import cold_start
from tuilabel.learn.exploring import Explorer
from tuilabel.learn.feature_sources import ArraySource, pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.features import candidate_rows
from tuilabel.learn.graph import LEAST_ROWS, NoGraphError, TooFewError
from tuilabel.learn.model_choice import LEAST_WEIGHED, cross_validate, decide
from tuilabel.learn.models import Model, fit_model, score_rows
from tuilabel.learn.names import (
    AUTO,
    COLD_START_NAMES,
    EXPLORE_FIRST,
    GRAPH_MODELS,
    RAW,
    look_up,
)
from tuilabel.learn.preparation import (
    Images,
    Prepared,
    prepare_features,
    prepare_graph,
    resolve_features,
)
from tuilabel.learn.requests import HUNT, LIKELY, ColdStart, ColdStartFinished, Fit, FitFinished
from tuilabel.learn.rounds import run_round
from tuilabel.learn.stopping import kappa, moved, stop_set
from tuilabel.learn.store import MemoryStore, Store
from tuilabel.plugins import check, package_of
from tuilabel.progress import Progress

AUTO_MODELS = ("hybrid", "graph", "softmax")
"""The models that ``auto`` chooses from, the preferred one of equals first.

With ``auto`` features a softmax on the pixels is considered too: classes may differ in something
that other features leave out, such as how dark an image is.
"""

MOST_WEIGHED = 1000
"""The most labels that models are compared on: more hardly change the choice."""

WEIGHED_AGAIN = 1.2
"""Models are compared again when the number of labels has grown by this factor."""

AUTO_STRATEGY = "diverse-margin"

QUICK_ROWS = 5000
"""A pool of at most this size is prepared in a second or two, so a request waits for it."""

Seen = tuple[str, str]
"""A model, and its features or those of its graph."""


@dataclass(frozen=True, eq=False)
class Teacher:
    """A fitted model, to predict items of the pool and the hold-out.

    Attributes
    ----------
    seen
        Names of the model and its features.
    pool : View of n items
    holdout : View of h items, or None
    fitted
        The model.
    n_classes
        k
    """

    seen: Seen
    pool: View
    holdout: View | None
    fitted: Model
    n_classes: int

    def of_pool(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the probabilities of some rows of the pool: (r, k) float32."""
        return self._probabilities(self.pool, rows)

    def of_holdout(self) -> NDArray[np.float32]:
        """Return the probabilities of the hold-out: (h, k) float32, h = 0 without a hold-out."""
        if self.holdout is None:
            return np.empty((0, self.n_classes), dtype=np.float32)
        return self._probabilities(self.holdout, np.arange(len(self.holdout)))

    def _probabilities(self, view: View, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        found = np.empty((len(rows), self.n_classes), dtype=np.float32)
        for chunk, probabilities in score_rows(self.fitted, view, rows):
            found[chunk] = probabilities
        return found


@dataclass(frozen=True)
class Needs:
    """What must be prepared before a request can be answered with the model it names.

    Attributes
    ----------
    features
        Never ``"auto"``.
    graph
        Whether the label graph of these features is needed.
    """

    features: str
    graph: bool


class HeldOut(Protocol):
    """Items with known classes that training never sees.

    Attributes
    ----------
    name
        What an accuracy on them is called.
    images : (h, ...) array
    truth : (h,) integer array
    """

    @property
    def name(self) -> str: ...
    @property
    def images(self) -> NDArray[Any]: ...
    @property
    def truth(self) -> NDArray[np.integer]: ...


class Learner:
    """Fits, measures and ranks over one pool.

    Until the needs of a request are prepared, it is answered with a softmax on the pixels.
    `prepare` may run in another thread meanwhile.

    Parameters
    ----------
    pool : ArraySource
        All items, as `pixels` returns them.
    n_classes
        Number of classes of the hold-out's truth, which sizes the label graph. A request has its
        own classes, and their number may grow from one to the next.
    holdout : HeldOut, optional
        Items to measure accuracy on.
    store : Store, optional
        Storage for features and graphs; in memory by default.

    Raises
    ------
    ValueError
        A true class of the hold-out is outside of 0 to n_classes - 1.
    UsageError
        The pool or the hold-out has NaN or infinite numbers.
    """

    def __init__(
        self,
        pool: ArraySource,
        n_classes: int,
        *,
        holdout: HeldOut | None = None,
        store: Store | None = None,
    ) -> None:
        self.n_classes = n_classes
        for part in pool.parts:
            check_finite(part, "The pool")
        self._images = Images(pool)
        self._truth, self._holdout_name = None, ""
        if holdout is not None:
            check_finite(holdout.images, "The hold-out")
            check_indices(holdout.truth, n_classes, "Classes of the hold-out")
            self._images = Images(pool, pixels(holdout.images))
            self._truth = np.asarray(holdout.truth, dtype=np.intp)
            self._holdout_name = holdout.name
        self._store = MemoryStore() if store is None else store
        self._features = {RAW: Prepared(pool, self._images.holdout)}
        self._graphs: dict[str, Prepared] = {}
        self._explorers: dict[str, Explorer] = {}
        self._lengths: dict[str, float] = {}
        # As text: a kept exception would keep the arrays of its frames.
        self._no_graph: dict[str, str] = {}
        self._too_few: set[str] = set()
        self._auto_features: str | None = None
        self._choice: Seen | None = None
        self._weighed = 0
        self._is_new = True
        self._to_weigh: Fit | None = None
        self._stop_rows = stop_set(len(pool), np.random.default_rng(0))
        self._stop_predictions: tuple[int, tuple[str, ...], NDArray[np.intp]] | None = None

    def __len__(self) -> int:
        return len(self._images.pool)

    @property
    def images(self) -> ArraySource:
        """The images of the pool."""
        return self._images.pool

    @property
    def holdout(self) -> tuple[str, NDArray[np.intp]] | None:
        """The name of the hold-out and its true classes, (h,) intp; None without a hold-out."""
        return None if self._truth is None else (self._holdout_name, self._truth)

    def truth(self, request: Fit) -> NDArray[np.intp] | None:
        """Return the columns of the hold-out's true classes, (h,) intp; None without a hold-out.

        Raises
        ------
        ValueError
            The request has no column for a class of the hold-out.
        """
        if self._truth is None:
            return None
        column_of = _indices(request.truth)
        check_indices(column_of, len(request.columns), "Columns of the truth")
        check_indices(self._truth, len(column_of), "Classes of the hold-out")
        return column_of[self._truth]

    def apart(self) -> Learner:
        """Return a learner that shares what is prepared, and whose fits leave this one alone."""
        return copy.copy(self)

    def for_new_session(self) -> Learner:
        """Return a learner that shares what is prepared, but has had no labels yet."""
        other = self.apart()
        other._choice = other._to_weigh = other._stop_predictions = None
        other._weighed = 0
        other._is_new = True
        return other

    # Preparation.

    def needs(self, request: Fit | ColdStart) -> Needs:
        """Return what a request needs.

        Raises
        ------
        UsageError
            There is no such model, feature, strategy or cold start.
        """
        check("models", request.model)
        check("features", request.features)
        method = request.cold_start if isinstance(request, Fit) else request.method
        look_up(dict.fromkeys(COLD_START_NAMES), "cold start", method)
        if isinstance(request, Fit):
            check("strategies", request.strategy)
        if request.features == AUTO:
            self._auto_features = self._auto_features or resolve_features(AUTO, self._images.pool)
        features = str(self._auto_features if request.features == AUTO else request.features)
        # `auto` needs no graph where there can be none, and nobody has to hear of that.
        has_graph = len(self) >= LEAST_ROWS
        model = request.model in GRAPH_MODELS and (request.model != AUTO or has_graph)
        hunts = isinstance(request, Fit) and request.strategy == HUNT and has_graph
        return Needs(features, model or hunts or method == "spectral")

    def is_ready(self, needs: Needs) -> bool:
        """Return whether `prepare` has nothing left to do."""
        return needs.features in self._features and not (
            needs.graph and needs.features not in {*self._graphs, *self._no_graph}
        )

    def is_quick(self) -> bool:
        """Return whether the pool is so small that `prepare` takes little time."""
        return len(self) <= QUICK_ROWS

    def prepare(self, needs: Needs, *, progress: Progress | None = None) -> None:
        """Compute the needed features and graph, or load them from the store."""
        if needs.features not in self._features:
            self._features[needs.features] = prepare_features(
                needs.features, self._images, self._store, progress=progress
            )
        if self.is_ready(needs):
            return
        try:
            graph, terrain = prepare_graph(
                self._features[needs.features], self.n_classes, self._store, progress=progress
            )
            self._explorers[needs.features] = Explorer(terrain)
            self._graphs[needs.features] = graph
        except NoGraphError as error:
            self._no_graph[needs.features] = str(error)
            if isinstance(error, TooFewError):
                self._too_few.add(needs.features)

    def features(self, name: str) -> View:
        """Return prepared features of the pool; pixels where these could not be prepared.

        Parameters
        ----------
        name
            Never ``"auto"``.
        """
        return View(self._features.get(name, self._features[RAW]).pool)

    def why_no_graph(self, needs: Needs) -> str | None:
        """Return why a needed graph could not be built, as a sentence; None otherwise."""
        return self._no_graph.get(needs.features) if needs.graph else None

    def has_too_few(self, needs: Needs) -> bool:
        """Return whether a needed graph could not be built because too few images differ."""
        return needs.graph and needs.features in self._too_few

    # Requests.

    def cold_start(self, request: ColdStart) -> ColdStartFinished:
        """Choose a first batch.

        Raises
        ------
        UsageError
            There is no such method, or no graph for it.
        """
        items = self._first_items(
            self.needs(request),
            request.method,
            request.size,
            request.seed,
            labelled=_indices(request.items),
            excluded=_indices(request.excluded),
        )
        return ColdStartFinished(generation=request.generation, items=tuple(items.tolist()))

    def fit(self, request: Fit) -> FitFinished:
        """Run a round.

        Raises
        ------
        UsageError
            There is no such model, feature or strategy, or no graph for the model.
        """
        needs = self.needs(request)
        model, features = self._seen_by(request, needs)
        pool, holdout = self._view(model, features)
        labelled, excluded = _indices(request.items), _indices(request.excluded)
        first = _NONE
        explorer = self._explorer(request, needs)
        explores = request.cold_start == EXPLORE_FIRST and explorer is not None
        if len(labelled) < request.cold_start_size and request.sought < 0 and not explores:
            first = self._first_items(
                needs,
                request.cold_start,
                request.cold_start_size,
                (*request.seed[:-1], 0),
                labelled=labelled,
                excluded=excluded,
            )
        strategy = AUTO_STRATEGY if request.strategy == AUTO else request.strategy
        truth = self.truth(request)
        result = run_round(
            pool,
            labelled=labelled,
            labels=_indices(request.classes),
            n_classes=len(request.columns),
            excluded=excluded,
            model=model,
            strategy=strategy,
            limit=request.limit,
            rng=np.random.default_rng(request.seed),
            batch_size=request.batch_size,
            epsilon=request.epsilon,
            first=first,
            holdout=None if holdout is None or truth is None else (holdout, truth),
            holdout_name=self._holdout_name,
            audit=(_indices(request.audit_items), _indices(request.audit_classes)),
            stop_rows=self._stop_rows,
            parents=request.parents,
            sets=np.array(request.sets, dtype=np.int8) if request.sets else None,
            sought=request.sought,
            mix=None if explorer is None or len(first) else partial(explorer.mix, request, pool),
        )
        share, agreement = self._compared(request, result.stop_predictions)
        self._to_weigh = request if request.model == AUTO and needs.graph else None
        return FitFinished(
            generation=request.generation,
            items=tuple(result.items.tolist()),
            columns=request.columns,
            probabilities=_rows(result.probabilities),
            draws=tuple(None if np.isnan(draw) else draw for draw in result.draws.tolist()),
            reasons=result.reasons,
            fit_seconds=result.fit_seconds,
            rank_seconds=result.rank_seconds,
            accuracy=result.accuracy,
            confusion=None if result.confusion is None else _rows(result.confusion),
            predicted=tuple(result.predicted.tolist()),
            confidence=tuple(result.confidence.astype(np.float64).round(3).tolist()),
            model=model,
            features=features,
            strategy=strategy if request.sought < 0 else LIKELY,
            stop_set=len(self._stop_rows),
            moved=share,
            agreement=agreement,
            tallies=result.tallies,
        )

    def teach(
        self,
        request: Fit,
        *,
        rows: NDArray[np.integer] | None = None,
        classes: NDArray[np.integer] | None = None,
        seen: Seen | None = None,
    ) -> Teacher:
        """Fit the model that `fit` would fit, and return it to predict any item.

        Parameters
        ----------
        request : Fit
        rows, classes : (m,) integer arrays, optional
            Rows of the pool to train on and their classes, in place of those of the request.
        seen : tuple of model and features, optional
            The model and features to use, in place of those of the request.

        Raises
        ------
        UsageError
            There is no such model or feature, or no graph for the model.
        """
        model, features = self._seen_by(request, self.needs(request)) if seen is None else seen
        rows = _indices(request.items) if rows is None else rows
        classes = _indices(request.classes) if classes is None else classes
        pool, holdout = self._view(model, features)
        fitted = fit_model(
            model,
            pool.rows(rows),
            classes,
            n_classes=len(request.columns),
            rng=np.random.default_rng(request.seed),
            parents=request.parents,
            sets=np.array(request.sets, dtype=np.int8) if request.sets else None,
        )
        return Teacher((model, features), pool, holdout, fitted, len(request.columns))

    def reflect(self) -> Iterator[None]:
        """Compare the models that ``auto`` may use from the next fit on, in small steps.

        The caller may stop at any step. Only the steps so far are lost: models are compared on
        the labels of the next fit instead.
        """
        request, self._to_weigh = self._to_weigh, None
        if request is None or request.sets or len(request.items) < LEAST_WEIGHED:
            return
        needs = self.needs(request)
        if needs.features not in self._graphs:
            return
        labels = request.classes
        if WEIGHED_AGAIN * self._weighed > len(labels) >= self._weighed:
            return
        choices: list[Seen] = [(model, needs.features) for model in AUTO_MODELS]
        if request.features == AUTO and needs.features != RAW:
            choices.append(("softmax", RAW))
        for scores in self._scores(request, choices):
            if scores is not None:
                self._choice = decide(scores, self._choice or choices[0], choices)
                self._weighed = len(labels)
            yield

    def inductive(self, request: Fit, seen: Seen) -> Seen:
        """Return a model that predicts any image, with its features.

        Parameters
        ----------
        request : Fit
        seen : tuple of model and features
            Returned as it is, unless it needs the graph of the pool or is a plug-in's. Then it is
            a softmax; with ``auto`` features, cross-validation decides whether it is on these
            features or on the pixels.
        """
        model, features = seen
        if model not in GRAPH_MODELS and not package_of("models", model):
            return seen
        choices: list[Seen] = [("softmax", features)]
        if request.features == AUTO and features != RAW:
            choices.append(("softmax", RAW))
        if len(choices) == 1 or request.sets or len(request.items) < LEAST_WEIGHED:
            return choices[0]
        *_, scores = self._scores(request, choices)
        assert scores is not None
        return decide(scores, choices[0], choices)

    def _scores(
        self, request: Fit, choices: Sequence[Seen]
    ) -> Iterator[Mapping[Seen, NDArray[np.float64]] | None]:
        """Compare models on the labels of a request, as `cross_validate` does."""
        labelled, labels = _indices(request.items), _indices(request.classes)
        rng = np.random.default_rng((*request.seed, 1))
        weighed = rng.permutation(len(labels))[:MOST_WEIGHED]
        rows = {seen: self._view(*seen)[0].rows(labelled[weighed]) for seen in choices}
        k = len(request.columns)
        yield from cross_validate(
            rows, labels[weighed], n_classes=k, rng=rng, parents=request.parents
        )

    def _seen_by(self, request: Fit, needs: Needs) -> Seen:
        """Return the requested model and features, as far as they are prepared."""
        features = needs.features if needs.features in self._features else RAW
        if request.model not in GRAPH_MODELS:
            return request.model, features
        if needs.features in self._no_graph and request.model != AUTO:
            raise NoGraphError(f"{self._no_graph[needs.features]} Use --model softmax.")
        if needs.features not in self._graphs:
            return "softmax", features
        # The graph may have been prepared just now: then its features are ready too.
        features = needs.features
        if request.model != AUTO:
            return request.model, features
        new, self._is_new = self._is_new, False
        if new and len(request.items) >= LEAST_WEIGHED:
            # A learner that is new to a session with labels compares the models first.
            self._to_weigh = request
            for _ in self.reflect():
                pass
        return self._choice or (AUTO_MODELS[0], features)

    def _view(self, model: str, features: str) -> tuple[View, View | None]:
        """Return the input of a model for the pool and the hold-out."""
        parts, factors = [], None
        if model in ("graph", "hybrid"):
            parts.append(self._graphs[features])
        if model != "graph":
            parts.append(self._features[features])
        if model == "hybrid":
            # Rows of the graph have length 1; the features get a similar weight.
            factors = (1.0, 1 / self._length_of(features))
        pool = View(*(part.pool for part in parts), factors=factors)
        shown = [part.holdout for part in parts if part.holdout is not None]
        return pool, View(*shown, factors=factors) if shown else None

    def _length_of(self, features: str) -> float:
        if features not in self._lengths:
            self._lengths[features] = View(self._features[features].pool).typical_length()
        return self._lengths[features]

    def _first_items(
        self,
        needs: Needs,
        method: str,
        size: int,
        seed: Sequence[int],
        *,
        labelled: NDArray[np.intp],
        excluded: NDArray[np.intp],
    ) -> NDArray[np.intp]:
        if method == "spectral" and needs.features in self._no_graph:
            raise NoGraphError(f"{self._no_graph[needs.features]} Use --cold-start kmeans.")
        if method == EXPLORE_FIRST and needs.features in self._explorers:
            free = np.zeros(len(self), dtype=bool)
            free[candidate_rows(len(self), labelled, excluded)] = True
            rng, explorer = np.random.default_rng(seed), self._explorers[needs.features]
            count = size - len(labelled)
            chosen = explorer.explore(labelled, free, count, len(labelled), rng)
            return np.array(chosen, dtype=np.intp)
        spectral = method in (AUTO, "spectral") and needs.graph and needs.features in self._graphs
        features = needs.features if needs.features in self._features else RAW
        view, _ = self._view("graph" if spectral else "softmax", features)
        return cold_start(
            "random" if method == "random" else "kmeans",
            view,
            size,
            np.random.default_rng(seed),
            labelled=labelled,
            excluded=excluded,
        )

    def _explorer(self, request: Fit, needs: Needs) -> Explorer | None:
        """Return what explores and seeks beside the strategy, once there is a label graph."""
        if request.strategy not in (AUTO, HUNT) or request.sets or request.sought >= 0:
            return None
        return self._explorers.get(needs.features)

    def _compared(
        self, request: Fit, predictions: NDArray[np.intp]
    ) -> tuple[float | None, float | None]:
        """Compare predictions with those of the last fit, if that had fewer labels.

        Nor are they compared if a class of that fit is gone: its items are another class's now.
        """
        labels, columns = len(request.items), request.columns
        before, self._stop_predictions = self._stop_predictions, (labels, columns, predictions)
        if before is None or before[0] >= labels or len(predictions) == 0:
            return None, None
        if not set(before[1]) <= set(columns):
            return None, None
        earlier = _indices([columns.index(id_) for id_ in before[1]])[before[2]]
        return moved(earlier, predictions), kappa(earlier, predictions, len(columns))


_NONE = np.empty(0, dtype=np.intp)


def _indices(numbers: Sequence[int]) -> NDArray[np.intp]:
    return np.array(numbers, dtype=np.intp)


def _rows(table: NDArray[Any]) -> tuple[tuple[Any, ...], ...]:
    return tuple(map(tuple, table.tolist()))
