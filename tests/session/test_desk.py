"""One desk, from its events alone."""

from __future__ import annotations

from tuilabel.events.lines import Event
from tuilabel.events.payloads import Asked, Batch, Label, Payload, Undo
from tuilabel.session.desk import Desk


def test_an_undone_item_comes_back_also_if_its_batch_was_replaced() -> None:
    answered: set[str] = set()
    desk = Desk(answered.__contains__, lambda item: True, lambda item: item)

    def apply(payload: Payload) -> None:
        desk.apply(Event(f"id{desk.acts}", 1, 1, "", "me", payload))

    def batch(*items: str) -> Batch:
        return Batch(round=1, items=tuple(Asked(item, "order") for item in items))

    apply(batch("a", "b"))
    answered.add("a")
    apply(Label(item="a", class_id="c"))
    apply(batch("x", "b"))
    answered.remove("a")
    apply(Undo("id0", "a"))
    assert desk.current is not None
    assert desk.current.item == "a"
    assert {asked.item for asked in desk.batch} == {"a", "b", "x"}
