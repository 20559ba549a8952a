"""The folder source: every image in a folder and its subfolders."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.cell import Cells
from tuilabel.data.dataset import (
    ArrayDataset,
    Dataset,
    SkippedFile,
    checked_count,
    duplicates_notice,
    refuse_test,
    resolve_classes,
)
from tuilabel.data.decoding import DecodeService
from tuilabel.data.decoding.decoder import decoder_version
from tuilabel.data.file_cache import FileCache, FileKey
from tuilabel.data.file_reader import FileReader
from tuilabel.data.folder_items import FolderItems, Found
from tuilabel.data.grouping import EXIF, check_size, grouping_of
from tuilabel.data.groups import WholeGroups
from tuilabel.data.guesses import Guesses
from tuilabel.data.item_ids import ItemIds
from tuilabel.data.listing import (
    cannot_be_read,
    moved_files,
    natural,
    no_image,
    path_order,
    scan,
)
from tuilabel.data.order import name_keys, seeded_order
from tuilabel.data.window import Window
from tuilabel.errors import TuilabelError, UnnamedClassesError, UsageError
from tuilabel.plugins import source_options
from tuilabel.progress import Progress
from tuilabel.text import shown_path

if TYPE_CHECKING:
    from tuilabel.data.class_folders import Named


def list_folder(
    root: Path,
    *,
    cache_dir: Path,
    classes: Sequence[str] | None = None,
    pool: int | None = None,
    test: int | None = None,
    window: Window | None = None,
    seed: int | None = None,
) -> FolderItems:
    """Return the images of a folder and its subfolders, before they are read.

    Hidden files and folders are ignored, and sessions; links are followed. An item id is the hash
    of the file's bytes. A reference is the path relative to the folder, with ``/``. Bytes of a name
    that are not valid text become lone surrogates, as `os.fsdecode` makes them: `os.fsencode`
    returns the name of the file, and `inert` a name that is safe to show.

    Parameters
    ----------
    root : Path
        An absolute path.
    cache_dir : Path
        What is read is kept in its ``folders``.
    classes : sequence of str
        Class names; a folder has none of its own.
    pool : int, optional
        Number of files to take from the start.
    test : int, optional
        Must be None: a folder has no hold-out.
    window : Window, optional
        For images of more than 8 bits; by default it is chosen by a sample of them.
    seed : int, optional
        The rows are in the random order of this seed, so that those asked first are read first;
        without it in natural order of their paths.

    Raises
    ------
    SourceError
        The folder is missing, cannot be read or has no files; classes are missing.
    UsageError
        `pool` is out of range, or `test` is set.
    """
    return list_files(
        str(root),
        root,
        scan(root),
        cache_dir=cache_dir,
        classes=classes,
        pool=pool,
        test=test,
        window=window,
        seed=seed,
    )


def list_files(
    source: str,
    root: Path,
    found: tuple[list[FileKey], list[SkippedFile]],
    *,
    cache_dir: Path,
    classes: Sequence[str] | None = None,
    pool: int | None = None,
    test: int | None = None,
    window: Window | None = None,
    seed: int | None = None,
    guesses: Guesses | None = None,
    remarks: Sequence[str] = (),
    cells: Cells | None = None,
    moved: Mapping[str, str] | None = None,
) -> FolderItems:
    """Return the items of files below a folder, before they are read.

    The option ``group`` of the source puts files into groups. The rows of a group whose files are
    known by their names stand together in the random order, at the place of its first file.

    Parameters
    ----------
    source : str
        As in `Dataset`; errors name it.
    root : Path
    found : pair of lists
        The files, and what cannot be read, as `scan` returns them.
    cache_dir, classes, pool, test, window, seed
        As for `list_folder`.
    guesses : Guesses, optional
        What the source says about the items, whose classes are those of the source unless others
        are given.
    remarks : sequence of str
        Sentences about the source.
    cells : Cells, optional
        Of table files, whose rows are the files that were found.
    moved : dict of str to str, optional
        As for `open_dataset`.

    Raises
    ------
    SourceError, UsageError
        As for `list_folder`.
    """
    refuse_test(test, source)
    files, skipped = found
    files = [*files, *moved_files(root, moved or {}, files)]
    if not files:
        raise no_image(source, skipped)
    own = None if guesses is None or classes is not None else guesses.class_names
    try:
        class_names = resolve_classes(source, own=own, given=classes)
    except UnnamedClassesError as error:
        from tuilabel.data.class_folders import unnamed

        raise unnamed(source, files) or error from None
    if guesses is not None:
        guesses, left_out = guesses.among(class_names)
        remarks = (*remarks, *([left_out] if left_out else []))
    count = checked_count("--pool", pool, len(files), shown_path(source))
    # A hundred thousand names take a second to bring into natural order.
    is_whole = count == len(files)
    files = sorted(files) if is_whole and seed is not None else natural(files)[:count]
    grouping, buckets = grouping_of(source), list[Hashable]()
    orders_by = [key.name for key in files]
    if grouping is not None:
        buckets = grouping.buckets(orders_by)
        if grouping.kind != EXIF:
            files, buckets, orders_by = _together(files, buckets)
    if seed is not None:
        order = seeded_order(name_keys(orders_by), seed).tolist()
        files = [files[row] for row in order]
        buckets = [buckets[row] for row in order] if buckets else buckets
    return FolderItems(
        root,
        files,
        skipped,
        class_names,
        cache_of(root if cells is None else Path(source), cache_dir),
        DecodeService(),
        window,
        is_part=not is_whole or source != str(root),
        source=source,
        guesses=guesses,
        remarks=remarks,
        cells=cells,
        grouping=grouping,
        buckets=buckets,
        moved=moved,
    )


def _together(
    files: Sequence[FileKey], buckets: Sequence[Hashable]
) -> tuple[list[FileKey], list[Hashable], list[str]]:
    """Return files with those of a group together, the bucket and the first path of each.

    Raises
    ------
    UsageError
        A group has too many files.
    """
    groups: dict[Hashable, list[FileKey]] = {}
    for key, bucket in zip(files, buckets, strict=True):
        groups.setdefault(bucket, []).append(key)
    firsts: list[str] = []
    for group in groups.values():
        group.sort(key=lambda key: path_order(key.name))
        check_size(len(group), group[0].name)
        firsts += [group[0].name] * len(group)
    return (
        [key for group in groups.values() for key in group],
        [bucket for bucket, group in groups.items() for _ in group],
        firsts,
    )


def open_files(
    source: str,
    root: Path,
    found: tuple[list[FileKey], list[SkippedFile]],
    *,
    progress: Progress | None = None,
    named: Named | None = None,
    **options: Any,
) -> Dataset:
    """Return the items of files: unread if there is a seed, otherwise all read.

    Parameters
    ----------
    source, root, found, **options
        As for `list_files`.
    progress : Progress, optional
        Called after every few files.
    named : Named, optional
        The classes that the option ``folders`` is about, if they are not the folders.

    Raises
    ------
    SourceError, UsageError
        As for `list_files`, and if there is no image.
    """
    query = source_options(source)
    if "frames" in query:
        found = _with_frames(root, found, options["cache_dir"], progress)
    if kind := query.get("folders"):
        from tuilabel.data.class_folders import guesses_of, open_class_folders

        if kind == "truth" and "group" in query:
            raise UsageError(
                "--group and --folders truth cannot be combined, since a hold-out is drawn image "
                "by image: leave out one of them."
            )

        if kind == "truth":
            return open_class_folders(
                source, root, found, progress=progress, named=named, **options
            )
        options["guesses"] = guesses_of(root, found[0], named, are_labels=kind == "labels")
    items = list_files(source, root, found, **options)
    return items if options.get("seed") is not None else _whole(items, progress)


def _with_frames(
    root: Path,
    found: tuple[list[FileKey], list[SkippedFile]],
    cache_dir: Path,
    progress: Progress | None,
) -> tuple[list[FileKey], list[SkippedFile]]:
    """Return files, or the pages and frames of those that have several."""
    from tuilabel.data.frames import frames_of

    def read(files: Sequence[FileKey]) -> FolderItems:
        items = FolderItems(
            root, files, (), (), cache_of(root, cache_dir), DecodeService(), None, is_part=True
        )
        read_all(items, progress)
        return items

    files, skipped = found
    parts, refused = frames_of(root, files, read)
    return parts, [*skipped, *refused]


def open_named(source: str, *, argument: str, **options: Any) -> Dataset:
    """Open a folder; a `Source`."""
    root = Path(argument)
    return open_files(source, root, scan(root), **options)


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
    """Open every image in a folder and its subfolders, once all are read.

    Files that are not images, cut short, damaged or larger than 100 megapixels are left out and
    counted in the notices. Equal files are one item with several references. If all images have one
    shape of at most 64 pixels a side, models see them as they are, else fitted into 32x32. They see
    grey if all are grey.

    Parameters
    ----------
    root, cache_dir, classes, pool, test, window
        As for `list_folder`.
    progress : Progress, optional
        Called after every few files.

    Raises
    ------
    SourceError, UsageError
        As for `list_folder`, and if there is no image.
    """
    items = list_folder(
        root, cache_dir=cache_dir, classes=classes, pool=pool, test=test, window=window
    )
    return _whole(items, progress)


def _whole(items: FolderItems, progress: Progress | None) -> ArrayDataset:
    rows = read_rows(items, progress)
    return dataset_of(items, rows, pool_of(items, rows), rows)


def read_rows(items: FolderItems, progress: Progress | None) -> NDArray[np.intp]:
    """Read every file, and return the rows that are images, without later copies of others.

    Raises
    ------
    SourceError
        There is none.
    """
    read_all(items, progress)
    rows = np.flatnonzero(~items.refused & (items.first == np.arange(len(items))))
    if not rows.size:
        raise no_image(items.source, items.skipped)
    return rows


def dataset_of(
    items: FolderItems,
    rows: NDArray[np.intp],
    pool: NDArray[np.uint8],
    images: NDArray[np.intp],
) -> ArrayDataset:
    """Return a dataset of some rows, once all were read.

    Parameters
    ----------
    items : FolderItems
    rows : intp array of shape (n,)
    pool : uint8 array of shape (n, H, W) or (n, H, W, 3)
        Their images as models see them.
    images : intp array
        As `read_rows` returns them.
    """
    return ArrayDataset(
        source=items.source,
        class_names=items.class_names,
        ids=ItemIds("f1", items.digests[rows], items.parts[rows]),
        pool=pool,
        locate=lambda i: items.references(int(rows[i])),
        notices=tuple(_notices(items, images)),
        skipped=tuple(items.skipped),
        screen=lambda i: items.image(int(rows[i])),
        full=lambda i: items.full_image(int(rows[i])),
        draw=(lambda i, *part: items.picture(int(rows[i]), *part)) if items.has_pictures else None,
        locate_file=lambda i: items.file(int(rows[i])),
        hash_pixels=lambda i: items.pixel_hash(int(rows[i])),
        look_elsewhere=items.look_at,
        window=items.window,
        guesses=items.guesses,
        groups=_whole_groups(items, rows),
    )


def _whole_groups(items: FolderItems, rows: NDArray[np.intp]) -> WholeGroups | None:
    """Return the groups of items that were all read, of which equal files are one row."""
    if items.groups is None:
        return None
    place = np.full(len(items), -1, dtype=np.intp)
    place[rows] = np.arange(len(rows))
    place = place[items.first]
    found: list[tuple[str, list[int]]] = []
    paths: list[list[str]] = [[] for _ in range(len(rows))]
    for head in items.groups.heads.tolist():
        members, path = items.groups.rows(head), items.groups.name(head)
        frames = [int(place[row]) for row in members if not items.refused[row]]
        frames = [row for row in dict.fromkeys(frames) if row >= 0]
        # An item that is in two groups is a frame of the first.
        new = [row for row in frames if not paths[row]]
        for row in frames:
            paths[row].append(path)
        if new:
            found.append((path, new))
    return WholeGroups(found, paths)


def pool_of(items: FolderItems, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return the images as models see them: in a file without a name, or else in memory."""
    shape = items.seen_shape(rows)
    try:
        with tempfile.TemporaryDirectory(prefix="tuilabel-") as folder:
            return items.pool_file(rows, Path(folder), shape).open()
    except OSError:
        return np.concatenate([*items.seen(rows, shape), np.empty((0, *shape), np.uint8)])


def read_all(items: FolderItems, progress: Progress | None = None) -> None:
    """Read every file that was not read yet, and wait for it.

    Raises
    ------
    SourceError
        No process can be started that decodes.
    """
    total, done = int(items.unread.sum()), 0
    if not total:
        return
    arrived: SimpleQueue[Sequence[tuple[int, Found]] | TuilabelError] = SimpleQueue()
    reader = FileReader(items, arrived.put, os.cpu_count() or 1)
    reader.start()
    try:
        while done < total:
            found = arrived.get()
            if isinstance(found, TuilabelError):
                raise found
            done += len(items.learn(found))
            if progress is not None:
                progress("reading images", done, total)
    finally:
        reader.stop()
        items.rest()


def cache_of(root: Path, cache_dir: Path) -> FileCache:
    """Return the cache of a folder."""
    name = hashlib.blake2b(os.fsencode(root), digest_size=16).hexdigest()
    return FileCache(cache_dir / "folders", name, decoder_version())


def _notices(items: FolderItems, rows: NDArray[np.intp]) -> Iterator[str]:
    yield from items.remarks
    if items.skipped:
        yield cannot_be_read(items.skipped)
    yield from items.group_notices
    if further := items.further_frames:
        yield further
    copies = int(np.count_nonzero(~items.refused)) - len(rows)
    if copies:
        yield duplicates_notice(copies)
    if items.cache_problem:
        yield items.cache_problem
