"""Where the cache lies, what is in it, and what is removed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sessions import new_session

from tuilabel.cli import main
from tuilabel.data.file_cache import Failure, FileCache, FileKey
from tuilabel.workspace import cache, places
from tuilabel.workspace.places import cache_dir, cache_place


def tuilabel(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, prog_name="tuilabel")


@pytest.fixture
def network(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the home one on a network file system."""

    def kind(path: Path) -> str:
        return "nfs4" if path.is_relative_to(own_home) else "ext4"

    monkeypatch.setattr(places, "file_system_type", kind)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setenv("TMPDIR", str(path))
    # Nothing is made in the real folders for temporary files.
    monkeypatch.setattr(places, "_TEMPORARY", (str(tmp_path / "other"),))
    return path


# Its place.


def test_on_a_local_disk_it_is_in_the_usual_folder(own_home: Path) -> None:
    assert cache_place().root == own_home / "cache" / "tuilabel"
    assert cache_dir().parent == own_home / "cache" / "tuilabel"


def test_hosts_never_share(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for name in ("one", "two", "One", "one.example.org", "one/two", "..", "", "node-" + "1" * 50):
        monkeypatch.setattr(places, "host_name", lambda name=name: name)
        assert cache_dir().parent == cache_place().root
        found.add(cache_dir())
    assert len(found) == 8


@pytest.mark.usefixtures("network")
def test_on_a_network_it_is_private_and_local(temporary: Path) -> None:
    place = cache_place()
    assert place.root == temporary / f"tuilabel-{os.getuid()}"
    assert place.folder.parent == place.root
    assert place.network == "nfs4"
    assert stat.S_IMODE(place.root.stat().st_mode) == 0o700
    assert cache_place() == place


@pytest.mark.usefixtures("network")
def test_a_folder_that_others_may_write_or_lead_elsewhere_is_not_used(
    temporary: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "victim").mkdir(mode=0o700)
    path = temporary / f"tuilabel-{os.getuid()}"
    other = tmp_path / "other" / path.name
    path.symlink_to(tmp_path / "victim")
    assert cache_place().root == other
    path.unlink()
    path.mkdir()
    path.chmod(0o770)
    assert cache_place().root == other
    path.chmod(0o700)
    assert cache_place().root == path
    path.rmdir()
    path.touch(mode=0o600)
    assert cache_place().root == other


def test_temporary_files_on_a_network_are_no_place(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    (tmp_path / "other").mkdir()

    def kind(path: Path) -> str:
        return "ext4" if path.is_relative_to(tmp_path / "other") else "lustre"

    monkeypatch.setattr(places, "file_system_type", kind)
    assert cache_place().root.parent == tmp_path / "other"
    monkeypatch.setattr(places, "file_system_type", lambda path: "lustre")
    assert cache_place().root == own_home / "cache" / "tuilabel"
    assert cache_place().network is None


@pytest.mark.usefixtures("network")
def test_doctor_shows_which_folder_is_used(temporary: Path) -> None:
    lines = tuilabel("doctor").stdout.splitlines()
    assert any(line.startswith(f"cache         {cache_dir()}") for line in lines)
    (line,) = [line for line in lines if "network file system" in line]
    assert line.startswith("! The usual folder for the cache is on a network file system (nfs4),")
    assert f"{temporary}/tuilabel-{os.getuid()} is used" in line


# Its content.


def written(path: Path, size: int, used: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (used, used))
    return path


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    old = written(tmp_path / "host-a" / "arrays" / "old.npy", 400, 1000)
    thumbnails = [
        written(tmp_path / "host-b" / "folders" / f"x.1.files{ending}", 300, used)
        for ending, used in (("", 10), ("-wal", 3000), ("-shm", 10))
    ]
    download = written(tmp_path / "host-a" / "mnist" / "train.gz", 500, 1)
    former = written(tmp_path / "folders" / "of" / "an earlier version", 100, 2000)
    # A folder of a copy may have the name of another part of the cache.
    copy = written(tmp_path / "host-a" / "remote" / "1" / "x" / "arrays" / "a.png", 700, 0)
    now = written(tmp_path / "host-a" / "features" / "hog.npy", 5000, 1e11)
    found = cache.entries(tmp_path)
    assert [entry.size for entry in found] == [5000, 900, 100, 400, 500, 700]
    cache.bound(tmp_path, 6400)
    assert old.exists()
    cache.bound(tmp_path, 6399)
    assert not old.exists()
    assert former.exists()
    cache.bound(tmp_path, 5901)
    assert not former.exists()
    assert all(path.exists() for path in thumbnails)
    # A file of SQLite goes with those beside it; what is in use and downloads stay, which do not
    # count.
    cache.bound(tmp_path, 1)
    assert not any(path.exists() for path in thumbnails)
    assert now.exists()
    assert download.exists()
    assert copy.exists()


def test_what_is_opened_counts_as_used(tmp_path: Path) -> None:
    folder = tmp_path / "folders"
    file = FileKey("x", 1, 1, 1)
    thumbnails = FileCache(folder, "name", "v1")
    thumbnails.add([(file, Failure("no image"))])
    thumbnails.close()
    (path,) = folder.iterdir()
    os.utime(path, (0, 0))
    thumbnails = FileCache(folder, "name", "v1")
    cache.bound(tmp_path, 0)
    assert path.exists()
    # Removed while it is open, it stays readable.
    assert cache.clear(tmp_path) == []
    assert not path.exists()
    assert thumbnails.known().keys() == {file}


def test_the_command_shows_and_clears(own_home: Path) -> None:
    assert "size          0 bytes of at most 4 GB" in tuilabel("cache").stdout
    written(cache_dir() / "features" / "hog.npy", 2_500_000, 1)
    written(cache_dir() / "folders" / "x.1.files", 1000, 2)
    written(cache_dir() / "new kind" / "x", 10, 0)
    session = cache_dir() / "mine.tuilabel"
    new_session(session)
    result = tuilabel("cache")
    assert result.exit_code == 0
    path, system, *rest = result.stdout.splitlines()
    assert path == f"path          {cache_dir()}"
    assert system.startswith("file system   ")
    assert rest == [
        "size          2.5 MB of at most 4 GB (cache_size)",
        "1.0 kB        thumbnails of image files",
        "2.5 MB        features and graphs",
        "10 bytes      other files",
    ]
    result = tuilabel("cache", "--clear")
    root = own_home / "cache" / "tuilabel"
    assert (result.exit_code, result.stdout) == (0, f"2.5 MB removed from {root}.\n")
    # A session is no part of the cache, wherever somebody puts it.
    assert list(root.iterdir()) == [cache_dir()]
    assert list(cache_dir().iterdir()) == [session]
    assert tuilabel("status", str(session)).exit_code == 0


def test_what_cannot_be_removed_is_said(
    powerless_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(powerless_dir))
    path = written(cache_dir() / "features" / "hog.npy", 10, 1)
    path.parent.chmod(0o500)
    result = tuilabel("cache", "--clear")
    path.parent.chmod(0o700)
    assert result.exit_code == 1
    assert result.stdout.startswith("0 bytes removed from ")
    assert "1 file cannot be removed (Permission denied): make" in " ".join(result.stderr.split())


def test_links_are_not_followed(tmp_path: Path) -> None:
    kept = written(tmp_path / "elsewhere" / "photo.png", 10, 1)
    root = tmp_path / "cache"
    root.mkdir()
    (root / "folders").symlink_to(kept.parent)
    (root / "file").symlink_to(kept)
    assert cache.clear(root) == []
    assert kept.exists()
