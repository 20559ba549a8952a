"""Guidelines in Markdown as rows of pieces, for any width.

Headings, lists, quotations and blocks of code are laid out. All else, such as links and images, is
shown as it is written: nothing is followed or loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

from tuilabel.tui.text.pieces import Piece

Row = list[Piece]

_HEADING = re.compile(r" {0,3}#{1,6} +(.*)")
_ITEM = re.compile(r"( *)([-*+]|\d{1,9}[.)]) +(.*)")
_FENCE = re.compile(r" {0,3}(?:`{3,}|~{3,}) *([^`]*)$")
_MOST_INDENT = 8


def guideline_rows(text: str, width: int) -> list[Row]:
    """Return guidelines as rows.

    Parameters
    ----------
    text : str
        As `tuilabel.workspace.guidelines.read_guidelines` returns it.
    width : int
        Cells of a row.
    """
    rows: list[Row] = []
    for row in _rows(text, width):
        if row or (rows and rows[-1]):
            rows.append(row)
    if rows and not rows[-1]:
        rows.pop()
    return rows or [[("The guidelines are empty.", "muted")]]


def _rows(text: str, width: int) -> Iterator[Row]:
    paragraph: list[str] = []
    indent = mark = ""
    is_code = False

    def finished() -> Iterator[Row]:
        nonlocal paragraph, indent, mark
        room = max(10, width - cell_len(indent + mark))
        for place, line in enumerate(_wrapped(" ".join(paragraph), room)):
            before = mark if place == 0 else " " * cell_len(mark)
            yield [(indent + before + line, "plain")]
        paragraph, indent, mark = [], "", ""

    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if is_code or fence:
            yield from finished()
            # The name of a language may follow what begins a block, but nothing what ends it.
            if fence and not (is_code and fence[1]):
                is_code, line = not is_code, fence[1]
                if not line:
                    continue
            yield from ([("  " + part, "muted")] for part in chop_cells(line, width - 2) or [""])
            continue
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if heading or item or not line.strip():
            yield from finished()
        if heading:
            yield []
            yield from ([(part, "strong")] for part in _wrapped(heading[1].strip(" #"), width))
        elif item:
            sign = item[2] if item[2][0].isdigit() else "·"
            indent, mark = item[1][:_MOST_INDENT] + "  ", sign + " "
            paragraph = [item[3]]
        elif line.strip():
            paragraph.append(line)
        else:
            yield []
    yield from finished()


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Yield lines of at most a width in cells, broken between words where there are any."""
    line, cells = "", 0
    for word in text.replace("**", "").split():
        needed = cell_len(word)
        if cells and cells + 1 + needed <= width:
            line, cells = f"{line} {word}", cells + 1 + needed
            continue
        if cells:
            yield line
        *whole, line = chop_cells(word, width) if needed > width else [word]
        yield from whole
        cells = cell_len(line)
    if cells:
        yield line
