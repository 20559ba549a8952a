"""Two annotators label a source that is read, and grows, while they do: nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_fakes import ME, FakeItems, FakeLog, FakeReading, fake_ranking

from tuilabel.session import Annotator, LoopSettings, Session

COUNT, MOST = 14, 17
ACTS = ("read", "label", "skip", "later", "undo", "follow", "arrive", "rank", "pool", "reopen")


class Desk:
    """One annotator with a listing of the source, which nobody else shares."""

    def __init__(
        self,
        log: FakeLog,
        by: Annotator,
        refused: Sequence[int],
        equal: Mapping[str, int],
        how: str,
    ) -> None:
        self.log, self.by = log, by
        self.items = FakeItems(COUNT, holdout=False)
        self.reading = FakeReading(self.items, refused, **equal)
        loop = LoopSettings(batch_size=3, cold_start=how)
        self.session = Session(self.items, log, loop, by)

    def arrive(self) -> None:
        if len(self.items) < MOST:
            self.reading.grow()
            self.session.items_added()

    def read(self, row: int) -> None:
        if row < len(self.items):
            self.session.items_read(self.reading.read(row))
            self.session.go_on(by=self.by)

    def follow(self) -> None:
        self.session.take_in(self.log.read())
        self.session.go_on(by=self.by)

    def answer(self, act: str = "label") -> bool:
        item = self.session.current_id
        if item is None:
            return False
        if act == "label":
            self.session.label(item, 0, by=self.by)
        else:
            self.session.skip(item, by=self.by, why="later" if act == "later" else "")
        self.session.go_on(by=self.by)
        return True

    def pool(self) -> None:
        unread = np.flatnonzero(self.reading.unread)
        rows = int(unread[0]) if unread.size else len(self.items)
        if rows > self.session.pool_rows:
            self.session.pool_opened(rows)

    def rank(self) -> None:
        request = self.session.take_request() if self.session.request_is_due else None
        if request is not None:
            ranking = fake_ranking(request, self.session.pool_rows, 3)
            self.session.accept_ranking(ranking, by=self.by)


@given(
    st.sets(st.integers(0, COUNT - 1), max_size=3),
    st.dictionaries(st.integers(7, COUNT - 1).map("r{}".format), st.integers(0, 6), max_size=4),
    st.sampled_from(["random", "kmeans"]),
    st.lists(
        st.tuples(st.sampled_from(ACTS), st.booleans(), st.integers(0, MOST - 1)), max_size=40
    ),
)
@settings(max_examples=60)
def test_every_item_is_asked_and_none_is_lost(
    refused: set[int], equal: dict[str, int], how: str, acts: list[tuple[str, bool, int]]
) -> None:
    logs = [log := FakeLog(audit=0.25), log.beside()]
    who = [ME, Annotator("you")]
    desks = [Desk(*each, sorted(refused), equal, how) for each in zip(logs, who, strict=True)]
    for act, place, row in acts:
        desk = desks[place]
        if act == "read":
            desk.read(row)
        elif act in ("label", "skip", "later"):
            desk.answer(act)
        elif act == "undo":
            desk.session.undo(by=desk.by)
        elif act != "reopen":
            getattr(desk, act)()
        elif not place:
            desk.log.end()
            desks[0] = Desk(desk.log.reopened(), ME, sorted(refused), equal, how)
            desk.log.live.add(desk.log.run)
    for desk in desks:
        while len(desk.items) < MOST:
            desk.arrive()
        for row in range(MOST):
            desk.read(row)
    is_moving = True
    while is_moving:
        is_moving = False
        for desk in desks:
            desk.follow()
            is_moving |= desk.answer()
    for desk in desks:
        assert desk.session.pool_left == 0
        assert desk.session.missing == 0
        assert all(desk.session.known.is_answered(item) for item in desk.items.ids if item)
