"""No answer lands on an image that was not on the terminal when its key was pressed.

After an image is painted the terminal is asked where its cursor is. It answers in order: a key
that arrives before the answer was pressed before the picture was there.
"""

from __future__ import annotations

QUERY = "\x1b[6n"
"""DSR 6, "report the cursor position" (ECMA-48)."""

PATIENCE = 2.0
"""Seconds without an answer after which a terminal counts as one that never answers; far longer
than any round trip on which a person would label."""

GUARD_INTERVAL = 0.15
"""Seconds for which keys are held after painting on a terminal that does not answer: about as
long as a person needs to see an image and move a finger."""


class PaintGuard:
    """Tells whether what is on the terminal is what a key that arrives now was meant for.

    It has no clock: every method takes the time in seconds of a monotonic clock.
    """

    def __init__(self) -> None:
        self._waiting = 0
        self._painted: float | None = None
        self.answers = True
        self.held = 0

    def expect(self) -> None:
        """Note that another image is about to be painted: from now on keys are held."""
        self._painted = None
        self.held = 0

    @property
    def is_to_ask(self) -> bool:
        """Whether `QUERY` is still to be written, behind the frame that has the image."""
        return self._painted is None

    def asked(self, now: float) -> None:
        """Note that the image was written to the terminal, followed by `QUERY`."""
        self._painted = now
        self._waiting += 1

    def acknowledged(self) -> bool:
        """Note an answer of the terminal; tell whether it is the one for the last image."""
        if not self._waiting:
            return False
        self._waiting -= 1
        if self._waiting or self._painted is None:
            return False
        self.answers = True
        return True

    def holds(self, now: float) -> bool:
        """Tell whether a key that arrives now was pressed before the image was there."""
        if self._painted is None:
            return True
        age = now - self._painted
        # An answer that is late still belongs to the image it was asked for: how many are owed
        # is never forgotten, or it would be taken for the answer to the next image.
        if self._waiting and age > PATIENCE:
            self.answers = False
        return self._waiting > 0 if self.answers else age < GUARD_INTERVAL

    def hold(self) -> int:
        """Count a key that was held back; give how many were since the image was painted."""
        self.held += 1
        return self.held
