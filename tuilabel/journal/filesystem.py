"""Properties of the file system that a session lies on."""

from __future__ import annotations

import os
import re
from pathlib import Path

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


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
