"""Standard streams that carry data: keys and drawing use the terminal all the same."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable

import pytest

from tests.pty.labelling import CTRL_C, Home, LabellingTerminal
from tests.pty.terminal import PATIENCE, children, is_gone
from tests.pty.test_endings import CRASHES_AT_THE_THIRD_IMAGE
from tests.pty.test_job_control import Shell
from tests.pty.test_line import asked

pytestmark = pytest.mark.usefixtures("no_fits")

Start = Callable[..., LabellingTerminal]

RUN = (sys.executable, "-m", "tuilabel")
ALL = "<pipe >out 2>log"


@pytest.fixture
def start_with(start: Start, home: Home) -> Callable[..., LabellingTerminal]:
    """Return a function that starts `tuilabel` with redirections, as a shell does."""
    os.mkfifo(home.path / "pipe")
    # Open at both ends, it is a pipe that nobody ever writes to: who reads it waits for ever.
    held = os.open(home.path / "pipe", os.O_RDWR)

    def start_with(
        redirections: str, *arguments: str, command: tuple[str, ...] = RUN, **options: object
    ) -> LabellingTerminal:
        # Descriptor 9: a terminal that nobody has open is gone, and there is no shell here.
        shell = ("sh", "-c", f'exec "$@" {redirections} 9>/dev/tty', "sh", *command)
        return start(*(arguments or ("digits",)), command=shell, **options)

    yield start_with
    os.close(held)


def labelled(terminal: LabellingTerminal) -> LabellingTerminal:
    """Label two images."""
    terminal.wait_ready()
    terminal.answer("1")
    terminal.answer("2")
    return terminal


def read(home: Home, name: str) -> str:
    """Return what a stream carried, nothing if it was not redirected."""
    path = home.path / name
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("redirections", ["<pipe", "</dev/null", ">out", "2>log", ALL])
def test_labels_go_to_standard_output_and_all_else_to_the_terminal(
    start_with: Callable[..., LabellingTerminal], home: Home, redirections: str
) -> None:
    terminal = start_with(redirections, size=(100, 30))
    labelled(terminal)
    assert terminal.wide() == 100
    terminal.resize(120, 34)
    terminal.wait_for(lambda: terminal.wide() == 120)
    terminal.quit()
    assert "2 labels; saved in" in terminal.after_screen
    rows = [json.loads(line) for line in read(home, "out").splitlines()]
    assert [row["class"] for row in rows] == (["1", "2"] if ">out" in redirections else [])
    assert read(home, "log") == ""
    assert len(home.export()) == 2


def test_a_pipeline(start: Start, home: Home) -> None:
    script = f"yes 2>/dev/null | {sys.executable} -m tuilabel digits 2>log | tee out | wc -l"
    terminal = labelled(start(command=("sh", "-c", script)))
    terminal.quit()
    assert terminal.after_screen.splitlines()[-1].strip() == "2"
    assert [json.loads(line)["class"] for line in read(home, "out").splitlines()] == ["1", "2"]


@pytest.mark.parametrize("first", ["", "fg\n"])
def test_a_pipeline_stops_and_goes_on(start: Start, home: Home, first: str) -> None:
    command = f"yes 2>/dev/null | {sys.executable} -m tuilabel digits 2>log | cat >out"
    command += " &\n" if first else "; echo ended $?\n"
    shell = Shell(start, home, label=command + first)
    terminal = shell.terminal
    terminal.answer("1")
    terminal.press("\x1a")
    shell.wait_prompt()
    assert terminal.left_behind() == []
    shell.back()
    terminal.answer("2")
    terminal.press("q")
    shell.wait_prompt("ended 0")
    assert terminal.left_behind() == []
    assert [json.loads(line)["class"] for line in read(home, "out").splitlines()] == ["1", "2"]


def test_a_program_that_does_not_read_the_labels_keeps_nothing_from_ending_it(
    start_with: Callable[..., LabellingTerminal], home: Home
) -> None:
    full = os.open(home.path / "pipe", os.O_RDWR | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(full, bytes(4096))
    terminal = labelled(start_with(">pipe"))
    terminal.press("q")
    terminal.wait_for(lambda: "2 labels; saved in" in terminal.after_screen)
    terminal.send_signal(signal.SIGTERM)
    assert (terminal.wait_exit(), terminal.left_behind()) == (143, [])
    os.close(full)


@pytest.mark.parametrize("redirections", ["<pipe", ">out", "2>log", ALL])
def test_a_signal_ends_it_in_order(
    start_with: Callable[..., LabellingTerminal], home: Home, redirections: str
) -> None:
    terminal = labelled(start_with(redirections))
    terminal.send_signal(signal.SIGTERM)
    assert terminal.wait_exit() == 143
    assert terminal.left_behind() == []
    assert "2 labels; saved in" in terminal.after_screen
    # A program that reads it gets all labels or none.
    assert read(home, "out") == read(home, "log") == ""
    assert len(home.export()) == 2


def test_a_signal_before_the_screen_restores_the_terminal(
    start_with: Callable[..., LabellingTerminal],
) -> None:
    waits = (
        "import os, signal, tuilabel.workspace.opening as o\n"
        "o.open_workspace = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)\n"
        "from tuilabel.cli import main\nmain()"
    )
    terminal = start_with(ALL, command=(sys.executable, "-c", waits))
    assert terminal.wait_exit() == 143
    assert terminal.left_behind() == []


def test_ctrl_c_quits(start_with: Callable[..., LabellingTerminal], home: Home) -> None:
    terminal = labelled(start_with(ALL))
    terminal.press(CTRL_C)
    assert (terminal.wait_exit(), terminal.left_behind()) == (0, [])
    assert len(read(home, "out").splitlines()) == 2


def test_a_crash_is_reported_on_the_terminal(
    start_with: Callable[..., LabellingTerminal], home: Home
) -> None:
    terminal = start_with(ALL, command=(sys.executable, "-c", CRASHES_AT_THE_THIRD_IMAGE))
    terminal.wait_ready()
    terminal.answer("1")
    terminal.press("2")
    assert terminal.wait_exit() == 70
    assert terminal.left_behind() == []
    said = "".join(terminal.after_screen.split())
    assert "RuntimeErrorintuilabel.tui.widgets.board" in said
    assert "2labelsaresavedin" in said
    assert read(home, "out") == read(home, "log") == ""


def test_it_ends_when_its_terminal_vanishes(
    start_with: Callable[..., LabellingTerminal], home: Home
) -> None:
    terminal = labelled(start_with(ALL))
    terminal.wait_for(lambda: children(terminal.pid))
    trainer = children(terminal.pid)
    terminal.hang_up()
    assert is_gone(terminal.pid, PATIENCE)
    assert terminal.wait_exit() == 129
    assert all(is_gone(pid, PATIENCE) for pid in trainer)
    assert read(home, "out") == read(home, "log") == ""
    assert len(home.export()) == 2


def test_lines_on_a_terminal_that_only_prints(
    start_with: Callable[..., LabellingTerminal], home: Home
) -> None:
    terminal = start_with(ALL, env={**home.env, "TERM": "dumb"})
    asked(terminal, 1)
    terminal.press("3\n")
    asked(terminal, 2)
    terminal.press("q\n")
    assert (terminal.wait_exit(), terminal.left_behind()) == (0, [])
    assert terminal.transcript.rstrip().splitlines()[-1].startswith("1 label; saved in ")
    assert [json.loads(line)["class"] for line in read(home, "out").splitlines()] == ["3"]


def test_a_question_before_the_screen_is_asked_on_the_terminal(
    start_with: Callable[..., LabellingTerminal], home: Home
) -> None:
    asks = (
        "from tuilabel.tui.terminal.tty import TTY\nimport click\nTTY.open()\n"
        "with TTY.asking():\n    said = click.confirm('Is it open?')\n"
        "print(said)\n"
    )
    terminal = start_with(ALL, command=(sys.executable, "-c", asks))
    terminal.wait_for(r"Is it open\? \[y/N\]:")
    terminal.press("y\n")
    assert terminal.wait_exit() == 0
    assert read(home, "out") == "True\n"
    assert read(home, "log") == ""


@pytest.mark.parametrize("redirections", ["<pipe", "2>log", "<pipe >out"])
def test_without_a_controlling_terminal_there_is_one_sentence(
    start_with: Callable[..., LabellingTerminal], home: Home, redirections: str
) -> None:
    terminal = start_with(redirections, command=("setsid", "-w", *RUN))
    assert terminal.wait_exit() == 2
    said = " ".join((terminal.text + read(home, "log")).split())
    assert said.startswith("tuilabel: A screen needs a terminal, but standard")
    assert "/dev/tty: No such device or address" in said
    assert read(home, "out") == ""
