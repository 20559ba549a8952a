"""The driver that counts what goes out and hears first what the terminal answers."""

from __future__ import annotations

from textual import events
from textual.message import Message

from tuilabel.tui.tty_driver import TtyDriver


class MeasuredDriver(TtyDriver):
    """Counts the bytes that were written and the questions that are open.

    Attributes
    ----------
    written : int
        Characters so far; all but a few are bytes.
    asked, answered : int
        How often the terminal was asked for its cursor, and how often it told.
    """

    written = 0
    asked = 0
    answered = 0

    def write(self, data: str) -> None:
        """Write to the terminal, in the order of the calls."""
        self.written += len(data)
        super().write(data)

    def ask(self, question: str) -> None:
        """Write a question."""
        self.asked += 1
        self.write(question)
        self.flush()

    def process_message(self, message: Message) -> None:
        """Hear the terminal, on the thread that reads."""
        if isinstance(message, events.CursorPosition):
            self.answered += 1
        super().process_message(message)
