"""A conversation over a session in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from loop_fakes import CLASSES, ME, FakeItems, FakeLog, fake_ranking
from numpy.typing import NDArray
from sessions import answered

from tuilabel.errors import SourceError
from tuilabel.line.conversation import Conversation
from tuilabel.session import LoopSettings, Request, Session

DAMAGED = 5
"""A row whose image cannot be read."""


def image(row: int) -> NDArray[np.uint8]:
    if row == DAMAGED:
        raise SourceError("file5.png is damaged.")
    return np.full((8, 8), 255, np.uint8)


@dataclass
class Talk:
    """A conversation, and all that was asked of its trainer."""

    session: Session
    log: FakeLog
    options: dict[str, Any] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.conversation = Conversation(
            self.session, image, self.requests.append, ME, **self.options
        )

    def prompt(self) -> str:
        """Return the lines above the next prompt, as one line."""
        lines = self.conversation.ask()
        self.conversation.asked()
        return " ".join(lines)

    def say(self, line: str) -> str:
        """Type a line, and return the reply as one line."""
        return " ".join(self.conversation.handle(line))

    def fit(self) -> None:
        """Let the trainer answer what it was asked last."""
        request = self.requests[-1]
        count = len(self.session.items.ids)
        self.conversation.ranking_arrived(
            fake_ranking(request, count, len(self.session.classes.ids))
        )

    def labels(self) -> list[str | None]:
        return answered(self.session)


@pytest.fixture
def talk() -> Callable[..., Talk]:
    """Return a function that begins a conversation."""

    def begin(
        classes: Sequence[str] = CLASSES,
        count: int = 30,
        *,
        holdout: bool = True,
        log: FakeLog | None = None,
        **options: Any,
    ) -> Talk:
        log = FakeLog() if log is None else log.reopened()
        settings = LoopSettings(cold_start="random", batch_size=5)
        items = FakeItems(count, holdout=holdout, classes=classes)
        return Talk(Session(items, log, settings, ME), log, options)

    return begin
