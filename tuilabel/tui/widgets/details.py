"""Details of the marked entry of a list, one per row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from textwrap import wrap

from rich.cells import cell_len, set_cell_size

from tuilabel.tui.text.pieces import Piece, fitted
from tuilabel.tui.views.values import Detail
from tuilabel.tui.widgets.lines import Lines


class Details(Lines):
    """Words in a column with a value beside each; paths are cut in the middle.

    Parameters
    ----------
    heading : str
        The heading above them, if any.
    paths : sequence of str
        The words whose values are paths.
    """

    def __init__(
        self, *, heading: str = "", paths: Sequence[str] = (), id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._heading = heading
        self._paths = frozenset(paths)
        self._details: Sequence[Detail] = ()
        self._style = "plain"

    def show_details(self, details: Sequence[Detail], style: str = "plain") -> None:
        """Show details, with the values in a style."""
        self._details, self._style = details, style
        self.redraw()

    def redraw(self) -> None:
        """Draw the details in this width; values that do not fit are cut and marked."""
        width, height = self.size
        if not self.size.area:
            return
        rows = [self.row((self._heading, "muted"))] if self._heading and self._details else []
        indent = "  " if self._heading else ""
        found = detail_rows(
            self._details, width, height - len(rows), self._paths, self._style, indent
        )
        self.show([*rows, *(self.row(*pieces) for pieces in found)])


def detail_rows(
    details: Sequence[Detail],
    width: int,
    height: int,
    paths: Collection[str] = (),
    style: str = "plain",
    indent: str = "",
) -> list[list[Piece]]:
    """Return details as rows of pieces, with a word in a column and its value beside it.

    Parameters
    ----------
    details : sequence of Detail
    width, height : int
        Cells of a row, and the most rows.
    paths : collection of str
        The words whose values are cut in the middle; others take several rows.
    style : str
        Of the values.
    indent : str
        Stands before each word.
    """
    column = max((cell_len(word) for word, _ in details), default=0) + 2 + len(indent)
    room = max(1, width - column)
    rows: list[list[Piece]] = []
    for word, text in details:
        left = height - len(rows)
        if left <= 0:
            break
        if word in paths:
            lines = [cut_in_the_middle(text, room)]
        else:
            lines = wrap(text, room, max_lines=left, placeholder=" …", break_on_hyphens=False)
        for line in lines:
            rows.append([(fitted(indent + word, column), "muted"), (fitted(line, room), style)])
            word = ""
    return rows


def cut_in_the_middle(text: str, width: int) -> str:
    """Return a text cut to a width in cells, with its beginning and its end."""
    if cell_len(text) <= width:
        return text
    start = set_cell_size(text, max(0, (width - 1) // 2))
    return f"{start}…{end_of(text, width - cell_len(start) - 1)}"


def end_of(text: str, width: int) -> str:
    """Return as much of the end of a text as a width in cells has room for."""
    end = ""
    for character in reversed(text):
        if cell_len(character + end) > width:
            break
        end = character + end
    return end
