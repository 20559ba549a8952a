"""Lists of paths."""

from __future__ import annotations

import io
import os
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fuzzing import check_sentence, files_with, fuzzed
from hypothesis import given
from PIL import Image

from tuilabel.data import listing, open_dataset
from tuilabel.data.dataset import Dataset
from tuilabel.data.folder_items import FolderItems
from tuilabel.data.path_list import paths_in
from tuilabel.data.places import find_places
from tuilabel.errors import SourceError, UsageError

Open = Callable[..., Dataset]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with four images, and with what nobody can read an image from."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for value, name in enumerate(("a.png", "b.png", "sub/c.png", ".hidden.png")):
        Image.new("L", (6, 4), value).save(folder / name)
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    return folder


@pytest.fixture
def opened(root: Path, cache_dir: Path) -> Open:
    def opened(content: str | bytes, name: str = "list.txt", query: str = "", seed: int | None = 0):
        data = content.encode() if isinstance(content, str) else content
        (root / name).write_bytes(data)
        source = f"list{query}:{root / name}" if query else str(root / name)
        return open_dataset(source, classes=["a", "b"], cache_dir=cache_dir, seed=seed)

    return opened


def paths(dataset: Dataset) -> set[str]:
    return {path for row in range(len(dataset)) for path in dataset.references(row)}


def test_paths_are_relative_to_the_folder_of_the_list(opened: Open, root: Path) -> None:
    listed = opened(f"./sub/c.png\n\nsub/../a.png\r\n{root}/b.png\na.png\n.hidden.png")
    assert paths(listed) == {"a.png", "b.png", "sub/c.png", ".hidden.png"}
    assert listed.skipped == []
    assert listed.source == f"list:{root}/list.txt"


@pytest.mark.usefixtures("warm_decoders")
def test_it_opens_with_and_without_a_seed_and_the_source_opens_it_again(
    opened: Open, cache_dir: Path
) -> None:
    listed, whole = opened("b.png\na.png\n"), opened("b.png\na.png\n", seed=None)
    assert isinstance(listed, FolderItems)
    assert listed.unread.all()
    assert [whole.references(row) for row in (0, 1)] == [("a.png",), ("b.png",)]
    again = open_dataset(listed.source, classes=["a", "b"], cache_dir=cache_dir)
    assert list(again.ids) == list(whole.ids)
    assert (again.full_image(1) == 1).all()


def test_the_order_is_that_of_the_folder_whatever_the_order_of_the_lines(
    opened: Open, root: Path, cache_dir: Path
) -> None:
    def order(dataset: Dataset) -> list[str]:
        return [dataset.references(row)[0] for row in range(len(dataset))]

    there, back = opened("a.png\nb.png\nsub/c.png\n"), opened("sub/c.png\nb.png\na.png\n")
    (root / "list.txt").unlink()
    folder = open_dataset(str(root), classes=["a", "b"], cache_dir=cache_dir, seed=0)
    assert order(there) == order(back) == order(folder)


def test_bytes_after_which_paths_end(opened: Open, root: Path) -> None:
    odd = os.fsencode(root) + b"/line\nbreak \xff.png"
    Image.new("L", (6, 4), 9).save(root / "x.png")
    os.rename(root / "x.png", odd)  # noqa: PTH104  (the name is no text)
    listed = opened(b"a.png\0line\nbreak \xff.png\0", query="?null=1")
    assert paths(listed) == {"a.png", "line\nbreak \udcff.png"}
    with pytest.raises(SourceError, match=r"line 1 has a NUL byte.*use -0"):
        opened(b"a.png\0b.png\0")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../secret.png", "outside of"),
        ("/etc/passwd", "outside of"),
        ("sub/../../photos2/x.png", "outside of"),
        ("no.png", "No such file"),
        ("a.png/x", "Not a directory"),
        ("sub", "a folder"),
        ("pipe", "not an ordinary file"),
        ("loop", "symbolic links"),
        ("x" * 5000, "too long"),
        ("sub/" + "y" * 10**6, "too long"),
        (".", "outside of"),
    ],
)
@pytest.mark.usefixtures("bounded")
def test_what_is_no_file_is_skipped_with_its_reason(opened: Open, path: str, reason: str) -> None:
    listed = opened(f"{path}\na.png\n")
    assert paths(listed) == {"a.png"}
    (skipped,) = listed.skipped
    assert reason in skipped.reason
    assert len(skipped.path) < 40_000
    with pytest.raises(SourceError, match=r"^The list .*list.txt has no images: "):
        opened(path)


def test_a_device_below_the_folder_is_skipped(opened: Open, root: Path) -> None:
    (root / "zero").symlink_to("/dev/zero")
    listed = opened("zero\na.png\n")
    assert [file.reason for file in listed.skipped] == ["not an ordinary file"]


def test_a_file_that_vanishes_is_refused_when_it_is_read(opened: Open, root: Path) -> None:
    listed = opened("a.png\nb.png\n")
    assert isinstance(listed, FolderItems)
    (root / "b.png").unlink()
    listed.learn(listed.read([0, 1]))
    assert [file.path for file in listed.skipped] == ["b.png"]


def test_a_list_that_is_empty_or_binary_is_refused(opened: Open, root: Path) -> None:
    with pytest.raises(SourceError, match=r"^The list .* names no file: "):
        opened("\n\n")
    with pytest.raises(SourceError, match="neither a text file of paths nor another source"):
        opened(b"a\0b", name="photo.raw")
    for image in ((root / "a.png").read_bytes(), b"\xff\xd8\xff\xe0broken"):
        with pytest.raises(SourceError, match=r"photo is one image: open the folder it is in\."):
            opened(image, name="photo")
    with pytest.raises(SourceError, match="has a NUL byte"):
        opened("a.png\nb.png\n".encode("utf-16"))
    opened("a.png\n")
    with pytest.raises(UsageError, match="--test 5 cannot be used"):
        open_dataset(str(root / "list.txt"), classes=["a"], test=5, seed=0)


def test_a_byte_order_mark_is_no_part_of_a_path(opened: Open) -> None:
    assert paths(opened(b"\xef\xbb\xbfa.png\n")) == {"a.png"}


def test_an_enormous_list_is_refused_before_it_is_read(opened: Open, root: Path) -> None:
    opened("a.png\n")
    os.truncate(root / "list.txt", 2**40)
    with pytest.raises(SourceError, match="larger than 1 GiB"):
        open_dataset(str(root / "list.txt"), classes=["a"], seed=0)


def test_more_names_than_memory_has_room_for_are_refused(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_MOST_SKIPPED", 3)
    with pytest.raises(SourceError, match=r"Most of what is named cannot be read: 0 \(No such"):
        opened("\n".join(map(str, range(9))))
    monkeypatch.setattr(listing, "_MOST_FILES", 1)
    with pytest.raises(SourceError, match="More than 1 files are named: split the list"):
        opened("a.png\nb.png\nsub/c.png\n")


def test_a_line_of_a_gigabyte_takes_little_memory() -> None:
    class Endless(io.RawIOBase):
        left = 2**10

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            return b"x" * 2**20 if self.left else b""

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (path,) = paths_in(Endless(), "list", null=False)  # type: ignore[arg-type]
    assert len(path) == 2**15
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**17


def test_a_list_in_place_of_a_pipe_never_waits(root: Path, cache_dir: Path) -> None:
    with pytest.raises(SourceError, match="it is a pipe"):
        open_dataset(f"list:{root}/pipe", classes=["a"], cache_dir=cache_dir)


def test_an_export_finds_what_a_list_names(opened: Open, cache_dir: Path) -> None:
    listed = opened("a.png\nsub/c.png\nno.png\n")
    places = find_places(listed.source, cache_dir=cache_dir)
    assert sorted(places.items.values()) == [["a.png"], ["sub/c.png"]]
    assert places.unread == {"no.png"}


def test_reading_a_list_forgets_nothing_about_the_rest_of_the_folder(
    opened: Open, root: Path, cache_dir: Path, warm_decoders: None
) -> None:
    folder = open_dataset(str(root), classes=["a", "b"], cache_dir=cache_dir)
    assert len(folder) == 3
    opened("a.png\n", seed=None)
    again = open_dataset(str(root), classes=["a", "b"], cache_dir=cache_dir, seed=0)
    assert isinstance(again, FolderItems)
    known = ~again.unread
    assert np.count_nonzero(known) >= 3


@fuzzed
@given(files_with(b"sub/c.png"))
@pytest.mark.usefixtures("bounded")
def test_any_bytes_are_a_list_or_refused(opened: Open, content: bytes) -> None:
    for query in ("", "?null=1"):
        try:
            listed = opened(content, query=query)
        except SourceError as error:
            check_sentence(error)
        else:
            assert paths(listed) <= {"a.png", "b.png", "sub/c.png", "list.txt"}
