"""Whether the image on a screen was on the terminal when a key was pressed.

For screens on which keys act on an image and answer nothing; answers go through
`tuilabel.tui.answering.answer_keys`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from tuilabel.tui.answering.paint_guard import PaintGuard
from tuilabel.tui.terminal.pacing import Terminal


class ImageScreen(Protocol):
    """What `SeenImage` needs of the screen that owns it."""

    @property
    def is_on_top(self) -> bool:
        """Whether no other screen covers it."""

    @property
    def terminal(self) -> Terminal | None:
        """The terminal; None where the application draws for nobody."""

    def image_is_in_frame(self) -> bool:
        """Return whether the image went into a frame of this screen."""

    def call_later(self, callback: Callable[..., object], *args: object) -> object:
        """Call a function in turn with the keys."""


class SeenImage:
    """Listens to a screen's frames (`tuilabel.tui.terminal.pacing.FrameListener`).

    Parameters
    ----------
    screen : ImageScreen
    clock : callable
        A monotonic clock, in seconds.
    """

    def __init__(self, screen: ImageScreen, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen = screen
        self._clock = clock
        self._guard = PaintGuard()

    def expect(self) -> None:
        """Hold keys until the terminal shows another image."""
        self._guard.expect()

    def terminal_back(self) -> None:
        """Hold keys until the image is back from under something else."""
        self._guard.expect()

    def frame_written(self, question: int | None) -> None:
        """Note which question follows the frame with the image."""
        if not self._waits_for_frame():
            return
        terminal = self._screen.terminal
        known = terminal is not None and terminal.round_trips.has_answered
        self._guard.asked(question or 0, self._clock(), answers=known)
        if question is None:
            self.painted_up_to(0)

    def frame_was_there(self) -> None:
        """Ask the terminal for an image that it shows already: no frame comes for it."""
        if self._waits_for_frame():
            terminal = self._screen.terminal
            self.frame_written(None if terminal is None else terminal.ask())

    def painted_up_to(self, question: int) -> None:
        """Handle the terminal's answer in turn with the keys, so that it keeps its place."""
        self._screen.call_later(self._painted, question)

    def _painted(self, question: int) -> None:
        self._guard.acknowledged(question, self._clock())

    def _waits_for_frame(self) -> bool:
        screen = self._screen
        return self._guard.is_to_ask and screen.is_on_top and screen.image_is_in_frame()

    def held(self) -> str | None:
        """Count a key that was pressed before the image was there, and return the sentence for it.

        None for a key that counts.
        """
        now, terminal, guard = self._clock(), self._screen.terminal, self._guard
        if terminal is not None:
            guard.is_relayed = bool(terminal.relay)
            guard.delay = terminal.key_delay / 1000
        if not guard.holds(now):
            return None
        if guard.waits_in_vain(now):
            guard.expect()
            self.frame_was_there()
        guard.hold()
        return guard.words
