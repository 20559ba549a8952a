"""Classes added, renamed, merged and undone in a real terminal, and on disk afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pty.labelling import Home, LabellingTerminal

pytestmark = pytest.mark.usefixtures("no_fits")

Start = Callable[..., LabellingTerminal]

F5, DOWN, CTRL_U, ENTER = "\x1b[15~", "\x1b[B", "\x15", "\r"


def typed(terminal: LabellingTerminal, text: str, shown: str) -> None:
    """Type text, and wait until the terminal shows something."""
    for character in text:
        terminal.press(character)
    terminal.wait_for(lambda: shown in terminal.text)


def test_a_class_is_added_renamed_merged_and_undone(
    start: Start, home: Home, pictures: Path
) -> None:
    source = (str(pictures), "--classes", "day,night", "--model", "softmax", "--features", "raw")
    terminal = start(*source)
    terminal.wait_ready()
    terminal.answer("1")
    terminal.answer("2")
    terminal.press("/")
    typed(terminal, "dusk", "no class has that name")
    typed(terminal, ENTER, "Add the class `dusk`? Enter adds it")
    typed(terminal, ENTER, "The class `dusk` was added: 3 labels it.")
    terminal.wait_for(lambda: "3 labels" in terminal.text)
    terminal.press(F5)
    terminal.wait_for(lambda: "newest labelled day" in terminal.text)
    terminal.press("r")
    terminal.wait_for(lambda: "Rename `day`: day_" in terminal.text)
    terminal.press(CTRL_U)
    typed(terminal, "light", "Rename `day`: light_")
    typed(terminal, ENTER, "`day` is called `light` now.")
    terminal.press("m")
    terminal.wait_for(lambda: "into which class?" in terminal.text)
    terminal.press(DOWN)
    terminal.wait_for(lambda: "Merge `light` (1 label) into `night`?" in terminal.text)
    typed(terminal, ENTER, "1 label counts for `night`")
    terminal.wait_for(lambda: "newest labelled night" in terminal.text)
    terminal.press("u")
    terminal.wait_for(lambda: "Undo the merge of `light` into `night`?" in terminal.text)
    typed(terminal, ENTER, "The merge of `light` into `night` is undone.")
    # Another process adds a class meanwhile; it is seen here, and has a key.
    done = home.run("classes", str(home.session), "add", "dawn")
    assert (done.returncode, done.stdout) == (0, "Added `dawn`.\n")
    terminal.wait_for(lambda: "4 dawn" in terminal.text)
    terminal.press("q")
    terminal.wait_ready()
    assert "1 light  2 night  3 dusk  4 dawn" in terminal.text
    terminal.answer("4")
    terminal.quit()

    assert [row["class"] for row in home.export()] == ["light", "night", "dusk", "dawn"]
    found = json.loads(home.run("classes", str(home.session), "--json").stdout)
    labels = {one["name"]: one["labels"] for one in found["classes"]}
    assert labels == {"light": 1, "night": 1, "dusk": 1, "dawn": 1}
    assert home.damage() == []

    # Keys and names are the same at the next start, also where the old names are given.
    terminal = start(str(pictures))
    terminal.wait_ready()
    assert "1 light  2 night  3 dusk  4 dawn" in terminal.text
    terminal.quit()
