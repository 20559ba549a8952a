"""Between the application and its terminal: each frame is followed by a question."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from textual import events
from textual.app import App, ScreenStackError

from tuilabel.tui.screens.paced import PacedScreen
from tuilabel.tui.terminal.driver import TtyDriver
from tuilabel.tui.terminal.round_trips import WINDOW, RoundTrips


class Terminal:
    """Asks behind each frame, tells screens of the answers, and keeps frames back that would queue.

    Parameters
    ----------
    app : App
    round_trips : RoundTrips
    on_change : callable, optional
        Called when the line turned out slow, or quick again.
    clock : callable
        A monotonic clock, in seconds.
    """

    def __init__(
        self,
        app: App[Any],
        round_trips: RoundTrips,
        on_change: Callable[[], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.round_trips = round_trips
        self._app = app
        self._on_change = on_change
        self._clock = clock
        self._written = 0
        self._slow = round_trips.slow
        self._size = (0, 0)

    @property
    def _driver(self) -> TtyDriver | None:
        driver = self._app._driver
        return driver if isinstance(driver, TtyDriver) else None

    @property
    def is_there(self) -> bool:
        """Whether the application is on a terminal now."""
        return self._driver is not None

    def frame_written(self) -> None:
        """Ask behind a frame, if something was written, and let the screen know."""
        try:
            screen = self._app.screen
        except ScreenStackError:
            return
        driver = self._driver
        if not isinstance(screen, PacedScreen):
            if driver is not None and driver.written != self._written:
                self.ask()
        elif driver is None:
            screen.frame_written(None)
        elif driver.written != self._written:
            screen.frame_written(self.ask())
        else:
            screen.frame_was_there()

    def ask(self) -> int | None:
        """Ask the terminal; give the number of the question, or None where there is no terminal."""
        driver = self._driver
        if driver is None:
            return None
        size = (self._app.size.width, self._app.size.height)
        if size != self._size:
            # A smaller terminal has moved the cursor of what was asked before.
            self._size = size
            self.round_trips.forget()
        number, query = self.round_trips.ask(self._clock(), driver.written - self._written, *size)
        driver.write(query)
        self._written = driver.written
        return number

    def heard(self, event: events.CursorPosition) -> None:
        """Take an answer of the terminal."""
        number = self.round_trips.answered(event.x, event.y, event.time)
        if number is None:
            return
        for screen in self._app.screen_stack:
            if isinstance(screen, PacedScreen):
                screen.painted_up_to(number)
        self._tell_of_change()

    def is_full(self) -> bool:
        """Tell whether another frame had better wait."""
        now = self._clock()
        driver = self._driver
        backlog = 0 if driver is None else driver.backlog
        self.round_trips.backed_up(backlog, now)
        self._tell_of_change()
        return backlog > WINDOW or self.round_trips.is_full(now)

    def _tell_of_change(self) -> None:
        slow, self._slow = self._slow, self.round_trips.slow
        if self._slow != slow and self._on_change is not None:
            self._on_change()
