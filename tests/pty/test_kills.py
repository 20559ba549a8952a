"""Kills at random moments: what the screen showed as saved is in the export."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.pty.labelling import Home, LabellingTerminal
from tests.pty.terminal import PATIENCE, children, is_gone

KILLS = int(os.environ.get("TUILABEL_KILLS", "5"))


def stream_keys(terminal: LabellingTerminal, rng: np.random.Generator) -> str:
    """Press digits at a random pace until a random moment; give them.

    One life in ten or so ends before the program writes anything, some while it draws its first
    image, and most somewhere between a key and the last byte of its repaint.
    """
    pressed = ""
    if not terminal.pump(float(rng.uniform(0.0, 4.0))):
        return pressed
    end = int(rng.integers(250_000))
    while terminal.bytes_read < end and len(pressed) < 400:
        key = str(rng.integers(10))
        terminal.press(key)
        pressed += key
        terminal.pump(float(rng.uniform(0.0, 0.05)))
    return pressed


def is_subsequence(few: str, many: str) -> bool:
    rest = iter(many)
    return all(item in rest for item in few)


def test_labels_shown_as_saved_survive_kills(
    start: Callable[..., LabellingTerminal], home: Home
) -> None:
    """Kill and resume one session again and again while keys stream in.

    Five times, or as often as the environment variable TUILABEL_KILLS says; with
    ``--log-cli-level=INFO`` the outcome is printed.
    """
    rng = np.random.default_rng(20)
    terminal = start("digits")
    terminal.wait_ready()
    terminal.quit()
    rows: list[dict[str, Any]] = []
    keys = unseen = silent = 0
    for _ in range(KILLS):
        terminal = start("digits")
        pressed = stream_keys(terminal, rng)
        trainer = children(terminal.pid)
        terminal.send_signal(signal.SIGKILL)
        assert terminal.wait_exit() == -signal.SIGKILL, terminal.drawn()

        assert home.damage() == []
        before, rows = rows, home.export()
        assert len(rows) >= terminal.saved, "a label shown as saved is lost"
        assert rows[: len(before)] == before, "a label of an earlier life is lost or changed"
        assert len({row["item_id"] for row in rows}) == len(rows)
        new = "".join(row["class"] for row in rows[len(before) :])
        assert is_subsequence(new, pressed), f"{new} was not pressed: {pressed}"
        assert all(is_gone(pid, PATIENCE) for pid in trainer)
        keys += len(pressed)
        silent += not terminal.bytes_read
        unseen += terminal.saved > 0 and len(rows) > terminal.saved
    logging.getLogger(__name__).info(
        "%d kills while %d keys streamed in: %d labels in the export, none that was shown as saved "
        "is missing; %d kills came before the first byte, %d between a commit and its repaint",
        *(KILLS, keys, len(rows), silent, unseen),
    )
