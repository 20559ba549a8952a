"""What the trainer says, as a message of the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tuilabel.trainer import TrainerEvent


class TrainerSpoke(Message):
    """The trainer has said something; what it means is `TrainerLink.hear`'s to tell.

    It comes back as a message of its own: what goes wrong then is not lost in a callback.
    """

    def __init__(self, event: TrainerEvent) -> None:
        super().__init__()
        self.event = event
