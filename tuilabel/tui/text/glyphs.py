"""Signs and bars for terminals that draw few characters: each one's stand-in is as wide as it."""

from __future__ import annotations

from functools import lru_cache

from tuilabel.tui.terminal.capabilities import Blocks

_RISING = "▁▂▃▄▅▆▇█"

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
_CONSOLE |= {"▖": "▄", "▔": "·"}

_ASCII = _CONSOLE | {"✓": "+", "·": ".", "×": "x", "│": "|", "─": "-", "█": "#", "▀": '"', "±": "~"}
_ASCII |= {"░": ".", "▒": "%", "▓": "#", "≥": ">", "≤": "<", "┤": "|", "├": "|", "└": "+", "┘": "+"}
_ASCII |= dict(zip(_RISING, "____=###", strict=True))
_ASCII |= {"▄": "=", "▖": "-", "▔": "."}


def level_bar(share: float, width: int) -> str:
    """Give a bar of half blocks, to half a cell, with room to the row above it.

    Parameters
    ----------
    share : float
        0 to 1; anything above 0 is to be seen.
    width : int
        Cells of a full bar.
    """
    share = max(0.0, min(1.0, share))
    whole, rest = divmod(max(round(share * width * 2), int(share > 0)), 2)
    return "▄" * whole + "▖" * rest


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
