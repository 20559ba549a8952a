"""What is to be opened after the application has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tuilabel.workspace.recent import OpenRequest


class OpenRequested(Message):
    """Something else is to be opened, in the place of what is open."""

    def __init__(self, request: OpenRequest) -> None:
        super().__init__()
        self.request = request
