"""Classes at several levels: `bird/owl` lies below `bird`, if there is a class `bird`.

`bird` is the answer of an annotator who is unsure of the species. It does not contradict
`bird/owl`, and says less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

SEPARATOR = "/"
"""Between the name of a class and what distinguishes it from the others below the same class."""

Above = Mapping[str, tuple[str, ...]]
"""For each class id that lies below others the ids of these, from the top."""


def above_each(names: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the classes above each, from the names by class id; see `Above`.

    Of several classes of one name, the first is the one above others.
    """
    ids: dict[str, str] = {}
    for id_, name in names.items():
        ids.setdefault(name, id_)
    found = {}
    for id_, name in names.items():
        parts = name.split(SEPARATOR)
        begins = (SEPARATOR.join(parts[:count]) for count in range(1, len(parts)))
        above = tuple(ids[begin] for begin in begins if begin in ids)
        if above:
            found[id_] = above
    return found


def parents_of(columns: Sequence[str], above: Above) -> tuple[int, ...]:
    """Return the column of the nearest class above each, -1 where there is none.

    Returns
    -------
    tuple of int
        Empty where no class lies below another, as in `tuilabel.learn.requests.Fit`.
    """
    place = {id_: column for column, id_ in enumerate(columns)}
    found = tuple(
        next((place[one] for one in reversed(above.get(id_, ())) if one in place), -1)
        for id_ in columns
    )
    return found if any(parent >= 0 for parent in found) else ()


def settled(votes: Sequence[str], above: Above) -> str | None:
    """Return the class that the majority of some votes agrees on; None for a tie.

    The votes are counted from the top: at each level among those that name a class below the one
    that was agreed on before. A vote that names none agrees with any.

    Parameters
    ----------
    votes : sequence of str
        Class ids, at least one.
    above : Above
    """
    if not above:
        (agreed, most), *others = Counter(votes).most_common(2)
        return None if others and others[0][1] == most else agreed
    paths = [(*above.get(vote, ()), vote) for vote in votes]
    agreed, level = paths[0][0], 0
    while paths := [path for path in paths if len(path) > level]:
        (agreed, most), *others = Counter(path[level] for path in paths).most_common(2)
        if others and others[0][1] == most:
            return None
        paths = [path for path in paths if path[level] == agreed]
        level += 1
    return agreed


def agrees(vote: str, label: str, above: Above) -> bool:
    """Return whether a vote is for the class of a label, or for one above it."""
    return vote == label or vote in above.get(label, ())


def agree(votes: Sequence[str], above: Above) -> bool:
    """Return whether no vote contradicts another."""
    label = max(votes, key=lambda vote: len(above.get(vote, ())))
    return all(agrees(vote, label, above) for vote in votes)
