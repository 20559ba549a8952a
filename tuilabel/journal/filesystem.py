"""Which kind of file system a path lies on."""

from __future__ import annotations

import re
from pathlib import Path

NETWORK_TYPES = frozenset(
    [
        *("afs", "ceph", "cifs", "davfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4"),
        *("orangefs", "smb3", "smbfs", "fuse.ceph", "fuse.davfs", "fuse.glusterfs"),
        *("fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
    ]
)
"""Types, as in mountinfo(5), on which several machines may see one file."""

MOUNTINFO = Path("/proc/self/mountinfo")


def network_type(path: Path, mountinfo: Path = MOUNTINFO) -> str | None:
    """Tell the type of the network file system that a path lies on.

    Parameters
    ----------
    path : Path
        An existing file or directory.
    mountinfo : Path
        A table in the form of mountinfo(5); where there is none (not Linux), nothing is known.

    Returns
    -------
    str or None
        Such as ``"nfs4"``; None for a local file system.
    """
    try:
        table = mountinfo.read_text(errors="surrogateescape")
    except OSError:
        return None
    resolved = path.resolve()
    best, found = -1, ""
    for line in table.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split()
        if not separator or len(fields) < 5 or not after:
            continue
        point = Path(_unescape(fields[4]))
        depth = len(point.parts)
        # A later mount on the same point covers the earlier one.
        if depth >= best and resolved.is_relative_to(point):
            best, found = depth, after.split()[0]
    return found if found in NETWORK_TYPES else None


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
