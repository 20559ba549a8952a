"""The demo: the ground truth presses the keys, and the curve climbs."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from tests.pty.labelling import OUTCOME, LabellingTerminal


def test_the_demo_of_digits_ends_above_90_percent(
    start: Callable[..., LabellingTerminal],
) -> None:
    terminal = start("demo", "digits", "--rate", "200", "--budget", "200")
    terminal.wait_for("The demo has finished", 120)
    terminal.press("q")  # it leaves by itself as well, somewhat later
    assert terminal.wait_exit() == 0
    assert terminal.left_behind() == []
    outcome = re.search(OUTCOME, " ".join(terminal.after_screen.split()))
    assert outcome is not None, terminal.after_screen
    labels, accuracy, n, _ = outcome.groups()
    logging.getLogger(__name__).info(outcome[0])
    assert int(labels) == 200
    assert float(accuracy) > 90
    assert int(n) == 500
