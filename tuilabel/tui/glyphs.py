"""Signs and bars for terminals that draw few characters: each one's stand-in is as wide as it."""

from __future__ import annotations

from functools import lru_cache

from tuilabel.tui.colours import Blocks

_RISING = "▁▂▃▄▅▆▇█"
_GROWING = "▏▎▍▌▋▊▉█"

_CONSOLE = {
    "✓": "√",
    "✗": "x",
    "›": ">",
    "‹": "<",
    "–": "-",
    "…": ".",
    "▲": "^",
    "▼": "v",
    "→": ">",
}
_CONSOLE |= {"←": "<", "↑": "^", "↓": "v", "●": "o", "○": ".", "−": "-"}
# Half a cell at least, because the smallest value is to be seen.
_CONSOLE |= dict(zip(_RISING, "▄▄▄▄▄███", strict=True))
_CONSOLE |= dict(zip(_GROWING, "▌▌▌▌▌███", strict=True))

_ASCII = _CONSOLE | {"✓": "+", "·": ".", "×": "x", "│": "|", "─": "-", "█": "#", "▀": '"', "±": "~"}
_ASCII |= {"░": ".", "▒": "%", "▓": "#", "≥": ">", "≤": "<", "┤": "|", "├": "|", "└": "+", "┘": "+"}
_ASCII |= dict(zip(_RISING, "____=###", strict=True))
_ASCII |= dict(zip(_GROWING, "----=###", strict=True))


@lru_cache
def _table(blocks: frozenset[Blocks]) -> dict[int, str]:
    if Blocks.EIGHTH in blocks:
        return {}
    return str.maketrans(_CONSOLE if Blocks.HALF in blocks else _ASCII)


def drawable(text: str, blocks: frozenset[Blocks]) -> str:
    """Give a text in which signs that the terminal does not draw have given way to ones it does.

    Parameters
    ----------
    text : str
    blocks : frozenset of Blocks
        The block characters that the terminal draws; it draws signs as it draws those.
    """
    table = _table(blocks)
    return text.translate(table) if table else text
