"""Whole files only: what is written gets its name when it is complete."""

from __future__ import annotations

import io
import os
import sys
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

from tuilabel.errors import ExportError
from tuilabel.exchange.rows import Row
from tuilabel.journal import give_name

Writer = Callable[[Iterable[Row], TextIO], None]
"""One of `tuilabel.exchange.FORMATS`."""


def export_to(path: Path, rows: Iterable[Row], write: Writer, *, force: bool = False) -> None:
    """Write rows to a file.

    Parameters
    ----------
    path : Path
    rows : iterable of Row
    write : Writer
    force : bool
        Replace a file that is there.

    Raises
    ------
    ExportError
        The file exists and `force` is not given, it is no ordinary file, or it cannot be written;
        what was there before is as it was.
    """
    new = path.with_name(f".tuilabel-{uuid.uuid4().hex}.new")
    try:
        _refuse_existing(path, force)
        try:
            with new.open("x", encoding="utf-8", errors="surrogateescape", newline="") as file:
                write(rows, file)
                file.flush()
                os.fsync(file.fileno())
            if force:
                new.replace(path)
            else:
                give_name(new, path)
        finally:
            new.unlink(missing_ok=True)
    except FileExistsError:
        raise ExportError(f"{path} has appeared meanwhile; it was left alone.") from None
    except (OSError, UnicodeEncodeError) as error:
        raise _cannot_be_written(str(path), error) from error


def export_to_stdout(rows: Iterable[Row], write: Writer) -> None:
    """Write rows to standard output, in UTF-8 whatever the locale.

    Parameters
    ----------
    rows : iterable of Row
    write : Writer

    Raises
    ------
    ExportError
        It is closed, or cannot be written.
    BrokenPipeError
        Whoever was reading it has stopped.
    """
    if sys.stdout is None:
        raise ExportError("Standard output is closed; name a file with --output.")
    text = io.StringIO(newline="")
    write(rows, text)
    try:
        sys.stdout.buffer.write(text.getvalue().encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except (OSError, UnicodeEncodeError) as error:
        raise _cannot_be_written("Standard output", error) from error


def _refuse_existing(path: Path, force: bool) -> None:
    if path.is_dir():
        raise ExportError(f"{path} is a directory; name a file in it.")
    if path.exists() and not path.is_file():
        raise ExportError(f"{path} is no ordinary file; use -o - and redirect standard output.")
    if path.exists() and not force:
        raise ExportError(f"{path} exists already; give --force to replace it, or another name.")


def _cannot_be_written(name: str, error: OSError | UnicodeEncodeError) -> ExportError:
    if isinstance(error, UnicodeEncodeError):
        return ExportError(
            f"{name} cannot be written: a reference is no text ({error.reason}). "
            "Use --format jsonl, which keeps it as it is."
        )
    return ExportError(f"{name} cannot be written ({error.strerror}).")
