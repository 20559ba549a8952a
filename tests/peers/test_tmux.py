"""`tuilabel` in tmux: what is attached, detached, resized and killed there."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pty.labelling import LABELS, Home, LabellingTerminal
from tests.pty.terminal import PATIENCE, children, is_gone
from tests.pty.test_vanishing import switches

Start = Callable[..., LabellingTerminal]

DETACH = "\x02d"
"""Ctrl-B and d."""


class Tmux:
    """A tmux server of its own, with `tuilabel` in its only pane."""

    def __init__(self, start: Start, home: Home, folder: Path) -> None:
        self._start = start
        self._env = {name: value for name, value in home.env.items() if name != "TMUX"}
        config = folder / "tmux.conf"
        config.write_text("set -g status off\nset -s escape-time 0\nset -g history-limit 0\n")
        # Not in the test's own folder: the path of a socket may have a hundred characters.
        self._tmux = ["tmux", "-L", f"tuilabel-{folder.name[:40]}", "-f", str(config)]
        program = [sys.executable, "-m", "tuilabel", "digits"]
        self.terminal = start(command=[*self._tmux, "new-session", *program], env=self._env)
        self.wait_image(self.terminal)
        self.program = int(self.run("list-panes", "-F", "#{pane_pid}"))

    def run(self, *command: str) -> str:
        return subprocess.run(
            [*self._tmux, *command],
            env=self._env,
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        ).stdout

    def attach(self, size: tuple[int, int] = (80, 24)) -> LabellingTerminal:
        terminal = self._start(command=[*self._tmux, "attach"], env=self._env, size=size)
        self.wait_image(terminal)
        return terminal

    def wait_image(self, terminal: LabellingTerminal) -> None:
        terminal.wait_for(LABELS)
        terminal.wait_for(terminal.sees_image)

    def kill(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def tmux(start: Start, home: Home, tmp_path: Path) -> object:
    """Return `tuilabel` in a tmux that has nothing to do with any other."""
    if shutil.which("tmux") is None:
        pytest.skip("no tmux here: install tmux")
    opened = Tmux(start, home, tmp_path)
    yield opened
    opened.kill()


def label(terminal: LabellingTerminal, key: str) -> None:
    """Press a key; tmux answers for the terminal, so that no report is to be waited for."""
    saved = terminal.saved
    for _ in range(5):
        terminal.press(key)
        terminal.wait_for(lambda: terminal.saved == saved + 1 or "press again" in terminal.drawn())
        # A busy machine may be slower than this: then do as the screen says.
        if terminal.saved == saved + 1:
            return
    raise AssertionError(terminal.drawn())


def test_detached_it_waits_and_attached_it_goes_on(tmux: Tmux, home: Home) -> None:
    first = tmux.terminal
    label(first, "1")
    picture = first.picture()
    first.press(DETACH)
    assert first.wait_exit() == 0
    falls_asleep(tmux.program)
    second = tmux.attach()
    second.wait_for(lambda: second.picture() == picture)
    label(second, "2")
    second.press("q")
    assert second.wait_exit() == 0
    assert is_gone(tmux.program, PATIENCE)
    assert [row["class"] for row in home.export()] == ["1", "2"]


def falls_asleep(pid: int) -> None:
    """Wait until a process that still runs does not wake up for half a second."""
    end = time.monotonic() + PATIENCE
    before = -1
    while before != (now := switches(pid)):
        assert time.monotonic() < end, "it never rests"
        before = now
        assert not is_gone(pid, 0.5)


def test_resized_at_any_moment_it_labels_what_is_seen(tmux: Tmux, home: Home) -> None:
    terminal = tmux.terminal
    for key, size in zip("1234", [(100, 30), (62, 21), (140, 45), (80, 24)], strict=True):
        saved = terminal.saved
        terminal.press(key)
        terminal.resize(*size)
        terminal.wait_for(lambda count=saved + 1: terminal.saved == count)
        terminal.settle(0.2)
    tmux.wait_image(terminal)
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert [row["class"] for row in home.export()] == ["1", "2", "3", "4"]


def test_two_who_look_at_it_may_both_label(tmux: Tmux, home: Home) -> None:
    first, second = tmux.terminal, tmux.attach((100, 30))
    label(second, "1")
    first.wait_for(lambda: first.number(LABELS) == 1)
    label(first, "2")
    second.wait_for(lambda: second.number(LABELS) == 2)
    second.press("q")
    assert second.wait_exit() == 0
    assert first.wait_exit() == 0
    assert [row["class"] for row in home.export()] == ["1", "2"]


def test_a_server_that_is_killed_takes_it_along_in_order(tmux: Tmux, home: Home) -> None:
    label(tmux.terminal, "1")
    trainer = children(tmux.program)
    tmux.run("kill-server")
    assert all(is_gone(pid, PATIENCE) for pid in (tmux.program, *trainer))
    tmux.terminal.wait_exit()
    assert [row["class"] for row in home.export()] == ["1"]
    assert home.damage() == []


def test_a_server_that_dies_without_a_word_does_too(tmux: Tmux, home: Home) -> None:
    label(tmux.terminal, "1")
    trainer = children(tmux.program)
    server = int(tmux.run("display-message", "-p", "#{pid}"))
    subprocess.run(["kill", f"-{int(signal.SIGKILL)}", str(server)], check=True)
    assert all(is_gone(pid, PATIENCE) for pid in (tmux.program, *trainer))
    tmux.terminal.wait_exit()
    assert [row["class"] for row in home.export()] == ["1"]
    assert home.damage() == []
