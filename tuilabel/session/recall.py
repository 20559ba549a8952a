"""How well the newest fit finds each class: what its accuracy does not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tuilabel.events.payloads import Fitted
from tuilabel.learn.metrics import (
    Estimate,
    Rate,
    balanced_accuracy,
    merged_confusion,
    recall_by_class,
)
from tuilabel.session.labels import Labels


class Recall(NamedTuple):
    """The recall of each class.

    Attributes
    ----------
    set : str
        The set it was measured on, as in an accuracy.
    by_class : mapping
        By class id; of the classes that the set contains.
    missing : sequence of str
        Ids of the classes that have labels, but of which the set contains no image.
    """

    set: str
    by_class: Mapping[str, Rate]
    missing: Sequence[str]

    @property
    def balanced(self) -> Estimate | None:
        """The balanced accuracy; None for a single class, of which it is the accuracy."""
        rates = list(self.by_class.values())
        return balanced_accuracy(rates) if len(rates) > 1 else None

    @property
    def worst(self) -> str | None:
        """The class with the lowest recall, of several the one with most images; or None.

        It is None for a single class, and where every class is found as often.
        """
        rates = self.by_class
        if len({rate.value for rate in rates.values()}) < 2:
            return None
        return min(rates, key=lambda id_: (rates[id_].value, -rates[id_].n))


class Recalls:
    """The recall after the newest fit of which the accuracy was measured.

    A screen asks with every key, and there may be a thousand classes, so that it is computed again
    only after another fit, and where classes have changed.

    Parameters
    ----------
    known : Labels
    """

    def __init__(self, known: Labels) -> None:
        self._known = known
        self._made_of: tuple[Fitted, int] | None = None
        self._by_class: Mapping[str, Rate] = {}

    def newest(self) -> Recall | None:
        """Return the recall by the classes as they are now: those merged since are one.

        None before the first such fit, and where an image may have several classes.
        """
        known = self._known
        fits = (event.payload for event in reversed(known.fits))
        for fit in fits:
            if isinstance(fit, Fitted) and fit.accuracy and fit.labels <= known.labels_counted:
                break
        else:
            return None
        if not fit.confusion:
            return None
        made_of = fit, known.classes.version
        if self._made_of is None or self._made_of[0] is not fit or self._made_of[1] != made_of[1]:
            self._made_of, self._by_class = made_of, _by_class(fit, fit.confusion, known)
        if not self._by_class:
            return None
        labelled = [info.id for info in known.classes if known.by_class.get(info.id, 0)]
        missing = [id_ for id_ in labelled if id_ not in self._by_class]
        return Recall(fit.accuracy.set, self._by_class, missing)


def _by_class(fit: Fitted, confusion: Sequence[Sequence[int]], known: Labels) -> dict[str, Rate]:
    ids = [known.classes.resolved(id_) for id_ in fit.classes]
    # The log may come from elsewhere.
    if len(confusion) != len(ids) or any(len(row) != len(ids) for row in confusion):
        return {}
    at = {id_: place for place, id_ in enumerate(dict.fromkeys(ids))}
    if len(at) < len(ids):
        confusion = merged_confusion(confusion, [at[id_] for id_ in ids], len(at))
    recalls = zip(at, recall_by_class(confusion), strict=True)
    return {id_: rate for id_, rate in recalls if rate is not None}
