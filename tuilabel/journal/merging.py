"""Merge a session into another: its logs are copied."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tuilabel.errors import SessionFileError
from tuilabel.journal import files
from tuilabel.journal.folder import BULK, LOGS, read_about
from tuilabel.journal.journal import Journal
from tuilabel.text import shown_path

_BLOCK = 2**20


@dataclass
class Merged:
    """What a merge copies.

    Attributes
    ----------
    copied : list of str
        Names of the new files, below the session's folder.
    present : list of str
        Names of files whose content the session has already.
    unread : dict of str to str
        Why a file was not copied, by name.
    adopted : str or None
        The uuid of the other session, if the session adopts it by this merge.
    """

    copied: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    adopted: str | None = None


def merge(target: Path, other: Path, annotator: str, *, dry_run: bool = False) -> Merged:
    """Copy the logs and bulk files of another session into a session.

    A log of the same name with other content is copied under another name; events that both have
    count once.

    Parameters
    ----------
    target : Path
    other : Path
        It is not changed.
    annotator : str
        Who adopts the other session, if it has another uuid.
    dry_run : bool
        Write nothing.

    Raises
    ------
    SessionFileError
        One of them is no session, or `target` cannot be written.
    """
    merged = Merged()
    uuid = read_about(other)[0].uuid
    with Journal(target, annotator) as journal:
        for _ in journal.read():
            pass
        for folder in (BULK, LOGS):  # An event never names a file that is not there.
            for path in _files(other / folder, merged):
                try:
                    _copy(path, target / folder, merged, dry_run)
                except OSError as error:
                    merged.unread[shown_path(f"{folder}/{path.name}")] = files.reason_of(error)
        if uuid not in journal.uuids:
            merged.adopted = uuid
            if not dry_run:
                journal.adopt(uuid)
    return merged


def _files(folder: Path, merged: Merged) -> list[Path]:
    try:
        return [folder / name for name in files.log_names(folder)]
    except OSError as error:
        merged.unread[folder.name] = files.reason_of(error)
        return []


def _copy(path: Path, folder: Path, merged: Merged, dry_run: bool) -> None:
    with open(files.open_to_read(path), "rb") as file:  # noqa: PTH123
        name = path.name
        if os.path.lexists(folder / name) and not _has(folder / name, file):
            if folder.name == BULK:
                raise OSError("the session has another file of this name: one is damaged")
            file.seek(0)
            name = (
                f"{path.stem}-{hashlib.file_digest(file, 'sha256').hexdigest()[:8]}{files.SUFFIX}"
            )
        shown = shown_path(f"{folder.name}/{name}")
        if os.path.lexists(folder / name):
            merged.present.append(shown)
            return
        merged.copied.append(shown)
        if dry_run:
            return
        file.seek(0)
        try:
            files.make_folder(folder, folder.parent)
            files.write_whole(folder / name, iter(lambda: file.read(_BLOCK), b""))
        except OSError as error:
            raise SessionFileError(
                f"{shown_path(folder / name)} cannot be written ({files.reason_of(error)}). "
                "Repeat the merge once that is fixed."
            ) from error


def _has(path: Path, file: BinaryIO) -> bool:
    """Return whether the file at a path begins with the content of another file."""
    with open(files.open_to_read(path), "rb") as mine:  # noqa: PTH123
        while block := file.read(_BLOCK):
            if mine.read(len(block)) != block:
                return False
    return True
