"""What the screens beside the labelling one stand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tuilabel.data import inert
from tuilabel.errors import SourceError
from tuilabel.session import Session
from tuilabel.tui.pixels import Pixels
from tuilabel.tui.presenter import Presenter
from tuilabel.workspace import Workspace

_DAMAGED = np.zeros((1, 1), np.uint8)


@dataclass(frozen=True, eq=False)
class Desk:
    """The session that is open, and how to tell the labelling screen of it.

    Attributes
    ----------
    workspace : Workspace
    presenter : Presenter
    source_name : str
        What headers call the source.
    damaged : callable
        Told a sentence about an image that cannot be shown.
    answered : callable
        Called after an answer that was not given on the labelling screen.
    """

    workspace: Workspace
    presenter: Presenter
    source_name: str
    damaged: Callable[[str], None]
    answered: Callable[[], None]

    @property
    def session(self) -> Session:
        """The loop."""
        return self.workspace.session

    def image(self, row: int, *, held_out: bool = False) -> Pixels:
        """Give an image of the pool or of the hold-out; a dark square where it is damaged."""
        dataset = self.workspace.dataset
        if held_out:
            assert dataset.holdout is not None
            image: Pixels = dataset.holdout.images[row]
            return image
        try:
            return dataset.image(row)
        except SourceError as error:
            self.damaged(inert(str(error), 300))
            return _DAMAGED
