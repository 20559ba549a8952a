"""Which items count as one, because only the metadata of a file changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from tuilabel.events.lines import Event, order_of
from tuilabel.events.payloads import Carried


class Carries:
    """The events by which answers were carried over from one item to another.

    Of an item, the newest event counts. A chain leads to its last item. Where events lead in a
    circle, such as after a file was restored, the newest of these leads to the end.
    """

    def __init__(self) -> None:
        self._events: dict[str, Event] = {}
        self._ends: dict[str, str] = {}
        self._members: dict[str, tuple[str, ...]] = {}

    def add(self, event: Event) -> None:
        """Add an event; it has an effect once `use` is called."""
        self._events[event.id] = event

    def newest(self, undone: Collection[str]) -> Event | None:
        """Return the newest event, without some; None if there is none."""
        standing = (event for event in self._events.values() if event.id not in undone)
        return max(standing, key=order_of, default=None)

    def has(self, id_: str) -> bool:
        """Return whether an event was added, by its id."""
        return id_ in self._events

    def __contains__(self, item: str) -> bool:
        return item in self._ends or item in self._members

    def __bool__(self) -> bool:
        return bool(self._ends)

    def end(self, item: str) -> str:
        """Return the item that answers about an item count for; mostly itself."""
        return self._ends.get(item, item)

    def members(self, item: str) -> Sequence[str]:
        """Return all items that count as one with an item; the one that answers count for first."""
        end = self._ends.get(item, item)
        return self._members.get(end, (end,))

    def away(self) -> Iterator[str]:
        """Yield the items whose answers count for another one."""
        return iter(self._ends)

    def ends(self, undone: Collection[str]) -> dict[str, str]:
        """Return the ends of items without some events; those that are their own are left out."""
        newest: dict[str, tuple[int, str]] = {}
        standing = (event for event in self._events.values() if event.id not in undone)
        for number, event in enumerate(sorted(standing, key=order_of)):
            assert isinstance(event.payload, Carried)
            newest |= {
                pair.item: (number, pair.into)
                for pair in event.payload.pairs
                if pair.item != pair.into
            }
        ends: dict[str, str] = {}
        for start in newest:
            path: dict[str, None] = {}
            item = start
            while item in newest and item not in ends and item not in path:
                path[item] = None
                item = newest[item][1]
            if item in path:
                steps = list(path)
                circle = steps[steps.index(item) :]
                # Pairs of one event have one number, so that its items decide.
                item = max(newest[step] for step in circle)[1]
            end = ends.get(item, item)
            ends |= {step: end for step in path if step != end}
        return ends

    def differing(self, ends: dict[str, str]) -> set[str]:
        """Return the items that have another end among those given."""
        both = {*self._ends, *ends}
        return {item for item in both if self._ends.get(item) != ends.get(item)}

    def use(self, ends: dict[str, str]) -> None:
        """Let other ends count from now on."""
        self._ends = ends
        members: dict[str, list[str]] = {}
        for item in sorted(ends):
            members.setdefault(ends[item], [ends[item]]).append(item)
        self._members = {end: tuple(items) for end, items in members.items()}
