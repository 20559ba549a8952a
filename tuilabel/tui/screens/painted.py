"""A screen that knows whether its image is on the terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from textual.message import Message

from tuilabel.tui.answering.paint_guard import PaintGuard
from tuilabel.tui.screens.paced import PacedScreen
from tuilabel.tui.terminal.capabilities import is_multiplexed


class PaintedScreen(PacedScreen, inherit_bindings=False):
    """Hears when the terminal has painted a frame with a new image.

    Who shows another image calls `expect_image`; who handles a key asks `holds_key`.

    Parameters
    ----------
    clock : callable
        A monotonic clock, in seconds.
    """

    class Painted(Message):
        """The terminal has said that it painted all that was written before a question."""

        def __init__(self, question: int) -> None:
            super().__init__()
            self.question = question

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.guard = PaintGuard()
        self._clock = clock
        self._since = clock()

    def image_is_in_frame(self) -> bool:
        """Tell whether the image that is asked went into a frame of this screen."""
        raise NotImplementedError

    def after_frame(self) -> None:
        """Do what the frame with a new image is not to wait for."""

    def after_painting(self) -> None:
        """Do what can be done while the annotator looks at the image."""

    def expect_image(self) -> None:
        """Take no answer before the terminal has another image."""
        self.guard.expect()
        self._since = self._clock()

    def on_screen_resume(self) -> None:
        """Take no answer before the image is back from under another screen."""
        self.guard.expect()

    def frame_written(self, question: int | None) -> None:
        """Note which question follows the frame that has the image.

        Without a terminal, as in a test, what is drawn counts as painted.
        """
        if not self.guard.is_to_ask or self.app.screen is not self or not self.image_is_in_frame():
            return
        terminal = self.terminal
        known = terminal is not None and terminal.round_trips.has_answered
        slow = terminal is not None and terminal.round_trips.slow
        self.guard.relayed = slow and is_multiplexed(os.environ)
        self.guard.asked(question or 0, self._clock(), answers=known)
        if question is None:
            self.post_message(self.Painted(0))
        self.after_frame()

    def frame_was_there(self) -> None:
        """Ask the terminal for an image that is on it already: no frame comes for it."""
        if self.guard.is_to_ask and self.app.screen is self and self.image_is_in_frame():
            self.frame_written(None if self.terminal is None else self.terminal.ask())

    def holds_key(self, now: float) -> bool:
        """Tell whether a key that arrives now was pressed before the image was there."""
        if not self.guard.holds(now):
            return False
        if self.guard.waits_in_vain(now):
            # The answer was lost, with the terminal that it was to come from.
            self.guard.expect()
            self.frame_was_there()
        return True

    def painted_up_to(self, question: int) -> None:
        """Hear an answer; it goes where the keys go, and so keeps its place among them."""
        super().painted_up_to(question)
        self.post_message(self.Painted(question))

    def on_painted_screen_painted(self, message: Painted) -> None:
        """Take answers from now on; this message queues with the keys, in the order they came."""
        if self.guard.acknowledged(message.question):
            self._since = self._clock()
            self.call_later(self.after_painting)
