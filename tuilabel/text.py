"""Text that people read: harmless names, paths, counts and accuracies, worded in one place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePath

DEFAULT_LIMIT = 80

LONGEST_PATH = 4096
"""Characters of a path that are shown: all of them, so that people can copy it."""

# Zero width joiner and non-joiner: ordinary parts of words in several scripts.
_JOINERS = frozenset("\u200c\u200d")
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _visible(char: str) -> str:
    """Return a harmless character itself, and a visible placeholder for any other."""
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if unicodedata.category(char) in _UNSAFE_CATEGORIES and char not in _JOINERS:
        return "�"
    return char


def inert(text: str, limit: int = DEFAULT_LIMIT) -> str:
    """Return text from a file in a form that is harmless for a terminal.

    Control characters (C0, C1, escape, newlines), bidirectional and other invisible format
    characters, line separators and lone surrogates become visible placeholders. Markup is kept:
    the caller must show the result as plain text.

    Parameters
    ----------
    text : str
        Any string, also with the lone surrogates that `os.fsdecode` makes of undecodable bytes.
    limit : int
        The most characters to return (at least 1); longer text ends in ``…``.

    Returns
    -------
    str
        At most `limit` characters, which can be encoded as UTF-8. A second `inert` changes
        nothing.
    """
    if is_inert(text, limit):
        return text
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return "".join(map(_visible, text))


def is_inert(text: str, limit: int = DEFAULT_LIMIT) -> bool:
    """Return whether `inert` certainly returns this text as it is; quicker than calling it."""
    return len(text) <= limit and text.isprintable()


SUGGESTION_MODES = {
    "before": "suggestions are shown",
    "after": "suggestions come after the label",
    "off": "suggestions are off",
}
"""The meaning of each of `tuilabel.settings.SUGGESTIONS`."""


def source_name(source: str) -> str:
    """Return the short name of a source: the last part of a path."""
    return "mnist" if source.startswith("mnist:") else PurePath(source).name or source


def shown_path(path: Path | str) -> str:
    """Return a whole path in a form that is harmless for a terminal."""
    return inert(str(path), LONGEST_PATH)


def shown_url(url: str) -> str:
    """Return a URL without what may be a secret, in a form that is harmless for a terminal.

    Its query, and the name and password before the host, are left out.
    """
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.split("?")[0].split("#")[0].partition("/")
    return shown_path(f"{scheme}://{host.rpartition('@')[2]}{slash}{path}")


def meant(word: str, names: Iterable[str]) -> str:
    """Return a question after the name that a word resembles most, to follow a sentence; or "".

    Parameters
    ----------
    word : str
        A word that is none of the names.
    names : iterable of str
    """
    from difflib import get_close_matches

    close = get_close_matches(word, sorted(names), 1)
    return f" Did you mean {shown_path(close[0])!r}?" if close else ""


def size_text(size: int) -> str:
    """Return a number of bytes with its unit, such as "1.5 MB"."""
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= one:
            return f"{size / one:,.1f} {unit}"
    return counted(size, "byte")


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, such as "1 label" or "2,000 labels".

    Parameters
    ----------
    count : int
    one : str
        Noun for a count of 1.
    many : str, optional
        Noun for any other count; by default `one` with an s.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def carry_text(count: int, how: str) -> str:
    """Return a sentence about labelled files of which only metadata changed.

    Parameters
    ----------
    count : int
    how : str
        The key or the command that keeps their labels.
    """
    files = counted(count, "labelled file")
    labels = "its label" if count == 1 else "their labels"
    return f"Only the metadata of {files} changed: {how} keeps {labels}."


def uncarried_text(count: int) -> str:
    """Return a sentence about files whose labels are kept no longer."""
    files = counted(count, "changed file is", "changed files are")
    return f"Undone: {files} unlabelled again."


def changed_text(count: int) -> str:
    """Return a sentence about files that have other content than when they were labelled."""
    changed = counted(count, "file has", "files have")
    if count == 1:
        return f"{changed} changed since it was labelled: it is another image now."
    return f"{changed} changed since they were labelled: each is another image now."


def percent(share: float) -> str:
    """Return a share in whole percent, and never as all or none where it is not, as in "99.7%"."""
    if share in (0, 1) or 0.01 <= share < 0.99:
        return f"{share:.0%}"
    if share < 0.5:
        return "<0.1%" if share < 0.001 else f"{share:.1%}"
    return ">99.9%" if share >= 0.999 else f"{share:.1%}"


def share_text(value: float, low: float, high: float) -> str:
    """Return a share with its 95% interval, such as "93.5% (92.1% to 94.7%, 95%)"."""
    return f"{value:.1%} ({low:.1%} to {high:.1%}, 95%)"


def disputed_text(count: int) -> str:
    """Return how many audit images annotators disagree about, to follow an accuracy; or ""."""
    return f", {count:,} disputed" if count else ""


def set_name(name: str) -> str:
    """Return how people call the set with this name that accuracy is measured on."""
    if name == "audit":
        return "audit set"
    return name if name == "hold-out" else f"{inert(name)} hold-out"


def accuracy_text(value: float, low: float, high: float, n: int, set: str) -> str:
    """Return an accuracy with its 95% interval, the set it was measured on, and n."""
    return f"{share_text(value, low, high)} on the {set_name(set)}, n = {n:,}"


def unmeasured_text(what: str, set: str) -> str:
    """Return that the set that accuracy is measured on contains no image of some classes."""
    image = f"no {set_name(set).removesuffix(' set')} image of {what}"
    return f"{image} yet" if set == "audit" else image


def bytes_text(size: int) -> str:
    """Return a number of bytes in the unit that suits it, such as ``2.3 MB``."""
    if size < 1000:
        return counted(size, "byte")
    value, units = size / 1000, ["kB", "MB", "GB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:,.1f} {units[0]}"
