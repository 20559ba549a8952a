"""Where sessions, caches and logs are stored, and how a session is found by name."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import stat
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import platformdirs

from tuilabel.errors import PluginError, SessionFileError
from tuilabel.file_systems import file_system_type, is_network_type
from tuilabel.journal.description import is_session
from tuilabel.plugins import (
    PATH_SOURCES,
    is_url,
    named_source,
    named_store,
    place_of,
    source_options,
    split_source,
)
from tuilabel.process.umask import PRIVATE
from tuilabel.session.view import SessionView
from tuilabel.settings import user_directory
from tuilabel.small_files import read_small
from tuilabel.text import LONGEST_PATH, inert, meant, shown_path

SUFFIX = ".tuilabel"

_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")

COPIES = "remote"
"""The folder of the cache with copies of what URLs lead to."""

FIRST_SOURCE = "digits"
"""The source opened at the first start; it comes with scikit-learn."""


def data_dir() -> Path:
    """Return the directory of sessions."""
    return user_directory(platformdirs.user_data_path)


class CachePlace(NamedTuple):
    """Where the cache lies.

    Attributes
    ----------
    folder : Path
        The folder of this host.
    root : Path
        The folder that has it, perhaps beside those of other hosts.
    network : str or None
        The type of the network file system that the usual folder lies on, if `root` is another.
    """

    folder: Path
    root: Path
    network: str | None = None


def cache_place() -> CachePlace:
    """Return where the cache lies: on a local disk, and never shared between hosts.

    If the usual folder lies on a network file system, which has no reliable locks, the cache is a
    private folder among the temporary files.
    """
    root, network = user_directory(platformdirs.user_cache_path), None
    kind = file_system_type(root)
    if is_network_type(kind):
        folders = map(Path, (os.environ.get("TMPDIR") or "/tmp", *_TEMPORARY))
        found = (_private(folder) for folder in folders if folder.is_absolute())
        root, network = next(((path, kind) for path in found if path), (root, None))
    return CachePlace(root / f"host-{quote(host_name(), safe='')}", root, network)


def cache_dir() -> Path:
    """Return the directory of data that can be computed again, such as reduced images."""
    return cache_place().folder


def copy_of(url: str) -> Path:
    """Return where the copy of what a URL leads to lies in the cache, if it was made."""
    content = url.rstrip("/").encode(errors="surrogateescape")
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    parts = url.partition("://")[2].split("?")[0].rstrip("/").split("/")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", parts[-1]).strip("-.")[-80:]
    return cache_dir() / COPIES / digest / (name or "files")


def host_name() -> str:
    """Return the name of this host."""
    return os.uname().nodename


def _private(folder: Path) -> Path | None:
    """Return a folder of this user in a local one; None if there is none that is private."""
    path = folder / f"tuilabel-{os.getuid()}"
    if is_network_type(file_system_type(folder)):
        return None
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        # Anybody may make something of this name there first.
        found = path.lstat()
    except OSError:
        return None
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return path if is_own and not found.st_mode & PRIVATE else None


def log_file() -> Path:
    """Return the log file of the trainer's child process."""
    return user_directory(platformdirs.user_log_path) / "trainer.log"


def session_path(source: str, pool: int | None = None, test: int | None = None) -> Path:
    """Return the session that belongs to a source.

    A path becomes a unique part of its name: two folders of one name have two sessions, and one
    folder under two names has one.
    """
    kind, argument = split_source(named_source(source))
    # What lies at a path may change, such as from a folder to a file: its session is the same.
    parts = [kind] if kind and kind not in PATH_SOURCES else []
    if argument is not None:
        choice = "&".join(f"{key}={value}" for key, value in source_options(source).items())
        digest = hashlib.blake2b(os.fsencode(argument + choice)).hexdigest()[:8]
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(argument).name).strip("-.")[:60] or "session"
        parts += [name, digest]
    parts += [f"pool{pool}"] if pool is not None else []
    parts += [f"test{test}"] if test is not None else []
    return data_dir() / "sessions" / ("-".join(parts) + SUFFIX)


def source_name(source: str) -> str:
    """Return the kind and name of a source, without the path, which differs from host to host."""
    name, argument = split_source(named_source(source))
    if argument is None:
        return name
    path = Path(argument)
    kind = name or ("file" if path.suffix else "folder")
    return f"{kind} {inert(path.name)}"


def find_session(name: str | None, *, may_be_new: bool = False) -> Path:
    """Find a session by its path, its source, or its name in the sessions directory.

    Parameters
    ----------
    name : str or None
        None for the session opened last.
    may_be_new : bool
        Return a name that is not found as the path of a session to create.

    Raises
    ------
    SessionFileError
        No session is found.
    """
    if name is None:
        last = last_session()
        if last is None:
            raise SessionFileError("No session has been opened here yet. Name a session.")
        return last
    path = Path(name)
    if is_session(path):
        return path
    sessions = data_dir() / "sessions"
    candidates = [own_session(name)]
    if path.name == name:
        candidates += [sessions / name, sessions / (name + SUFFIX)]
    found = next(filter(is_session, candidates), None)
    if found is None and name and not may_be_new:
        found = _session_with_options(name)
    if found is None and name and not may_be_new:
        # What lies in the place of a session is described when it is read.
        found = next(filter(os.path.lexists, candidates), None)
    is_source = is_folder(name) and path.suffix != SUFFIX
    if found is not None or may_be_new or (name and os.path.lexists(path) and not is_source):
        return found or path
    if is_source:
        raise SessionFileError(
            f"There is no session for the folder {shown_path(path)} yet. `tuilabel "
            f"{shlex.quote(shown_path(path))} --classes A,B,...` starts one; name a session that "
            "lies elsewhere by its own folder."
        )
    try:
        known = sorted(file.stem for file in sessions.glob("*" + SUFFIX))
    except OSError:  # unreadable; the sentence does without
        known = []
    there = f" Sessions here: {', '.join(map(inert, known))}." if known else ""
    raise SessionFileError(
        f"There is no session '{shown_path(name)}'.{meant(name, [*known, *_sources_here()])} "
        f"Name a session or its source.{there}"
    )


def _session_with_options(source: str) -> Path | None:
    """Return the only session of a source that was made with options, such as --group or --pool.

    Raises
    ------
    SessionFileError
        There are several.
    """
    argument = split_source(named_source(source))[1]
    stem = session_path(source).name.removesuffix(SUFFIX)
    stem = stem if argument is None else stem.rpartition("-")[0]
    found = []
    for path in session_paths():
        if path.name.startswith(stem):
            try:
                if split_source(SessionView(path).source)[1] == argument:
                    found.append(path)
            except (OSError, SessionFileError):
                continue
    if len(found) > 1:
        raise SessionFileError(
            f"{shown_path(source)} has {len(found)} sessions, made with different options: name "
            f"one, {', '.join(inert(path.stem) for path in found)}."
        )
    return found[0] if found else None


def _sources_here() -> list[str]:
    """Return the names in the current folder that are sources of sessions."""
    try:
        return [path.name for path in Path().iterdir() if is_session(session_path(path.name))]
    except OSError:
        return []


def own_session(source: str, pool: int | None = None, test: int | None = None) -> Path:
    """Return the session of a source, whether it exists or not.

    It is the one of `session_path`. If that does not exist, it is the session that was last opened
    with this path, because its folder was renamed.
    """
    source = str(copy_of(source)) if is_url(source) else source
    path, named = session_path(source, pool, test), named_source(source)
    argument = split_source(named)[1]
    if os.path.lexists(path) or not is_folder(argument or ""):
        return path
    for other in session_paths():
        try:
            view = SessionView(other)
        except (OSError, SessionFileError):
            continue
        if (view.source, view.about.pool, view.about.test) == (named, pool, test):
            return other
    return path


def is_folder(path: str) -> bool:
    """Return whether a path leads to a folder; False for anything that is no path."""
    try:
        return bool(path) and Path(path).expanduser().is_dir()
    except (OSError, RuntimeError, ValueError):
        return False


def is_gone(source: str) -> bool:
    """Return whether a source, as sessions record it, is a path where nothing is."""
    argument = place_of(source)
    try:
        return Path(argument).is_absolute() and not os.path.lexists(argument)
    except ValueError:  # a zero byte
        return True


def session_paths() -> list[Path]:
    """Return the known sessions, the one that was written to last first."""
    try:
        paths = list((data_dir() / "sessions").glob("*" + SUFFIX))
    except OSError:
        paths = []
    last = last_session()
    if last is not None and not any(is_same_file(last, path) for path in paths):
        paths.append(last)
    return sorted(paths, key=last_written, reverse=True)


def last_written(path: Path) -> float:
    """Return when a session was last written to, in seconds since 1970."""
    try:
        with os.scandir(path / "log") as entries:
            return max((entry.stat().st_mtime for entry in entries), default=path.stat().st_mtime)
    except OSError:
        return 0.0


def is_same_file(one: Path, other: Path) -> bool:
    """Return whether two paths lead to one file."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def last_session() -> Path | None:
    """Return the session that was opened last, if it still exists."""
    try:
        path = Path(os.fsdecode(read_small(data_dir() / "last", LONGEST_PATH)))
    except OSError:
        return None
    try:
        return path if is_session(path) else None
    except PluginError:
        return None


def remember(path: Path) -> None:
    """Record a session as the last one, if that can be written."""
    try:
        data_dir().mkdir(parents=True, exist_ok=True)
        # Replaced, not written over: the name could be a link to another file.
        new = data_dir() / f".last-{os.getpid()}.new"
        try:
            new.write_bytes(os.fsencode(named_store(str(path))))
            new.replace(data_dir() / "last")
        finally:
            new.unlink(missing_ok=True)
    except OSError:
        # With a read-only home or a full disk, a session elsewhere can still be labelled.
        return
