"""Terminals that are too small, taken or none at all; and silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.pty.labelling import ACCURACY, TOO_SMALL, UNBOUND_KEY, Home, LabellingTerminal
from tests.pty.terminal import PATIENCE

Start = Callable[..., LabellingTerminal]

SILENCE = 1.0
"""Seconds without output after which a program counts as silent."""


@pytest.mark.usefixtures("no_fits")
def test_a_small_terminal_is_told_what_is_needed(start: Start, home: Home) -> None:
    terminal = start("digits", size=(20, 5))
    terminal.wait_for(TOO_SMALL)
    terminal.settle(0.3)
    terminal.press("7")  # for an image that is not shown
    terminal.settle(0.3)
    terminal.resize(80, 24)
    terminal.wait_ready()
    assert terminal.where() == (1, 1, 0)
    terminal.settle(0.3)
    terminal.answer("3")
    terminal.resize(20, 5)
    terminal.wait_for(TOO_SMALL)
    terminal.quit()
    assert [row["class"] for row in home.export()] == ["3"]


@pytest.mark.usefixtures("no_fits")
def test_two_annotators_label_at_once_and_see_each_other(start: Start, home: Home) -> None:
    anna = start("digits", "--annotator", "anna")
    anna.wait_ready()
    bob = start("digits", "--annotator", "bob")
    bob.wait_ready()
    anna.answer("1")
    bob.answer("2")
    anna.wait_for("with bob")
    bob.wait_for("with anna")
    for terminal in (anna, bob):
        terminal.wait_for("2 labels")
        terminal.quit()
    rows = {row["annotator"]: row["class"] for row in home.export()}
    assert rows == {"anna": "1", "bob": "2"}
    assert home.damage() == []


def test_without_a_terminal_it_says_what_works(home: Home) -> None:
    done = home.run("digits")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "\x1b" not in done.stderr
    for command in ("status", "export", "demo"):
        assert command in done.stderr


def test_idle_and_unbound_keys_write_nothing(start: Start) -> None:
    terminal = start("digits")
    terminal.wait_ready()
    for key in "1234567890":
        terminal.answer(key)
    terminal.wait_for(ACCURACY)
    # On a busy machine it takes a while until everything that a fit brings is drawn.
    for _ in range(round(PATIENCE / SILENCE)):
        terminal.settle(SILENCE)
        terminal.press(UNBOUND_KEY)
        if not terminal.pump(SILENCE):
            break
    else:
        pytest.fail(f"It writes again and again.\n{terminal.drawn()}")
    terminal.quit()
