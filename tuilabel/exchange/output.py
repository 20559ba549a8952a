"""Whole files only: what is written gets its name when it is complete."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

from tuilabel.errors import ExportError
from tuilabel.exchange.rows import Row


def export_to(
    path: Path,
    rows: Iterable[Row],
    write: Callable[[Iterable[Row], TextIO], None],
    *,
    force: bool = False,
) -> None:
    """Write rows to a file.

    Parameters
    ----------
    path : Path
    rows : iterable of Row
    write : callable
        One of `tuilabel.exchange.FORMATS`.
    force : bool
        Replace a file that is there.

    Raises
    ------
    ExportError
        The file exists and `force` is not given, or it cannot be written; what was there before
        is as it was.
    """
    if path.exists() and not force:
        raise ExportError(f"{path} exists already; give --force to replace it, or another name.")
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise ExportError(f"{path} cannot be written ({error.strerror}).") from error
    new = Path(name)
    try:
        # File names that are not valid UTF-8 come out as the very bytes they went in as.
        with os.fdopen(
            descriptor, "w", encoding="utf-8", errors="surrogateescape", newline=""
        ) as file:
            write(rows, file)
            file.flush()
            os.fsync(file.fileno())
        new.chmod(0o666 & ~_umask())
        if force:
            new.replace(path)
        else:
            os.link(new, path)
    except FileExistsError:
        raise ExportError(f"{path} has appeared meanwhile; it was left alone.") from None
    except OSError as error:
        raise ExportError(f"{path} cannot be written ({error.strerror}).") from error
    finally:
        new.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
