"""However it ends: the terminal as it was, no process left, nothing lost, an honest status."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pty.labelling import CTRL_C, FITTING, LABELS, Home, LabellingTerminal
from tests.pty.terminal import PATIENCE, children, is_gone

Start = Callable[..., LabellingTerminal]

CRASHES_AT_THE_THIRD_IMAGE = """
import itertools

from tuilabel.cli import main
from tuilabel.tui.widgets.picture import Picture

show_image, calls = Picture.show_image, itertools.count(1)

def broken(self, *arguments):
    if next(calls) == 3:
        raise RuntimeError("broken on purpose")
    show_image(self, *arguments)

Picture.show_image = broken
main()
"""


CRASHES_OVER_A_SECRET = """
from tuilabel.cli import main
from tuilabel.session import Session

def broken(session, *arguments, **others):
    raise KeyError(session.about.source, *session.classes.names)

Session.undo = broken
main()
"""


@pytest.fixture
def labelling(start: Start) -> LabellingTerminal:
    """Return a program with two labels and a trainer."""
    terminal = start("digits")
    terminal.wait_ready()
    terminal.answer("1")
    terminal.answer("2")
    terminal.wait_for(lambda: children(terminal.pid))
    return terminal


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGQUIT, 131)],
)
def test_a_signal_ends_it_in_order(
    labelling: LabellingTerminal, home: Home, number: signal.Signals, status: int
) -> None:
    trainer = children(labelling.pid)
    labelling.send_signal(number)
    assert labelling.wait_exit() == status
    ended_well(labelling, home, trainer)


def test_ctrl_c_quits(labelling: LabellingTerminal, home: Home) -> None:
    trainer = children(labelling.pid)
    labelling.press(CTRL_C)
    assert labelling.wait_exit() == 0
    ended_well(labelling, home, trainer)


def test_it_ends_when_its_terminal_vanishes(labelling: LabellingTerminal, home: Home) -> None:
    trainer = children(labelling.pid)
    labelling.hang_up()
    assert is_gone(labelling.pid, PATIENCE)
    assert labelling.wait_exit() != 0
    assert all(is_gone(pid, PATIENCE) for pid in trainer)
    assert [row["class"] for row in home.export()] == ["1", "2"]
    assert home.damage() == []


def test_a_crash_restores_the_terminal_and_says_so(start: Start, home: Home) -> None:
    terminal = start("digits", command=(sys.executable, "-c", CRASHES_AT_THE_THIRD_IMAGE))
    terminal.wait_ready()
    terminal.answer("1")
    terminal.press("2")
    status = terminal.wait_exit()
    assert status == 70
    assert terminal.left_behind() == []
    said = "".join(terminal.after_screen.split())
    assert "RuntimeErrorintuilabel.tui.widgets.board" in said
    assert "2labelsaresavedin" in said
    assert [row["class"] for row in home.export()] == ["1", "2"]


def test_a_report_has_no_names_in_it(start: Start, home: Home, pictures: Path) -> None:
    folder = pictures.rename(pictures.with_name("aunt-agatha"))
    terminal = start(
        *(str(folder), "--classes", "umbrella,parasol"),
        command=(sys.executable, "-c", CRASHES_OVER_A_SECRET),
    )
    terminal.wait_ready()
    terminal.answer("1")
    terminal.press("u")
    assert terminal.wait_exit() == 70
    assert "1labelissavedin" in "".join(terminal.after_screen.split())
    (report,) = (home.path / "STATE" / "tuilabel" / "log").glob("crash-*.txt")
    text = report.read_text()
    assert "KeyError" in text
    assert "tuilabel.tui.screens.label:" in text
    for secret in ("agatha", "umbrella", "parasol", "night", "day.png", str(home.path)):
        assert secret not in text
    assert report.name in "".join(terminal.after_screen.split())
    assert report.name in home.run("doctor").stdout.replace("\n", "")


def test_quitting_does_not_wait_for_a_fit(start: Start, home: Home, mnist_dir: Path) -> None:
    terminal = start(f"mnist:{mnist_dir}", "--pool", "4000", "--test", "400", "--model", "mlp")
    terminal.wait_ready()
    terminal.wait_for(lambda: children(terminal.pid))
    trainer = children(terminal.pid)
    for place in range(9):
        terminal.answer(str(place))
    terminal.press("9")
    terminal.wait_for(FITTING)
    for pid in trainer:
        os.kill(pid, signal.SIGSTOP)  # a fit that never ends
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert terminal.left_behind() == []
    assert all(is_gone(pid, PATIENCE) for pid in trainer)
    assert len(home.export()) == 10


def ended_well(terminal: LabellingTerminal, home: Home, trainer: list[int]) -> None:
    assert terminal.left_behind() == [], terminal.drawn()
    assert re.search(LABELS, terminal.after_screen)
    assert all(is_gone(pid, 0) for pid in trainer)
    assert [row["class"] for row in home.export()] == ["1", "2"]
    assert home.damage() == []


def test_keys_typed_while_it_leaves_are_not_in_front_of_the_last_sentence(
    labelling: LabellingTerminal,
) -> None:
    labelling.press("q")
    while labelling.open:
        labelling.pump(0.005)
        labelling.press("x")
    assert labelling.wait_exit() == 0
    rows = labelling.text.splitlines()
    assert any(row.startswith("2 labels; saved in") for row in rows), labelling.drawn()
