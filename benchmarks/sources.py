"""Measure how long it takes to open each kind of source: `python -m benchmarks.sources`.

Cold means with an empty cache (the operating system's own file cache stays warm), warm with the
cache of an earlier opening. Every number is the median of five runs in fresh processes, without
the start of Python and the import of numpy.

With ``--files N`` a folder of so many PNGs of 28x28 is made, and measured on a pseudo-terminal: the
time from the start of the program to the first image, cold and warm, and to read all files.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.round import print_machine
from benchmarks.terminal.program import Program

RUNS = 5
PICTURES = 500
REPOSITORY = Path(__file__).resolve().parent.parent

MEASURE = """
import sys, time
from pathlib import Path
import numpy
start = time.perf_counter()
from tuilabel.data import open_dataset
imported = time.perf_counter()
classes = sys.argv[3].split(",") if sys.argv[3] else None
dataset = open_dataset(sys.argv[1], cache_dir=Path(sys.argv[2]), classes=classes)
done = time.perf_counter()
dataset.image(0)
print((imported - start) * 1000, (done - imported) * 1000, len(dataset))
"""


def measure(source: str, cache: Path, classes: str) -> tuple[float, float, int]:
    """Open a source in a fresh process; return the ms of import and opening, and the items."""
    printed = subprocess.run(
        [sys.executable, "-c", MEASURE, source, str(cache), classes],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
    ).stdout.split()
    return float(printed[0]), float(printed[1]), int(printed[2])


def report(name: str, source: str, classes: str = "") -> None:
    """Print the medians of a source, cold and warm."""
    for state in ("cold", "warm"):
        imports, opens, items = [], [], 0
        with tempfile.TemporaryDirectory() as shared:
            if state == "warm":
                measure(source, Path(shared), classes)
            for run in range(RUNS):
                cache = Path(shared) / (f"run{run}" if state == "cold" else "")
                imported, opened, items = measure(source, cache, classes)
                imports.append(imported)
                opens.append(opened)
        print(
            f"{name:<24} {state}  {statistics.median(opens):8.1f} ms"
            f"  ({min(opens):.1f} to {max(opens):.1f}; import {statistics.median(imports):.1f} ms)"
            f"  {items} items"
        )


def make_pictures(folder: Path) -> None:
    """Write PNGs of 640x480 that compress about as well as photographs."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        coarse.resize((640, 480)).save(folder / f"picture{number}.png", compress_level=1)


READ_ALL = """
import sys, time
from pathlib import Path
from tuilabel.data.folder import list_folder, read_all
start = time.perf_counter()
items = list_folder(Path(sys.argv[1]), cache_dir=Path(sys.argv[2]), classes=["a", "b"], seed=0)
listed = time.perf_counter()
read_all(items)
print(listed - start, time.perf_counter() - listed)
"""


def make_small(folder: Path, count: int) -> None:
    """Write PNGs of 28x28, a thousand to a folder."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(count):
        place = folder / f"{number // 1000:03}"
        place.mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, (28, 28), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png", compress_level=1)


def first_image(folder: Path, home: Path) -> tuple[float, int]:
    """Return the seconds to the first image on a terminal, and megabytes of the program then."""
    names = {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CONFIG", "DATA", "CACHE", "STATE")}
    env = {**os.environ, **names, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm-256color"}
    session = home / f"{len(list(home.iterdir()))}.tuilabel"
    command = [sys.executable, "-m", "tuilabel", str(folder), "--classes", "cat,dog"]
    program = Program([*command, "--session", str(session)], env)
    last = program.read_until("1 of 10")
    found = last - program.started, int(program.megabytes()["Rss"])
    program.end()
    return found


def report_files(count: int) -> None:
    """Print what a folder of many files takes."""
    with tempfile.TemporaryDirectory() as name:
        folder, home = Path(name) / "images", Path(name) / "home"
        folder.mkdir()
        make_small(folder, count)
        cold = []
        for run in range(RUNS):
            (home / str(run)).mkdir(parents=True)
            cold.append(first_image(folder, home / str(run)))
        print(f"{count:,} PNGs of 28x28 on a terminal, medians of {RUNS}; page cache warm")
        print_first("cold", cold)
        cache = home / "0" / "CACHE" / "tuilabel"
        command = [sys.executable, "-c", READ_ALL, str(folder), str(home / "all")]
        env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        printed = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
        listed, read = map(float, printed.stdout.split())
        print(f"  list {listed:.2f} s, read all {read:.1f} s, with an empty cache")
        shutil.rmtree(cache)
        cache.parent.mkdir(exist_ok=True)
        (home / "all").rename(cache)
        print_first("warm", [first_image(folder, home / "0") for _ in range(RUNS)])


def print_first(state: str, found: list[tuple[float, int]]) -> None:
    """Print the time to the first image."""
    seconds, megabytes = zip(*found, strict=True)
    print(
        f"  first image, {state}  {statistics.median(seconds):.2f} s "
        f"({min(seconds):.2f} to {max(seconds):.2f}), {statistics.median(megabytes):.0f} MB"
    )


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mnist", type=Path, metavar="DIR", help="folder of the IDX files")
    parser.add_argument("--files", type=int, metavar="N", help="a folder of N small PNGs, only")
    options = parser.parse_args()
    print_machine()
    if options.files is not None:
        report_files(options.files)
        return
    print(f"medians of {RUNS} (smallest to largest)")
    report("digits", "digits")
    if options.mnist is not None:
        report("mnist, 70,000 images", f"mnist:{options.mnist}")
    with tempfile.TemporaryDirectory() as folder:
        make_pictures(Path(folder))
        report(f"folder of {PICTURES} PNGs", folder, classes="cat,dog")


if __name__ == "__main__":
    main()
