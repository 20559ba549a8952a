"""Redraws that wait for the next image, or until nobody types: no key waits for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

QUIET = 0.3
"""Seconds after the last answer until typing counts as over."""


class DeferredRedraw:
    """Keeps one piece of work until nobody types.

    A ranking changes most of the screen. While somebody types, a frame of its own for it would
    make the key behind it late; the frame of that key shows it as well.

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
        """Whether work is waiting."""
        return self._work is not None

    def key_pressed(self) -> None:
        """Note an answer: the next image comes with it."""
        self._last_key = self._clock()

    def do(self, work: Callable[[], None]) -> None:
        """Do some work now or later; it replaces what waits."""
        self._work = work
        self._unless_typing()

    def forget(self) -> None:
        """Drop the waiting work: it was done with something else."""
        self._work = None

    def _unless_typing(self) -> None:
        if self._work is None:
            return
        left = self._last_key + QUIET - self._clock()
        if left > 0:
            self._later(left, self._unless_typing)
            return
        work, self._work = self._work, None
        work()
