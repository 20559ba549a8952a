"""The open session, as every screen needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from tuilabel.errors import SourceError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import ClassAdded
from tuilabel.session import Session
from tuilabel.text import inert
from tuilabel.trainer.client import RunJob
from tuilabel.tui.images import Pixels
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.views.labelling import Presenter
from tuilabel.tui.views.messages import Messages
from tuilabel.workspace.opening import Workspace
from tuilabel.workspace.saving import Saving, Then

Save = Callable[[Callable[..., Event], Then], None]
"""Lets the session write, or says why it was not saved; then calls a function with the event."""

_DAMAGED = np.zeros((1, 1), np.uint8)


class Added(NamedTuple):
    """A class that was added: its index, and a sentence about it."""

    class_index: int
    sentence: str


class Front(Protocol):
    """What other screens need of the labelling screen."""

    def say(self, text: str, style: str) -> None:
        """Show a sentence until the next key."""

    def move(self, step: int) -> None:
        """Look at another place of the batch."""

    def show_all(self) -> None:
        """Show all but the image."""

    def changed(self) -> None:
        """Show the image that is asked now."""

    def after_frame(self) -> None:
        """Hand the next request to the trainer."""


class OpenSession(NamedTuple):
    """The open session, the labelling screen to keep up to date, and the trainer for other work.

    Attributes
    ----------
    workspace : Workspace
    presenter : Presenter
    source_name : str
        What headers call the source.
    front : Front
    run : RunJob
        Has a job done by the trainer.
    saving : Saving
        Lets the session write.
    messages : Messages
        What the annotator should know.
    """

    workspace: Workspace
    presenter: Presenter
    source_name: str
    front: Front
    run: RunJob
    saving: Saving
    messages: Messages

    @property
    def session(self) -> Session:
        """The loop."""
        return self.workspace.session

    def image(self, row: int, *, held_out: bool = False) -> Pixels:
        """Return an image of the pool or of the hold-out; a dark square where it is damaged."""
        dataset = self.workspace.dataset
        if held_out:
            assert dataset.holdout is not None
            image: Pixels = dataset.holdout.images[row]
            return image
        try:
            return dataset.image(row)
        except SourceError as error:
            self.front.say(inert(str(error), 300), "bad")
            return _DAMAGED

    def add_class(self, name: str, save: Save, then: Callable[[Added], object]) -> None:
        """Add a class with a key of its own.

        Parameters
        ----------
        name : str
        save : callable
            Lets the session write, and calls its second argument with the saved event.
        then : callable
            Takes the class once it is saved.
        """
        session, shown = self.session, self.presenter.classes

        def added(event: Event | None) -> None:
            if event is None or not isinstance(event.payload, ClassAdded):
                return
            shown.update()
            index = session.classes.index(event.payload.class_id)
            assert index is not None
            how = self._how_to_label(event.payload.class_id)
            then(Added(index, f"✓ The class `{shown.names[index]}` was added: {how}."))

        save(partial(session.add_class, name, key=shown.free_key(name)), added)

    def _how_to_label(self, class_id: str) -> str:
        return f"{self.presenter.classes.key(class_id) or 'its name'} labels it"

    def classes_changed(self, events: Sequence[Event]) -> str:
        """Show the classes as others have changed them; return a sentence about new ones, or ""."""
        shown, session = self.presenter.classes, self.session
        moved = shown.update()
        sentences = []
        for event in events:
            added = event.payload
            if isinstance(added, ClassAdded) and session.known.classes.is_open(added.class_id):
                how = self._how_to_label(added.class_id)
                if added.class_id in moved:
                    how += f" here, for {inert(added.key or '', 2)} is taken"
                name = shown_name(session.known.classes.name(added.class_id))
                sentences.append(f"{inert(event.by, 20)} added the class `{name}`: {how}.")
        return " ".join(sentences)

    def look_at(self, place: int) -> None:
        """Show a place of the batch on the labelling screen."""
        self.front.move(place - self.session.cursor)

    def answered(self) -> None:
        """Show an answer that another screen gave, and let the model learn from it."""
        self.front.show_all()
        self.front.after_frame()
