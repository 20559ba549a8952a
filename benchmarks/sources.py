"""Measure how long it takes to open each kind of source: `python benchmarks/sources.py`.

Cold means with an empty cache (the operating system's own file cache stays warm), warm with the
cache of an earlier opening. Every number is the median of five runs in fresh processes, without
the start of Python and the import of numpy.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from round import print_machine

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


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mnist", type=Path, metavar="DIR", help="folder of the IDX files")
    options = parser.parse_args()
    print_machine()
    print(f"medians of {RUNS} (smallest to largest)")
    report("digits", "digits")
    if options.mnist is not None:
        report("mnist, 70,000 images", f"mnist:{options.mnist}")
    with tempfile.TemporaryDirectory() as folder:
        make_pictures(Path(folder))
        report(f"folder of {PICTURES} PNGs", folder, classes="cat,dog")


if __name__ == "__main__":
    main()
