"""Pages and frames as items, and what the source says without that option."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tuilabel.data import frames, open_dataset
from tuilabel.data.dataset import Dataset
from tuilabel.data.places import find_places
from tuilabel.errors import SourceError
from tuilabel.plugins import with_options

pytestmark = pytest.mark.usefixtures("warm_decoders")

Open = Callable[..., Dataset]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    pages = [Image.new("L", (8, 6), 40 * number) for number in range(3)]
    pages[0].save(folder / "scan.tif", save_all=True, append_images=pages[1:])
    pages[0].save(folder / "moves.bin", "PNG", save_all=True, append_images=pages[1:])
    Image.new("L", (8, 6), 7).save(folder / "one.gif")
    (folder / "notes.txt").write_text("no image")
    return folder


@pytest.fixture
def opened(root: Path, cache_dir: Path) -> Open:
    def opened(*, source: str | None = None, frames: bool = True, **options: object) -> Dataset:
        query = {"frames": "True"} if frames else {}
        return open_dataset(
            with_options(source or str(root), **query),
            classes=["a", "b"],
            cache_dir=cache_dir,
            **options,  # type: ignore[arg-type]
        )

    return opened


NAMES = [
    *(f"moves.bin#frame={number}" for number in (1, 2, 3)),
    "one.gif",
    *(f"scan.tif#frame={number}" for number in (1, 2, 3)),
]


def test_each_page_and_frame_is_an_item(opened: Open, cache_dir: Path) -> None:
    found = opened()
    assert [found.references(row) for row in range(len(found))] == [(name,) for name in NAMES]
    assert [int(found.full_image(row)[0, 0]) for row in range(7)] == [0, 40, 80, 7, 0, 40, 80]
    assert [id_[:3] for id_ in found.ids] == ["p1:"] * 3 + ["f1:"] + ["p1:"] * 3
    assert [found.row_of(id_) for id_ in found.ids] == list(range(7))
    assert found.rows_of([*found.ids, "p1:" + "0" * 32]).tolist() == [*range(7), -1]
    assert found.row_of(found.ids[0].replace("p1", "f1")) is None
    assert found.notices == ("1 file cannot be read: notes.txt (text, not an image).",)
    again = opened()
    assert list(again.ids) == list(found.ids)
    places = find_places(found.source, cache_dir=cache_dir)
    assert places.items == {id_: [name] for id_, name in zip(found.ids, NAMES, strict=True)}


def test_in_the_order_of_a_seed_they_are_the_same_items(opened: Open) -> None:
    found, whole = opened(seed=3), opened()
    assert found.reading is not None
    assert {found.references(row)[0] for row in range(len(found))} == {*NAMES, "notes.txt"}
    reading = found.reading
    reading.learn(reading.read(range(len(found))))  # type: ignore[attr-defined]
    known = {found.references(row)[0]: found.ids[row] for row in range(len(found))}
    assert [known[name] for name in NAMES] == list(whole.ids)


def test_lists_and_tables_have_them_too(opened: Open, root: Path) -> None:
    (root / "list.txt").write_text("scan.tif\none.gif\n")
    assert len(opened(source=str(root / "list.txt"))) == 4
    (root / "t.csv").write_text("path,x,y,w,h\nscan.tif,0,0,3,3\n")
    assert len(opened(source=str(root / "t.csv"))) == 1, "a box is in the first page"


@pytest.mark.parametrize("seed", [None, 3])
def test_without_the_option_the_first_is_shown_and_a_notice_says_how_many_more(
    opened: Open, root: Path, seed: int | None
) -> None:
    (root / "notes.txt").unlink()
    found = opened(frames=False, seed=seed)
    if found.reading is not None:
        assert found.notices == ()
        found.reading.learn(found.reading.read(range(3)))  # type: ignore[attr-defined]
    (notice,) = found.notices
    assert notice.startswith("2 files have 4 further pages or frames, which are not shown: ")
    assert notice.endswith("With --frames each is an image.")
    assert all(id_.startswith("f1:") for id_ in found.ids)


def test_too_many_are_refused(opened: Open, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MOST_FRAMES", 2)
    monkeypatch.setattr(frames, "frames_text", lambda count: f"{count} pages")
    found = opened()
    assert [name for name, reason in found.skipped if reason == "3 pages"] == [
        *("moves.bin", "scan.tif")
    ]
    assert len(found) == 1
    monkeypatch.undo()
    monkeypatch.setattr(frames, "MOST_ITEMS", 3)
    with pytest.raises(SourceError, match="have more than 3 pages and frames: name a smaller"):
        opened()
