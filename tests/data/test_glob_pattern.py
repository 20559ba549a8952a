"""Patterns of file names."""

from __future__ import annotations

import os
from glob import glob
from pathlib import Path

import pytest
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tuilabel.data import open_dataset
from tuilabel.data.dataset import Dataset
from tuilabel.data.glob_pattern import matches
from tuilabel.errors import SourceError

NAMES = ("1.jpg", "2.JPG", "a/3.jpg", "a/b/4.jpg", "a/b/5.png", "c/6.jpg", ".h/7.jpg", ".8.jpg")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "photos"
    for value, name in enumerate(NAMES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (6, 4), value).save(folder / name, "PNG")
    monkeypatch.chdir(tmp_path)
    return folder


def opened(pattern: str, cache_dir: Path) -> Dataset:
    return open_dataset(pattern, classes=["a", "b"], cache_dir=cache_dir, seed=0)


@pytest.mark.parametrize(
    ("pattern", "root_path"),
    [
        ("photos/**/*.jpg", "photos"),
        ("photos/*.jpg", "photos"),
        ("photos/*/*.jpg", "photos"),
        ("photos/a/**", "photos/a"),
        ("photos/a/b/?.png", "photos/a/b"),
        ("photos/[ac]/**/*.jpg", "photos"),
        ("photos/**/b/*", "photos"),
        ("p*/a/3.jpg", "."),
        ("./photos/../photos/*.[jJ][pP]*", "photos"),
    ],
)
@pytest.mark.usefixtures("root")
def test_it_opens_the_files_that_a_shell_finds(
    pattern: str, root_path: str, cache_dir: Path
) -> None:
    found = opened(pattern, cache_dir)
    names = {path for row in range(len(found)) for path in found.references(row)}
    there = glob(pattern, recursive=True)  # noqa: PTH207  (Path.glob finds hidden files)
    expected = [path for path in there if Path(path).is_file()]
    assert names == {os.path.relpath(path, root_path) for path in expected}
    assert found.source.startswith("glob:/")


def test_a_folder_that_is_named_like_a_pattern_is_opened(tmp_path: Path, cache_dir: Path) -> None:
    folder = tmp_path / "photos[1]"
    folder.mkdir()
    Image.new("L", (6, 4)).save(folder / "x.png")
    assert opened(str(folder), cache_dir).source == str(folder)


@pytest.mark.usefixtures("root", "bounded")
def test_links_in_a_circle_and_pipes_keep_nothing_waiting(root: Path, cache_dir: Path) -> None:
    (root / "a" / "up.jpg").symlink_to(root)
    os.mkfifo(root / "pipe.jpg")
    found = opened("photos/**/*.jpg", cache_dir)
    assert len(found) == 4
    assert [file.reason for file in found.skipped] == ["not an ordinary file"]


@pytest.mark.usefixtures("root")
def test_without_a_match_there_is_a_sentence(cache_dir: Path) -> None:
    with pytest.raises(SourceError, match=r"^The pattern .*photos/\*.gif names no file: choose"):
        opened("photos/*.gif", cache_dir)
    with pytest.raises(SourceError, match=r"^The folder .*nowhere cannot be read"):
        opened("nowhere/*.gif", cache_dir)


def test_only_as_many_folders_are_read_as_the_pattern_has(
    root: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: read.append(path) or scandir(path))
    opened("photos/*/*.jpg", cache_dir)
    there = [Path(path).name for path in read if root in (Path(path), Path(path).parent)]
    assert sorted(there) == ["a", "c", "photos"]
    assert not [path for path in read if Path(path).name == "b"]


PARTS = st.lists(st.sampled_from(["**", "*", "a", "b", "?", "[ab]", "[", "a*b"]), max_size=8)


@fuzzed
@given(PARTS, st.lists(st.sampled_from(["a", "b", "ab"]), max_size=8))
def test_any_pattern_matches_as_its_definition_says(parts: list[str], names: list[str]) -> None:
    def defined(names: list[str], parts: list[str]) -> bool:
        if not parts:
            return not names
        if parts[0] == "**":
            return any(defined(names[n:], parts[1:]) for n in range(len(names) + 1))
        return bool(names) and matches(names[:1], parts[:1]) and defined(names[1:], parts[1:])

    assert matches(names, parts) == defined(names, parts)


def test_many_wildcards_take_no_time() -> None:
    assert not matches(["a"] * 60, ["**", "a"] * 40 + ["b"])
