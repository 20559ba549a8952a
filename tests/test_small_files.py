"""Opening of files, whatever lies in their place."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tuilabel.small_files import open_regular, read_small, why_not_writable

KINDS: dict[str, Callable[[Path], object]] = {
    "it is a pipe, not": os.mkfifo,
    "it is a directory, not": os.mkdir,
    "it is a device, not": lambda path: path.symlink_to("/dev/zero"),
    "No such file": lambda path: None,
}


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("found", KINDS)
def test_only_ordinary_files_are_opened_and_none_is_waited_for(tmp_path: Path, found: str) -> None:
    KINDS[found](tmp_path / "x")
    before = set(Path("/proc/self/fd").iterdir()) if Path("/proc").exists() else set()
    for _ in range(3):
        with pytest.raises(OSError, match=found) as caught:
            open_regular(tmp_path / "x")
        assert re.match(found, str(caught.value.strerror))
    if before:
        assert set(Path("/proc/self/fd").iterdir()) <= before


def test_a_small_file_is_read_whole_and_a_larger_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x" * 10)
    assert read_small(path, 10) == b"x" * 10
    with pytest.raises(OSError, match="larger than 9 bytes"):
        read_small(path, 9)


def test_a_folder_is_tried_by_writing_a_file_that_goes_again(powerless_dir: Path) -> None:
    folder = powerless_dir / "not" / "there" / "yet"
    assert why_not_writable(folder) is None
    assert list(powerless_dir.iterdir()) == []
    powerless_dir.chmod(0o555)
    for place in (powerless_dir, folder):
        assert why_not_writable(place) == f"{powerless_dir} cannot be written (Permission denied)"
    powerless_dir.chmod(0o755)
    (powerless_dir / "not").touch()
    assert why_not_writable(folder) == f"{powerless_dir}/not cannot be written (Not a directory)"


def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    assert why_not_writable(tmp_path) == f"{tmp_path} cannot be written (No space left on device)"
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_opened_only_on_request(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    (tmp_path / "link").symlink_to("x")
    os.close(open_regular(tmp_path / "link"))
    with pytest.raises(OSError, match="it is a link"):
        open_regular(tmp_path / "link", follow=False)
