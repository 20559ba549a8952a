"""The frames of the group that is asked: playing them, and answering about one alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from textual.timer import Timer

from tuilabel.tui.screens.looking import Looking
from tuilabel.tui.terminal.pacing import Terminal

PER_SECOND = 4
"""Frames that are played in a second."""

ANSWERS = frozenset(
    ["accept", "skip", "unsure", "unusable", "later", "name", "this_frame", "whole"]
)
"""The actions after which an answer may still be about one frame alone."""

_AT_LEAST = 120
"""Frames after which playing ends, once all were shown: nothing is written while nobody looks."""


class FramesScreen(Protocol):
    """What `Frames` needs of the screen that owns it."""

    @property
    def asked(self) -> str | None:
        """The id of the item whose image the screen shows."""

    @property
    def terminal(self) -> Terminal | None:
        """The terminal; None where the application draws for nobody."""

    def say(self, text: str, style: str = "muted") -> None:
        """Show a sentence until the next key."""

    def may_look(self) -> bool:
        """Return whether the image was on the terminal; hold the key back where it was not."""

    def look_again(self) -> None:
        """Take no answer before the terminal shows what is drawn now."""

    def set_interval(self, interval: float, callback: Callable[[], None]) -> Timer:
        """Call a function again and again, after so many seconds each."""


class Frames:
    """What is done with the frames of a group.

    A group is seen with its first frame that was on the terminal: playing holds no key back. An
    answer about one frame alone waits until that frame is there.

    Parameters
    ----------
    screen : FramesScreen
    looking : Looking
    """

    def __init__(self, screen: FramesScreen, looking: Looking) -> None:
        self._screen, self._looking = screen, looking
        self._clock: Timer | None = None
        self._left = 0
        self._alone: tuple[str | None, int] | None = None

    # Playing.

    @property
    def plays(self) -> bool:
        """Whether frames are being played."""
        return self._clock is not None

    def play(self) -> None:
        """Play the frames, from the one that is shown."""
        if self._looking.frame is None:
            self._screen.say("Only the frames of a group are played, one image at a time.")
        elif self._is_slow:
            self._screen.say("The line to the terminal is too slow to play frames: step instead.")
        elif self._screen.may_look():
            self._left = max(len(self._looking.frames), _AT_LEAST)
            self._clock = self._screen.set_interval(1 / PER_SECOND, self._go_on)
            self._looking.look_ahead()

    def stop(self) -> None:
        """Play no more."""
        if self._clock is not None:
            self._clock.stop()
            self._clock = None

    @property
    def _is_slow(self) -> bool:
        terminal = self._screen.terminal
        return terminal is not None and terminal.round_trips.slow

    def _go_on(self) -> None:
        if self._clock is None:
            return
        if not self._left or self._is_slow or self._looking.frame is None:
            self.stop()
        # A frame that is not decoded yet is waited for.
        elif self._looking.step_round():
            self._left -= 1

    # One frame alone.

    def choose_alone(self) -> None:
        """Let the next class, or skip, be for the frame that is shown alone."""
        frame, count = self._looking.frame, len(self._looking.frames)
        if frame is None:
            self._screen.say("Only a frame of a group, shown as one image, is labelled alone.")
            return
        self._alone = self._screen.asked, frame
        self._screen.look_again()
        self._screen.say(
            f"The next class or skip is for frame {frame + 1:,} of {count:,} alone; Esc cancels.",
            "accent",
        )

    def end_alone(self) -> None:
        """Let the next class be for the whole group."""
        self._alone = None

    @property
    def alone(self) -> int | None:
        """The row of the frame that the next answer is about; None if it is about the group."""
        if self._alone is None or self._alone != (self._screen.asked, self._looking.frame):
            return None
        return self._looking.frames[self._alone[1]]
