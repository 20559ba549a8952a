"""Which file systems several machines may see."""

from pathlib import Path

import pytest

from tuilabel.file_systems import file_system_type, is_network_type

TABLE = """\
21 1 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:21 / /home rw shared:2 - nfs4 server:/home rw
23 22 0:22 / /home/ana/local rw - xfs /dev/sdb1 rw
24 21 0:23 / /mnt/with\\040space\\134and rw - fuse.sshfs host:/ rw
25 21 0:24 / /twice rw - nfs server:/ rw
26 21 0:25 / /twice rw - tmpfs none rw
27 21 0:26 / /odd rw - \\x
broken
 - nfs
28 21
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/homes", "ext4"),
        ("/home", "nfs4"),
        ("/home/ana/photos/not there", "nfs4"),
        ("/home/ana/local/x", "xfs"),
        ("/mnt/with space\\and/x", "fuse.sshfs"),
        ("/twice/x", "tmpfs"),
    ],
)
def test_the_deepest_mount_that_was_made_last_counts(tmp_path: Path, path: str, kind: str) -> None:
    (tmp_path / "mountinfo").write_text(TABLE)
    assert file_system_type(Path(path), tmp_path / "mountinfo") == kind


def test_a_link_is_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(TABLE)
    (tmp_path / "link").symlink_to("/home/ana")
    assert file_system_type(tmp_path / "link" / "x", tmp_path / "mountinfo") == "nfs4"


def test_without_a_table_nothing_is_known(tmp_path: Path) -> None:
    assert file_system_type(tmp_path, tmp_path / "missing") is None
    assert not is_network_type(None)


def test_what_user_space_serves_counts_unless_it_is_known_to_be_local() -> None:
    network = {"nfs", "nfs4", "cifs", "lustre", "gpfs", "9p", "fuse.sshfs", "fuse.unheard-of"}
    local = {"ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "apfs", "fuseblk", "fuse.gocryptfs"}
    assert {kind for kind in network | local if is_network_type(kind)} == network
