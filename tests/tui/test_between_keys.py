"""Work between two keys, with a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable

from tuilabel.tui.between_keys import QUIET, BetweenKeys


class Desk:
    """A clock, timers that go off when it is told, and a list of what was done."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.done: list[str] = []
        self.between = BetweenKeys(lambda: self.now, self.later)

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        self.timers.append((self.now + seconds, work))

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now + 1e-9]
        self.timers = [timer for timer in self.timers if timer not in due]
        for _, work in due:
            work()

    def do(self, what: str) -> None:
        self.between.do(lambda: self.done.append(what))


def test_where_nobody_types_it_is_done_at_once() -> None:
    desk = Desk()
    desk.do("ranking")
    assert desk.done == ["ranking"]
    assert not desk.between.waits


def test_who_types_sees_it_with_the_next_image() -> None:
    desk = Desk()
    desk.between.key_pressed()
    desk.pass_(0.1)
    desk.do("ranking")
    assert desk.between.waits
    desk.between.forget()
    assert not desk.between.waits
    desk.pass_(2 * QUIET)
    assert desk.done == []


def test_after_the_last_key_it_is_done_as_soon_as_it_is_quiet() -> None:
    desk = Desk()
    desk.between.key_pressed()
    desk.do("ranking")
    desk.pass_(QUIET / 2)
    desk.between.key_pressed()
    desk.pass_(QUIET / 2)
    assert desk.done == [], "a key came meanwhile"
    desk.pass_(QUIET / 2)
    assert desk.done == ["ranking"], "once"
    desk.pass_(2 * QUIET)
    assert desk.done == ["ranking"]


def test_the_newest_takes_the_place_of_what_waits() -> None:
    desk = Desk()
    desk.between.key_pressed()
    desk.do("first")
    desk.do("second")
    assert desk.done == []
    desk.pass_(QUIET)
    assert desk.done == ["second"]
