"""The files of a folder as items, before and after they are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tuilabel.data import folder_items
from tuilabel.data.file_cache import FileKey
from tuilabel.data.folder import list_folder
from tuilabel.data.folder_items import FolderItems
from tuilabel.errors import SourceError

pytestmark = pytest.mark.usefixtures("warm_decoders")

Make = Callable[..., FolderItems]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "pictures"
    path.mkdir()
    return path


@pytest.fixture
def make(root: Path, cache_dir: Path) -> Make:
    def listed(folder: Path = root, seed: int | None = None, **options: object) -> FolderItems:
        return list_folder(
            folder,
            cache_dir=cache_dir,
            classes=["a", "b"],
            seed=seed,
            **options,  # type: ignore[arg-type]
        )

    return listed


def save(path: Path, value: int = 0, size: tuple[int, int] = (6, 4), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path, "PNG")


def learn(items: FolderItems, *rows: int) -> list[int]:
    return items.learn(items.read(rows or range(len(items))))


def test_names_are_known_before_anything_is_read(root: Path, make: Make) -> None:
    for number in range(3):
        save(root / f"{number}.png", number)
    items = make()
    assert [items.references(row) for row in range(3)] == [("0.png",), ("1.png",), ("2.png",)]
    assert items.unread.all()
    assert learn(items, 1) == [1]
    assert items.unread.tolist() == [True, False, True]
    assert items.row_of(items.ids[1]) == 1
    assert learn(items, 1, 2) == [2], "a row is learned once"
    assert items.rows_of([items.ids[2], "f1:" + "0" * 32, items.ids[1]]).tolist() == [2, -1, 1]
    assert items.row_of("no id") is None
    assert items.row_of(items.ids[1].upper()) is None


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_equal_files_are_one_item_with_several_names(
    root: Path, make: Make, order: tuple[int, ...]
) -> None:
    for name, value in (("a.png", 1), ("b.png", 2), ("c.png", 1)):
        save(root / name, value)
    items = make()
    for row in order:
        learn(items, row)
    assert items.first[0] == items.first[2] in (0, 2)
    assert items.first[1] == 1
    assert items.ids[0] == items.ids[2] != items.ids[1]
    assert set(items.references(0)) == set(items.references(2)) == {"a.png", "c.png"}
    assert items.references(2)[0] == "c.png"


def test_a_file_that_cannot_be_read_is_named_and_closed(root: Path, make: Make) -> None:
    save(root / "a.png")
    (root / "b.png").write_bytes((root / "a.png").read_bytes()[:40])
    (root / "c.txt").write_text("no image")
    items = make()
    learn(items)
    assert items.refused.tolist() == [False, True, True]
    assert [name for name, _ in items.skipped] == ["b.png", "c.txt"]
    assert "2 files cannot be read: b.png (" in items.notices[0]


def test_the_next_listing_knows_what_was_read(root: Path, make: Make) -> None:
    save(root / "a.png", 7, mode="RGB")
    (root / "b.txt").write_text("no image")
    first = make()
    learn(first)
    second = make()
    assert not second.unread.any()
    assert list(second.ids) == list(first.ids)
    assert (second.shapes == first.shapes).all()
    assert (second.image(0) == first.image(0)).all()
    assert second.skipped == first.skipped
    save(root / "a.png", 8)
    assert make().unread.tolist() == [True, False], "a file that changed is read again"


def test_the_order_depends_on_the_seed_and_on_relative_paths_alone(
    root: Path, make: Make, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere" / "copy"
    for number in range(40):
        save(root / "sub" / f"{number}.png")
        save(other / "sub" / f"{number}.png", number)
    names = [key.path for key in make(seed=3).keys]
    assert names == [key.path for key in make(other, seed=3).keys]
    assert names != [key.path for key in make(seed=4).keys] != sorted(names)
    save(other / "new.png")
    assert [key.path for key in make(other, seed=3).keys if key.path != "new.png"] == names


@pytest.mark.parametrize(
    ("sizes", "modes", "shape"),
    [
        ([(6, 4), (6, 4)], "LL", (3, 4, 6)),
        ([(6, 4), (6, 4)], ("L", "RGB"), (3, 4, 6, 3)),
        ([(6, 4), (5, 4)], "LL", (3, 32, 32)),
        ([(70, 80), (70, 80)], ("RGB", "RGB"), (3, 32, 32, 3)),
    ],
)
@pytest.mark.parametrize("is_cached", [True, False])
def test_models_see_one_shape(
    root: Path,
    make: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sizes: list[tuple[int, int]],
    modes: tuple[str, ...],
    shape: tuple[int, ...],
    is_cached: bool,
) -> None:
    for number, (size, mode) in enumerate(zip(sizes, modes, strict=True)):
        colour: object = 200 if mode == "L" else (200, 100, 0)
        Image.new(mode, size, colour).save(root / f"{number}.png")  # type: ignore[arg-type]
    (root / "z.txt").write_text("no image")
    items = make()
    learn(items)
    if not is_cached:
        monkeypatch.setattr(
            "tuilabel.data.file_cache.FileCache.pictures", lambda self, keys, _: [None] * len(keys)
        )
    rows = np.arange(3)
    pool = items.pool_file(rows, tmp_path, items.seen_shape(rows)).open()
    assert pool.shape == shape
    assert [bool(image.any()) for image in pool] == [True, True, False]


def test_the_first_files_of_the_order_choose_the_window(
    root: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_items, "WINDOW_FILES", 2)

    def deep(name: str, high: int) -> None:
        pixels: NDArray[np.uint16] = np.linspace(0, high, 100).astype(np.uint16).reshape(10, 10)
        Image.fromarray(pixels).save(root / name)

    for number, high in enumerate((1000, 1000, 60_000)):
        deep(f"{number}.png", high)
    items = make()
    assert items.window is None
    learn(items, 2)
    assert items.window is not None
    assert items.window.high <= 1000
    again = make(window=items.window)
    assert again.unread.tolist() == [True, True, False]
    assert (again.image(2) == items.image(2)).all()


def test_a_deep_image_among_many_others_is_not_white(
    root: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_items, "WINDOW_FILES", 2)
    for number in range(3):
        save(root / f"{number}.png", number)
    pixels = np.linspace(100, 900, 100).astype(np.uint16).reshape(10, 10)
    Image.fromarray(pixels).save(root / "deep.png")
    items = make()
    assert [items.keys[row].path for row in range(4)][-1] == "deep.png"
    learn(items)
    assert items.window is not None
    assert items.window.high > 800
    assert items.image(3).min() < 10 < 245 < items.image(3).max()


def key_of(root: Path, name: str) -> FileKey:
    stat = (root / name).stat()
    return FileKey(name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def test_files_that_arrive_are_further_rows(root: Path, make: Make) -> None:
    save(root / "a.png", 1)
    save(root / "b.png", 2)
    items = make()
    learn(items)
    save(root / "c.png", 3)
    save(root / "d.png", 1)
    assert items.grow([key_of(root, name) for name in ("a.png", "c.png", "d.png")]) == 2
    assert items.unread.tolist() == [False, False, True, True]
    assert learn(items, 2, 3) == [2, 3]
    assert items.first.tolist() == [0, 1, 2, 0]
    assert items.image(2).max() == 3
    (root / "a.png").unlink()
    assert items.full_image(0).max() == 1, "the other file of this content is read"


def test_a_file_that_is_replaced_is_another_row(root: Path, make: Make) -> None:
    save(root / "a.png", 1)
    (root / "b.png").write_bytes((root / "a.png").read_bytes()[:30])
    items = make()
    learn(items)
    before = items.ids[0]
    save(root / "a.png", 2)
    save(root / "b.png", 3)
    assert items.grow([key_of(root, "a.png"), key_of(root, "b.png")]) == 2
    learn(items, 2, 3)
    assert items.refused.tolist() == [True, True, False, False]
    assert items.skipped == []
    assert items.row_of(before) == 0
    assert items.image(0).max() == 1
    assert items.references(2) == ("a.png",)


def test_an_image_that_changed_since_it_was_read_is_not_shown(root: Path, make: Make) -> None:
    save(root / "a.png", 1)
    items = make()
    learn(items)
    save(root / "a.png", 2)
    with pytest.raises(
        SourceError, match=r"a\.png can no longer be read \(its content has changed"
    ):
        items.full_image(0)
