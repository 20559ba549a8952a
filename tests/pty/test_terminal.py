"""The terminal that the other tests look through: it sees what programs do to it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.pty.terminal import Terminal

MESS = r"stty -echo; printf '\033[?1049h\033[?25l\033[?2004h\033[?1004h\033[>1u'; exit 3"
TIDY = MESS.replace("; exit", r"; stty echo; printf '\033[<u\033[?1004l\033[?2004l'; exit").replace(
    "; exit", r"; printf '\033[?25h\033[?1049lbye'; exit"
)
ASKS = r"stty -echo -icanon; printf '\033[2J\033[2;3Hx\033[6n'; head -c 6 | od -An -c"


def run(script: str, cwd: Path, *, answers: bool = True) -> Terminal:
    return Terminal(["sh", "-c", script], env=dict(os.environ), cwd=cwd, answers=answers)


def test_what_a_program_leaves_behind_is_named(tmp_path: Path) -> None:
    terminal = run(MESS, tmp_path)
    assert terminal.wait_exit() == 3
    assert terminal.left_behind() == [
        "alternate screen",
        "focus reports",
        "bracketed paste",
        "no cursor",
        "kitty keyboard",
        "terminal settings",
    ]
    terminal.close()


def test_a_tidy_program_leaves_nothing_behind(tmp_path: Path) -> None:
    terminal = run(TIDY, tmp_path)
    assert terminal.wait_exit() == 3
    assert terminal.left_behind() == []
    assert terminal.after_screen == "bye"
    terminal.close()


def test_the_cursor_is_reported_where_it_stands(tmp_path: Path) -> None:
    terminal = run(ASKS, tmp_path)
    assert terminal.wait_exit() == 0
    assert "033 [ 2 ; 4 R" in " ".join(terminal.text.split())
    terminal.close()
