"""How much is written to a real terminal, and when."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.pty.labelling import FITTING, LabellingTerminal

Start = Callable[..., LabellingTerminal]

FRAME = "\x1b[?2026h"
"""Synchronized output begins: what comes up to its end is shown at once."""


def test_the_start_is_one_frame(start: Start) -> None:
    terminal = start("digits", "--cold-start", "random")
    terminal.wait_ready()
    terminal.settle(0.3)
    for once in ("round 1", "accuracy on", "quit"):
        assert terminal.transcript.count(once) == 1


def test_another_image_costs_what_differs_and_no_more(start: Start) -> None:
    terminal = start("digits", "--cold-start", "random")
    terminal.wait_ready()
    terminal.settle(0.3)
    for key in "123":
        before = len(terminal.transcript)
        terminal.answer(key)
        terminal.settle(0.1)
        written = terminal.transcript[before:]
        assert written.count(FRAME) == 1
        # The keys of the legend and the names of the footer do not change.
        assert "quit" not in written
        assert len(written) < 4000


def test_a_fit_that_arrives_writes_what_is_new(start: Start) -> None:
    terminal = start("digits", "--cold-start", "random", "--batch-size", "2")
    terminal.wait_ready()
    for key in "12":
        terminal.answer(key)
    terminal.wait_for(lambda: not re.search(FITTING, terminal.text))
    terminal.settle(0.5)
    assert "left" not in terminal.transcript.rpartition(FRAME)[2]
