"""Folders that name the true classes of their files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tuilabel.data import open_dataset
from tuilabel.data.dataset import Dataset
from tuilabel.data.places import find_places
from tuilabel.errors import SourceError, TuilabelError, UsageError
from tuilabel.plugins import with_options
from tuilabel.simulate import Plan, simulate
from tuilabel.workspace.opening import SourceOptions, demo_workspace

pytestmark = pytest.mark.usefixtures("warm_decoders")


def save(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (6, 4), value).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for value in range(10):
        save(folder / "class 10" / f"{value}.png", value)
        save(folder / "class 2" / "deep" / f"{value}.png", 100 + value)
    save(folder / "readme.png", 200)
    return folder


@pytest.fixture
def opened(root: Path, cache_dir: Path) -> Callable[..., Dataset]:
    def opened(source: str | None = None, **options: object) -> Dataset:
        truth = with_options(source or str(root), folders="truth")
        return open_dataset(truth, cache_dir=cache_dir, **options)  # type: ignore[arg-type]

    return opened


def test_each_image_has_the_class_of_its_outermost_folder(opened: Callable[..., Dataset]) -> None:
    found = opened()
    assert found.class_names == ("class 2", "class 10")
    assert found.truth is not None
    assert found.holdout is not None
    assert (len(found), len(found.holdout)) == (16, 4)
    for row in range(len(found)):
        name = found.class_names[found.truth[row]]
        assert found.references(row)[0].startswith(f"{name}/")
        brightness = found.full_image(row).max()
        assert (brightness >= 100) == (name == "class 2")
        assert (found.pool[row] == brightness).all()
    for image, number in zip(found.holdout.images, found.holdout.truth, strict=True):
        assert (image.max() >= 100) == (found.class_names[number] == "class 2")
    assert [file.path for file in found.skipped] == ["readme.png"]


def test_it_is_the_same_with_a_seed_and_the_source_opens_it_again(
    opened: Callable[..., Dataset], cache_dir: Path
) -> None:
    first = opened(seed=3)
    assert list(first.ids) == list(opened().ids)
    assert list(open_dataset(first.source, cache_dir=cache_dir).ids) == list(first.ids)
    assert len(opened(pool=3, test=1)) == 3
    assert opened(classes=["cat", "dog"]).class_names == ("cat", "dog")
    with pytest.raises(UsageError, match="--pool 17 is out of range"):
        opened(pool=17)


def test_patterns_lists_and_tables_have_it_too(
    opened: Callable[..., Dataset], root: Path, tmp_path: Path
) -> None:
    (root / "list.txt").write_text("\n".join(f"class 10/{value}.png" for value in range(5)))
    assert opened(str(root / "list.txt")).class_names == ("class 10",)
    assert opened(str(root / "**" / "[0-4].png")).class_names == ("class 2", "class 10")
    (root / "t.csv").write_text("path\nclass 2/deep/1.png\nclass 10/1.png\nclass 10/2.png\n")
    assert opened(str(root / "t.csv")).class_names == ("class 2", "class 10")


def test_an_equal_file_in_another_folder_is_no_second_item(
    opened: Callable[..., Dataset], root: Path
) -> None:
    save(root / "class 2" / "copy.png", 3)
    found = opened()
    assert found.holdout is not None
    assert len(found) + len(found.holdout) == 20
    assert "1 exact duplicate was merged." in found.notices


def test_a_demo_and_a_simulation_label_with_it(opened: Callable[..., Dataset], root: Path) -> None:
    source = with_options(str(root), folders="truth")
    with demo_workspace(SourceOptions(source), {"batch_size": 2}) as work:
        assert work.dataset.truth is not None
    with pytest.raises(SourceError, match="has no ground truth"):
        demo_workspace(SourceOptions(str(root)), {"batch_size": 2})
    plan = Plan(budget=4, batch_size=2, seeds=1, models=("softmax",), strategies=("random",))
    assert simulate(opened(), plan).runs


def test_an_export_finds_every_file(opened: Callable[..., Dataset], cache_dir: Path) -> None:
    assert len(find_places(opened().source, cache_dir=cache_dir).items) == 21


def test_without_folders_or_with_too_many_there_is_a_sentence(
    tmp_path: Path, cache_dir: Path
) -> None:
    def refused(folder: Path) -> str:
        with pytest.raises(TuilabelError) as found:
            open_dataset(with_options(str(folder), folders="truth"), cache_dir=cache_dir)
        return str(found.value)

    flat = tmp_path / "flat"
    save(flat / "1.png", 1)
    assert "has no files in folders, whose names would be their classes" in refused(flat)
    (tmp_path / "empty").mkdir()
    assert "is empty" in refused(tmp_path / "empty")
    many = tmp_path / "many"
    for number in range(1001):
        (many / str(number)).mkdir(parents=True)
        (many / str(number) / "x").touch()
    assert "would have 1001 classes" in refused(many)
