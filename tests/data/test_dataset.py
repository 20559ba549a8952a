from collections.abc import Sequence

import numpy as np
import pytest

from tuilabel.data.dataset import Split, build_dataset, checked_count, resolve_classes
from tuilabel.data.item_ids import digests
from tuilabel.data.region import Region
from tuilabel.errors import SourceError, UsageError


def make_split(name: str, values: Sequence[int], truth: Sequence[int] | None = None) -> Split:
    """Make a split with one image of four equal pixels for each value."""
    images = np.repeat(np.array(values, dtype=np.uint8), 4).reshape(-1, 2, 2)
    return Split(
        name=name,
        images=images,
        digests=digests(images),
        reference=lambda row: f"{name}[{row}]",
        truth=None if truth is None else np.array(truth, dtype=np.int16),
    )


def build(train: Split, holdout: Split | None = None, **options):
    return build_dataset(
        source="s", class_names=("a", "b"), train=train, holdout=holdout, **options
    )


def test_equal_images_are_one_item_with_all_references() -> None:
    dataset = build(make_split("train", [1, 2, 1, 3, 1, 2], [0, 1, 0, 0, 1, 1]))
    assert len(dataset) == len(dataset.ids) == len(set(dataset.ids)) == 3
    assert dataset.pool[:, 0, 0].tolist() == [1, 2, 3]
    assert dataset.truth is not None
    assert dataset.truth.tolist() == [0, 1, 0]
    assert [dataset.references(i) for i in range(3)] == [
        ("train[0]", "train[2]", "train[4]"),
        ("train[1]", "train[5]"),
        ("train[3]",),
    ]
    assert dataset.image(2)[0, 0] == 3
    (notice,) = dataset.notices
    assert "3 exact duplicates" in notice
    assert "1 image has a copy with another class" in notice


def test_without_duplicates_nothing_is_copied_or_said() -> None:
    train = make_split("train", [1, 2, 3])
    dataset = build(train)
    assert np.shares_memory(dataset.pool, train.images)
    assert dataset.notices == ()
    assert dataset.truth is None
    assert dataset.holdout is None


def test_what_the_pool_has_is_left_out_of_the_holdout() -> None:
    dataset = build(
        make_split("train", [1, 2, 3], [0, 0, 0]), make_split("t10k", [4, 2, 5, 4], [0, 1, 0, 1])
    )
    assert dataset.holdout is not None
    assert dataset.holdout.images[:, 0, 0].tolist() == [4, 5, 4]
    assert dataset.holdout.truth.tolist() == [0, 0, 1]
    assert len(dataset.holdout) == 3
    assert len(dataset) == 3
    assert any("1 of the 4 t10k images" in notice for notice in dataset.notices)


def test_only_what_is_taken_of_the_pool_counts() -> None:
    train, holdout = make_split("train", [1, 2, 3], [0] * 3), make_split("t10k", [3, 4], [0] * 2)
    dataset = build(train, holdout, pool=2, test=1)
    assert dataset.holdout is not None
    assert len(dataset) == 2
    assert len(dataset.holdout) == 1
    assert dataset.notices == ()


def test_a_holdout_all_in_the_pool_is_refused() -> None:
    with pytest.raises(SourceError, match="All 1 t10k images"):
        build(make_split("train", [1], [0]), make_split("t10k", [1], [0]))


def test_the_full_image_is_that_of_the_row_of_the_split() -> None:
    dataset = build(
        make_split("train", [1, 1, 2]), full=lambda row: np.full((120, 60), row, dtype=np.uint8)
    )
    assert dataset.full_image(1).shape == (120, 60)
    assert dataset.image(1).shape == (96, 48)
    assert dataset.image(1)[0, 0] == dataset.full_image(1)[0, 0] == 2


def test_rows_are_found_by_id() -> None:
    dataset = build(make_split("train", [1, 1, 2]))
    assert [dataset.row_of(item_id) for item_id in dataset.ids] == [0, 1]
    assert dataset.row_of("nothing") is None


@pytest.mark.parametrize("wanted", [0, -3, 11])
def test_a_count_out_of_range_names_both_numbers(wanted: int) -> None:
    with pytest.raises(UsageError, match=rf"--pool {wanted} .* train has 10 images"):
        checked_count("--pool", wanted, 10, "train")


def test_a_count_in_range_is_taken() -> None:
    assert checked_count("--pool", 1, 10, "train") == 1
    assert checked_count("--pool", 10, 10, "train") == 10
    assert checked_count("--pool", None, 10, "train") == 10


def test_test_without_a_holdout_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--test 5 .* has no hold-out"):
        build(make_split("train", [1, 2]), test=5)


def test_classes_are_the_own_ones_or_rename_them() -> None:
    assert resolve_classes("s", own=["0", "1"], given=None) == ("0", "1")
    assert resolve_classes("s", own=["0", "1"], given=["no", " yes "]) == ("no", "yes")
    assert resolve_classes("s", own=["0", "1"], given=["no", "yes", "?"]) == ("no", "yes", "?")
    assert resolve_classes("s", own=None, given=["e\u0301"]) == ("é",)
    assert resolve_classes("s", own=None, given=["a\x1b"]) == ("a␛",)


@pytest.mark.parametrize(
    ("own", "given", "message"),
    [
        (None, None, "--classes cat,dog"),
        (["0", "1"], ["a"], r"1 class was given \(a\), but s has 2 \(0, 1\): name at least 2"),
        (None, [], "would have 0 classes"),
        (None, ["a", " "], "Class 2 of 2 has an empty name"),
        (None, ["a", "b", "a "], "Two classes are named 'a'"),
        (None, [str(i) for i in range(1001)], "would have 1001 classes"),
    ],
)
def test_classes_that_cannot_be_meant(own, given, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        resolve_classes("s", own=own, given=given)


def test_a_picture_of_an_array_is_a_part_of_the_full_image() -> None:
    image = np.arange(200, dtype=np.uint8)[:, None].repeat(120, axis=1)
    dataset = build(make_split("train", [1, 2]), full=lambda row: image)
    whole = dataset.picture(0, (1000, 1000))
    assert (whole.pixels() == image).all()
    assert whole.size == (200, 120)
    part = dataset.picture(0, (30, 30), Region(0, 0.5, 1, 1))
    assert part.pixels().shape == (25, 30)
    assert part.pixels().min() >= 98
    assert dataset.has_pictures
    assert not build(make_split("train", [1, 2])).has_pictures, "thumbnails show all there is"
    assert dataset.file(0) is None
