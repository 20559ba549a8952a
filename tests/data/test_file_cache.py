"""What was read of files is found again as it was, or not at all."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import tuilabel
from tuilabel.data import file_cache
from tuilabel.data.file_cache import SUFFIX, Failure, FileCache, FileKey, Known
from tuilabel.data.images import ReducedImage, letterbox
from tuilabel.data.window import Window

WINDOW = Window(0.5, 1000.0)
Read = tuple[FileKey, ReducedImage | Failure]


def key_of(path: str, time: int = 1) -> FileKey:
    return FileKey(path, 100, time, time + 1)


def read_of(path: str, shape: tuple[int, ...] = (9, 7), window: Window | None = None) -> Read:
    rng = np.random.default_rng(list(path.encode("utf-8", "surrogatepass")))
    thumbnail = rng.integers(0, 256, shape, dtype=np.uint8)
    reduced = ReducedImage(
        rng.bytes(16), thumbnail, letterbox(thumbnail), 2, window, pixel_hash=rng.bytes(16)
    )
    return key_of(path), reduced


SOME = [
    read_of("a/1.png"),
    read_of("b \udcff\n'.png", (96, 5, 3)),
    read_of("deep.tif", (12, 12), WINDOW),
    (key_of("text.txt"), Failure("text, not an image")),
    (key_of("cut.png"), Failure("PNG image, cut short", bytes(range(16)))),
]


def check(cache: FileCache, read: list[Read] = SOME, *, whole: bool = True) -> None:
    """Check that a cache has what was read, or if not `whole` at least nothing else."""
    known = cache.known()
    expected = {}
    for file, result in read:
        if isinstance(result, Failure):
            expected[file] = Known(result.digest, 0, 0, 0, 0, False, result.reason)
        else:
            height, width, *channels = result.thumbnail.shape
            expected[file] = Known(
                result.digest,
                height,
                width,
                *(channels or [1]),
                result.frames,
                result.window is not None,
                None,
                pixel_hash=result.pixel_hash,
            )
    assert known == expected if whole else known.items() <= expected.items()
    for (_, result), pair in zip(
        read, cache.pictures([file for file, _ in read], WINDOW), strict=True
    ):
        if pair is not None:
            assert isinstance(result, ReducedImage)
            np.testing.assert_array_equal(pair[0], result.thumbnail)
            np.testing.assert_array_equal(pair[1], result.letterbox)
        else:
            assert isinstance(result, Failure) or not whole


def kept(folder: Path, read: list[Read] = SOME, version: str = "v1") -> Path:
    """Keep what was read, and return the file."""
    cache = FileCache(folder, "name", version)
    cache.add(read)
    assert cache.problem is None
    cache.close()
    (file,) = folder.iterdir()
    return file


def test_what_was_read_is_found_by_the_next_one(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "cache"
    file = kept(folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    cache = FileCache(folder, "name", "v1")
    check(cache)
    assert cache.problem is None
    assert FileCache(folder, "other", "v1").known() == {}


def test_without_a_folder_all_is_in_memory() -> None:
    cache = FileCache(None, "name", "v1")
    assert cache.known() == {}
    cache.add(SOME)
    check(cache)
    cache.forget([file for file, _ in SOME[:2]])
    check(cache, SOME[:2])
    cache.close()
    assert cache.problem is None


def test_a_file_that_changed_is_another_one(tmp_path: Path) -> None:
    kept(tmp_path)
    cache = FileCache(tmp_path, "name", "v1")
    changed = [key_of("a/1.png", 5), key_of("no.png"), FileKey("a/1.png", 100, 10**40, 0)]
    assert cache.pictures(changed, WINDOW) == [None, None, None]
    cache.add([(changed[0], SOME[0][1]), (changed[2], SOME[0][1])])
    assert cache.known().keys() >= {file for file, _ in SOME} | {changed[0]}
    # No number so large can be kept.
    assert changed[2] not in cache.known()


def test_a_deep_image_has_pictures_for_each_window(tmp_path: Path) -> None:
    file, first = SOME[2]
    assert isinstance(first, ReducedImage)
    wide = Window(0.0, 65535.0)
    second = ReducedImage(
        first.digest, first.thumbnail // 2, first.letterbox // 2, first.frames, wide
    )
    kept(tmp_path, [(file, first)])
    cache = FileCache(tmp_path, "name", "v1")
    cache.add([(file, second)])
    for window, expected in ((WINDOW, first), (wide, second)):
        (pair,) = cache.pictures([file], window)
        assert pair is not None
        np.testing.assert_array_equal(pair[0], expected.thumbnail)
    assert cache.pictures([file], None) == [None]
    assert cache.pictures([file], Window(0.0, 1.0)) == [None]


def test_another_decoder_tries_failures_again(tmp_path: Path) -> None:
    kept(tmp_path)
    images = [(file, result) for file, result in SOME if isinstance(result, ReducedImage)]
    cache = FileCache(tmp_path, "name", "v2")
    check(cache, images)
    cache.add([SOME[3]])
    check(cache, [*images, SOME[3]])


def test_files_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    kept(tmp_path)
    cache = FileCache(tmp_path, "name", "v1")
    cache.forget([file for file, _ in SOME[:3]])
    check(cache, SOME[:3])
    cache.close()
    check(FileCache(tmp_path, "name", "v1"), SOME[:3])


def test_parts_are_apart_from_their_file_and_forgotten_with_it(tmp_path: Path) -> None:
    read = [
        (file._replace(part=part), read_of(f"{file.path}{part}")[1])
        for file in (key_of("a.gif"), key_of("b.gif", 7))
        for part in ("", "frame=2", "xywh=percent:0,1.5,2,3")
    ]
    kept(tmp_path, read)
    cache = FileCache(tmp_path, "name", "v1")
    check(cache, read)
    cache.forget([key_of("a.gif")])
    check(cache, read[:3])
    cache.close()


def test_many_files_are_asked_for_at_once(tmp_path: Path) -> None:
    read = [read_of(f"{number}.png", (3, 2)) for number in range(1500)]
    kept(tmp_path, read)
    check(FileCache(tmp_path, "name", "v1"), read)


# Damage.


def damaged_in(tmp_path: Path, content: bytes) -> FileCache:
    """Open a cache with this content, check it, and check that it can be used."""
    file = tmp_path / f"name.0{SUFFIX}"
    for path in tmp_path.iterdir():
        path.unlink()
    file.write_bytes(content)
    cache = FileCache(tmp_path, "name", "v1")
    check(cache, whole=False)
    cache.add(SOME)
    # Reading may be the first to come across the damage, and begins an empty file.
    check(cache, whole=False)
    cache.add(SOME)
    check(cache)
    cache.forget([key for key, _ in SOME])
    cache.close()
    check(FileCache(tmp_path, "name", "v1"))
    assert cache.problem is None
    return cache


def test_no_damage_is_read(tmp_path: Path) -> None:
    whole = kept(tmp_path).read_bytes()
    used = [place for place in range(0, len(whole), 5) if whole[place]]
    # Some of them: the header, the tree, the keys and the pictures are all among them.
    for place in [*used[:20], *used[20::7]]:
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        damaged_in(tmp_path, content)


def test_a_file_with_every_fifth_byte_changed_is_made_again(tmp_path: Path) -> None:
    whole = kept(tmp_path).read_bytes()
    for start in (0, 20, 100, 4096, 4096 + 8, 3 * 4096):
        content = bytearray(whole)
        for place in range(start, len(whole), 5):
            content[place] ^= 0xFF
        damaged_in(tmp_path, content)


def test_a_file_cut_short_is_made_again(tmp_path: Path) -> None:
    whole = kept(tmp_path).read_bytes()
    for length in (0, 1, 15, 16, 99, 100, 4095, 4096, 5000, 3 * 4096, len(whole) - 4096):
        damaged_in(tmp_path, whole[:length])


def test_something_else_is_replaced(tmp_path: Path) -> None:
    file = kept(tmp_path)
    other = tmp_path / "other"
    for statements in (
        ["CREATE TABLE mine (a)"],
        [*file_cache._SCHEMA, "CREATE TABLE more (a)"],
        [*file_cache._SCHEMA, "CREATE TRIGGER t AFTER INSERT ON files2 BEGIN SELECT 1; END"],
        [*file_cache._SCHEMA[1:], "CREATE VIEW files2 AS SELECT 1 AS key, 2 AS entry"],
        [file_cache._SCHEMA[0].replace("entry", "entry2"), file_cache._SCHEMA[1]],
    ):
        database = sqlite3.connect(other)
        for statement in statements:
            database.execute(statement)
        database.close()
        content = other.read_bytes()
        other.unlink()
        damaged_in(tmp_path, content)
    for content in (b"hello", bytes(10_000), b"SQLite format 3\0", file.name.encode() * 1000):
        damaged_in(tmp_path, content)


def test_values_of_other_types_and_sizes_are_not_used(tmp_path: Path) -> None:
    """Also where their checksums are right: anything may have written the file."""
    file = kept(tmp_path)
    database = sqlite3.connect(file)
    key = file_cache._key_of(SOME[0][0])
    sealed = file_cache._sealed
    for value in (None, 1, 2.5, "text", b"", b"x", sealed(b"", key), bytes(2**17 + 1)):
        database.execute("UPDATE files2 SET entry = ?", (value,))
        database.commit()
        assert FileCache(tmp_path, "name", "v1").known() == {}
    folder = tmp_path / "other"
    database = sqlite3.connect(kept(folder))
    for name in (b"\xff\xfe", b"", "text", 1):
        entry = sealed(bytes(file_cache._ENTRY.size), name if isinstance(name, bytes) else b"")
        database.execute("INSERT INTO files2 VALUES (?, ?)", (name, entry))
    pixels = bytes(2 * (96 * 96 + 32 * 32) * 3)
    for shape in ((0, 1, 1), (1, 0, 1), (97, 1, 1), (255, 255, 3), (9, 7, 2), (9, 7, 0), (9, 9, 3)):
        for content in (bytes(shape), bytes(shape) + pixels, bytes(shape) + pixels[:1087]):
            pair = sealed(content, key)
            database.execute("UPDATE pictures1 SET pair = ? WHERE key = ?", (pair, key))
            database.commit()
            assert FileCache(folder, "name", "v1").pictures([SOME[0][0]], None) == [None]
    check(FileCache(folder, "name", "v1"), whole=False)


def test_a_picture_of_another_file_is_not_used(tmp_path: Path) -> None:
    database = sqlite3.connect(kept(tmp_path))
    first, second = (file_cache._key_of(file) for file, _ in SOME[:2])
    for table in ("files2", "pictures1"):
        database.execute(f"DELETE FROM {table} WHERE key = ?", (second,))
        database.execute(f"UPDATE {table} SET key = ? WHERE key = ?", (second, first))
    database.commit()
    check(FileCache(tmp_path, "name", "v1"), whole=False)


# Places that cannot be written.


def test_a_folder_that_cannot_be_written_is_no_obstacle(powerless_dir: Path) -> None:
    (powerless_dir / "file").touch()
    (powerless_dir / "closed").mkdir(mode=0o500)
    for folder in (
        powerless_dir / "closed",
        powerless_dir / "closed" / "in",
        powerless_dir / "file",
    ):
        cache = FileCache(folder, "name", "v1")
        assert cache.problem is not None
        assert cache.problem.startswith(f"The cache folder {folder} cannot be used (")
        cache.add(SOME)
        check(cache)
        cache.close()


def test_a_folder_on_a_network_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_cache, "file_system_type", lambda path: "nfs4")
    cache = FileCache(tmp_path / "cache", "name", "v1")
    cache.add(SOME)
    check(cache)
    cache.close()
    assert not (tmp_path / "cache").exists()
    assert cache.problem is not None
    assert "(it is on nfs4, which has no reliable locks)" in cache.problem


def test_what_lies_in_the_place_of_the_file_is_no_obstacle(tmp_path: Path) -> None:
    path, other = tmp_path / f"name.0{SUFFIX}", tmp_path / "other"
    for make in (path.mkdir, partial(os.mkfifo, path), partial(path.symlink_to, other)):
        make()
        cache = FileCache(tmp_path, "name", "v1")
        cache.add(SOME)
        check(cache)
        assert cache.problem is not None
        path.rmdir() if path.is_dir() else path.unlink()
    assert list(tmp_path.iterdir()) == []


@contextmanager
def no_file_grows() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_in_the_middle_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = [read_of(f"{number}.png", (96, 96, 3)) for number in range(20)]
    cache = FileCache(tmp_path, "name", "v1")
    cache.add(SOME)
    with no_file_grows():
        cache.add(more)
        assert cache.problem is not None
        assert cache.problem.endswith("Until then every start reads all files again.")
        check(cache, [*SOME, *more])
        # In memory the oldest pictures are dropped, and all else stays known.
        monkeypatch.setattr(file_cache, "_MEMORY", 200_000)
        last = [read_of(f"last {number}.png", (96, 96, 3)) for number in range(2)]
        cache.add(last)
        assert len(cache.known()) == len([*SOME, *more, *last])
        found = cache.pictures([file for file, _ in [*SOME[:3], *more, *last]], WINDOW)
        assert [pair is not None for pair in found] == [True] * 3 + [False] * 16 + [True] * 6
        cache.close()
    check(FileCache(tmp_path, "name", "v1"), SOME)


def test_a_small_file_system_is_no_obstacle(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from test_file_cache import *\n"
        "folder = Path(sys.argv[1])\n"
        "read = [read_of(f'{number}.png', (96, 96, 3)) for number in range(40)]\n"
        "cache = FileCache(folder, 'name', 'v1')\n"
        "for one in read:\n"
        "    cache.add([one])\n"
        "check(cache, read)\n"
        "cache.close()\n"
        "assert 'full' in cache.problem, cache.problem\n"
        "cache = FileCache(folder, 'name', 'v1')\n"
        "check(cache, read, whole=False)\n"
        "cache.add(read)\n"
        "check(cache, read)\n"
        "print('done')\n"
    )
    here = Path(__file__).parent
    done = subprocess.run(
        [
            *("unshare", "--mount", "sh", "-c"),
            'mount -t tmpfs -o size=400k small "$1" || exit 77; exec "$2" -c "$3" "$1"',
            *("sh", str(tmp_path), sys.executable, code),
        ],
        env={**os.environ, "PYTHONPATH": f"{here}:{Path(tuilabel.__file__).parent.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77 or done.stderr.startswith("unshare"):
        pytest.skip(f"no file system can be mounted ({done.stderr.strip()})")
    assert done.stdout == "done\n", done.stderr


# Several processes at once.


def test_processes_share_a_cache(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from test_file_cache import *\n"
        "cache = FileCache(Path(sys.argv[1]), 'name', 'v1')\n"
        "input()\n"
        "for number in range(50):\n"
        "    cache.add([read_of(f'{sys.argv[2]} {number}.png')])\n"
        "    check(cache, [read_of(f'{sys.argv[2]} {done}.png') for done in range(number + 1)]\n"
        "        + [read_of(f'{sys.argv[3]} {any}.png') for any in range(50)], whole=False)\n"
        "cache.close()\n"
        "assert cache.problem is None, cache.problem\n"
        "print('done')\n"
    )
    here = Path(__file__).parent
    FileCache(tmp_path, "name", "v1").close()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), *names],
            env={**os.environ, "PYTHONPATH": f"{here}:{Path(tuilabel.__file__).parent.parent}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for names in (("one", "two"), ("two", "one"))
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in processes] == ["done\n", "done\n"]
    read = [read_of(f"{name} {number}.png") for name in ("one", "two") for number in range(50)]
    check(FileCache(tmp_path, "name", "v1"), read)


def test_processes_that_begin_a_cache_at_once_do_no_harm(tmp_path: Path) -> None:
    caches: list[FileCache] = []
    started = threading.Barrier(6)

    def begin(number: int) -> None:
        started.wait(30)
        cache = FileCache(tmp_path, "name", "v1")
        cache.add([read_of(f"{number}.png")])
        caches.append(cache)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [cache.problem for cache in caches] == [None] * 6
    for cache in caches:
        cache.close()
    check(FileCache(tmp_path, "name", "v1"), [read_of(f"{n}.png") for n in range(6)], whole=False)


def test_a_locked_file_is_done_without(tmp_path: Path) -> None:
    file = kept(tmp_path, SOME[:2])
    cache = FileCache(tmp_path, "name", "v1")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache.add(SOME[2:4])
    check(cache, SOME[:4])
    assert cache.problem is None
    other.execute("ROLLBACK")
    # The next writing takes along what could not be written before.
    cache.add(SOME[4:])
    check(FileCache(tmp_path, "name", "v1"))
    other.execute("BEGIN IMMEDIATE")
    cache.add([read_of("late.png")])
    other.execute("ROLLBACK")
    cache.close()
    check(FileCache(tmp_path, "name", "v1"), [*SOME, read_of("late.png")])


def test_a_file_locked_from_the_start_is_done_without(tmp_path: Path) -> None:
    file = kept(tmp_path, SOME[:2])
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    cache = FileCache(tmp_path, "name", "v1")
    assert cache.problem is not None
    assert "(database is locked)" in cache.problem
    cache.add(SOME)
    check(cache)
    cache.close()
    other.execute("ROLLBACK")
    other.close()
    check(FileCache(tmp_path, "name", "v1"), SOME[:2])


def test_a_file_that_is_removed_while_it_is_used_is_no_obstacle(tmp_path: Path) -> None:
    file = kept(tmp_path, SOME[:2])
    cache = FileCache(tmp_path, "name", "v1")
    file_cache.remove(file)
    assert list(tmp_path.iterdir()) == []
    after = FileCache(tmp_path, "name", "v1")
    after.add(SOME[3:])
    cache.add(SOME[2:3])
    check(cache, SOME[:3])
    cache.close()
    after.add(SOME[:1])
    check(after, [SOME[0], *SOME[3:]])
    after.close()
    check(FileCache(tmp_path, "name", "v1"), [SOME[0], *SOME[3:]])
    assert after.problem is None


def test_one_thread_may_add_while_another_reads(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, "name", "v1")
    read = [read_of(f"{number}.png") for number in range(300)]

    def add() -> None:
        for start in range(0, 300, 10):
            cache.add(read[start : start + 10])

    thread = threading.Thread(target=add)
    thread.start()
    while thread.is_alive():
        check(cache, read, whole=False)
    thread.join()
    check(cache, read)
    assert cache.problem is None


def test_a_process_killed_in_the_middle_leaves_what_it_added_before(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from test_file_cache import *\n"
        "def read():\n"
        "    yield SOME[2]\n"
        "    os.kill(os.getpid(), 9)\n"
        "cache = FileCache(Path(sys.argv[1]), 'name', 'v1')\n"
        "cache.add(SOME[:2])\n"
        "cache.add(read())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={
            **os.environ,
            "PYTHONPATH": f"{Path(__file__).parent}:{Path(tuilabel.__file__).parent.parent}",
        },
        check=False,
    )
    assert done.returncode == -9
    check(FileCache(tmp_path, "name", "v1"), SOME[:2])
