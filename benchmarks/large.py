"""Rank a million images in a memory map, and search neighbours in large pools: ``--mnist DIR``.

It times the ranking of generated images by a softmax in a process of its own, and prints the
memory of that process: its own, and pages of the mapped file, which the system may take back at
any time. Then it compares the approximate search for neighbours with the exact one, on features
of real images (the extra ``large``). Run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from round import clock, floor, print_head, print_machine, print_row
from threadpoolctl import threadpool_limits

from tuilabel.data import open_dataset
from tuilabel.learn.faiss_search import LISTS_PER_ROOT, PROBES, search_approximately
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.features import CHUNK_ROWS
from tuilabel.learn.graph import COMPONENTS, NEIGHBOURS, principal_components, search, usable_cores
from tuilabel.learn.models import warm_up
from tuilabel.learn.preparation import Images, prepare_features
from tuilabel.learn.rounds import run_round
from tuilabel.learn.store import MemoryStore

SIDE = 28
LABELS = 400
STRATEGIES = ("least-confident", "margin", "diverse-margin")
GOAL_SECONDS = 1.2
GOAL_BYTES = 2**30

LARGE = 200_000
QUERIES = 2000
"""Rows of the large pool for which the exact search runs too."""

MEMORY = {
    "VmHWM": "highest resident memory",
    "RssAnon": "resident memory at the end, its own",
    "RssFile": "resident memory at the end, mapped files",
}


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mnist", metavar="DIR", help="folder of the IDX files, for neighbours")
    parser.add_argument("--items", type=int, default=1_000_000, help="images (1,000,000)")
    parser.add_argument("--large", type=int, default=LARGE, help=f"rows to index ({LARGE:,})")
    parser.add_argument("--repeats", type=int, default=7, help="rankings of each kind (7)")
    parser.add_argument("--rank", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank is not None:
        with threadpool_limits(1):
            measure_ranking(arguments.rank, arguments.repeats)
        return

    print_machine(f"faiss {version('faiss-cpu')}")
    with tempfile.TemporaryDirectory(prefix="tuilabel-bench-") as name:
        make_images(Path(name) / "images.npy", arguments.items)
        command = [sys.executable, __file__, "--rank", f"{name}/images.npy"]
        subprocess.run([*command, "--repeats", str(arguments.repeats)], check=True)
    if arguments.mnist is not None:
        print()
        with threadpool_limits(1):
            measure_neighbours(real_rows(arguments.mnist), arguments.large)
    print(f"\nload at the end {os.getloadavg()[0]:.2f}")


# A million images.


def make_images(path: Path, items: int) -> None:
    """Write images of ten kinds of blurred strokes on a dark background, each with other noise."""
    needed, free = items * SIDE * SIDE, shutil.disk_usage(path.parent).free
    if free < 1.5 * needed:
        sys.exit(
            f"{path.parent} has {free / 2**20:,.0f} MB free, but {1.5 * needed / 2**20:,.0f} are "
            "needed: set TMPDIR to a folder with more space, or use fewer --items."
        )
    rng = np.random.default_rng(0)
    kinds = make_kinds(rng)
    array = np.lib.format.open_memmap(path, "w+", np.uint8, (items, SIDE, SIDE))
    for start in range(0, items, 20_000):
        chunk = array[start : start + 20_000]
        noise = rng.integers(0, 64, chunk.shape, dtype=np.uint8)
        chunk[:] = kinds[np.arange(start, start + len(chunk)) % len(kinds)] + noise
    array.flush()


def make_kinds(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return one blurred random walk for each of ten classes: (10, SIDE, SIDE), at most 191."""
    kinds = np.zeros((10, SIDE, SIDE))
    ys, xs = np.mgrid[:SIDE, :SIDE]
    for kind in kinds:
        y, x = rng.uniform(8, SIDE - 8, 2)
        for _ in range(20):
            kind += np.exp(-((ys - y) ** 2 + (xs - x) ** 2) / 4)
            y, x = np.clip(np.add((y, x), rng.normal(0, 2, 2)), 4, SIDE - 4)
    return np.asarray(np.minimum(kinds, 1) * 191, dtype=np.uint8)


def measure_ranking(path: Path, repeats: int) -> None:
    """Rank the images of a file; the first ranking, which maps its pages, has a row of its own."""
    warm_up()
    baseline = memory()
    pool = np.load(path, mmap_mode="r", allow_pickle=False)
    truth = np.arange(len(pool)) % 10
    rows = np.random.default_rng(0).choice(len(pool), LABELS, replace=False)

    def rank(strategy: str, repeat: int) -> tuple[float, float]:
        cpu = time.process_time()
        found = run_round(
            View(pixels(pool)),
            labelled=rows,
            labels=truth[rows],
            n_classes=10,
            excluded=rows[:0],
            model="softmax",
            strategy=strategy,
            limit=50,
            rng=np.random.default_rng(repeat),
        )
        return found.rank_seconds, time.process_time() - cpu

    print(
        f"\nranking {len(pool):,} x {SIDE * SIDE} uint8, memory-mapped ({pool.nbytes / 2**20:,.0f} "
        f"MB), softmax on raw, {LABELS} labels, chunks of {CHUNK_ROWS}; milliseconds"
    )
    print_head()
    print_row("first, margin", [rank("margin", 0)[0]])
    for strategy in STRATEGIES:
        seconds, cpus = zip(*(rank(strategy, repeat) for repeat in range(repeats)), strict=True)
        notes = [f"  CPU with fit {1000 * statistics.median(cpus):.0f}"]
        if baseline:
            notes.append(f"VmHWM so far {memory()['VmHWM'] / 2**20:,.0f} MB")
        if statistics.median(seconds) > GOAL_SECONDS:
            notes.append(f"over {GOAL_SECONDS:g} s")
        print_row(f"warm, {strategy}", seconds, ", ".join(notes))
    found = memory()
    for field, meaning in MEMORY.items():
        if field in found:
            print(
                f"{field}, {meaning}: {found[field] / 2**20:,.0f} MB "
                f"(before the file was opened {baseline[field] / 2**20:,.0f} MB)"
            )
    if found:
        verdict = "under" if found["VmHWM"] < GOAL_BYTES else "NOT under"
        print(f"{verdict} {GOAL_BYTES / 2**20:,.0f} MB at all times, with the pages of the file")

    flat = pool.reshape(len(pool), -1)
    print_row("for comparison: reading every byte once", clock(lambda: flat.max(), 3))
    weights, bias = np.ones((flat.shape[1], 10), np.float32), np.zeros(10, np.float32)
    print_row("  round.py's floor", clock(lambda: floor(flat, weights, bias, CHUNK_ROWS), 3))


def memory() -> dict[str, int]:
    """Return this process's memory in bytes, as Linux reports it; empty on other systems."""
    status = Path("/proc/self/status")
    if not status.exists():
        return {}
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return {field: int(fields[field].split()[0]) * 1024 for field in MEMORY}


# Neighbours.


def real_rows(mnist: str) -> NDArray[np.float32]:
    """Return the rows from which the label graph of MNIST's 60,000 images is built."""
    pool = open_dataset(f"mnist:{mnist}").pool
    features = prepare_features("deskew-hog", Images(pixels(pool), None), MemoryStore()).pool
    mean, basis = principal_components(View(pixels(features)))
    reduced: NDArray[np.float32] = (features - mean) @ basis
    return reduced


def measure_neighbours(rows: NDArray[np.float32], large: int) -> None:
    """Compare the approximate search with the exact one: recall and seconds."""
    import faiss

    cores = usable_cores()
    count = NEIGHBOURS + 1
    print(
        f"{NEIGHBOURS} neighbours (and the row itself) of every row, {COMPONENTS} components of "
        f"deskew-hog; lists: {LISTS_PER_ROOT} times the root of the rows, {PROBES} searched"
    )
    seconds, (_, exact) = timed(lambda: search(rows, rows, count, "neighbours"))
    print(f"{len(rows):,} real rows: exact on {cores} cores {seconds:.1f} s")
    for threads in sorted({1, cores}):
        faiss.omp_set_num_threads(threads)
        seconds, (_, found) = timed(lambda: approximate(rows, count))
        print(
            f"{len(rows):,} real rows: faiss on {threads} of {cores} cores {seconds:.1f} s, "
            f"recall {recall(exact, found, np.arange(len(rows))):.4f}"
        )

    between = rows_between(rows, exact, large)
    drawn = np.random.default_rng(1).choice(len(between), min(QUERIES, len(between)), False)
    _, exact = search(between, between[drawn], count, "neighbours")
    for threads in sorted({1, cores}):
        faiss.omp_set_num_threads(threads)
        seconds, (_, found) = timed(lambda: approximate(between, count))
        share = recall(exact, found[drawn], drawn)
        print(
            f"{len(between):,} rows between neighbours: faiss on {threads} of {cores} cores "
            f"{seconds:.1f} s, recall of {len(drawn):,} of them {share:.4f}"
        )


def approximate(rows: NDArray[np.float32], count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Search as the label graph does."""
    return search_approximately(rows, count, np.random.default_rng(0))


def rows_between(
    rows: NDArray[np.float32], nearest: NDArray[np.intp], size: int
) -> NDArray[np.float32]:
    """Draw rows between real ones and one of their neighbours, as dense as in a larger pool."""
    rng = np.random.default_rng(0)
    ends = rng.integers(0, len(rows), size)
    others = nearest[ends, rng.integers(1, nearest.shape[1], size)]
    share = rng.random((size, 1), dtype=np.float32)
    between: NDArray[np.float32] = rows[ends] * (1 - share) + rows[others] * share
    return between


def recall(exact: NDArray[np.intp], found: NDArray[np.intp], own: NDArray[np.intp]) -> float:
    """Return the share of exact neighbours that were found, not counting the rows themselves."""
    shares = []
    for row, true, some in zip(own.tolist(), exact.tolist(), found.tolist(), strict=True):
        wanted = set(true) - {row}
        shares.append(len(wanted.intersection(some)) / len(wanted))
    return float(np.mean(shares))


def timed(call: Any) -> tuple[float, Any]:
    """Return the seconds that a call took, and its result."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main()
