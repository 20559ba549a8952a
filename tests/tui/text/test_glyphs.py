"""Signs give way to ones that the terminal draws, and are as wide as before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

import tuilabel.tui
from tuilabel.tui.terminal.capabilities import Blocks, decide_colours
from tuilabel.tui.text.glyphs import _ASCII, _CONSOLE, drawable

CONSOLE = frozenset({Blocks.SHADE, Blocks.HALF})


def test_stand_ins_are_as_wide_and_can_be_drawn() -> None:
    for table in (_CONSOLE, _ASCII):
        assert all(cell_len(sign) == cell_len(stand_in) for sign, stand_in in table.items())
    assert all(stand_in.isascii() for stand_in in _ASCII.values())
    drawn = "".join(_CONSOLE.values())
    # The console's fonts have what code page 437 had.
    assert drawn.encode("cp437").decode("cp437") == drawn


def test_modern_terminals_show_what_is_meant() -> None:
    text = "✓ saved ▁▂▃ …"
    assert drawable(text, decide_colours({"TERM": "xterm-256color"}).blocks) == text
    assert drawable(text, CONSOLE) == "√ saved ▄▄▄ ."
    assert drawable("✓ ▄▖· Ä", frozenset()) == "+ =-. Ä"


@pytest.mark.parametrize("folder", ["widgets", "screens"])
def test_no_sign_on_the_screens_is_without_a_stand_in(folder: str) -> None:
    for file in (Path(tuilabel.tui.__file__).parent / folder).glob("*.py"):
        for text in re.findall(r'"([^"\n]*)"', file.read_text()):
            if text.isascii() or "\\u" in text:
                continue
            left = drawable(text, CONSOLE)
            odd = [c for c in left if not c.isascii() and not _in_console(c)]
            assert not odd, f"{file.name}: {odd}"


def _in_console(character: str) -> bool:
    try:
        return bool(character.encode("cp437"))
    except UnicodeEncodeError:
        return False
