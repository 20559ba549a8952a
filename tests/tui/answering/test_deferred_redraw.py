"""Work between two keys, with a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable

from tuilabel.tui.answering.deferred_redraw import QUIET, DeferredRedraw


class Desk:
    """A clock, timers that go off when it is told, and a list of what was done."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.done: list[str] = []
        self.between = DeferredRedraw(lambda: self.now, self.later)

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
    opened = Desk()
    opened.do("ranking")
    assert opened.done == ["ranking"]
    assert not opened.between.waits


def test_who_types_sees_it_with_the_next_image() -> None:
    opened = Desk()
    opened.between.key_pressed()
    opened.pass_(0.1)
    opened.do("ranking")
    assert opened.between.waits
    opened.between.forget()
    assert not opened.between.waits
    opened.pass_(2 * QUIET)
    assert opened.done == []


def test_after_the_last_key_it_is_done_as_soon_as_it_is_quiet() -> None:
    opened = Desk()
    opened.between.key_pressed()
    opened.do("ranking")
    opened.pass_(QUIET / 2)
    opened.between.key_pressed()
    opened.pass_(QUIET / 2)
    assert opened.done == [], "a key came meanwhile"
    opened.pass_(QUIET / 2)
    assert opened.done == ["ranking"], "once"
    opened.pass_(2 * QUIET)
    assert opened.done == ["ranking"]


def test_the_newest_takes_the_place_of_what_waits() -> None:
    opened = Desk()
    opened.between.key_pressed()
    opened.do("first")
    opened.do("second")
    assert opened.done == []
    opened.pass_(QUIET)
    assert opened.done == ["second"]
