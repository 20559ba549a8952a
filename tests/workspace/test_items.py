"""Which item a name stands for."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sessions import label_of, new_session

from tuilabel.data import Dataset, open_dataset
from tuilabel.errors import SourceError, UsageError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import Undo
from tuilabel.journal.journal import Journal
from tuilabel.session.view import SessionView
from tuilabel.workspace.items import find_item, short_id

pytestmark = pytest.mark.usefixtures("warm_decoders")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of five images, one of them below another folder."""
    folder = tmp_path / "pets"
    (folder / "cats").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png", "12.png", "cats/a.png", "deadbeef"):
        pixels = rng.integers(0, 256, (6, 6), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name, format="png")
    return folder


@pytest.fixture
def dataset(folder: Path, tmp_path: Path) -> Dataset:
    return open_dataset(str(folder), classes=("cat", "dog"), cache_dir=tmp_path / "cache")


@pytest.fixture
def events(dataset: Dataset, tmp_path: Path) -> list[Event]:
    """Return the events of a session: who, two classes, two labels, an undo; one item is gone."""
    path = tmp_path / "s.tuilabel"
    *_, first = new_session(path, label_of(dataset.ids[1], "cat"), source=dataset.source)
    with Journal(path, "me", dataset.source) as journal:
        journal.read()
        gone = label_of("f1:" + "f" * 32, "dog", "gone.png")
        journal.append([Undo(first.id, dataset.ids[1]), gone], "me")
    return SessionView(path).events


def path_of(dataset: Dataset, item: str) -> str:
    row = dataset.row_of(item)
    assert row is not None
    return dataset.references(row)[0]


def test_a_number_is_that_of_an_event(dataset: Dataset, events: list[Event]) -> None:
    # Before the labels come who it is, and two classes; a second run and its end follow.
    assert [event.kind for event in events[3:7]] == ["label", "ended", "begin", "undo"]
    for name in ("4", "7", "#4", "#7", "04"):
        assert find_item(name, dataset, events) == dataset.ids[1]


def test_an_id_may_be_cut_short(dataset: Dataset, events: list[Event]) -> None:
    for item in dataset.ids:
        for length in (8, 9, 31, 32):
            for start in (0, 3):
                name = item[start : 3 + length]
                assert find_item(name, dataset, events) == item
                assert find_item(name.upper(), dataset, events) == item
        assert find_item(short_id(item), dataset, events) == item


def test_an_item_that_is_gone_is_found_by_its_events(dataset: Dataset, events: list[Event]) -> None:
    for name in ("8", "ffffffff", "f1:ffffffff", "gone.png"):
        assert find_item(name, dataset, events) == "f1:" + "f" * 32


def test_a_path_is_relative_to_the_source_or_as_typed(
    dataset: Dataset, events: list[Event], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    for path in ("a.png", "12.png", "cats/a.png", "deadbeef"):
        for name in (path, f"./{path}", f"cats/../{path}", f"pets/{path}", str(folder / path)):
            assert path_of(dataset, find_item(name, dataset, events)) == path
    monkeypatch.chdir(folder / "cats")
    assert path_of(dataset, find_item("../b.png", dataset, events)) == "b.png"


def test_a_link_to_an_image_elsewhere_is_found(
    events: list[Event], tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "x.png").symlink_to(folder / "a.png")
    dataset = open_dataset(str(linked), classes=("a",), cache_dir=tmp_path / "cache")
    assert find_item(str(linked / "x.png"), dataset, events) == dataset.ids[0]


def test_a_name_without_a_text_is_found(tmp_path: Path, events: list[Event]) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    name = os.fsdecode(b"caf\xe9.png")
    Image.fromarray(np.eye(6, dtype=np.uint8)).save(folder / name)
    dataset = open_dataset(str(folder), classes=("a",), cache_dir=tmp_path / "cache")
    assert find_item(name, dataset, events) == dataset.ids[0]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("99", "There is no event #99: the session has 9 events."),
        ("#123456789", "There is no event #123456789"),
        ("1", r"Event #1 \(begin\) is about no single image: give the number of a label."),
        ("abc", "abc is too short for an item id: give at least its first 8 digits."),
        (
            "abcdef01",
            "'abcdef01' is not an image in .*pets: give a number from the history, an item id",
        ),
        ("nowhere.png", "nowhere.png' is not an image in "),
        ("", "' is not an image in "),
        ("\x1b[31m", "␛.31m' is not an image in "),
        ("x" * 5000, "x…' is not an image in "),
        ("f1:abc", "f1:abc is too short for an item id: give at least its first 8 digits."),
        ("a1:abcdef01", "'a1:abcdef01' is not an image in .*pets: give a number from the history"),
    ],
)
def test_a_name_that_stands_for_nothing_is_one_sentence(
    dataset: Dataset, events: list[Event], name: str, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        find_item(name, dataset, events)


def test_a_prefix_of_two_ids_is_refused(
    dataset: Dataset, events: list[Event], tmp_path: Path
) -> None:
    path = tmp_path / "two.tuilabel"
    items = (f"f1:{'0123456789abcdef' * 2}{last}" for last in "01")
    both = new_session(path, *(label_of(item, "cat") for item in items))
    with pytest.raises(UsageError, match=r"the beginning of 2 item ids, such as f1:0.*0 and f1"):
        find_item("01234567", dataset, both)


def test_a_file_that_is_no_item_says_why(
    dataset: Dataset, events: list[Event], folder: Path, tmp_path: Path
) -> None:
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:40])
    with pytest.raises(SourceError, match=r"broken\.png cannot be read as an image \("):
        find_item("broken.png", dataset, events)
    Image.fromarray(np.eye(6, dtype=np.uint8)).save(folder / "new.png")
    with pytest.raises(SourceError, match="not among those that this session uses"):
        find_item(str(folder / "new.png"), dataset, events)
