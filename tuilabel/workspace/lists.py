"""Lists of paths that come on standard input: kept, so that a session can open them again."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from tuilabel.data.listing import below, kept_list
from tuilabel.data.path_list import MOST_BYTES, paths_in, too_large
from tuilabel.errors import UsageError
from tuilabel.plugins import with_options
from tuilabel.progress import Progress
from tuilabel.text import shown_path
from tuilabel.workspace.places import cache_dir, data_dir

_NAME = "standard input"


def keep_list(
    stream: BinaryIO, *, null: bool, is_kept: bool = True, progress: Progress | None = None
) -> str:
    """Read a list of paths to its end, keep it as a private file, and return it as a source.

    The file is named by its content. Paths are relative to the current folder; where one of them
    leads out of it, to the folder that has all of them.

    Parameters
    ----------
    stream : binary file
    null : bool
        Whether each path ends with NUL, and not with its line.
    is_kept : bool
        Whether a session will open it again; otherwise it is kept in the cache.
    progress : Progress, optional
        Called with the number of bytes that were read.

    Raises
    ------
    SourceError
        It is no list of paths, or too large.
    UsageError
        It is empty, or cannot be kept.
    """
    content = bytearray()
    while block := stream.read1(2**20) if isinstance(stream, io.BufferedReader) else stream.read():
        content += block
        if len(content) > MOST_BYTES:
            raise too_large(_NAME)
        if progress is not None:
            progress("reading the list of files", len(content), None)
    root = _root(paths_in(io.BytesIO(content), _NAME.capitalize(), null=null))
    path = (data_dir() if is_kept else cache_dir()) / "lists" / kept_list(content)
    try:
        _write(path, content)
    except OSError as error:
        raise UsageError(
            f"The list of files cannot be kept in {shown_path(path.parent)} "
            f"({error.strerror or error}): free space there, or make it writable."
        ) from error
    query = {"root": str(root), **({"null": "1"} if null else {})}
    if root != Path.cwd():
        query["base"] = str(Path.cwd())
    return with_options(f"list:{path}", **query)


def _root(paths: Iterable[str]) -> Path:
    """Return the current folder, or the one that has all paths."""
    here = Path.cwd()
    every = set[str]()
    is_empty = leaves = False
    for path in paths:
        is_empty = True
        leaves |= below(here, path) is None
        every.add(os.path.dirname(os.path.normpath(here / path)))  # noqa: PTH120
    if not is_empty:
        raise UsageError(
            "Standard input named no file: pipe paths into it, such as from "
            "`find photos -name '*.jpg'`."
        )
    return Path(os.path.commonpath(every)) if leaves else here


def _write(path: Path, content: bytes | bytearray) -> None:
    """Write a file that only its owner may read; it gets its name when it is complete."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
