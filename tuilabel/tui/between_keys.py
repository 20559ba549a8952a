"""Work that no key is to wait for: it is done while the annotator looks at an image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

QUIET = 0.3
"""Seconds since the last answer after which nobody is taken to be typing."""


class BetweenKeys:
    """Keeps one piece of work until an image was just painted, or nobody types.

    A ranking that arrives takes as long as two keys: a key that came just behind it would be
    late. Right after an image was painted comes the longest time without one.

    Parameters
    ----------
    clock : callable
        A monotonic clock, in seconds.
    later : callable
        Calls a function after some seconds, such as `set_timer` of a widget.
    """

    def __init__(
        self, clock: Callable[[], float], later: Callable[[float, Callable[[], None]], Any]
    ) -> None:
        self._clock = clock
        self._later = later
        self._work: Callable[[], None] | None = None
        self._last_key = float("-inf")

    @property
    def waits(self) -> bool:
        """Whether there is work to be done."""
        return self._work is not None

    def key_pressed(self) -> None:
        """Hear of an answer: an image will be painted after it."""
        self._last_key = self._clock()

    def do(self, work: Callable[[], None]) -> None:
        """Do some work now or later, but all work in the order in which it came."""
        self.do_waiting()
        self._work = work
        self._unless_typing()

    def do_waiting(self) -> None:
        """Do what waits, now."""
        work, self._work = self._work, None
        if work is not None:
            work()

    def _unless_typing(self) -> None:
        left = self._last_key + QUIET - self._clock()
        if left <= 0:
            self.do_waiting()
        elif self._work is not None:
            self._later(left, self._unless_typing)
