"""A screen that knows whether its image is on the terminal."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from textual import events
from textual.app import App
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
            if isinstance(self.app, PaintedApp):
                self.app.asked.append(self)
            driver.write(QUERY)
            driver.flush()
        self.after_frame()

    def on_painted_screen_painted(self) -> None:
        """Take answers from now on; this message queues with the keys, in the order they came."""
        if self.guard.acknowledged():
            self._since = self._clock()
            self.call_later(self.after_painting)


class PaintedApp(App[None], inherit_bindings=False):
    """Tells its screens of each frame, and brings each the answers to what it asked itself.

    The terminal answers in order. An answer that comes when another screen is shown already is
    still that of the one which asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: deque[PaintedScreen] = deque()

    def post_display_hook(self) -> None:
        """Hear of every frame, right after it was written."""
        if self._screen_stack and isinstance(self.screen, PaintedScreen):
            self.screen.frame_written()

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """Pass the terminal's word that an image is painted on.

        It goes where the keys go, so that a key which came before it is handled before it.
        """
        if self.asked:
            self.asked.popleft().post_message(PaintedScreen.Painted())
