"""Array files as a source: `.npz` with `images` and optional `labels`, or `.npy` of images."""

from __future__ import annotations

import hashlib
import math
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import item_ids
from tuilabel.data.arrays import Arrays, cache_key_of_file
from tuilabel.data.dataset import MAX_CLASSES, ArrayDataset, Split, build_dataset, resolve_classes
from tuilabel.data.images import MAX_EXACT_SIDE, MODEL_SIDE, letterbox, thumbnail
from tuilabel.data.natural_order import natural_key
from tuilabel.data.picture import Picture, picture_of
from tuilabel.data.region import Region
from tuilabel.data.window import Window, sampled, sketch, window_of
from tuilabel.errors import SourceError, TuilabelError
from tuilabel.progress import Progress
from tuilabel.text import inert

MAX_ARRAY_BYTES = 8 * 2**30
MAX_LABEL_BYTES = 2**28
HOLDOUT_SHARE = 0.2
_MAX_SIDE = 10_000
_CHUNK_BYTES = 2**24


def open_array(
    source: str, *, argument: str, seed: int | None = None, **options: Any
) -> ArrayDataset:
    """Open an array file; a `Source`, which is read whole whatever the seed."""
    return open_npz(Path(argument), **options)


def open_npz(
    path: Path,
    *,
    cache_dir: Path,
    classes: Sequence[str] | None = None,
    pool: int | None = None,
    test: int | None = None,
    window: Window | None = None,
    progress: Progress | None = None,
    source: str = "",
    reference: Callable[[int], str] = "images[{}]".format,
) -> ArrayDataset:
    """Open an array file; with labels, a fifth of its items is held out.

    `images` has shape (n, H, W), (n, H, W, 1) or (n, H, W, 3), of numbers or booleans. Unsigned
    bytes are shown as they are, other numbers through one window. `labels`, integers or strings of
    shape (n,), are the ground truth; sorted naturally they are the class names. The hold-out is the
    fifth with the largest item ids: as good as a random draw, and the same draw on every machine.
    Nothing is ever unpickled, and every declared size is checked before anything is read.

    The images are converted once, in pieces, into the cache and mapped from there. Models see
    them as they are up to 64 pixels a side, and else fitted into 32x32.

    Parameters
    ----------
    path : Path
        An absolute path that ends in ``.npz``, or in ``.npy`` for images without labels.
    cache_dir : Path
    classes : sequence of str, optional
        Class names if there are no labels; else they rename the classes of the labels.
    pool, test : int, optional
        Number of items to take from the start of the pool and of the hold-out.
    window : Window, optional
        By default it is chosen by a sample of the images.
    progress : Progress, optional
    source : str
        As in `Dataset`; by default the path.
    reference : callable
        Returns the place where a row of the arrays was found.

    Raises
    ------
    SourceError
        If the file is damaged, declares sizes that do not match its content, or has values that
        are not images or labels.
    UsageError
        If `pool` or `test` is out of range.
    """
    source = source or str(path)
    name = inert(path.name)
    with _reporting(name), path.open("rb") as file:
        key, cache = cache_key_of_file(file), Arrays(cache_dir / "arrays")
        labels = None
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(file) as archive:
                member = _member(archive, "images", name)
                read = _cached_images(member, key, cache, window, progress)
                if "labels.npy" in archive.namelist():
                    labels = _read_labels(_member(archive, "labels", name), len(read.images))
        else:
            size = path.stat().st_size
            member = _Member(name, size, lambda: path.open("rb"))
            read = _cached_images(member, key, cache, window, progress)
    images, digests = read.images, read.digests
    own, truth = (None, None) if labels is None else _classes_of(labels)
    class_names = resolve_classes(source, own=own, given=classes)
    held_out = held_out_rows(digests) if truth is not None else np.zeros(len(images), dtype=bool)
    arranged = _arrange(images, held_out, cache, read.key, progress)

    def split(split_name: str, part: slice) -> Split:
        rows = arranged.rows[part]
        return Split(
            name=split_name,
            images=arranged.images[part],
            digests=digests[rows],
            truth=None if truth is None else truth[rows],
            reference=lambda row: reference(rows[row]),
        )

    def draw(row: int, box: tuple[int, int], region: Region) -> Picture:
        place = int(arranged.rows[row])
        values = _stored(path, place)
        if (item_ids.digests(values[None])[0] != digests[place]).any():
            raise SourceError(f"The content of {name} has changed: open it again.")
        return picture_of(values.reshape(images.shape[1:]), box, region, read.window)

    return build_dataset(
        source=source,
        class_names=class_names,
        train=split("the pool", slice(0, arranged.pool_size)),
        holdout=(
            split("hold-out", slice(arranged.pool_size, None))
            if arranged.pool_size < len(arranged.rows)
            else None
        ),
        pool=pool,
        test=test,
        full=lambda row: np.array(images[arranged.rows[row]]),
        draw=None if read.window is None else draw,
        window=read.window,
    )


def array_digests(
    path: Path, cache_dir: Path, progress: Progress | None = None
) -> NDArray[np.uint8]:
    """Return the digest of each image of an array file, in its order.

    They are read from the cache of `open_npz`, or else computed; no image is converted.

    Raises
    ------
    SourceError
        The file is missing, damaged, or has no images.
    """
    name = inert(path.name)
    with _reporting(name), path.open("rb") as file:
        cache, key = Arrays(cache_dir / "arrays"), cache_key_of_file(file)
        if path.suffix.lower() != ".npz":
            size = path.stat().st_size
            return _digests(_Member(name, size, lambda: path.open("rb")), cache, key, progress)
        with zipfile.ZipFile(file) as archive:
            return _digests(_member(archive, "images", name), cache, key, progress)


def _digests(
    member: _Member, cache: Arrays, key: str, progress: Progress | None
) -> NDArray[np.uint8]:
    with member.open() as stream:
        header = _read_header(stream, member, MAX_ARRAY_BYTES)
        shape = _image_shape(header, member)
        cached = item_ids.read_digests(cache, key, shape[0])
        if cached is not None:
            return cached
        found = [np.empty((0, item_ids.DIGEST_SIZE), np.uint8)]
        for values in _chunks(stream, header):
            found.append(item_ids.digests(values))
            if progress is not None:
                progress("looking for images", sum(map(len, found)), shape[0])
        return np.concatenate(found)


@contextmanager
def _reporting(name: str) -> Iterator[None]:
    try:
        yield
    except TuilabelError:
        raise
    except NotImplementedError as error:
        # zipfile raises this for compression methods that it does not know.
        raise SourceError(
            f"{name} cannot be unpacked ({inert(str(error))}): save it again with numpy.savez."
        ) from error
    except OSError as error:
        raise SourceError(
            f"{name} cannot be read ({error.strerror or error}): choose another file."
        ) from error
    # Each method of compression has its own exceptions, and hostile bytes raise further ones.
    except Exception as error:
        found = inert(str(error)) or type(error).__name__
        raise SourceError(
            f"{name} is damaged or not an array file ({found}): save it again with numpy.savez."
        ) from error


# Members and their headers.


@dataclass(frozen=True)
class _Member:
    """One array in a file: its name for messages, its declared size, and how to open it."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True)
class _ArrayHeader:
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def _member(archive: zipfile.ZipFile, array: str, name: str) -> _Member:
    try:
        info = archive.getinfo(f"{array}.npy")
    except KeyError:
        found = ", ".join(inert(each.removesuffix(".npy")) for each in archive.namelist()[:10])
        raise SourceError(
            f"{name} has no array named {array!r} (it has {found or 'none'}): save it with "
            "numpy.savez(path, images=..., labels=...)."
        ) from None
    if info.flag_bits & 1:
        raise SourceError(f"{array!r} in {name} is encrypted: save it with numpy.savez.")
    return _Member(f"{array!r} in {name}", info.file_size, lambda: archive.open(info))


def _read_header(stream: IO[bytes], member: _Member, limit: int) -> _ArrayHeader:
    """Read the header of an array and check everything in it before reading any values."""
    if member.size > limit:
        raise SourceError(
            f"{member.name} declares {member.size} bytes, more than the limit of {limit}: "
            "save fewer images."
        )
    try:
        version = np.lib.format.read_magic(stream)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran_order, dtype = read(stream)
    # numpy parses the header as a Python literal, and invalid ones raise any of these.
    except (ValueError, SyntaxError, TypeError, RecursionError, TokenError) as error:
        raise SourceError(
            f"{member.name} is not an array that numpy saved ({inert(str(error))}): save it again."
        ) from error
    if dtype.hasobject:
        raise SourceError(
            f"{member.name} contains Python objects, which could run code when read: save plain "
            "numbers or strings."
        )
    if fortran_order and len(shape) > 1:
        raise SourceError(
            f"{member.name} is stored in Fortran order: convert it with numpy.ascontiguousarray "
            "and save it again."
        )
    if not dtype.itemsize:
        raise SourceError(f"{member.name} has values of 0 bytes ({dtype}): save numbers or text.")
    declared = math.prod(shape) * dtype.itemsize
    stored = member.size - stream.tell()
    if declared != stored or min(shape, default=0) < 0:
        raise SourceError(
            f"{member.name} declares shape {shape} of {dtype}, which takes {declared} bytes, but "
            f"{stored} are stored: save it again."
        )
    return _ArrayHeader(shape, dtype)


# Images, converted once into the cache.


@dataclass(frozen=True, eq=False)
class _Images:
    """All images of a file as they are shown, memory-mapped, in file order.

    `key` names what is made of them in the cache, `digests` are those of the item ids.
    """

    images: NDArray[np.uint8]
    digests: NDArray[np.uint8]
    window: Window | None
    key: str


def _cached_images(
    member: _Member,
    key: str,
    cache: Arrays,
    window: Window | None,
    progress: Progress | None,
) -> _Images:
    with member.open() as stream:
        header = _read_header(stream, member, MAX_ARRAY_BYTES)
    shape = _image_shape(header, member)
    if header.dtype in (np.uint8, np.bool_):
        window = None
    elif window is None:
        window = _window(member, progress)
    seen = ""
    if window is not None:
        seen = "-" + hashlib.blake2b(repr(window).encode(), digest_size=8).hexdigest()
    cached = cache.load(f"{key}{seen}.images", np.uint8, checked=False)
    if cached is not None and cached.shape == shape:
        digests = item_ids.read_digests(cache, key, shape[0])
        if digests is not None:
            return _Images(cached, digests, window, key + seen)
    hashed: list[NDArray[np.uint8]] = []

    def converted() -> Iterator[NDArray[np.uint8]]:
        hashed.clear()
        with member.open() as stream:
            _read_header(stream, member, MAX_ARRAY_BYTES)
            done = 0
            for values in _chunks(stream, header):
                hashed.append(item_ids.digests(values))
                if window is not None:
                    pixels = window.apply(values)
                else:
                    pixels = values * np.uint8(255) if values.dtype == bool else values
                yield pixels.reshape(-1, *shape[1:])
                done += len(pixels)
                if progress is not None:
                    progress("reading images", done, shape[0])

    images = cache.save(f"{key}{seen}.images", shape, converted, np.uint8)
    digests = item_ids.write_digests(cache, key, np.concatenate(hashed))
    return _Images(images, digests, window, key + seen)


def _stored(path: Path, place: int) -> NDArray[Any]:
    """Return the values of one image as they are stored; a compressed file is read up to there."""
    name = inert(path.name)
    with _reporting(name), path.open("rb") as file:
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(file) as archive:
                return _stored_in(_member(archive, "images", name), place)
        return _stored_in(_Member(name, path.stat().st_size, lambda: path.open("rb")), place)


def _stored_in(member: _Member, place: int) -> NDArray[Any]:
    with member.open() as stream:
        header = _read_header(stream, member, MAX_ARRAY_BYTES)
        one = math.prod(header.shape[1:]) * header.dtype.itemsize
        if place >= header.shape[0]:
            raise SourceError(f"{member.name} has fewer images than before: open it again.")
        stream.seek(place * one, os.SEEK_CUR)
        data = stream.read(one)
        if len(data) < one:
            raise EOFError(f"it ends at image {place} of {header.shape[0]}")
    return np.frombuffer(data, dtype=header.dtype).reshape(header.shape[1:])


def _window(member: _Member, progress: Progress | None) -> Window:
    """Choose the window by a sample of the images."""
    sketches: list[NDArray[np.float64]] = []
    with member.open() as stream:
        header = _read_header(stream, member, MAX_ARRAY_BYTES)
        rows = sampled(header.shape[0])
        done = 0
        for values in _chunks(stream, header):
            inside = rows[(rows >= done) & (rows < done + len(values))] - done
            sketches += [sketch(values[row]) for row in inside]
            done += len(values)
            if progress is not None:
                progress("choosing the window", done, header.shape[0])
    return window_of(sketches)


def _image_shape(header: _ArrayHeader, member: _Member) -> tuple[int, ...]:
    """Check shape and dtype; return the shape, without the axis of a single channel."""
    shape = header.shape
    if header.dtype.kind not in "buif":
        raise SourceError(
            f"{member.name} has values of type {header.dtype}, but numbers are expected: save "
            "images as unsigned bytes."
        )
    if len(shape) == 4 and shape[3] == 1:
        shape = shape[:3]
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] != 3):
        raise SourceError(
            f"{member.name} has shape {header.shape}, but (n, H, W), (n, H, W, 1) or "
            "(n, H, W, 3) is expected: reshape it."
        )
    if not shape[0]:
        raise SourceError(
            f"{member.name} has no images (its shape is {header.shape}): save at least one."
        )
    if not all(1 <= side <= _MAX_SIDE for side in shape[1:3]):
        raise SourceError(
            f"{member.name} has images of {shape[1]}x{shape[2]} pixels, but 1 to {_MAX_SIDE} a "
            "side are expected: save smaller images."
        )
    return shape


def _chunks(stream: IO[bytes], header: _ArrayHeader) -> Iterator[NDArray[Any]]:
    """Read an array in pieces of whole images."""
    one = math.prod(header.shape[1:]) * header.dtype.itemsize
    step = max(1, _CHUNK_BYTES // one)
    for start in range(0, header.shape[0], step):
        count = min(step, header.shape[0] - start)
        data = stream.read(count * one)
        if len(data) < count * one:
            raise EOFError(f"it ends at image {start + len(data) // one} of {header.shape[0]}")
        yield np.frombuffer(data, dtype=header.dtype).reshape(count, *header.shape[1:])


# Labels and the hold-out.


def _read_labels(member: _Member, images: int) -> NDArray[Any]:
    with member.open() as stream:
        header = _read_header(stream, member, MAX_LABEL_BYTES)
        if header.dtype.kind not in "buiUS":
            raise SourceError(
                f"{member.name} has values of type {header.dtype}, but integers or strings are "
                "expected: save one class for each image."
            )
        if header.shape != (images,):
            raise SourceError(
                f"{member.name} has shape {header.shape}, but there are {images} images: save one "
                "class for each image."
            )
        data = stream.read()
    if len(data) != images * header.dtype.itemsize:
        raise EOFError(f"{member.name} ends after {len(data)} bytes")
    if header.dtype.kind == "U":
        largest = int(np.frombuffer(data, dtype=f"{header.dtype.byteorder}u4").max())
        if largest > sys.maxunicode:
            raise SourceError(
                f"{member.name} has strings that are not text (a character with number {largest}):"
                " save it again."
            )
    return np.frombuffer(data, dtype=header.dtype)


def _classes_of(labels: NDArray[Any]) -> tuple[list[str], NDArray[np.int16]]:
    """Return the classes in natural order, and the class index of each label."""
    values, inverse = np.unique(labels, return_inverse=True)
    if len(values) > MAX_CLASSES:
        raise SourceError(
            f"The labels have {len(values)} different values, but at most {MAX_CLASSES} classes "
            "are supported: save fewer classes."
        )
    if labels.dtype.kind == "U":
        names = [str(value) for value in values]
    elif labels.dtype.kind == "S":
        names = [bytes(value).decode("utf-8", "replace") for value in values]
    else:
        names = [str(int(value)) for value in values]
    order = list(range(len(names)))
    if labels.dtype.kind in "US":
        order.sort(key=lambda index: (natural_key(names[index]), names[index]))
    position = np.empty(len(order), dtype=np.int16)
    position[order] = np.arange(len(order), dtype=np.int16)
    return [names[index] for index in order], position[inverse]


@dataclass(frozen=True, eq=False)
class _Arranged:
    """Images as models see them, first the pool, then the hold-out; `rows` are rows in the file."""

    images: NDArray[np.uint8]
    rows: NDArray[np.intp]
    pool_size: int


def _arrange(
    images: NDArray[np.uint8],
    held_out: NDArray[np.bool_],
    cache: Arrays,
    key: str,
    progress: Progress | None,
) -> _Arranged:
    rows = np.concatenate([np.flatnonzero(~held_out), np.flatnonzero(held_out)])
    pool_size = len(rows) - int(held_out.sum())
    exact = max(images.shape[1:3]) <= MAX_EXACT_SIDE
    if exact and not held_out.any():
        return _Arranged(images, rows, pool_size)
    size = images.shape[1:3] if exact else (MODEL_SIDE, MODEL_SIDE)
    shape = (len(rows), *size, *images.shape[3:])
    name = f"{key}.{'split' if held_out.any() else 'whole'}"

    def arranged() -> Iterator[NDArray[np.uint8]]:
        for done, row in enumerate(rows, start=1):
            pixels = images[row]
            yield pixels if exact else letterbox(thumbnail(pixels))
            if progress is not None and (not done % 256 or done == len(rows)):
                progress("reducing images", done, len(rows))

    found = cache.load(name, np.uint8, checked=False)
    if found is None or found.shape != shape:
        found = cache.save(name, shape, arranged, np.uint8)
    return _Arranged(found, rows, pool_size)


def held_out_rows(digests: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Choose the hold-out: whole groups of equal images, at least one group and never all."""
    first = item_ids.first_occurrence(digests)
    order = item_ids.content_order(digests)
    unique = order[first[order] == order]
    count = min(max(1, round(HOLDOUT_SHARE * len(unique))), len(unique) - 1)
    chosen = np.zeros(len(digests), dtype=bool)
    chosen[unique[len(unique) - count :]] = True
    return chosen[first]
