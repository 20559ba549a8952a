"""Which files of a folder are one group, before and after they are read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tuilabel.data import ArrayDataset, grouping, open_dataset
from tuilabel.data.folder_items import FolderItems
from tuilabel.data.groups import Groups, Known
from tuilabel.errors import UsageError
from tuilabel.plugins import with_options

pytestmark = pytest.mark.usefixtures("warm_decoders")


def photograph(
    path: Path, value: int, taken: str | None = None, fraction: str = "", *, changed: float = 1e9
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if taken is not None:
        exif.get_ifd(0x8769).update({0x9003: taken, 0x9291: fraction})
    Image.new("L", (8, 8), value).save(path, "JPEG", exif=exif)
    os.utime(path, (changed, changed))


def opened(root: Path, cache: Path, how: str, seed: int | None = 0) -> FolderItems | ArrayDataset:
    source = with_options(str(root), group=how)
    found = open_dataset(source, classes=("a", "b"), seed=seed, cache_dir=cache)
    assert isinstance(found, FolderItems | ArrayDataset)
    return found


def groups_of(items: FolderItems | ArrayDataset) -> set[tuple[str, ...]]:
    """Return the paths of each group."""
    assert items.groups is not None
    return {
        tuple(items.references(row)[0] for row in items.groups.rows(head))
        for head in items.groups.heads.tolist()
    }


def read(items: FolderItems, rows: Iterable[int]) -> None:
    items.learn(items.read(list(rows)))


@pytest.fixture
def burst(tmp_path: Path) -> Path:
    root = tmp_path / "card"
    for number, (taken, fraction) in enumerate(
        [
            ("2024:05:01 10:00:00", ""),
            ("2024:05:01 10:00:09", "99"),
            ("2024:05:01 10:00:19", "5\0"),
            ("2024:05:01 10:00:30", ""),
        ]
    ):
        photograph(root / f"IMG_{number + 8}.jpg", number, taken, fraction)
    photograph(root / "other" / "IMG_1.jpg", 20, "2024:05:01 10:00:00")
    photograph(root / "IMG_12.jpg", 21, "0000:00:00 00:00:00")
    photograph(root / "IMG_13.jpg", 22, changed=1e9 + 5)
    photograph(root / "IMG_14.jpg", 23, "2024:05:01 10:00:31")
    return root


BURSTS = {
    ("IMG_8.jpg", "IMG_9.jpg", "IMG_10.jpg"),
    ("IMG_11.jpg",),
    ("IMG_12.jpg", "IMG_13.jpg"),
    ("IMG_14.jpg",),
    ("other/IMG_1.jpg",),
}


def test_a_burst_ends_where_a_file_follows_late(burst: Path, tmp_path: Path) -> None:
    whole = opened(burst, tmp_path, "exif:10s", seed=None)
    assert groups_of(whole) == BURSTS
    (notice,) = whole.notices
    assert notice.startswith("2 files have no EXIF time")
    again = opened(burst, tmp_path, "exif:10s")
    assert isinstance(again, FolderItems)
    assert not again.unread.any(), "the times are kept in the cache"
    assert groups_of(again) == BURSTS


def test_what_has_to_be_read_to_know_a_burst_is_near_it(burst: Path, tmp_path: Path) -> None:
    items = opened(burst, tmp_path, "exif:10s")
    assert isinstance(items, FolderItems)
    groups, row_of = items.groups, {key.path: row for row, key in enumerate(items.keys)}
    assert groups is not None
    row = row_of["IMG_10.jpg"]
    assert groups.heads.size == 8, "nothing is known but folders"
    assert set(groups.lacking(row)) == {row, row_of["IMG_9.jpg"]}
    assert not groups.is_known(len(items))
    assert set(groups.before(len(items))) <= set(range(len(items)))
    read(items, groups.lacking(row))
    assert not groups.is_known(8)
    assert groups.head(row) != row, "it follows another"
    for _ in range(8):
        read(items, groups.lacking(groups.head(row)))
    assert groups.name(row) == "IMG_8.jpg"
    assert len(groups.rows(row)) == 3
    assert not groups.lacking(row)
    assert items.unread[row_of["other/IMG_1.jpg"]]


def test_a_file_that_cannot_be_read_does_not_end_a_burst(burst: Path, tmp_path: Path) -> None:
    (burst / "IMG_9.jpg").write_bytes(b"no image")
    photograph(burst / "IMG_10.jpg", 9, "2024:05:01 10:00:10")
    whole = opened(burst, tmp_path, "exif:10s", seed=None)
    assert ("IMG_8.jpg", "IMG_10.jpg") in groups_of(whole)


@pytest.mark.parametrize("how", ["folder", r"regex:^(.*?)_?\d*\.jpg$"])
def test_groups_of_names_are_known_at_once_and_stand_together(how: str, tmp_path: Path) -> None:
    root = tmp_path / "bursts"
    for number in range(12):
        photograph(root / f"{number // 4}" / f"x_{number + 5}.jpg", number)
    items = opened(root, tmp_path, how)
    assert isinstance(items, FolderItems)
    groups = items.groups
    assert groups is not None
    assert items.unread.all()
    assert groups_of(items) == {
        tuple(f"{folder}/x_{number}.jpg" for number in range(4 * folder + 5, 4 * folder + 9))
        for folder in range(3)
    }
    assert groups.order.tolist() == list(range(12)), "the files of a group are read together"
    assert groups.is_known(12)
    whole = opened(root, tmp_path, how, seed=None)
    assert groups_of(whole) == groups_of(items)


def test_equal_files_are_in_the_first_of_their_groups(tmp_path: Path) -> None:
    root = tmp_path / "twice"
    for folder in "ab":
        for number in range(2):
            photograph(root / folder / f"{number}.jpg", number)
    photograph(root / "b" / "2.jpg", 9)
    whole = opened(root, tmp_path, "folder", seed=None)
    assert whole.groups is not None
    assert groups_of(whole) == {("a/0.jpg", "a/1.jpg"), ("b/2.jpg",)}
    assert list(whole.groups.role_paths(0)) == ["a/0.jpg", "b/0.jpg"]


def test_files_that_arrive_join_their_group(tmp_path: Path) -> None:
    root = tmp_path / "growing"
    for name in ("a/2.jpg", "b/1.jpg"):
        photograph(root / name, len(name))
    items = opened(root, tmp_path, "folder")
    assert isinstance(items, FolderItems)
    old = items.keys[0]
    new = [old._replace(path=path) for path in ("a/10.jpg", "c/1.jpg", "a/1.jpg")]
    assert items.grow(new, items.buckets_of(new)) == 3
    assert groups_of(items) == {("a/1.jpg", "a/2.jpg", "a/10.jpg"), ("b/1.jpg",), ("c/1.jpg",)}


def test_a_group_of_too_many_files_is_refused_or_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "many"
    for number in range(6):
        photograph(root / f"{number}.jpg", number, changed=1e9 + number)
    for module in ("grouping", "groups"):
        monkeypatch.setattr(f"tuilabel.data.{module}.MOST_FRAMES", 5)
    with pytest.raises(UsageError, match=r"The group of 0.jpg has 6 files, more than 5: choose"):
        opened(root, tmp_path, "folder")
    whole = opened(root, tmp_path, "exif:10s", seed=None)
    assert whole.notices[0] == "The group of 0.jpg has 6 files, more than 5: it is left out."
    assert grouping.MOST_FRAMES == 5


def test_a_hold_out_is_drawn_image_by_image(tmp_path: Path) -> None:
    photograph(tmp_path / "x" / "cat" / "1.jpg", 1)
    source = with_options(str(tmp_path / "x"), group="folder", folders="truth")
    with pytest.raises(UsageError, match="--group and --folders truth cannot be combined"):
        open_dataset(source, cache_dir=tmp_path)


def test_the_parts_are_the_same_whatever_was_read_first() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        count = int(rng.integers(1, 30))
        unread = np.ones(count, dtype=bool)
        refused = rng.random(count) < 0.2
        times, clocks = rng.integers(0, 4, count) * 1.0, rng.random(count) < 0.7
        known = Known(unread, np.zeros(count, dtype=bool), times, clocks)
        cut = int(rng.integers(0, count))
        buckets = {"a": list(range(cut)), "b": list(range(cut, count))}
        groups = Groups({k: v for k, v in buckets.items() if v}, str, partial(Known, *known), 1.0)
        rest = rng.permutation(count).tolist()
        joined: dict[int, int] = {}
        for row in rest:
            unread[row] = False
            known.refused[row] = refused[row]
            groups.changed()
            # What is known stays: a row that follows another never becomes a head.
            for other in range(count):
                if not groups.lacking(other) and not known.refused[other]:
                    head = groups.head(other)
                    assert joined.setdefault(other, head) == head
        readable = np.flatnonzero(~refused)
        expected: list[list[int]] = []
        for row in readable.tolist():
            last = expected[-1][-1] if expected else -1
            if (
                last >= 0
                and (last < cut) == (row < cut)
                and clocks[last] == clocks[row]
                and abs(times[last] - times[row]) <= 1
            ):
                expected[-1].append(row)
            else:
                expected.append([row])
        found = {tuple(r for r in groups.rows(row) if not refused[r]) for row in readable.tolist()}
        assert found == set(map(tuple, expected))
