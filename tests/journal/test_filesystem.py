"""Which file system a session lies on, by a table of mounts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tuilabel.journal.filesystem import give_name, network_type


def table(tmp_path: Path, *mounts: tuple[str, str]) -> Path:
    """Write a mountinfo of (mount point as escaped there, type)."""
    file = tmp_path / "mountinfo"
    lines = (
        f"{number} 1 0:{number} / {point} rw,relatime shared:{number} - {kind} device rw"
        for number, (point, kind) in enumerate(mounts, start=20)
    )
    file.write_bytes(os.fsencode("\n".join(lines) + "\n"))
    return file


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "fuse.sshfs", "smb3", "ceph"])
def test_network_file_systems_are_known(tmp_path: Path, kind: str) -> None:
    mounts = table(tmp_path, ("/", "ext4"), (str(tmp_path), kind))
    assert network_type(tmp_path / "s.tuilabel", mounts) == kind
    assert network_type(tmp_path.parent, mounts) is None


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "fuse.mergerfs"])
def test_local_file_systems_are_none(tmp_path: Path, kind: str) -> None:
    assert network_type(tmp_path, table(tmp_path, ("/", "nfs"), (str(tmp_path), kind))) is None


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("with space", r"with\040space"),
        ("tab\tand\nnewline", r"tab\011and\012newline"),
        ("back\\slash", r"back\134slash"),
        ("wide　space", "wide　space"),
        ("line\u2028end", "line\u2028end"),
        ("caf\udce9", "caf\udce9"),
    ],
)
def test_names_with_white_space_are_found(tmp_path: Path, name: str, escaped: str) -> None:
    point = tmp_path / name
    point.mkdir()
    mounts = table(tmp_path, ("/", "ext4"), (f"{tmp_path}/{escaped}", "nfs4"))
    assert network_type(point, mounts) == "nfs4"


def test_the_deepest_mount_counts_wherever_it_stands(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    mounts = table(tmp_path, (str(inner), "ext4"), (str(tmp_path), "nfs"), ("/", "ext4"))
    assert network_type(inner, mounts) is None
    assert network_type(tmp_path, mounts) == "nfs"


def test_a_later_mount_covers_the_earlier_one(tmp_path: Path) -> None:
    over, under = (str(tmp_path), "ext4"), (str(tmp_path), "nfs")
    assert network_type(tmp_path, table(tmp_path, under, over)) is None
    assert network_type(tmp_path, table(tmp_path, over, under)) == "nfs"


def test_a_name_that_only_begins_alike_is_another_place(tmp_path: Path) -> None:
    (tmp_path / "data2").mkdir()
    mounts = table(tmp_path, ("/", "ext4"), (f"{tmp_path}/data", "nfs"))
    assert network_type(tmp_path / "data2", mounts) is None


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    (tmp_path / "link").symlink_to("remote")
    mounts = table(tmp_path, ("/", "ext4"), (f"{tmp_path}/remote", "nfs"))
    assert network_type(tmp_path / "link", mounts) == "nfs"


def test_lines_that_make_no_sense_are_passed_over(tmp_path: Path) -> None:
    mounts = table(tmp_path, ("/", "ext4"), (str(tmp_path), "nfs"))
    mounts.write_bytes(b"\n- \nx - y\n1 2 3 - \n\xff - \xff\n" + mounts.read_bytes())
    assert network_type(tmp_path, mounts) == "nfs"


def test_without_a_table_nothing_is_known(tmp_path: Path) -> None:
    assert network_type(tmp_path, tmp_path / "missing") is None


@pytest.mark.parametrize("links", [True, False])
def test_a_name_is_given_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    first, second, path = (tmp_path / name for name in ("first", "second", "path"))
    first.write_text("1")
    second.write_text("2")
    give_name(first, path)
    with pytest.raises(FileExistsError):
        give_name(second, path)
    assert path.read_text() == "1"
    assert second.read_text() == "2"
