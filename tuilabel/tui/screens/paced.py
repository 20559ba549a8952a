"""A screen whose frames do not queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

if TYPE_CHECKING:
    from tuilabel.tui.terminal.pacing import Terminal


_LOOK_AGAIN = 0.1
"""Seconds after which a frame that waits is tried again without any word of the terminal."""


class PacedScreen(Screen[None], inherit_bindings=False):
    """A screen whose frames wait while the terminal still paints what was written before.

    What changes meanwhile is drawn in one frame, as it is then: no frame is queued that nobody
    will see.
    """

    _held_back = False

    @property
    def terminal(self) -> Terminal | None:
        """The terminal that the application is on; None where it draws for nobody."""
        terminal: Terminal | None = getattr(self.app, "terminal", None)
        return terminal if terminal is not None and terminal.is_there else None

    def frame_written(self, question: int | None) -> None:
        """Hear that a frame was written, and the number of the question behind it, if any."""

    def frame_was_there(self) -> None:
        """Hear that a frame brought nothing that was not on the terminal already."""

    def painted_up_to(self, question: int) -> None:
        """Hear that the terminal has painted all that was written before a question."""
        self._go_on()

    def _on_timer_update(self) -> None:
        # textual's own method, through which every frame goes that is not for another size.
        terminal = self.terminal
        if terminal is None or not terminal.is_full():
            super()._on_timer_update()
            return
        self._update_timer.pause()
        if not self._held_back:
            self._held_back = True
            # A terminal may take long without an answer, and an answer may be lost.
            self.set_timer(_LOOK_AGAIN, self._go_on)

    def _go_on(self) -> None:
        if self._held_back:
            self._held_back = False
            self._on_timer_update()
