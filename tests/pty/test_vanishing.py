"""A terminal that is gone, deaf or closed, and signals before there is a screen."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pty.labelling import ACCURACY, Home, LabellingTerminal
from tests.pty.terminal import PATIENCE, children, is_gone

Start = Callable[..., LabellingTerminal]

SILENCE = 1.0
LABEL = f"exec {sys.executable} -m tuilabel digits"
STARTS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT]


def in_shell(start: Start, script: str) -> LabellingTerminal:
    return start(command=["sh", "-c", script])


def test_it_ends_when_its_terminal_vanishes_though_hang_ups_are_ignored(
    start: Start, home: Home
) -> None:
    terminal = in_shell(start, f"trap '' HUP; {LABEL}")
    terminal.wait_ready()
    terminal.answer("1")
    trainer = children(terminal.pid)
    terminal.hang_up()
    assert is_gone(terminal.pid, PATIENCE)
    assert terminal.wait_exit() == 129
    assert all(is_gone(pid, PATIENCE) for pid in trainer)
    assert [row["class"] for row in home.export()] == ["1"]


def test_it_ends_on_a_terminal_that_takes_nothing_any_more(start: Start, home: Home) -> None:
    """Fill what lies between the program and a reader who does not read."""
    terminal = start("digits")
    terminal.wait_ready()
    terminal.answer("1")
    trainer = children(terminal.pid)
    fill(Path(f"/proc/{terminal.pid}/fd/2"))
    terminal.press("2")  # its frame does not fit any more
    terminal.send_signal(signal.SIGTERM)
    assert is_gone(terminal.pid, PATIENCE)
    assert all(is_gone(pid, PATIENCE) for pid in trainer)
    assert terminal.wait_exit() == 143
    assert terminal.left_behind() == []
    assert "1" in "".join(row["class"] for row in home.export())


def fill(terminal: Path) -> None:
    """Write until nothing more is taken."""
    descriptor = os.open(terminal, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(descriptor, b" " * 4096)
    os.close(descriptor)


@pytest.mark.parametrize("number", STARTS)
def test_a_signal_before_the_first_image_ends_it_in_order(
    start: Start, home: Home, number: signal.Signals
) -> None:
    terminal = start("digits")
    assert terminal.pump(PATIENCE)  # the question what the terminal is
    terminal.send_signal(number)
    assert terminal.wait_exit() == 128 + number
    assert terminal.left_behind() == [], terminal.drawn()
    assert "Traceback" not in terminal.transcript


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_with_the_first_frame_ends_it_in_order(
    start: Start, home: Home, number: signal.Signals
) -> None:
    terminal = start("digits")
    terminal.wait_for(lambda: "alternate screen" in terminal.left_behind())
    terminal.send_signal(number)
    assert terminal.wait_exit() == 128 + number
    assert terminal.left_behind() == [], terminal.drawn()
    assert home.damage() == []


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_closed_stream_is_said(start: Start, closed: str) -> None:
    terminal = in_shell(start, f"{LABEL} {closed}")
    assert terminal.wait_exit() == 2
    assert terminal.left_behind() == []
    if closed != "2>&-":
        assert "is closed, but tuilabel needs it" in " ".join(terminal.text.split())


def test_it_ends_with_its_shell(start: Start, home: Home) -> None:
    """The terminal stays: the kernel hangs up on whoever has it."""
    terminal = in_shell(start, f"({LABEL}); exit")
    terminal.wait_ready()
    terminal.answer("1")
    (job,) = children(terminal.pid)
    trainer = children(job)
    terminal.send_signal(signal.SIGKILL)
    assert all(is_gone(pid, PATIENCE) for pid in (job, *trainer))
    assert [row["class"] for row in home.export()] == ["1"]


def test_by_wish_it_outlives_its_shell_as_long_as_its_terminal(start: Start, home: Home) -> None:
    terminal = in_shell(start, f"trap '' HUP; ({LABEL}); exit")
    terminal.wait_ready()
    (job,) = children(terminal.pid)
    trainer = children(job)
    terminal.send_signal(signal.SIGKILL)
    terminal.answer("1")
    terminal.hang_up()
    assert all(is_gone(pid, PATIENCE) for pid in (job, *trainer))
    assert [row["class"] for row in home.export()] == ["1"]


def test_who_is_idle_does_not_wake_up(start: Start) -> None:
    terminal = start("digits")
    terminal.wait_ready()
    for key in "1234567890":
        terminal.answer(key)
    terminal.wait_for(ACCURACY)
    watched = [terminal.pid, *children(terminal.pid)]
    # On a busy machine it takes a while until everything that a fit brings is done.
    for _ in range(round(PATIENCE / SILENCE)):
        terminal.settle(SILENCE)
        before = [switches(pid) for pid in watched]
        if not terminal.pump(2 * SILENCE) and [switches(pid) for pid in watched] == before:
            break
    else:
        pytest.fail("It wakes up again and again.")
    terminal.quit()


def switches(pid: int) -> int:
    """Count how often the threads of a process were put to sleep or woken."""
    return sum(
        int(line.split()[1])
        for status in Path(f"/proc/{pid}/task").glob("*/status")
        for line in status.read_text().splitlines()
        if "ctxt_switches" in line
    )


def test_a_stopped_trainer_holds_nothing_up_and_dies_with_the_program(start: Start) -> None:
    terminal = start("digits")
    terminal.wait_ready()
    for key in "1234567890":
        terminal.answer(key)
    terminal.wait_for(ACCURACY)
    (trainer,) = children(terminal.pid)
    os.kill(trainer, signal.SIGSTOP)
    for key in "123456789012":
        terminal.answer(key)
    terminal.send_signal(signal.SIGKILL)
    assert is_gone(trainer, PATIENCE)


def test_a_trainer_that_dies_again_and_again_holds_nothing_up(start: Start) -> None:
    terminal = start("digits")
    terminal.wait_ready()
    for key in "123":
        terminal.wait_for(lambda: children(terminal.pid))
        (trainer,) = children(terminal.pid)
        os.kill(trainer, signal.SIGKILL)
        assert is_gone(trainer, PATIENCE)
        terminal.settle(0.2)  # a word on the trainer has frames of its own
        terminal.answer(key)
    terminal.wait_for("given up")
    terminal.settle(0.2)
    for key in "4567890":
        terminal.answer(key)
    terminal.wait_for(ACCURACY)
    terminal.quit()
