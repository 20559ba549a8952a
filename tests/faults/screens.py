"""The program on a pseudo-terminal: what its screen showed as saved is what has to be there."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.faults.context import Context
from tests.faults.preload import Fault, ImpossibleError
from tests.faults.table import Tally
from tests.faults.writes import Disk, read_calls
from tests.pty.labelling import Home, LabellingTerminal
from tests.pty.terminal import PATIENCE, children, is_gone
from tests.pty.test_kills import stream_keys
from tuilabel.errors import SessionFileError
from tuilabel.session.view import SessionView


def killed(context: Context, tally: Tally) -> Iterator[None]:
    """Kill and resume one session again and again while keys stream in."""
    home = Home.under(context.folder())
    _possible()
    _make(home)
    labels = 0
    while True:
        terminal = _start(home)
        try:
            stream_keys(terminal, context.rng)
            trainer = children(terminal.pid)
            terminal.send_signal(signal.SIGKILL)
            tally.expect(terminal.wait_exit() == -signal.SIGKILL, "it did not die of the kill")
        finally:
            terminal.close()
        tally.injected += 1
        tally.expect(all(is_gone(pid, PATIENCE) for pid in trainer), "a trainer was left")
        shown = max(labels, terminal.saved)
        labels = _count(home.session, tally, shown)
        tally.acknowledged += max(0, terminal.saved - tally.acknowledged)
        yield


def power_cut(context: Context, tally: Tally) -> Iterator[None]:
    """Let the program die in the middle of a write, and the disk keep what was synchronised."""
    _possible()
    library = context.library
    while True:
        home = Home.under(context.folder())
        _make(home)
        path = home.session
        folder, log = path.parent, home.path / "calls"
        disk = Disk(str(folder))
        disk.begin(folder)
        faulty = {
            "LD_PRELOAD": str(library),
            "FAULTY_FOLDER": str(folder),
            "FAULTY_AT": str(20 + context.below(100)),
            "FAULTY_KIND": str(int(Fault.TORN)),
            "FAULTY_LOG": str(log),
        }
        terminal = _start(home, **faulty)
        try:
            _answer_until_it_dies(context, terminal)
            terminal.send_signal(signal.SIGKILL)
            terminal.wait_exit()
        finally:
            terminal.close()
        tally.injected += 1
        tally.acknowledged += terminal.saved
        for call in read_calls(log):
            disk.apply(call)
        left = context.folder()
        disk.after_power_cut(left, context.rng, float(context.rng.choice([0.0, 0.5])))
        _count(left / path.name, tally, terminal.saved)
        shutil.rmtree(left)
        shutil.rmtree(home.path)
        yield


def _answer_until_it_dies(context: Context, terminal: LabellingTerminal) -> None:
    terminal.wait_for(lambda: not terminal.open or terminal.cursor_reports)
    for _ in range(60):
        before = terminal.saved
        terminal.press(str(context.below(10)))
        for _ in range(20):
            terminal.pump(0.1)
            if not terminal.open:
                return
            if terminal.saved > before:
                break


def _possible() -> None:
    if not sys.platform.startswith("linux"):
        raise ImpossibleError("processes are watched through Linux's /proc and pidfd")
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
    except OSError as error:
        raise ImpossibleError(f"no pseudo-terminal can be opened ({error})") from error


def _start(home: Home, **faulty: str) -> LabellingTerminal:
    command = [sys.executable, "-m", "tuilabel", "digits"]
    return LabellingTerminal(command, env={**home.env, **faulty}, cwd=home.path)


def _make(home: Home) -> None:
    terminal = _start(home)
    try:
        terminal.wait_ready()
        terminal.quit()
    finally:
        terminal.close()


def _count(path: Path, tally: Tally, shown: int) -> int:
    """Count the labels that hold; all that were shown have to be among them."""
    try:
        labels = sum(1 for _ in SessionView(path).labelled())
        tally.opened += 1
    except SessionFileError as error:
        tally.told += 1
        tally.expect(False, f"it does not open: {error}")
        return shown
    tally.lost += max(0, shown - labels)
    return labels
