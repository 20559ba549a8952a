"""The folder source: every image in a folder and its subfolders, reduced once into the cache."""

from __future__ import annotations

import hashlib
import heapq
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import item_ids
from tuilabel.data.dataset import (
    ArrayDataset,
    SkippedFile,
    checked_count,
    duplicates_notice,
    refuse_test,
    resolve_classes,
)
from tuilabel.data.decoding import DecodeService, Refused
from tuilabel.data.decoding.decoder import decoder_version
from tuilabel.data.images import (
    MAX_EXACT_SIDE,
    MODEL_SIDE,
    Reduced,
    ReducedImage,
    read_image_file,
    read_picture,
    reduce_image_files,
    thumbnail,
)
from tuilabel.data.leased_block import LeasedBlock
from tuilabel.data.natural_order import natural_key
from tuilabel.data.picture import Picture
from tuilabel.data.region import Region
from tuilabel.data.thumbnail_cache import Failure, FileKey, Record, ThumbnailCache
from tuilabel.data.window import Window, sampled, window_of
from tuilabel.errors import SourceError
from tuilabel.progress import Progress
from tuilabel.text import counted, inert, shown_path

_POOL_VERSION = b"2"
_THREADS = 4
# Files that are decoded with one message.
_BATCH = 32
_BATCH_BYTES = 2**17
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
    window: Window | None = None,
    progress: Progress | None = None,
) -> ArrayDataset:
    """Open every image in a folder and its subfolders, in natural order of their paths.

    Hidden files and folders are ignored; links are followed. Sessions, and files that
    are not images, cut short, damaged or larger than 100 megapixels are left out and counted in the
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
    window : Window, optional
        For images of more than 8 bits; by default it is chosen by a sample of them.
    progress : Progress, optional
        Called after every file read.

    Raises
    ------
    SourceError
        If the folder is missing, cannot be read or has no images; if classes are missing.
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
    decoding = DecodeService()
    while True:
        readable, window = _read(root, files, cache, decoding, pool, window, progress)
        failures = [
            SkippedFile(key.path, entry.reason)
            for key in files
            if isinstance(entry := cache.get(key), Failure)
        ]
        failures = sorted(skipped + failures, key=lambda file: _order(file.path))
        if not readable:
            raise _no_image(root, failures)
        available = checked_count("--pool", pool, len(readable), shown_path(root))
        readable = readable[:available]
        items = _merge(root, readable, decoding, window)
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
        notices=tuple(_notices(failures, readable, len(items.records), block.problem)),
        skipped=tuple(failures),
        screen=items.screen,
        full=items.full,
        draw=None if items.exact else items.picture,
        locate_file=items.file,
        window=window,
    )


def cache_of(root: Path, cache_dir: Path) -> ThumbnailCache:
    """Return the cache of a folder."""
    digest = hashlib.blake2b(os.fsencode(root), digest_size=16).hexdigest()
    return ThumbnailCache(cache_dir / "folders" / digest, decoder_version())


# Files of the folder.


def scan(root: Path) -> tuple[list[FileKey], list[SkippedFile]]:
    """Return the files in natural order, and each unreadable entry with the reason.

    Links to folders are followed once all other folders are read. No folder is read twice, so
    that links in a circle end.
    """
    files: list[FileKey] = []
    skipped: list[SkippedFile] = []
    waiting, linked = [""], list[str]()
    read = set[tuple[int, int]]()
    while waiting or linked:
        folder = waiting.pop() if waiting else heapq.heappop(linked)
        try:
            identity = (root / folder).stat()
            if (identity.st_dev, identity.st_ino) in read:
                continue
            read.add((identity.st_dev, identity.st_ino))
            with os.scandir(root / folder) as entries:
                shown = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            reason = error.strerror or str(error)
            if not folder:
                raise SourceError(
                    f"The folder {shown_path(root)} cannot be read ({reason}): "
                    "choose a folder of images."
                ) from error
            skipped.append(SkippedFile(folder, reason))
            continue
        if folder and _is_session(folder, {entry.name for entry in shown}):
            skipped.append(SkippedFile(folder, "a session, not images"))
            continue
        for entry in shown:
            name = f"{folder}{entry.name}"
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{name}/")
                elif entry.is_dir():
                    heapq.heappush(linked, f"{name}/")
                elif entry.is_file():
                    stat = entry.stat()
                    files.append(FileKey(name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
                else:
                    is_link = entry.is_symlink() and not (root / name).exists()
                    reason = "broken link" if is_link else "not an ordinary file"
                    skipped.append(SkippedFile(name, reason))
            except OSError as error:
                skipped.append(SkippedFile(name, error.strerror or str(error)))
    files.sort(key=lambda key: _order(key.path))
    return files, skipped


def _is_session(folder: str, names: set[str]) -> bool:
    return "log" in names and ("session.json" in names or folder.endswith(".tuilabel/"))


def _order(path: str) -> tuple[object, ...]:
    return (*map(natural_key, path.split("/")), path)


def _no_image(root: Path, failures: Sequence[SkippedFile]) -> SourceError:
    shown = shown_path(root)
    if not failures:
        return SourceError(f"The folder {shown} is empty: choose a folder of images.")
    hint = "choose a folder of images."
    if any("-ubyte" in name for name, _ in failures):
        hint = f"if these are IDX files, open mnist:{shown}."
    return SourceError(f"The folder {shown} has no images: {_listed(failures)}; {hint}")


def _notices(
    failures: Sequence[SkippedFile],
    readable: Sequence[tuple[str, Record]],
    items: int,
    problem: str | None,
) -> Iterator[str]:
    if failures:
        yield f"{counted(len(failures), 'file')} cannot be read: {_listed(failures)}."
    pages = [(name, f"{record.frames}") for name, record in readable if record.frames > 1]
    if pages:
        files = counted(len(pages), "file has", "files have")
        yield f"{files} several pages or frames, of which the first is shown: {_listed(pages)}."
    if len(readable) > items:
        yield duplicates_notice(len(readable) - items)
    if problem is not None:
        yield problem


def _listed(failures: Sequence[tuple[str, str]]) -> str:
    named = [f"{inert(name)} ({inert(reason, 120)})" for name, reason in failures[:_NAMED_FILES]]
    if len(failures) > _NAMED_FILES:
        named.append(f"and {len(failures) - _NAMED_FILES} more")
    return ", ".join(named)


# Reading the files that are not in the cache.


def _read(
    root: Path,
    files: Sequence[FileKey],
    cache: ThumbnailCache,
    decoding: DecodeService,
    limit: int | None,
    window: Window | None,
    progress: Progress | None,
) -> tuple[list[tuple[str, Record]], Window | None]:
    """Return up to `limit` images in order, and the window if one was given or is needed.

    No more files are read than necessary. Where no window is given, a sample of the files is read
    first, to choose it before the others are decoded.
    """
    first = files[:limit]
    sample = {first[place] for place in sampled(len(first)).tolist()} if window is None else set()
    before = 0
    while True:
        readable: list[tuple[str, Record]] = []
        unread: list[FileKey] = []
        for key in files:
            if limit is not None and len(readable) + len(unread) >= limit:
                break
            entry = cache.get(key, window)
            if entry is None:
                unread.append(key)
            elif isinstance(entry, Record):
                readable.append((key.path, entry))
        if not unread:
            return readable, window
        now = [key for key in unread if key in sample] or unread
        sample = set()
        counted_on = _counted(progress, before, before + len(unread))
        sketches = _decode(root, now, cache, decoding, window, counted_on)
        before += len(now)
        if sketches:
            window = window_of(sketches)


def _counted(progress: Progress | None, before: int, total: int) -> Callable[[int], None]:
    def tell(done: int) -> None:
        if progress is not None:
            progress("reading images", before + done, total)

    return tell


def _decode(
    root: Path,
    unread: Sequence[FileKey],
    cache: ThumbnailCache,
    decoding: DecodeService,
    window: Window | None,
    progress: Callable[[int], None],
) -> list[NDArray[np.float64]]:
    """Decode files into the cache; return the sketches of images that need a window first."""
    results: list[tuple[FileKey, ReducedImage | Failure]] = []
    sketches: list[NDArray[np.float64]] = []
    waiting_bytes = 0
    flushed = time.monotonic()
    executor = ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1), "decode")
    try:
        decoded = _decoded(executor, root, unread, decoding, window)
        for done, (key, result) in enumerate(decoded, start=1):
            if isinstance(result, Refused):
                failure = Failure(result.reason)
                if result.lasting:
                    results.append((key, failure))
                else:
                    cache.remember(key, failure)
            elif isinstance(result, ReducedImage):
                results.append((key, result))
                waiting_bytes += result.thumbnail.nbytes + result.letterbox.nbytes
            else:
                sketches.append(result)
            progress(done)
            if waiting_bytes > _FLUSH_BYTES or time.monotonic() - flushed > _FLUSH_SECONDS:
                written, results = results, []
                cache.add(written)
                waiting_bytes, flushed = 0, time.monotonic()
    finally:
        # Also after Ctrl-C, so that no file is decoded twice.
        executor.shutdown(cancel_futures=True)
        decoding.close()
        cache.add(results)
    return sketches


def _decoded(
    executor: ThreadPoolExecutor,
    root: Path,
    unread: Sequence[FileKey],
    decoding: DecodeService,
    window: Window | None,
) -> Iterator[tuple[FileKey, Reduced]]:
    """Decode several files at once and yield in order; only a few images are in memory."""
    running: deque[tuple[list[FileKey], Future[list[Reduced]]]] = deque()
    for batch in _batches(unread):
        paths = [root / key.path for key in batch]
        running.append((batch, executor.submit(reduce_image_files, paths, decoding, window)))
        if len(running) > 2 * _THREADS:
            keys, future = running.popleft()
            yield from zip(keys, future.result(), strict=True)
    for keys, future in running:
        yield from zip(keys, future.result(), strict=True)


def _batches(unread: Sequence[FileKey]) -> Iterator[list[FileKey]]:
    """Yield the files in order: large ones alone, because they cost more than a message."""
    batch: list[FileKey] = []
    for key in unread:
        batch.append(key)
        if len(batch) >= _BATCH or sum(key.size for key in batch) >= _BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


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
    decoding: DecodeService
    window: Window | None
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

    def file(self, i: int) -> Path:
        """Return the path of the first file of item `i`."""
        return self.root / self.paths[i][0]

    def picture(self, i: int, box: tuple[int, int], region: Region) -> Picture:
        """Return a part of item `i`, reduced to a box, from its file."""
        return read_picture(
            self.file(i), self.decoding, self.digests[i].tobytes(), self.window, box, region
        )

    def full(self, i: int) -> NDArray[np.uint8]:
        """Return item `i` at full size, from its file."""
        name, digest = self.paths[i][0], self.digests[i].tobytes()
        found = read_image_file(self.root / name, self.decoding, digest, self.window)
        if isinstance(found, Refused):
            raise SourceError(
                f"{inert(name)} can no longer be read ({found.reason}): open the folder again."
            )
        return found


def _merge(
    root: Path,
    readable: Sequence[tuple[str, Record]],
    decoding: DecodeService,
    window: Window | None,
) -> _Items:
    joined = b"".join(record.digest for _, record in readable)
    digests = np.frombuffer(joined, dtype=np.uint8).reshape(-1, item_ids.DIGEST_SIZE)
    first = item_ids.first_occurrence(digests)
    rows = np.flatnonzero(first == np.arange(len(first)))
    item_of = {int(row): item for item, row in enumerate(rows)}
    paths: list[list[str]] = [[] for _ in rows]
    for row, (path, _) in zip(first.tolist(), readable, strict=True):
        paths[item_of[row]].append(path)
    records = [readable[int(row)][1] for row in rows]
    return _Items(root, records, paths, digests[rows], decoding, window)
