"""The learning curve between redraws is the one that all fits make."""

from __future__ import annotations

from bisect import insort

from hypothesis import given
from hypothesis import strategies as st

from tuilabel.events.lines import Event
from tuilabel.events.payloads import Fitted, Measured
from tuilabel.session.fits import FitHistory


def fit(t: int, labels: int, n: int, moved: float | None) -> Event:
    payload = Fitted(
        labels=labels,
        round=1,
        model="softmax",
        features="raw",
        strategy="margin",
        fit_seconds=0,
        rank_seconds=0,
        classes=(),
        accuracy=Measured(0, n, "audit", 0, 0, 1) if n else None,
        moved=moved,
    )
    return Event(f"{t:03}", t, t, "", "me", payload, "log")


STEPS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.integers(0, 9),
        st.integers(0, 2),
        st.none() | st.floats(0, 1),
        st.lists(st.integers(0, 10), max_size=2),
    ),
    max_size=25,
    unique_by=lambda step: step[0],
)


@given(STEPS, st.booleans())
def test_it_is_the_same_however_it_was_asked_before(steps: list, in_order: bool) -> None:
    fits: list[Event] = []
    history = FitHistory(fits)
    for t, labels, n, moved, asked in sorted(steps) if in_order else steps:
        insort(fits, fit(t, labels, n, moved), key=lambda event: event.t)
        for held in [*asked, 10]:
            fresh = FitHistory(list(fits))
            assert history.curve(held) == fresh.curve(held)
            assert history.moves(held) == fresh.moves(held)
            found = [event.payload for event in fits if event.payload.labels <= held]
            assert [move.moved for move in history.moves(held)] == [
                one.moved for one in found if one.moved is not None
            ]
            curve = [point.labels for point in history.curve(held)]
            assert curve == sorted(set(curve))
            measured = [one for one in found if one.accuracy]
            assert bool(curve) == bool(measured)
            if measured:
                assert curve[-1] == measured[-1].labels
