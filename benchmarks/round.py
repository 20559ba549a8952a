"""Seconds of a round on MNIST, in the child process as the app runs it: ``--mnist DIR``.

Prints medians, and the fastest and slowest, of a fit, the ranking of the whole pool and the
accuracy on the hold-out; beside them what the ranking's matrix product costs at least, and the
cold start by k-means. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sklearn
from numpy.typing import NDArray
from threadpoolctl import threadpool_info, threadpool_limits

import tuilabel
from tuilabel.data import Dataset, as_array_file, open_dataset
from tuilabel.learn.features import CHUNK_ROWS, unit_rows
from tuilabel.learn.names import MODEL_NAMES
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished
from tuilabel.trainer import (
    OpenPool,
    Trainer,
    TrainerEvent,
)

RANKED = 50
BATCH = 10


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mnist", required=True, metavar="DIR", help="folder of the IDX files")
    parser.add_argument("--labels", type=int, default=200, help="labels to fit to (200)")
    parser.add_argument("--repeats", type=int, default=9, help="rounds of each kind (9)")
    arguments = parser.parse_args()

    dataset = open_dataset(f"mnist:{arguments.mnist}")
    print_machine()
    print(
        f"pool of {len(dataset)} items, {arguments.labels} labels, hold-out of "
        f"{0 if dataset.holdout is None else len(dataset.holdout)}, {arguments.repeats} repeats; "
        "milliseconds\n"
    )
    print(f"{'':44}{'median':>9}{'fastest':>9}{'slowest':>9}")
    asyncio.run(measure_child(dataset, arguments.labels, arguments.repeats))
    with threadpool_limits(1):
        print_row("floor: pool to float32 times (784, 10)", floor(dataset, arguments.repeats))


async def measure_child(dataset: Dataset, labels: int, repeats: int) -> None:
    """Measure whole rounds from request to answer, and what the child says of their parts."""
    answers: asyncio.Queue[TrainerEvent] = asyncio.Queue()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        held = dataset.holdout
        trainer = Trainer(
            OpenPool(
                pool=as_array_file(dataset.pool, folder),
                n_classes=len(dataset.class_names),
                holdout=None if held is None else as_array_file(held.images, folder),
                holdout_truth=None if held is None else as_array_file(held.truth, folder),
            ),
            on_event=answers.put_nowait,
            log_path=folder / "trainer.log",
        )
        started = time.perf_counter()
        trainer.start()
        try:
            trainer.submit(ColdStart(0, "random", (), BATCH, (0,)))
            await answers.get()
            print_row("start of the child, imports, first answer", [time.perf_counter() - started])
            for model in MODEL_NAMES:
                await measure_rounds(trainer, answers, dataset, model, labels, repeats)
            await measure_cold_starts(trainer, answers, repeats)
        finally:
            await trainer.stop()


async def measure_rounds(
    trainer: Trainer,
    answers: asyncio.Queue[TrainerEvent],
    dataset: Dataset,
    model: str,
    labels: int,
    repeats: int,
) -> None:
    """Fit to random labels, another draw each time; the first round is not counted."""
    assert dataset.truth is not None
    totals, fits, ranks, rests, accuracies = [], [], [], [], []
    for repeat in range(repeats + 1):
        rows = np.random.default_rng(repeat).choice(len(dataset), labels, replace=False)
        request = Fit(
            generation=repeat,
            items=rows.tolist(),
            classes=dataset.truth[rows].tolist(),
            excluded=(),
            audit_items=(),
            audit_classes=(),
            model=model,
            strategy="least-confident",
            limit=RANKED,
            seed=(repeat,),
        )
        started = time.perf_counter()
        trainer.submit(request)
        found = await answers.get()
        total = time.perf_counter() - started
        if not isinstance(found, FitFinished):
            sys.exit(f"The round was not finished: {found}")
        if repeat == 0:
            continue
        totals.append(total)
        fits.append(found.fit_seconds)
        ranks.append(found.rank_seconds)
        rests.append(total - found.fit_seconds - found.rank_seconds)
        accuracies.append(0.0 if found.accuracy is None else found.accuracy.value)
    print_row(f"{model}: fit", fits)
    print_row(f"{model}: rank the pool", ranks)
    print_row(f"{model}: hold-out accuracy and messages", rests)
    print_row(f"{model}: round, as the app sees it", totals)
    print(f"{model}: median hold-out accuracy {statistics.median(accuracies):.3f}")


async def measure_cold_starts(
    trainer: Trainer, answers: asyncio.Queue[TrainerEvent], repeats: int
) -> None:
    """Choose first batches by k-means."""
    seconds = []
    for repeat in range(repeats):
        started = time.perf_counter()
        trainer.submit(ColdStart(repeat, "kmeans", (), BATCH, (repeat,)))
        found = await answers.get()
        seconds.append(time.perf_counter() - started)
        if not isinstance(found, ColdStartFinished):
            sys.exit(f"The cold start was not finished: {found}")
    print_row(f"cold start kmeans, batch of {BATCH}", seconds)


def floor(dataset: Dataset, repeats: int) -> list[float]:
    """Time what no ranking by a linear model can do without, in the same chunks."""
    weights: NDArray[np.float32] = np.ones((dataset.pool[0].size, 10), dtype=np.float32)
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        for start in range(0, len(dataset), CHUNK_ROWS):
            unit_rows(dataset.pool[start : start + CHUNK_ROWS]) @ weights
        seconds.append(time.perf_counter() - started)
    return seconds


def print_row(what: str, seconds: Sequence[float]) -> None:
    """Print a median and the spread, in milliseconds."""
    numbers = (statistics.median(seconds), min(seconds), max(seconds))
    print(f"{what:44}" + "".join(f"{1000 * number:9.1f}" for number in numbers))


def print_machine() -> None:
    """Print what the numbers depend on."""
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    blas = {f"{pool['internal_api']} {pool['version']}" for pool in threadpool_info()}
    print(f"{platform.platform()}; {cpu}, {os.cpu_count()} cores; one BLAS thread")
    print(
        f"Python {platform.python_version()}, tuilabel {tuilabel.__version__}, "
        f"numpy {np.__version__} ({', '.join(sorted(blas))}), scikit-learn {sklearn.__version__}"
    )


if __name__ == "__main__":
    main()
