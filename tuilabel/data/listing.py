"""The files of a folder and its subfolders, in natural order of their paths."""

from __future__ import annotations

import hashlib
import heapq
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tuilabel.data.dataset import SkippedFile
from tuilabel.data.file_cache import FileKey
from tuilabel.data.natural_order import natural_key
from tuilabel.errors import SourceError
from tuilabel.plugins import split_source
from tuilabel.text import counted, inert, shown_path

_NAMED_FILES = 3
_MOST_FILES, _MOST_SKIPPED = 10**7, 10**6
BESIDE = (".txt", ".json", ".xmp")
"""Endings of files that go with an image of their name, such as a caption."""

_NOUNS = {"glob": "pattern", "detections": "file", "hf": "dataset"}


def scan(
    root: Path, depth: int | None = None, *, beside: bool = False
) -> tuple[list[FileKey], list[SkippedFile]]:
    """Return the files in any order, and each unreadable entry with the reason.

    Links to folders are followed once all other folders are read. No folder is read twice, so
    that links in a circle end. With a depth, only so many levels of folders are read: with 1, the
    files in the folder itself. Files beside others of their name (`BESIDE`) are among them only
    with `beside`.
    """
    files: list[FileKey] = []
    skipped: list[SkippedFile] = []
    waiting, linked = [""], list[str]()
    read = set[tuple[int, int]]()
    while waiting or linked:
        folder = waiting.pop() if waiting else heapq.heappop(linked)
        try:
            identity = (root / folder).stat()
            if (identity.st_dev, identity.st_ino) in read:
                continue
            read.add((identity.st_dev, identity.st_ino))
            with os.scandir(root / folder) as entries:
                shown = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            reason = error.strerror or str(error)
            if not folder:
                raise SourceError(
                    f"The folder {shown_path(root)} cannot be read ({reason}): "
                    "choose a folder of images."
                ) from error
            skipped.append(SkippedFile(folder, reason))
            continue
        if folder and _is_session(folder, {entry.name for entry in shown}):
            skipped.append(SkippedFile(folder, "a session, not images"))
            continue
        passed = set() if beside else _beside([entry.name for entry in shown])
        for entry in shown:
            name = f"{folder}{entry.name}"
            try:
                if depth is not None and name.count("/") >= depth - 1 and entry.is_dir():
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{name}/")
                elif entry.is_dir():
                    heapq.heappush(linked, f"{name}/")
                elif entry.is_file():
                    if entry.name in passed:
                        continue
                    stat = entry.stat()
                    files.append(FileKey(name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
                else:
                    is_link = entry.is_symlink() and not (root / name).exists()
                    reason = "broken link" if is_link else "not an ordinary file"
                    skipped.append(SkippedFile(name, reason))
            except OSError as error:
                skipped.append(SkippedFile(name, error.strerror or str(error)))
    return files, skipped


def _beside(names: Sequence[str]) -> set[str]:
    """Return the names in a folder that have an ending of `BESIDE`, and go with another file."""
    found = {name for name in names if name.lower().endswith(BESIDE)}
    others = set(names) - found if found else set()
    others |= {name.rpartition(".")[0] for name in others}
    return {name for name in found if name.rpartition(".")[0] in others}


def look_up(root: Path, names: Iterable[str]) -> tuple[list[FileKey], list[SkippedFile]]:
    """Return the files of some names, as `scan` does: in the order of the names, each once.

    Parameters
    ----------
    root : Path
        An absolute path.
    names : iterable of str
        Paths relative to the root, or absolute ones below it. Those that lead out of it are
        skipped, by their names alone: links are followed, as in a folder.

    Raises
    ------
    SourceError
        There are too many of them, or too many that cannot be read.
    """
    files: dict[str, FileKey] = {}
    skipped: dict[str, SkippedFile] = {}
    for name in names:
        if len(files) > _MOST_FILES:
            raise SourceError(f"More than {_MOST_FILES:,} files are named: split the list.")
        if len(skipped) > _MOST_SKIPPED:
            some = listed(list(skipped.values()))
            raise SourceError(f"Most of what is named cannot be read: {some}. Name images.")
        path = below(root, name)
        if path is None:
            skipped[name] = SkippedFile(name, f"outside of {shown_path(root)}")
        elif path not in files and path not in skipped:
            try:
                found = os.stat(f"{root}/{path}")  # noqa: PTH116  (a Path costs as much again)
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                skipped[path] = SkippedFile(path, reason)
                continue
            if stat.S_ISREG(found.st_mode):
                times = (found.st_mtime_ns, found.st_ctime_ns)
                files[path] = FileKey(path, found.st_size, *times)
            else:
                is_folder = stat.S_ISDIR(found.st_mode)
                reason = "a folder" if is_folder else "not an ordinary file"
                skipped[path] = SkippedFile(path, reason)
    return list(files.values()), list(skipped.values())


def look_up_parts(
    root: Path, names: Iterable[tuple[str, str]]
) -> tuple[list[FileKey], list[SkippedFile]]:
    """Return parts of files, as `look_up` does: each once.

    Parameters
    ----------
    root : Path
    names : iterable of (str, str)
        A path, and a part of the file as in `tuilabel.data.part`; empty for the whole file.

    Raises
    ------
    SourceError
        As for `look_up`, and if there are too many parts.
    """
    parts: dict[str, dict[str, None]] = {}
    count = 0

    def paths() -> Iterator[str]:
        nonlocal count
        for name, part in names:
            path = below(root, name) or name
            count += 1
            if count > _MOST_FILES:
                raise SourceError(f"More than {_MOST_FILES:,} items are named: split the list.")
            if path not in parts:
                yield name
            parts.setdefault(path, {})[part] = None

    files, skipped = look_up(root, paths())
    return [key._replace(part=part) for key in files for part in parts[key.path]], skipped


def moved_files(
    root: Path, moved: Mapping[str, str], files: Iterable[FileKey] = ()
) -> list[FileKey]:
    """Return the files that were moved out of a folder, as long as they are in the new place.

    Parameters
    ----------
    root : Path
    moved : dict of str to str
        Their item ids by the absolute path of the new place. Whether a file there is that item is
        not checked here.
    files : iterable of FileKey
        Those that were found already.
    """
    there = {key.path for key in files} if moved else set[str]()
    found, above = [], os.path.join(root, "")  # noqa: PTH118
    for path in moved:
        if path not in there and path.removeprefix(above) not in there:
            with suppress(OSError):
                stated = os.lstat(path)
                if stat.S_ISREG(stated.st_mode):
                    times = (stated.st_mtime_ns, stated.st_ctime_ns)
                    found.append(FileKey(path, stated.st_size, *times))
    return found


def below(root: Path, name: str) -> str | None:
    """Return the path of a name relative to a folder; None if it leads out of it, or is it."""
    above = os.path.join(root, "")  # noqa: PTH118  (a Path drops the last slash)
    path = os.path.normpath(os.path.join(root, name))  # noqa: PTH118
    return path[len(above) :] if path.startswith(above) and path != above else None


def natural(files: Iterable[FileKey]) -> list[FileKey]:
    """Return files in natural order of their paths and parts."""
    return sorted(files, key=lambda key: path_order(key.name))


def _is_session(folder: str, names: set[str]) -> bool:
    return "log" in names and ("session.json" in names or folder.endswith(".tuilabel/"))


def path_order(path: str) -> tuple[object, ...]:
    """Return what sorts paths in natural order."""
    return (*map(natural_key, path.split("/")), path)


def kept_list(content: bytes | bytearray) -> str:
    """Return the name of the file that keeps a list nobody has made a file of."""
    return f"stdin-{hashlib.blake2b(content, digest_size=8).hexdigest()}.txt"


def is_kept_list(path: str) -> bool:
    """Return whether a file has such a name: nobody knows it."""
    return re.fullmatch(r"stdin-[0-9a-f]{16}\.txt", path.rpartition("/")[2]) is not None


def no_image(source: str, failures: Sequence[SkippedFile]) -> SourceError:
    """Return the error of a source of files without images."""
    name, path = split_source(source)
    what = f"The {_NOUNS.get(name, name) or 'folder'} {shown_path(path or '')}"
    is_folder = name in ("", "folder")
    hint = "choose a folder of images." if is_folder else "choose another source."
    if not failures:
        return SourceError(f"{what} {'is empty' if is_folder else 'names no file'}: {hint}")
    if name == "list" and is_kept_list(path or ""):
        return SourceError(f"None of the files that were named is an image: {listed(failures)}.")
    if any("-ubyte" in name for name, _ in failures):
        hint = f"if these are IDX files, open mnist:{shown_path(path or '')}."
    return SourceError(f"{what} has no images: {listed(failures)}; {hint}")


def cannot_be_read(files: Sequence[SkippedFile]) -> str:
    """Return a sentence about files that cannot be read."""
    return f"{counted(len(files), 'file')} cannot be read: {listed(files)}."


def listed(failures: Sequence[tuple[str, str]]) -> str:
    """Return the first of some files, each with a reason or a number."""
    named = [f"{inert(name)} ({inert(reason, 120)})" for name, reason in failures[:_NAMED_FILES]]
    if len(failures) > _NAMED_FILES:
        named.append(f"and {len(failures) - _NAMED_FILES} more")
    return ", ".join(named)
