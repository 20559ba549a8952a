"""The home screen by itself, as `tuilabel home` shows it."""

from __future__ import annotations

from collections.abc import Callable

from tests.pty.labelling import LabellingTerminal


def test_home_alone_is_laid_out_like_home_beside_a_session(
    start: Callable[..., LabellingTerminal],
) -> None:
    terminal = start("home")
    terminal.wait_for("0 sessions")
    rows = terminal.text.split("\n")
    assert rows[1] == ""
    heading = next(y for y, row in enumerate(rows) if row.strip() == "details")
    assert rows[heading].startswith("  details")
    assert rows[heading - 1] == ""
    assert rows[heading + 1].strip()
