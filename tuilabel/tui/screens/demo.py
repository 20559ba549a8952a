"""The labelling screen with the ground truth in the annotator's chair."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual import events
from textual.timer import Timer

from tuilabel.session import ORACLE, Request
from tuilabel.trainer.client import RunJob
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.workspace.opening import Workspace

LINGER = 10
"""Seconds for which the finished demo stays on the screen when nobody presses a key."""


class DemoScreen(LabelScreen, inherit_bindings=False):
    """Labels at a steady rate until the budget is spent or a person takes over.

    Parameters
    ----------
    rate : float
        Labels per second.
    budget : int
        Labels to give.
    """

    def __init__(
        self,
        workspace: Workspace,
        source_name: str,
        submit: Callable[[Request], None],
        run: RunJob,
        *,
        rate: float,
        budget: int,
    ) -> None:
        super().__init__(workspace, source_name + " demo", submit, run)
        self.take_actions(self.keymap.demo_actions)
        self.board.actions = self.actions
        self._rate = rate
        self._budget = budget
        self._presses: Timer | None = None
        self._leaving: Timer | None = None
        self._paused = False
        self.answers.annotator = ORACLE

    def on_mount(self) -> None:
        """Show the first image and begin."""
        # textual calls the handlers of every class, so that of the base needs no call here.
        self._presses = self.set_interval(1 / self._rate, self._press)

    async def on_key(self, event: events.Key) -> None:
        """Keep a finished demo on the screen at any key."""
        if self._leaving is not None:
            self._leaving.stop()
            self._leaving = None

    def entry_changed(self) -> None:
        """Let the person take over."""
        if self.answers.is_begun:
            self._take_over()
        super().entry_changed()

    def choose_class(self, index: int) -> None:
        """Let the person take over."""
        self._answered_by_person(partial(super().choose_class, index))

    def action_accept(self) -> None:
        """Let the person take over."""
        self._answered_by_person(super().action_accept)

    def skip_for(self, why: str) -> None:
        """Let the person take over."""
        self._answered_by_person(partial(super().skip_for, why))

    def action_flag(self) -> None:
        """Let the person take over."""
        self._answered_by_person(super().action_flag)

    def action_note(self) -> None:
        """Let the person take over."""
        self._answered_by_person(super().action_note)

    def action_undo(self) -> None:
        """Let the person take over."""
        self._answered_by_person(super().action_undo)

    def _answered_by_person(self, act: Callable[[], None]) -> None:
        """Do what the person wants; the first time, say that the demo is theirs from now on."""
        is_new = self.answers.annotator == ORACLE
        self._take_over()
        act()
        if is_new and self.sentence is None:
            self.mention("The keys are yours now.", "accent")

    def _take_over(self) -> None:
        """Make every answer from now on the person's."""
        if self.answers.annotator != ORACLE:
            return
        if self._presses is not None:
            self._presses.stop()
            self._presses = None
        self.actions = self.board.actions = self.keymap.actions
        self.answers.annotator = self.workspace.annotator

    def action_pause(self) -> None:
        """Pause or resume the demo."""
        if self._presses is None:
            # The demo is over, and the key means what it means without one.
            self.action_suggestions()
        elif self._paused:
            self._paused = False
            self._presses.resume()
            self.say("The demo continues.", "muted")
        else:
            self._paused = True
            self._presses.pause()
            self.say(
                f"Paused. Press {self.keymap.key('pause')} to continue; a class key takes over.",
                "accent",
            )

    def _press(self) -> None:
        slot, truth = self.loop.current, self.workspace.dataset.truth
        if self.loop.labels >= self._budget or slot is None or truth is None:
            if not self.busy:
                self._finish()
        elif not self.answers.holds_key():
            index = self.loop.classes.of_truth(int(truth[slot.row]))
            self._answer(partial(self.loop.label, class_index=index))

    def _finish(self) -> None:
        if self._presses is not None:
            self._presses.stop()
            self._presses = None
        self._leaving = self.set_timer(LINGER, lambda: self.app.exit(return_code=0))
        self.say(
            f"The demo has finished and closes in {LINGER} s. Any key keeps it open.", "accent"
        )
