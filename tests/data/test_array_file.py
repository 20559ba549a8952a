import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from tuilabel.data import ArrayFile, array_file, as_array_file
from tuilabel.errors import SourceError


@pytest.fixture
def mapped(tmp_path: Path, rng: np.random.Generator) -> np.memmap:
    path = tmp_path / "raw"
    path.write_bytes(b"header--" * 2 + rng.integers(0, 256, 600, dtype=np.uint8).tobytes())
    return np.memmap(path, dtype=np.uint8, mode="r", offset=16, shape=(100, 3, 2))


@pytest.fixture
def files() -> Iterator[ExitStack]:
    with ExitStack() as resources:
        yield resources


@pytest.mark.parametrize("part", [slice(None), slice(40), slice(7, 90), slice(99, 100)], ids=str)
def test_a_view_of_a_map_is_in_its_file(mapped: np.memmap, files: ExitStack, part: slice) -> None:
    described = as_array_file(mapped[part], files)
    assert described.path.resolve().name == "raw"
    assert (described.open() == mapped[part]).all()


def test_views_of_views_and_reshaped_ones_too(mapped: np.memmap, files: ExitStack) -> None:
    view = np.asarray(mapped[10:60])[5:].reshape(-1, 6)
    described = as_array_file(view, files)
    assert described.offset == 16 + 15 * 6
    assert (described.open() == view).all()
    values = mapped.reshape(-1)[:400].view("<u4")[3:]
    described = as_array_file(values, files)
    assert described.path.resolve().name == "raw"
    assert (described.open() == values).all()


def test_a_large_offset_is_that_of_the_file(tmp_path: Path, files: ExitStack) -> None:
    path = tmp_path / "large"
    path.write_bytes(np.arange(50_000, dtype="<u4").tobytes())
    tail = np.memmap(path, dtype="<u4", mode="r", offset=80_000)[5000:]
    assert (as_array_file(tail, files).open() == np.arange(25_000, 50_000)).all()


@pytest.mark.parametrize(
    "make", [lambda a: a[::2], lambda a: a[:, :, 1], lambda a: a.copy(), lambda a: a[:0]]
)
def test_what_does_not_lie_in_one_piece_is_written(
    mapped: np.memmap, files: ExitStack, make
) -> None:
    array = make(mapped)
    described = as_array_file(array, files)
    assert described.path.resolve().name != "raw"
    found = described.open()
    assert found.shape == array.shape
    assert (found == array).all()


def test_a_map_that_may_differ_from_its_file_is_written(tmp_path: Path, files: ExitStack) -> None:
    path = tmp_path / "raw"
    path.write_bytes(bytes(10))
    private = np.memmap(path, dtype=np.uint8, mode="c")
    private[:] = 7
    assert (as_array_file(private, files).open() == 7).all()


def test_a_file_replaced_under_the_map_is_not_used(mapped: np.memmap, files: ExitStack) -> None:
    path = Path(mapped.filename)
    for content in (bytes(616), bytes(8)):
        other = path.with_name("other")
        other.write_bytes(content)
        other.replace(path)
        described = as_array_file(mapped, files)
        assert described.path.resolve().name != "raw"
        assert (described.open() == mapped).all()


@pytest.mark.skipif(sys.platform != "linux", reason="open files have paths on Linux only")
def test_a_file_that_is_removed_can_still_be_opened(
    mapped: np.memmap, files: ExitStack, run_python: Callable[[str], str]
) -> None:
    described = as_array_file(mapped, files)
    Path(mapped.filename).unlink()
    assert (described.open() == mapped).all()
    assert int(run_python(summing(described))) == mapped.sum(dtype=int)
    files.close()
    with pytest.raises(SourceError, match="cannot be read"):
        described.open()


def summing(described: ArrayFile) -> str:
    return (
        "from pathlib import Path, PosixPath; from tuilabel.data import ArrayFile;"
        f"print({described!r}.open().sum(dtype=int))"
    )


@pytest.mark.parametrize("full", [False, True], ids=["room on disk", "none"])
def test_another_process_can_open_it(
    files: ExitStack,
    run_python: Callable[[str], str],
    full: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if full:
        if sys.platform != "linux":
            pytest.skip("files in memory are Linux's")

        def none(**_: object) -> NoReturn:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(array_file.tempfile, "TemporaryFile", none)
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    assert int(run_python(summing(as_array_file(array, files)))) == 276


def test_a_missing_or_short_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "raw"
    with pytest.raises(SourceError, match="raw cannot be read"):
        ArrayFile(path, "|u1", (4,), 0).open()
    path.write_bytes(bytes(10))
    with pytest.raises(SourceError, match="10 bytes, but at least 12"):
        ArrayFile(path, "<u2", (4,), 4).open()


def test_an_opened_array_cannot_be_written(mapped: np.memmap, files: ExitStack) -> None:
    opened = as_array_file(mapped, files).open()
    with pytest.raises(ValueError, match="read-only"):
        opened[0] = 1
