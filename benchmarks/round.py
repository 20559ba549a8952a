"""Measure the duration of a round on MNIST: ``--mnist DIR``.

It measures the preparation of features and label graph from an empty cache, and the fits that are
answered meanwhile; rounds through the child process, as the app runs them; fit and ranking alone,
on one thread, by model, strategy and number of labels; and the least time that a ranking can take.
It prints medians and 95th percentiles. Run it on an otherwise idle machine; on a busy one, trust
the CPU milliseconds rather than the clock.
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
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from threadpoolctl import threadpool_info, threadpool_limits

import tuilabel
from tuilabel.data import Dataset, as_array_file, open_dataset
from tuilabel.data.arrays import Arrays
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.learner import Learner
from tuilabel.learn.models import warm_up
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished
from tuilabel.learn.rounds import run_round
from tuilabel.trainer.jobs import Prepare, Prepared, Rank, Ranked, Start, Started
from tuilabel.trainer.messages import Finished, OpenPool, Progress
from tuilabel.trainer.runner import Trainer, TrainerEvent

PARTS = ("floor", "rounds", "child")
RANKED = 50
BATCH = 10
LABELS = (20, 100, 400)

GOAL = 0.12
"""Seconds: the goal for the 95th percentile of a round's fit and ranking."""

PAUSE = 3.0
"""Seconds between the first and the second round of a kind, as an annotator takes them. Meanwhile
the child chooses the model for ``auto``."""

Combination = tuple[str, str, str]
"""Model, features and strategy."""

THROUGH_CHILD: tuple[Combination, ...] = (
    ("auto", "auto", "auto"),
    ("softmax", "raw", "margin"),
)
ROUNDS: tuple[Combination, ...] = (
    ("softmax", "raw", "least-confident"),
    ("softmax", "raw", "margin"),
    ("softmax", "raw", "diverse-margin"),
    ("softmax", "deskew-hog", "margin"),
    ("softmax", "deskew-hog", "diverse-margin"),
    ("graph", "deskew-hog", "diverse-margin"),
    ("hybrid", "deskew-hog", "margin"),
    ("hybrid", "deskew-hog", "diverse-margin"),
    ("auto", "auto", "auto"),
)
SLOW: tuple[Combination, ...] = (
    ("hybrid", "deskew-hog", "committee"),
    ("hybrid", "deskew-hog", "badge"),
    ("hybrid", "deskew-hog", "typiclust"),
    ("mlp", "raw", "margin"),
)
SLOW_LABELS = 100
SLOW_REPEATS = 5

BLOCK = 5
"""Rankings of one kind in a row, before those of the next kind."""

FLOOR_CHUNKS = (256, 512, 1024, 2048, 4096, 16_384)


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mnist", required=True, metavar="DIR", help="folder of the IDX files")
    parser.add_argument("--repeats", type=int, default=20, help="rounds of each kind (20)")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, help="measure only these parts"
    )
    parser.add_argument("--pool", type=int, help="number of items in the pool, for a quick look")
    arguments = parser.parse_args()

    dataset = open_dataset(f"mnist:{arguments.mnist}")
    pool = dataset.pool[: arguments.pool]
    assert dataset.truth is not None
    labels = tuple(count for count in LABELS if count < len(pool))
    print_machine()
    print(f"pool of {len(pool)} items, {arguments.repeats} repeats")
    with threadpool_limits(1), tempfile.TemporaryDirectory(prefix="tuilabel-bench-") as name:
        folder = Path(name)
        if "floor" in arguments.parts:
            measure_floor(pool, dataset.truth, arguments.repeats)
        if "rounds" in arguments.parts:
            learner = measure_upfront(dataset, pool, folder / "here")
            measure_rounds(learner, dataset.truth, labels, arguments.repeats)
        if "child" in arguments.parts:
            asyncio.run(measure_child(dataset, pool, folder, labels, arguments.repeats))
    print(f"\nload at the end {os.getloadavg()[0]:.2f}")


def a_fit(
    combination: Combination, truth: NDArray[Any], pool_size: int, labels: int, repeat: int
) -> Fit:
    """Return a request to fit random labels, drawn with the number of the repeat as seed."""
    model, features, strategy = combination
    rows = np.random.default_rng(repeat).choice(pool_size, labels, replace=False)
    return Fit(
        generation=repeat,
        items=rows.tolist(),
        classes=truth[rows].tolist(),
        columns=tuple(map(str, range(int(truth.max()) + 1))),
        truth=tuple(range(int(truth.max()) + 1)),
        excluded=(),
        audit_items=(),
        audit_classes=(),
        model=model,
        features=features,
        strategy=strategy,
        cold_start="random",
        cold_start_size=0,
        batch_size=BATCH,
        epsilon=0.0,
        limit=RANKED,
        seed=(repeat,),
    )


# Preparation, once.


class Parts:
    """Adds up the seconds between reports of progress, by the name of the work."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.perf_counter()
        self.seconds[what] = self.seconds.get(what, 0.0) + now - self._last
        self._last = now


def measure_upfront(dataset: Dataset, pool: NDArray[Any], folder: Path) -> Learner:
    """Prepare pool and hold-out for ``auto``, and return a learner of the pool alone."""
    assert dataset.holdout is not None
    k, store = len(dataset.class_names), Arrays(folder)
    with_holdout = Learner(pixels(pool), k, holdout=dataset.holdout, store=store)
    request = ColdStart(0, "auto", "auto", "auto", (), (), BATCH, (0,))
    started, cpu, parts = time.perf_counter(), time.process_time(), Parts()
    needs = with_holdout.needs(request)
    with_holdout.prepare(needs, progress=parts)
    total, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(
        f"\npreparation, cache empty, no fits meanwhile: {total:.1f} s ({cpu:.1f} s of CPU, "
        f"{cpu / total:.1f} of {os.cpu_count()} cores on average)"
    )
    for what, seconds in parts.seconds.items():
        print(f"  {what:42}{seconds:8.1f} s")

    # Rounds are timed without the hold-out; its features and graph are in the same cache.
    learner = Learner(pixels(pool), k, store=store)
    started = time.perf_counter()
    learner.prepare(learner.needs(request))
    print(f"  {'again, cache full, without hold-out':42}{time.perf_counter() - started:8.1f} s")
    return learner


# Rounds through the child process, as the app runs them.


def answer_in(event: TrainerEvent) -> Any:
    """Return the ranking or other answer in an event; or the event itself."""
    if not isinstance(event, Finished):
        return event
    return event.answer.ranking if isinstance(event.answer, Ranked | Started) else event.answer


async def measure_child(
    dataset: Dataset, pool: NDArray[Any], folder: Path, labels: Sequence[int], repeats: int
) -> None:
    """Measure from request to answer: while the child prepares, and afterwards."""
    answers: asyncio.Queue[Any] = asyncio.Queue()
    held, files = dataset.holdout, ExitStack()
    assert held is not None
    trainer = Trainer(
        OpenPool(
            pool=(as_array_file(pool, files),),
            n_classes=len(dataset.class_names),
            holdout=as_array_file(held.images, files),
            holdout_truth=as_array_file(held.truth, files),
            cache_folder=folder / "child",
        ),
        on_event=lambda event: answers.put_nowait(answer_in(event)),
        log_path=folder / "trainer.log",
    )
    print("\nthrough the child process, hold-out accuracy and messages included; milliseconds")
    print_head()
    started = time.perf_counter()
    trainer.start()
    try:
        trainer.submit(Start(ColdStart(0, "random", "softmax", "raw", (), (), BATCH, (0,))))
        await answers.get()
        print_row("start of the child, imports, first answer", [time.perf_counter() - started])
        await measure_meanwhile(trainer, answers, dataset, len(pool))
        for combination in THROUGH_CHILD:
            for count in labels:
                await measure_answers(
                    trainer, answers, dataset, len(pool), combination, count, repeats
                )
        for method in ("kmeans", "spectral"):
            await measure_cold_starts(trainer, answers, method, repeats)
    finally:
        await trainer.stop()


async def measure_meanwhile(
    trainer: Trainer, answers: asyncio.Queue[Any], dataset: Dataset, pool_size: int
) -> None:
    """Ask for one fit after another until the child has prepared what ``auto`` needs."""
    assert dataset.truth is not None
    seconds: list[float] = []
    reports = 0
    prepared: Prepared | None = None
    trainer.submit(Prepare("auto", "auto", "auto"))
    while prepared is None:
        request = a_fit(THROUGH_CHILD[0], dataset.truth, pool_size, 100, len(seconds))
        submitted = time.perf_counter()
        trainer.submit(Rank(request))
        while not isinstance(event := await answers.get(), FitFinished):
            if isinstance(event, Prepared):
                prepared = event
            elif isinstance(event, Progress):
                reports += 1
            else:
                sys.exit(f"No fit while preparing: {event}")
        seconds.append(time.perf_counter() - submitted)
    print_row(f"fits answered meanwhile: {len(seconds)}", seconds)
    print(
        f"prepared {prepared.features} and graph in {prepared.seconds:.1f} s beside these fits, "
        f"{reports} reports of progress"
    )


async def measure_answers(
    trainer: Trainer,
    answers: asyncio.Queue[Any],
    dataset: Dataset,
    pool_size: int,
    combination: Combination,
    labels: int,
    repeats: int,
) -> None:
    """Measure rounds; the first does not count."""
    assert dataset.truth is not None
    totals, rounds, accuracies, fitted = [], [], [], set()
    for repeat in range(repeats + 1):
        request = a_fit(combination, dataset.truth, pool_size, labels, repeat)
        if repeat == 0:
            trainer.submit(Prepare(request.model, request.features, request.cold_start))
        started = time.perf_counter()
        trainer.submit(Rank(request))
        while isinstance(found := await answers.get(), Progress | Prepared):
            # Features of another combination: the round without them does not count.
            if isinstance(found, Prepared):
                started = time.perf_counter()
        total = time.perf_counter() - started
        if not isinstance(found, FitFinished):
            sys.exit(f"The round was not finished: {found}")
        if repeat == 0:
            await asyncio.sleep(PAUSE)
            continue
        totals.append(total)
        rounds.append(found.fit_seconds + found.rank_seconds)
        accuracies.append(0.0 if found.accuracy is None else found.accuracy.value)
        fitted.add(f"{found.model} on {found.features}, {found.strategy}")
    print_row(f"{' '.join(dict.fromkeys(combination))}, {labels} labels: round", totals)
    print_row("  of which fit and ranking", rounds)
    print(f"  median accuracy {statistics.median(accuracies):.4f}, {' | '.join(sorted(fitted))}")


async def measure_cold_starts(
    trainer: Trainer, answers: asyncio.Queue[Any], method: str, repeats: int
) -> None:
    """Measure the choice of first batches."""
    seconds = []
    for repeat in range(repeats):
        started = time.perf_counter()
        request = ColdStart(repeat, method, "auto", "auto", (), (), BATCH, (repeat,))
        trainer.submit(Start(request))
        found = await answers.get()
        seconds.append(time.perf_counter() - started)
        if not isinstance(found, ColdStartFinished):
            sys.exit(f"The cold start was not finished: {found}")
    print_row(f"cold start {method}, batch of {BATCH}", seconds)


# Fit and ranking alone.


def measure_rounds(
    learner: Learner, truth: NDArray[Any], labels: Sequence[int], repeats: int
) -> None:
    """Time rounds in this process, features and graph in the cache, without a hold-out."""
    print("\na round here, one thread, caches warm; milliseconds, median and 95th percentile")
    print(f"{'':44}{'fit':>14}{'rank':>14}{'fit + rank':>14}{'CPU, all':>14}")
    warm_up()
    kinds = [(combination, count, repeats) for combination in ROUNDS for count in labels]
    kinds += [(combination, SLOW_LABELS, min(SLOW_REPEATS, repeats)) for combination in SLOW]
    for combination, count, times in kinds:
        fits, ranks, sums, cpus = [], [], [], []
        session = learner.for_new_session()
        for repeat in range(times + 1):
            request = a_fit(combination, truth, len(learner), count, repeat)
            cpu = time.process_time()
            found = session.fit(request)
            cpu = time.process_time() - cpu
            for _ in session.reflect():
                pass
            if repeat == 0:
                continue
            fits.append(found.fit_seconds)
            ranks.append(found.rank_seconds)
            sums.append(found.fit_seconds + found.rank_seconds)
            cpus.append(cpu)
        name = f"{' '.join(dict.fromkeys(combination))}, {count} labels"
        columns = "".join(f"{two_numbers(numbers):>14}" for numbers in (fits, ranks, sums, cpus))
        over = f"  over {GOAL:g} s" if np.percentile(sums, 95) > GOAL else ""
        print(f"{name:44}{columns}{over}", flush=True)


def measure_floor(pool: NDArray[Any], truth: NDArray[Any], repeats: int) -> None:
    """Time the least work of a softmax ranking and the ranking itself, in turns."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    rows = rng.choice(len(pool), 100, replace=False)
    flat = pool.reshape(len(pool), -1)
    regression = LogisticRegression(max_iter=100).fit(flat[rows] / np.float32(255), truth[rows])
    weights = (regression.coef_.T / 255).astype(np.float32)
    bias = regression.intercept_.astype(np.float32)
    expected = regression.predict_proba(flat[:5000] / np.float32(255))
    if not np.allclose(floor(flat[:5000], weights, bias, 512).T, expected, atol=1e-4):
        sys.exit("The floor does not compute what it should.")

    print("\nranking softmax on raw pixels; milliseconds")
    print_head()
    chunks = {
        size: clock(lambda size=size: floor(flat, weights, bias, size), max(5, repeats // 4))
        for size in FLOOR_CHUNKS
    }
    for size, seconds in chunks.items():
        print_row(f"floor: uint8 to float32, GEMM, softmax, {size} rows", seconds)
    best = min(chunks, key=lambda size: statistics.median(chunks[size]))

    def rank(strategy: str) -> float:
        return run_round(
            View(pixels(pool)),
            labelled=rows,
            labels=truth[rows],
            n_classes=10,
            excluded=rows[:0],
            model="softmax",
            strategy=strategy,
            limit=RANKED,
            rng=rng,
        ).rank_seconds

    def predict() -> None:
        regression.predict_proba(flat * np.float32(1 / 255))

    kinds: dict[str, Callable[[], float]] = {
        f"floor in chunks of {best}": lambda: clock(lambda: floor(flat, weights, bias, best), 1)[0],
        "tuilabel's ranking, least-confident": lambda: rank("least-confident"),
        "tuilabel's ranking, margin": lambda: rank("margin"),
        "scikit-learn's predict_proba, same pixels": lambda: clock(predict, 1)[0],
    }
    # Calls run in blocks, and the first of each does not count: so no kind pays for the caches
    # that another left, and a machine that slows down does so for all kinds.
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(-(-repeats // BLOCK)):
        for name, once in kinds.items():
            found[name] += [once() for _ in range(BLOCK + 1)][1:]
    floors = next(iter(found.values()))
    for name, seconds in found.items():
        medians = statistics.median(seconds) / statistics.median(floors)
        fastest = min(seconds) / min(floors)
        print_row(name, seconds, f"  ratio of medians {medians:.2f}, of fastest {fastest:.2f}")


def floor(
    flat: NDArray[np.uint8], weights: NDArray[np.float32], bias: NDArray[np.float32], size: int
) -> NDArray[np.float32]:
    """Predict as fast as numpy can: (k, n) probabilities.

    The bytes are converted into one buffer that stays in the processor's cache, their scale is
    already in the weights, and the softmax runs over the rows of a transposed copy, in place.
    """
    scores = np.empty((len(flat), weights.shape[1]), dtype=np.float32)
    buffer = np.empty((size, flat.shape[1]), dtype=np.float32)
    for start in range(0, len(flat), size):
        chunk = flat[start : start + size]
        rows = buffer[: len(chunk)]
        np.copyto(rows, chunk)
        np.matmul(rows, weights, out=scores[start : start + size])
    upright = np.ascontiguousarray(scores.T)
    upright += bias[:, None]
    upright -= upright.max(axis=0)
    np.exp(upright, out=upright)
    upright /= upright.sum(axis=0)
    return upright


# Timing and printing.


def clock(call: Callable[[], object], repeats: int) -> list[float]:
    """Return the seconds of each of some calls."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return seconds


def print_head() -> None:
    """Print the heading of the columns."""
    print(f"{'':48}{'median':>9}{'p95':>9}{'fastest':>9}{'slowest':>9}")


def print_row(what: str, seconds: Sequence[float], note: str = "") -> None:
    """Print a median and the spread, in milliseconds."""
    numbers = (
        statistics.median(seconds),
        float(np.percentile(seconds, 95)),
        min(seconds),
        max(seconds),
    )
    print(f"{what:48}" + "".join(f"{1000 * number:9.1f}" for number in numbers) + note, flush=True)


def two_numbers(seconds: Sequence[float]) -> str:
    """Return the median and the 95th percentile in milliseconds."""
    return f"{1000 * statistics.median(seconds):.0f} {1000 * np.percentile(seconds, 95):6.0f}"


def print_machine(*further: str) -> None:
    """Print machine and versions; `further` are versions of other packages."""
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    blas = {f"{pool['internal_api']} {pool['version']}" for pool in threadpool_info()}
    print(f"$ python {' '.join([str(Path(sys.argv[0])), *sys.argv[1:]])}")
    print(
        f"{platform.platform()}; {cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}; "
        "one BLAS thread"
    )
    packages = (
        f"tuilabel {tuilabel.__version__}",
        f"numpy {np.__version__} ({', '.join(sorted(blas))})",
        f"scikit-learn {sklearn.__version__}",
        *further,
    )
    print(f"Python {platform.python_version()}, {', '.join(packages)}")


if __name__ == "__main__":
    main()
