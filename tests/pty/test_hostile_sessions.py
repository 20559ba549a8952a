"""A few of the sessions of `tests/hostile_sessions.py` on a real terminal: every screen of each."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_sessions import (
    SESSIONS,
    foreign,
    hostile_session,
    is_openable,
    make_photos,
    make_session,
)

from tests.pty.labelling import LABELS, Home, LabellingTerminal
from tuilabel.workspace.places import data_dir

pytestmark = pytest.mark.usefixtures("no_fits")

Start = Callable[..., LabellingTerminal]

OURS = re.compile(
    # Attributes, cursor, modes and questions; the colour of the background, the mouse's pointer.
    r"\x1b\[[0-9;?<>=]*[ $'\"]?[A-Za-z]|\x1b\](?:11;\?|22;[a-z]*)(?:\x07|\x1b\\)|[\r\n]"
)
NOT_OURS = ("\x1b[31m", "\x1b]0;", "\x1b]52;", "\x1bP")

DOWN, ENTER, ESCAPE, TAB, F7 = "\x1b[B", "\r", "\x1b", "\t", "\x1b[18~"

SCREENS = {
    **{"\x1bOP": "help", "\x1bOR": "curve", "\x1bOS": "confusion", "\x1b[15~": "classes"},
    **{"\x1b[17~": "history", F7: "home", "\x1b[19~": "messages"},
}
"""The first word on each screen, by the key that leads there."""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.tuilabel"
    make_session(make_photos(tmp_path), path)
    return path


@pytest.mark.parametrize("seed", range(1, max(SESSIONS, 2), 10))
def test_every_screen_of_a_hostile_session(
    start: Start, home: Home, template: Path, seed: int
) -> None:
    for other in (seed - 1, seed):  # the last one is opened
        path = hostile_session(template, other)
    home.env["XDG_DATA_HOME"] = str(data_dir().parent)
    terminal = start()
    terminal.wait_for(rf"{LABELS}|tuilabel:")
    if not terminal.open or not terminal.sees_image():
        assert not is_openable(seed)
        assert terminal.wait_exit() in (1, 2)
        check(terminal)
        return
    terminal.wait_ready()
    for key, word in SCREENS.items():
        terminal.press(key)
        terminal.wait_for(rf"\A\s*{word}\b")
        for more in (DOWN, DOWN, TAB, ENTER)[: 2 if key == F7 else None]:  # opens no other session
            terminal.press(more)
        terminal.settle(0.1)
        terminal.press(ESCAPE + ESCAPE + "v")  # the labelling screen, in its other view
        terminal.settle(0.1)
    terminal.quit()
    check(terminal)
    # The list of all sessions is not ended by those that cannot be read.
    terminal = start("home")
    terminal.wait_for("2 sessions")
    for _ in range(4):
        terminal.press(DOWN)
        terminal.settle(0.1)
    terminal.press("q")
    assert terminal.wait_exit() == 0
    check(terminal)
    assert path.exists()


def check(terminal: LabellingTerminal) -> None:
    """Check that nothing of the session reached the terminal but text, and nothing is left."""
    assert not foreign(OURS.sub("", terminal.transcript))
    assert not any(code in terminal.transcript for code in NOT_OURS)
    assert "Traceback" not in terminal.transcript
    assert "crashed" not in terminal.transcript
    assert terminal.left_behind() == []
