"""What is to be opened after the application has ended."""

from __future__ import annotations

from typing import NamedTuple

from textual.message import Message

from tuilabel.recent import Wish


class Wished(Message):
    """Something else is to be opened, in the place of what is open."""

    def __init__(self, wish: Wish) -> None:
        super().__init__()
        self.wish = wish


class Ended(NamedTuple):
    """How the application has ended.

    Attributes
    ----------
    status : int
        The exit status.
    wish : Wish or None
        What is to be opened next.
    """

    status: int
    wish: Wish | None
