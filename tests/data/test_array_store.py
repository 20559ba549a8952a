"""Arrays in the cache are loaded as they were saved, or not at all."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tuilabel
from tuilabel.data.array_store import ArrayStore
from tuilabel.data.cache_files import write_block

ARRAY = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


def in_parts(array: np.ndarray = ARRAY) -> Iterable[np.ndarray]:
    return (array[row : row + 1] for row in range(len(array)))


def test_what_was_saved_is_loaded_by_another_store(tmp_path: Path) -> None:
    saved = ArrayStore(tmp_path / "deep" / "cache").save("a", (4, 3), in_parts)
    np.testing.assert_array_equal(saved, ARRAY)
    found = ArrayStore(tmp_path / "deep" / "cache").load("a")
    assert found is not None
    assert (found.dtype, found.shape) == (np.float32, (4, 3))
    np.testing.assert_array_equal(found, ARRAY)
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1


def test_a_name_that_was_never_saved_is_none(tmp_path: Path) -> None:
    assert ArrayStore(tmp_path).load("a") is None
    assert ArrayStore(tmp_path / "missing").load("a") is None


@pytest.mark.parametrize("shape", [(0, 3), (7,), (2, 3, 4)])
def test_every_shape_is_kept(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    saved = ArrayStore(tmp_path).save("a", shape, lambda: [array])
    found = ArrayStore(tmp_path).load("a")
    assert found is not None
    for one in (saved, found):
        assert one.shape == shape
        np.testing.assert_array_equal(one, array)


def test_parts_of_another_type_and_layout_become_what_is_kept(tmp_path: Path) -> None:
    turned = np.asfortranarray(ARRAY.astype(np.float64))
    np.testing.assert_array_equal(ArrayStore(tmp_path).save("a", (4, 3), lambda: [turned]), ARRAY)


def test_parts_are_taken_one_by_one(tmp_path: Path) -> None:
    alive: list[int] = []

    def parts() -> Iterator[np.ndarray]:
        for row in range(4):
            assert alive == list(range(row))
            alive.append(row)
            yield ARRAY[row : row + 1]

    ArrayStore(tmp_path).save("a", (4, 3), parts)
    assert alive == [0, 1, 2, 3]


def test_parts_that_do_not_make_the_shape_are_refused(tmp_path: Path) -> None:
    for shape in ((5, 3), (3, 3), (4, 2)):
        with pytest.raises(ValueError, match="do not add up to its shape"):
            ArrayStore(tmp_path).save("a", shape, in_parts)


def test_parts_that_fail_leave_nothing(tmp_path: Path) -> None:
    def parts() -> Iterator[np.ndarray]:
        yield ARRAY[:1]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ArrayStore(tmp_path).save("a", (4, 3), parts)
    assert list(tmp_path.iterdir()) == []


def test_saving_again_replaces(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path)
    first = store.save("a", (4, 3), in_parts)
    store.save("a", (4, 3), lambda: [2 * ARRAY])
    found = store.load("a")
    assert found is not None
    np.testing.assert_array_equal(found, 2 * ARRAY)
    # A process that has mapped the first file still sees it unchanged.
    np.testing.assert_array_equal(first, ARRAY)


# Damaged and foreign files.


@settings(max_examples=60, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_a_file_cut_short_or_damaged_is_as_good_as_absent(
    tmp_path_factory: pytest.TempPathFactory, where: float, bit: int, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("store")
    ArrayStore(folder).save("a", (4, 3), in_parts)
    (path,) = folder.iterdir()
    whole = bytearray(path.read_bytes())
    position = int(where * len(whole))
    if cut:
        path.write_bytes(whole[:position])
    else:
        whole[position] ^= 1 << bit
        path.write_bytes(whole)
    assert ArrayStore(folder).load("a") is None
    np.testing.assert_array_equal(ArrayStore(folder).save("a", (4, 3), in_parts), ARRAY)
    assert ArrayStore(folder).load("a") is not None


@pytest.mark.parametrize(
    "change",
    [
        {"name": "b"},
        {"dtype": ">f4"},
        {"dtype": "<f8"},
        {"shape": [4, 4]},
        {"shape": [-4, -3]},
        {"shape": "large"},
        {"shape": None},
        {"shape": [4, "x"]},
    ],
)
def test_a_file_of_another_format_is_as_good_as_absent(
    tmp_path: Path, change: dict[str, object]
) -> None:
    ArrayStore(tmp_path).save("a", (4, 3), in_parts)
    (path,) = tmp_path.iterdir()
    index = {"name": "a", "dtype": "<f4", "shape": [4, 3]}
    payload = [ARRAY.view(np.uint8)]
    write_block(path, index, payload)
    assert ArrayStore(tmp_path).load("a") is not None
    write_block(path, index | change, payload)
    assert ArrayStore(tmp_path).load("a") is None
    write_block(path, {key: index[key] for key in index if key not in change}, payload)
    assert ArrayStore(tmp_path).load("a") is None


@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 200])
def test_a_file_of_something_else_is_as_good_as_absent(tmp_path: Path, content: bytes) -> None:
    ArrayStore(tmp_path).save("a", (4, 3), in_parts)
    (path,) = tmp_path.iterdir()
    path.write_bytes(content)
    assert ArrayStore(tmp_path).load("a") is None
    path.unlink()
    path.mkdir()
    assert ArrayStore(tmp_path).load("a") is None


# Folders that cannot be written.


def test_a_folder_that_cannot_be_written_is_no_obstacle(powerless_dir: Path) -> None:
    folder = powerless_dir / "cache"
    folder.mkdir(mode=0o500)
    for place in (folder, folder / "deeper"):
        begun: list[int] = []

        def parts(begun: list[int] = begun) -> Iterable[np.ndarray]:
            begun.append(1)
            return in_parts()

        np.testing.assert_array_equal(ArrayStore(place).save("a", (4, 3), parts), ARRAY)
        assert begun
        assert ArrayStore(place).load("a") is None


def test_a_file_where_the_folder_should_be_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("mine")
    store = ArrayStore(tmp_path / "cache")
    np.testing.assert_array_equal(store.save("a", (4, 3), in_parts), ARRAY)
    assert store.load("a") is None
    assert (tmp_path / "cache").read_text() == "mine"


def test_a_disk_that_fills_up_half_way_is_no_obstacle(tmp_path: Path) -> None:
    large = np.arange(100_000, dtype=np.float32).reshape(-1, 10)
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from tuilabel.data.array_store import ArrayStore\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "large = np.arange(100_000, dtype=np.float32).reshape(-1, 10)\n"
        "parts = lambda: (large[row : row + 100] for row in range(0, 10_000, 100))\n"
        "found = ArrayStore(Path(sys.argv[1])).save('a', large.shape, parts)\n"
        "assert np.array_equal(found, large)\n"
    )
    assert large.nbytes > 100_000
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    folder = tmp_path / "cache"
    subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        check=True,
        cwd=Path(tuilabel.__file__).parent.parent,
        timeout=120,
    )
    assert list(folder.iterdir()) == []


# Several processes at once.


def test_processes_that_save_the_same_array_at_once_do_no_harm(tmp_path: Path) -> None:
    started = threading.Barrier(6)
    wrong: list[object] = []

    def make() -> None:
        store = ArrayStore(tmp_path)

        def parts() -> Iterator[np.ndarray]:
            started.wait(30)
            yield from in_parts()

        saved = store.save("a", (4, 3), parts)
        found = store.load("a")
        if found is None or not (np.array_equal(saved, ARRAY) and np.array_equal(found, ARRAY)):
            wrong.append((saved, found))

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(list(tmp_path.iterdir())) == 1


def test_a_process_killed_half_way_leaves_no_array(tmp_path: Path) -> None:
    code = (
        "import json, os, sys\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from tuilabel.data.array_store import ArrayStore\n"
        "def parts():\n"
        "    yield np.zeros((2, 3), dtype=np.float32)\n"
        "    os.kill(os.getpid(), 9)\n"
        "ArrayStore(Path(json.loads(sys.argv[1]))).save('a', (4, 3), parts)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(str(tmp_path))],
        check=False,
        cwd=Path(tuilabel.__file__).parent.parent,
        timeout=120,
    )
    assert done.returncode == -9
    assert ArrayStore(tmp_path).load("a") is None
    np.testing.assert_array_equal(ArrayStore(tmp_path).save("a", (4, 3), in_parts), ARRAY)
