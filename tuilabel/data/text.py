"""Text that comes from files: made harmless to show, and put in the order people expect."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath

DEFAULT_LIMIT = 80

# Zero width joiner and non-joiner: ordinary parts of words in several scripts.
_JOINERS = frozenset("\u200c\u200d")
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_DIGITS = re.compile(r"([0-9]+)")


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


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Give a sort key that puts ``img2`` before ``img10``.

    Runs of ASCII digits compare as numbers and come before text; text compares without regard
    to case. Names that differ only in case or leading zeros have equal keys.

    Parameters
    ----------
    text : str

    Returns
    -------
    tuple of (int, int, str)
        One entry for every run of digits, ``(0, number, "")``, and every run of other
        characters, ``(1, 0, text)``.
    """
    return tuple(
        # Beyond 4,300 digits Python refuses int(); file names end long before, labels might not.
        (0, int(run[:4000]), "") if index % 2 else (1, 0, run.casefold())
        for index, run in enumerate(_DIGITS.split(text))
        if run
    )


def source_name(source: str) -> str:
    """Give a source the short name that a person sees: of a path its last part."""
    return "mnist" if source.startswith("mnist:") else PurePath(source).name or source
