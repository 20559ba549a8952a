"""Arrays in the cache are loaded as they were saved, or not at all."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tuilabel
from tuilabel.data import arrays
from tuilabel.data.arrays import Arrays, cache_key_of_file, replacing
from tuilabel.errors import SourceError

ARRAY = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


def in_parts(array: np.ndarray = ARRAY) -> Iterable[np.ndarray]:
    return (array[row : row + 1] for row in range(len(array)))


def test_what_was_saved_is_loaded_by_another_store(tmp_path: Path) -> None:
    saved = Arrays(tmp_path / "deep" / "cache").save("a", (4, 3), in_parts)
    np.testing.assert_array_equal(saved, ARRAY)
    found = Arrays(tmp_path / "deep" / "cache").load("a")
    assert found is not None
    assert (found.dtype, found.shape) == (np.float32, (4, 3))
    np.testing.assert_array_equal(found, ARRAY)
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1


def test_a_name_that_was_never_saved_is_none(tmp_path: Path) -> None:
    assert Arrays(tmp_path).load("a") is None
    assert Arrays(tmp_path / "missing").load("a") is None


@pytest.mark.parametrize("shape", [(0, 3), (7,), (2, 3, 4)])
def test_every_shape_is_kept(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    saved = Arrays(tmp_path).save("a", shape, lambda: [array])
    found = Arrays(tmp_path).load("a")
    assert found is not None
    for one in (saved, found):
        assert one.shape == shape
        np.testing.assert_array_equal(one, array)


def test_parts_of_another_type_and_layout_become_what_is_kept(tmp_path: Path) -> None:
    turned = np.asfortranarray(ARRAY.astype(np.float64))
    np.testing.assert_array_equal(Arrays(tmp_path).save("a", (4, 3), lambda: [turned]), ARRAY)


def test_parts_are_taken_one_by_one(tmp_path: Path) -> None:
    alive: list[int] = []

    def parts() -> Iterator[np.ndarray]:
        for row in range(4):
            assert alive == list(range(row))
            alive.append(row)
            yield ARRAY[row : row + 1]

    Arrays(tmp_path).save("a", (4, 3), parts)
    assert alive == [0, 1, 2, 3]


def test_parts_that_do_not_make_the_shape_are_refused(tmp_path: Path) -> None:
    for shape in ((5, 3), (3, 3), (4, 2)):
        with pytest.raises(ValueError, match="do not add up to its shape"):
            Arrays(tmp_path).save("a", shape, in_parts)


def test_parts_that_fail_leave_nothing(tmp_path: Path) -> None:
    def parts() -> Iterator[np.ndarray]:
        yield ARRAY[:1]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Arrays(tmp_path).save("a", (4, 3), parts)
    assert list(tmp_path.iterdir()) == []


def test_saving_again_replaces(tmp_path: Path) -> None:
    store = Arrays(tmp_path)
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
@example(where=0.1171875, bit=0, cut=False)
def test_a_file_cut_short_or_damaged_is_as_good_as_absent(
    tmp_path_factory: pytest.TempPathFactory, where: float, bit: int, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("store")
    Arrays(folder).save("a", (4, 3), in_parts)
    (path,) = folder.iterdir()
    whole = bytearray(path.read_bytes())
    position = int(where * len(whole))
    if cut:
        path.write_bytes(whole[:position])
    else:
        whole[position] ^= 1 << bit
        path.write_bytes(whole)
    found = Arrays(folder).load("a")
    # Some bits of the header say nothing about the values.
    assert found is None or (found.dtype == np.float32 and np.array_equal(found, ARRAY))
    np.testing.assert_array_equal(Arrays(folder).save("a", (4, 3), in_parts), ARRAY)
    assert Arrays(folder).load("a") is not None


def test_no_damaged_file_passes(tmp_path: Path) -> None:
    Arrays(tmp_path).save("a", (4, 3), in_parts)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    values = len(whole) - ARRAY.nbytes - 4
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        found = Arrays(tmp_path).load("a")
        # Some bytes of the header mean nothing.
        assert found is None or (position < values and np.array_equal(found, ARRAY)), position
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert Arrays(tmp_path).load("a") is None
        if length < len(whole) - 4:
            assert Arrays(tmp_path).load("a", checked=False) is None
    path.write_bytes(whole + b"x")
    assert Arrays(tmp_path).load("a") is None
    for start in range(5):
        path.write_bytes(bytes(0 if at % 5 == start else byte for at, byte in enumerate(whole)))
        assert Arrays(tmp_path).load("a") is None


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': True, 'shape': (4, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-4, -3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 12}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (6,)}",
        "{'descr': '>f4', 'fortran_order': False, 'shape': (4, 3)}",
        "{'descr': '|V0', 'fortran_order': False, 'shape': (10**12,)}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': 'junk', 'fortran_order': False, 'shape': (4, 3)}",
        "(" * 5000,
        "[" + "-" * 5000,
        "not Python",
    ],
)
def test_a_file_of_another_format_is_as_good_as_absent(tmp_path: Path, header: str) -> None:
    """Also where its checksum is right: anything may have written the file."""
    encoded = header.encode()
    content = b"\x93NUMPY\x01\0" + len(encoded).to_bytes(2, "little") + encoded
    content += ARRAY.tobytes()
    checksum = zlib.crc32(ARRAY.data, arrays._seed("a", (4, 3)))
    (tmp_path / "a.npy").write_bytes(content + checksum.to_bytes(4, "little"))
    assert Arrays(tmp_path).load("a") is None
    assert Arrays(tmp_path).load("a", checked=False) is None


def test_a_file_that_only_numpy_wrote_is_as_good_as_absent(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ARRAY)
    assert Arrays(tmp_path).load("a") is None


def test_numpy_can_read_the_file(tmp_path: Path) -> None:
    Arrays(tmp_path).save("a", (4, 3), in_parts)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), ARRAY)


def test_a_file_of_another_name_or_type_is_as_good_as_absent(tmp_path: Path) -> None:
    Arrays(tmp_path).save("a", (4, 3), in_parts)
    assert Arrays(tmp_path).load("a", np.uint8) is None
    (tmp_path / "a.npy").rename(tmp_path / "b.npy")
    assert Arrays(tmp_path).load("b") is None


def test_arrays_of_bytes_are_kept(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)
    for folder in (tmp_path, tmp_path / "a.npy" / "under a file"):
        found = Arrays(folder).save("a", pixels.shape, lambda: [pixels], np.uint8)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, pixels)
        with pytest.raises(ValueError, match="read-only"):
            found[0] = 1


def test_what_is_read_becomes_the_newest(tmp_path: Path) -> None:
    Arrays(tmp_path).save("a", (4, 3), in_parts)
    os.utime(tmp_path / "a.npy", (0, 0))
    assert Arrays(tmp_path).load("a") is not None
    assert (tmp_path / "a.npy").stat().st_mtime > 1e9


@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 200])
def test_a_file_of_something_else_is_as_good_as_absent(tmp_path: Path, content: bytes) -> None:
    Arrays(tmp_path).save("a", (4, 3), in_parts)
    (path,) = tmp_path.iterdir()
    path.write_bytes(content)
    assert Arrays(tmp_path).load("a") is None
    path.unlink()
    path.mkdir()
    assert Arrays(tmp_path).load("a") is None


# Folders that cannot be written.


def test_a_folder_that_cannot_be_written_is_no_obstacle(powerless_dir: Path) -> None:
    folder = powerless_dir / "cache"
    folder.mkdir(mode=0o500)
    for place in (folder, folder / "deeper"):
        begun: list[int] = []

        def parts(begun: list[int] = begun) -> Iterable[np.ndarray]:
            begun.append(1)
            return in_parts()

        np.testing.assert_array_equal(Arrays(place).save("a", (4, 3), parts), ARRAY)
        assert begun
        assert Arrays(place).load("a") is None


def test_a_file_where_the_folder_should_be_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("mine")
    store = Arrays(tmp_path / "cache")
    np.testing.assert_array_equal(store.save("a", (4, 3), in_parts), ARRAY)
    assert store.load("a") is None
    assert (tmp_path / "cache").read_text() == "mine"


def test_a_disk_that_fills_up_half_way_is_no_obstacle(tmp_path: Path) -> None:
    large = np.arange(100_000, dtype=np.float32).reshape(-1, 10)
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from tuilabel.data.arrays import Arrays\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "large = np.arange(100_000, dtype=np.float32).reshape(-1, 10)\n"
        "parts = lambda: (large[row : row + 100] for row in range(0, 10_000, 100))\n"
        "found = Arrays(Path(sys.argv[1])).save('a', large.shape, parts)\n"
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
        store = Arrays(tmp_path)

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
        "from tuilabel.data.arrays import Arrays\n"
        "def parts():\n"
        "    yield np.zeros((2, 3), dtype=np.float32)\n"
        "    os.kill(os.getpid(), 9)\n"
        "Arrays(Path(json.loads(sys.argv[1]))).save('a', (4, 3), parts)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(str(tmp_path))],
        check=False,
        cwd=Path(tuilabel.__file__).parent.parent,
        timeout=120,
    )
    assert done.returncode == -9
    assert Arrays(tmp_path).load("a") is None
    np.testing.assert_array_equal(Arrays(tmp_path).save("a", (4, 3), in_parts), ARRAY)


# Single files.


def test_a_failed_replacement_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")

    def fail_while_writing() -> None:
        with replacing(target) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_while_writing()
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert target.read_bytes() == b"old"


def test_only_what_was_abandoned_long_ago_is_removed(tmp_path: Path) -> None:
    for name in (".old.part", ".new.part", "old.part"):
        (tmp_path / name).touch()
    for name in (".old.part", "old.part"):
        os.utime(tmp_path / name, (0, 0))
    with replacing(tmp_path / "x"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new.part", "old.part", "x"]


def test_a_full_disk_names_the_cache_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(SourceError, match=r"cannot be written .*No space left"),
        replacing(tmp_path / "x"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_the_key_of_a_file_changes_with_its_content(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one")
    with path.open("rb") as file:
        before = cache_key_of_file(file)
    with path.open("rb") as file:
        assert cache_key_of_file(file) == before
    path.write_bytes(b"three")
    with path.open("rb") as file:
        assert cache_key_of_file(file) != before
