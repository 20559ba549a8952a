"""Two people label one session in two terminals, disagree, and settle it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.pty.labelling import Home, LabellingTerminal
from tests.pty.terminal import PATIENCE

pytestmark = pytest.mark.usefixtures("no_fits")

F6, HOME, TAB, ENTER, ESCAPE, BACKSPACE = "\x1b[17~", "\x1b[H", "\t", "\r", "\x1b", "\x7f"


def press_until(terminal: LabellingTerminal, key: str, sentence: str) -> None:
    """Press a key until its image is on the terminal and a sentence follows."""
    end = time.monotonic() + PATIENCE
    while sentence not in terminal.text:
        assert time.monotonic() < end, terminal.drawn()
        terminal.press(key)
        terminal.settle(0.3)


def test_two_people_disagree_and_one_key_settles_it(
    start: Callable[..., LabellingTerminal], home: Home
) -> None:
    anna = start("digits", "--annotator", "anna")
    anna.wait_ready()
    bob = start("digits", "--annotator", "bob")
    bob.wait_ready()
    anna.wait_for("with bob")
    anna.answer("3")
    bob.wait_for("with anna")
    bob.press(F6)
    bob.wait_for(r"label +3 +anna")
    bob.press(HOME + ENTER)
    press_until(bob, "r", "Press the key of its class")
    press_until(bob, "8", "saved: 8. Disputed now: ")

    anna.press(F6)
    anna.wait_for("1 dispute")
    assert (home.status()["disputed"], home.status()["labels"]) == (1, 0)
    anna.press(TAB)
    anna.wait_for("dispute +anna: 3, bob: 8")
    press_until(anna, "8", "decided for 8, no dispute is left")
    anna.press(BACKSPACE)
    anna.wait_for("the image is disputed again")
    (row,) = home.export()
    assert (row["class"], row["disputed"]) == ("", True)
    press_until(anna, "3", "decided for 3, no dispute is left")
    for terminal in (anna, bob):
        terminal.press(ESCAPE)
        terminal.wait_for("Space skip")
        terminal.quit()

    (row,) = home.export()
    assert (row["class"], row["annotator"], row["disputed"]) == ("3", "anna", False)
    status = home.status()
    assert {by: found["labels"] for by, found in status["annotators"].items()} == {
        "anna": 1,
        "bob": 0,
    }
    assert not any(found["here"] for found in status["annotators"].values())
    assert status["agreement"] == {"items": 1, "agreeing": 0}
    assert home.damage() == []
