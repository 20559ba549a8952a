"""Text with the name of a style: what views return and widgets draw."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size

from tuilabel.tui.text.names import is_right_to_left

Piece = tuple[str, str]
"""A text and the name of its style, one of `STYLES`."""


STYLES = frozenset(["plain", "strong", "muted", "accent", "bar", "area", "good", "bad", "track"])
"""The styles of text, as component classes that a screen with `Lines` on it must have.

They belong to the screen and not to each widget: textual works every one of them out for every
widget that has it, which takes a noticeable part of the time to the first frame.
"""


def cells_in(pieces: Iterable[Piece]) -> int:
    """Return how many cells pieces take in a row."""
    return sum(cell_len(text) for text, _ in pieces)


def fitted(text: str, width: int) -> str:
    """Return a text of exactly a width in cells: cut, with a mark, or filled up with spaces."""
    if cell_len(text) > width:
        text = set_cell_size(text, max(0, width - 1)) + "…"
    return set_cell_size(text, width)


def centred_text(text: str, width: int) -> str:
    """Return a text in the middle of a width in cells, cut as by `fitted`."""
    return fitted(" " * ((width - cell_len(text)) // 2) + text, width)


_WALL = "\u2800"
"""A blank that counts as a letter written from left to right: an empty braille pattern.

Some terminals reverse text from right to left together with the digits and signs between two such
texts: the key of a class would change places with that of another. These terminals ignore the
characters that are meant to prevent it, and other terminals show them."""


def isolated(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Return pieces with walls around right-to-left text, so that its neighbours keep their place.

    Each wall replaces a space, at an end of the piece or beside it: nothing gets wider.
    """
    if not any(is_right_to_left(text) for text, _ in pieces):
        return pieces
    texts, styles = [text for text, _ in pieces if text], [style for text, style in pieces if text]
    for place, text in enumerate(texts):
        if not is_right_to_left(text):
            continue
        start, end = len(text) - len(text.lstrip(" ")), len(text.rstrip(" "))
        before, after = text[:start], text[end:]
        if before:
            before = before[:-1] + _WALL
        elif place and texts[place - 1].endswith(" "):
            texts[place - 1] = texts[place - 1][:-1] + _WALL
        if after:
            after = _WALL + after[1:]
        elif place + 1 < len(texts) and texts[place + 1].startswith(" "):
            texts[place + 1] = _WALL + texts[place + 1][1:]
        texts[place] = before + text[start:end] + after
    return tuple(zip(texts, styles, strict=True))
