"""What everybody did: search, look at the image, label it again, settle disputes, take back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from textual import events
from textual.containers import Horizontal
from textual.widget import Widget

from tuilabel.events.lines import Event
from tuilabel.session.class_changes import ClassError
from tuilabel.session.undoing import undone_text
from tuilabel.session.values import Chosen
from tuilabel.text import counted, percent
from tuilabel.tui.answering.answer_keys import AnswerKeys, saved_sentence
from tuilabel.tui.answering.class_entry import LONGEST_TEXT
from tuilabel.tui.answering.marks import Marks
from tuilabel.tui.background.events import EventPages
from tuilabel.tui.keymap.actions import ALSO, SIDE_ACTIONS
from tuilabel.tui.screens.list_screen import ListScreen
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.views.history import DISPUTES, History
from tuilabel.tui.views.look import Sight
from tuilabel.tui.views.open_session import Added, OpenSession
from tuilabel.tui.widgets.event_details import EventDetails
from tuilabel.tui.widgets.event_list import EventList
from tuilabel.tui.widgets.legend import legend_of

_HOW_TO_RELABEL = "Press the key of its class, or / and type its name; Esc leaves it as it is."
_NO_EVENT = "No event is selected."
_HOW_TO_FILTER = "Words, kind: class: who: why: and a word, is:flagged, is:noted. Esc clears."
_HOW_TO_DECIDE = "Annotators disagree about these images. Press the key of the right class."
_HOW_TO_MARK = "Mark its classes with their keys, then press Enter; Esc leaves it as it is."
_HOW_TO_SETTLE = "Annotators disagree about these images. Mark the right classes, then press Enter."
_NO_DISPUTES = "No image is disputed."
_NOTHING_FOUND = "No event has all of these words."


class HistoryScreen(ListScreen, inherit_bindings=False):
    """Lists what was done, the newest first, with the image of the marked event on request."""

    place = "history"
    first_actions: tuple[str, ...] = ()

    def __init__(self, opened: OpenSession) -> None:
        super().__init__(opened)
        events, known = opened.session.events, opened.session.known
        self._pages = EventPages(events, self._events_arrived)
        self._history = History(events, known, opened.workspace.annotator.name, self._pages.find)
        self._is_whole = False
        self._list = EventList(id="events")
        self._beside = EventDetails(id="beside")
        self._picture = self._beside.picture
        self._legend = legend_of(opened.presenter)
        self._legend_rows = 0
        self._cursor = 0
        self._open = False
        self._shown: str | None = None
        self._filtering = False
        self._relabelling = False
        self._marks = Marks(opened.session.classes_of)
        # The person answers here, also while the ground truth answers on the demo's screen.
        self.answers = AnswerKeys(
            self,
            opened.presenter.classes,
            opened.workspace.annotator,
            opened.saving,
        )
        self._own = {key for action in self.actions for key in action.keys}
        # The actions that every screen has need no event from the disk.
        reading = {*(action.id for action in SIDE_ACTIONS[self.place]), *ALSO[self.place]}
        self._without_disk = {
            key for action in self.actions if action.id not in reading for key in action.keys
        }

    def body(self) -> Iterable[Widget]:
        """Lay the list out, and the image beside it."""
        with Horizontal(id="columns"):
            yield self._list
            yield self._beside
        yield self._legend

    def on_mount(self) -> None:
        """Register for frames."""
        self.register(self.answers)

    def on_unmount(self) -> None:
        """Read no more events."""
        self._pages.close()

    def fit_to(self, width: int, height: int) -> None:
        """Share the space out between the list and the image, if one is open."""
        self._beside.display = self._legend.display = self._open
        self._beside.fit_to(width, height)
        needed = self._legend.rows_needed(width)
        if self._legend_rows != needed:
            self._legend_rows = self._legend.styles.height = needed

    # Showing.

    def session_changed(self) -> None:
        """Show new events; the mark stays on its event. While the disk hangs none can be read."""
        if self.opened.saving.hangs:
            return
        marked = self._event()
        if self._history.grow() and marked is not None and self._is_whole:
            place = self._history.place_of(marked)
            # The next dispute takes the place of one that was settled.
            self._cursor = self._cursor if place is None else place
        self.show_all()

    def show_all(self) -> None:
        """Show the list, and how much of it the filter leaves."""
        history = self._history
        # At first events are read from the oldest on, while the list begins with the newest.
        self._is_whole = self._is_whole or history.share == 1
        shown_rows = len(history) if self._is_whole else 0
        disputed = len(self.opened.session.known.disputes)
        disputes, count = counted(disputed, "dispute"), counted(history.total, "event")
        if history.filter or self._filtering:
            shown = f"{len(history):,} of "
            disputes, count = (
                (shown + disputes, "") if history.shows_disputes else (disputes, shown + count)
            )
        count = "   ".join(filter(None, (disputes if disputed else "", count)))
        written = history.filter + ("_" if self._filtering else "")
        self.show_header(
            "history",
            (f"  {self.opened.source_name}", "muted"),
            (f"   / {written}" if written else "", "accent"),
            right=count,
        )
        self._list.show_events(
            history.row,
            shown_rows,
            self._cursor,
            history.widths,
            self._why_nothing(disputed),
        )
        self._offer({"disputes"} if not (disputed or history.shows_disputes) else set())
        self._cursor = self._list.cursor
        if self._open:
            self._show_image()
            if self.opened.session.about.multi:
                self._legend.show_marks(self._marks.of(self.asked))
            here = self._event() is not None
            self._beside.show_details(history.details(self._cursor) if here else ())

    def _why_nothing(self, disputed: int) -> str:
        if not self._is_whole or self._pages.is_reading:
            return f"Reading the events: {percent(self._history.share)}"
        shows_disputes = self._history.shows_disputes
        return _NO_DISPUTES if shows_disputes and not disputed else _NOTHING_FOUND

    def _events_arrived(self, numbers: range) -> None:
        """Show events that a thread has read; a filter may let more of them through."""
        history, marked = self._history, self._event()
        history.arrived(numbers)
        if history.filter and not self._pages.is_reading:
            history.narrow(history.filter)
            place = None if marked is None else history.place_of(marked)
            self._cursor = self._cursor if place is None else place
        if self.is_mounted and not self.too_small:
            self.show_all()

    @property
    def _why_no_event(self) -> str:
        return "The event is still being read." if self._pages.is_reading else _NO_EVENT

    def _offer(self, in_vain: set[str]) -> None:
        if in_vain != self.in_vain:
            self.in_vain = in_vain
            self.show_foot()

    def _event(self) -> Event | None:
        there = self._is_whole and self._cursor < len(self._history)
        return self._history.event(self._cursor) if there else None

    def _show_image(self) -> None:
        event = self._event()
        item = self._history.item_of(event) if event is not None else None
        if item == self._shown:
            return
        self._shown = item
        row = None if item is None else self.opened.workspace.dataset.row_of(item)
        if row is None:
            self._shown = None
            self._picture.clear()
            return
        self.answers.expect_image()
        self._picture.show_image(Sight(row, self.opened.image(row)))
        self.answers.frame_was_there()

    def has_room_again(self) -> None:
        """Show the image again: it was not on the terminal until now."""
        self._shown = None
        self.show_all()

    # What `AnswerKeys` needs of this screen.

    @property
    def asked(self) -> str | None:
        """The id of the item whose image is shown."""
        return self._shown

    def image_is_in_frame(self) -> bool:
        """Return whether the image of the marked event was drawn."""
        return not self.too_small and self._shown is not None and self._picture.painted

    def write_note(self, item: str, text: str) -> None:
        """Do nothing: notes are typed on the labelling screen."""

    def entry_changed(self) -> None:
        """Show how far a chord or a name is."""
        self.sentence = None
        self._legend.show_only(*self.answers.classes())
        self.show_foot()

    def shown_sentence(self) -> Piece | None:
        """Return what was begun, or the sentence."""
        return self.answers.line(self.sentence)

    def on_screen_resume(self) -> None:
        """Take no answer before the image is back from under another screen."""
        self.answers.terminal_back()

    def after_frame(self) -> None:
        """Do nothing: no work waits for a frame of this screen."""

    def after_painting(self) -> None:
        """Do nothing: the next image is not known."""

    # Moving.

    def page(self) -> int:
        """Return how many steps a page is."""
        return self._list.page

    def move(self, step: int) -> None:
        """Move the mark."""
        self._relabelling = False
        self.hush()
        self._cursor = max(0, min(self._cursor + step, len(self._history) - 1))
        self.show_all()

    # What can be done with an event.

    def _marked_item(self) -> str | None:
        """Return the item of the marked event; None, with a sentence, where no image can be had."""
        event = self._event()
        item = None if event is None else self._history.item_of(event)
        if event is None:
            self.say(self._why_no_event)
        elif item is None:
            self.say("No image belongs to this event.")
        elif self.opened.workspace.dataset.row_of(item) is None:
            self.say("This image is no longer in the source.")
        else:
            return item
        return None

    def action_show(self) -> None:
        """Show the image of the marked event; pressed again, jump back to it."""
        item = self.asked
        if item is not None and (self._marks.are_begun(item) or self._saves_marks):
            self._save_marks(item)
            return
        if self._open and self._shown is not None:
            self.action_jump()
            return
        if self._marked_item() is None:
            return
        self.hush()
        self._open = True
        self.fit_to(*self.app.size)
        self.show_all()

    def action_jump(self) -> None:
        """Go back to where the image was asked, or to the event that this one is about."""
        event = self._event()
        if event is None:
            self.say(self._why_no_event)
            return
        target = self._history.target(event)
        if target is not None:
            if self._history.place_of(target) is None:
                self._filter("")
            self.move((self._history.place_of(target) or 0) - self._cursor)
            return
        session = self.opened.session
        item = self._history.item_of(event)
        row = None if item is None else self.opened.workspace.dataset.row_of(item)
        place = None if item is None else session.desk.place_of(item)
        if row is None:
            self._marked_item()
        elif place is None:
            self.say("Its batch is closed. Label it again here, with r or the key of its class.")
        else:
            self.action_leave()
            self.opened.look_at(place)

    def action_relabel(self) -> None:
        """Label the image with the next class key."""
        if self._marked_item() is None:
            return
        if not self._open:
            self.action_show()
        self._relabelling = True
        several = self.opened.session.about.multi
        self.say(_HOW_TO_MARK if several else _HOW_TO_RELABEL, "accent")

    def choose_class(self, index: int) -> None:
        """Label the image of the marked event with another class."""
        item = self._marked_item()
        if item is None:
            return
        if not self._open:
            self.action_show()
            self.say("Look at the image first, then press the key again.", "accent")
            return
        if self.opened.session.about.multi:
            self._marks.toggle(item, index)
            self._legend.show_marks(self._marks.of(item))
            self.say(self.opened.presenter.marked(self._marks.of(item)), "accent")
            return
        self._answer(item, index)

    @property
    def _saves_marks(self) -> bool:
        """Whether the annotator has begun to answer with several classes, or with none."""
        return self._relabelling and self.opened.session.about.multi

    def _save_marks(self, item: str) -> None:
        """Answer with the classes that are marked."""
        if self.answers.take_held():
            self.say("A class key came before this image was there: mark again.", "accent")
            return
        self._answer(item, sorted(self._marks.of(item)))

    def _answer(self, item: str, chosen: Chosen) -> None:
        """Change one's own answer, or settle a dispute."""
        known = self.opened.session.known
        is_own = self._relabelling or (item not in known.disputed and known.decision(item) is None)
        (self._relabel if is_own else self._decide)(item, chosen)

    def _answered(self, sentence: Callable[[], str], _: Event | None) -> None:
        """Show an answer or a decision that was saved, and a sentence about it."""
        self._marks.forget()
        self.opened.answered()
        self.session_changed()
        self.say(sentence(), "good")

    def _relabel(self, item: str, chosen: Chosen) -> None:
        """Change one's own answer."""
        session, by = self.opened.session, self.answers.annotator
        known = session.known
        before = known.standing(item)
        was = None if before is None else before.class_id
        own = known.own(item, by.name)
        wanted = self._to_choose(chosen)
        if wanted is None:
            return
        if own is not None and own.class_id == was == wanted:
            self.say(f"It is {shown_name(known.classes.name(wanted))} already.")
            return

        def sentence() -> str:
            decision = known.decision(item)
            if decision is not None:
                stays = shown_name(known.classes.name(decision.class_id))
                return f"✓ {session.desk.acts:,} saved. The decision for {stays} stands."
            name = None if was is None else known.classes.name(was)
            after, now = known.standing(item), known.classes.name(wanted)
            saved = f"✓ {session.desk.acts:,} saved: {shown_name(now)}"
            if after is not None and after.is_disputed:
                return f"{saved}. Disputed now: {self._history.said(item)}."
            agrees = after is None or known.agrees(wanted, after.class_id or "")
            if after is not None and (agrees, session.about.multi) != (True, True):
                counts = shown_name(known.classes.name(after.class_id or ""))
                if not agrees:
                    return f"{saved}. {counts} still counts: more annotators chose it."
                if after.class_id != wanted:
                    return f"{saved}. {counts} counts: it says more."
            return saved_sentence(session.desk.acts, now, name)

        write = partial(session.relabel, class_index=chosen)
        self.answers.give(write, partial(self._answered, sentence))

    def _to_choose(self, chosen: Chosen) -> str | None:
        """Return the class that was chosen, or the set of them; say why not, and return None."""
        try:
            return self.opened.session.to_choose(chosen)
        except ClassError as error:
            self.say(str(error), "bad")
            return None

    def _decide(self, item: str, chosen: Chosen) -> None:
        """Settle a dispute."""
        session, wanted = self.opened.session, self._to_choose(chosen)
        if wanted is None:
            return
        name = shown_name(session.known.classes.name(wanted))
        before = session.known.decision(item)
        if before is not None and before.class_id == wanted:
            self.say(f"It is decided already: {name}.")
            return

        def write(item: str, **who: Any) -> Event:
            return session.decide(item, chosen, by=who["by"])

        def sentence() -> str:
            left = len(session.known.disputes)
            rest = f"{counted(left, 'dispute')} left" if left else "no dispute is left"
            return f"✓ {session.desk.acts:,} saved: decided for {name}, {rest}."

        self.answers.give(write, partial(self._answered, sentence))

    # Taking back.

    def action_undo(self) -> None:
        """Take back the last answer or decision of this desk."""
        self._undo(self.opened.session.undo, "There is nothing to undo.")

    def action_take_back(self) -> None:
        """Take back the marked event: an own answer, or what anybody may take back."""
        event = self._event()
        if event is None:
            self.say(self._why_no_event)
        else:
            self._undo(partial(self.opened.session.take_back, event), "")

    def _undo(self, write: Callable[..., Event | None], nothing: str) -> None:
        self._relabelling = False
        self.hush()
        self.answers.save(write, partial(self._undone, nothing))

    def _undone(self, nothing: str, event: Event | None) -> None:
        session = self.opened.session
        if event is None or session.taken_back is None:
            self.say(nothing)
            return
        self.opened.front.changed()
        self.opened.answered()
        self.session_changed()
        self._mark_dispute(self._history.item_of(session.taken_back))
        self.say(undone_text(session.taken_back, session.known, shown_name))

    def _mark_dispute(self, item: str | None) -> None:
        """Mark the dispute that is open again, so that the next key settles that one."""
        if not self._history.shows_disputes or item not in self.opened.session.known.disputed:
            return
        place = self._history.place_of_dispute(item)
        self._cursor = self._cursor if place is None else place
        self.show_all()

    def action_disputes(self) -> None:
        """Show the disputes, each with its image; pressed again, all events."""
        if self._history.shows_disputes:
            self._filter("")
            self.hush()
        elif not self.opened.session.known.disputed:
            self.say(_NO_DISPUTES)
        else:
            self._cursor, self._open = 0, True
            self._filter(DISPUTES)
            self.fit_to(*self.app.size)
            self.show_all()
            several = self.opened.session.about.multi
            self.say(_HOW_TO_SETTLE if several else _HOW_TO_DECIDE, "accent")

    def choose_new_class(self, name: str) -> None:
        """Add a class, and label the image of the marked event with it."""

        def added(new: Added) -> None:
            self._legend.redraw()
            self.choose_class(new.class_index)
            self.say(new.sentence, "good")

        self.opened.add_class(name, self.answers.save, added)

    # Keys: the filter, and the keys of classes.

    def action_filter(self) -> None:
        """Begin to type what the list is to show."""
        self._filtering = True
        self.say(_HOW_TO_FILTER)
        self.show_all()

    def _filter(self, text: str) -> None:
        marked = self._event()
        self._relabelling = False
        self._history.narrow(text)
        self._cursor = (self._history.place_of(marked) if marked is not None else None) or 0
        self.show_all()

    def on_key(self, event: events.Key) -> None:
        """Handle what is typed into the filter, and the keys of classes."""
        if self.opened.saving.hangs:
            # Nearly every key reads an event, and the event loop must not wait for it.
            if event.key not in self._without_disk:
                self.opened.saving.hold()
                event.stop()
                event.prevent_default()
            return
        handle = self._edit_filter if self._filtering else self._answer_key
        if handle(event):
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Add pasted text to a name."""
        if self.answers.paste(event.text):
            event.stop()

    def _edit_filter(self, event: events.Key) -> bool:
        text = self._history.filter
        if event.key in ("enter", "escape"):
            self._filtering = False
            self.hush()
            self._filter(text if event.key == "enter" else "")
        elif event.key == "backspace":
            self._filter(text[:-1])
        elif event.character is not None and event.is_printable:
            if len(text) < LONGEST_TEXT:
                self._filter(text + event.character)
        else:
            return False
        return True

    def _answer_key(self, event: events.Key) -> bool:
        """Handle a key of a class; the screen's own keys go before it, unless one relabels.

        A key of a class settles a dispute, whatever else it does here.
        """
        if not self.answers.is_begun:
            is_own = event.key in self._own and not self._decides(event.character)
            if not self._relabelling and is_own:
                return False
            if self._relabelling and event.key == "slash":
                self.answers.begin_name()
                return True
            if self._relabelling and event.key == "escape":
                self._relabelling = False
                self.hush()
                return True
        if self.answers.press(event.key, event.character) is not None:
            return False
        self._relabelling = self._relabelling and self.answers.is_begun
        return True

    def _decides(self, character: str | None) -> bool:
        """Return whether a character is the first one of a class, and a dispute is shown."""
        return (
            self._shown in self.opened.session.known.disputed
            and character is not None
            and any(key.startswith(character) for key in self.opened.presenter.classes.keys if key)
        )
