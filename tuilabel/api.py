"""Sessions in Python: labels as arrays, as a table or as a dataset, and labels added.

Everything here is imported when `tuilabel.open_session` is first used.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.part import PERCENT, XYWH, frame_of, is_box
from tuilabel.errors import ImportFileError, SourceError, UsageError
from tuilabel.exchange.csv_format import BETWEEN
from tuilabel.exchange.rows import COLUMNS, LabelRow, label_rows
from tuilabel.journal.reader import Reader
from tuilabel.plugins import named_store
from tuilabel.session.view import SessionView
from tuilabel.text import inert, shown_path

if TYPE_CHECKING:
    import pandas
    import torch
    from PIL import Image

    from tuilabel.data import Dataset
    from tuilabel.data.places import Places
    from tuilabel.workspace.importing import Import

AUDIT, TRAIN = "audit", "train"

_NUMBERS = {"round": np.int64, "ms": np.float64, "probability": np.float64, "draw": np.float64}
_LONGEST_NAME = 80


def open_session(path: str | os.PathLike[str]) -> SavedSession:
    """Return a session that has been saved, to read its labels and to add some.

    It may be open in a terminal at the same time: each call reads what is on disk by then.

    Parameters
    ----------
    path : str or path
        The session, or the source it was made for, such as a folder of images.

    Returns
    -------
    SavedSession

    Raises
    ------
    SessionFileError
        There is none, or it cannot be read.

    Examples
    --------
    >>> import tuilabel
    >>> labels = tuilabel.open_session("photos").labels()  # doctest: +SKIP
    >>> labels["reference"][labels["class"] == "cat"]  # doctest: +SKIP
    """
    from tuilabel.workspace.places import find_session

    session = SavedSession(find_session(os.fspath(path)))
    Reader(session.path)
    return session


class SavedSession:
    """A session on disk, see `open_session`.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(named_store(str(path)))  # found from any folder

    def __repr__(self) -> str:
        return f"SavedSession({shown_path(self.path)!r})"

    def view(self) -> SessionView:
        """Return everything that the logs of the session say by now."""
        return SessionView(self.path)

    def labels(self, *, all_answers: bool = False, look: bool = True) -> Labels:
        """Return the labels in effect, with the columns of ``tuilabel export``.

        Parameters
        ----------
        all_answers : bool
            Return what each annotator answered instead, with skips.
        look : bool
            Whether to look for the images in the source by their content, since they may have been
            moved. A source that cannot be read causes a warning.

        Returns
        -------
        Labels
        """
        view = self.view()
        places = self._places(view) if look else None
        rows = list(label_rows(view.labelled(all_answers=all_answers), None, places))
        return _labels(self.path, view, rows)

    def add(
        self,
        images: Iterable[str | os.PathLike[str]],
        classes: Iterable[str | Sequence[str]],
        *,
        by: str | None = None,
        probability: Iterable[float] | None = None,
        suggestions: bool = False,
        dry_run: bool = False,
    ) -> Import:
        """Add labels or suggestions, as ``tuilabel import`` does: as one event, all or none.

        A label that somebody gave in the session stays in effect. ``tuilabel import SESSION
        --revert`` takes the newest addition back.

        Parameters
        ----------
        images : iterable of str or path
            Item ids, paths or names of files. Each image is looked for by its id, then by its path,
            then by the name of its file, if one image has it.
        classes : iterable of str
            The name of the class of each image, empty for none; or a list of names, of which a
            session of one class for each image takes one.
        by : str, optional
            The annotator, such as ``"resnet50"``; by default you.
        probability : iterable of float, optional
            That of each class, 0 to 1.
        suggestions : bool
            Whether they are suggestions, which an annotator sees and accepts or not.
        dry_run : bool
            Whether to return what would be added, and write nothing.

        Returns
        -------
        Import
            What was added, and what became of other images: `count`, `matched`, `unmatched`,
            `unknown`, `conflicts`, ...

        Raises
        ------
        ImportFileError
            A value is invalid, or nothing can be added.
        UsageError
            Lengths differ, or the session takes no imported labels.
        SourceError, SessionFileError, SaveError
            The source or the session cannot be read, or the session cannot be written.
        """
        from tuilabel.exchange.reading import checked_rows
        from tuilabel.workspace.importing import plan_import, write_import

        columns: dict[str, list[Any]] = {
            "path": [os.fspath(image) for image in images],
            "class": _plain(classes),
        }
        if probability is not None:
            columns["probability"] = _plain(probability)
        lengths = {name: len(column) for name, column in columns.items()}
        if len({*lengths.values()}) > 1:
            there = ", ".join(f"{length:,} of {name}" for name, length in lengths.items())
            raise UsageError(f"Columns have different lengths ({there}): pass one of each image.")
        is_id = re.compile("[afp]1:[0-9a-f]{32}").fullmatch
        columns["item_id"] = [image if is_id(image) else "" for image in columns["path"]]
        rows = (
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        )
        found = plan_import(
            self.path,
            checked_rows(rows),
            "Python",
            as_suggestions=suggestions,
            by=inert((by or "").strip(), _LONGEST_NAME) or None,
        )
        if not found.count:
            raise ImportFileError(
                f"There is nothing to add to {shown_path(self.path)}: {_why(found)}."
            )
        if not dry_run:
            write_import(found)
        return found

    def _places(self, view: SessionView) -> Places | None:
        from tuilabel.data.places import find_places
        from tuilabel.workspace.places import cache_dir

        try:
            return find_places(view.source, cache_dir=cache_dir(), moved=view.record.moved)
        except SourceError as error:
            warnings.warn(
                f"The names are those of labelling time, since the source cannot be read: {error}",
                stacklevel=3,
            )
            return None


class Labels(dict[str, NDArray[Any]]):
    """Labels by column: a dict of arrays, all of shape (n,), one row for each place of an image.

    The columns are those of ``tuilabel export``, see docs/python.md, and these:

    ``class_id``
        What stays the same when a class is renamed.
    ``set``
        ``train`` or ``audit``: whether the program trains on the label or measures on it. Empty for
        others, such as auto-labels, disputes, and labels of audit images that were imported.
    ``file``, ``frame``, ``box_left``, ``box_top``, ``box_width``, ``box_height``, ``box_unit``
        In a session about boxes, pages or frames: the file, the number of the frame from 1 (0
        without one), and the box in stored pixels (unit ``pixel``) or in per cent of the upright
        image (``percent``), NaN without one.

    Text is in arrays of strings; notes are Python objects. Numbers that are missing are NaN.
    Several classes of an image are in one text, with ``|`` between them, as in a CSV.

    Attributes
    ----------
    classes : tuple of str
        Names of the classes, in the order of `targets`.
    path : Path
        The session.
    is_multi : bool
        Whether an image may have several classes.
    """

    def __init__(
        self, columns: dict[str, NDArray[Any]], classes: tuple[str, ...], path: Path, is_multi: bool
    ) -> None:
        super().__init__(columns)
        self.classes, self.path, self.is_multi = classes, path, is_multi

    @property
    def targets(self) -> NDArray[Any]:
        """What a model is to predict.

        Returns
        -------
        (n,) int64 array
            Each label as a position in `classes`; -1 for none. In a session of several classes a
            float32 array of shape (n, k): 1 for a class that an image has, 0 for one that it does
            not have, NaN for one that is not known.
        """
        place = {name: number for number, name in enumerate(self.classes)}
        if not self.is_multi:
            return np.array([place.get(name, -1) for name in self["class"]], dtype=np.int64)
        targets = np.zeros((len(self["class"]), len(self.classes)), dtype=np.float32)
        for row, (names, unknown) in enumerate(zip(self["class"], self["unknown"], strict=True)):
            for name in filter(None, unknown.split(BETWEEN)):
                targets[row, place[name]] = np.nan
            for name in filter(None, names.split(BETWEEN)):
                targets[row, place[name]] = 1
        return targets

    def select(self, rows: NDArray[Any]) -> Labels:
        """Return some rows.

        Parameters
        ----------
        rows : array
            Booleans of shape (n,), or positions.

        Returns
        -------
        Labels
        """
        columns = {name: column[rows] for name, column in self.items()}
        return Labels(columns, self.classes, self.path, self.is_multi)

    def to_pandas(self) -> pandas.DataFrame:
        """Return a table with the same columns.

        Raises
        ------
        UsageError
            pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise UsageError("to_pandas needs pandas: pip install pandas.") from error
        return pandas.DataFrame(dict(self))

    def to_torch_dataset(
        self, transform: Callable[[Image.Image], Any] | None = None, *, mode: str = "RGB"
    ) -> torch.utils.data.Dataset[tuple[Any, Any]]:
        """Return the images and their `targets`, for a ``torch.utils.data.DataLoader``.

        Images without a class, and those that are gone, are left out. An image is read from the
        source when it is asked for; it may be a box, a page or a row of an array.

        Parameters
        ----------
        transform : callable, optional
            Turns a PIL image into a tensor, such as those of torchvision. By default a float32
            tensor of shape (channels, height, width), from 0 to 1; images of different sizes then
            need a `transform` that makes them equal before a loader can put them into one batch.
        mode : str
            ``RGB`` or ``L`` (grey).

        Returns
        -------
        torch.utils.data.Dataset
            Of pairs: image, and int or float32 tensor.

        Raises
        ------
        UsageError
            PyTorch is not installed.
        """
        try:
            import torch
        except ImportError as error:
            raise UsageError("to_torch_dataset needs PyTorch: pip install torch.") from error
        targets = self.targets
        has_class = ~np.isnan(targets).all(axis=1) if self.is_multi else targets >= 0
        kept = has_class & (self["status"] != "gone")
        items = self["item_id"][kept].tolist()
        dataset: Any = _LabelledImages(
            self.path, items, torch.from_numpy(targets[kept]), transform, mode
        )
        return dataset


class _LabelledImages:
    """Images of a session with their targets; each process opens the source on its own.

    It does not inherit from the class of PyTorch, which need not be there; loaders only use these
    methods.
    """

    def __init__(
        self,
        path: Path,
        items: list[str],
        targets: torch.Tensor,
        transform: Callable[[Image.Image], Any] | None,
        mode: str,
    ) -> None:
        self._path, self._items, self._targets = path, items, targets
        self._transform, self._mode = transform, mode
        self._opened: tuple[int, Dataset] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        from PIL import Image

        item, target = self._items[number], self._targets[number]
        dataset = self._dataset()
        row = dataset.row_of(item)
        if row is None:
            raise SourceError(
                f"The image {item} is no longer in {shown_path(dataset.source)}: read the labels "
                "again."
            )
        image = Image.fromarray(dataset.full_image(row)).convert(self._mode)
        made = (self._transform or _tensor)(image)
        return made, target if target.ndim else int(target)

    def _dataset(self) -> Dataset:
        from tuilabel.workspace.opening import open_dataset_of

        # A process that was forked shares no decoders with the one that made it.
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), open_dataset_of(SessionView(self._path))
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_opened": None}


def _tensor(image: Image.Image) -> Any:
    import torch

    pixels = np.asarray(image, dtype=np.float32) / 255
    return torch.from_numpy(np.atleast_3d(pixels).transpose(2, 0, 1).copy())


def _labels(path: Path, view: SessionView, rows: list[LabelRow]) -> Labels:
    known, classes, is_multi = view.known, view.known.classes, view.about.multi
    ids = {classes.written_name(info.id): info.id for info in classes.every()}
    values: list[dict[str, Any]] = [dict(row) for row in rows]
    used = {name for row in values for name in _names(row["class"])}
    names = [name for name, id_ in ids.items() if classes.is_open(id_) or name in used]
    names += sorted(used - ids.keys())  # ids of classes that no event has added
    further = ["group"] * bool(known.groups) + ["unknown"] * is_multi
    for row in values:
        row["class_id"] = BETWEEN.join(ids.get(name, name) for name in _names(row["class"]))
        item = row["item_id"]
        row["set"] = TRAIN if item in known.training else AUDIT if item in known.audit else ""
    columns = (*COLUMNS, *further, "class_id", "set")
    found = {name: _column(name, [row.get(name) for row in values]) for name in columns}
    return Labels(found | _parts(values), (*names,), path, is_multi)


def _names(class_: str | list[str]) -> list[str]:
    return [class_] * bool(class_) if isinstance(class_, str) else class_


def _column(name: str, values: list[Any]) -> NDArray[Any]:
    if name in _NUMBERS:
        numbers = [np.nan if value is None else value for value in values]
        return np.array(numbers, dtype=_NUMBERS[name])
    if name in ("disputed", "flagged"):
        return np.array(values, dtype=bool)
    texts = [BETWEEN.join(each) if isinstance(each, list) else each or "" for each in values]
    # One long note would make every row of an array of strings as long.
    return np.array(texts, dtype=object if name == "note" else np.str_)


class _Part(NamedTuple):
    """Where an image is in its file, as `Labels` describes it."""

    file: str
    frame: int = 0
    box_left: float = np.nan
    box_top: float = np.nan
    box_width: float = np.nan
    box_height: float = np.nan
    box_unit: str = ""


def _parts(rows: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    """Return the columns about parts of files; none where every image is a whole file."""
    parts = [_part(row["item_id"], row["reference"]) for row in rows]
    if not any(part.frame or part.box_unit for part in parts):
        return {}
    columns = zip(_Part._fields, zip(*parts, strict=True), strict=True)
    return {name: np.array(values) for name, values in columns}


def _part(item: str, reference: str) -> _Part:
    file, _, part = reference.rpartition("#")
    if not item.startswith("p1:") or not file:
        return _Part(reference)
    if not is_box(part):
        return _Part(file, frame_of(part))
    unit = "percent" if part.startswith(PERCENT) else "pixel"
    left, top, width, height = map(float, part.removeprefix(PERCENT).removeprefix(XYWH).split(","))
    return _Part(file, 0, left, top, width, height, unit)


def _plain(values: Iterable[Any]) -> list[Any]:
    """Return values without the types of numpy."""
    return [value.item() if isinstance(value, np.generic) else value for value in values]


def _why(found: Import) -> str:
    """Return what became of rows none of which can be added."""
    unmatched = found.unmatched.count + found.ambiguous.count
    counts = {
        "without an image in the session": unmatched,
        "without a class": found.unlabelled,
        "with several classes": found.several,
        "of an unknown class": sum(found.unknown.values()) + found.unlisted,
        "in conflict": found.conflicts.count,
    }
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "no images"
