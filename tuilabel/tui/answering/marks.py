"""The classes that are marked for an image, before Enter saves them."""

from __future__ import annotations

from collections.abc import Callable, Collection

_NONE: frozenset[int] = frozenset()


class Marks:
    """The marks of one image: those on another image are gone as soon as it is another.

    Parameters
    ----------
    saved : callable
        Returns the classes that an item has already; what is marked begins with these.
    """

    def __init__(self, saved: Callable[[str], Collection[int]]) -> None:
        self._saved = saved
        self._item: str | None = None
        self._marked = _NONE

    def of(self, item: str | None) -> frozenset[int]:
        """Return the classes that are marked for an item."""
        if item is None:
            return _NONE
        if item != self._item:
            return frozenset(self._saved(item))
        return self._marked

    def toggle(self, item: str, index: int) -> None:
        """Mark a class of an item, or no longer."""
        self._item, self._marked = item, self.of(item) ^ {index}

    def are_begun(self, item: str | None) -> bool:
        """Return whether a key has changed the marks of an item since they were saved."""
        return item is not None and item == self._item

    def forget(self) -> None:
        """Begin again with what is saved."""
        self._item, self._marked = None, _NONE
