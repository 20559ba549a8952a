"""Whole files only: what is written gets its name when it is complete."""

from __future__ import annotations

import io
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from tuilabel.errors import ExportError
from tuilabel.exchange.rows import LabelRow
from tuilabel.journal import give_name

Writer = Callable[[Iterable[LabelRow], TextIO], None]
"""One of `tuilabel.exchange.FORMATS`."""


def export_to(path: Path, rows: Iterable[LabelRow], write: Writer, *, force: bool = False) -> None:
    """Write rows to a file.

    Parameters
    ----------
    path : Path
    rows : iterable of LabelRow
    write : Writer
    force : bool
        Replace a file that is there.

    Raises
    ------
    ExportError
        The file exists and `force` is not given, it is no ordinary file, or it cannot be written;
        what was there before is as it was.
    """

    def write_rows(file: BinaryIO) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
        write(rows, text)
        text.detach()

    write_whole(path, write_rows, force=force)


def write_whole(path: Path, write: Callable[[BinaryIO], object], *, force: bool = False) -> None:
    """Write a file that appears under its name when it is whole.

    Parameters
    ----------
    path : Path
    write : callable
        Given the file to write to.
    force : bool
        Replace a file that is there.

    Raises
    ------
    ExportError
        As `export_to` does.
    """
    try:
        _refuse_existing(path, force)
        with _new_beside(path) as new:
            with new.open("xb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            if force:
                new.replace(path)
            else:
                give_name(new, path)
    except FileExistsError:
        raise ExportError(f"{path} has appeared meanwhile; it was left alone.") from None
    except (OSError, UnicodeEncodeError) as error:
        raise _cannot_be_written(str(path), error) from error


def check_output(path: Path, *, force: bool = False) -> None:
    """Refuse now what `write_whole` would refuse later.

    Parameters
    ----------
    path : Path
    force : bool

    Raises
    ------
    ExportError
        As `write_whole` does.
    """
    try:
        _refuse_existing(path, force)
        with _new_beside(path) as new:
            new.touch(exist_ok=False)
    except OSError as error:
        raise _cannot_be_written(str(path), error) from error


@contextmanager
def _new_beside(path: Path) -> Iterator[Path]:
    """Give a name that no file has, in the same folder; what has it in the end is removed."""
    new = path.with_name(f".tuilabel-{uuid.uuid4().hex}.new")
    try:
        yield new
    finally:
        new.unlink(missing_ok=True)


def export_to_stdout(rows: Iterable[LabelRow], write: Writer) -> None:
    """Write rows to standard output, in UTF-8 whatever the locale.

    Parameters
    ----------
    rows : iterable of LabelRow
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
        raise ExportError(f"{path} is no ordinary file; give another name.")
    if path.exists() and not force:
        raise ExportError(f"{path} exists already; give --force to replace it, or another name.")


def _cannot_be_written(name: str, error: OSError | UnicodeEncodeError) -> ExportError:
    if isinstance(error, UnicodeEncodeError):
        return ExportError(
            f"{name} cannot be written: a reference is no text ({error.reason}). "
            "Use --format jsonl, which keeps it as it is."
        )
    return ExportError(f"{name} cannot be written ({error.strerror}).")
