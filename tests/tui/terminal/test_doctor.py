"""What `tuilabel doctor` says of the keyboard; its other lines are tested where they come from."""

from __future__ import annotations

import pytest

from tuilabel.tui.terminal.doctor import keyboard_lines
from tuilabel.tui.terminal.probe import TerminalAnswers


@pytest.mark.parametrize(
    ("round_trip", "shell", "lines"),
    [
        (0.0006, True, ["answers       in 0.6 ms", "job control   Ctrl-Z and fg"]),
        (
            None,
            False,
            [
                "! The terminal does not report its cursor: keys wait 150 ms after each image.",
                "job control   none: there is no shell to go back to",
            ],
        ),
    ],
)
def test_doctor_says_when_keys_are_taken_and_what_ctrl_z_does(
    round_trip: float | None, shell: bool, lines: list[str]
) -> None:
    assert list(keyboard_lines(TerminalAnswers(round_trip=round_trip), shell=shell)) == lines
