"""Classes below others on the screen: behind those above them, with short names."""

from __future__ import annotations

from loop_fakes import ME, FakeItems, FakeLog

from tuilabel.session import LoopSettings, Session
from tuilabel.settings import resolve
from tuilabel.tui.keymap.resolved import keymap_of
from tuilabel.tui.views.shown_classes import ShownClasses


def test_a_class_stands_behind_the_one_above_it_and_keeps_its_key() -> None:
    names = ("cat", "bird/owl", "cat/other", "bird", "bird/other", "owl/barn")
    items = FakeItems(20, holdout=False, classes=names)
    session = Session(items, FakeLog(), LoopSettings(cold_start="random", batch_size=4), ME)
    shown = ShownClasses(session, keymap_of(resolve({})), "me")
    rows = [(shown.keys[n], shown.relative[n], shown.short[n]) for n in shown.open]
    assert rows == [
        ("1", "cat", "cat"),
        ("3", "/other", "cat/other"),
        ("4", "bird", "bird"),
        ("2", "/owl", "owl"),
        ("5", "/other", "bird/other"),
        ("6", "owl/barn", "owl/barn"),
    ]
    session.rename_class(session.classes.ids[3], "avian", by=ME)
    shown.update()
    assert [shown.relative[n] for n in shown.open] == [
        *("cat", "/other", "bird/owl", "avian", "bird/other", "owl/barn")
    ]
