"""Output that is written whole: a file gets its name when it is complete."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from tuilabel.durable_files import make_folders, sync_directory
from tuilabel.errors import ExportError
from tuilabel.exchange import BinaryWriter, FolderWriter, Writer
from tuilabel.exchange.foreign import form_of
from tuilabel.exchange.guard import Guard, head_of, is_output
from tuilabel.exchange.rows import LabelRow
from tuilabel.process.umask import UMASK
from tuilabel.text import inert, shown_path

_SHOWN_BYTES = 20
_UNFINISHED = re.compile(r"\.tuilabel-[0-9a-f]{32}\.new")
_ABANDONED_SECONDS = 86_400
"""An export that writes nothing for so long was killed."""

IsLike = Callable[[bytes], bool]
"""Returns whether a file that begins so may be replaced, although its columns were chosen."""


def export_to(
    path: Path,
    rows: Iterable[LabelRow],
    write: Writer,
    *,
    force: bool = False,
    guard: Guard | None = None,
    is_like: IsLike | None = None,
) -> Sequence[str]:
    """Write rows to a file, or to a new folder; return what the writer says.

    Parameters
    ----------
    path : Path
    rows : iterable of LabelRow
    write : Writer
    force : bool
        Replace an existing file, if it is empty or an output of tuilabel. Of a link, the target
        is replaced.
    guard : Guard, optional
        Called before anything is written, and again before the file gets its name.
    is_like : callable, optional
        Returns whether a file that begins with some bytes has the form of this output.

    Raises
    ------
    ExportError
        The file exists and `force` is not given, it is not an ordinary file, it is no output of
        tuilabel, or it cannot be written. A file that was there before is unchanged.
    TuilabelError
        That of `guard`.
    """

    said: Sequence[str] | None = None

    def write_rows(file: BinaryIO) -> None:
        nonlocal said
        said = _write(rows, write, file)

    write_whole(path, write_rows, force=force, guard=guard, is_like=is_like)
    return said or ()


def _write(rows: Iterable[LabelRow], write: Writer, file: BinaryIO) -> Sequence[str] | None:
    if form_of(write).into == "bytes":
        return cast(BinaryWriter, write)(rows, file)
    text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
    try:
        return write(rows, text)
    finally:
        text.detach()


def write_whole(
    path: Path,
    write: Callable[[BinaryIO], object],
    *,
    force: bool = False,
    guard: Guard | None = None,
    is_like: IsLike | None = None,
) -> None:
    """Write a file that appears under its name when it is complete.

    Parameters
    ----------
    path : Path
    write : callable
        Writes to the file that it is called with.
    force, guard, is_like
        As in `export_to`.

    Raises
    ------
    ExportError
        As in `export_to`.
    """
    try:
        real = _place(path, force, guard, is_like)
        with _new_beside(real) as new:
            with UMASK.of_person():
                file = new.open("xb")
            with file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            if force:
                new.replace(_place(path, force, guard, is_like))
            else:
                _give_name(new, real)
    except FileExistsError:
        raise ExportError(
            f"{shown_path(path)} was created by another program meanwhile and was not changed; "
            "export again."
        ) from None
    except (OSError, UnicodeEncodeError) as error:
        raise _cannot_be_written(str(path), error) from error


def export_to_folder(path: Path, rows: Iterable[LabelRow], write: FolderWriter) -> Sequence[str]:
    """Write rows to a new folder, which appears when it is complete; return what the writer says.

    Raises
    ------
    ExportError
        There is something in its place, or it cannot be written.
    """
    check_output_folder(path)
    new = _unused_beside(path)
    try:
        with UMASK.of_person():
            make_folders(path.absolute().parent)
            new.mkdir()
            said = write(rows, new)
        for folder, _, names in os.walk(new):
            for name in names:
                descriptor = os.open(f"{folder}/{name}", os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            sync_directory(Path(folder))
        check_output_folder(path)
        # What others put there meanwhile is replaced only if it is an empty folder.
        new.rename(path)
        sync_directory(path.absolute().parent)
    except (OSError, UnicodeEncodeError) as error:
        raise _cannot_be_written(shown_path(path), error) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return said or ()


def check_output_folder(path: Path) -> None:
    """Raise an error if there is something in the place of a new folder, but an empty one.

    Raises
    ------
    ExportError
    """
    try:
        is_free = not os.path.lexists(path) or (path.is_dir() and not any(path.iterdir()))
    except OSError as error:
        raise _cannot_be_written(shown_path(path), error) from error
    if not is_free or path.is_symlink():
        raise ExportError(f"{shown_path(path)} exists already: name a folder that does not exist.")


def has_form_of(head: bytes, format_: str, columns: Sequence[str]) -> bool:
    """Return whether a file begins like an export of some columns in a built-in format.

    Parameters
    ----------
    head : bytes
        Its beginning.
    format_ : str
    columns : sequence of str
    """
    line = head.partition(b"\n")[0].removesuffix(b"\r").decode("utf-8", "replace")
    if format_ == "csv":
        return next(csv.reader([line]), []) == list(columns)
    if format_ == "jsonl":
        with suppress(ValueError):
            found = json.loads(line)
            return isinstance(found, dict) and list(found) == list(columns)
    return False


def check_output(
    path: Path,
    *,
    force: bool = False,
    guard: Guard | None = None,
    is_like: IsLike | None = None,
) -> None:
    """Raise now what `write_whole` would raise later.

    Parameters
    ----------
    path : Path
    force, guard, is_like
        As in `export_to`.

    Raises
    ------
    ExportError
        As in `export_to`.
    """
    try:
        with _new_beside(_place(path, force, guard, is_like)) as new:
            new.touch(exist_ok=False)
    except OSError as error:
        raise _cannot_be_written(str(path), error) from error


@contextmanager
def _new_beside(path: Path) -> Iterator[Path]:
    """Yield an unused name in the same folder; remove the file that has it in the end."""
    new = _unused_beside(path)
    try:
        yield new
    finally:
        new.unlink(missing_ok=True)


def _unused_beside(path: Path) -> Path:
    """Return an unused name in the same folder; remove there what killed exports have left."""
    with suppress(OSError):
        for old in list(path.parent.glob(".tuilabel-*.new")):
            if _UNFINISHED.fullmatch(old.name) and _is_abandoned(old):
                if old.is_dir():
                    shutil.rmtree(old, ignore_errors=True)
                else:
                    old.unlink()
    return path.with_name(f".tuilabel-{uuid.uuid4().hex}.new")


def _is_abandoned(path: Path) -> bool:
    """Return whether nothing of an unfinished file or folder has changed for a day."""
    newest, is_link = path.lstat().st_mtime, path.is_symlink()
    for folder, _, names in os.walk(path):
        newest = max([newest, *(os.lstat(f"{folder}/{name}").st_mtime for name in ("", *names))])
    return not is_link and time.time() - newest > _ABANDONED_SECONDS


def export_to_stdout(
    rows: Iterable[LabelRow], write: Writer, guard: Guard | None = None
) -> Sequence[str]:
    """Write rows to standard output, in UTF-8 whatever the locale; return what the writer says.

    Parameters
    ----------
    rows : iterable of LabelRow
    write : Writer
    guard : Guard, optional
        Called if standard output is appended to a file.

    Raises
    ------
    ExportError
        It is closed, is not to be changed, or cannot be written.
    BrokenPipeError
        The program that was reading it has ended.
    """
    if sys.stdout is None:
        raise ExportError("Standard output is closed; name a file with --output.")
    if guard is not None:
        check_stdout(guard)
    into = form_of(write).into
    if into == "folder" or (into == "bytes" and sys.stdout.isatty()):
        raise ExportError("This format is not for a terminal: name where to write it with -o OUT.")
    try:
        if sys.stdout.isatty():
            text = io.StringIO(newline="")
            said = write(rows, text)
            # A terminal would obey escape codes in the names of files.
            lines = (inert(line, len(line) + 1) for line in text.getvalue().splitlines())
            output = "".join(f"{line}\n" for line in lines)
            sys.stdout.buffer.write(output.encode("utf-8", "surrogateescape"))
        else:
            said = _write(rows, write, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return said or ()
    except BrokenPipeError:
        raise
    except (OSError, UnicodeEncodeError) as error:
        raise _cannot_be_written("Standard output", error) from error


def check_stdout(guard: Guard) -> None:
    """Raise an error if standard output is appended to a file that is never replaced."""
    file = Path("/dev/stdout")
    with suppress(OSError):  # there is no such name, or nothing can be read there
        if file.is_file() and file.stat().st_size:
            guard(file)


def _place(path: Path, force: bool, guard: Guard | None, is_like: IsLike | None) -> Path:
    """Return the place to write, with all links resolved; refuse one that must stay as it is."""
    if guard is not None:
        guard(path)
    shown = shown_path(path)
    if path.is_dir():
        raise ExportError(f"{shown} is a directory; name a file in it.")
    real = Path(os.path.realpath(path))
    if path.exists():
        # A descriptor under /proc may lead to a file that has no name any more.
        if not path.is_file() or not real.exists() or not path.samefile(real):
            raise ExportError(f"{shown} is not an ordinary file; give another name.")
        head = head_of(path)
        if not is_output(head) and not (is_like is not None and is_like(head)):
            start = inert(head[:_SHOWN_BYTES].decode("utf-8", "replace"))
            raise ExportError(
                f"{shown} exists already, and is no output of tuilabel (it begins with {start!r}): "
                "give another name, or remove the file."
            )
        if not force:
            raise ExportError(
                f"{shown} exists already; use --force to replace it, or another name."
            )
    return real


def _cannot_be_written(name: str, error: OSError | UnicodeEncodeError) -> ExportError:
    if isinstance(error, UnicodeEncodeError):
        return ExportError(
            f"{name} cannot be written: a reference is not valid text ({error.reason}). "
            "Use --format jsonl, which keeps it unchanged."
        )
    return ExportError(f"{name} cannot be written ({error.strerror}).")


def _give_name(new: Path, path: Path) -> None:
    """Rename a finished file, without ever replacing another file.

    Parameters
    ----------
    new : Path
        The file, in the directory of `path`. It may also keep this name.
    path : Path
        Its final name.

    Raises
    ------
    FileExistsError
        A file of that name exists.
    OSError
        The directory cannot be written.
    """
    try:
        os.link(new, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as exFAT
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        new.rename(path)
