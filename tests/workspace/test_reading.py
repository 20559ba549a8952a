"""A folder that is read while somebody labels."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tuilabel.data import watching
from tuilabel.data.folder_items import FolderItems
from tuilabel.errors import SessionFileError, SourceError, UsageError
from tuilabel.session import requests
from tuilabel.workspace import reading
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace
from tuilabel.workspace.reading import Pool

pytestmark = pytest.mark.usefixtures("warm_decoders")

FLAGS = {"batch_size": 3, "audit": 0.25}


def opened(
    folder: Path, path: Path | None = None, *, watch: bool = False, **flags: Any
) -> Workspace:
    is_new = path is None or not path.exists()
    options = SourceOptions(str(folder), ("a", "b") if is_new else None, watch=watch)
    return open_workspace(options, {**FLAGS, **flags}, path=path, reads_on=True)


def pictures(folder: Path, count: int = 12, first: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    for value in range(first, first + count):
        Image.new("L", (5, 5), value).save(folder / f"{value}.png")
    return folder


def read_all(work: Workspace) -> list[Pool]:
    """Take in everything until all was read and the trainer has its pool; return the pools."""
    assert work.reading is not None
    pools: list[Pool] = []
    while work.reading.share < 1 or not pools:
        pool = work.reading.take_in(30)
        pools += [] if pool is None else [pool]
    return pools


def label(work: Workspace) -> str:
    item = work.session.current_id
    assert item is not None
    work.session.label(item, 0, by=work.annotator)
    work.session.go_on(by=work.annotator)
    return item


def test_the_first_batch_is_there_at_once_and_the_rest_follows(tmp_path: Path) -> None:
    with opened(pictures(tmp_path / "x")) as work:
        assert len(work.session.batch) == 3
        (pool,) = read_all(work)
        assert pool.rows == 12
        images = pool.files[0].open()
        assert images.shape == (12, 5, 5)
        ids = work.dataset.ids
        assert [int(image[0, 0]) for image in images] == [
            int(work.dataset.image(row)[0, 0]) for row in range(12)
        ]
        given = {label(work) for _ in range(12)}
        assert given == set(ids)
        assert work.session.current is None
        assert not work.session.waits
    with opened(tmp_path / "x") as work:
        assert work.session.labels == 12
        assert work.session.current is None
        assert work.session.missing == 0


def test_the_same_seed_asks_the_same_whether_it_was_read_before_or_not(tmp_path: Path) -> None:
    orders = []
    for name in ("cold", "warm", "other"):
        path = tmp_path / f"{name}.tuilabel"
        with opened(pictures(tmp_path / "x"), path, seed=int(name == "other")) as work:
            read_all(work)
            orders.append([label(work) for _ in range(12)])
    assert orders[0] == orders[1] != orders[2]


def test_a_larger_pool_follows_with_more_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "FIRST_ROWS", 4)
    monkeypatch.setattr(requests, "LABELS_OF_DOUBLING", 3)
    with opened(pictures(tmp_path / "x")) as work:
        (first,) = read_all(work)
        assert first.rows == 4
        for _ in range(3):
            label(work)
        assert work.reading is not None
        second = work.reading.take_in() or work.reading.take_in(30)
        assert second is not None
        assert second.rows == 8
        assert second.files[0] == first.files[0], "what models have is not written again"
        assert second.files[1].shape[0] == second.rows - first.rows


def test_pools_that_are_written_at_the_same_time_have_each_image_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "FIRST_ROWS", 4)
    with opened(pictures(tmp_path / "x")) as work:
        read_all(work)
        found = work.reading
        assert found is not None
        begun, go_on, write = threading.Event(), threading.Event(), FolderItems.pool_file

        def slow(*arguments: Any) -> Any:
            begun.set()
            assert go_on.wait(30)
            return write(*arguments)

        monkeypatch.setattr(FolderItems, "pool_file", slow)
        threads = [threading.Thread(target=found._gather, args=(rows,)) for rows in (8, 12, 6)]
        for thread in threads:
            thread.start()
            assert begun.wait(30)
        go_on.set()
        for thread in threads:
            thread.join(30)
        pool = found.take_in()
        assert pool is not None
        assert pool.rows == 12
        assert sum(file.shape[0] for file in pool.files) == 12


def test_colours_among_new_images_turn_the_whole_pool_into_one_of_colours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "FIRST_ROWS", 4)
    monkeypatch.setattr(requests, "LABELS_OF_DOUBLING", 3)
    folder = pictures(tmp_path / "x")
    session = tmp_path / "s.tuilabel"
    with opened(folder, session) as work:
        order = [work.dataset.references(row)[0] for row in range(8)]
    for name in order[4:]:
        Image.new("RGB", (8, 8), (200, 100, 0)).save(folder / name)
    with opened(folder, session) as work:
        (first,) = read_all(work)
        for _ in range(3):
            label(work)
        assert work.reading is not None
        second = work.reading.take_in() or work.reading.take_in(30)
        assert second is not None
        (whole,) = second.files
        assert (len(first.files[0].shape), whole.shape[0], len(whole.shape)) == (3, 8, 4)


def test_what_cannot_be_read_is_passed_over_and_listed(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "x", 5)
    for number in range(5):
        (folder / f"t{number}.txt").write_text("no image")
    with opened(folder) as work:
        read_all(work)
        assert len({label(work) for _ in range(5)}) == 5
        assert work.session.current is None
        assert work.session.pool_left == 0
        assert len(work.dataset.skipped) == 5


def test_a_folder_with_nothing_but_other_files_ends_with_their_reasons(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for number in range(3):
        (tmp_path / "x" / f"t{number}.txt").write_text("no image")
    with pytest.raises(SourceError, match="has no images"):
        opened(tmp_path / "x")


def test_the_window_that_was_chosen_is_kept_in_the_session(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "x", 6)
    pixels = np.linspace(100, 900, 25).astype(np.uint16).reshape(5, 5)
    Image.fromarray(pixels).save(folder / "deep.png")
    with opened(folder) as work:
        read_all(work)
        work.session.keep_window(by=work.annotator)
        window = work.dataset.window
        assert window is not None
        path = work.path
    with opened(folder, path) as work:
        assert work.dataset.window == window
        kinds = [event.kind for event in work.session.events]
        assert kinds.count("window") == 1


def test_a_file_that_hangs_keeps_nobody_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    read = FolderItems.read

    def slow(self: FolderItems, rows: Sequence[int]) -> Any:
        gate.wait(60)
        return read(self, rows)

    monkeypatch.setattr(FolderItems, "read", slow)
    monkeypatch.setattr(reading, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(reading, "LATE_SECONDS", 0.0)
    with opened(pictures(tmp_path / "x")) as work:
        assert work.session.waits
        assert work.reading is not None
        assert str(work.reading.waits_for).endswith(".png")
        gate.set()
        read_all(work)
        work.session.go_on(by=work.annotator)
        assert label(work)


def test_a_start_waits_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(FolderItems, "read", lambda self, rows: [gate.wait(60)][:0])
    monkeypatch.setattr(reading, "FIRST_SECONDS", 0.01)
    waited: list[float] = []
    take_in = reading.SourceReading.take_in

    def counted(self: reading.SourceReading, seconds: float = 0.0) -> object:
        waited.append(seconds)
        return take_in(self, seconds)

    monkeypatch.setattr(reading.SourceReading, "take_in", counted)
    with opened(pictures(tmp_path / "x")) as work:
        assert work.session.waits
        assert sum(waited) < 0.018
        gate.set()


def test_a_session_finds_its_items_in_files_with_other_names(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "x")
    with opened(folder) as work:
        given = [label(work) for _ in range(4)]
        path = work.path
    for file in list(folder.iterdir()):
        file.rename(folder / f"new-{file.name}")
    with opened(folder, path) as work:
        assert work.session.labels == 4
        assert work.session.missing == 0
        assert work.session.pool_left == 8
        assert all(work.session.known.is_answered(item) for item in given)


def test_files_that_changed_since_they_were_labelled_are_other_items(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "x")
    with opened(folder) as work:
        read_all(work)
        given = [label(work) for _ in range(5)]
        names = [work.dataset.references(work.dataset.row_of(item) or 0)[0] for item in given]
        path = work.path
        assert (work.session.missing, work.session.changed) == (0, 0)
    for number, name in enumerate(names[:2]):
        Image.new("L", (5, 5), 100 + number).save(folder / name)
    (folder / names[2]).unlink()
    (folder / names[3]).rename(folder / "moved.png")
    with opened(folder, path) as work:
        read_all(work)
        assert (work.session.missing, work.session.changed) == (1, 2)
        assert work.session.labels == 5
        assert work.session.pool_left == 9
        assert "2 files have changed since they were labelled" in work.outcome()
    # In lines all is read before.
    with open_workspace(SourceOptions(str(folder)), FLAGS, path=path) as work:
        assert (work.session.missing, work.session.changed) == (1, 2)


@pytest.mark.usefixtures("quick")
def test_a_file_that_changes_while_somebody_labels_is_counted(tmp_path: Path) -> None:
    with opened(pictures(tmp_path / "x", 4), watch=True) as work:
        item = label(work)
        name = work.dataset.references(work.dataset.row_of(item) or 0)[0]
        (tmp_path / "x" / name).chmod(0o600)
        wait_until(work, lambda: work.reading.added == 1 and work.reading.share == 1)
        assert work.session.changed == 0, "only its mode has changed"
        assert work.session.pool_left == 3
        Image.new("L", (5, 5), 100).save(tmp_path / "x" / name)
        wait_until(work, lambda: work.session.changed == 1)
        assert work.session.missing == 0
        assert work.session.pool_left == 4


def test_a_folder_of_other_images_is_refused(tmp_path: Path) -> None:
    with opened(pictures(tmp_path / "x")) as work:
        label(work)
        path = work.path
    with pytest.raises(SessionFileError, match="none of its answers"):
        opened(pictures(tmp_path / "y", first=100), path)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "STABLE_SECONDS", 0.05)
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.01)


def wait_until(work: Workspace, is_true: Callable[[], bool]) -> None:
    assert work.reading is not None
    while not is_true():
        work.reading.take_in(0.1)
        work.session.go_on(by=work.annotator)


def is_read(work: Workspace, left: int) -> bool:
    """Return whether so many images are left, and all of them were read."""
    assert work.reading is not None
    is_asked = work.session.current is not None
    return work.session.pool_left == left and work.reading.share == 1 and is_asked


@pytest.mark.usefixtures("quick")
def test_files_that_arrive_join_the_pool(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "x", 3)
    path = tmp_path / "s.tuilabel"
    with opened(folder, path, watch=True, batch_size=8) as work:
        assert work.reading is not None
        given = [label(work) for _ in range(3)]
        assert work.session.current is None
        half = (folder / "0.png").read_bytes()[:30]
        (folder / "half.png").write_bytes(half)
        wait_until(work, lambda: len(work.dataset.skipped) == 1)
        assert work.session.current is None
        pictures(folder, 2, first=50)
        wait_until(work, lambda: is_read(work, 2))
        given += [label(work)]
        Image.new("L", (5, 5), 60).save(folder / "half.png")
        Image.new("L", (5, 5), 70).save(folder / "1.png")
        wait_until(work, lambda: is_read(work, 3))
        undone = work.session.undo(by=work.annotator)
        assert undone is not None
        assert work.session.current_id == given[-1]
        given += [label(work) for _ in range(4)]
        assert len(set(given)) == 7
        assert work.session.current is None
        assert work.dataset.skipped == []
    with opened(folder, path, watch=True, batch_size=8) as work:
        wait_until(work, lambda: work.reading.share == 1)
        assert work.session.labels == 7
        assert work.session.current is None
        pictures(folder, 1, first=99)
        wait_until(work, lambda: work.session.current is not None)


@pytest.mark.usefixtures("quick")
def test_the_trainer_gets_what_arrived_once_it_is_a_batch(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "x", 4)
    with opened(folder, watch=True) as work:
        assert work.reading is not None
        (first,) = read_all(work)
        assert first.rows == 4
        pictures(folder, 2, first=50)
        while work.reading.added < 2 or work.reading.share < 1:
            assert work.reading.take_in(30) is None
        pictures(folder, 1, first=70)
        second = None
        while second is None:
            second = work.reading.take_in(30)
        assert second.rows == 7
        assert second.files[0] == first.files[0], "what models have is not written again"
        assert second.files[1].shape[0] == second.rows - first.rows


def test_only_a_whole_folder_on_the_screen_is_watched(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "x", 4)
    for options, reads_on in (
        (SourceOptions("digits", watch=True), True),
        (SourceOptions(str(folder), ("a", "b"), watch=True), False),
        (SourceOptions(str(folder), ("a", "b"), pool=2, watch=True), True),
        (SourceOptions(f"{folder}/*.png", ("a", "b"), watch=True), True),
        (SourceOptions(f"folder?frames=True:{folder}", ("a", "b"), watch=True), True),
    ):
        with pytest.raises(UsageError, match="--watch"):
            open_workspace(options, {}, path=tmp_path / "s.tuilabel", reads_on=reads_on)
    assert not (tmp_path / "s.tuilabel").exists()
