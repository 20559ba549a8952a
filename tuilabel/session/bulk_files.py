"""The lines of bulk files, which a screen has read beside the event loop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from tuilabel.events.lines import Event
from tuilabel.events.payloads import Bulk, BulkLine

OF_SOURCE = {"of": "source"}
"""Among the settings of a bulk file with what the source says about its items."""


def is_of_source(bulk: Bulk) -> bool:
    """Return whether a bulk file has what the source says, and not an import."""
    return bulk.settings.items() >= OF_SOURCE.items()


class BulkFiles:
    """Reads bulk files once, and keeps the lines of those that are in effect.

    Parameters
    ----------
    read : callable
        Returns the lines of a bulk file.

    Attributes
    ----------
    waits : bool
        Whether `lines` reads nothing: `read_ahead` does, in a thread that a disk may keep.
    """

    def __init__(self, read: Callable[[Bulk], Sequence[BulkLine]]) -> None:
        self._read = read
        self._lines: dict[str, Sequence[BulkLine]] = {}
        self.waits = False

    def lines(self, event: Event) -> Sequence[BulkLine]:
        """Return the lines of the file that an event names; none as long as they are waited for."""
        if not self.waits:
            self.read_ahead([event])
        return self._lines.get(event.id, ())

    def take(self, event: Event) -> Sequence[BulkLine]:
        """Return the lines of the file that an event names, and forget them."""
        self.read_ahead([event])
        return self._lines.pop(event.id)

    def read_ahead(self, events: Iterable[Event]) -> bool:
        """Read the files that events name; return whether any was not read before."""
        missing = [event for event in events if event.id not in self._lines]
        for event in missing:
            assert isinstance(event.payload, Bulk)
            self._lines[event.id] = self._read(event.payload)
        return bool(missing)

    def forget(self, ids: Collection[str]) -> None:
        """Forget the lines of files by the ids of the events that name them."""
        for id_ in ids:
            self._lines.pop(id_, None)
