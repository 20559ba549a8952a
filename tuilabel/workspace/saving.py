"""What the disk has not taken yet: the screen says so, keys that write wait, the rest goes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextvars import copy_context
from typing import Protocol

from tuilabel.errors import SaveError, StillSavingError
from tuilabel.events.lines import Event
from tuilabel.session import NotAnsweredError, RefusedError, Session
from tuilabel.text import counted
from tuilabel.workspace.writing import Pending, Writer

SHOWN_AFTER = 0.4
"""Seconds without an answer of the disk after which the screen says so."""

Then = Callable[[Event | None], object]
Failed = Callable[[Exception], object]


class SavingListener(Protocol):
    """Shows what is being saved."""

    @property
    def is_leaving(self) -> bool:
        """Whether nothing is to be shown any more."""

    def show_saving(self, words: str | None) -> None:
        """Show that something is still being saved; None when nothing is any more."""

    def saved_late(self) -> None:
        """Handle the end of what was being saved, after it was applied or has failed."""


class Saving:
    """Lets the session write, now or, where the disk takes longer, when it has answered.

    Parameters
    ----------
    session : Session
    writer : Writer
    listener : SavingListener
    """

    def __init__(self, session: Session, writer: Writer, listener: SavingListener) -> None:
        self._session = session
        self._writer = writer
        self._listener = listener
        self._held = 0
        self._refused = ""
        self._shown = False
        self._then: Then = _nothing
        self._failed: Failed = _nothing
        session.append_to(writer)
        writer.when_late = self._began

    @property
    def is_pending(self) -> bool:
        """Whether the disk has not answered yet, so that nothing can be written."""
        return self._writer.pending is not None

    @property
    def hangs(self) -> bool:
        """Whether the disk has not answered for so long that the screen says so."""
        return self._shown

    def write(self, write: Callable[[], Event | None], then: Then, failed: Failed) -> None:
        """Write, and call `then` with the event or `failed` with the error: now or later.

        Parameters
        ----------
        write : callable
            Calls a method of the session that writes.
        then : callable
            Takes the saved event; None where there was nothing to write.
        failed : callable
            Takes a `SaveError`, a `NotAnsweredError` or a `RefusedError`.
        """
        try:
            event = write()
        except StillSavingError:
            self._then, self._failed = then, failed
        except (NotAnsweredError, RefusedError, SaveError) as error:
            failed(error)
        else:
            then(event)

    def hold(self) -> None:
        """Count a key that was held back."""
        self._held += 1
        self.show_again(self._refused)

    def show_again(self, refused: str = "") -> None:
        """Show what is being saved, also on a screen that was opened meanwhile.

        Parameters
        ----------
        refused : str
            What was asked for, such as "history", but cannot be read from the disk now.
        """
        self._refused = refused
        if self._shown:
            self._listener.show_saving(self._words())

    def _began(self) -> None:
        pending, loop, context = self._writer.pending, asyncio.get_running_loop(), copy_context()
        assert pending is not None
        self._held, self._refused = 0, ""

        def done() -> None:
            with contextlib.suppress(RuntimeError):  # the program has ended meanwhile
                loop.call_soon_threadsafe(self._finish, pending, context=context)

        def show() -> None:
            if self._writer.pending is pending and not self._listener.is_leaving:
                self._shown = True
                self._listener.show_saving(self._words())
                loop.call_later(1.0, show, context=context)

        loop.call_later(SHOWN_AFTER, show, context=context)
        pending.when_done(done)

    def _words(self) -> str:
        seconds = round(self._writer.seconds() or 0.0)
        held = f", {counted(self._held, 'key')} held back" if self._held else ""
        why = f"no {self._refused} until the disk answers"
        why = why if self._refused else "the disk does not answer"
        return f"saving… {seconds} s{held}: {why}."

    def _finish(self, pending: Pending) -> None:
        if self._writer.pending is not pending or self._listener.is_leaving:
            return  # what is still pending at the end is dealt with there
        then, failed = self._then, self._failed
        self._then = self._failed = _nothing
        if self._shown:
            self._shown = False
            self._listener.show_saving(None)
        try:
            event = self._session.finish(self._writer.take)
        except SaveError as error:
            failed(error)
        else:
            then(event)
        self._listener.saved_late()


def _nothing(_: object) -> None:
    """Do nothing."""
