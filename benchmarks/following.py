"""Measure label keys beside a mirror of a large session, and without one: run by run in turn.

A key is timed from the write to the last byte of its repaint. Keys that were pressed while the
mirror was being written are printed on their own. Run it on an otherwise idle machine:
``python -m benchmarks.following``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.exchange import make_session
from benchmarks.terminal import table
from benchmarks.terminal.bench import Bench
from benchmarks.terminal.program import Repaint
from tuilabel.data import open_dataset

UNLABELLED = 2000
PAUSE = 0.2
"""Seconds between two keys: about the pace of a person."""


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--labels", type=int, default=100_000, help="labels (100,000)")
    parser.add_argument("--runs", type=int, default=4, help="runs with, and as many without (4)")
    parser.add_argument("--keys", type=int, default=60, help="keys in a run (60)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tuilabel-bench-") as name:
        folder = Path(name)
        bench = Bench(folder, None, options.runs)
        source = folder / "many.npz"
        rng = np.random.default_rng(0)
        count = options.labels + UNLABELLED
        np.savez(source, images=rng.integers(0, 256, (count, 8, 8), dtype=np.uint8))
        dataset = open_dataset(str(source), classes=["a", "b"], cache_dir=folder / "opened")
        session = folder / "many.tuilabel"
        items = [(dataset.ids[row], f"many[{row}]") for row in range(options.labels)]
        make_session(session, dataset.source, items)
        table.print_machine(f"{count:,} arrays of 8x8, {options.labels:,} labels")
        measure(bench, session, str(source), options.keys)
        print(f"\nload at the end {os.getloadavg()[0]:.2f}")


def measure(bench: Bench, session: Path, source: str, keys: int) -> None:
    """Press keys with a mirror and without one, in turn, and print their times."""
    folder = bench.folder / "mirror"
    folder.mkdir()
    mirror = folder / "labels.csv"
    with_mirror = ("--mirror", str(mirror))
    found: dict[tuple[str, ...], list[Repaint]] = {(): [], with_mirror: []}
    during: list[Repaint] = []
    written = 0
    for _ in range(bench.runs):
        for arguments, repaints in found.items():
            # No fit comes between these keys.
            more = ("--model", "softmax", "--features", "raw", "--batch-size", "1000", *arguments)
            program = bench.open(session, *more, source=source)
            mark = None
            for place in range(keys):
                is_written = bool(list(folder.glob(".tuilabel-*")))
                repaints.append(program.press(str(place % 10)))
                if is_written:
                    during.append(repaints[-1])
                if arguments and mirror.exists():
                    written += mark is not None and mark != mirror.stat().st_mtime_ns
                    mark = mirror.stat().st_mtime_ns
                program.read(PAUSE, first=PAUSE)
            program.end()
            while list(folder.glob(".tuilabel-*")):  # the last state is being written
                time.sleep(1)
    table.times("label key without a mirror", found[()])
    table.times("label key beside a mirror", found[with_mirror])
    if during:
        table.times("  while it was being written", during)
    table.note(f"written {written} times between two keys; {mirror.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
