"""The labelling screen: keys go to the session, and what it becomes goes to the widgets."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.geometry import Size
from textual.widgets import Static

from tuilabel.errors import SaveError
from tuilabel.journal import Event
from tuilabel.session import Ranking, Request, Slot
from tuilabel.settings import SUGGESTIONS
from tuilabel.trainer.client import WAITING
from tuilabel.tui.answering.deferred_redraw import DeferredRedraw
from tuilabel.tui.keymap.bindings import bind
from tuilabel.tui.keymap.resolved import keymap_of
from tuilabel.tui.screens.class_keys import ClassKeysScreen
from tuilabel.tui.screens.help import HelpScreen
from tuilabel.tui.screens.looking import LookingScreen
from tuilabel.tui.screens.places import WithPlaces
from tuilabel.tui.terminal.size import too_small
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.text.pieces import STYLES, Piece
from tuilabel.tui.views.labelling import SHOWN_WHEN, Presenter
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.board import Board
from tuilabel.workspace.opening import Workspace


class LabelScreen(LookingScreen, ClassKeysScreen, WithPlaces, inherit_bindings=False):
    """Shows the image that is asked, takes the answer, shows the next.

    Parameters
    ----------
    workspace : Workspace
    source_name : str
        What the header calls the source.
    submit : callable
        Takes a request to the trainer.
    clock : callable
        A monotonic clock, in seconds.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(STYLES)

    def __init__(
        self,
        workspace: Workspace,
        source_name: str,
        submit: Callable[[Request], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(clock)
        self.workspace = workspace
        self.loop = workspace.session
        self._submit = submit
        self.keymap = keymap_of(workspace.settings)
        self.actions = self.keymap.actions
        bind(self, self.actions)
        holdout = workspace.dataset.holdout
        self.presenter = Presenter(self.loop, self.keymap, holdout.name if holdout else None)
        self.opened = OpenSession(workspace, self.presenter, source_name, self)
        self.board = Board(
            self.presenter, self.opened.image, source_name, self.actions, workspace.settings.view
        )
        self.take_class_keys()
        self._suggestions = workspace.settings.suggestions
        self._last: tuple[Slot, int | None] | None = None
        self._message: Piece | None = None
        self._act: Piece = ("", "muted")
        self._trainer: Piece = ("", "muted")
        self._too_small = False
        self._unsaved_ranking: Ranking | None = None
        self._deferred = DeferredRedraw(clock, self.set_timer)
        self._trainer_owes = False

    @property
    def busy(self) -> bool:
        """Whether something of the trainer is still to come, or to be shown."""
        return self._trainer_owes or self._deferred.waits

    def compose(self) -> ComposeResult:
        """Lay out the board, and the sentence that stands in for it where space is short."""
        yield self.board
        yield Static(id="too-small", markup=False)

    def on_mount(self) -> None:
        """Show the first image, and what opening the source had to leave out."""
        # Before the first layout: one after it would be another whole frame.
        self._fit_to(self.app.size)
        self.changed()
        notices = self.presenter.notices(self.workspace.dataset.notices)
        if notices:
            self.say(notices, "accent")

    def on_resize(self, event: events.Resize) -> None:
        """Give the image the space there is, or say how much is needed."""
        self._fit_to(event.size)

    def _fit_to(self, size: Size) -> None:
        width, height = size
        was_small = self._too_small
        sentence = too_small(width, height, self.keymap.key("quit"))
        self._too_small = sentence is not None
        self.set_class(self._too_small, "-too-small")
        if sentence is not None:
            self.query_one("#too-small", Static).update(sentence)
        self.board.fit_to(width, height)
        if was_small and sentence is None:  # the image was not on the terminal until now
            self.changed()

    # Keys.

    def class_key(self, index: int) -> None:
        """Take a class key as an answer for the image on the screen."""
        self._answer(lambda item, ms: self.loop.label(item, index, ms=ms))

    def action_accept(self) -> None:
        """Label with the model's first choice."""
        slot = self.loop.current
        if slot is not None and self.loop.suggestion() is None:
            self.say("This image has no suggestion to agree with.", "accent")
        elif self._suggestions != "before":
            hint = self.keymap.hint("suggestions")
            self.say(f"Nothing to agree with: {SHOWN_WHEN[self._suggestions]}{hint}.", "accent")
        else:
            self._answer(lambda item, ms: self.loop.accept_suggestion(item, ms=ms))

    def action_skip(self) -> None:
        """Pass the image over."""
        self._answer(lambda item, ms: self.loop.skip(item, ms=ms))

    def action_undo(self) -> None:
        """Take the last answer back."""
        if self._too_small:
            return
        event = self._saved(self.loop.undo)
        if event is None:
            self.say(*(self._message or ("There is nothing to undo.", "muted")))
            return
        self._last = None
        taken_back = self.loop.ledger.taken_back
        name = taken_back.class_name if taken_back else None
        self._act = (f"undone: {'skip' if name is None else shown_name(name, 12)}", "muted")
        self.changed()

    def action_suggestions(self) -> None:
        """Go on to the next way of showing suggestions."""
        after = SUGGESTIONS.index(self._suggestions) + 1
        self._suggestions = SUGGESTIONS[after % len(SUGGESTIONS)]
        self.board.show_suggestions(self._suggestions, self._last)
        self.say(SHOWN_WHEN[self._suggestions].capitalize() + ".", "muted")

    def action_help(self) -> None:
        """Show the keys and classes."""
        named = list(zip(self.presenter.keys, self.presenter.names, strict=True))
        self.app.push_screen(HelpScreen(self.keymap, self.actions, named))

    async def action_quit(self) -> None:
        """Leave."""
        self.app.exit(return_code=0)

    def _answer(self, give: Callable[[str, int], Event | None]) -> None:
        item, now = self.loop.current_id, self._clock()
        if item is None:
            self.say(self.presenter.ending(), "muted")
            return
        if self._too_small:
            return
        if self.holds_key(now):
            self.hold_key()
            return
        self._deferred.key_pressed()
        slot = self.loop.current
        ms = int((now - self._since) * 1000)
        event = self._saved(lambda: give(item, ms))
        if event is None or slot is None:
            return
        name = event.class_name
        self._last = (slot, None if name is None else self.loop.info.class_names.index(name))
        done = "skipped" if name is None else ""
        self._act = (f"{self.guard.held} held back" if self.guard.held else done, "muted")
        self.changed()

    def _saved(self, write: Callable[[], Event | None]) -> Event | None:
        """Let the session write; what could not be saved is said, and the image stays."""
        self._message = None
        try:
            event = write()
        except SaveError as error:
            self.say(f"✗ {error}", "bad")
            return None
        if event is not None and self._unsaved_ranking is not None:
            self.take_ranking(self._unsaved_ranking)
        return event

    def move(self, step: int) -> None:
        """Look at another place of the batch."""
        if not self._too_small and self.loop.move(step):
            self.changed()

    # The trainer.

    def ranking_arrived(self, ranking: Ranking) -> None:
        """Ask what the trainer found best; who types sees it with the next image."""
        if self.take_ranking(ranking):
            self._deferred.do(self.show_all)
            self.call_later(self._draw_batch)

    def _draw_batch(self) -> None:
        """Draw what is to be shown, a little at a time: keys are handled in between."""
        if self._deferred.waits and self.board.prepare_batch():
            self.call_later(self._draw_batch)

    def take_ranking(self, ranking: Ranking) -> bool:
        """Ask what the trainer found best, but keep this image; tell whether anything changed."""
        self._unsaved_ranking = None
        try:
            event = self.loop.accept_ranking(ranking)
        except SaveError:
            # With the next answer that can be saved, this can be.
            self._unsaved_ranking = ranking
            self.trainer_said("! ranking not saved", "bad", busy=self.busy)
            return False
        return event is not None

    def learner_prepared(self) -> None:
        """Ask the trainer again, without a word on the screen until it answers."""
        self.loop.learn_anew()
        self.after_frame()

    def trainer_said(self, text: str, style: str = "muted", *, busy: bool = False) -> None:
        """Show what the trainer does, and whether an answer of it is still to come."""
        self._trainer = (text, style)
        self._trainer_owes = busy
        if style == "muted":
            # No news that a frame of its own is worth while somebody types.
            self._deferred.do(self.show_all)
        else:
            self.show_status()

    # Showing.

    def say(self, text: str, style: str) -> None:
        """Show a sentence until the next key."""
        self._message = (text, style)
        self.show_status()

    def changed(self) -> None:
        """Show another image, and take no answer for it before the terminal has it."""
        if self.board.view == "row":
            self.loop.show_all()
        if self.board.stands_already():
            self._since = self._clock()
        else:
            self.expect_image()
        if self.loop.request_is_due:
            # In the same frame; `after_frame` hands the request over.
            self._trainer, self._trainer_owes = WAITING, True
        self.board.show_image(self.loop.current)
        self._deferred.forget()
        self.show_all()
        self.frame_was_there()

    def image_is_in_frame(self) -> bool:
        """Tell whether the image that is asked was drawn, where there was room for it."""
        return not self._too_small and self.board.painted

    def after_frame(self) -> None:
        """Hand over what the trainer is asked: it takes time to gather."""
        if not self.loop.request_is_due:
            return
        request = self.loop.take_request()
        if request is None:
            self.trainer_said("")
        else:
            self._submit(request)

    def after_painting(self) -> None:
        """Draw what comes next while the annotator looks at this image."""
        loop = self.loop
        likely = loop.likely_next(len(loop.batch))
        after = [slot.row for slot in loop.batch[loop.cursor + 1 : loop.cursor + 2]]
        self.board.prepare(after or likely[:1], likely)

    def show_all(self) -> None:
        """Show all but the image."""
        terminal = self.terminal
        self.board.show_progress("" if terminal is None else terminal.round_trips.words)
        self.board.show_suggestions(self._suggestions, self._last)
        self.show_status()

    def show_status(self) -> None:
        """Show what was saved, or what was begun, or the sentence that is to be said."""
        self.board.show_status(self.entry_line() or self._message, self._act, self._trainer)
