"""An opened source: items and class names, with ground truth and a hold-out where it has them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.groups import Groups
from tuilabel.data.guesses import Guesses
from tuilabel.data.item_ids import ItemIds, first_occurrence
from tuilabel.data.mmap import release_pages
from tuilabel.data.picture import Picture, picture_of
from tuilabel.data.region import WHOLE, Region
from tuilabel.data.window import Window
from tuilabel.errors import SourceError, UnnamedClassesError, UsageError
from tuilabel.text import counted, inert, shown_path

MAX_CLASSES = 1000

Draw = Callable[[int, tuple[int, int], Region], Picture]
"""Returns a part of the image of a row, reduced to a width and height."""


class SkippedFile(NamedTuple):
    """A file that is no item, and the reason in a few words; both as they are, not inert."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class HoldOut:
    """Items with ground truth that training never sees.

    Attributes
    ----------
    name : str
        Its name on the screen, such as ``"t10k"``.
    images : uint8 array of shape (m, H, W) or (m, H, W, 3)
        Each has the shape of an image of the pool.
    truth : int16 array of shape (m,)
        Class indices.
    ids : sequence of str
        Item ids; empty where they are not known.
    locate : callable, optional
        Returns the places where an item was found.
    """

    name: str
    images: NDArray[np.uint8]
    truth: NDArray[np.int16]
    ids: Sequence[str] = ()
    locate: Callable[[int], tuple[str, ...]] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.truth)


class Reading(Protocol):
    """How far the items of a source were read: a row that was not read has no id yet.

    Attributes
    ----------
    unread, refused : bool arrays of shape (n,)
        Which rows were not read yet, and which cannot be read.
    first : intp array of shape (n,)
        For every row the first row that was read with the same content, or the row itself.
    """

    unread: NDArray[np.bool_]
    refused: NDArray[np.bool_]
    first: NDArray[np.intp]


class Dataset(Protocol):
    """An opened source."""

    @property
    def source(self) -> str:
        """Argument with which `open_dataset` opens the same source again, from any folder."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names in class order: unique, not empty, inert."""

    @property
    def ids(self) -> Sequence[str]:
        """Item ids in dataset order, unique; see `tuilabel.data.item_ids`."""

    @property
    def pool(self) -> NDArray[np.uint8]:
        """Images as models see them: (n, H, W) or (n, H, W, 3), memory-mapped if large."""

    @property
    def truth(self) -> NDArray[np.int16] | None:
        """Class indices of shape (n,), if the source has ground truth."""

    @property
    def holdout(self) -> HoldOut | None:
        """Items to measure accuracy on, if the source has ground truth."""

    @property
    def window(self) -> Window | None:
        """The window through which images of more than 8 bits are seen; None if there are none."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences about files that cannot be read, and images that were merged or left out."""

    @property
    def skipped(self) -> Sequence[SkippedFile]:
        """The files that cannot be read as images, in natural order."""

    @property
    def reading(self) -> Reading | None:
        """What was read of the items so far; None if the source is read whole when it is opened."""

    @property
    def guesses(self) -> Guesses | None:
        """What the source says about its items, where that is not ground truth."""

    @property
    def groups(self) -> Groups | None:
        """Which rows are frames of one group; None if every item is asked alone."""

    def __len__(self) -> int: ...

    def row_of(self, item_id: str) -> int | None:
        """Find an item's row by its id; None where the dataset has no such item."""

    def rows_of(self, item_ids: Sequence[str]) -> NDArray[np.intp]:
        """Find the rows of items at once: shape (n,), -1 where the dataset has no such item."""

    def image(self, i: int) -> NDArray[np.uint8]:
        """Return item `i` for the screen: shape (H, W) or (H, W, 3), at most 96 px a side."""

    def full_image(self, i: int) -> NDArray[np.uint8]:
        """Return item `i` at full size: shape (H, W) or (H, W, 3)."""

    def picture(self, i: int, box: tuple[int, int], region: Region = WHOLE) -> Picture:
        """Return a part of item `i`, reduced to a width and height; from its own file, if any.

        It may take as long as the disk does, and may be called from several threads at once.

        Raises
        ------
        SourceError
            The file can no longer be read, or has changed.
        """

    @property
    def has_pictures(self) -> bool:
        """Whether `picture` can show more than `image` does."""

    def file(self, i: int) -> Path | None:
        """Return the path of the file that item `i` is; None where items are not files."""

    def references(self, i: int) -> tuple[str, ...]:
        """Return the places where item `i` was found: several for exact duplicates."""

    def pixel_hash(self, i: int) -> str:
        """Return the hash of the stored pixels of item `i`, with its scheme; empty if unknown."""

    def look_at(self, places: Mapping[str, str]) -> None:
        """Look for files that are gone in other places: item ids by absolute paths."""


def image_array(images: NDArray[Any], n: int | None = None) -> NDArray[np.uint8]:
    """Return one image, or n images, as they are.

    Raises
    ------
    ValueError
        They are not uint8 of shape (H, W) or (H, W, 3), or (n, H, W) or (n, H, W, 3).
    """
    shape = np.shape(images)
    each = shape if n is None else shape[1:]
    is_image = len(each) == 2 or (len(each) == 3 and each[2] == 3)
    if not is_image or 0 in each or (n is not None and shape[0] != n):
        expected = "(H, W) or (H, W, 3)" if n is None else f"({n}, H, W) or ({n}, H, W, 3)"
        raise ValueError(f"Images have shape {shape}; expected {expected}.")
    if images.dtype != np.uint8:
        raise ValueError(f"Images are {images.dtype}; expected uint8.")
    return images


def _check_truth(truth: NDArray[np.int16] | None, n: int, n_classes: int) -> None:
    if truth is None:
        return
    if truth.shape != (n,) or not np.issubdtype(truth.dtype, np.integer):
        raise ValueError(f"True classes are {truth.dtype} of shape {truth.shape}; expected ({n},).")
    if n and (truth.min() < 0 or truth.max() >= n_classes):
        raise ValueError(
            f"True classes run from {truth.min()} to {truth.max()}; expected 0 to {n_classes - 1}."
        )


@dataclass(frozen=True, eq=False)
class ArrayDataset:
    """A dataset whose pool is one array.

    Attributes
    ----------
    source, class_names, ids, pool, truth, holdout, notices, skipped
        As in `Dataset`.
    window, reading, guesses, groups
        As in `Dataset`.
    locate : callable
        Returns the references of a row.
    full : callable, optional
        Returns the image of a row at full size; without it the pool is at full size.
    screen : callable, optional
        Returns the image for the screen of a row; without it the full image is reduced.
    draw : callable, optional
        Returns the picture of a row, as `Dataset.picture` does; without it a part of the full
        image is reduced.
    locate_file : callable, optional
        Returns the path of the file of a row; without it items are not files.
    hash_pixels : callable, optional
        Returns the hash of the stored pixels of a row, as `Dataset.pixel_hash` does.
    look_elsewhere : callable, optional
        Does what `Dataset.look_at` does.

    Raises
    ------
    ValueError
        The arrays have another dtype, or do not fit together.
    """

    source: str
    class_names: tuple[str, ...]
    ids: ItemIds
    pool: NDArray[np.uint8]
    locate: Callable[[int], tuple[str, ...]] = field(repr=False)
    truth: NDArray[np.int16] | None = None
    holdout: HoldOut | None = None
    notices: tuple[str, ...] = ()
    skipped: Sequence[SkippedFile] = ()
    full: Callable[[int], NDArray[np.uint8]] | None = field(default=None, repr=False)
    screen: Callable[[int], NDArray[np.uint8]] | None = field(default=None, repr=False)
    draw: Draw | None = field(default=None, repr=False)
    locate_file: Callable[[int], Path | None] | None = field(default=None, repr=False)
    hash_pixels: Callable[[int], str] | None = field(default=None, repr=False)
    look_elsewhere: Callable[[Mapping[str, str]], object] | None = field(default=None, repr=False)
    window: Window | None = None
    reading: Reading | None = None
    guesses: Guesses | None = None
    groups: Groups | None = None

    def __post_init__(self) -> None:
        image_array(self.pool, n=len(self.ids))
        _check_truth(self.truth, len(self.pool), len(self.class_names))
        if self.holdout is not None:
            image_array(self.holdout.images, n=len(self.holdout.truth))
            _check_truth(self.holdout.truth, len(self.holdout), len(self.class_names))

    def __len__(self) -> int:
        return len(self.pool)

    def row_of(self, item_id: str) -> int | None:
        """Find an item's row by its id; None where the dataset has no such item."""
        return self.ids.row_of(item_id)

    def rows_of(self, item_ids: Sequence[str]) -> NDArray[np.intp]:
        """Find the rows of items at once: shape (n,), -1 where the dataset has no such item."""
        return self.ids.rows_of(item_ids)

    def image(self, i: int) -> NDArray[np.uint8]:
        """Return item `i` for the screen."""
        if self.screen is not None:
            return self.screen(i)
        from tuilabel.data.images import thumbnail  # not at the start: images may need none

        return thumbnail(self.full_image(i))

    def full_image(self, i: int) -> NDArray[np.uint8]:
        """Return item `i` at full size."""
        if self.full is not None:
            return self.full(i)
        image = np.array(self.pool[i])
        release_pages(self.pool)
        return image

    def picture(self, i: int, box: tuple[int, int], region: Region = WHOLE) -> Picture:
        """Return a part of item `i`, reduced to a width and height."""
        if self.draw is not None:
            return self.draw(i, box, region)
        return picture_of(self.full_image(i), box, region)

    @cached_property
    def has_pictures(self) -> bool:
        """Whether `picture` can show more than `image` does."""
        if self.draw is not None:
            return True
        from tuilabel.data.images import MAX_THUMBNAIL_SIDE

        try:
            # A thumbnail of a smaller image is that image. In an array, all have one shape.
            return bool(max(self.image(0).shape[:2]) >= MAX_THUMBNAIL_SIDE)
        except SourceError:
            return True  # The first one is damaged.

    def file(self, i: int) -> Path | None:
        """Return the path of the file that item `i` is."""
        return None if self.locate_file is None else self.locate_file(i)

    def references(self, i: int) -> tuple[str, ...]:
        """Return the places where item `i` was found."""
        return self.locate(i)

    def look_at(self, places: Mapping[str, str]) -> None:
        """Look for files that are gone in other places, see `Dataset`."""
        if self.look_elsewhere is not None:
            self.look_elsewhere(places)

    def pixel_hash(self, i: int) -> str:
        """Return the hash of the stored pixels of item `i`; empty where it is not known."""
        return "" if self.hash_pixels is None else self.hash_pixels(i)


@dataclass(frozen=True, eq=False)
class Split:
    """The items of one split of a source, in its order, duplicates included.

    Attributes
    ----------
    name : str
        Its name in messages and on the screen.
    images : uint8 array of shape (n, H, W) or (n, H, W, 3)
    digests : uint8 array of shape (n, 16)
        Of the values as stored, see `tuilabel.data.item_ids.digests`.
    reference : callable
        Returns the place where a row was found.
    truth : int16 array of shape (n,), optional
    """

    name: str
    images: NDArray[np.uint8]
    digests: NDArray[np.uint8]
    reference: Callable[[int], str]
    truth: NDArray[np.int16] | None = None

    def __len__(self) -> int:
        return len(self.digests)

    def first(self, count: int) -> Split:
        """Return the first `count` items, as views."""
        truth = None if self.truth is None else self.truth[:count]
        return Split(self.name, self.images[:count], self.digests[:count], self.reference, truth)


def build_dataset(
    *,
    source: str,
    class_names: tuple[str, ...],
    train: Split,
    holdout: Split | None = None,
    pool: int | None = None,
    test: int | None = None,
    notices: tuple[str, ...] = (),
    full: Callable[[int], NDArray[np.uint8]] | None = None,
    draw: Draw | None = None,
    window: Window | None = None,
) -> ArrayDataset:
    """Make a dataset from splits: take the first items, merge duplicates, separate the hold-out.

    Equal images of the pool become one item with the truth of the first. An image of the
    hold-out that is also in the pool is left out of the hold-out, because accuracy must be
    measured on unseen images.

    Parameters
    ----------
    source, class_names, notices, window
        As in `Dataset`; notices about duplicates are added.
    train, holdout : Split
        A hold-out needs truth.
    pool, test : int, optional
        Number of items to take from the start of each split, duplicates included.
    full : callable, optional
        Returns the image of a row of `train` at full size; without it `train` is at full size.
    draw : callable, optional
        Returns the picture of a row of `train`.

    Raises
    ------
    UsageError
        If `pool` or `test` is out of range, or `test` is given without a hold-out.
    SourceError
        If every image of the hold-out is in the pool.
    """
    train = train.first(checked_count("--pool", pool, len(train), train.name))
    if holdout is not None:
        holdout = holdout.first(checked_count("--test", test, len(holdout), holdout.name))
    else:
        refuse_test(test, source)
    train_rows, copies, in_pool = _merge(train, holdout)
    found_notices = list(notices)
    if copies:
        found_notices.append(_duplicates_notice(train, copies))
    kept_holdout = None
    if holdout is not None and holdout.truth is not None:
        images, truth, digests = holdout.images, holdout.truth, holdout.digests
        left, reference = np.flatnonzero(~in_pool), holdout.reference
        if in_pool.any():
            images, truth, digests = images[left], truth[left], digests[left]
            found_notices.append(
                f"{in_pool.sum()} of the {len(holdout)} {holdout.name} images are also in the "
                "pool and are left out of the hold-out."
            )
        if not len(truth):
            raise SourceError(
                f"All {len(holdout)} {holdout.name} images of {shown_path(source)} are also in the "
                "pool, but accuracy is measured on images that training never sees: choose other "
                "files."
            )
        kept_holdout = HoldOut(
            holdout.name,
            images,
            truth,
            ItemIds("a1", digests),
            lambda i: (reference(int(left[i])),),
        )

    # Without duplicates the arrays stay as they are: a memory map stays a memory map.
    def kept(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return array[train_rows] if copies else array

    def locate(i: int) -> tuple[str, ...]:
        row = int(train_rows[i])
        place = train.reference(row)
        if row not in copies:  # A start asks for a million of them.
            return (place,)
        return (place, *map(train.reference, copies[row]))

    return ArrayDataset(
        source=source,
        class_names=class_names,
        ids=ItemIds("a1", kept(train.digests)),
        pool=kept(train.images),
        locate=locate,
        truth=None if train.truth is None else train.truth[train_rows],
        holdout=kept_holdout,
        notices=tuple(found_notices),
        full=None if full is None else lambda i: full(int(train_rows[i])),
        draw=None if draw is None else lambda i, box, region: draw(int(train_rows[i]), box, region),
        window=window,
    )


def _merge(
    train: Split, holdout: Split | None
) -> tuple[NDArray[np.intp], Mapping[int, list[int]], NDArray[np.bool_]]:
    """Return the rows to keep, their later copies, and a mask of hold-out rows in the pool."""
    both = train.digests
    if holdout is not None:
        both = np.concatenate([train.digests, holdout.digests])
    first = first_occurrence(both)
    first_in_train, in_pool = first[: len(train)], first[len(train) :] < len(train)
    is_first = first_in_train == np.arange(len(train))
    copies: dict[int, list[int]] = {}
    for row in np.flatnonzero(~is_first).tolist():
        copies.setdefault(int(first_in_train[row]), []).append(row)
    return np.flatnonzero(is_first), copies, in_pool


def _duplicates_notice(split: Split, copies: Mapping[int, Sequence[int]]) -> str:
    count = sum(map(len, copies.values()))
    notice = duplicates_notice(count)
    if split.truth is not None:
        truth = split.truth
        differ = sum(bool((truth[rows] != truth[row]).any()) for row, rows in copies.items())
        if differ:
            images = counted(differ, "image has a copy", "images have copies")
            notice += f" {images} with another class; the class of the first counts."
    return notice


def duplicates_notice(count: int) -> str:
    """Return the notice of images that are merged with equal ones."""
    return f"{counted(count, 'exact duplicate was', 'exact duplicates were')} merged."


def checked_count(option: str, wanted: int | None, available: int, split: str) -> int:
    """Return how many items to take: all of them if `wanted` is None.

    Parameters
    ----------
    option : str
        Name of the command-line option, for messages.
    wanted : int or None
    available : int
    split : str
        Name of the split, for messages.

    Raises
    ------
    UsageError
        If `wanted` is below 1 or above `available`.
    """
    if wanted is None:
        return available
    if not 1 <= wanted <= available:
        raise UsageError(
            f"{option} {wanted} is out of range, since {split} has {counted(available, 'image')}: "
            f"use a number from 1 to {available:,}."
        )
    return wanted


def refuse_test(test: int | None, source: str) -> None:
    """Raise an error if `test` is set, for a source without a hold-out.

    Raises
    ------
    UsageError
        If `test` is given.
    """
    if test is not None:
        raise UsageError(
            f"--test {test} cannot be used, since {shown_path(source)} has no hold-out: leave it "
            "out."
        )


def resolve_classes(
    source: str, *, own: Sequence[str] | None, given: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the class names: those given, else the source's own.

    Parameters
    ----------
    source : str
        For messages.
    own : sequence of str or None
        Classes of the source in order, if it has any.
    given : sequence of str or None
        Classes that the annotator named. They rename the source's own one for one; more than it has
        are further classes.

    Returns
    -------
    tuple of str
        Inert, in Unicode's form NFC, stripped of outer white space, unique, none empty.

    Raises
    ------
    SourceError
        If there are no names, too many of them, fewer than the source has, or a name is empty or
        repeated.
    """
    if given is None and own is None:
        raise UnnamedClassesError(
            f"{shown_path(source)} has no class names: name the classes with --classes, such as "
            "--classes cat,dog."
        )
    if given is not None and own is not None and len(given) < len(own):
        raise SourceError(
            f"{counted(len(given), 'class was', 'classes were')} given ({names_text(given)}), but "
            f"{shown_path(source)} has {len(own)} ({names_text(own)}): name at least {len(own)}, "
            "or leave --classes out."
        )
    names = tuple(map(class_name, (own if given is None else given) or ()))
    if not 1 <= len(names) <= MAX_CLASSES:
        raise SourceError(
            f"{shown_path(source)} would have {len(names)} classes, but 1 to {MAX_CLASSES} are "
            "expected: name the classes with --classes."
        )
    for position, name in enumerate(names):
        if not name:
            raise SourceError(
                f"Class {position + 1} of {len(names)} has an empty name: name every class."
            )
        if name in names[:position]:
            raise SourceError(f"Two classes are named {name!r}: use different names.")
    return names


def class_name(name: str) -> str:
    """Return a name of a class as it is used: inert, in form NFC, without outer white space."""
    return inert(unicodedata.normalize("NFC", name).strip())


def names_text(names: Sequence[str]) -> str:
    """Return the first of some names, inert."""
    shown = ", ".join(inert(name) for name in names[:5])
    return f"{shown}, …" if len(names) > 5 else shown
