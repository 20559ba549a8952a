"""The classes: how many labels, examples of each, what the pool looks like, and changes to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from rich.cells import cell_len
from textual import events
from textual.containers import Horizontal
from textual.widget import Widget

from tuilabel.errors import SourceError, TrainerError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import ClassAdded, ClassMerged, ClassRestyled
from tuilabel.session import class_changes
from tuilabel.session.class_changes import ClassError, NameTakenError, described
from tuilabel.session.classes import LONGEST_NAME
from tuilabel.text import counted, inert
from tuilabel.tui.background.centres import (
    USUAL_CENTRES,
    Centres,
    centres_wanted,
    find_centres,
    kept_centres,
)
from tuilabel.tui.images import Pixels
from tuilabel.tui.screens.list_screen import ListScreen
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.views.classes import ClassRow, class_rows, newest_of_class
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.class_list import ClassList
from tuilabel.tui.widgets.gallery import SIZES, Gallery, Tile
from tuilabel.tui.widgets.notes import Notes

_MOST_TYPED = 24
"""Characters of a name that are shown as it is typed: the keys fit beside them."""

_MOVES = frozenset(["up", "down", "pageup", "pagedown", "home", "end"])


@dataclass
class Prompt:
    """A question at the foot of the screen.

    Attributes
    ----------
    sentence : callable
        Returns the question as it is now.
    does : str
        What Enter does, in a word; nothing where Enter does nothing.
    enter : callable
        Does it.
    text : str or None
        What was typed; None where nothing is typed.
    moves : bool
        Whether the mark moves meanwhile.
    held : str or None
        Id of a class that the question is about, beside the marked one.
    key : callable, optional
        Takes the next key, in place of all else.
    """

    sentence: Callable[[], str]
    does: str = ""
    enter: Callable[[], object] = lambda: None
    text: str | None = None
    moves: bool = False
    held: str | None = None
    key: Callable[[str | None], None] | None = None

    @property
    def typed(self) -> str:
        """The end of what was typed, with a cursor."""
        text = self.text or ""
        return (text if len(text) <= _MOST_TYPED else "…" + text[1 - _MOST_TYPED :]) + "_"


class ClassesScreen(ListScreen, inherit_bindings=False):
    """A list with a mark, examples of the marked class, and the centres of the pool below."""

    place = "classes"

    def __init__(self, opened: OpenSession) -> None:
        super().__init__(opened)
        self._list = ClassList(id="class-list")
        self._examples = Gallery(opened.image, has_cursor=False, at_once=6, id="examples")
        self._notes = Notes(id="notes")
        self._below = Gallery(self._centre, has_cursor=False, id="centres")
        self._cursor = self._indent = 0
        self._rows: list[ClassRow] = []
        self._prompt: Prompt | None = None
        self._centres: Centres | None = None
        self._about = ""
        self._finding: asyncio.Task[None] | None = None

    def _centre(self, number: int) -> Pixels:
        assert self._centres is not None
        picture: Pixels = self._centres.pictures[number]
        return picture

    def body(self) -> Iterable[Widget]:
        """Lay the list out with examples beside it, and the centres below."""
        with Horizontal(id="columns"):
            yield self._list
            yield self._examples
        yield self._notes
        yield self._below

    def on_mount(self) -> None:
        """Look whether the centres are there from another time."""
        key = self.key_of("centres")
        self._about = f"{key} finds the {self._wanted} that stand for the pool, by k-means"
        self._finding = asyncio.create_task(self._look_up())

    @property
    def _wanted(self) -> int:
        return centres_wanted(len(self.opened.workspace.dataset.class_names))

    async def on_unmount(self) -> None:
        """Leave no child process behind."""
        if self._finding is not None:
            self._finding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._finding

    async def _look_up(self) -> None:
        found = await kept_centres(self.opened.workspace.dataset)
        if found is not None:
            self._take(found)

    def action_centres(self) -> None:
        """Work the centres out."""
        if self._centres is None and (self._finding is None or self._finding.done()):
            self._about = "looking for them…"
            self.show_all()
            self._finding = asyncio.create_task(self._find())

    async def _find(self) -> None:
        try:
            self._take(await find_centres(self.opened.workspace.dataset, self.opened.run))
        except (TrainerError, SourceError) as error:
            self._about = f"not available: {inert(str(error), 200)}"
        except OSError as error:
            self._about = f"not available: {error.strerror}"
        self.show_all()

    def _take(self, found: Centres) -> None:
        self._centres = found
        self._about = "k-means centres, shares of the pool"
        self._below.forget()
        self.show_all()

    def fit_to(self, width: int, height: int) -> None:
        """Share the space out."""
        # In one row beside each other, and not higher than a quarter of the screen.
        fitting = (
            rows
            for rows in SIZES
            if rows <= height // 4 and USUAL_CENTRES * (2 * rows + 1) <= width + 1
        )
        rows = next(fitting, SIZES[-1])
        if self._below.styles.height is None or self._below.styles.height.value != rows + 2:
            self._below.styles.height = rows + 2
        # Where all of the width is needed, they begin at the edge.
        self._indent = int(USUAL_CENTRES * (2 * rows + 1) < width)
        if self._below.styles.margin.left != self._indent:
            self._below.styles.margin = (0, 0, 0, self._indent)

    # Showing.

    def session_changed(self) -> None:
        """Show what others have changed; the mark stays on its class."""
        marked = self._rows[self._cursor].id if self._rows else ""
        self.show_all(marked)

    def show_all(self, marked: str = "") -> None:
        """Show counts, examples and centres; with the mark on a class, if one is named."""
        session, shown = self.opened.session, self.opened.presenter.classes
        shown.update()
        self._rows = class_rows(session, shown)
        places = {row.id: place for place, row in enumerate(self._rows)}
        self._cursor = min(places.get(marked, self._cursor), len(self._rows) - 1)
        total = counted(session.labels, "label")
        auto = session.known.auto_labels_held
        total += f", {counted(auto, 'auto-label')}" if auto else ""
        self.show_header("classes", (f"  {self.opened.source_name}", "muted"), right=total)
        held = None if self._prompt is None else self._prompt.held
        self._list.show_classes(self._rows, self._cursor, held)
        row = self._rows[self._cursor]
        rows = newest_of_class(session, self.opened.workspace.dataset, row.id)
        title = f"newest labelled {row.name}"
        tiles = [Tile(row, "") for row in rows]
        self._examples.show_tiles(tiles, "no example yet", [(title, "strong")])
        self._notes.show_notes(session.known.classes.problems, self.app.size.width - 2)
        shares = self._centres.shares if self._centres is not None else ()
        centres = [Tile(number, f"{share:.0%}") for number, share in enumerate(shares)]
        title = " " * (1 - self._indent) + "typical images  "
        heading = [(title, "strong"), (self._about, "muted")]
        self._below.show_tiles(centres, "", heading)

    def shown_sentence(self) -> Piece | None:
        """Return the question, if there is one, with what is wrong with its answer beside it."""
        if self._prompt is None or (self.sentence is not None and self.sentence[1] == "bad"):
            return self.sentence
        keys = f"Enter {self._prompt.does} · " if self._prompt.does else ""
        keys += "Esc cancels"
        # Of a long question the beginning is shown, and always what can be pressed.
        room = self.app.size.width - cell_len(keys) - 5
        question = self._prompt.sentence()
        question = question if cell_len(question) <= room else fitted(question, room)
        return f"{question}   {keys}", "accent"

    def page(self) -> int:
        """Return how many steps a page is."""
        return self._list.page

    def move(self, step: int) -> None:
        """Move the mark."""
        if self._prompt is None:
            self.hush()
        self._cursor = max(0, min(self._cursor + step, len(self._rows) - 1))
        self.show_all()
        self.show_foot()

    # Questions.

    def _ask(self, prompt: Prompt | None) -> None:
        self.sentence, self._prompt = None, prompt
        self.show_all()
        self.show_foot()

    def on_key(self, event: events.Key) -> None:
        """Handle the answer to a question; every other key is an action's."""
        prompt = self._prompt
        if prompt is None or event.key in ("ctrl+c", "ctrl+z"):
            return
        if prompt.moves and event.key in _MOVES:
            return  # the mark moves as usual
        event.stop()
        event.prevent_default()
        self.sentence = None
        if event.key == "escape":
            self._ask(None)
        elif prompt.key is not None:
            prompt.key(event.character if event.is_printable else None)
        elif event.key == "enter":
            prompt.enter()
        elif prompt.text is not None:
            self._type(prompt, event)
        self.show_foot()

    def on_paste(self, event: events.Paste) -> None:
        """Add pasted text to a name."""
        if self._prompt is not None and self._prompt.text is not None:
            event.stop()
            line = event.text.partition("\n")[0].partition("\r")[0]
            self._prompt.text = (self._prompt.text + line)[: LONGEST_NAME + 1]
            self.show_foot()

    def _type(self, prompt: Prompt, event: events.Key) -> None:
        assert prompt.text is not None
        if event.key == "backspace":
            prompt.text = prompt.text[:-1]
        elif event.key == "ctrl+u":
            prompt.text = ""
        elif event.character is not None and event.is_printable:
            prompt.text = (prompt.text + event.character)[: LONGEST_NAME + 1]

    def _save(self, write: Callable[..., Event], then: Callable[[Event], str]) -> None:
        """Let the session write a change, and show what has become of the classes.

        Parameters
        ----------
        write : callable
            A method of the session that takes `by`.
        then : callable
            Handles the saved event, and returns a sentence about it.
        """

        def saved(event: Event | None) -> None:
            if event is None:
                return
            self._prompt = None
            self.opened.presenter.classes.update()
            sentence = then(event)
            self.show_all(self._rows[self._cursor].id)
            self.opened.answered()
            self.say(f"✓ {sentence}", "good")

        def failed(error: Exception) -> None:
            self.say(f"✗ {inert(str(error), 300)}", "bad")

        if self.opened.saving.is_pending:
            self.opened.saving.hold()
            return
        self.opened.saving.write(partial(write, by=self.opened.workspace.annotator), saved, failed)

    def _done(self, sentence: str, marked: str = "") -> Callable[[Event], str]:
        """Return what follows a change: the mark on a class, if one is named, and a sentence."""

        def then(_: Event) -> str:
            self.show_all(marked)
            return sentence

        return then

    @property
    def _marked(self) -> ClassRow:
        return self._rows[self._cursor]

    def _confirm(self, question: str, does: str, change: Callable[[], object]) -> None:
        """Ask before labels are affected."""
        self._ask(Prompt(lambda: question, does, change))

    # Changes.

    def action_new_class(self) -> None:
        """Ask for the name of a new class."""
        prompt = Prompt(
            lambda: f"New class: {inert(prompt.typed)}",
            "adds it",
            lambda: self._add(prompt.text or ""),
            text="",
        )
        self._ask(prompt)

    def _add(self, name: str) -> None:
        session, shown = self.opened.session, self.opened.presenter.classes

        def added(event: Event) -> str:
            assert isinstance(event.payload, ClassAdded)
            class_id = event.payload.class_id
            self.show_all(class_id)
            how = f"{shown.key(class_id) or 'its name'} labels it"
            return (
                f"The class `{shown_name(session.known.classes.name(class_id))}` was added: {how}."
            )

        self._save(partial(session.add_class, name, key=shown.free_key(name.strip())), added)

    def action_rename_class(self) -> None:
        """Ask for another name of the marked class."""
        row = self._marked
        if row.state == "unknown":
            self.say("Nobody has added this class: put the log that adds it into the session.")
            return
        name = self.opened.session.known.classes.own_name(row.id)
        prompt = Prompt(
            lambda: f"Rename `{inert(row.name, _MOST_TYPED)}`: {inert(prompt.typed)}",
            "renames it",
            lambda: self._rename(row, prompt.text or ""),
            text=name,
        )
        self._ask(prompt)

    def _rename(self, row: ClassRow, name: str) -> None:
        session = self.opened.session
        try:
            class_changes.rename(session.known.classes, row.id, name)
        except NameTakenError as error:
            other = error.other
            if session.known.classes.is_open(other.id):
                labels = counted(row.labels, "label")
                self._confirm(
                    f"`{shown_name(other.name)}` exists. Merge `{row.name}` ({labels}) into it?",
                    "merges",
                    lambda: self._merge(row, other.id),
                )
                return
        except ClassError:
            pass  # said as it is tried
        done = f"`{row.name}` is called `{shown_name(name.strip())}` now."
        self._save(partial(session.rename_class, row.id, name), self._done(done, row.id))

    def action_merge_class(self) -> None:
        """Ask for the class that the marked one becomes a part of."""
        row = self._marked
        if sum(not other.state for other in self._rows if other.id != row.id) == 0:
            self.say("There is no other class to merge it into.")
            return

        def sentence() -> str:
            target = self._marked
            if target.id == row.id:
                return f"Merge `{row.name}` into which class? ↑↓ choose"
            labels = counted(row.labels, "label")
            return f"Merge `{row.name}` ({labels}) into `{target.name}`?"

        def enter() -> None:
            self._merge(row, self._marked.id)

        self._ask(Prompt(sentence, "merges", enter, moves=True, held=row.id))

    def _merge(self, row: ClassRow, into: str) -> None:
        session = self.opened.session
        if into == row.id:
            self.say("Choose another class with the arrows: this one is to be merged.", "bad")
            return
        name = shown_name(session.known.classes.name(into))
        labels = counted(row.labels, "label counts", "labels count")
        done = f"`{row.name}` is merged: {labels} for `{name}`; {self.key_of('undo_class')} undoes."
        self._save(partial(session.merge_classes, row.id, into), self._done(done, into))

    def action_retire_class(self) -> None:
        """Let the marked class no longer be chosen."""
        row, session = self._marked, self.opened.session
        done = self._done(f"`{row.name}` is retired.", row.id)
        change = partial(self._save, partial(session.retire_class, row.id), done)
        if row.labels and not row.state:
            still = counted(row.labels, "label still counts", "labels still count")
            self._confirm(f"Retire `{row.name}`? Its {still}.", "retires it", change)
        else:
            change()

    def action_class_key(self) -> None:
        """Ask for another key of the marked class."""
        row = self._marked
        if row.state:
            self.say(f"`{row.name}` is {row.state}, so it needs no key.")
            return
        question = f"Press the new key of `{row.name}`."
        self._ask(Prompt(lambda: question, key=partial(self._give_key, row)))

    def _give_key(self, row: ClassRow, key: str | None) -> None:
        shown, session = self.opened.presenter.classes, self.opened.session
        if key is None or not shown.may_have(key):
            other = next((found.name for found in self._rows if found.key == key), None)
            what = f"{key} is the key of `{other}`" if other else "That key cannot label a class"
            self.say(f"{what}: press another one, or Esc.", "bad")
            return

        def given(_: Event) -> str:
            shown.give_key(row.id, key)
            return f"{key} labels `{row.name}` now, for you."

        self._save(partial(session.restyle_class, row.id, key), given)

    def action_undo_class(self) -> None:
        """Undo the newest change to the classes."""
        session, by = self.opened.session, self.opened.workspace.annotator
        classes = session.known.classes
        try:
            event, _ = class_changes.undo(classes, by.name)
        except ClassError as error:
            self.say(str(error))
            return
        what = described(event.payload, classes)
        done = f"{what[0].upper()}{what[1:]} is undone."

        def undone(_: Event) -> str:
            if isinstance(event.payload, ClassRestyled):
                self.opened.presenter.classes.take_key_back(event.payload.class_id)
            return done

        change = partial(self._save, session.undo_class_change, undone)
        who = "" if event.by == by.name else f", by {inert(event.by, 20)}"
        if who or isinstance(event.payload, ClassMerged):
            self._confirm(f"Undo {what}{who}?", "undoes it", change)
        else:
            change()
