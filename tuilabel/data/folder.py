"""The folder source: every image in a folder and its subfolders, reduced once into the cache."""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import item_ids
from tuilabel.data.dataset import (
    ArrayDataset,
    checked_count,
    duplicates_notice,
    refuse_test,
    resolve_classes,
)
from tuilabel.data.images import (
    MAX_EXACT_SIDE,
    MODEL_SIDE,
    ReducedImage,
    UnreadableImageError,
    read_image_file,
    reduce_image_file,
    thumbnail,
)
from tuilabel.data.leased_block import LeasedBlock
from tuilabel.data.natural_order import natural_key
from tuilabel.data.thumbnail_cache import Failure, FileKey, Record, ThumbnailCache
from tuilabel.errors import SourceError
from tuilabel.progress import Progress
from tuilabel.text import counted, inert, shown_path

_POOL_VERSION = b"2"
_THREADS = 4
# Decoding that is lost at most when the process is killed.
_FLUSH_BYTES = 16 * 2**20
_FLUSH_SECONDS = 5.0
_NAMED_FILES = 3


def open_folder(
    root: Path,
    *,
    cache_dir: Path,
    classes: Sequence[str] | None = None,
    pool: int | None = None,
    test: int | None = None,
    progress: Progress | None = None,
) -> ArrayDataset:
    """Open every image in a folder and its subfolders, in natural order of their paths.

    Hidden files and folders are ignored, and links to folders are not followed. Files that are
    not images, cut short, damaged or larger than 100 megapixels are skipped and counted in the
    notices. An item id is the hash of the file's bytes; equal files are one item with several
    references. If all images have one shape of at most 64 pixels a
    side, models see them as they are, else fitted into 32x32. They see grey if all are grey.

    A reference is the path relative to the folder, with ``/``. Bytes of a name that are not valid
    text become lone surrogates, as `os.fsdecode` makes them: `os.fsencode` returns the name of
    the file, and `inert` a name that is safe to show.

    Parameters
    ----------
    root : Path
        An absolute path.
    cache_dir : Path
        Thumbnails are kept in its ``folders``, so that the next opening reads only files that
        have changed. An interrupted opening keeps the images it has read.
    classes : sequence of str
        Class names; a folder has none of its own.
    pool : int, optional
        Number of images to take from the start; no more are read.
    test : int, optional
        Must be None: a folder has no hold-out.
    progress : Progress, optional
        Called after every file read.

    Raises
    ------
    SourceError
        If the folder is missing, cannot be read or has no images; if classes are missing or the
        cache cannot be written.
    UsageError
        If `pool` is out of range or `test` is set.
    """
    refuse_test(test, str(root))
    files, skipped = scan(root)
    if not files:
        raise _no_image(root, skipped)
    class_names = resolve_classes(str(root), own=None, given=classes)
    # A pool larger than the number of files is out of range before any file is read.
    checked_count("--pool", pool, len(files), shown_path(root))
    cache = cache_of(root, cache_dir)
    while True:
        readable = _read(root, files, cache, pool, progress)
        failures = [
            (key.path, entry.reason)
            for key in files
            if isinstance(entry := cache.get(key), Failure)
        ]
        if not readable:
            raise _no_image(root, skipped + failures)
        available = checked_count("--pool", pool, len(readable), shown_path(root))
        readable = readable[:available]
        items = _merge(root, readable)
        try:
            block = LeasedBlock(cache.directory / f"{items.key}.pool", items.pool_rows)
        except _DamagedError as damaged:
            cache.forget([damaged.path])
            continue
        break
    cache.compact(frozenset(files))
    items.lease = block
    return ArrayDataset(
        source=str(root),
        class_names=class_names,
        ids=item_ids.ItemIds("f1", items.digests),
        pool=block.payload.reshape(items.pool_shape),
        locate=items.locate,
        notices=tuple(_notices(skipped + failures, len(readable) - len(items.records))),
        screen=items.screen,
        full=items.full,
    )


def cache_of(root: Path, cache_dir: Path) -> ThumbnailCache:
    """Return the cache of a folder."""
    digest = hashlib.blake2b(os.fsencode(root), digest_size=16).hexdigest()
    return ThumbnailCache(cache_dir / "folders" / digest, _decoder_version())


def _decoder_version() -> str:
    import PIL

    return f"Pillow {PIL.__version__}"


# Files of the folder.


def scan(root: Path) -> tuple[list[FileKey], list[tuple[str, str]]]:
    """Return the files in natural order, and each unreadable entry with the reason."""
    files: list[FileKey] = []
    skipped: list[tuple[str, str]] = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as entries:
                shown = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            reason = error.strerror or str(error)
            if not folder:
                raise SourceError(
                    f"The folder {shown_path(root)} cannot be read ({reason}): "
                    "choose a folder of images."
                ) from error
            skipped.append((folder, reason))
            continue
        for entry in shown:
            name = f"{folder}{entry.name}"
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{name}/")
                elif entry.is_file():
                    stat = entry.stat()
                    files.append(FileKey(name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
                elif not entry.is_dir():
                    skipped.append((name, "a broken link or not a regular file"))
            except OSError as error:
                skipped.append((name, error.strerror or str(error)))
    files.sort(key=lambda key: (*map(natural_key, key.path.split("/")), key.path))
    return files, skipped


def _no_image(root: Path, failures: Sequence[tuple[str, str]]) -> SourceError:
    shown = shown_path(root)
    if not failures:
        return SourceError(f"The folder {shown} is empty: choose a folder of images.")
    hint = "choose a folder of images."
    if any("-ubyte" in name for name, _ in failures):
        hint = f"if these are IDX files, open mnist:{shown}."
    return SourceError(f"The folder {shown} has no images: {_listed(failures)}; {hint}")


def _notices(failures: Sequence[tuple[str, str]], duplicates: int) -> Iterator[str]:
    if failures:
        yield f"{counted(len(failures), 'file was', 'files were')} skipped: {_listed(failures)}."
    if duplicates:
        yield duplicates_notice(duplicates)


def _listed(failures: Sequence[tuple[str, str]]) -> str:
    named = [f"{inert(name)} ({inert(reason)})" for name, reason in failures[:_NAMED_FILES]]
    if len(failures) > _NAMED_FILES:
        named.append(f"and {len(failures) - _NAMED_FILES} more")
    return ", ".join(named)


# Reading the files that are not in the cache.


def _read(
    root: Path,
    files: Sequence[FileKey],
    cache: ThumbnailCache,
    limit: int | None,
    progress: Progress | None,
) -> list[tuple[str, Record]]:
    """Return up to `limit` images in order, and read no more files than necessary."""
    while True:
        readable: list[tuple[str, Record]] = []
        unread: list[FileKey] = []
        for key in files:
            if limit is not None and len(readable) + len(unread) >= limit:
                break
            entry = cache.get(key)
            if entry is None:
                unread.append(key)
            elif isinstance(entry, Record):
                readable.append((key.path, entry))
        if not unread:
            return readable
        _decode(root, unread, cache, progress)


def _decode(
    root: Path, unread: Sequence[FileKey], cache: ThumbnailCache, progress: Progress | None
) -> None:
    results: list[tuple[FileKey, ReducedImage | Failure]] = []
    waiting_bytes = 0
    flushed = time.monotonic()
    executor = ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1), "decode")
    try:
        for done, (key, result) in enumerate(_decoded(executor, root, unread), start=1):
            if isinstance(result, UnreadableImageError):
                failure = Failure(str(result))
                if result.lasting:
                    results.append((key, failure))
                else:
                    cache.remember(key, failure)
            else:
                results.append((key, result))
                waiting_bytes += result.thumbnail.nbytes + result.letterbox.nbytes
            if progress is not None:
                progress("reading images", done, len(unread))
            if waiting_bytes > _FLUSH_BYTES or time.monotonic() - flushed > _FLUSH_SECONDS:
                written, results = results, []
                cache.add(written)
                waiting_bytes, flushed = 0, time.monotonic()
    finally:
        # Also after Ctrl-C, so that no file is decoded twice.
        executor.shutdown(cancel_futures=True)
        cache.add(results)


def _decoded(
    executor: ThreadPoolExecutor, root: Path, unread: Sequence[FileKey]
) -> Iterator[tuple[FileKey, ReducedImage | UnreadableImageError]]:
    """Decode in threads and yield in order; only a few images are in memory at a time."""
    running: deque[tuple[FileKey, Future[ReducedImage | UnreadableImageError]]] = deque()
    for key in unread:
        running.append((key, executor.submit(_try_reduce, root / key.path)))
        if len(running) > 2 * _THREADS:
            key, future = running.popleft()
            yield key, future.result()
    for key, future in running:
        yield key, future.result()


def _try_reduce(path: Path) -> ReducedImage | UnreadableImageError:
    try:
        return reduce_image_file(path)
    except UnreadableImageError as error:
        return error


# The items.


class _DamagedError(Exception):
    """A block of the cache with a damaged payload."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


@dataclass(eq=False)
class _Items:
    """The items of a folder: for each, one record and the paths of all its files."""

    root: Path
    records: list[Record]
    paths: list[list[str]]
    digests: NDArray[np.uint8]
    lease: LeasedBlock | None = None

    @property
    def exact(self) -> bool:
        """Whether models see the thumbnails as they are."""
        sizes = {record.shape[:2] for record in self.records}
        return len(sizes) == 1 and max(*sizes.pop()) <= MAX_EXACT_SIDE

    @property
    def colour(self) -> bool:
        """Whether any image has colour."""
        return any(len(record.shape) == 3 for record in self.records)

    @property
    def pool_shape(self) -> tuple[int, ...]:
        """Shape of the array that models see."""
        size = self.records[0].shape[:2] if self.exact else (MODEL_SIDE, MODEL_SIDE)
        return (len(self.records), *size, *((3,) if self.colour else ()))

    @property
    def key(self) -> str:
        """A name for the pool that differs for any other content."""
        state = hashlib.blake2b(_POOL_VERSION + repr(self.pool_shape).encode(), digest_size=16)
        state.update(self.digests.tobytes())
        # Two decoders may read other pixels from one file.
        state.update(np.array([record.checksums for record in self.records]).tobytes())
        return state.hexdigest()

    def pool_rows(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the rows of the pool."""
        exact, shape = self.exact, self.pool_shape[1:]
        for record in self.records:
            row = record.thumbnail() if exact else record.letterbox()
            if row is None:
                raise _DamagedError(record.block_path)
            yield row if row.ndim == len(shape) else np.broadcast_to(row[..., None], shape)

    def locate(self, i: int) -> tuple[str, ...]:
        """Return the paths of item `i`."""
        return tuple(self.paths[i])

    def screen(self, i: int) -> NDArray[np.uint8]:
        """Return the thumbnail of item `i`, read from its file if the cache is damaged."""
        cached = self.records[i].thumbnail()
        if cached is not None:
            return cached
        return thumbnail(self.full(i))

    def full(self, i: int) -> NDArray[np.uint8]:
        """Return item `i` at full size, from its file."""
        name = self.paths[i][0]
        try:
            return read_image_file(self.root / name, self.digests[i].tobytes())
        except UnreadableImageError as error:
            raise SourceError(
                f"{inert(name)} can no longer be read ({error}): open the folder again."
            ) from error


def _merge(root: Path, readable: Sequence[tuple[str, Record]]) -> _Items:
    joined = b"".join(record.digest for _, record in readable)
    digests = np.frombuffer(joined, dtype=np.uint8).reshape(-1, item_ids.DIGEST_SIZE)
    first = item_ids.first_occurrence(digests)
    rows = np.flatnonzero(first == np.arange(len(first)))
    item_of = {int(row): item for item, row in enumerate(rows)}
    paths: list[list[str]] = [[] for _ in rows]
    for row, (path, _) in zip(first.tolist(), readable, strict=True):
        paths[item_of[row]].append(path)
    return _Items(root, [readable[int(row)][1] for row in rows], paths, digests[rows])
