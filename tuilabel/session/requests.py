"""What a trainer is asked, from what annotators have said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuilabel.data import Dataset
from tuilabel.journal import Ledger
from tuilabel.learn.requests import ColdStart, Fit
from tuilabel.session.values import LoopSettings

RANKED_BATCHES = 5
"""How many batches a ranking covers: labelling goes on from it while the next fit runs."""

RANKED_AT_LEAST = 50

LEAST_LABELS = 20
"""With fewer labels, items that a cold start would ask come first."""

MOST_COLD_LABELS = 200
"""With very many classes the model has a say before each has two labels."""


@dataclass(frozen=True)
class Material:
    """What there is to learn from.

    Attributes
    ----------
    settings : LoopSettings
    classes : int
        k, how many there are.
    training, audit : mapping of int to int
        Rows to train on and rows to measure on, with their class indices.
    excluded : tuple of int
        Further rows that are not to be asked.
    """

    settings: LoopSettings
    classes: int
    training: Mapping[int, int]
    audit: Mapping[int, int]
    excluded: tuple[int, ...]

    @property
    def cold_start_size(self) -> int:
        """For how many labels a cold start goes on: two a class, if not more."""
        if self.settings.cold_start == "random":
            return 0
        for_classes = min(2 * self.classes, MOST_COLD_LABELS)
        return max(self.settings.batch_size, LEAST_LABELS, for_classes)


def labelled_rows(
    ledger: Ledger, dataset: Dataset, classes: Mapping[str, int]
) -> tuple[dict[int, int], dict[int, int]]:
    """Give the rows to train on and those to measure on, with their class indices."""
    training: dict[int, int] = {}
    audit: dict[int, int] = {}
    for event in ledger.labels():
        row = dataset.row_of(str(event.item))
        if row is not None:
            target = audit if event.body.get("audit") else training
            target[row] = classes[str(event.class_name)]
    return training, audit


def cold_start_request(material: Material, generation: int, seed: int) -> ColdStart:
    """Ask for a first batch."""
    settings = material.settings
    return ColdStart(
        generation=generation,
        method=settings.cold_start,
        model=settings.model,
        features=settings.features,
        items=tuple(material.training),
        excluded=material.excluded,
        size=material.cold_start_size,
        seed=(seed, 2, 0),
    )


def fit_request(material: Material, generation: int, seed: Sequence[int]) -> Fit | None:
    """Ask for a fit and a ranking; None where there is nothing to fit to."""
    settings, training, audit = material.settings, material.training, material.audit
    if not training:
        return None
    return Fit(
        generation=generation,
        items=tuple(training),
        classes=tuple(training.values()),
        audit_items=tuple(audit),
        audit_classes=tuple(audit.values()),
        excluded=material.excluded,
        model=settings.model,
        features=settings.features,
        strategy=settings.strategy,
        cold_start=settings.cold_start,
        cold_start_size=material.cold_start_size,
        batch_size=settings.batch_size,
        epsilon=settings.epsilon,
        limit=max(RANKED_AT_LEAST, RANKED_BATCHES * settings.batch_size),
        seed=tuple(seed),
    )
