"""The labelling screen: keys go to the session, and what it becomes goes to the widgets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterable
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING

from textual import events
from textual.timer import Timer
from textual.widget import Widget

from tuilabel.errors import TuilabelError, UsageError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import LATER, UNSURE, UNUSABLE, Answer, Flag, Label, Note, Skip
from tuilabel.session import Annotator, Ranking, Slot
from tuilabel.session.rare import two_classes
from tuilabel.session.undoing import skip_text, undone_text
from tuilabel.session.values import Chosen
from tuilabel.settings import SUGGESTIONS
from tuilabel.text import SUGGESTION_MODES, counted, inert
from tuilabel.trainer.client import TrainerLink
from tuilabel.trainer.reports import TrainerReport, Working
from tuilabel.tui.answering.answer_keys import AnswerKeys
from tuilabel.tui.answering.deferred_redraw import DeferredRedraw
from tuilabel.tui.answering.marks import Marks
from tuilabel.tui.background.threads import beside
from tuilabel.tui.keymap.actions import actions_of
from tuilabel.tui.keymap.resolved import keymap_of
from tuilabel.tui.screens.base import A_WHILE, BaseScreen
from tuilabel.tui.screens.frames import ANSWERS, Frames
from tuilabel.tui.screens.looking import Looking
from tuilabel.tui.screens.page import PageScreen
from tuilabel.tui.terminal.capabilities import coarse_hint
from tuilabel.tui.terminal.textual_internals import actions_of_key, is_leaving
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.text.pieces import Piece, cells_in
from tuilabel.tui.text.theme import colours_of
from tuilabel.tui.views.guidelines import guideline_rows
from tuilabel.tui.views.labelling import Presenter
from tuilabel.tui.views.messages import LONGEST, Message, Messages
from tuilabel.tui.views.open_session import Added, OpenSession
from tuilabel.tui.views.trainer import reading_message, reading_piece, trainer_piece
from tuilabel.tui.widgets.board import Board
from tuilabel.workspace.following import Follower, Health, health_of
from tuilabel.workspace.guidelines import read_guidelines
from tuilabel.workspace.opening import Workspace
from tuilabel.workspace.saving import Saving

if TYPE_CHECKING:
    from tuilabel.feeds.parent import Feeds

READ_SECONDS, READING_SECONDS = 0.1, 1.0
"""How long what was read is gathered, and how often its progress is shown."""


class LabelScreen(BaseScreen, inherit_bindings=False):
    """Shows the image that is asked, takes the answer, shows the next.

    Parameters
    ----------
    workspace : Workspace
    source_name : str
        The name of the source in the header.
    trainer : TrainerLink
        Answers requests, and does jobs for other screens.
    clock : callable
        A monotonic clock, in seconds.
    feeds : Feeds, optional
        What others follow meanwhile.
    """

    def __init__(
        self,
        workspace: Workspace,
        source_name: str,
        trainer: TrainerLink,
        clock: Callable[[], float] = time.monotonic,
        feeds: Feeds | None = None,
    ) -> None:
        super().__init__(keymap_of(workspace.settings))
        self.workspace = workspace
        self.loop = workspace.session
        self._client = trainer
        self._feeds = feeds
        self._noticed: Piece | None = None
        holdout = workspace.dataset.holdout
        name = holdout.name if holdout else None
        self.presenter = Presenter(self.loop, self.keymap, name, workspace.annotator.name)
        self.take_actions(actions_of(self.keymap.actions, multi=self.loop.about.multi))
        self.saving = Saving(self.loop, workspace.writer, self)
        self.messages = Messages([], [], 0)
        self._about_source()
        self.messages.take(health_of(workspace.journal))
        self.stand_on(
            OpenSession(
                workspace,
                self.presenter,
                source_name,
                self,
                trainer.run,
                self.saving,
                self.messages,
            )
        )
        self.looking = Looking(self, self.opened)
        self.frames = Frames(self, self.looking)
        self.presenter.shown_item = self.shown_item
        self.board = Board(
            self.presenter,
            self.opened.image,
            self.looking.sight,
            self.looking.looked,
            source_name,
            self.actions,
            workspace.settings.view,
        )
        self.answers = AnswerKeys(
            self, self.presenter.classes, workspace.annotator, self.saving, clock
        )
        self.marks = Marks(self.loop.classes_of)
        self._suggestions = workspace.settings.suggestions
        self._last: tuple[Slot, int | None] | None = None
        self._act: Piece = ("", "muted")
        self._trainer: Piece = ("", "muted")
        self._trainer_owes = False
        self._waiting_ranking: Ranking | None = None
        self._reading_is_due = False
        self._reading_clock: Timer
        self._reads, self._added = True, 0
        self._reading: asyncio.Task[None] | None = None
        self._deferred = DeferredRedraw(clock, self.set_timer)
        self._follower = Follower(workspace.journal, self._tell, self.loop.known.read_ahead)

    @property
    def busy(self) -> bool:
        """Whether something of the trainer is still to come, or to be shown."""
        return self._trainer_owes or self._deferred.waits

    def content(self) -> Iterable[Widget]:
        """Return the board."""
        yield self.board

    def on_mount(self) -> None:
        """Show the first image, and what opening the source had to leave out."""
        self.register(self.answers)
        self.looking.start(self.board)
        # Before the first layout: one after it would be another whole frame.
        self.fit(self.app.size)
        self.changed()
        notice = self._notice()
        if notice is not None:
            self.say(*notice)
        elif self.loop.current is not None and getattr(self.app, "overlay", None) is None:
            image = self.opened.image(self.loop.current.row)
            colours, color = colours_of(self.app), self.workspace.settings.color
            hint = coarse_hint(os.environ, colours, color, is_coloured=image.ndim == 3)
            if hint:
                self.say(hint)

        self._event_loop, self._own_context = asyncio.get_running_loop(), copy_context()
        self.loop.known.files.waits = True
        self._follower.start()
        if self._feeds is not None:
            self._feeds.changed = self._feeds_changed
            self._feeds_told()
        if self.workspace.reading is not None:
            self.workspace.reading.notify = self._files_arrived
            self.messages.reading = partial(reading_message, self.workspace.reading)
            self._reading_clock = self.set_interval(READING_SECONDS, self._read_on)
            self._read_on()

    def on_unmount(self) -> None:
        """Follow the others no longer."""
        self._follower.stop()
        self.frames.stop()
        self.looking.stop()

    def _notice(self, first: Message | None = None) -> Piece | None:
        """Return a line about the first message: whole, or cut to leave room for the ways out."""
        width, key = self.app.size.width - 2, self.key_of("messages")
        found = self.messages.line(2 * LONGEST, key, first)
        if found is not None and cells_in([found]) > width:
            width -= 1 + sum(map(cells_in, self.board.ways()))
            found = self.messages.line(width, key, first)
        self._noticed = found
        return found

    def _tell(self, events: list[Event], health: Health | None) -> None:
        with contextlib.suppress(RuntimeError):  # the program has ended meanwhile
            self._event_loop.call_soon_threadsafe(
                self._told, events, health, context=self._own_context
            )

    def _told(self, events: list[Event], health: Health | None = None) -> None:
        """Take what others wrote into account; what is asked here stays."""
        if self.is_leaving:
            return
        self.loop.take_in(events)
        self._change_desk()
        self._go_on()
        self._tell_ending()
        sentence = self.opened.classes_changed(events)
        if sentence:
            self.mention(sentence, "accent")
        news = None if health is None else self.messages.take(health)
        self._deferred.do(self.show_all)
        if news is not None and (notice := self._notice(news)) is not None:
            self.say(*notice)
        top = self.app.screen
        if isinstance(top, BaseScreen) and top is not self:
            top.session_changed()

    def _feeds_changed(self) -> None:
        with contextlib.suppress(RuntimeError):  # the program has ended meanwhile
            self._event_loop.call_soon_threadsafe(self._feeds_told, context=self._own_context)

    def _feeds_told(self) -> None:
        """Show what is wrong with what others follow."""
        if self._feeds is None or self.is_leaving:
            return
        self.messages.feeds = [
            Message(option, text, "bad") for option, text in self._feeds.troubles.items()
        ]
        if self._feeds.news():
            notice = self._notice(self.messages.feeds[0])
            self.say(*notice or ("", "muted"))
        self.show_foot()

    # Reading of the source.

    def _files_arrived(self) -> None:
        """Take in what a thread has read, once for all that arrives in a moment."""
        if not self._reading_is_due:
            self._reading_is_due = True
            with contextlib.suppress(RuntimeError):  # the program has ended meanwhile
                self._event_loop.call_soon_threadsafe(
                    self._event_loop.call_later,
                    0.0 if self.loop.current is None else READ_SECONDS,
                    self._read_on,
                    context=self._own_context,
                )

    def _read_on(self) -> None:
        """Take in what was read, and ask what can be asked now."""
        reading = self.workspace.reading
        self._reading_is_due = False
        if reading is None or self.is_leaving:
            return
        pool = reading.take_in()
        if pool is not None:
            self._client.start(pool.files)
            self.loop.pool_opened(pool.rows)
            self.after_frame()
        self._go_on()
        if self.loop.current is not None and self.looking.row is None:
            # All frames of its group are there now.
            self.changed()
        if self.loop.window_is_new and not self.saving.is_pending:
            self.saving.write(
                partial(self.loop.keep_window, by=self.answers.annotator),
                lambda event: None,
                lambda error: self.say(str(error), "bad"),
            )
        if self.loop.current is None or not self.loop.pool_rows:
            self._show_trainer(reading_piece(reading), busy=self._trainer_owes)
            self.board.show_image(self.loop.current)
        if reading.added > self._added:
            added = counted(reading.added - self._added, "new file")
            self._act, self._added = (added, "muted"), reading.added
            self._deferred.do(self.show_all)
            self._reading_clock.resume()
            self._reads = True
        if reading.share == 1 and self._reads:
            self._reading_clock.pause()
            self._reads = False
            known = self._notice()
            self._about_source()
            if (notice := self._notice()) is not None and notice != known:
                self.say(*notice)

    def _about_source(self) -> None:
        """Take in what is known of the source now."""
        dataset, loop = self.workspace.dataset, self.loop
        self._gone = loop.missing, loop.changed, loop.same
        key = self.keymap.key("carry")
        self.messages.about_source(dataset.notices, dataset.skipped, *self._gone, key)

    def _change_desk(self) -> None:
        """Leave the desk to another window that has continued it too, and was first."""
        if self.loop.desk_is_taken and not self.saving.is_pending:
            self.saving.write(
                partial(self.loop.take_new_desk, by=self.answers.annotator),
                self._desk_changed,
                lambda error: self.say(str(error), "bad"),
            )

    def _desk_changed(self, _: Event | None) -> None:
        self._go_on()
        self.changed()
        self.mention("Another window of yours has continued this batch: here is a new one.")

    def _go_on(self) -> None:
        """After the end, ask for what others have taken back, and what was skipped for later."""
        if self.loop.current is None and not self.saving.is_pending:
            self.saving.write(
                partial(self.loop.go_on, by=self.answers.annotator),
                lambda event: None if event is None else self.changed(),
                lambda error: self.say(str(error), "bad"),
            )

    def fit_to(self, width: int, height: int) -> None:
        """Share the space out, most of it for the image."""
        self.board.fit_to(width, height)

    def has_room_again(self) -> None:
        """Show the image: it was not on the terminal until now."""
        self.changed()

    # Keys.

    async def on_key(self, event: events.Key) -> None:
        """Handle a key of a class, or of an action of this screen; at once, and in turn.

        Left to Textual, an action would be done after the keys that were pressed behind its own:
        what is typed behind the key that begins a name would label.
        """
        if is_leaving(self.app):
            event.stop()
            event.prevent_default()
            return
        self.hush()
        self.frames.stop()
        key = self.answers.press(event.key, event.character)
        actions = [] if key is None else actions_of_key(self, key)
        if key != event.key or actions:
            event.stop()
            event.prevent_default()
        if not ANSWERS.issuperset(actions):
            self._end_alone()
        for action in actions:
            await self.app.run_action(action, self)

    def _end_alone(self) -> None:
        """Let the next answer be about all of what is asked."""
        if self.frames.alone is not None:
            self.frames.end_alone()
            self._show_marks()

    def on_paste(self, event: events.Paste) -> None:
        """Add pasted text to a name; anywhere else it means nothing."""
        if self.answers.paste(event.text):
            event.stop()
            self.hush()

    @property
    def first_actions(self) -> tuple[str, ...]:
        """What only a session such as this one has."""
        return ("rest",) if two_classes(self.loop) else ()

    @property
    def asked(self) -> str | None:
        """The id of the item that is asked, where its image is shown."""
        return None if self.looking.is_neighbour else self.loop.current_id

    def shown_item(self) -> str | None:
        """Return the id of what is shown of the item that is asked: of a group, the frame."""
        row = self.looking.row
        is_frame = self.looking.frame is not None and row is not None
        return self.loop.items.ids[row] if is_frame and row is not None else self.asked

    def choose_class(self, index: int) -> None:
        """Answer with a class, about the group or one frame alone.

        Where an image may have several classes, mark it, or no longer.
        """
        if not self.loop.about.multi:
            self._answer(partial(self.loop.label, class_index=index), class_index=index)
        elif self.asked is None or self.too_small:
            self._say_why_not()
        else:
            self.marks.toggle(self._answered_next or self.asked, index)
            self._show_marks()
            self.say(self.presenter.marked(self.marks.of(self._answered_next)), "accent")

    @property
    def _answered_next(self) -> str | None:
        """The id of the item that the next answer is about: what is asked, or one frame of it."""
        frame = self.frames.alone
        return self.asked if frame is None else self.loop.items.ids[frame]

    def _show_marks(self) -> None:
        if self.loop.about.multi:
            self.board.show_marks(self.marks.of(self._answered_next))

    def choose_new_class(self, name: str) -> None:
        """Add a class, and answer with it."""
        if self.asked is None:
            self._say_why_not()
            return

        item = self.asked

        def added(new: Added) -> None:
            # A class that is marked is no answer yet: Enter goes the usual way.
            if not self.loop.about.multi or self.asked == item:
                self.choose_class(new.class_index)
            self.say(new.sentence, "good")

        self.opened.add_class(name, self.answers.save, added)

    def entry_changed(self) -> None:
        """Show how far a chord or a name is."""
        self.board.show_classes(*self.answers.classes())
        self.show_foot()

    def action_name(self) -> None:
        """Begin to type the name of a class."""
        if self.asked is None:
            self._say_why_not()
        else:
            self.answers.begin_name()

    def action_accept(self) -> None:
        """Label with the model's first choice; where there may be several, with what is marked."""
        slot = self.loop.current
        if self.loop.about.multi:
            self._save_marks()
            return
        if slot is not None and self.loop.suggestion() is None:
            self.say("This image has no suggestion to accept.", "accent")
        elif self._suggestions != "before":
            hint = self.keymap.hint("suggestions")
            self.say(f"Nothing to accept: {SUGGESTION_MODES[self._suggestions]}{hint}.", "accent")
        else:
            self._answer(self.loop.accept_suggestion, class_index=self.loop.suggestion())

    def _save_marks(self) -> None:
        """Answer with the classes that are marked: perhaps with none."""
        if self.asked is not None and self.answers.take_held():
            enter = self.keymap.key("accept")
            self.say(
                f"A class key came before this image was there: mark again, then {enter}.", "accent"
            )
            return
        chosen = sorted(self.marks.of(self._answered_next))
        self._answer(partial(self.loop.label, class_index=chosen), class_index=chosen)

    def action_skip(self) -> None:
        """Pass the image over."""
        self.skip_for("")

    def action_unsure(self) -> None:
        """Pass the image over, since its class is unclear."""
        self.skip_for(UNSURE)

    def action_unusable(self) -> None:
        """Pass the image over, since it shows too little."""
        self.skip_for(UNUSABLE)

    def action_later(self) -> None:
        """Pass the image over until no other is left."""
        self.skip_for(LATER)

    def skip_for(self, why: str) -> None:
        """Pass the image over for a reason."""
        self._answer(partial(self.loop.skip, why=why), why=why)

    def action_flag(self) -> None:
        """Flag the image for a second opinion, or remove its flag."""

        def write(item: str, *, by: Annotator, ms: int) -> Event:
            return self.loop.flag(self.shown_item() or item, by=by)

        if self.asked is None:
            self.say(self.presenter.ending())
        else:
            self.answers.give(write, self._remarked)

    def action_note(self) -> None:
        """Begin to write a note about the image."""
        if self.asked is None:
            self.say(self.presenter.ending())
        else:
            item = self.shown_item() or self.asked
            self.answers.begin_note(self.loop.own_note(item, by=self.answers.annotator))

    def write_note(self, item: str, text: str) -> None:
        """Save a note."""
        item = self.shown_item() or item
        if text == self.loop.own_note(item, by=self.answers.annotator):
            self.answers.end_note()
        else:
            self.answers.save(partial(self.loop.note, item, text), self._noted)

    def _noted(self, event: Event | None) -> None:
        self.answers.end_note()
        self._remarked(event)

    def _remarked(self, event: Event | None) -> None:
        """Show a flag or a note that was saved; the image stays."""
        match None if event is None else event.payload:
            case Flag(is_set=is_set):
                self._act = ("flagged" if is_set else "flag removed", "muted")
            case Note(text=text):
                self._act = ("noted" if text else "note removed", "muted")
        self.show_all()

    def action_carry(self) -> None:
        """Keep the labels of files of which only metadata changed."""
        if self.too_small:
            return
        self.sentence = None
        self.answers.save(self.loop.carry, partial(self._carried, self.loop.same))

    def _carried(self, count: int, event: Event | None) -> None:
        if event is None:
            self.say("No labelled file has changed only in its metadata.")
            return
        self.changed()
        self._go_on()
        files, history = counted(count, "file"), self.key_of("history")
        self.say(f"Kept the labels of {files}. You can undo this in {history}.", "good")

    def action_alike(self) -> None:
        """Ask images next that look like this one."""
        slot = self.loop.current
        if slot is None or slot.row >= self.loop.pool_rows:
            self.say("The model has not read this image yet. Try again in a moment.", "accent")
            return
        self.say("Looking for images like this one…")
        self.run_worker(self._find_alike(slot.row), group="alike", exclusive=True)

    async def _find_alike(self, row: int) -> None:
        from tuilabel.trainer.jobs import Sort, Sorted

        try:
            answer = await self._client.run(Sort(row))
        except TuilabelError as error:
            self.say(f"✗ {inert(str(error), 300)}", "bad")
            return
        assert isinstance(answer, Sorted)
        self.answers.save(partial(self.loop.ask_alike, answer.rows), self._alike_found)

    def _alike_found(self, _: Event | None) -> None:
        self.changed()
        self.say("The next images are those most like this one.", "good")

    def action_rest(self) -> None:
        """Show how to look for the rarer of two classes, and to check that none is left."""
        classes = two_classes(self.loop)
        if classes is None and self.loop.desk.sought:
            self.answers.save(partial(self.loop.seek, ""), self._rest_left)
        elif classes is None:
            self.say("Looking for a rare class needs a session of two classes.", "accent")
        elif not self.too_small:
            from tuilabel.tui.screens.rest import RestScreen

            self.presenter.rare.seen()
            self.app.push_screen(RestScreen(self.opened, classes, self._rest_begun))

    def _rest_left(self, _: Event | None) -> None:
        self._rest_begun()
        self.say("There are no longer two classes: the strategy chooses images again.", "accent")

    def _rest_begun(self) -> None:
        self.changed()
        self._read_on()

    def _tell_ending(self) -> None:
        """Show that nothing likely is left to ask, or what a check of the rest has shown."""
        news = self.presenter.rare.take(self.keymap.key("rest"))
        if news is not None:
            self.show_all()
            self.say(news, "good")

    def action_guidelines(self) -> None:
        """Show the guidelines, once they are read."""
        path = self.workspace.settings.guidelines
        if path:
            self._reading = asyncio.create_task(self._show_guidelines(path))
        else:
            self.say("There are no guidelines yet: start with --guidelines FILE to read them here.")

    async def _show_guidelines(self, path: str) -> None:
        try:
            text = await beside(partial(read_guidelines, path))
        except UsageError as error:
            self.say(str(error), "bad")
            return
        if self.is_on_top and not is_leaving(self.app):
            rows = partial(guideline_rows, text)
            self.app.push_screen(PageScreen("guidelines", rows, self.keymap, "guidelines"))

    def action_undo(self) -> None:
        """Take the last answer back."""
        if self.too_small:
            return
        self.sentence = None
        self.answers.save(self.loop.undo, self._undone)

    def _undone(self, event: Event | None) -> None:
        if event is None:
            self.say("There is nothing to undo.")
            return
        self._retry_ranking()
        self._last = None
        undone = self.loop.taken_back
        assert undone is not None
        if isinstance(undone.payload, Answer):
            name = self.loop.class_name(undone)
            skipped = skip_text(undone.payload)
            self._act = (f"undone: {skipped if name is None else shown_name(name, 12)}", "muted")
        else:
            self.say(undone_text(undone, self.loop.known, shown_name))
        self.changed()

    def _answer(
        self, write: Callable[..., Event | None], class_index: Chosen | None = None, why: str = ""
    ) -> None:
        """Write an answer; `class_index` and `why` are what it says about a frame alone."""
        if self.asked is None:
            self._say_why_not()
            return
        self.sentence = None
        frame, then = self.frames.alone, partial(self._answered, self.loop.current)
        if frame is not None:
            write = partial(self.loop.answer_frame, frame=frame, class_index=class_index, why=why)
        self.answers.give(write, then)

    def _say_why_not(self) -> None:
        """Show why no image can be answered now."""
        if self.looking.is_neighbour:
            back = self.keymap.key("whole")
            self.say(f"This is not the image to label: {back} leads back to it.", "accent")
        else:
            self.say(self.presenter.ending())

    def _answered(self, slot: Slot | None, event: Event | None) -> None:
        if event is None or slot is None:
            return
        held = self.answers.guard.held
        self.frames.end_alone()
        self._deferred.key_pressed()
        self._retry_ranking()
        label = event.payload
        index = self.loop.classes.index(label.class_id) if isinstance(label, Label) else None
        self._last = (slot, index)
        self.marks.forget()
        done = skip_text(label, "skipped") if isinstance(label, Skip) else ""
        if isinstance(label, Answer) and label.relabel:
            done = "this frame only"
        self._act = (f"{held} held back" if held else done, "muted")
        if held:
            self.set_timer(A_WHILE, partial(self._forget_act, self._act))
        self.changed()
        self._go_on()
        self._tell_ending()

    def _forget_act(self, act: Piece) -> None:
        """Show no longer what a key did, unless another has done something since."""
        if self._act is act:
            self._act = ("", "muted")
            self.show_foot()

    # Looking about: no label comes from it.

    def move(self, step: int) -> None:
        """Look at another place of the batch, if there is one."""
        if not self.too_small and self.loop.move(step):
            self._act = ("", "muted")
            self.changed()

    def action_back(self) -> None:
        """Look at the place before."""
        self.move(-1)

    def action_forward(self) -> None:
        """Look at the place after."""
        self.move(+1)

    def action_above(self) -> None:
        """Look at the place above, where the batch stands in rows."""
        self.move(-self.board.across)

    def action_below(self) -> None:
        """Look at the place below."""
        self.move(+self.board.across)

    def action_view(self) -> None:
        """Show the whole batch at once, or one image at a time."""
        self.answers.expect_image()
        self.board.change_view()
        self.changed()

    def action_invert(self) -> None:
        """Swap dark and light."""
        self.board.invert()

    def action_more_contrast(self) -> None:
        """Raise the contrast."""
        self.board.change_contrast(+1)

    def action_less_contrast(self) -> None:
        """Lower the contrast."""
        self.board.change_contrast(-1)

    def action_suggestions(self) -> None:
        """Go on to the next way of showing suggestions."""
        after = SUGGESTIONS.index(self._suggestions) + 1
        self._suggestions = SUGGESTIONS[after % len(SUGGESTIONS)]
        self.board.show_suggestions(self._suggestions, self._last)
        self.say(SUGGESTION_MODES[self._suggestions].capitalize() + ".")

    # Looking closely.

    def view_changes(self) -> bool:
        """Take no answer before another view is painted; return False where it must not change.

        An image that was never on the terminal as a whole is not zoomed.
        """
        if self.too_small or self.loop.current is None:
            return False
        if self.looking.is_at_start and not self.answers.may_look():
            return False
        self.answers.expect_view()
        return True

    def view_changed(self) -> None:
        """Ask the terminal for a view that it shows already."""
        self.answers.frame_was_there()

    def on_picture_resized(self) -> None:
        """Decode the picture in the size that it has now."""
        self.looking.resized()

    def action_top_left(self) -> None:
        """Zoom into the top left quarter."""
        self.looking.towards("top_left")

    def action_top_right(self) -> None:
        """Zoom into the top right quarter."""
        self.looking.towards("top_right")

    def action_bottom_left(self) -> None:
        """Zoom into the bottom left quarter."""
        self.looking.towards("bottom_left")

    def action_bottom_right(self) -> None:
        """Zoom into the bottom right quarter."""
        self.looking.towards("bottom_right")

    def action_closer(self) -> None:
        """Zoom into the same quarter again."""
        self.looking.closer()

    def action_whole(self) -> None:
        """Show the whole image that is asked."""
        if self.frames.alone is None:
            self.looking.whole()
        self._end_alone()

    def action_previous_file(self) -> None:
        """Look at the file before."""
        self.looking.neighbour(-1)

    def action_next_file(self) -> None:
        """Look at the file after."""
        self.looking.neighbour(+1)

    def action_play(self) -> None:
        """Play the frames of the group."""
        self.frames.play()

    def action_this_frame(self) -> None:
        """Let the next class be for this frame alone."""
        if not self.too_small:
            self.frames.choose_alone()
            self._show_marks()

    def may_look(self) -> bool:
        """Return whether the image was on the terminal; hold the key back where it was not."""
        return not self.too_small and self.answers.may_look()

    def look_again(self) -> None:
        """Take no answer before the terminal shows what is drawn now."""
        self.answers.expect_view()
        self.answers.frame_was_there()

    def action_facts(self) -> None:
        """Show facts about the file."""
        self.looking.facts()

    def action_narrow_window(self) -> None:
        """Narrow the window."""
        self.looking.change_window(width=+1)

    def action_widen_window(self) -> None:
        """Widen the window."""
        self.looking.change_window(width=-1)

    def action_brighter(self) -> None:
        """Show lower values."""
        self.looking.change_window(level=+1)

    def action_darker(self) -> None:
        """Show higher values."""
        self.looking.change_window(level=-1)

    def action_open_file(self) -> None:
        """Open the file with another program."""
        self.looking.open_file()

    def action_copy_path(self) -> None:
        """Put the path of the file on the clipboard."""
        codes = self.looking.copied()
        if codes and self.terminal is not None:
            self.terminal.write(codes)

    # The trainer.

    def ranking_arrived(self, ranking: Ranking) -> None:
        """Ask what the trainer found best; somebody who types sees it with the next image."""
        self._follower.look_now()
        self._waiting_ranking = ranking
        self._retry_ranking()

    def _draw_batch(self) -> None:
        """Draw what is to be shown, a little at a time: keys are handled in between."""
        if self._deferred.waits and self.board.prepare_batch():
            self.call_later(self._draw_batch)

    def _retry_ranking(self) -> None:
        """Accept a ranking that could not be saved, or had to wait for what was being saved."""
        ranking = self._waiting_ranking
        if ranking is None or self.saving.is_pending:
            return
        self._waiting_ranking = None
        self.saving.write(
            partial(self.loop.accept_ranking, ranking, by=self.answers.annotator),
            self._ranking_taken,
            partial(self._ranking_failed, ranking),
        )

    def _ranking_taken(self, event: Event | None) -> None:
        if event is not None:
            self._deferred.do(self.show_all)
            self.call_later(self._draw_batch)
            self._tell_ending()

    def _ranking_failed(self, ranking: Ranking, _: Exception) -> None:
        self._waiting_ranking = self._waiting_ranking or ranking
        self._show_trainer(("! ranking not saved", "bad"), busy=self.busy)

    @property
    def is_leaving(self) -> bool:
        """Whether the program is being left."""
        return is_leaving(self.app) or not self.is_running

    def show_saving(self, words: str | None) -> None:
        """Show on every screen that something is still being saved."""
        for screen in self.app.screen_stack:
            if isinstance(screen, BaseScreen):
                quits = f"{words} {screen.key_of('quit')} quits."
                screen.waiting = None if words is None else (quits, "accent")
                screen.show_foot()

    def saved_late(self) -> None:
        """Show what has changed on the screen above this one, and save a ranking that waited."""
        self._retry_ranking()
        self._change_desk()
        self._go_on()
        if self.app.screen is not self and isinstance(self.app.screen, BaseScreen):
            self.app.screen.session_changed()

    def learner_prepared(self) -> None:
        """Ask the trainer again, with nothing on the screen until it answers."""
        self.loop.learn_again()
        self.after_frame()

    def trainer_reported(self, report: TrainerReport, *, busy: bool) -> None:
        """Show the trainer's state; `busy` while it still owes an answer."""
        self._show_trainer(trainer_piece(report, fits=self.loop.labels > 0), busy)

    def _show_trainer(self, piece: Piece, busy: bool) -> None:
        is_new = piece != self._trainer
        self._trainer, self._trainer_owes = piece, busy
        if piece[1] == "muted":
            # Not worth a frame of its own while somebody types.
            self._deferred.do(self.show_all)
        elif piece[1] == "bad":
            self.show_foot()
        elif is_new:
            # Beside the keys there is seldom room for all of it.
            self.mention(*piece)

    # Showing.

    def changed(self) -> None:
        """Show another image, and take no answer for it before the terminal has it."""
        if self.board.view == "row":
            self.loop.show_all()
        if self.board.stands_already():
            self.answers.restart_clock()
        else:
            self.answers.expect_image()
        if self.loop.request_is_due:
            # In the same frame; `after_frame` hands the request over.
            self._trainer, self._trainer_owes = (
                trainer_piece(Working(), fits=self.loop.labels > 0),
                True,
            )
        current = self.loop.current
        self._ask(current)
        self.board.show_image(current)
        self._show_marks()
        # Pictures that come next are decoded once this one is painted: there are few cores.
        self.looking.request([])
        self._deferred.forget()
        self.show_all()
        self.answers.frame_was_there()

    def _ask(self, current: Slot | None) -> None:
        """Look at what is asked; of a group, at its first frame without an answer."""
        if current is None:
            self.looking.ask(None)
            return
        frames, ids = self.loop.frames(current), self.loop.items.ids
        known = self.loop.known
        is_open = (n for n, row in enumerate(frames) if not known.is_answered(ids[row]))
        self.looking.ask(current.row, frames, next(is_open, 0))

    def on_screen_resume(self) -> None:
        """Take no answer before the image is back from under another screen."""
        self.answers.terminal_back()

    def image_is_in_frame(self) -> bool:
        """Return whether the image that is asked was drawn, where there was room for it."""
        return not self.too_small and self.board.painted

    def after_frame(self) -> None:
        """Hand the next request to the trainer: it takes time to gather."""
        if not self.loop.request_is_due:
            return
        request = self.loop.take_request()
        if request is None:
            self._show_trainer(("", "muted"), busy=False)
        else:
            self._client.submit(request)
        # More labels may be worth a larger pool, also where nothing is left to be read.
        self._read_on()

    def after_painting(self) -> None:
        """Draw what comes next while the annotator looks at this image."""
        loop = self.loop
        likely = loop.likely_next()
        self.looking.request([slot.row for slot in loop.batch[loop.cursor + 1 :]] + likely)
        after = [slot.row for slot in loop.batch[loop.cursor + 1 : loop.cursor + 2]]
        ready = [row for row in after or likely[:1] if self.looking.is_ready(row)]
        self.board.prepare(ready, likely)

    def show_all(self) -> None:
        """Show all but the image."""
        if self._gone != (self.loop.missing, self.loop.changed, self.loop.same):
            self._about_source()
        terminal = self.terminal
        self.board.show_progress("" if terminal is None else terminal.words)
        self.board.show_suggestions(self._suggestions, self._last)
        self.show_foot()

    def relay_changed(self) -> None:
        """Show in the header whether keys wait."""
        self.show_all()

    def show_foot(self) -> None:
        """Show what was saved, or what was begun, or a sentence."""
        sentence = self.waiting or self.sentence
        lost = f"session lost: {self.key_of('messages')}" if self.messages.is_lost else ""
        failing = " ".join(message.about for message in self.messages.feeds)
        feeds = f"✗ {failing}: {self.key_of('messages')}" if failing else ""
        line = self.answers.line(sentence)
        is_notice = line is not None and line == self._noticed
        self.board.show_status(line, self._act, self._trainer, lost, feeds, has_ways=is_notice)
