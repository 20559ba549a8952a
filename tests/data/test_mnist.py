import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tuilabel.data import as_array_file, open_dataset
from tuilabel.errors import SourceError, UsageError

Quartet = dict[str, NDArray[np.uint8]]
Write = Callable[..., Path]


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dotted", [True, False])
def test_four_files_are_a_dataset(
    quartet: Quartet, write_quartet: Write, cache_dir: Path, compressed: bool, dotted: bool
) -> None:
    folder = write_quartet(quartet, compressed=compressed, dotted=dotted)
    dataset = open_dataset(f"mnist:{folder}", cache_dir=cache_dir)
    assert dataset.source == f"mnist:{folder}"
    assert dataset.class_names == tuple("0123456789")
    assert (dataset.pool == quartet["train-images-idx3"]).all()
    assert dataset.truth is not None
    assert dataset.truth.dtype == np.int16
    assert (dataset.truth == quartet["train-labels-idx1"]).all()
    assert dataset.holdout is not None
    assert dataset.holdout.name == "t10k"
    assert (dataset.holdout.images == quartet["t10k-images-idx3"]).all()
    assert (dataset.holdout.truth == quartet["t10k-labels-idx1"]).all()
    assert dataset.references(17) == ("train[17]",)
    assert dataset.notices == ()
    again = open_dataset(dataset.source, cache_dir=cache_dir)
    assert list(again.ids) == list(dataset.ids)


def test_the_source_is_the_same_from_any_folder(
    quartet: Quartet, write_quartet: Write, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_quartet(quartet)
    monkeypatch.chdir(folder.parent)
    dataset = open_dataset(f"mnist:{folder.name}", cache_dir=cache_dir)
    assert dataset.source == f"mnist:{folder}"


def test_the_first_of_each_split_are_taken_in_place(
    quartet: Quartet, write_quartet: Write, cache_dir: Path, tmp_path: Path
) -> None:
    folder = write_quartet(quartet, compressed=False)
    dataset = open_dataset(f"mnist:{folder}", cache_dir=cache_dir, pool=20, test=4)
    assert len(dataset) == 20
    assert dataset.holdout is not None
    assert len(dataset.holdout) == 4
    with ExitStack() as resources:
        described = as_array_file(dataset.pool, resources)
        assert described.path.resolve().name == "train-images-idx3-ubyte"
    with pytest.raises(UsageError, match=r"--pool 31 .* train has 30 images"):
        open_dataset(f"mnist:{folder}", cache_dir=cache_dir, pool=31)
    with pytest.raises(UsageError, match=r"--test 0 .* t10k has 12 images"):
        open_dataset(f"mnist:{folder}", cache_dir=cache_dir, test=0)


def test_duplicates_are_merged_and_the_holdout_kept_apart(
    quartet: Quartet, write_quartet: Write, cache_dir: Path
) -> None:
    quartet["train-images-idx3"][9] = quartet["train-images-idx3"][2]
    quartet["t10k-images-idx3"][5] = quartet["train-images-idx3"][2]
    dataset = open_dataset(f"mnist:{write_quartet(quartet)}", cache_dir=cache_dir)
    assert len(dataset) == 29
    assert dataset.references(2) == ("train[2]", "train[9]")
    assert dataset.holdout is not None
    assert len(dataset.holdout) == 11
    assert len(dataset.notices) == 2


def test_files_changed_in_place_get_new_ids(
    quartet: Quartet, write_quartet: Write, cache_dir: Path
) -> None:
    folder = write_quartet(quartet, compressed=False)
    path = folder / "train-images-idx3-ubyte"
    before = open_dataset(f"mnist:{folder}", cache_dir=cache_dir)
    ids, stat = list(before.ids), path.stat()
    quartet["train-images-idx3"][0, 0, 0] ^= 1
    write_quartet(quartet, compressed=False)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = list(open_dataset(f"mnist:{folder}", cache_dir=cache_dir).ids)
    assert after[0] != ids[0]
    assert after[1:] == ids[1:]


def change(name: str, values: NDArray[np.uint8]) -> Callable[[Quartet], None]:
    return lambda quartet: quartet.update({name: values})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda q: q.pop("t10k-labels-idx1"), "has no t10k-labels-idx1-ubyte"),
        (
            change("train-labels-idx1", np.zeros(29, np.uint8)),
            "train-images-idx3-ubyte.gz has 30 images, but train-labels-idx1-ubyte.gz has 29",
        ),
        (
            change("t10k-images-idx3", np.zeros((12, 4, 4), np.uint8)),
            "train are 5x4 pixels, but those of t10k are 4x4",
        ),
        (
            change("t10k-labels-idx1", np.full(12, 12, np.uint8)),
            "labels of t10k go up to 12, but there are 10 classes",
        ),
        (change("train-images-idx3", np.zeros(30, np.uint8)), "begins with 00 00 08 01"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    quartet: Quartet,
    write_quartet: Write,
    cache_dir: Path,
    spoil: Callable[[Quartet], None],
    message: str,
) -> None:
    spoil(quartet)
    with pytest.raises(SourceError, match=message):
        open_dataset(f"mnist:{write_quartet(quartet)}", cache_dir=cache_dir)


def test_a_folder_that_is_none(tmp_path: Path, cache_dir: Path) -> None:
    with pytest.raises(SourceError, match="missing does not exist"):
        open_dataset(f"mnist:{tmp_path}/missing", cache_dir=cache_dir)
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="file is not a folder"):
        open_dataset(f"mnist:{tmp_path}/file", cache_dir=cache_dir)


def test_other_data_sets_in_this_form_bring_their_classes(
    quartet: Quartet, write_quartet: Write, cache_dir: Path
) -> None:
    ten = [f"c{i}" for i in range(10)]
    folder = write_quartet(quartet)
    assert open_dataset(f"mnist:{folder}", cache_dir=cache_dir, classes=ten).class_names[3] == "c3"
    eleven = open_dataset(f"mnist:{folder}", cache_dir=cache_dir, classes=[*ten, "c10"])
    assert eleven.class_names[10] == "c10"
    quartet["train-labels-idx1"][0] = 11
    write_quartet(quartet)
    twelve = [f"c{i}" for i in range(12)]
    dataset = open_dataset(f"mnist:{folder}", cache_dir=cache_dir, classes=twelve)
    assert dataset.class_names == tuple(twelve)
    with pytest.raises(SourceError, match="go up to 11, but there are 10"):
        open_dataset(f"mnist:{folder}", cache_dir=cache_dir, classes=ten)


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    quartet: Quartet, write_quartet: Write, tmp_path: Path, cache_dir: Path
) -> None:
    folder = write_quartet(quartet)
    (tmp_path / "blocked").write_text("")
    without = open_dataset(f"mnist:{folder}", cache_dir=tmp_path / "blocked")
    assert (without.pool == quartet["train-images-idx3"]).all()
    assert list(without.ids) == list(open_dataset(f"mnist:{folder}", cache_dir=cache_dir).ids)


def test_real_mnist(mnist_dir: Path, tmp_path: Path) -> None:
    dataset = open_dataset(f"mnist:{mnist_dir}", cache_dir=tmp_path)
    assert dataset.holdout is not None
    assert dataset.pool.shape == (60_000, 28, 28)
    assert dataset.holdout.images.shape == (10_000, 28, 28)
    pixels = hashlib.sha256(b"\0\0\x08\x03\0\0\xea\x60\0\0\0\x1c\0\0\0\x1c")
    pixels.update(np.ascontiguousarray(dataset.pool).data)
    assert pixels.hexdigest() == "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    assert dataset.truth is not None
    assert dataset.truth[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert isinstance(dataset.pool, np.memmap)
