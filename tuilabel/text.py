"""Text for people: names made harmless, paths, counts and accuracies, each worded in one place."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePath

DEFAULT_LIMIT = 80

LONGEST_PATH = 4096
"""Characters of a path that are shown: all of it, since it is there to be copied."""

# Zero width joiner and non-joiner: ordinary parts of words in several scripts.
_JOINERS = frozenset("\u200c\u200d")
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _visible(char: str) -> str:
    """Give the character itself where it is harmless, else a visible placeholder."""
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if unicodedata.category(char) in _UNSAFE_CATEGORIES and char not in _JOINERS:
        return "�"
    return char


def inert(text: str, limit: int = DEFAULT_LIMIT) -> str:
    """Make text from a file harmless for a terminal.

    Control characters (C0, C1, escape, newlines), bidirectional and other invisible format
    characters, line separators and lone surrogates become visible placeholders. Markup is left
    alone: what shows the text has to show it as plain text.

    Parameters
    ----------
    text : str
        Any string, also with the lone surrogates that `os.fsdecode` makes of undecodable bytes.
    limit : int
        The most characters to give back (at least 1); longer text ends in ``…``.

    Returns
    -------
    str
        At most `limit` characters, which can be encoded as UTF-8. Applying `inert` again
        changes nothing.
    """
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return "".join(map(_visible, text))


def source_name(source: str) -> str:
    """Give a source the short name that a person sees: of a path its last part."""
    return "mnist" if source.startswith("mnist:") else PurePath(source).name or source


def shown_path(path: Path | str) -> str:
    """Return a path as it is shown: whole, and harmless for a terminal."""
    return inert(str(path), LONGEST_PATH)


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, such as "1 label" or "2,000 labels".

    Parameters
    ----------
    count : int
    one : str
        What stands behind 1.
    many : str, optional
        What stands behind any other number; by default `one` with an s.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def share_text(value: float, low: float, high: float) -> str:
    """Return a share with its 95 % interval, such as "93.5% (92.1% to 94.7%, 95 %)"."""
    return f"{value:.1%} ({low:.1%} to {high:.1%}, 95 %)"


def accuracy_text(value: float, low: float, high: float, n: int, set: str) -> str:
    """Return an accuracy as promise 4 has it: with its interval, its set and n."""
    where = "audit set" if set == "audit" else inert(set)
    return f"{share_text(value, low, high)} on the {where}, n = {n:,}"
