"""`tuilabel view` in a pipeline: keys and drawing on the terminal, paths on standard output."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pty.labelling import CTRL_C, Home, LabellingTerminal
from tests.pty.terminal import is_gone

Start = Callable[..., LabellingTerminal]

RIGHT = "\x1b[C"
HOSTILE = (b"a \x1b[31mred.png", b"b\nline.png", b"c\xff.png", b"-rf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of 40 images like each other and one unlike, four with hostile names."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(3)
    names = [*HOSTILE, *(f"x{number:02}.png".encode() for number in range(36)), b"z odd.png"]
    for name in names:
        ramp = np.tile(np.arange(0, 240, 20), (12, 1))
        pixels = (ramp.T if b"odd" in name else ramp) + rng.integers(0, 15, (12, 12))
        with Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).open("wb") as file:
            Image.fromarray(pixels.astype(np.uint8)).save(file, "png")
    return folder


@pytest.fixture
def view(start: Start, folder: Path) -> Callable[..., LabellingTerminal]:
    """Return a function that starts `tuilabel view photos` with options, in a shell's words."""

    def view(words: str) -> LabellingTerminal:
        command = f"{sys.executable} -m tuilabel view {words}"
        script = command if "|" in words else f"exec {command}"
        terminal = start(command=("sh", "-c", script), cwd=folder.parent)
        terminal.wait_for(r"1 of 4[01], by name")
        return terminal

    return view


def mark(terminal: LabellingTerminal, count: int) -> None:
    """Mark the image on the screen, as soon as it was seen; the mark is the count-th."""
    presses = 0
    while f"{count} marked" not in terminal.text:
        terminal.press(" ")
        presses += 1
        assert presses < 100, terminal.drawn()
        terminal.wait_for(
            lambda: f"{count} marked" in terminal.text or "typed ahead" in terminal.text
        )
        terminal.pump(0.05)


def go_right(terminal: LabellingTerminal, place: int) -> None:
    """Go to the next image, which has a place from 1 on."""
    terminal.press(RIGHT)
    terminal.wait_for(rf"\b{place} of 4[01]")


def test_marked_paths_reach_another_program_as_they_are(
    view: Callable[..., LabellingTerminal], folder: Path
) -> None:
    terminal = view("-0 photos 2>log | xargs -0 -n1 printf '<%s>' >out")
    mark(terminal, 1)
    for place in (2, 3, 4):
        go_right(terminal, place)
        mark(terminal, place)
    assert "\x1b[31m" not in terminal.text
    terminal.press("q")
    assert (terminal.wait_exit(), terminal.left_behind()) == (0, [])
    written = (folder.parent / "out").read_bytes()
    found = set(written.removesuffix(b">").removeprefix(b"<").split(b"><"))
    assert found == {b"photos/" + name for name in HOSTILE}
    assert (folder.parent / "log").read_bytes() == b""


def test_a_path_with_a_line_break_is_never_written_as_two(
    view: Callable[..., LabellingTerminal], folder: Path
) -> None:
    terminal = view("photos >out")
    names = sorted(HOSTILE)
    for place in (1, 2, 3, 4):
        if place > 1:
            go_right(terminal, place)
        mark(terminal, place)
    terminal.press("q")
    assert terminal.wait_exit() == 2
    assert "1 marked path has a line break" in " ".join(terminal.after_screen.split())
    written = (folder.parent / "out").read_bytes().splitlines()
    assert set(written) == {b"photos/" + name for name in names if b"\n" not in name}


@pytest.mark.parametrize("way", ["ctrl+c", "SIGTERM"])
def test_who_does_not_quit_with_q_writes_nothing(
    view: Callable[..., LabellingTerminal], folder: Path, way: str
) -> None:
    terminal = view("photos >out")
    mark(terminal, 1)
    if way == "ctrl+c":
        terminal.press(CTRL_C)
    else:
        terminal.send_signal(signal.SIGTERM)
    status = terminal.wait_exit()
    assert (status, terminal.left_behind()) == ({"ctrl+c": 130, "SIGTERM": 143}[way], [])
    assert (folder.parent / "out").read_bytes() == b""


def test_the_most_unusual_come_first(view: Callable[..., LabellingTerminal], folder: Path) -> None:
    terminal = view("--sort odd photos >out")
    terminal.wait_for("most unusual first")
    mark(terminal, 1)
    terminal.press("q")
    assert (terminal.wait_exit(), terminal.left_behind()) == (0, [])
    assert (folder.parent / "out").read_bytes() == b"photos/z odd.png\n"


def test_a_key_typed_ahead_marks_nothing(start: Start, folder: Path, home: Home) -> None:
    terminal = start("view", str(folder), report_delay=0.5)
    terminal.wait_for(r"1 of 4[01], by name")
    for _ in range(20):
        terminal.press(RIGHT + " ")
    terminal.wait_for("typed ahead")
    terminal.wait_for(r"\b21 of 4[01]")
    assert "0 marked" in terminal.text
    terminal.press("q")
    assert (terminal.wait_exit(), terminal.left_behind()) == (0, [])
    assert is_gone(terminal.pid, 0)
    assert not list(home.path.glob("DATA/tuilabel/*")), "no session is made"
