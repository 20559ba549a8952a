"""The `digits` source: 1,797 handwritten digits of 8x8 pixels that come with scikit-learn."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import item_ids
from tuilabel.data.dataset import ArrayDataset, Split, build_dataset, resolve_classes
from tuilabel.errors import SourceError

SOURCE = "digits"
HOLDOUT_SIZE = 500
_SIDE = 8
_BRIGHTEST = 16
_CLASS_NAMES = tuple("0123456789")


def open_digits(
    *,
    classes: Sequence[str] | None = None,
    pool: int | None = None,
    test: int | None = None,
) -> ArrayDataset:
    """Open the digits, with 500 of them held out.

    The file that scikit-learn ships (Alpaydin and Kaynak, Optical Recognition of Handwritten
    Digits, UCI 1998) is read without importing scikit-learn, which would take a second. Its
    values 0..16 are scaled to 0..255; item ids are hashes of the values.

    The hold-out consists of the 500 items with the largest item ids. An id is a hash, so this is
    as good as a random draw, and it is the same draw on every machine and with every version of
    numpy: accuracies stay comparable. File order is no substitute, because the file is sorted by
    writer. The pool keeps file order.

    Parameters
    ----------
    classes : sequence of 10 str, optional
        Other names for the classes 0 to 9.
    pool, test : int, optional
        Number of items to take from the start of the pool and of the hold-out.

    Returns
    -------
    ArrayDataset
        Pool of shape (1297, 8, 8), hold-out of shape (500, 8, 8).

    Raises
    ------
    SourceError
        If scikit-learn is not installed, or its file is not as expected.
    UsageError
        If `pool` or `test` is out of range.
    """
    values, truth = _read(_find())
    images = ((values.astype(np.uint16) * 255 + _BRIGHTEST // 2) // _BRIGHTEST).astype(np.uint8)
    digests = item_ids.digests(values)
    held_out = np.zeros(len(images), dtype=bool)
    held_out[item_ids.content_order(digests)[-HOLDOUT_SIZE:]] = True

    def split(name: str, chosen: NDArray[np.bool_]) -> Split:
        places = np.flatnonzero(chosen)
        return Split(
            name=name,
            images=images[chosen],
            digests=digests[chosen],
            truth=truth[chosen],
            reference=lambda row: f"digits[{places[row]}]",
        )

    return build_dataset(
        source=SOURCE,
        class_names=resolve_classes(SOURCE, own=_CLASS_NAMES, given=classes),
        train=split("the pool", ~held_out),
        holdout=split("hold-out", held_out),
        pool=pool,
        test=test,
    )


def _find() -> Path:
    spec = find_spec("sklearn")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            return path
    raise SourceError(
        "The digits that come with scikit-learn (sklearn/datasets/data/digits.csv.gz) were not "
        "found: install scikit-learn again, or open another source."
    )


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.uint8, ndmin=2)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise SourceError(
            f"The digits in {path} cannot be read ({error}): install scikit-learn again."
        ) from error
    values, truth = table[:, :-1], table[:, -1].astype(np.int16)
    if (
        values.shape[1] != _SIDE**2
        or len(values) <= HOLDOUT_SIZE
        or values.max() > _BRIGHTEST
        or truth.max() >= len(_CLASS_NAMES)
    ):
        raise SourceError(
            f"{path} is not as expected (rows of 64 values from 0 to 16 and a class from 0 to 9): "
            "install scikit-learn again."
        )
    return values.reshape(-1, _SIDE, _SIDE), truth
