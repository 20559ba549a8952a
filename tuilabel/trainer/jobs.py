"""The jobs of the trainer's child and their answers.

A new kind of job is a struct here, added to `Job`, with its answer in `Answer`, and a function in
`tuilabel.trainer.workbench`.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from tuilabel.autolabel.job import AutolabelOptions, AutoLabels
from tuilabel.learn.baseline import RandomCurves
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished


class Priority(IntEnum):
    """The order of jobs: a smaller number goes first."""

    RANKING = 0
    """What is asked next."""

    SCREEN = 1
    """What a visible screen waits for."""

    LATER = 2


class Message(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind", tag=True):
    """A struct that is known by the name of its class."""


# Answers.


class Ranked(Message):
    """The answer to `Rank`."""

    ranking: FitFinished


class Started(Message):
    """The answer to `Start`."""

    ranking: ColdStartFinished


class Prepared(Message):
    """The answer to `Prepare`: from now on models use these features.

    Attributes
    ----------
    features
        Name of the prepared features: never ``auto``.
    seconds
        Duration.
    problem
        One line on what could not be prepared; None if everything was.
    late
        Whether a ranking may have been answered without them.
    """

    features: str
    seconds: float
    problem: str | None
    late: bool


class Scored(Message, eq=False):
    """The answer to `Score`.

    Attributes
    ----------
    model, features
        Those that were used: never ``auto``.
    probabilities
        (r, k) float32, in the order of the rows.
    """

    model: str
    features: str
    probabilities: NDArray[np.float32]


class CentresKept(Message):
    """The answer to `Centres`: the file is there."""


class BaselineFound(Message):
    """The answer to `Baseline`."""

    curves: RandomCurves


class Autolabelled(Message, eq=False):
    """The answer to `Autolabel`."""

    found: AutoLabels


class Sorted(Message, eq=False):
    """The answer to `Sort`.

    Attributes
    ----------
    rows
        (n,) integers: all rows of the pool, in the order asked for.
    """

    rows: NDArray[np.integer]


Answer = Ranked | Started | Prepared | Scored | CentresKept | BaselineFound | Autolabelled | Sorted


# Jobs.


class _Job(Message):
    """What all jobs have in common.

    Attributes
    ----------
    priority
    answer
        The kind of answer.
    replaceable
        Whether a newer one takes the place of a waiting one.
    lasting
        Whether what it does is lost with the child, so that each new child does it again. It is
        sent before other jobs.
    """

    priority: ClassVar[Priority] = Priority.SCREEN
    answer: ClassVar[type[Any]]
    replaceable: ClassVar[bool] = False
    lasting: ClassVar[bool] = False


class _Ranking(_Job):
    priority: ClassVar[Priority] = Priority.RANKING
    replaceable: ClassVar[bool] = True


class Rank(_Ranking):
    """Fit, measure and rank."""

    answer: ClassVar[type[Any]] = Ranked
    request: Fit


class Start(_Ranking):
    """Choose the first batch: a cold start."""

    answer: ClassVar[type[Any]] = Started
    request: ColdStart


class Prepare(_Job):
    """Prepare the features and the graph that rankings need.

    Attributes
    ----------
    model, features, cold_start
        Names from `tuilabel.learn.names`.
    """

    priority: ClassVar[Priority] = Priority.LATER
    answer: ClassVar[type[Any]] = Prepared
    lasting: ClassVar[bool] = True
    model: str
    features: str
    cold_start: str


class Score(_Job):
    """Predict the classes of some rows of the pool, with the model that `Rank` would fit."""

    answer: ClassVar[type[Any]] = Scored
    request: Fit
    rows: tuple[int, ...]


class Centres(_Job):
    """Cluster the pool, and write pictures of the clusters' centres.

    Attributes
    ----------
    clusters
        How many.
    seed
        Seeds the generator.
    out
        The ``.npz`` file to write, with the arrays `pictures` and `shares`: see
        `tuilabel.learn.centres`. It appears under its name once it is complete.
    """

    answer: ClassVar[type[Any]] = CentresKept
    clusters: int
    seed: int
    out: Path


class Baseline(_Job, eq=False):
    """Measure what labels for random images would give: see `tuilabel.learn.baseline`.

    Attributes
    ----------
    truth
        The true classes of the pool: (n,) integers.
    model, features
        Names from `tuilabel.learn.names`.
    batch_size, budget, runs
        Labels between two fits, labels in all, and the number of runs.
    """

    answer: ClassVar[type[Any]] = BaselineFound
    truth: NDArray[np.integer]
    model: str
    features: str
    batch_size: int
    budget: int
    runs: int


class Autolabel(_Job):
    """Label items with the model: see `tuilabel.autolabel.job`.

    Attributes
    ----------
    request
        The annotators' labels, and the model to fit.
    answered
        Further rows that get no label, beside those of the request.
    options
    seed
        Non-negative integers that seed the generator.
    """

    priority: ClassVar[Priority] = Priority.LATER
    answer: ClassVar[type[Any]] = Autolabelled
    request: Fit
    answered: tuple[int, ...]
    options: AutolabelOptions
    seed: tuple[int, ...]


class Sort(_Job):
    """Sort the pool: see `tuilabel.learn.likeness`.

    Attributes
    ----------
    like
        The row that others are to be like; None for the most unusual rows first.
    """

    answer: ClassVar[type[Any]] = Sorted
    like: int | None


Job = Rank | Start | Prepare | Score | Centres | Baseline | Autolabel | Sort
