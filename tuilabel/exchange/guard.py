"""Which files an export never replaces: sessions, sources, and tuilabel's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from tuilabel.errors import ExportError, SourceError
from tuilabel.events.lines import InvalidLineError, unsealed
from tuilabel.journal.description import is_session
from tuilabel.plugins import place_of
from tuilabel.text import shown_path

Guard = Callable[[Path], object]
"""Raises an error for the path of a file that must not be replaced."""

_PLOT_MARK = "tuilabel"
"""The program that a plot names in its file; other pictures are never replaced."""

_HEAD_BYTES = 4096
_EXPORT_STARTS = (b"item_id,reference,class,", b'{"item_id": "')
_PARQUET, PARQUET_MARK = b"PAR1", "tuilabel"
"""How Parquet begins, and the key in the metadata of an export, whose value is ``labels``."""

# A list of one pair in Thrift: a table that was read and written again has more metadata.
_MARKED = b"\x19\x1c\x18\x08tuilabel\x18\x06labels\x00"
_SIMULATION_STARTS = (
    b"strategy,model,features,cold_start,seed,",
    b'{\n "settings": {\n  "version": "',
    b'{"protocol": {',
)
_PLOTS = (
    (b"\x89PNG", b"Software\0" + _PLOT_MARK.encode()),
    (b"<?xml", f"<dc:title>{_PLOT_MARK}</dc:title>".encode()),
)


def guard(own: Iterable[Path], sources: Callable[[], Iterable[str]]) -> Guard:
    """Return a guard of sessions, sources and tuilabel's own files.

    Files are compared, not names: links, other spellings and descriptors change nothing.

    Parameters
    ----------
    own : iterable of Path
        Files, and folders with all they contain, that belong to tuilabel.
    sources : callable
        Returns the sources of sessions. It is called only for a file that exists. In a folder an
        earlier export of labels may be replaced, since it is not an image.
    """
    kept = tuple(own)

    def refuse(path: Path) -> None:
        if not path.is_file():
            return
        if _is_of_session(path) or any(
            _is_among(path, (place, *place.rglob("*"))) for place in kept
        ):
            raise _never(path, "belongs to a session or to tuilabel")
        is_export = _is_export(head_of(path))
        for source in sources():
            place = Path(place_of(source) or source)
            if not (is_export and _is_folder(place)) and _is_among(path, _files_of(place)):
                raise _never(path, f"is a file of the source {shown_path(source)}")

    return refuse


def check_folder(out: Path, own: Iterable[Path], root: Path, *, is_listed: bool) -> None:
    """Raise an error if class folders must not be made in a place.

    Parameters
    ----------
    out : Path
    own : iterable of Path
        Files and folders of tuilabel.
    root : Path
        The folder that the files of the source are in.
    is_listed : bool
        Whether what lies in that folder is not of the source of itself, such as with a list.
    """
    real, shown = Path(os.path.realpath(out)), shown_path(out)
    if any(map(is_session, (real, *real.parents[:2]))) or any(
        real.is_relative_to(os.path.realpath(place)) for place in own
    ):
        raise _never(out, "belongs to a session or to tuilabel")
    source = Path(os.path.realpath(root))
    if real == source or (real.is_relative_to(source) and not is_listed):
        raise ExportError(
            f"{shown} is in {shown_path(root)}, whose images would be there twice: name a folder "
            "outside of it."
        )


def _is_of_session(path: Path) -> bool:
    """Return whether a file is part of any session, or a link to a log."""
    folders = Path(os.path.realpath(path)).parents
    if any(map(is_session, folders[:2])):
        return True
    try:
        unsealed(head_of(path).partition(b"\n")[0])
    except InvalidLineError:
        return False
    return True


def head_of(path: Path) -> bytes:
    """Return the beginning of a file; of Parquet, whose metadata is at the end, both."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if head.startswith(_PARQUET):
            file.seek(max(len(head), file.seek(0, os.SEEK_END) - _HEAD_BYTES))
            head += file.read(_HEAD_BYTES)
        return head


def _is_export(head: bytes) -> bool:
    return head.startswith(_EXPORT_STARTS) or (head.startswith(_PARQUET) and _MARKED in head)


def is_output(head: bytes) -> bool:
    """Return whether a file begins as the outputs of tuilabel do, or is empty."""
    return (
        not head
        or _is_export(head)
        or head.startswith(_SIMULATION_STARTS)
        or any(head.startswith(start) and mark in head for start, mark in _PLOTS)
    )


def _files_of(source: Path) -> Iterator[Path]:
    yield source
    if _is_folder(source):
        from tuilabel.data.listing import scan

        with suppress(SourceError):  # a folder that cannot be read
            yield from (source / key.path for key in scan(source, beside=True)[0])


def _is_folder(path: Path) -> bool:
    with suppress(OSError):  # a name that is too long
        return path.is_dir()
    return False


def _is_among(path: Path, places: Iterable[Path]) -> bool:
    found = path.stat()
    for place in places:
        with suppress(OSError):  # a link that leads nowhere
            if os.path.samestat(place.stat(), found):
                return True
    return False


def _never(path: Path, what: str) -> ExportError:
    return ExportError(f"{shown_path(path)} {what}, and is never replaced; give another name.")
