"""Lists that come on standard input."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest
from fuzzing import check_sentence, files_with, fuzzed
from hypothesis import given
from PIL import Image

from tuilabel.data import open_dataset
from tuilabel.errors import SourceError, TuilabelError, UsageError
from tuilabel.plugins import root_of, source_options, split_source
from tuilabel.workspace import lists
from tuilabel.workspace.lists import keep_list
from tuilabel.workspace.places import cache_dir, data_dir, is_gone, session_path, source_name


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for value, name in enumerate(("a.png", "b.png")):
        Image.new("L", (6, 4), value).save(folder / name)
    monkeypatch.chdir(folder)
    return folder


def keep(content: bytes, *, null: bool = False) -> str:
    return keep_list(io.BufferedReader(io.BytesIO(content)), null=null)  # type: ignore[arg-type]


def test_it_is_kept_privately_and_opens_from_any_folder(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = keep(b"./a.png\nb.png\n")
    file = Path(split_source(source)[1] or "")
    assert file.parent == data_dir() / "lists"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes() == b"./a.png\nb.png\n"
    assert keep(b"./a.png\nb.png\n") == source
    assert keep(b"./a.png\n") != source
    monkeypatch.chdir("/")
    opened = open_dataset(source, classes=["a"], seed=0)
    assert sorted(opened.references(row)[0] for row in range(2)) == ["a.png", "b.png"]
    assert not is_gone(source)
    assert source_name(source) == f"list {file.name}"


def test_the_session_is_that_of_the_list_and_its_folder(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = session_path(keep(b"a.png\n"))
    (root / "sub").mkdir()
    monkeypatch.chdir(root / "sub")
    assert session_path(keep(b"a.png\n")) != here
    monkeypatch.chdir(root)
    assert session_path(keep(b"a.png\n")) == here


def test_paths_elsewhere_are_relative_to_the_folder_of_all(root: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    Image.new("L", (6, 4), 7).save(tmp_path / "x" / "c.png")
    source = keep(b"../x/c.png\na.png\n")
    assert root_of(source) == str(tmp_path)
    opened = open_dataset(source, classes=["a"], seed=0)
    found = sorted(opened.references(row)[0] for row in range(2))
    assert found == ["photos/a.png", "x/c.png"]


def test_the_end_of_a_path_is_remembered(root: Path) -> None:
    source = keep(b"a.png\0b.png\0", null=True)
    assert source_options(source)["null"]
    assert len(open_dataset(source, classes=["a"], seed=0)) == 2
    with pytest.raises(SourceError, match=r"^Standard input is neither .* use -0"):
        keep(b"a.png\0b.png\0")


def test_nothing_and_too_much_are_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for nothing in (b"", b"\n\n"):
        with pytest.raises(UsageError, match="Standard input named no file"):
            keep(nothing)
    monkeypatch.setattr(lists, "MOST_BYTES", 10)
    with pytest.raises(SourceError, match="is larger than"):
        keep(b"a.png\n" * 3)


def test_a_folder_that_cannot_be_written_has_its_sentence(root: Path) -> None:
    data_dir().parent.mkdir(parents=True)
    data_dir().touch()
    with pytest.raises(UsageError, match="The list of files cannot be kept in"):
        keep(b"a.png\n")


@fuzzed
@given(files_with())
@pytest.mark.usefixtures("bounded")
def test_any_bytes_are_kept_or_refused(root: Path, content: bytes) -> None:
    for null in (False, True):
        try:
            source = keep(content, null=null)
            open_dataset(source, classes=["a"], seed=0)
        except TuilabelError as error:
            check_sentence(error)


def test_a_list_that_no_session_opens_again_is_in_the_cache(root: Path) -> None:
    stream = io.BufferedReader(io.BytesIO(b"a.png\n"))  # type: ignore[arg-type]
    source = keep_list(stream, null=False, is_kept=False)
    assert Path(split_source(source)[1] or "").parent == cache_dir() / "lists"
    assert len(open_dataset(source, classes=["a"], seed=0)) == 1


@pytest.mark.usefixtures("root")
def test_the_name_of_a_kept_list_is_told_to_nobody() -> None:
    with pytest.raises(SourceError) as caught:
        open_dataset(keep(b"c.png\nsub\n"), classes=["a"], seed=0)
    said = str(caught.value)
    assert said.startswith("None of the files that were named is an image: ")
    assert ("c.png (" in said, "sub (" in said, "stdin" in said) == (True, True, False)
