"""No answer counts for an image that was not on the terminal when its key was pressed.

After an image is painted the terminal is asked where its cursor is, see
`tuilabel.tui.terminal.round_trips`. It answers in order: a key that arrives before the answer was
pressed before the picture was there.
"""

from __future__ import annotations

from tuilabel.text import counted
from tuilabel.tui.terminal.round_trips import PATIENCE


class PaintGuard:
    """Decides whether a key that arrives now was pressed after the image was on the terminal.

    It has no clock: every method takes the time in seconds of a monotonic clock.

    Attributes
    ----------
    answers : bool
        Whether the terminal answers, or has still time to do so for the first time.
    is_relayed : bool
        Whether it is not the terminal that answers but what stands between, such as tmux: then
        both are waited for, the answer and the delay.
    delay : float
        Seconds to wait where the terminal itself does not answer.
    held : int
        How many keys were held back since the image was painted.
    """

    def __init__(self) -> None:
        self._question: int | None = None
        self._painted: float | None = None
        self._seen: float | None = None
        self._ever_seen = False
        self.answers = True
        self.is_relayed = False
        self.delay = 0.0
        self.held = 0

    def expect(self) -> None:
        """Note that another image is about to be painted: from now on keys are held."""
        self._painted = self._seen = None
        self.held = 0

    @property
    def is_to_ask(self) -> bool:
        """Whether the terminal is still to be asked, behind the frame that has the image."""
        return self._painted is None

    def asked(self, question: int, now: float, *, answers: bool = False) -> None:
        """Note that the image was written to the terminal, followed by a question.

        Parameters
        ----------
        question : int
            Its number.
        now : float
        answers : bool
            Whether the terminal is known to answer.
        """
        self._ever_seen |= answers
        self._question = question
        self._painted = now

    def acknowledged(self, question: int, now: float) -> bool:
        """Note an answer; return whether it shows that the image is on the terminal."""
        self.answers = self._ever_seen = True
        if self._painted is None or self._question is None or question < self._question:
            return False
        is_new = self._seen is None
        if is_new:
            self._seen = now
        return is_new

    def restart_delay(self, now: float) -> None:
        """Wait once more where the terminal itself does not answer, though the image is there."""
        if self._seen is not None:
            self._seen = now

    def holds(self, now: float) -> bool:
        """Return whether a key that arrives now was pressed before the image was there."""
        if self._painted is None:
            return True
        if self._seen is not None:
            return self.is_relayed and now - self._seen < self.delay
        age = now - self._painted
        # Only a terminal that never answered is given up: on a line that stalled, keys and answers
        # arrive in the order in which they were given, however late.
        if not self._ever_seen and age > PATIENCE:
            self.answers = False
        return self.answers or age < self.delay

    def waits_in_vain(self, now: float) -> bool:
        """Return whether an answer is so late that it was lost: ask the terminal again."""
        waits = self.answers and self._seen is None and self._painted is not None
        return waits and now - (self._painted or 0.0) > PATIENCE

    def hold(self) -> int:
        """Count a key that was held back; return how many were since the image was painted."""
        self.held += 1
        return self.held

    @property
    def words(self) -> str:
        """The number of keys held back, worded so that it cannot be mistaken for a key."""
        keys = counted(self.held, "key was", "keys were")
        return f"{keys} typed ahead of the image: press again."
