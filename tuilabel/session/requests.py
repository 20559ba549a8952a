"""Requests to a trainer, made from the answers of annotators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from tuilabel.learn.class_sets import HAS, HAS_NOT, UNKNOWN
from tuilabel.learn.names import AUTO, EXPLORE_FIRST
from tuilabel.learn.requests import HUNT, ColdStart, Fit
from tuilabel.session.class_sets import ClassSet, decoded
from tuilabel.session.values import LoopSettings

RANKED_BATCHES = 5
"""Number of batches that a ranking covers: labelling goes on from it during the next fit."""

RANKED_AT_LEAST = 50

LEAST_LABELS = 20
"""With fewer labels, items of a cold start are asked first."""

MOST_COLD_LABELS = 200
"""With very many classes, a model ranks before each class has two labels."""


FIRST_ROWS, LABELS_OF_DOUBLING, MOST_DOUBLINGS = 5000, 100, 20
"""Rows that are ranked with the first labels, and the labels after which they are doubled."""


class Material(NamedTuple):
    """The labels and settings that a request is made from.

    Attributes
    ----------
    settings : LoopSettings
    columns : tuple of str
        Ids of the classes that the model tells apart.
    training, audit : mapping of int to int
        Rows to train on and rows to measure on, with the columns of their classes.
    excluded : tuple of int
        Further rows that must not be asked.
    desks : int
        Number of live desks. Each asks the part of a ranking that belongs to it, so that rankings
        are so many times as long.
    truth : tuple of int
        The column of each class of the hold-out; empty without one.
    parents : tuple of int
        The column of the class above each, as in `Fit`.
    sets : tuple of tuple of int
        In a session of several classes, what `training` and `audit` have places of, as in `Fit`.
    sought : int
        The column of the class that the desk looks for, -1 for none.
    hunted : tuple of pairs
        What was explored and sought so far, as in `Fit`.
    """

    settings: LoopSettings
    columns: tuple[str, ...]
    training: Mapping[int, int]
    audit: Mapping[int, int]
    excluded: tuple[int, ...]
    desks: int = 1
    truth: tuple[int, ...] = ()
    parents: tuple[int, ...] = ()
    sets: tuple[tuple[int, ...], ...] = ()
    sought: int = -1
    hunted: tuple[tuple[int, str], ...] = ()

    @property
    def cold_start(self) -> str:
        """Method of the cold start.

        Of two classes one is often rare, and the typical images of a pool hold none of it. With
        more, a start with typical images learns faster.
        """
        chosen = self.settings.cold_start
        explores = chosen == AUTO and self.settings.strategy in (AUTO, HUNT)
        return EXPLORE_FIRST if explores and len(self.columns) == 2 and not self.sets else chosen

    @property
    def cold_start_size(self) -> int:
        """Number of labels that a cold start asks for: at least two for each class."""
        if self.settings.cold_start == "random":
            return 0
        for_classes = min(2 * len(self.columns), MOST_COLD_LABELS)
        return max(self.settings.batch_size, LEAST_LABELS, for_classes)


def rows_to_learn(labels: int, count: int) -> int:
    """Return how many of `count` rows, in the random order, are ranked with so many labels.

    With few labels the best of some thousand rows is as good as the best of all, and the others
    need not have been read. The number depends on nothing else, so that the same seed asks the
    same on a slow disk.
    """
    return min(count, FIRST_ROWS << min(labels // LABELS_OF_DOUBLING, MOST_DOUBLINGS))


def rows_of(
    classes: Mapping[str, str], columns: Sequence[str], row_of: Callable[[str], int | None]
) -> dict[int, int]:
    """Return the columns of the classes of items by row, without what has no row or no column.

    Parameters
    ----------
    classes : mapping of str to str
        Class ids by item.
    columns : sequence of str
        Class ids.
    row_of : callable
        Returns the row of an item.
    """
    place = {id_: column for column, id_ in enumerate(columns)}
    found = ((row_of(item), place.get(id_)) for item, id_ in classes.items())
    return {row: column for row, column in found if row is not None and column is not None}


def sets_of(coded: Iterable[str], columns: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return for each distinct set of classes a number for each column, as in `Fit`."""

    def numbers(found: ClassSet) -> tuple[int, ...]:
        return tuple(
            HAS if id_ in found.chosen else HAS_NOT if id_ in found.others else UNKNOWN
            for id_ in columns
        )

    return {one: numbers(decoded(one)) for one in dict.fromkeys(coded)}


def cold_start_request(
    material: Material, shown: Iterable[int], generation: int, seed: int
) -> ColdStart:
    """Return a request for a first batch, beside the rows that are shown already."""
    settings = material.settings
    excluded = set(material.excluded)
    begun = dict.fromkeys([*material.training, *(row for row in shown if row not in excluded)])
    return ColdStart(
        generation=generation,
        method=material.cold_start,
        model=settings.model,
        features=settings.features,
        items=tuple(begun),
        excluded=material.excluded,
        size=material.cold_start_size * material.desks,
        seed=(seed, 2, 0),
    )


def fit_request(material: Material, generation: int, seed: Sequence[int]) -> Fit | None:
    """Return a request for a fit and a ranking; None if there is no label to fit to."""
    settings, training, audit = material.settings, material.training, material.audit
    if not training:
        return None
    return Fit(
        generation=generation,
        items=tuple(training),
        classes=tuple(training.values()),
        columns=material.columns,
        truth=material.truth,
        audit_items=tuple(audit),
        audit_classes=tuple(audit.values()),
        excluded=material.excluded,
        model=settings.model,
        features=settings.features,
        strategy=settings.strategy,
        cold_start=material.cold_start,
        cold_start_size=material.cold_start_size,
        batch_size=settings.batch_size,
        epsilon=settings.epsilon,
        limit=max(RANKED_AT_LEAST, RANKED_BATCHES * settings.batch_size) * material.desks,
        seed=tuple(seed),
        parents=material.parents,
        sets=material.sets,
        sought=material.sought,
        hunted=material.hunted,
    )
