"""Output that is written whole: a file gets its name when it is complete."""

from __future__ import annotations

import io
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tuilabel.errors import ExportError
from tuilabel.exchange import Writer
from tuilabel.exchange.rows import LabelRow
from tuilabel.journal import give_name
from tuilabel.process.umask import UMASK
from tuilabel.text import inert


def export_to(path: Path, rows: Iterable[LabelRow], write: Writer, *, force: bool = False) -> None:
    """Write rows to a file.

    Parameters
    ----------
    path : Path
    rows : iterable of LabelRow
    write : Writer
    force : bool
        Replace an existing file.

    Raises
    ------
    ExportError
        The file exists and `force` is not given, it is not an ordinary file, or it cannot be
        written. A file that was there before is unchanged.
    """

    def write_rows(file: BinaryIO) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
        write(rows, text)
        text.detach()

    write_whole(path, write_rows, force=force)


def write_whole(path: Path, write: Callable[[BinaryIO], object], *, force: bool = False) -> None:
    """Write a file that appears under its name when it is complete.

    Parameters
    ----------
    path : Path
    write : callable
        Writes to the file that it is called with.
    force : bool
        Replace an existing file.

    Raises
    ------
    ExportError
        As in `export_to`.
    """
    try:
        _refuse_existing(path, force)
        with _new_beside(path) as new:
            with UMASK.of_person():
                file = new.open("xb")
            with file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            if force:
                new.replace(path)
            else:
                give_name(new, path)
    except FileExistsError:
        raise ExportError(
            f"{path} was created by another program meanwhile and was not changed; export again."
        ) from None
    except (OSError, UnicodeEncodeError) as error:
        raise _cannot_be_written(str(path), error) from error


def check_output(path: Path, *, force: bool = False) -> None:
    """Raise now what `write_whole` would raise later.

    Parameters
    ----------
    path : Path
    force : bool

    Raises
    ------
    ExportError
        As in `export_to`.
    """
    try:
        _refuse_existing(path, force)
        with _new_beside(path) as new:
            new.touch(exist_ok=False)
    except OSError as error:
        raise _cannot_be_written(str(path), error) from error


@contextmanager
def _new_beside(path: Path) -> Iterator[Path]:
    """Yield an unused name in the same folder; remove the file that has it in the end."""
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
        The program that was reading it has ended.
    """
    if sys.stdout is None:
        raise ExportError("Standard output is closed; name a file with --output.")
    text = io.StringIO(newline="")
    write(rows, text)
    output = text.getvalue()
    if sys.stdout.isatty():
        # A terminal would obey escape codes in the names of files.
        output = "\n".join(inert(line, len(line) + 1) for line in output.splitlines()) + "\n"
    try:
        sys.stdout.buffer.write(output.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except (OSError, UnicodeEncodeError) as error:
        raise _cannot_be_written("Standard output", error) from error


def _refuse_existing(path: Path, force: bool) -> None:
    if path.is_dir():
        raise ExportError(f"{path} is a directory; name a file in it.")
    if path.exists() and not path.is_file():
        raise ExportError(f"{path} is not an ordinary file; give another name.")
    if path.exists() and not force:
        raise ExportError(f"{path} exists already; give --force to replace it, or another name.")


def _cannot_be_written(name: str, error: OSError | UnicodeEncodeError) -> ExportError:
    if isinstance(error, UnicodeEncodeError):
        return ExportError(
            f"{name} cannot be written: a reference is not valid text ({error.reason}). "
            "Use --format jsonl, which keeps it unchanged."
        )
    return ExportError(f"{name} cannot be written ({error.strerror}).")
