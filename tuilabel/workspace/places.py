"""Where sessions, caches and logs lie, and how a session is found by name."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from tuilabel.errors import SessionFileError
from tuilabel.settings import user_directory
from tuilabel.text import inert

if TYPE_CHECKING:
    pass


SUFFIX = ".tuilabel"


LONGEST_PATH = 4096
"""Characters of a path that are shown: all of it, since it is there to be copied."""


FIRST_SOURCE = "digits"
"""What is opened when nothing was ever opened: it comes with scikit-learn."""


def data_dir() -> Path:
    """Give the directory of sessions and logs."""
    return user_directory(platformdirs.user_data_path)


def cache_dir() -> Path:
    """Give the directory of what can be made again: decompressed and reduced images."""
    return user_directory(platformdirs.user_cache_path)


def log_file() -> Path:
    """Give the file that the trainer's child process reports to."""
    return user_directory(platformdirs.user_log_path) / "trainer.log"


def session_path(source: str, pool: int | None = None, test: int | None = None) -> Path:
    """Give the session file that belongs to a source when none is named.

    A path in the name is not readable back, only unique: two folders of one name get two files,
    one folder by two names gets one.
    """
    name = source
    if source not in ("digits", "mnist"):
        real = _real(source.removeprefix("mnist:"))
        digest = hashlib.blake2b(os.fsencode(real)).hexdigest()[:8]
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", real.name).strip("-.")[:60] or "session"
        name = f"{name}-{digest}"
        if source.startswith("mnist:"):
            name = f"mnist-{name}"
    parts = [name]
    parts += [f"pool{pool}"] if pool is not None else []
    parts += [f"test{test}"] if test is not None else []
    return data_dir() / "sessions" / ("-".join(parts) + SUFFIX)


def named_source(source: str) -> str:
    """Give the name that a session has of a source: a path in it is absolute."""
    if source in ("digits", "mnist"):
        return source
    folder = source.removeprefix("mnist:")
    return source[: len(source) - len(folder)] + str(_real(folder))


def _real(path: str) -> Path:
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError):  # opening the source will tell what is wrong with its name
        return Path(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long, or a directory that may not be entered
        return False


def find_session(name: str | None, *, may_be_new: bool = False) -> Path:
    """Find a session by its path, its source, or its name in the sessions directory.

    Parameters
    ----------
    name : str or None
        None for the one that was opened last.
    may_be_new : bool
        Take what is found nowhere as the path of a session to make.

    Raises
    ------
    SessionFileError
        There is none.
    """
    if name is None:
        last = last_session()
        if last is None:
            raise SessionFileError("No session was ever opened here; name a session file.")
        return last
    path = Path(name)
    if _is_file(path) and path.suffix != ".npz":
        return path
    sessions = data_dir() / "sessions"
    candidates = [session_path(name)]
    if path.name == name:
        candidates += [sessions / name, sessions / (name + SUFFIX)]
    found = next(filter(_is_file, candidates), None)
    if found is not None or may_be_new or (name and os.path.lexists(path)):
        return found or path
    try:
        known = sorted(file.stem for file in sessions.glob("*" + SUFFIX))
    except OSError:  # not to be looked into; the sentence does without
        known = []
    there = f" Those that are there: {', '.join(map(inert, known))}." if known else ""
    raise SessionFileError(
        f"There is no session file {inert(name, LONGEST_PATH)}. Name one, or its source.{there}"
    )


def last_session() -> Path | None:
    """Give the session that was opened last, if its file is still there."""
    try:
        path = Path((data_dir() / "last").read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return None
    return path if _is_file(path) else None


def remember(path: Path) -> None:
    """Make a session the last one; where that cannot be written, the next start begins anew."""
    try:
        data_dir().mkdir(parents=True, exist_ok=True)
        (data_dir() / "last").write_text(
            str(path.absolute()), encoding="utf-8", errors="surrogateescape"
        )
    except OSError:
        # A read-only home is no reason not to label: the session itself is elsewhere.
        return
