"""All events of the session: search, look at the image, label it again."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual import events
from textual.containers import Horizontal
from textual.widget import Widget

from tuilabel.journal.lines import Event
from tuilabel.text import counted
from tuilabel.tui.answering.answer_keys import AnswerKeys, saved_sentence
from tuilabel.tui.answering.class_entry import LONGEST_TEXT
from tuilabel.tui.screens.list_screen import ListScreen
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.views.history import History, item_of
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.event_details import EventDetails
from tuilabel.tui.widgets.event_list import EventList
from tuilabel.tui.widgets.legend import legend_of

_HOW_TO_RELABEL = "Press the key of its class, or / and type its name; Esc leaves it as it is."
_NO_EVENT = "No event is selected."
_HOW_TO_FILTER = "Type words, or kind: class: who: round: and a word. Enter keeps, Esc clears."


class HistoryScreen(ListScreen, inherit_bindings=False):
    """Lists every event, the newest first, with the image of the marked one on request."""

    place = "history"

    def __init__(self, opened: OpenSession) -> None:
        super().__init__(opened)
        self._history = History(opened.session.events, opened.session.known)
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
        # The person answers here, also while the ground truth answers on the demo's screen.
        self.answers = AnswerKeys(
            self,
            opened.presenter.keys,
            opened.session.class_names,
            opened.workspace.annotator,
        )
        self._own = {key for action in self.actions for key in action.keys}

    def body(self) -> Iterable[Widget]:
        """Lay the list out, and the image beside it."""
        with Horizontal(id="columns"):
            yield self._list
            yield self._beside
        yield self._legend

    def on_mount(self) -> None:
        """Register for frames."""
        self.register(self.answers)

    def fit_to(self, width: int, height: int) -> None:
        """Share the space out between the list and the image, if one is open."""
        self._beside.display = self._legend.display = self._open
        self._beside.fit_to(width, height)
        needed = self._legend.rows_needed(width)
        if self._legend_rows != needed:
            self._legend_rows = self._legend.styles.height = needed

    # Showing.

    def session_changed(self) -> None:
        """Show new events; the mark stays on its event."""
        marked = self._event()
        if self._history.grow() and marked is not None:
            self._cursor = self._history.place_of(marked) or 0
        self.show_all()

    def show_all(self) -> None:
        """Show the list, and how much of it the filter leaves."""
        history = self._history
        count = counted(history.total, "event")
        if history.filter or self._filtering:
            count = f"{len(history):,} of {count}"
        written = history.filter + ("_" if self._filtering else "")
        self.show_header(
            "history",
            (f"  {self.opened.source_name}", "muted"),
            (f"   / {written}" if written else "", "accent"),
            right=count,
        )
        self._list.show_events(
            history.row,
            len(history),
            self._cursor,
            history.widths,
            "No event has all of these words.",
        )
        self._cursor = self._list.cursor
        if self._open:
            self._show_image()
            here = self._event() is not None
            self._beside.show_details(history.details(self._cursor) if here else ())

    def _event(self) -> Event | None:
        return self._history.event(self._cursor) if self._cursor < len(self._history) else None

    def _show_image(self) -> None:
        event = self._event()
        item = item_of(event) if event is not None else None
        if item == self._shown:
            return
        self._shown = item
        row = None if item is None else self.opened.workspace.dataset.row_of(item)
        if row is None:
            self._shown = None
            self._picture.clear()
            return
        self.answers.expect_image()
        self._picture.show_image(row, self.opened.image(row))
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
        item = None if event is None else item_of(event)
        if event is None:
            self.say(_NO_EVENT)
        elif item is None:
            self.say("No image belongs to this event.")
        elif self.opened.workspace.dataset.row_of(item) is None:
            self.say("This image is no longer in the source.")
        else:
            return item
        return None

    def action_show(self) -> None:
        """Show the image of the marked event; pressed again, jump back to it."""
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
            self.say(_NO_EVENT)
            return
        target = self._history.target(event)
        if target is not None:
            if self._history.place_of(target) is None:
                self._filter("")
            self.move((self._history.place_of(target) or 0) - self._cursor)
            return
        session = self.opened.session
        item = item_of(event)
        row = None if item is None else self.opened.workspace.dataset.row_of(item)
        place = next((p for p, slot in enumerate(session.batch) if slot.row == row), None)
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
        self.say(_HOW_TO_RELABEL, "accent")

    def choose_class(self, index: int) -> None:
        """Label the image of the marked event with another class."""
        item = self._marked_item()
        if item is None:
            return
        if not self._open:
            self.action_show()
            self.say("Look at the image first, then press the key again.", "accent")
            return
        session = self.opened.session
        before = session.known.standing(item)
        was = None if before is None or before.class_id is None else before.class_id
        by = self.answers.annotator
        own = session.known.own(item, by.name)
        if own is not None and own.class_id == was == session.class_ids[index]:
            self.say(f"It is {self.opened.presenter.names[index]} already.")
            return
        saved = self.answers.give(partial(session.relabel, class_index=index))
        if saved is None:
            return
        self.opened.answered()
        self.session_changed()
        names = session.known.classes.name
        sentence = saved_sentence(
            session.desk.acts, session.class_names[index], None if was is None else names(was)
        )
        self.say(sentence, "good")

    # Keys: the filter, and the keys of classes.

    def action_filter(self) -> None:
        """Begin to type what the list is to show."""
        self._filtering = True
        self.say(_HOW_TO_FILTER)
        self.show_all()

    def _filter(self, text: str) -> None:
        marked = self._event()
        self._history.narrow(text)
        self._cursor = (self._history.place_of(marked) if marked is not None else None) or 0
        self.show_all()

    def on_key(self, event: events.Key) -> None:
        """Handle what is typed into the filter, and the keys of classes."""
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
        """Handle a key of a class; the screen's own keys go before it, unless one relabels."""
        if not self.answers.is_begun:
            if not self._relabelling and event.key in self._own:
                return False
            if self._relabelling and event.key == "slash":
                self.answers.begin_name()
                return True
            if self._relabelling and event.key == "escape":
                self._relabelling = False
                self.hush()
                return True
        if not self.answers.press(event.key, event.character):
            return False
        self._relabelling = self._relabelling and self.answers.is_begun
        return True
