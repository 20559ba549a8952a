"""Whatever is typed, and whenever: nothing is labelled by it, nothing crashes, nothing is left."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pty.labelling import CTRL_C, Home, LabellingTerminal
from tests.pty.terminal import PATIENCE, children, is_gone
from tests.pty.test_endings import CRASHES_AT_THE_THIRD_IMAGE

pytestmark = pytest.mark.usefixtures("no_fits")

Start = Callable[..., LabellingTerminal]

WITHIN = 8.0
"""Seconds after which Ctrl-C and signals have acted, whatever was typed before: less than one on a
quiet machine. To handle all that was typed before takes much longer than this."""

AFTERWARDS = "stty -icanon -echo min 1; echo ended; echo 'left:['$(sed '/^END$/Q' | cat -v)']'"
"""What a shell does that shows what was left for it to read, before a line END."""

FAR = 0.3


def at_a_shell(start: Start, *arguments: str, program: str = "-m tuilabel") -> LabellingTerminal:
    """Start the program at a shell, on a terminal that answers late."""
    command = f"{sys.executable} {program} {' '.join(arguments)}; {AFTERWARDS}"
    return start(command=["sh", "-c", command], report_delay=FAR)


def left_for_the_shell(terminal: LabellingTerminal) -> str:
    terminal.wait_for(
        lambda: not terminal.open or ("ended" in terminal.text and not terminal.owes_reports)
    )
    terminal.press("\nEND\n")
    terminal.wait_exit()
    return terminal.after_screen.rpartition("left:[")[2].partition("]")[0]


@pytest.mark.parametrize("typed", ["q", "1q", "11q2", "1\x031"])
def test_what_is_typed_ahead_leaves_no_report_for_the_shell(
    start: Start, pictures: Path, typed: str
) -> None:
    terminal = at_a_shell(start, str(pictures), "--classes", "day,night")
    assert terminal.pump(PATIENCE)
    terminal.press(typed)
    assert "R" not in left_for_the_shell(terminal)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("begun", [r"\x1b\[6n", r"left"])
def test_a_signal_leaves_no_report_for_the_shell(
    start: Start, number: signal.Signals, begun: str
) -> None:
    terminal = at_a_shell(start, "digits")
    if begun == "left":
        terminal.wait_for(begun)
    else:
        assert terminal.pump(PATIENCE)
    (program,) = children(terminal.pid)
    os.kill(program, number)
    assert left_for_the_shell(terminal) == ""


def test_a_crash_leaves_no_report_for_the_shell(start: Start, tmp_path: Path) -> None:
    script = tmp_path / "crashes.py"
    script.write_text(CRASHES_AT_THE_THIRD_IMAGE.replace("== 3", "== 1"))
    terminal = at_a_shell(start, "digits", program=str(script))
    assert left_for_the_shell(terminal) == ""
    assert "tuilabel crashed" in terminal.after_screen


def test_a_source_that_cannot_be_opened_leaves_no_report_for_the_shell(start: Start) -> None:
    terminal = at_a_shell(start, "/nowhere")
    assert left_for_the_shell(terminal) == ""
    assert "nowhere" in terminal.text


def test_without_a_screen_nothing_is_asked(start: Start, home: Home) -> None:
    terminal = start("digits", env={**home.env, "TERM": "dumb"})
    terminal.wait_for("class\\?")
    terminal.settle(0.5)
    terminal.press("q\n")
    assert terminal.wait_exit() == 0
    assert terminal.cursor_reports == 0


STALLS = [
    ["\x1b[200~", "1 2 3 \x1b", "5", " 1\x1b[3", "1m 2", "\x1b[20", "1~"],
    ["\x1b", "5"],
    ["\x1b[3", "1m"],
    ["\x1b[", "1", "1"],
    ["\x1bO", "1", "1P"],
    ["\x1b]1", "1", "1\x07"],
]


def test_a_sequence_that_stalls_labels_nothing(start: Start, home: Home) -> None:
    # The terminal reports late: a report never arrives before what was sent ahead of it.
    terminal = start("digits", report_delay=1.0)
    terminal.wait_for(lambda: terminal.saved == 0 and terminal.sees_image())
    terminal.settle(2.2)
    for pieces in STALLS:
        terminal.holds_reports = True
        for piece in pieces:
            terminal.press(piece)
            terminal.settle(0.25)
        terminal.holds_reports = False
        terminal.settle(1.5)
        assert terminal.saved == 0, pieces
    terminal.answer("7")
    terminal.quit()
    assert [row["class"] for row in home.export()] == ["7"]


def test_a_paste_that_does_not_end_is_reported(start: Start, home: Home) -> None:
    terminal = start("digits")
    terminal.wait_ready()
    terminal.press("\x1b[200~1 2 3")
    terminal.wait_for("A paste has begun and not ended")
    terminal.press("4\x1b[201~")
    terminal.answer("5")
    terminal.quit()
    assert [row["class"] for row in home.export()] == ["5"]


FLOODS = {
    "class keys": "12345" * 40_000,
    "a paste without an end": "\x1b[200~" + "1" * 200_000,
    "a long sequence": "\x1b[" + "1" * 100_000,
    "a long string": "\x1b]" + "1" * 100_000,
    "a long name": "/" + "a1" * 50_000,
    "screens": "\x1bOR\x1bOS\x1b[15~\x1b[17~\x1b[18~" * 3_000,
    "a long filter": "\x1b[17~/" + "ab " * 30_000,
    "a long search of actions": "\x1bOQ" + "ab" * 30_000,
}


@pytest.mark.parametrize("way", ["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_ctrl_c_and_signals_act_whatever_was_typed_before(
    start: Start, flood: str, way: str
) -> None:
    terminal = start("digits")
    terminal.wait_ready()
    for place in range(0, len(flood), 1000):
        terminal.press(flood[place : place + 1000])
        terminal.pump(0)
    if way == "Ctrl-C":
        terminal.press(CTRL_C)
    else:
        terminal.send_signal(signal.SIGTERM)
    assert terminal.wait_exit(WITHIN) == (0 if way == "Ctrl-C" else 143)
    assert terminal.left_behind() == []


@pytest.mark.parametrize("seed", range(6))
def test_random_bytes_never_crash_it(start: Start, seed: int) -> None:
    rng = random.Random(seed)
    terminal = start("digits")
    terminal.wait_ready()
    pieces = ["\x1b[", "\x1b", "u", ";", "/", "v", "\x1bOR", "\x1b[17~", "R", "\r", "1", "999999"]
    for _ in range(40):
        data = rng.randbytes(rng.randrange(60)) if rng.random() < 0.5 else b""
        typed = data.decode("latin-1") + "".join(rng.choices(pieces, k=8))
        terminal.press(typed.replace("\x03", "").replace("q", "").replace("\x1a", ""))
        terminal.pump(0.01)
        if not terminal.open:
            break
    terminal.press(CTRL_C)
    assert terminal.wait_exit() in (0, 2), terminal.drawn()
    assert is_gone(terminal.pid, PATIENCE)
