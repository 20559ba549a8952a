"""Files are copied from URLs within limits, and no secret is in a message."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tuilabel.data import remote
from tuilabel.data.remote import copy_files
from tuilabel.errors import SourceError
from tuilabel.text import shown_url

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/a b/c", "s3://bucket/a b/c"),
        (f"https://me:{SECRET}@host/x.png?sig={SECRET}#{SECRET}", "https://host/x.png"),
        (f"https://host?token={SECRET}", "https://host"),
        (f"ftp://a@{SECRET}@host:21/x@y", "ftp://host:21/x@y"),
        ("s3://b/\x1b[2J", "s3://b/␛[2J"),
    ],
)
def test_what_may_be_a_secret_is_not_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def problem(url: str, target: Path, limit: int = 10**9) -> str:
    with pytest.raises(SourceError) as caught:
        copy_files(url, target, limit=limit)
    found = str(caught.value)
    assert SECRET not in found
    assert "\n" not in found
    return found


def test_without_fsspec_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "find_spec", lambda name: None)
    found = problem(f"s3://bucket/photos?{SECRET}", tmp_path / "x")
    assert found == (
        "s3://bucket/photos needs fsspec: pip install 'tuilabel[remote]' and the package for s3, "
        "such as s3fs or gcsfs."
    )


def test_urls_with_secrets_and_chains_are_refused(tmp_path: Path) -> None:
    assert "a name or a password" in problem(f"https://me:{SECRET}@host/x", tmp_path / "x")
    assert "followed by another URL" in problem(f"zip://x::https://a:{SECRET}@b", tmp_path / "x")


try:
    import fsspec
except ImportError:
    fsspec = None

needs_fsspec = pytest.mark.skipif(fsspec is None, reason="needs fsspec: pip install -e '.[remote]'")


@pytest.fixture
def memory() -> Iterator[Any]:
    """Return a file system in memory."""
    found = fsspec.filesystem("memory")
    yield found
    found.store.clear()
    found.pseudo_dirs[:] = [""]


@needs_fsspec
def test_files_are_copied_once_and_again_when_they_change(tmp_path: Path, memory: Any) -> None:
    target = tmp_path / "copies" / "photos"
    memory.pipe({"/photos/a.png": b"1", "/photos/cats/b.png": b"22", "/other/c.png": b"3"})
    reports: list[tuple[str, int, int | None]] = []
    copy_files("memory://photos/", target, limit=9, progress=lambda *report: reports.append(report))
    names = sorted(str(path.relative_to(target)) for path in target.rglob("*.png"))
    assert names == ["a.png", "cats/b.png"]
    assert (target / "cats/b.png").read_bytes() == b"22"
    assert [report[1:] for report in reports] == [(1, 2), (2, 2)]
    memory.pipe("/photos/cats/b.png", b"new")
    memory.rm("/photos/a.png")
    memory.pipe("/photos/d.png", b"4")
    copy_files("memory://photos/", target, limit=9)
    names = sorted(str(path.relative_to(target)) for path in target.rglob("*.png"))
    assert names == ["cats/b.png", "d.png"]
    assert (target / "cats/b.png").read_bytes() == b"new"


@needs_fsspec
def test_what_was_copied_and_is_the_same_is_not_read_again(
    tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "photos", tmp_path / "copies" / "photos"
    source.mkdir()
    (source / "a.png").write_bytes(b"1")
    copy_files(source.as_uri(), target, limit=9)
    monkeypatch.setattr(type(fsspec.filesystem("file")), "open", None)
    copy_files(source.as_uri(), target, limit=9)
    assert (target / "a.png").read_bytes() == b"1"
    (source / "a.png").write_bytes(b"22")
    problem(source.as_uri(), target)


@needs_fsspec
def test_a_single_file_is_copied_under_its_name(tmp_path: Path, memory: Any) -> None:
    memory.pipe("/x/digits.csv", b"text")
    copy_files("memory://x/digits.csv", tmp_path / "c" / "digits.csv", limit=9)
    assert (tmp_path / "c" / "digits.csv").read_bytes() == b"text"


@needs_fsspec
def test_there_is_a_limit_whatever_the_sizes_say(
    tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe({"/photos/a.png": b"1" * 600, "/photos/b.png": b"2" * 600})
    assert problem("memory://photos", tmp_path / "c/x", limit=1000).startswith(
        "memory://photos has 1.2 kB in 2 files, but at most 1.0 kB"
    )
    original = type(memory).find
    monkeypatch.setattr(
        type(memory),
        "find",
        lambda *a, **k: {n: {**i, "size": None} for n, i in original(*a, **k).items()},
    )
    assert "b.png has more bytes" in problem("memory://photos", tmp_path / "c/x", limit=1000)
    assert (tmp_path / "c/x/a.png").exists()
    assert not (tmp_path / "c/x/b.png").exists()


@needs_fsspec
def test_names_that_lead_out_of_the_folder_are_left_out(
    tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe("/photos/a.png", b"1")
    info = memory.info("/photos/a.png")
    names = ["../out.png", "x/../../out.png", ".hidden", "x/.git/y", "a//b", "nul\0", "a.png"]
    monkeypatch.setattr(
        type(memory), "find", lambda *_, **__: {f"/photos/{name}": info for name in names}
    )
    target = tmp_path / "c" / "photos"
    copy_files("memory://photos", target, limit=99)
    assert [path.name for path in (tmp_path / "c").rglob("*.png")] == ["a.png"]
    assert not (tmp_path / "out.png").exists()


@needs_fsspec
@pytest.mark.usefixtures("bounded")
def test_only_ordinary_files_are_copied(tmp_path: Path) -> None:
    source, target = tmp_path / "photos", tmp_path / "c" / "photos"
    source.mkdir()
    (source / "a.png").write_bytes(b"1")
    os.mkfifo(source / "pipe.png")
    (source / "zero.png").symlink_to("/dev/zero")
    copy_files(source.as_uri(), target, limit=10**6)
    assert [path.name for path in target.iterdir()] == ["a.png"]
    problem((source / "pipe.png").as_uri(), target, limit=10**6)


@needs_fsspec
def test_every_failure_is_one_sentence_without_a_secret(
    tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "c" / "x"
    assert problem("memory://missing", target) == (
        "There is nothing at memory://missing: choose another URL."
    )
    memory.mkdir("/empty")
    assert "There are no files at" in problem("memory://empty", target)
    assert "cannot be read (ValueError)" in problem(f"nonsense://x?{SECRET}", target)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    assert "needs a package that is not installed: " in problem("s3://bucket/x", target)
    memory.pipe("/photos/a.png", b"1")
    for error, text in (
        (PermissionError(SECRET), "may not be read: set up credentials"),
        (RuntimeError(f"https://host?sig={SECRET}\n"), "cannot be read (RuntimeError)"),
        (OSError(SECRET), "cannot be read (OSError)"),
    ):

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(type(memory), "open", fail)
        assert text in problem("memory://photos", target)


@needs_fsspec
def test_a_record_that_is_damaged_is_made_again(tmp_path: Path, memory: Any) -> None:
    memory.pipe("/photos/a.png", b"1")
    target = tmp_path / "c" / "photos"
    (tmp_path / "c").mkdir()
    (tmp_path / "out.png").write_bytes(b"mine")
    for record in (b"[" * 10_000, b"[]", b"\xff", b'{"../../out.png": "x"}'):
        (tmp_path / "c" / "copied.json").write_bytes(record)
        copy_files("memory://photos", target, limit=9)
        assert (target / "a.png").read_bytes() == b"1"
    assert (tmp_path / "out.png").exists(), "no record names a file elsewhere"


@needs_fsspec
def test_a_copy_that_cannot_be_written_is_one_sentence(tmp_path: Path, memory: Any) -> None:
    memory.pipe(f"/photos/{'x' * 300}", b"1")
    assert "cannot be written (File name too long)" in problem("memory://photos", tmp_path / "c/y")
