"""A screen that knows whether its image is on the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.message import Message
from textual.screen import Screen

from tuilabel.tui.guard import QUERY, PaintGuard


class PaintedScreen(Screen[None], inherit_bindings=False):
    """Asks the terminal behind each frame with a new image, and hears its answer.

    Who shows another image calls `expect_image`; who handles a key asks `guard.holds`.

    Parameters
    ----------
    clock : callable
        A monotonic clock, in seconds.
    """

    class Painted(Message):
        """The terminal has said that it painted what was written to it."""

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

    def frame_written(self) -> None:
        """Ask the terminal whether it has painted the image, right behind the frame that has it."""
        if not self.guard.is_to_ask or self.app.screen is not self or not self.image_is_in_frame():
            return
        self.guard.asked(self._clock())
        driver = self.app._driver
        if driver is None or driver.is_headless:
            self.post_message(self.Painted())
        else:
            driver.write(QUERY)
            driver.flush()
        self.after_frame()

    def on_painted_screen_painted(self) -> None:
        """Take answers from now on; this message queues with the keys, in the order they came."""
        if self.guard.acknowledged():
            self._since = self._clock()
            self.call_later(self.after_painting)
