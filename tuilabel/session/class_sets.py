"""Answers with several classes, for sessions of `--multi`.

Where one class would have its id, an answer has a set in one string: the ids of its classes, and of
those that could have been chosen and were not. A class in neither is unknown for the item: it was
added after the answer, annotators disagree about it, or the answer says less than that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from tuilabel.events.payloads import BulkLine, Decided, DecidedSet, Label, LabelSet, Payload
from tuilabel.session.hierarchy import Above

_MARK = "\x1f"
"""Begins each id. Events have no such character, see `tuilabel.text.inert`."""

_YES, _NO = f"{_MARK}+", f"{_MARK}-"


class ClassSet(NamedTuple):
    """The ids of the classes of an item, and of the classes that it does not have."""

    chosen: frozenset[str]
    others: frozenset[str]

    @property
    def coded(self) -> str:
        """The set in one string; sets that are equal have equal strings."""
        yes = "".join(f"{_YES}{id_}" for id_ in sorted(self.chosen))
        no = "".join(f"{_NO}{id_}" for id_ in sorted(self.others - self.chosen))
        return f"{yes}{no}" or _MARK


def coded(chosen: Iterable[str], others: Iterable[str] = ()) -> str:
    """Return a set of classes in one string."""
    return ClassSet(frozenset(chosen), frozenset(others)).coded


@lru_cache(maxsize=2**11)
def _coded(chosen: tuple[str, ...], others: tuple[str, ...]) -> str:
    """Return the same as `coded`: few answers of a session differ."""
    return coded(chosen, others)


def is_set(class_id: str) -> bool:
    """Return whether a string is a set of classes, and not the id of a class."""
    return class_id.startswith(_MARK)


@lru_cache(maxsize=2**11)
def decoded(class_id: str) -> ClassSet:
    """Return the set in a string; of the id of a class, the set of this class."""
    if not is_set(class_id):
        return ClassSet(frozenset([class_id]), frozenset())
    ids = class_id.split(_MARK)[1:]
    chosen, others = ([id_[1:] for id_ in ids if id_[:1] == sign] for sign in "+-")
    return ClassSet(frozenset(chosen), frozenset(others))


def resolved(class_id: str, resolve: Callable[[str], str]) -> str:
    """Return a set with each class replaced by the one that it counts for.

    Of classes that were merged into one, a single one that was chosen makes that one chosen.
    """
    found = decoded(class_id)
    return coded(map(resolve, found.chosen), map(resolve, found.others))


def implied(found: ClassSet, above: Above) -> ClassSet:
    """Return a set with what it implies about the classes above and below its own.

    `bird/owl` implies `bird`. `bird` alone says nothing about the classes below it.
    """
    if not above:
        return found
    chosen = found.chosen | {up for id_ in found.chosen for up in above.get(id_, ())}
    inner = {up for id_ in chosen for up in above.get(id_, ())}
    unsure = found.chosen - inner
    open_ = {id_ for id_ in found.others if unsure.intersection(above.get(id_, ()))}
    return ClassSet(chosen, found.others - chosen - open_)


def settled(votes: Sequence[tuple[int, str]], above: Above) -> tuple[str, bool]:
    """Return what the majority says about each class, and whether there is a tie about any.

    Parameters
    ----------
    votes : sequence of (int, str)
        The rank of each answer, the lowest counts first, and its set. A rank counts for a class
        only where no lower one has said anything about it.
    above : Above
    """
    if len(votes) == 1 and not above:
        return votes[0][1], False
    best: dict[str, int] = {}
    balance: Counter[str] = Counter()
    for rank, vote in sorted(votes):
        found = implied(decoded(vote), above)
        for ids, step in ((found.chosen, +1), (found.others, -1)):
            for id_ in ids:
                if best.setdefault(id_, rank) == rank:
                    balance[id_] += step
    chosen, others = ([id_ for id_ in best if step * balance[id_] > 0] for step in (+1, -1))
    return coded(chosen, others), len(chosen) + len(others) < len(best)


def contradict(one: str, other: str, above: Above) -> bool:
    """Return whether one set has a class that the other set denies."""
    if one == other:
        return False
    a, b = (implied(decoded(each), above) for each in (one, other))
    return not (a.chosen.isdisjoint(b.others) and b.chosen.isdisjoint(a.others))


def named(class_id: str, name: Callable[[str], str], *, separator: str = " + ") -> str:
    """Return the names of the classes of a set, in order; `none` for an empty one."""
    return separator.join(sorted(map(name, decoded(class_id).chosen))) or "none"


def said(payload: Payload | BulkLine) -> str | None:
    """Return the class of an answer or a decision, or its set; None for a skip and other events."""
    match payload:
        case LabelSet() | DecidedSet():
            return _coded(payload.class_ids, payload.others)
        case BulkLine(class_ids=tuple()):
            return _coded(payload.class_ids or (), payload.others)
        case Label() | Decided() | BulkLine():
            return payload.class_id
    return None


def label_of(class_id: str, **facts: Any) -> Label | LabelSet:
    """Return the answer that gives an item a class, or a set."""
    if is_set(class_id):
        found = decoded(class_id)
        return LabelSet(class_ids=_sorted(found.chosen), others=_sorted(found.others), **facts)
    return Label(class_id=class_id, **facts)


def decision_of(item: str, class_id: str, frames: tuple[str, ...]) -> Decided | DecidedSet:
    """Return the event that settles a dispute for a class, or a set; also for frames tied alike."""
    if not is_set(class_id):
        return Decided(item, class_id, frames)
    found = decoded(class_id)
    return DecidedSet(item, _sorted(found.chosen), _sorted(found.others), frames)


def _sorted(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(ids))


def names_class(class_id: str, wanted: Collection[str]) -> bool:
    """Return whether a set mentions one of some classes, chosen or not."""
    found = decoded(class_id)
    return not (found.chosen.isdisjoint(wanted) and found.others.isdisjoint(wanted))
