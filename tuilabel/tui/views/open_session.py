"""The open session, as every screen needs it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from tuilabel.errors import SourceError
from tuilabel.session import Session
from tuilabel.text import inert
from tuilabel.trainer.client import RunJob
from tuilabel.tui.images import Pixels
from tuilabel.tui.views.labelling import Presenter
from tuilabel.workspace.opening import Workspace
from tuilabel.workspace.saving import Saving

_DAMAGED = np.zeros((1, 1), np.uint8)


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
    """

    workspace: Workspace
    presenter: Presenter
    source_name: str
    front: Front
    run: RunJob
    saving: Saving

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

    def look_at(self, place: int) -> None:
        """Show a place of the batch on the labelling screen."""
        self.front.move(place - self.session.cursor)

    def answered(self) -> None:
        """Show an answer that another screen gave, and let the model learn from it."""
        self.front.show_all()
        self.front.after_frame()
