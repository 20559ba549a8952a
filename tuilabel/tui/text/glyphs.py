"""Signs and bars, and replacements of the same width for terminals that draw few characters."""

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
# Half a cell at least, because the smallest value must show.
_CONSOLE |= dict(zip(_RISING, "▄▄▄▄▄███", strict=True))
_CONSOLE |= {"▖": "▄", "▔": "·"}

_ASCII = _CONSOLE | {"✓": "+", "·": ".", "×": "x", "│": "|", "─": "-", "█": "#", "▀": '"', "±": "~"}
_ASCII |= {"░": ".", "▒": "%", "▓": "#", "≥": ">", "≤": "<", "┤": "|", "├": "|", "└": "+", "┘": "+"}
_ASCII |= dict(zip(_RISING, "____=###", strict=True))
_ASCII |= {"▄": "=", "▖": "-", "▔": "."}


def level_bar(share: float, width: int) -> str:
    """Return a bar of half blocks, exact to half a cell, that leaves a gap to the row above.

    Parameters
    ----------
    share : float
        0 to 1; anything above 0 shows.
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
    """Return a text with the signs that the terminal does not draw replaced by ones it does.

    Parameters
    ----------
    text : str
    blocks : frozenset of Blocks
        The block characters that the terminal draws; they tell which signs it draws.
    """
    table = _table(blocks)
    return text.translate(table) if table else text
