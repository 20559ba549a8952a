"""Following of what others do to a session."""

from __future__ import annotations

from itertools import chain, repeat
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any, cast

from tuilabel.events.lines import Event
from tuilabel.journal.journal import Journal
from tuilabel.workspace.following import Follower, Health


def test_a_session_is_lost_once_two_looks_in_a_row_say_so() -> None:
    looks = chain(["gone for a moment", None, "gone", "gone", "gone"], repeat(None))
    told: SimpleQueue[str | None] = SimpleQueue()

    def tell(events: list[Event], health: Health | None) -> None:
        assert health is not None
        told.put(health.lost)
        if health.lost is None:
            follower.stop()

    journal: Any = SimpleNamespace(read=list, problems=(), lost=lambda: next(looks))
    follower = Follower(cast(Journal, journal), tell, lambda events: False, seconds=0.001)
    follower.start()
    assert told.get(timeout=30) == "gone"
    assert told.get(timeout=30) is None
