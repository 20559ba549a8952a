"""The files of a folder as items: their names are known at once, their contents as they are read.

A row is a file, or a part of one. Reading it shows which item it is, by the hash of its bytes. What
is read is kept in a cache, so that the next start knows it at once.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.array_file import ArrayFile
from tuilabel.data.cell import Cell, Cells
from tuilabel.data.dataset import SkippedFile
from tuilabel.data.decoding import DecodeService, Refused
from tuilabel.data.decoding.values import MOST_FRAMES
from tuilabel.data.file_cache import Failure, FileCache, FileKey, Pair
from tuilabel.data.file_cache import Known as FileFacts
from tuilabel.data.grouping import EXIF, Grouping
from tuilabel.data.groups import Groups, Known
from tuilabel.data.guesses import Guesses
from tuilabel.data.images import (
    MAX_EXACT_SIDE,
    MAX_THUMBNAIL_SIDE,
    MODEL_SIDE,
    ReducedImage,
    read_image_file,
    read_picture,
    reduce_image_files,
    thumbnail,
)
from tuilabel.data.item_ids import DIGEST_SIZE, ItemIds
from tuilabel.data.listing import cannot_be_read, listed, path_order
from tuilabel.data.picture import Picture
from tuilabel.data.region import WHOLE, Region
from tuilabel.data.window import Window, window_of
from tuilabel.errors import SourceError, UsageError
from tuilabel.text import counted, inert

WINDOW_FILES = 64
"""Files of the order that the window of images of more than 8 bits is chosen by."""

_SHOWN_BYTES = 16 * 2**20
_CHUNK = 256

Found = ReducedImage | Failure
"""What was read of a file."""


class FolderItems:
    """The items of a folder, as a `Dataset` whose `reading` goes on.

    `read` may be called from any thread, `learn` from the one that owns the items; nothing is known
    of a row before `learn`.

    Parameters
    ----------
    root : Path
    keys : sequence of FileKey
        The files, in the order of the rows.
    skipped : sequence of SkippedFile
        Entries of the folder that are no files.
    class_names : tuple of str
    cache : FileCache
    decoding : DecodeService
    window : Window or None
        The window that the session has.
    is_part : bool
        Whether the folder has more files than these.
    source : str
        As in `Dataset`; by default the folder.
    guesses : Guesses or None
        As in `Dataset`.
    remarks : sequence of str
        Sentences about the source, for `notices`.
    cells : Cells, optional
        Where the items are, if they are no files of their own but cells of table files.
    grouping : Grouping, optional
        How files are put into groups.
    buckets : sequence, optional
        What `grouping` returns for the paths of the files.
    moved : dict of str to str, optional
        The item ids that files outside of the folder have to have, by their absolute paths.

    Attributes
    ----------
    groups : Groups or None
    """

    holdout = truth = None

    def __init__(
        self,
        root: Path,
        keys: Sequence[FileKey],
        skipped: Sequence[SkippedFile],
        class_names: tuple[str, ...],
        cache: FileCache,
        decoding: DecodeService,
        window: Window | None,
        *,
        is_part: bool = False,
        source: str = "",
        guesses: Guesses | None = None,
        remarks: Sequence[str] = (),
        cells: Cells | None = None,
        grouping: Grouping | None = None,
        buckets: Sequence[Hashable] = (),
        moved: Mapping[str, str] | None = None,
    ) -> None:
        self.guesses, self.remarks, self.cells = guesses, remarks, cells
        self.is_part, self.source = is_part, source or str(root)
        self.root, self.keys, self.class_names = root, list(keys), class_names
        self._cache, self._decoding, self._entries = cache, decoding, list(skipped)
        self._window, self._is_deep = window, False
        count = len(self.keys)
        self.unread, self.refused = np.ones(count, dtype=bool), np.zeros(count, dtype=bool)
        self.first = np.arange(count)
        self.digests = np.zeros((count, DIGEST_SIZE), dtype=np.uint8)
        # Of the stored pixels; zeros where it is not known.
        self._pixel_hashes = np.zeros((count, DIGEST_SIZE), dtype=np.uint8)
        # Height, width, channels and frames.
        self.shapes = np.zeros((count, 4), dtype=np.int32)
        self.parts = np.fromiter((bool(key.part) for key in self.keys), bool, count)
        self._rows: dict[bytes, int] = {}
        self._equal: dict[int, list[int]] = {}
        self._reasons: dict[int, str] = {}
        self._thumbnails: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._bytes = 0
        self._choosing = threading.Lock()
        self._row_of_path: dict[str, int] = {}
        # When each file was taken by its metadata, where that was read, or else changed.
        self._times, self._clocks = _changed(self.keys), np.zeros(count, dtype=bool)
        self._grouping, self.groups = grouping, None
        if grouping is not None:
            self.groups = self._grouped(grouping, buckets)
        self._moved = moved or {}
        self._moved_since: dict[str, Path] = {}
        self._take_known()

    def _take_known(self) -> None:
        known = self._cache.known()
        for row, key in enumerate(self.keys):
            found = known.get(key)
            if found is None:
                continue
            if found.reason is not None:
                self._refuse(row, found.reason)
            elif not found.is_deep or self._window is not None:
                shape = (found.height, found.width, found.channels, found.frames)
                self._accept(row, found, shape, found.is_deep)
        if self.groups is not None:
            self.groups.changed()

    def _grouped(self, grouping: Grouping, buckets: Sequence[Hashable]) -> Groups:
        found: dict[Hashable, list[int]] = {}
        for row, bucket in enumerate(buckets):
            found.setdefault(bucket, []).append(row)
        for rows in found.values():
            rows.sort(key=self._by_name)
        seconds = grouping.seconds if grouping.kind == EXIF else None
        return Groups(found, lambda row: self.keys[row].name, self._known_now, seconds)

    def _by_name(self, row: int) -> tuple[object, ...]:
        return path_order(self.keys[row].name)

    def _known_now(self) -> Known:
        return Known(self.unread, self.refused, self._times, self._clocks)

    def buckets_of(self, keys: Sequence[FileKey]) -> Sequence[Hashable]:
        """Return what further files have in common with others; in any thread.

        One that a pattern fails on is a group of its own.
        """
        paths = [key.name for key in keys]
        if self._grouping is None:
            return ()
        try:
            return self._grouping.buckets(paths)
        except UsageError:
            return [(path,) for path in paths]

    # As a dataset.

    @property
    def reading(self) -> FolderItems:
        """The items themselves, which know what was read."""
        return self

    @property
    def ids(self) -> ItemIds:
        """The ids by row; that of a row that was not read, or cannot be, means nothing."""
        return ItemIds("f1", self.digests, self.parts)

    @property
    def window(self) -> Window | None:
        """The window through which images of more than 8 bits are seen; None without any."""
        return self._window if self._is_deep else None

    @property
    def pool(self) -> NDArray[np.uint8]:
        """Not there at once: see `pool_file`."""
        raise AssertionError("the images of a folder are read one after another")

    @property
    def skipped(self) -> list[SkippedFile]:
        """The files that cannot be read as images, as far as it is known."""
        refused = (SkippedFile(self.keys[row].name, why) for row, why in self._reasons.items())
        return sorted([*self._entries, *refused], key=lambda file: path_order(file.path))

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences about the source, what is unreadable, further frames, and the cache."""
        found = [cannot_be_read(self.skipped)] if self.skipped else []
        found += self.group_notices
        return (*self.remarks, *found, *filter(None, (self.further_frames, self.cache_problem)))

    @property
    def further_frames(self) -> str | None:
        """A sentence about pages and frames that are no items; None without any."""
        rows = np.flatnonzero((self.shapes[:, 3] > 1) & ~self.parts).tolist()
        if not rows or self.cells is not None:
            return None
        counts = self.shapes[rows, 3].tolist()
        more = "more than " if max(counts) > MOST_FRAMES else ""
        pages = [
            (self.keys[row].path, f"{count:,}") for row, count in zip(rows, counts, strict=True)
        ]
        files = counted(len(rows), "file has", "files have")
        return (
            f"{files} {more}{sum(counts) - len(rows):,} further pages or frames, which are not "
            f"shown: {listed(pages)}. With --frames each is an image."
        )

    @property
    def group_notices(self) -> list[str]:
        """Sentences about groups, once all files were read."""
        if self.groups is None or self.unread.any():
            return []
        problem = self.groups.problem
        found = [] if problem is None else [problem]
        if self._grouping is not None and self._grouping.kind == EXIF:
            without = int(np.count_nonzero(~self._clocks & ~self.refused))
            if without:
                files = counted(without, "file has", "files have")
                found.append(
                    f"{files} no EXIF time: there the time of the last change makes the groups, "
                    "which copying may have changed."
                )
        return found

    @property
    def cache_problem(self) -> str | None:
        """Why what is read is not kept, as a sentence."""
        return self._cache.problem

    def __len__(self) -> int:
        return len(self.keys)

    def row_of(self, item_id: str) -> int | None:
        """Find an item's first row by its id; None where it is unknown."""
        try:
            row = self._rows.get(bytes.fromhex(item_id.partition(":")[2]))
        except ValueError:
            return None
        if row is None or self._id(row) != item_id:
            return None
        return row

    def _id(self, row: int) -> str:
        return f"{'p1' if self.parts[row] else 'f1'}:{self.digests[row].tobytes().hex()}"

    def rows_of(self, item_ids: Sequence[str]) -> NDArray[np.intp]:
        """Find the first rows of items at once: shape (n,), -1 where they are unknown."""
        rows = map(self.row_of, item_ids)
        return np.array([-1 if row is None else row for row in rows], dtype=np.intp)

    def references(self, i: int) -> tuple[str, ...]:
        """Return the relative path of row `i`, and those of rows with the same content.

        The part of a file is behind its path, as in ``a.jpg#xywh=40,30,120,80``.
        """
        return tuple(self.keys[row].name for row in self._same(i))

    def pixel_hash(self, i: int) -> str:
        """Return the hash of the stored pixels of row `i`; empty where it is not known."""
        found = self._pixel_hashes[i]
        return f"x1:{found.tobytes().hex()}" if found.any() else ""

    def _same(self, i: int) -> list[int]:
        """Return row `i`, and those with the same content."""
        return [i, *(row for row in self._equal.get(int(self.first[i]), ()) if row != i)]

    def image(self, i: int) -> NDArray[np.uint8]:
        """Return row `i` for the screen: from memory, from the cache, or else from its file."""
        found = self._thumbnails.get(i)
        if found is None:
            pair = self._cache.pictures([self.keys[i]], self._window)[0]
            found = thumbnail(self.full_image(i)) if pair is None else pair[0]
            self._keep(i, found)
        return found

    @property
    def has_pictures(self) -> bool:
        """Whether `picture` can show more than `image` does; unknown before all was read."""
        return bool(self.unread.any() or self.shapes[:, :2].max() >= MAX_THUMBNAIL_SIDE)

    def picture(self, i: int, box: tuple[int, int], region: Region = WHOLE) -> Picture:
        """Return a part of row `i`, reduced to a box, from its file."""
        digest = None if self.unread[i] else self.digests[i].tobytes()
        place, part = self._place(i)
        return read_picture(place, self._decoding, digest, self._window, box, region, part)

    def file(self, i: int) -> Path | None:
        """Return the path of the file of row `i`; None if it is no file of its own."""
        place, _ = self._place(i)
        return place if isinstance(place, Path) else None

    def look_at(self, places: Mapping[str, str]) -> None:
        """Look for files that are gone in other places, see `Dataset`."""
        self._moved_since |= {item: Path(path) for path, item in places.items()}

    def _place(self, row: int) -> tuple[Path | Cell, str]:
        """Return the file of a row, and the part of it."""
        key = self.keys[row]
        if self.cells is not None:
            return self.cells.place(key.path), key.part
        place = self.root / key.path
        if self._moved_since and not self.unread[row] and not place.exists():
            place = self._moved_since.get(self._id(row), place)
        return place, key.part

    def full_image(self, i: int) -> NDArray[np.uint8]:
        """Return row `i` at full size, from its file."""
        digest = self.digests[i].tobytes()
        reason = ""
        for row in self._same(i):
            place, part = self._place(row)
            found = read_image_file(place, self._decoding, digest, self._window, part)
            if not isinstance(found, Refused):
                return found
            reason = reason or found.reason
        raise SourceError(
            f"{inert(self.keys[i].name)} can no longer be read ({reason}): open the folder again."
        )

    # Reading.

    @property
    def read_together(self) -> NDArray[np.intp] | None:
        """A number for each row, equal for those that are read at once; None where each is a file.

        It is computed at each use.
        """
        return None if self.cells is None else self.cells.groups(key.path for key in self.keys)

    def read(self, rows: Sequence[int]) -> list[tuple[int, Found]]:
        """Read the files of some rows, and keep what they are in the cache."""
        results = self._reduced(rows)
        deep = [result for result in results if isinstance(result, np.ndarray)]
        if deep:
            self._choose_window(deep)
            results = self._reduced(rows)
        found: list[tuple[int, Found]] = []
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, ReducedImage):
                found.append((row, result))
            elif isinstance(result, Refused):
                found.append((row, Failure(result.reason)))
        lasting = {row for row, one in zip(rows, results, strict=True) if _is_lasting(one)}
        self._cache.add((self.keys[row], one) for row, one in found if row in lasting)
        return found

    def _reduced(self, rows: Sequence[int]) -> list[ReducedImage | NDArray[np.float64] | Refused]:
        parts = [self._place(row) for row in rows]
        return reduce_image_files(parts, self._decoding, self._window)

    def _choose_window(self, deep: Sequence[NDArray[np.float64]]) -> None:
        """Choose the window of images of more than 8 bits, by the first files of the order.

        Where none of them has more, it is chosen by the sketches of the first that were found.
        """
        with self._choosing:
            if self._window is None:
                sample = self._reduced(range(min(WINDOW_FILES, len(self))))
                found = [one for one in sample if isinstance(one, np.ndarray)]
                self._window = window_of(found or deep)

    def learn(self, found: Sequence[tuple[int, Found]]) -> list[int]:
        """Take in what was read; return the rows that are known from now on."""
        new = [(row, result) for row, result in found if self.unread[row]]
        for row, result in new:
            if isinstance(result, Failure):
                self._refuse(row, result.reason)
            else:
                height, width, *channels = result.thumbnail.shape
                shape = (height, width, *(channels or [1]), result.frames)
                is_deep = result.window is not None
                self._accept(row, result, shape, is_deep)
                self._keep(row, result.thumbnail)
        if self.groups is not None and new:
            self.groups.changed()
        return [row for row, _ in new]

    def _accept(
        self, row: int, found: FileFacts | ReducedImage, shape: tuple[int, ...], is_deep: bool
    ) -> None:
        item, digest = self._moved.get(self.keys[row].path), found.digest
        if item is not None and item != f"f1:{digest.hex()}":
            self._refuse(row, "another file than the one that was moved there")
            return
        self.unread[row] = False
        if found.taken is not None:
            self._times[row], self._clocks[row] = found.taken, True
        self._is_deep |= is_deep
        self.digests[row] = np.frombuffer(digest, np.uint8)
        if found.pixel_hash:
            self._pixel_hashes[row] = np.frombuffer(found.pixel_hash, np.uint8)
        self.shapes[row] = shape
        first = self.first[row] = self._rows.setdefault(digest, row)
        if first != row:
            self._equal.setdefault(first, [first]).append(row)

    def _refuse(self, row: int, reason: str) -> None:
        self.unread[row], self.refused[row] = False, True
        self._reasons[row] = reason

    def _keep(self, row: int, pixels: NDArray[np.uint8]) -> None:
        self._bytes += pixels.nbytes
        self._thumbnails[row] = pixels
        while self._bytes > _SHOWN_BYTES and len(self._thumbnails) > 1:
            self._bytes -= self._thumbnails.popitem(last=False)[1].nbytes

    def grow(self, keys: Sequence[FileKey], buckets: Sequence[Hashable] = ()) -> int:
        """Add files as further rows at the end, to be read; return how many.

        With groups, there is a bucket for each, see `buckets_of`.

        A file that replaces one of the same path becomes a row of its own: the row of the other is
        closed, and its content stays an item. A file that is there already is left out.
        """
        if not self._row_of_path:
            self._row_of_path = {key.path: row for row, key in enumerate(self.keys)}
        new: list[FileKey] = []
        of_new: list[Hashable] = []
        for place, key in enumerate(keys):
            row = self._row_of_path.get(key.path)
            if row is not None:
                if key == self.keys[row] and not self.refused[row]:
                    continue
                self._reasons.pop(row, None)
                self.unread[row], self.refused[row] = False, True
            self._row_of_path[key.path] = len(self.keys) + len(new)
            new.append(key)
            of_new += buckets[place : place + 1]
        before, count = len(self.keys), len(new)
        self.keys = [*self.keys, *new]
        self.unread = np.concatenate([self.unread, np.ones(count, dtype=bool)])
        self.refused = np.concatenate([self.refused, np.zeros(count, dtype=bool)])
        self.first = np.concatenate([self.first, np.arange(before, before + count)])
        nothing = np.zeros((count, DIGEST_SIZE), np.uint8), np.zeros((count, 4), np.int32)
        self.digests = np.concatenate([self.digests, nothing[0]])
        self._pixel_hashes = np.concatenate([self._pixel_hashes, nothing[0]])
        self.shapes = np.concatenate([self.shapes, nothing[1]])
        self.parts = np.concatenate([self.parts, np.zeros(count, dtype=bool)])
        self._times = np.concatenate([self._times, _changed(new)])
        self._clocks = np.concatenate([self._clocks, np.zeros(count, dtype=bool)])
        if self.groups is not None:
            self.groups.grow(of_new, self._by_name)
        return count

    # As models see them.

    def seen_shape(self, rows: NDArray[np.intp]) -> tuple[int, ...]:
        """Return the shape in which models see the images of some rows, once these were read.

        If all have one shape of at most 64 pixels a side, models see them as they are, else fitted
        into 32x32. They see grey if all are grey.
        """
        shapes = self.shapes[rows[~self.refused[rows]]]
        sizes = np.unique(shapes[:, :2], axis=0)
        exact = len(sizes) == 1 and sizes.max() <= MAX_EXACT_SIDE
        size = tuple(sizes[0].tolist()) if exact else (MODEL_SIDE, MODEL_SIDE)
        return (*size, 3) if (shapes[:, 2] > 1).any() else size

    def seen(self, rows: NDArray[np.intp], shape: tuple[int, ...]) -> Iterator[NDArray[np.uint8]]:
        """Yield the images of some rows as models see them, in parts: (r, *shape).

        A file that cannot be read is black. It may be called from any thread, once the rows were
        read.
        """
        is_fitted = shape[:2] == (MODEL_SIDE, MODEL_SIDE)
        for start in range(0, len(rows), _CHUNK):
            some = rows[start : start + _CHUNK]
            part = np.zeros((len(some), *shape), dtype=np.uint8)
            for place, pair in enumerate(self._pairs(some)):
                image = None if pair is None else pair[is_fitted]
                if image is not None and image.shape[:2] == shape[:2]:
                    is_grey = image.ndim < part.ndim - 1
                    part[place] = image[..., None] if is_grey else image
            yield part

    def pool_file(self, rows: NDArray[np.intp], folder: Path, shape: tuple[int, ...]) -> ArrayFile:
        """Write the images of some rows, as `seen` yields them, into a new file.

        Raises
        ------
        OSError
        """
        path = folder / f"{uuid.uuid4().hex}.pool"
        with path.open("xb") as file:
            for part in self.seen(rows, shape):
                file.write(part.data)
        return ArrayFile(path, "|u1", (len(rows), *shape), 0)

    def _pairs(self, rows: NDArray[np.intp]) -> Iterator[Pair | None]:
        keys = [self.keys[row] for row in rows]
        kept = self._cache.pictures(keys, self._window)
        lacking = [int(row) for row, pair in zip(rows, kept, strict=True) if pair is None]
        again = [row for row in lacking if not self.refused[row]]
        read = dict(self.read(again)) if again else {}
        for row, pair in zip(rows, kept, strict=True):
            found = read.get(int(row))
            if isinstance(found, ReducedImage):
                pair = found.thumbnail, found.letterbox
            yield pair

    def rest(self) -> None:
        """End the processes that decode, and drop what the cache has of files that are gone.

        Processes are started again when they are needed.
        """
        self._decoding.close()
        if not (self.is_part or self.unread.any()):
            self._cache.forget(self.keys)


def _changed(keys: Sequence[FileKey]) -> NDArray[np.float64]:
    """Return when files were changed, in seconds."""
    return np.fromiter((key.mtime_ns / 1e9 for key in keys), np.float64, len(keys))


def _is_lasting(result: object) -> bool:
    return not isinstance(result, Refused) or result.lasting
