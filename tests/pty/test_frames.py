"""How much is written to a real terminal, and when."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pty.labelling import LabellingTerminal

pytestmark = pytest.mark.usefixtures("no_fits")

Start = Callable[..., LabellingTerminal]

FRAME = "\x1b[?2026h"
"""Synchronized output begins: what comes up to its end is shown at once."""


def test_the_start_is_one_frame_and_another_image_costs_what_differs(start: Start) -> None:
    terminal = start("digits", "--cold-start", "random")
    terminal.wait_ready()
    terminal.settle(0.2)
    for once in ("round 1", "accuracy on", "quit"):
        assert terminal.transcript.count(once) == 1
    for key in "12":
        before = len(terminal.transcript)
        terminal.answer(key)
        terminal.settle(0.1)
        written = terminal.transcript[before:]
        assert written.count(FRAME) == 1
        # The keys of the legend and the names of the footer do not change.
        assert "quit" not in written
        assert len(written) < 4000


_WATCHED = """
import os, sys

class Watch:
    def find_spec(name, path=None, target=None):
        assert name != "numpy" or os.environ.get("OPENBLAS_NUM_THREADS") == "1"

sys.meta_path.insert(0, Watch)
from tuilabel.cli import main
main()
"""


def test_the_drawing_process_loads_only_what_it_needs(start: Start) -> None:
    # Numerical threads would double the time that numpy takes to load.
    command = (sys.executable, "-c", _WATCHED)
    terminal = start("digits", "--cold-start", "random", command=command)
    terminal.wait_ready()
    loaded = Path(f"/proc/{terminal.pid}/maps").read_text()
    assert "numpy" in loaded
    for name in ("libssl", "_imaging", "sklearn", "scipy/", "_multiprocessing"):
        assert name not in loaded


def test_what_another_program_wrote_is_drawn_over(start: Start) -> None:
    terminal = start("digits", "--cold-start", "random")
    terminal.wait_ready()
    terminal.settle(0.2)
    before = terminal.drawn()
    terminal._stream.feed("\x1b[1;1HBroadcast message from root")
    assert terminal.drawn() != before
    terminal.press("\x0c")
    terminal.wait_for(lambda: terminal.drawn() == before)
