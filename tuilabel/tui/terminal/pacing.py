"""Frames that do not queue: a question follows each, and the next waits for the answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from textual import events
from textual.app import App, ScreenStackError
from textual.screen import Screen

from tuilabel.tui.terminal.driver import TtyDriver
from tuilabel.tui.terminal.relays import UNKNOWN
from tuilabel.tui.terminal.round_trips import WINDOW, RoundTrips

_LOOK_AGAIN = 0.1
"""Seconds after which a frame that waits is tried again without an answer of the terminal."""


class FrameListener(Protocol):
    """Handles the frames of the screen it is registered for."""

    def frame_written(self, question: int | None) -> None:
        """Handle a frame, and the number of the question behind it; None without a terminal."""

    def frame_was_there(self) -> None:
        """Handle a frame that brought nothing the terminal did not show already."""

    def painted_up_to(self, question: int) -> None:
        """Handle the news that all that was written before a question is painted."""

    def terminal_back(self) -> None:
        """Handle the return of a terminal on which others may have drawn."""


class Terminal:
    """Asks behind each frame, passes the answers on, and holds back frames that would queue.

    Parameters
    ----------
    app : App
    round_trips : RoundTrips
    on_change : callable, optional
        Called when the line turned out slow, or quick again.
    relay : str
        What answers in place of the terminal; empty where nothing does.
    key_delay : int
        Milliseconds for which keys wait after each image where there is a relay.
    look : callable, optional
        Finds the relay again, when the size has changed.
    on_relay : callable, optional
        Called when another relay was found, or none any more.
    clock : callable
        A monotonic clock, in seconds.
    """

    def __init__(
        self,
        app: App[Any],
        round_trips: RoundTrips,
        on_change: Callable[[], object] | None = None,
        *,
        relay: str = "",
        key_delay: int = 0,
        look: Callable[[], str] | None = None,
        on_relay: Callable[[], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.round_trips = round_trips
        self.key_delay = key_delay
        self._relay = relay
        self._look = look
        self._on_relay = on_relay
        self._looks = 0
        self._app = app
        self._on_change = on_change
        self._clock = clock
        self._written = 0
        self._slow = round_trips.slow
        self._size = (0, 0)
        self._listeners: WeakKeyDictionary[Screen[Any], FrameListener] = WeakKeyDictionary()
        self._waiting: list[Callable[[], None]] = []

    @property
    def _driver(self) -> TtyDriver | None:
        driver = self._app._driver
        return driver if isinstance(driver, TtyDriver) else None

    @property
    def is_there(self) -> bool:
        """Whether the application is on a terminal now."""
        return self._driver is not None

    @property
    def relay(self) -> str:
        """What answers in place of the terminal; empty where that is known to be near."""
        return UNKNOWN if self._looks else self._relay

    def size_changed(self) -> None:
        """Find out again who looks: others may have taken the screen over, from elsewhere."""
        if self._look is None or not self.is_there:
            return
        look, loop = self._look, asyncio.get_running_loop()
        self._looks += 1

        def look_and_tell() -> None:
            relay = look()
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._found, relay)

        threading.Thread(target=look_and_tell, name="relay", daemon=True).start()

    def _found(self, relay: str) -> None:
        self._looks -= 1
        before, self._relay = self._relay, relay
        if before != relay and self._on_relay is not None:
            self._on_relay()

    @property
    def words(self) -> str:
        """How far the terminal is, or that keys wait because that is unknown."""
        trips, relay = self.round_trips, self._relay
        if self.key_delay and (relay or trips.waits_in_vain(self._clock())):
            name = "" if relay in ("", UNKNOWN) else f"{relay}: "
            return f"{name}keys wait {self.key_delay} ms"
        return trips.words

    def register(self, screen: Screen[Any], listener: FrameListener) -> None:
        """Have a listener hear of the frames of a screen."""
        self._listeners[screen] = listener

    def frame_written(self) -> None:
        """Ask behind a frame, if something was written, and pass the news on."""
        try:
            listener = self._listeners.get(self._app.screen)
        except ScreenStackError:
            return
        driver = self._driver
        if driver is not None and driver.written == self._written:
            if listener is not None:
                listener.frame_was_there()
            return
        question = None if driver is None else self.ask()
        if listener is not None:
            listener.frame_written(question)

    def ask(self) -> int | None:
        """Ask the terminal; return the number of the question, None where there is no terminal."""
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

    def write(self, codes: str) -> None:
        """Write codes that draw nothing."""
        driver = self._driver
        if driver is not None:
            driver.write(codes)

    def heard(self, event: events.CursorPosition) -> None:
        """Handle an answer of the terminal."""
        number = self.round_trips.answered(event.x, event.y, event.time)
        if number is None:
            return
        waiting, self._waiting = self._waiting, []
        for go_on in waiting:
            go_on()
        for listener in self._of_stack():
            listener.painted_up_to(number)
        self._report_change()

    def back(self) -> None:
        """Note that the terminal was another program's for a while."""
        for listener in self._of_stack():
            listener.terminal_back()

    def _of_stack(self) -> list[FrameListener]:
        stack = self._app.screen_stack
        return [self._listeners[screen] for screen in stack if screen in self._listeners]

    def when_painted(self, go_on: Callable[[], None]) -> None:
        """Call a function once, with the next answer."""
        self._waiting.append(go_on)

    def is_full(self) -> bool:
        """Return whether the next frame should wait."""
        now = self._clock()
        driver = self._driver
        backlog = 0 if driver is None else driver.backlog
        self.round_trips.backed_up(backlog, now)
        self._report_change()
        return backlog > WINDOW or self.round_trips.is_full(now)

    def _report_change(self) -> None:
        slow, self._slow = self._slow, self.round_trips.slow
        if self._slow != slow and self._on_change is not None:
            self._on_change()


class PacedScreen(Screen[None], inherit_bindings=False):
    """A screen whose frames wait while the terminal still paints what was written before.

    What changes meanwhile is drawn in one frame, as it is then: no frame is queued that nobody
    will see.
    """

    _held_back = False

    @property
    def terminal(self) -> Terminal | None:
        """The terminal that the application is on; None where it draws for nobody."""
        terminal = self._any_terminal
        return terminal if terminal is not None and terminal.is_there else None

    @property
    def is_on_top(self) -> bool:
        """Whether no other screen covers it."""
        return self.app.screen is self

    def register(self, listener: FrameListener) -> None:
        """Have a listener hear of this screen's frames."""
        terminal = self._any_terminal
        if terminal is not None:
            terminal.register(self, listener)

    @property
    def _any_terminal(self) -> Terminal | None:
        terminal: Terminal | None = getattr(self.app, "terminal", None)
        return terminal

    def _on_timer_update(self) -> None:
        # Textual's own method: every frame goes through it, except for those of another size.
        terminal = self.terminal
        if terminal is None or not terminal.is_full():
            super()._on_timer_update()
            return
        self._update_timer.pause()
        if not self._held_back:
            self._held_back = True
            terminal.when_painted(self._go_on)
            # A terminal may take long to answer, and an answer may be lost.
            self.set_timer(_LOOK_AGAIN, self._go_on)

    def _go_on(self) -> None:
        if self._held_back:
            self._held_back = False
            self._on_timer_update()
