"""Text with the name of a style: what every view gives and every widget draws."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from tuilabel.tui.text.names import is_right_to_left

Piece = tuple[str, str]
"""A text and the name of its style, one of `STYLES`."""


STYLES = frozenset(["plain", "strong", "muted", "accent", "bar", "area", "good", "bad", "track"])
"""The styles of text, as component classes that a screen with `Lines` on it must have.

They belong to the screen and not to each widget: textual works every one of them out for every
widget that has it, which takes a noticeable part of the time to the first frame.
"""


def fitted(text: str, width: int) -> str:
    """Cut a text to a width in cells, marking the cut, or fill it up with spaces."""
    if cell_len(text) > width:
        text = set_cell_size(text, max(0, width - 1)) + "…"
    return set_cell_size(text, width)


_WALL = "\u2800"
"""A blank that counts as a letter written from left to right: an empty braille pattern.

Some terminals turn text from right to left around, together with the digits and signs between two
such texts: the key of a class would change places with that of another. The characters that are
meant to prevent it are not heeded by these terminals, and seen on others."""


def kept_apart(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Put walls around what is written from right to left, so that its neighbours keep their place.

    Each takes the place of a space, at an end of the piece or beside it: nothing gets wider.
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
