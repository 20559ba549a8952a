"""All that was done in the session: found again, looked at, labelled again."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.containers import Horizontal
from textual.widget import Widget

from tuilabel.errors import SaveError
from tuilabel.journal import Event
from tuilabel.session import NotAnsweredError
from tuilabel.tui.answering.class_entry import ClassEntry, OutcomeKind, Place
from tuilabel.tui.answering.entry_text import entry_classes, entry_line
from tuilabel.tui.screens.list_screen import ListScreen
from tuilabel.tui.screens.painted import PaintedScreen
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.views.history import History
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.event_details import EventDetails
from tuilabel.tui.widgets.event_list import EventList
from tuilabel.tui.widgets.legend import legend_of

_HOW_TO_RELABEL = "Now the key of its class, or / and its name; Esc leaves it as it is."
_HOW_TO_FILTER = "Type words, or kind: class: who: round: and a word. Enter keeps, Esc clears."


class HistoryScreen(ListScreen, PaintedScreen, inherit_bindings=False):
    """Every event, the newest first, with the image of the marked one by wish."""

    place = "history"

    def __init__(self, opened: OpenSession) -> None:
        super().__init__(opened)
        self._history = History(opened.session.ledger.events, self._holds)
        self._list = EventList(id="events")
        self._beside = EventDetails(id="beside")
        self._picture = self._beside.picture
        self._legend = legend_of(opened.presenter)
        self._legend_rows = 0
        self._cursor = 0
        self._open = False
        self._shown: str | None = None
        self._typing = False
        self._relabelling = False
        self._entry = ClassEntry(opened.presenter.keys, opened.session.info.class_names)
        self._own = {key for action in self.actions for key in action.keys}

    def body(self) -> Iterable[Widget]:
        """Lay the list out, and the image beside it."""
        with Horizontal(id="columns"):
            yield self._list
            yield self._beside
        yield self._legend

    def on_mount(self) -> None:
        """Take no place from the list before an image is wished for."""
        self._share_out(*self.app.size)

    def fit_to(self, width: int, height: int) -> None:
        """Share the space out between the list and the image."""
        self._share_out(width, height)

    def _share_out(self, width: int, height: int) -> None:
        self._beside.display = self._legend.display = self._open
        self._beside.fit_to(width, height)
        needed = self._legend.rows_needed(width)
        if self._legend_rows != needed:
            self._legend_rows = self._legend.styles.height = needed

    # Showing.

    def session_changed(self) -> None:
        """Take new events in; the mark stays on its event."""
        marked = self._event()
        if self._history.grow() and marked is not None:
            self._cursor = self._history.place_of(marked.seq) or 0
        self.show_all()

    def show_all(self) -> None:
        """Show the list, and how much of it the filter leaves."""
        history = self._history
        count = f"{history.total:,} events"
        if history.filter or self._typing:
            count = f"{len(history):,} of {count}"
        written = history.filter + ("_" if self._typing else "")
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

    def _holds(self, event: Event) -> bool:
        return self.opened.session.ledger.answer(str(event.item)) is event

    def _event(self) -> Event | None:
        return self._history.event(self._cursor) if self._cursor < len(self._history) else None

    def _show_image(self) -> None:
        event = self._event()
        item = event.item if event is not None else None
        if item == self._shown:
            return
        self._shown = item
        row = None if item is None else self.opened.workspace.dataset.row_of(item)
        if row is None:
            self._shown = None
            self._picture.clear()
            return
        self.expect_image()
        self._picture.show_image(row, self.opened.image(row))
        self.frame_was_there()

    def image_is_in_frame(self) -> bool:
        """Tell whether the image of the marked event was drawn."""
        small = self.has_class("-too-small")
        return not small and self._shown is not None and self._picture.painted

    # Moving.

    def page(self) -> int:
        """Tell how many steps a page is."""
        return self._list.page

    def move(self, step: int) -> None:
        """Move the mark."""
        self._relabelling = False
        self.hush()
        self._cursor = max(0, min(self._cursor + step, len(self._history) - 1))
        self.show_all()

    # What can be done with an event.

    def action_show(self) -> None:
        """Show the image of the marked event; once more, jump back to it."""
        if self._open and self._shown is not None:
            self.action_jump()
            return
        event = self._event()
        if event is None or event.item is None:
            self.say("This event is about no image.")
        elif self.opened.workspace.dataset.row_of(event.item) is None:
            self.say("This image has left the source.")
        else:
            self.hush()
            self._open = True
            self._share_out(*self.app.size)
            self.show_all()

    def action_jump(self) -> None:
        """Go back to where the image was asked, or to the event that this one is about."""
        event = self._event()
        if event is None:
            return
        target = self._history.target(event)
        if target is not None:
            if self._history.place_of(target.seq) is None:
                self._filter("")
            self.move((self._history.place_of(target.seq) or 0) - self._cursor)
            return
        session = self.opened.session
        row = None if event.item is None else self.opened.workspace.dataset.row_of(event.item)
        place = next((p for p, slot in enumerate(session.batch) if slot.row == row), None)
        if row is None:
            self.say("This event is about no image of the source.")
        elif place is None:
            self.say("Its batch is closed: label it again here, with r or its class's key.")
        else:
            self.action_leave()
            self.opened.look_at(place)

    def action_relabel(self) -> None:
        """Take the next class key for another class."""
        event = self._event()
        if event is None or event.item is None:
            self.say("This event is about no image.")
            return
        if not self._open:
            self.action_show()
        self._relabelling = True
        self.say(_HOW_TO_RELABEL, "accent")

    def _relabel(self, index: int) -> None:
        now, item, event = self._clock(), self._shown, self._event()
        if event is None or event.item is None:
            self.say("This event is about no image.")
            return
        if not self._open:
            self.action_show()
            item = None
        if item is None or self.has_class("-too-small"):
            self.say("Look at the image first: then press the key again.", "accent")
            return
        if self.holds_key(now):
            self.guard.hold()
            self.say(self.guard.words, "accent")
            return
        before = self.opened.session.ledger.answer(item)
        try:
            saved = self.opened.session.relabel(item, index, ms=int((now - self._since) * 1000))
        except (NotAnsweredError, SaveError) as error:
            self.say(f"✗ {error}", "bad")
            return
        self.opened.answered()
        self.session_changed()
        was = "a skip" if before is None or before.class_name is None else before.class_name
        name, act = shown_name(str(saved.class_name)), self.opened.session.ledger.acts
        self.say(f"✓ saved #{act}: {name}, was {shown_name(was)}.", "good")

    # Typing: the filter, and keys of classes.

    def action_filter(self) -> None:
        """Begin to type what the list is to show."""
        self._typing = True
        self.say(_HOW_TO_FILTER)
        self.show_all()

    def _filter(self, text: str) -> None:
        marked = self._event()
        self._history.narrow(text)
        self._cursor = (self._history.place_of(marked.seq) if marked is not None else None) or 0
        self.show_all()

    def on_key(self, event: events.Key) -> None:
        """Take what is typed into the filter, and the keys of classes."""
        if self._typing:
            took = self._type(event)
        elif self._relabelling or self._entry.is_begun:
            took = self._take_class(event)
        else:
            took = event.key not in self._own and self._take_class(event)
        if took:
            self._legend.show_only(*entry_classes(self._entry))
            event.stop()
            event.prevent_default()

    def _type(self, event: events.Key) -> bool:
        text = self._history.filter
        if event.key in ("enter", "escape"):
            self._typing = False
            self.hush()
            self._filter(text if event.key == "enter" else "")
        elif event.key == "backspace":
            self._filter(text[:-1])
        elif event.character is not None and event.is_printable:
            self._filter(text + event.character)
        else:
            return False
        return True

    def _take_class(self, event: events.Key) -> bool:
        """Take a key that is one of a class or a part of one; tell whether it was."""
        shown = self._shown
        place = Place(shown, shown is not None and not self.holds_key(self._clock()))
        if self._relabelling and event.key == "slash" and not self._entry.is_begun:
            self._entry.begin_name(place)
            self._say_entry()
            return True
        outcome = self._entry.press(event.key, event.character, place)
        match outcome.kind:
            case OutcomeKind.LABEL | OutcomeKind.HELD if outcome.class_index is not None:
                self._relabelling = False
                self._relabel(outcome.class_index)
            case OutcomeKind.WAITING:
                self._say_entry()
            case OutcomeKind.SAID:
                self._relabelling = self._entry.is_begun
                self.say(outcome.text, "accent")
            case OutcomeKind.LEFT:
                self._relabelling = False
                self.hush()
            case _:
                if not self._relabelling or event.key != "escape":
                    return False
                self._relabelling = False
                self.hush()
        return True

    def _say_entry(self) -> None:
        """Say how far a chord or a name is."""
        line = entry_line(self._entry, self.opened.presenter.names)
        if line is not None:
            self.say(*line)
