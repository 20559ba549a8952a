"""Measure the cache of a folder: `python benchmarks/cache.py [FILES]`.

Each number is the median of five runs in one process, with the operating system's own file cache
warm. The collector of garbage is off, as it is until the first image is on the screen.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from round import print_machine

from tuilabel.data.arrays import Arrays
from tuilabel.data.file_cache import FileCache, FileKey
from tuilabel.data.images import ReducedImage

RUNS = 5
FILES = 100_000
AT_ONCE = 4000


def show(name: str, work: Callable[[], object]) -> None:
    """Print the median time of some work."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    print(f"  {name:<20}{statistics.median(times):9.2f}")


def fill(folder: Path, count: int) -> None:
    """Cache so many images of 28x28."""
    rng = np.random.default_rng(0)
    thumbnail = rng.integers(0, 256, (28, 28), dtype=np.uint8)
    letterbox = rng.integers(0, 256, (32, 32), dtype=np.uint8)
    cache = FileCache(folder, "name", "v1")
    start = time.perf_counter()
    for first in range(0, count, AT_ONCE):
        cache.add(
            (
                FileKey(f"photos/{row // 1000:03}/image-{row:06}.png", 800 + row, row, row),
                ReducedImage(rng.bytes(16), thumbnail, letterbox, 1),
            )
            for row in range(first, min(first + AT_ONCE, count))
        )
    print(f"  {'add all':<20}{1000 * (time.perf_counter() - start):9.2f}")
    cache.close()


def main() -> None:
    """Print the times."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    print_machine()
    gc.disable()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{count:,} files; milliseconds")
        fill(folder / "folders", count)
        size = sum(path.stat().st_size for path in (folder / "folders").iterdir())
        print(f"  {'MB on disk':<20}{size / 1e6:9.1f}")
        show("open", lambda: open_and_close(folder))
        cache = FileCache(folder / "folders", "name", "v1")
        keys = list(cache.known())
        living = frozenset(keys)
        show("all entries", cache.known)
        show("1 picture", lambda: cache.pictures(keys[:1], None))
        show("1,000 pictures", lambda: cache.pictures(keys[:1000], None))
        show("forget none", lambda: cache.forget(living))
        values = np.zeros((count, 784), dtype=np.float32)
        print(f"an array of {count:,} x 784; milliseconds")
        arrays = Arrays(folder / "features")
        show("save", lambda: arrays.save("a", values.shape, lambda: [values]))
        show("load", lambda: arrays.load("a"))


def open_and_close(folder: Path) -> None:
    """Open the cache of a start, and close it."""
    FileCache(folder / "folders", "name", "v1").close()


if __name__ == "__main__":
    main()
