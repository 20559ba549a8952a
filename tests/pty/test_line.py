"""Line mode on a terminal that can only print."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

import pytest

from tests.pty.labelling import CTRL_C, Home, LabellingTerminal
from tests.pty.terminal import children, is_gone
from tuilabel.line.channel import GUARD

Start = Callable[..., LabellingTerminal]


@pytest.fixture
def dumb(start: Start, home: Home) -> LabellingTerminal:
    """Return a program that labels in lines because its terminal is dumb, with one label."""
    terminal = start("digits", env={**home.env, "TERM": "dumb"})
    asked(terminal, 1)
    terminal.press("3\n")
    terminal.wait_for(r"Saved: 3\.")
    asked(terminal, 2)
    terminal.wait_for(lambda: children(terminal.pid))
    return terminal


def asked(terminal: LabellingTerminal, times: int) -> None:
    """Wait for the prompt, and until an answer cannot have been typed before it."""
    terminal.wait_for(lambda: len(re.findall(r"^class\? ", terminal.transcript, re.M)) >= times)
    terminal.settle(2 * GUARD)


def test_a_dumb_terminal_gets_lines_and_nothing_but_text(
    dumb: LabellingTerminal, home: Home
) -> None:
    trainer = children(dumb.pid)
    assert dumb.transcript.startswith("TERM is 'dumb', so the terminal may not be able to draw")
    dumb.press("4\n")
    asked(dumb, 3)
    dumb.press(CTRL_C)
    assert dumb.wait_exit() == 130
    assert all(line.isprintable() for line in dumb.transcript.replace("\r\n", "\n").split("\n"))
    assert dumb.transcript.rstrip().splitlines()[-1].startswith("2 labels; saved in ")
    assert [row["class"] for row in home.export()] == ["3", "4"]
    ended_well(dumb, trainer)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_in_order(
    dumb: LabellingTerminal, home: Home, number: signal.Signals, status: int
) -> None:
    trainer = children(dumb.pid)
    dumb.send_signal(number)
    assert dumb.wait_exit() == status
    assert re.search("1 label; saved in", dumb.transcript)
    ended_well(dumb, trainer)


def test_it_ends_when_the_line_is_cut_and_half_an_answer_is_none(
    dumb: LabellingTerminal, home: Home
) -> None:
    trainer = children(dumb.pid)
    dumb.press("4")
    dumb.hang_up()
    assert dumb.wait_exit() == 129
    assert [row["class"] for row in home.export()] == ["3"]
    assert all(is_gone(pid, 2) for pid in trainer)


def ended_well(terminal: LabellingTerminal, trainer: list[int]) -> None:
    assert terminal.left_behind() == []
    assert all(is_gone(pid, 0) for pid in trainer)
