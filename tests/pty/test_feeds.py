"""Programs that follow along on a real terminal, also after the end of the one that labels."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable

from tests.pty.labelling import Home, LabellingTerminal
from tests.pty.terminal import PATIENCE

Start = Callable[..., LabellingTerminal]


def test_all_that_follow_have_the_last_label_even_after_a_kill(start: Start, home: Home) -> None:
    options = "--stream - --mirror m.csv --on-label 'cat >got; echo ended >>got'"
    script = f"exec {sys.executable} -m tuilabel digits {options} >out"
    terminal = start(command=("sh", "-c", script))
    terminal.wait_ready()
    terminal.answer("1")
    terminal.answer("2")
    terminal.send_signal(signal.SIGKILL)
    got, out, mirror = (home.path / name for name in ("got", "out", "m.csv"))
    end = time.monotonic() + PATIENCE
    while not (got.exists() and got.read_text().endswith("ended\n")):
        assert time.monotonic() < end
        time.sleep(0.02)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["now"] for line in lines if line["kind"] == "label"] == ["1", "2"]
    assert got.read_text() == out.read_text() + "ended\n"
    assert [row.split(",")[2] for row in mirror.read_text().splitlines()] == ["class", "1", "2"]
