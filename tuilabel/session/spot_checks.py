"""Random checks of what is left: how they are drawn, what they show, and in which words.

A check fixes a set of items and draws some of them at random. Once all of these are answered, an
exact bound holds for the whole set. Everything here is computed from events, so that anybody can
compute it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from heapq import nsmallest
from typing import NamedTuple

from tuilabel.events.payloads import Asked, BulkLine, SpotCheck
from tuilabel.learn.bounds import most_in_set
from tuilabel.session.labels import Labels
from tuilabel.text import counted, inert

ERROR = 0.05
"""The probability that the bound of any check of a session is too low."""

SIZES = (60, 150, 300, 600, 1200, 2400)
"""How many items to draw, to choose from."""

MOST_DRAWN = 10_000
"""An event is a line of at most 1 MiB."""

_LONGEST_NAME = 40


class Ending(NamedTuple):
    """What a desk asks first: items drawn by the newest check, then those likely of a class.

    Attributes
    ----------
    sought : str
        The class; empty where the strategy orders.
    check : SpotCheck or None
    """

    sought: str
    check: SpotCheck | None


class CheckResult(NamedTuple):
    """What a check has shown so far.

    Attributes
    ----------
    id, by, at : str
        Of its event.
    number : int
        Its place among all checks of the session, from 1.
    class_id : str
        The class that is looked for, with merged classes resolved.
    noun : str
        ``image``, or ``group`` where groups are asked as one.
    size, drawn, answered : int
        Units in the set, how many were drawn, and how many of these have an answer.
    found : int
        Drawn units with the class, or one below it.
    unclear : int
        Drawn units that were skipped or are disputed, or have a class above it: they count as if
        they had it.
    error : float
        The share of `ERROR` that this check spends.
    at_most : int or None
        The bound on how many of what was not drawn have the class; None until all drawn units have
        an answer.
    """

    id: str
    by: str
    at: str
    number: int
    class_id: str
    noun: str
    size: int
    drawn: int
    answered: int
    found: int
    unclear: int
    error: float
    at_most: int | None

    @property
    def left(self) -> int:
        """The number of units that were not drawn."""
        return self.size - self.drawn


def error_of(number: int) -> float:
    """Return the error of the n-th check: a half, a quarter and so on of `ERROR`.

    A person who finds too much checks again. Each check is another chance to be wrong, and so all
    of them together share what one may have.
    """
    return ERROR / 2.0 ** min(number, 1000)


def draw(ids: Iterable[str], count: int, seed: int) -> tuple[str, ...]:
    """Draw items without replacement: those with the smallest hash of the seed and the id.

    The hash is BLAKE2b with 16 bytes of ``SEED:ID`` in UTF-8. The draw does not depend on the order
    of the items, and needs no random generator to be repeated.
    """

    def key(item: str) -> bytes:
        return blake2b(f"{seed}:{item}".encode("utf-8", "replace"), digest_size=16).digest()

    return tuple(nsmallest(count, ids, key=key))


def results(known: Labels) -> list[CheckResult]:
    """Return what every check of a session has shown, the oldest first."""
    frames: defaultdict[str, list[str]] = defaultdict(list)
    if known.checks:
        for item, group in known.groups.items():
            frames[group].append(item)
    found = []
    for number, event in enumerate(known.checks, 1):
        check = event.payload
        assert isinstance(check, SpotCheck)
        result = CheckResult(
            event.id,
            event.by,
            event.at,
            number,
            known.classes.resolved(check.class_id),
            "image" if check.units == check.count else "group",
            check.units,
            len(check.items),
            0,
            0,
            0,
            error_of(number),
            None,
        )
        found.append(_counted(result, check, known, frames))
    return found


def _counted(
    result: CheckResult, check: SpotCheck, known: Labels, frames: Mapping[str, Sequence[str]]
) -> CheckResult:
    answered = found = unclear = 0
    sought, above = result.class_id, known.classes.above
    for item in check.items:
        if not known.is_answered(item):
            continue
        answered += 1
        group = known.group(item)
        every = [item, *frames.get("" if group is None else group, ())]
        classes = [one.class_id for each in every if (one := known.standing(each)) is not None]
        if any(one and sought in (one, *above.get(one, ())) for one in classes):
            found += 1
        elif any(one is None or one in above.get(sought, ()) for one in classes):
            unclear += 1
    at_most = None
    if answered == result.drawn:
        # Items that nobody can tell apart are taken to be of the class, so that the bound holds.
        taken = found + unclear
        at_most = most_in_set(result.size, result.drawn, taken, result.error) - taken
    return result._replace(answered=answered, found=found, unclear=unclear, at_most=at_most)


def is_open(check: SpotCheck | None, known: Labels) -> bool:
    """Return whether a drawn item of a check has no answer yet."""
    return check is not None and not all(map(known.is_answered, check.items))


def none_found(size: int, drawn: int, number: int) -> int:
    """Return how many of the rest the n-th check would allow if it finds none."""
    return most_in_set(size, drawn, 0, error_of(number))


def sizes(units: int) -> list[int]:
    """Return how many of a number of units can be drawn, to choose from; last, all of them."""
    found = [size for size in SIZES if size < units]
    return [*found, units] if units <= MOST_DRAWN else found


def sentence(result: CheckResult, name: str) -> str:
    """Return what a check has shown, as a sentence.

    Parameters
    ----------
    result : CheckResult
    name : str
        The name of the class that was looked for.
    """
    name, noun = inert(name, _LONGEST_NAME), result.noun
    of_set = counted(result.size, noun)
    if result.at_most is None:
        return (
            f"{result.drawn:,} of {of_set} were drawn at random to look for {name}: "
            f"{result.answered:,} answered, {result.found:,} found so far."
        )
    unclear = ""
    if result.unclear:
        are, count = ("is", "counts") if result.unclear == 1 else ("are", "count")
        unclear = f", and {result.unclear:,} that {are} skipped or disputed {count} as found"
    if not result.left:
        return f"All {of_set} that were left are answered: {result.found:,} {name}{unclear}."
    checks = "" if result.number == 1 else f" over {result.number:,} checks"
    return (
        f"Of {counted(result.left, noun)} left, at most {result.at_most:,} "
        f"{'is' if result.at_most == 1 else 'are'} {name} (95%{checks}): {result.drawn:,} of "
        f"{of_set} were drawn at random, {result.found:,} found{unclear}."
    )


def likeliest_first(ranked: Mapping[int, Asked], class_id: str) -> dict[int, Asked]:
    """Return a ranking in the order of the probability of a class."""
    rows = sorted(ranked, key=lambda row: -_share(ranked[row], class_id))
    return {row: ranked[row] for row in rows}


def predicted(ranked: Iterable[Asked], class_id: str) -> int:
    """Return how many items of a ranking are more likely of a class than not."""
    return sum(_share(asked, class_id) >= 0.5 for asked in ranked)


def _share(asked: Asked, class_id: str) -> float:
    return (asked.probabilities or {}).get(class_id, 0.0)


def problem(check: SpotCheck, lines: Collection[BulkLine]) -> str | None:
    """Return what is wrong with a check, given the lines of its set; None if nothing is."""
    units = {line.item for line in lines if not line.unit}
    if len(lines) != check.count or len(units) != check.units:
        return (
            f"its set has {len(units):,} units in {len(lines):,} lines, and the plan says "
            f"{check.units:,} in {check.count:,}"
        )
    if draw(units, len(check.items), check.seed) != check.items:
        return "what was drawn is not what its seed draws"
    return None
