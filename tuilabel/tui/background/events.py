"""The events of a session, read from their files in a thread that a disk may keep."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from tuilabel.events.lines import Event
from tuilabel.session.record import Events
from tuilabel.tui.background.threads import beside

_PAGE, _PAGES = 1024, 8
"""Events that are read together, and how many such parts stay in memory."""


class EventPages:
    """Finds events in memory, and reads the others beside the event loop.

    Parameters
    ----------
    events : Events
    arrived : callable
        Called on the event loop with the numbers of events that were read.
    """

    def __init__(self, events: Events, arrived: Callable[[range], object]) -> None:
        self._events = events
        self._arrived = arrived
        self._pages: OrderedDict[int, list[Event]] = OrderedDict()
        self._wanted: dict[int, None] = {}
        self._reading: asyncio.Task[None] | None = None

    @property
    def is_reading(self) -> bool:
        """Whether events are still to arrive."""
        return bool(self._wanted)

    def find(self, number: int) -> Event | None:
        """Return an event by its number; None, and read it, if it is not in memory."""
        event = self._events.in_memory(number)
        if event is not None:
            return event
        page, place = divmod(number, _PAGE)
        found = self._pages.get(page, [])
        if place < len(found):
            self._pages.move_to_end(page)
            return found[place]
        self._wanted[page] = None
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._read())
        return None

    def close(self) -> None:
        """Read no more; what is being read is dropped."""
        self._wanted.clear()
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self) -> None:
        while self._wanted:
            page = next(iter(self._wanted))
            numbers = range(page * _PAGE, min((page + 1) * _PAGE, len(self._events)))
            self._pages[page] = await beside(partial(self._read_page, numbers))
            self._wanted.pop(page)
            if len(self._pages) > _PAGES:
                self._pages.popitem(last=False)
            self._arrived(numbers)

    def _read_page(self, numbers: range) -> list[Event]:
        return [self._events[number] for number in numbers]
