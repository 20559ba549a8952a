"""Tables of paths, and tables of pixels."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fuzzing import check_sentence, files_with, fuzzed
from hypothesis import given
from PIL import Image

from tuilabel.data import open_dataset, pixel_table
from tuilabel.data.arrays import CacheError
from tuilabel.data.dataset import Dataset
from tuilabel.data.folder_items import FolderItems
from tuilabel.data.pixel_table import pixel_columns
from tuilabel.data.places import find_places
from tuilabel.data.region import Region
from tuilabel.errors import SourceError, TuilabelError, UnnamedClassesError, UsageError
from tuilabel.plugins import with_options

Open = Callable[..., Dataset]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for value, name in enumerate(("a.png", "b.png", "sub/c.png")):
        Image.new("L", (6, 4), value).save(folder / name)
    return folder


@pytest.fixture
def opened(root: Path, cache_dir: Path) -> Open:
    def opened(
        content: str | bytes,
        name: str = "t.csv",
        classes: tuple[str, ...] | None = ("a", "b"),
        **query,
    ):
        data = content.encode() if isinstance(content, str) else content
        (root / name).write_bytes(data)
        source = with_options(str(root / name), **query)
        return open_dataset(source, classes=classes, cache_dir=cache_dir, seed=0)

    return opened


def paths(dataset: Dataset) -> set[str]:
    return {path for row in range(len(dataset)) for path in dataset.references(row)}


# Paths.


@pytest.mark.parametrize("column", ["path", "file", "filename", "image", "File Name", "FILE_NAME"])
def test_a_column_of_paths_is_found_by_its_name(opened: Open, column: str) -> None:
    assert paths(opened(f"id,{column}\n1,a.png\n2,sub/c.png\n")) == {"a.png", "sub/c.png"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.tsv", "path\tx\na.png\t1,2\n"),
        ("t.csv", "path;x\na.png;1,2\n"),
        ("t.CSV", '\ufeffpath , x\r\n"a.png","two\nlines"\r\n\r\n'),
        ("t.csv", "path,x\na.png\n"),
    ],
)
def test_usual_forms_of_tables(opened: Open, name: str, content: str) -> None:
    assert paths(opened(content, name=name)) == {"a.png"}


def test_the_column_may_be_named(opened: Open) -> None:
    content = "path,thumb nail\na.png,b.png\n"
    assert paths(opened(content, column="thumb nail")) == {"b.png"}
    with pytest.raises(UsageError, match="no column 'thumb', but path, thumb nail: name one"):
        opened(content, column="thumb")


def test_rows_are_chosen_and_the_source_says_so(opened: Open, cache_dir: Path) -> None:
    content = 'path,split\na.png,train\nb.png,test\nsub/c.png,"train"\n'
    chosen = opened(content, where='split == "train"')
    assert paths(chosen) == {"a.png", "sub/c.png"}
    again = open_dataset(chosen.source, classes=["a", "b"], cache_dir=cache_dir, seed=0)
    assert paths(again) == paths(chosen)
    places = find_places(chosen.source, cache_dir=cache_dir)
    assert sorted(places.items.values()) == [["a.png"], ["sub/c.png"]]
    with pytest.raises(UsageError, match=r"is true of none of the 3 rows of t.csv"):
        opened(content, where="split == 'x'")
    with pytest.raises(UsageError, match="names the column 'part'"):
        opened(content, where="part == 'x'")


def test_paths_that_are_no_images_here_are_skipped(opened: Open) -> None:
    table = opened('path,x\n../a.png,1\n"",2\nno.png,3\n/etc/passwd,4\na.png,5\n')
    assert paths(table) == {"a.png"}
    assert {(file.path, file.reason.partition(" of ")[0]) for file in table.skipped} == {
        ("../a.png", "outside"),
        ("/etc/passwd", "outside"),
        ("row 2", "no path"),
        ("no.png", "No such file or directory"),
    }


def test_a_name_that_is_no_text_is_found(opened: Open, root: Path) -> None:
    os.rename(root / "a.png", os.fsencode(root) + b"/\xe9.png")  # noqa: PTH104  (it is no text)
    assert paths(opened(b"path\n\xe9.png\n")) == {"\udce9.png"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "begins with an empty line"),
        (b"\n\n", "begins with an empty line"),
        (b"name,x\na.png,1\n", "no column of paths (path, file, filename, image) or pixels"),
        (b"path\n", "names no file"),
        (b"path,x\na.png,1,2\n", "Line 2 of t.csv has 3 cells, but there are 2 columns"),
        (b"path\na.png\nb\0.png\n", "Line 3 of t.csv has a NUL byte"),
        ("path\na.png\n".encode("utf-16"), "Line 1 of t.csv has a NUL byte"),
        (b"path\n" + b"x" * 2**23, "Line 2 of t.csv is longer than 4 MiB"),
        (b"path\n" + b"x" * 2**18, "Line 2 of t.csv cannot be read (field larger"),
        (b'path\n"' + b"x\n" * 2**18, "cannot be read (field larger"),
        (b"path\n" + b"no.png\n" * 3, "has no images: no.png (No such file"),
    ],
)
def test_a_table_without_images_has_its_sentence(
    opened: Open, content: bytes, sentence: str
) -> None:
    with pytest.raises(SourceError) as found:
        opened(content)
    assert sentence in str(found.value)
    assert str(found.value).isprintable()


def test_a_table_that_is_no_file_never_waits(root: Path, cache_dir: Path) -> None:
    os.mkfifo(root / "t.csv")
    with pytest.raises(SourceError, match="it is a pipe"):
        open_dataset(f"table:{root}/t.csv", classes=["a"], cache_dir=cache_dir)
    with pytest.raises(SourceError, match="No such file"):
        open_dataset(f"table:{root}/no.csv", classes=["a"], cache_dir=cache_dir)


@fuzzed
@given(
    files_with(
        *(b"path,x\n", b"image\n", b"path,x,y,w,h\n", b"a.png,1,1,2,2\n", b"a.png,x1,y1,x2,y2"),
        *(b"nan", b"1e999", b"-1", b"label,pixel0,pixel1,pixel2,pixel3\n", b"1,2,3,4,5\n"),
    )
)
@pytest.mark.usefixtures("bounded")
def test_any_bytes_are_a_table_or_refused(opened: Open, content: bytes) -> None:
    for name in ("t.csv", "t.tsv"):
        try:
            table = opened(content, name=name)
        except TuilabelError as error:
            check_sentence(error)
        else:
            found = {path.partition("#")[0] for path in paths(table)}
            assert found <= {"a.png", "t.csv", "t.tsv"} or "row 1" in found


# Boxes.


@pytest.mark.usefixtures("warm_decoders")
@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("x,y,w,h", "1,2,3,2"),
        ("X,Y,Width,Height", "1,2,3,2"),
        ("left,top,width,height", "0.6,1.9,3,2"),
        ("x1,y1,x2,y2", "1,2,4,4"),
        ("xmin,ymin,xmax,ymax", "1,2,4,4"),
        ("x_min,y_min,x_max,y_max", "1,2,4,4"),
    ],
)
def test_a_box_in_a_row_is_an_item(root: Path, opened: Open, columns: str, cells: str) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6)
    Image.fromarray(pixels).save(root / "a.png")
    items = opened(f"path,{columns}\na.png,{cells}\n")
    assert items.references(0) == ("a.png#xywh=1,2,3,2",)
    assert isinstance(items, FolderItems)
    assert items.learn(items.read([0])) == [0]
    assert (items.image(0) == pixels[2:4, 1:4]).all()
    assert (items.full_image(0) == pixels[2:4, 1:4]).all()
    assert items.picture(0, (2, 2), Region(0, 0, 0.5, 0.5)).pixels().tolist() == [[13, 14]]
    assert items.seen_shape(np.array([0])) == (2, 3)
    assert items.ids[0].startswith("p1:")
    assert items.row_of(items.ids[0]) == 0
    assert items.row_of(items.ids[0].replace("p1", "f1")) is None


def test_rows_that_are_no_box_are_refused_with_the_reason(opened: Open) -> None:
    rows = ["a.png,0,0,2,2", "a.png,0.1,0,2,2", "b.png,,,,", "b.png,nan,0,1,1", "../x.png,0,0,1,1"]
    rows += ["a.png,-3,0,4,4", "a.png,5,5,0,3", ",1,1,1,1", "a.png,1e99,0,1,1", "no.png,0,0,1,1"]
    items = opened("\n".join(["path,x,y,w,h", *rows]))
    assert paths(items) == {"a.png#xywh=0,0,2,2"}
    assert [
        f"{name}: {reason}" for name, reason in items.skipped if "outside of /" not in reason
    ] == [
        "a.png, row 6: the box from -3,0 to 1,4 begins outside of the image",
        "a.png, row 7: the box from 5,5 to 5,8 has no pixel",
        "a.png, row 9: the box from 1e+99,0 to 1e+99,1 is not one in pixels",
        "b.png, row 3: the box ',,,' is not four numbers",
        "b.png, row 4: the box from nan,0 to nan,1 is not one in pixels",
        "no.png: No such file or directory",
        "row 8: no path",
    ]


@pytest.mark.usefixtures("warm_decoders")
def test_equal_boxes_are_one_item_and_an_export_finds_them(
    root: Path, opened: Open, cache_dir: Path
) -> None:
    Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6)).save(root / "a.png")
    (root / "copy.png").write_bytes((root / "a.png").read_bytes())
    table = "path,x,y,w,h\n" + "".join(
        f"{name},{left},0,3,3\n" for name in ("a.png", "copy.png") for left in (0, 2)
    )
    table += "a.png,4,2,3,3\n"
    items = opened(table)
    assert isinstance(items, FolderItems)
    items.learn(items.read(range(len(items))))
    whole = open_dataset(items.source, classes=["a", "b"], cache_dir=cache_dir)
    expected = {
        frozenset({f"{name}#xywh={left},0,3,3" for name in ("a.png", "copy.png")})
        for left in (0, 2)
    }
    for dataset in (items, whole):
        rows = [row for row in range(len(dataset)) if dataset is whole or not items.refused[row]]
        assert {frozenset(dataset.references(row)) for row in rows} == expected
        assert len({dataset.ids[row] for row in rows}) == 2
        assert {name for name, _ in dataset.skipped} == {"a.png#xywh=4,2,3,3"}
    places = find_places(items.source, cache_dir=cache_dir)
    assert {frozenset(names) for names in places.items.values()} == expected
    assert set(places.items) == set(whole.ids)
    assert places.unread == {"a.png#xywh=4,2,3,3"}


def test_paths_may_be_relative_to_another_folder(root: Path, opened: Open) -> None:
    items = opened("path\nc.png\n../a.png\n", root=str(root / "sub"))
    assert paths(items) == {"c.png"}
    assert items.file(0) == root / "sub" / "c.png"


# Pixels.


def digits(count: int = 10, extra: str = "") -> str:
    """Return Kaggle's form of digits, of 2x2 pixels: the first is the number of the row."""
    lines = [f"label,pixel0,pixel1,pixel2,pixel3{extra and ',split'}"]
    lines += [
        f"{row % 2},{row},255,0,7{extra and f',{extra[row % len(extra)]}'}" for row in range(count)
    ]
    return "\n".join(lines)


def test_rows_of_pixels_are_images_with_truth(opened: Open) -> None:
    table = opened(digits(), classes=None)
    assert table.class_names == ("0", "1")
    assert len(table) == 8
    assert table.holdout is not None
    assert len(table.holdout) == 2
    for row in range(8):
        (reference,) = table.references(row)
        number = int(reference.removeprefix("row ")) - 1
        assert table.full_image(row).tolist() == [[number, 255], [0, 7]]
        assert table.truth is not None
        assert table.truth[row] == number % 2


def test_the_columns_of_pixels_may_be_in_any_order(opened: Open) -> None:
    table = opened("2x1,1x3,1x1,2x2,1x2,2x3\n4,3,1,5,2,6\n")
    assert table.full_image(0).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert table.truth is None


def test_a_table_of_pixels_is_read_once(
    opened: Open, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(digits(), classes=None)
    kept = next((cache_dir / "arrays").glob("*.npz"))
    with monkeypatch.context() as patch:
        patch.setattr(pixel_table, "_read", None)
        again = open_dataset(first.source, cache_dir=cache_dir)
    assert list(again.ids) == list(first.ids)
    kept.write_bytes(kept.read_bytes()[:-30])
    damaged = open_dataset(first.source, cache_dir=cache_dir)
    assert list(damaged.ids) == list(first.ids)


def test_without_a_cache_it_opens_all_the_same(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise CacheError("The disk is full.")

    monkeypatch.setattr(pixel_table, "replacing", full)
    table = opened(digits(), classes=None)
    assert table.full_image(0).shape == (2, 2)
    assert np.unique(table.pool).size > 2


def test_rows_of_pixels_are_chosen_too(opened: Open) -> None:
    table = opened(digits(extra="xy"), where="split == 'x'", classes=None)
    rows = {int(path.removeprefix("row ")) for path in paths(table)}
    assert rows <= {1, 3, 5, 7, 9}
    assert table.class_names == ("0",)
    assert opened(digits(extra="xy"), where="split == 'y'", classes=None).class_names == ("1",)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("pixel0,pixel1,pixel2\n1,2,3\n", "The 3 columns of pixels are not those of an image"),
        ("pixel0,pixel1,pixel2,pixel4\n1,2,3,4\n", "The 4 columns of pixels"),
        ("1x1,1x2,2x1\n1,2,3\n", "The 3 columns of pixels"),
        ("pixel0,1x1,1x2,pixel1\n1,2,3,4\n", "The 4 columns of pixels"),
        (digits(1).replace("255", "256"), "Row 1 of t.csv has a pixel that is no whole number"),
        (digits(1).replace("255", "-1"), "Row 1 of t.csv has a pixel that is no whole number"),
        (digits(1).replace("255", "0.5"), "Row 1 of t.csv has a pixel that is no whole number"),
        (digits(1).replace("255", ""), "Row 1 of t.csv has a pixel that is no whole number"),
        (digits(1).replace("255", "9" * 5000), "Row 1 of t.csv has a pixel"),
        (digits(0), "has no rows"),
        (digits(1).replace("\n0,", "\n" + "x" * 300 + ","), "has a class of 300 characters"),
        (digits(1).replace("\n0,", "\n,"), "has an empty name"),
    ],
)
def test_rows_that_are_no_images_have_their_sentence(
    opened: Open, content: str, sentence: str
) -> None:
    with pytest.raises(SourceError) as found:
        opened(content, classes=None)
    assert sentence in str(found.value)


def test_pixels_without_classes_need_names(opened: Open) -> None:
    with pytest.raises(UnnamedClassesError):
        opened("pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n", classes=None)


def test_columns_that_only_look_like_pixels_are_none() -> None:
    assert pixel_columns(["pixel", "pixels1", "pixel0", "1x", "x1"]) is None
