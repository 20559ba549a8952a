"""Which kind of file system a path lies on."""

from __future__ import annotations

import os
import re
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")

_NETWORK_TYPES = frozenset(
    [
        *("9p", "acfs", "afs", "autofs", "beegfs", "ceph", "cifs", "coda", "davfs", "fhgfs"),
        *("gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs"),
        *("panfs", "prl_fs", "pvfs2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs", "wekafs"),
    ]
)
_LOCAL_FUSE_TYPES = frozenset(
    ["fuse.encfs", "fuse.fuse-overlayfs", "fuse.gocryptfs", "fuse.mergerfs", "fuse.overlayfs"]
)


def file_system_type(path: Path, mountinfo: Path = MOUNTINFO) -> str | None:
    """Return the type of the file system that a path lies on, such as ``"ext4"``.

    Parameters
    ----------
    path : Path
        It need not exist.
    mountinfo : Path
        A table in the form of mountinfo(5).

    Returns
    -------
    str or None
        None where there is no such table: on systems other than Linux.
    """
    try:
        table = os.fsdecode(mountinfo.read_bytes())
    except OSError:
        return None
    resolved = Path(os.path.realpath(path))
    deepest, found = -1, None
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields, types = before.split(" "), after.split(" ")
        if len(fields) < 5 or not types[0]:
            continue
        point = Path(_unescaped(fields[4]))
        # A later mount on the same point covers the earlier one.
        if len(point.parts) >= deepest and resolved.is_relative_to(point):
            deepest, found = len(point.parts), types[0]
    return found


def is_network_type(kind: str | None) -> bool:
    """Return whether several machines may see one file of this type of file system.

    Any in user space counts but those that are known to lie on a local disk.
    """
    if kind is None or kind in _LOCAL_FUSE_TYPES:
        return False
    return kind in _NETWORK_TYPES or kind.startswith("fuse.")


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
