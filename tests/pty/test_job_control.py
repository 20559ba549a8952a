"""Ctrl-Z and `fg`: the shell gets its terminal whole, and so does the program that comes back."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pty.labelling import CTRL_C, Home, LabellingTerminal
from tests.pty.terminal import PATIENCE, children, is_gone

pytestmark = pytest.mark.usefixtures("no_fits")

Start = Callable[..., LabellingTerminal]

CTRL_Z = "\x1a"
F2 = "\x1bOQ"
NO_SHELL = "No shell to return to"
LABEL = f"{sys.executable} -m tuilabel digits; echo ended $?\n"


class Shell:
    """A shell on a terminal, with `tuilabel` as its job.

    It is dash where there is one: it leaves the terminal's settings as a job leaves them.
    """

    def __init__(self, start: Start, home: Home, first: str = "", label: str = LABEL) -> None:
        env = {**home.env, "PS1": "shell> ", "ENV": "", "HOME": str(home.path)}
        env["TUILABEL_LINK"] = "fast"
        self.terminal = start("-i", command=["sh"], env=env)
        self.wait_prompt()
        self.terminal.press(first + label)
        self.terminal.wait_ready()

    def wait_prompt(self, before: str = "") -> None:
        """Wait until the shell asks, and something that matches stands on the screen."""
        self.terminal.wait_for(
            lambda: (
                self.terminal.before_cursor == "shell> " and re.search(before, self.terminal.text)
            )
        )

    @property
    def job(self) -> int:
        (job,) = children(self.terminal.pid)
        return job

    def is_stopped(self) -> bool:
        return Path(f"/proc/{self.job}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def wait_stopped(self) -> None:
        self.terminal.wait_for(self.is_stopped)
        self.wait_prompt()

    def back(self) -> None:
        reports = self.terminal.cursor_reports
        self.terminal.press("fg; echo ended $?\n")
        self.terminal.wait_for(lambda: self.terminal.cursor_reports > reports)
        self.terminal.wait_ready()


@pytest.fixture
def shell(start: Start, home: Home) -> Shell:
    return Shell(start, home)


def stop_by_key(shell: Shell) -> None:
    shell.terminal.press(CTRL_Z)


def stop_by_signal(shell: Shell) -> None:
    os.kill(shell.job, signal.SIGTSTP)


@pytest.mark.parametrize("stop", [stop_by_key, stop_by_signal])
def test_the_shell_gets_its_terminal_and_fg_leads_back(
    shell: Shell, home: Home, stop: Callable[[Shell], None]
) -> None:
    terminal = shell.terminal
    terminal.answer("1")
    picture, where = terminal.picture(), terminal.where()
    stop(shell)
    shell.wait_stopped()
    assert terminal.left_behind() == []
    terminal.press("echo 345\n")  # labels nothing
    shell.wait_prompt(r"\n345\n")
    terminal.resize(100, 30)
    shell.back()
    assert terminal.where() == where
    terminal.wait_for(lambda: terminal.wide() == 100)
    terminal.resize(80, 24)
    terminal.wait_for(lambda: terminal.picture() == picture)
    terminal.settle(0.2)
    terminal.answer("2")
    terminal.press("q")
    shell.wait_prompt("ended 0")
    assert terminal.left_behind() == []
    assert [row["class"] for row in home.export()] == ["1", "2"]


def test_keys_typed_ahead_of_the_picture_that_comes_back_label_nothing(
    shell: Shell, home: Home
) -> None:
    terminal = shell.terminal
    terminal.press(CTRL_Z)
    shell.wait_stopped()
    terminal.press("fg; echo ended $?\n333")
    shell.terminal.wait_for("typed ahead")
    terminal.press("q")
    shell.wait_prompt("ended 0")
    assert home.export() == []


def test_in_the_background_it_does_not_touch_the_terminal(shell: Shell, home: Home) -> None:
    terminal = shell.terminal
    terminal.press(CTRL_Z)
    shell.wait_stopped()
    terminal.press("bg\n")
    shell.wait_prompt(r"\[1\] /")
    terminal.wait_for(shell.is_stopped)
    assert terminal.left_behind() == []
    shell.back()
    terminal.answer("1")
    terminal.press("q")
    shell.wait_prompt("ended 0")


def test_after_a_stop_that_cannot_be_heard_it_draws_itself_anew(shell: Shell, home: Home) -> None:
    terminal = shell.terminal
    terminal.answer("1")
    picture = terminal.picture()
    os.kill(shell.job, signal.SIGSTOP)
    shell.wait_stopped()
    terminal.press("stty sane; clear\n")
    terminal.wait_for(r"\A\s*shell>\s*\Z")
    shell.back()
    assert terminal.picture() == picture
    terminal.answer("2")
    terminal.press("q")
    shell.wait_prompt("ended 0")
    assert [row["class"] for row in home.export()] == ["1", "2"]


def test_it_ends_with_the_shell_that_it_waits_for(shell: Shell, home: Home) -> None:
    """The kernel hangs up on a stopped job whose shell has died, and wakes it."""
    terminal = shell.terminal
    terminal.answer("1")
    job, trainer = shell.job, children(shell.job)
    terminal.press(CTRL_Z)
    shell.wait_stopped()
    terminal.send_signal(signal.SIGKILL)
    assert is_gone(job, PATIENCE)
    assert all(is_gone(pid, PATIENCE) for pid in trainer)
    assert [row["class"] for row in home.export()] == ["1"]
    assert home.damage() == []


def test_without_a_shell_it_says_so(start: Start) -> None:
    terminal = start("digits")
    terminal.wait_ready()
    terminal.press(CTRL_Z)
    terminal.wait_for(NO_SHELL)
    terminal.answer("1")
    terminal.send_signal(signal.SIGTSTP)
    terminal.wait_for(NO_SHELL)
    terminal.answer("2")
    terminal.quit()


def test_where_stopping_is_ignored_by_wish_it_says_so(start: Start, home: Home) -> None:
    shell = Shell(start, home, "trap '' TSTP; ")
    shell.terminal.press(CTRL_Z)
    shell.terminal.wait_for(NO_SHELL)
    shell.terminal.press("q")
    shell.wait_prompt("ended 0")


def test_ctrl_z_and_ctrl_c_are_heard_where_text_is_typed(shell: Shell) -> None:
    terminal = shell.terminal
    terminal.press(F2)
    terminal.wait_for("Type a part of an action")
    terminal.settle(0.7)  # longer than a cursor that blinks is still
    terminal.press(CTRL_Z)
    shell.wait_stopped()
    terminal.press("clear\n")
    terminal.wait_for(r"\A\s*shell>\s*\Z")
    terminal.press("fg; echo ended $?\n")
    terminal.wait_for("Type a part of an action")
    terminal.press(CTRL_C)
    shell.wait_prompt("ended 0")
    assert terminal.left_behind() == []


def test_sigcont_alone_does_no_harm(start: Start, home: Home) -> None:
    terminal = start("digits")
    terminal.send_signal(signal.SIGCONT)
    terminal.wait_ready()
    terminal.answer("1")
    reports = terminal.cursor_reports
    terminal.send_signal(signal.SIGCONT)
    terminal.wait_for(lambda: terminal.cursor_reports > reports)
    terminal.settle(0.1)
    terminal.answer("2")
    terminal.quit()
    assert [row["class"] for row in home.export()] == ["1", "2"]


def test_ctrl_c_while_it_ends_changes_nothing(start: Start, home: Home) -> None:
    terminal = start("digits")
    terminal.wait_ready()
    terminal.answer("1")
    terminal.send_signal(signal.SIGTERM)
    terminal.wait_for(lambda: "alternate screen" not in terminal.left_behind())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        terminal.send_signal(number)
    terminal.press(CTRL_C * 3)
    assert terminal.wait_exit() == 128 + signal.SIGTERM
    assert terminal.left_behind() == []
    # With Ctrl-C the terminal may throw away words that it has not shown yet; the label is saved.
    assert [row["class"] for row in home.export()] == ["1"]
