"""Properties of the file system that a session lies on."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from tuilabel.errors import SessionFileError
from tuilabel.text import shown_path

NETWORK_TYPES = frozenset(
    [
        *("afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2"),
        *("glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2"),
        *("smb3", "smbfs", "fuse.blobfuse2", "fuse.ceph", "fuse.davfs", "fuse.davfs2"),
        *("fuse.gcsfuse", "fuse.glusterfs", "fuse.gvfsd-fuse", "fuse.juicefs", "fuse.rclone"),
        *("fuse.s3fs", "fuse.sshfs"),
    ]
)
"""File system types, as in mountinfo(5), on which several machines may share a file."""

SIDE_SUFFIXES = {
    "-journal": (b"\xd9\xd5\x05\xf9", b"\0"),
    "-wal": (b"\x37\x7f\x06",),
    "-shm": (b"\x18\xe2\x2d\0", b"\0\x2d\xe2\x18", b"\0"),
    ".lock": (b"{",),
}
"""Endings of the files that SQLite and the lock write beside a session, and how they begin."""

MOUNTINFO = Path("/proc/self/mountinfo")


def network_type(path: Path, mountinfo: Path = MOUNTINFO) -> str | None:
    """Return the type of the network file system that a path lies on.

    Parameters
    ----------
    path : Path
        An existing file or directory.
    mountinfo : Path
        A table in the form of mountinfo(5). Without one (not on Linux), nothing is known.

    Returns
    -------
    str or None
        Such as ``"nfs4"``; None for a local file system.
    """
    try:
        table = os.fsdecode(mountinfo.read_bytes())
    except OSError:
        return None
    resolved = path.resolve()
    best, found = -1, ""
    # Spaces and newlines in names are escaped in the table; other white space is not. So only a
    # space separates fields.
    for line in table.split("\n"):
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if not separator or len(fields) < 5 or not after:
            continue
        point = Path(_unescape(fields[4]))
        depth = len(point.parts)
        # A later mount on the same point covers the earlier one.
        if depth >= best and resolved.is_relative_to(point):
            best, found = depth, after.split(" ")[0]
    return found if found in NETWORK_TYPES else None


def give_name(new: Path, path: Path) -> None:
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


def refuse_side_name(path: Path) -> None:
    """Raise if a file of this name would be taken for a part of an existing file.

    Raises
    ------
    SessionFileError
    """
    real = Path(os.path.realpath(path))
    for suffix in SIDE_SUFFIXES:
        beside = Path(str(real)[: -len(suffix)])
        if real.name.casefold().endswith(suffix) and beside.is_file():
            raise SessionFileError(
                f"{shown_path(path)} is the name of a part of {shown_path(beside)}, if that is a "
                "session; give another name."
            )


def refuse_foreign_sides(path: Path, *, is_new: bool = False) -> None:
    """Raise if labelling would write over a file beside a session that is not a part of it.

    Parameters
    ----------
    path : Path
        The session.
    is_new : bool
        It is about to be created, so that it has no parts yet.

    Raises
    ------
    SessionFileError
    """
    real = Path(os.path.realpath(path))
    for suffix, beginnings in SIDE_SUFFIXES.items():
        side = real.with_name(real.name + suffix)
        try:
            found = side.lstat()
            is_foreign = not stat.S_ISREG(found.st_mode) or (is_new and found.st_size > 0)
            if not is_foreign and found.st_size and found.st_nlink > 1:
                is_foreign = not _head(side).startswith(beginnings)
        except OSError:
            continue
        if is_foreign:
            raise SessionFileError(
                f"{shown_path(path)} cannot be a session while {shown_path(side)} lies beside it: "
                "labelling would write over that file. Move it away, or give another name with "
                "--session FILE."
            )


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)
