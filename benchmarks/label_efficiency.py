"""Measure accuracy by number of labels, with the goals beside it: ``--mnist DIR``.

Every row is `tuilabel simulate` with one combination and several seeds, with the same session and
learner as in the app. It shows mean and standard deviation over the seeds, in percent, on all test
images, which no pool, graph, principal component or model choice uses. A row that falls short of
its goal is marked. The last rows are a task whose classes are not clusters: MNIST's images
relabelled by their amount of ink.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from round import print_machine
from threadpoolctl import threadpool_limits

from tuilabel.data import Dataset, HoldOut, open_dataset
from tuilabel.simulate import Plan, Results, simulate

SHOWN = (20, 50, 100, 200, 400)
QUINTILES = 5


@dataclass(frozen=True)
class Row:
    """One row of the table: a combination, and its goals in percent by number of labels."""

    name: str
    source: str
    pool: int | None
    plan: Mapping[str, tuple[str, ...]]
    goals: Mapping[int, float]
    budget: int = 400


AUTO: Mapping[str, tuple[str, ...]] = {}
ROWS = {
    "auto-60000": Row(
        "pool 60,000, auto",
        "mnist",
        None,
        AUTO,
        {20: 98.5, 50: 98.9, 100: 99.1, 200: 99.2, 400: 99.2},
    ),
    "auto-4000": Row(
        "pool 4,000, auto", "mnist", 4000, AUTO, {20: 93, 50: 97.5, 100: 98.0, 200: 98.2, 400: 98.4}
    ),
    "deskew-hog": Row(
        "pool 60,000, softmax on deskew-hog",
        "mnist",
        None,
        {"models": ("softmax",), "features": ("deskew-hog",)},
        {20: 85, 50: 95.7, 100: 97.5, 200: 98.1, 400: 98.7},
    ),
    "hog": Row(
        "pool 60,000, softmax on hog",
        "mnist",
        None,
        {"models": ("softmax",), "features": ("hog",)},
        {20: 74, 50: 91.5, 100: 95.7, 200: 97.3, 400: 98.0},
    ),
    "raw-margin": Row(
        "pool 4,000, softmax on raw, margin",
        "mnist",
        4000,
        {"models": ("softmax",), "features": ("raw",), "strategies": ("margin",)},
        {20: 48, 50: 66, 100: 76, 200: 83, 400: 86.5},
    ),
    "digits": Row("digits (8x8), auto", "digits", None, AUTO, {50: 96.5}, budget=100),
}
INK_MODELS: Sequence[tuple[str, Mapping[str, tuple[str, ...]]]] = (
    ("auto", AUTO),
    ("auto, raw", {"features": ("raw",)}),
    ("softmax, raw", {"models": ("softmax",), "features": ("raw",)}),
    ("graph, raw", {"models": ("graph",), "features": ("raw",)}),
    ("hybrid, raw", {"models": ("hybrid",), "features": ("raw",)}),
    ("softmax, deskew-hog", {"models": ("softmax",), "features": ("deskew-hog",)}),
    ("graph, deskew-hog", {"models": ("graph",), "features": ("deskew-hog",)}),
    ("hybrid, deskew-hog", {"models": ("hybrid",), "features": ("deskew-hog",)}),
)


def main() -> None:
    """Parse the options, run, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mnist", required=True, metavar="DIR", help="folder of the IDX files")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each row (5)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument("--cache", type=Path, help="folder for features and graphs")
    parser.add_argument(
        "--rows", default=",".join([*ROWS, "ink"]), help=f"some of {','.join([*ROWS, 'ink'])} (all)"
    )
    arguments = parser.parse_args()
    wanted = arguments.rows.split(",")
    unknown = set(wanted) - {*ROWS, "ink"}
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")

    print_machine()
    with tempfile.TemporaryDirectory() as scratch, threadpool_limits(1):
        bench = Bench(arguments.mnist, arguments.cache or Path(scratch), arguments)
        print(f"{arguments.seeds} seeds; mean ± sd, percent of all test images right\n")
        print_cells("labels:", [f"{count:>13}" for count in SHOWN])
        for name in wanted:
            if name != "ink":
                bench.run_row(ROWS[name])
        if "ink" in wanted:
            bench.run_ink()


class Bench:
    """Runs rows and prints them."""

    def __init__(self, mnist: str, cache: Path, arguments: argparse.Namespace) -> None:
        self.mnist = mnist
        self.cache = cache
        self.seeds: int = arguments.seeds
        self.jobs: int = arguments.jobs

    def run_row(self, row: Row) -> None:
        """Run and print a row, and its goals below it."""
        dataset = self.open(row.source, row.pool)
        mean, seconds = self.measure(row.name, dataset, row.plan, row.budget)
        goals = [f"{row.goals[count]:g}" if count in row.goals else "" for count in SHOWN]
        print_cells("  goal", [f"{goal:>13}" for goal in goals])
        short = [count for count, goal in row.goals.items() if round(mean[count], 2) < goal]
        verdict = f"FALLS SHORT at {short}" if short else "reached"
        print(f"  {verdict}; {seconds}\n", flush=True)

    def run_ink(self) -> None:
        """Run and print the task whose classes are not clusters, model by model."""
        dataset = relabelled_by_ink(self.open("mnist", 4000))
        print("pool 4,000 relabelled by quintile of ink:")
        means = {}
        for name, plan in INK_MODELS:
            means[name], _ = self.measure(f"  {name}", dataset, plan, 400)
        for auto, rivals in (("auto, raw", "raw"), ("auto", "")):
            gaps = []
            for count in (100, 200, 400):
                best = max(
                    mean[count]
                    for name, mean in means.items()
                    if not name.startswith("auto") and name.endswith(rivals)
                )
                gaps.append(best - means[auto][count])
            verdict = "within 1.5 points" if max(gaps) <= 1.5 else "FALLS SHORT of 1.5 points"
            shown = ", ".join(f"{gap:+.1f}" for gap in gaps)
            print(f"  {auto}: below the best single model at 100, 200, 400 by {shown}: {verdict}")

    def open(self, source: str, pool: int | None) -> Dataset:
        """Open a source with its whole hold-out."""
        name = f"mnist:{self.mnist}" if source == "mnist" else source
        return open_dataset(name, pool=pool, cache_dir=self.cache)

    def measure(
        self, name: str, dataset: Any, plan: Mapping[str, tuple[str, ...]], budget: int
    ) -> tuple[dict[int, float], str]:
        """Run one combination; return its means by number of labels, and its times as text."""
        started = time.perf_counter()
        results = simulate(
            dataset,
            Plan(**plan, budget=budget, seeds=self.seeds),  # type: ignore[arg-type]
            jobs=self.jobs,
            cache_folder=self.cache / "features",
        )
        curve = {point.labels: point for point in results.curve(results.combinations[0])}
        print_cells(
            name,
            [
                f"{100 * curve[count].mean:>6.2f} ± {100 * (curve[count].sd or 0):<4.2f}"
                if count in curve
                else ""
                for count in SHOWN
            ],
        )
        return {n: 100 * point.mean for n, point in curve.items()}, spent(results, started)


def spent(results: Results, started: float) -> str:
    """Return the times of rounds and preparation as text."""
    combination = results.combinations[0]
    rounds = [seconds for run in results.of(combination) for seconds in run.round_seconds]
    return (
        f"round median {statistics.median(rounds):.3f} s, "
        f"p95 {float(np.quantile(rounds, 0.95)):.3f} s; "
        f"weighing models {results.weigh_seconds(combination):.2f} s; "
        f"prepared in {results.preparation_seconds:.1f} s; "
        f"with the random baseline {time.perf_counter() - started:.0f} s in all"
    )


class Relabelled:
    """A dataset with another truth."""

    def __init__(
        self, dataset: Dataset, names: Sequence[str], truth: NDArray[np.intp], holdout: HoldOut
    ) -> None:
        self._dataset = dataset
        self.class_names = tuple(names)
        self.truth = truth
        self.holdout = holdout

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)

    def __len__(self) -> int:
        return len(self._dataset)


def relabelled_by_ink(dataset: Dataset) -> Relabelled:
    """Return the dataset with quintiles of the amount of ink as its classes."""
    assert dataset.holdout is not None
    amounts = dataset.pool.reshape(len(dataset), -1).sum(axis=1, dtype=np.int64)
    edges = np.quantile(amounts, np.arange(1, QUINTILES) / QUINTILES)
    images = dataset.holdout.images
    tested = images.reshape(len(images), -1).sum(axis=1, dtype=np.int64)
    holdout = HoldOut("ink", images, np.searchsorted(edges, tested))
    names = [f"fifth {number}" for number in range(1, QUINTILES + 1)]
    return Relabelled(dataset, names, np.searchsorted(edges, amounts), holdout)


def print_cells(name: str, cells: Sequence[str]) -> None:
    """Print a row of the table."""
    print(f"{name:<38}" + "".join(f"{cell:>15}" for cell in cells).rstrip(), flush=True)


if __name__ == "__main__":
    main()
