"""Measure how soon a rare class is met, and how much of it is found: ``--mnist DIR``.

Each digit is once the rare class of a pool of 8,000 images, in which all others are the other
class: "is it a 5?". Every row is `tuilabel simulate` with one strategy and 200 labels. Printed are
the labels until the first example, the share of the class that was found, and means over the
digits. Finished runs are kept in the folder of ``--keep``, and a second call goes on from there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import numpy as np
from round import print_machine
from threadpoolctl import threadpool_limits

from tuilabel.data import open_dataset
from tuilabel.data.dataset import ArrayDataset
from tuilabel.simulate import Plan, simulate

IMAGES = 10_000
"""A fifth of an array file with labels is held out."""

LABELS = 200
GOALS = {0.01: "mean <= 20, all by 50; found >= 90 %", 0.003: "mean <= 40; found >= 80 %"}


def main() -> None:
    """Parse the options, run, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mnist", required=True, metavar="DIR", help="folder of the IDX files")
    parser.add_argument("--shares", default="0.01,0.003", help="of the rare class (0.01,0.003)")
    parser.add_argument("--strategies", default="auto", help="some, with commas (auto)")
    parser.add_argument("--seed", type=int, default=100, help="draws the pools (100)")
    parser.add_argument("--keep", type=Path, help="folder for finished runs")
    options = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory() as scratch, threadpool_limits(1):
        keep = options.keep or Path(scratch) / "kept"
        keep.mkdir(parents=True, exist_ok=True)
        mnist = open_dataset(f"mnist:{options.mnist}", cache_dir=Path(scratch))
        for share in map(float, options.shares.split(",")):
            for strategy in options.strategies.split(","):
                firsts, shares = [], []
                for digit in range(10):
                    kept = keep / f"{strategy}-{share}-{digit}-{options.seed}.json"
                    if not kept.exists():
                        made = run(mnist, digit, share, strategy, options.seed)
                        kept.write_text(json.dumps(made))
                    first, found = json.loads(kept.read_text())
                    firsts.append(LABELS + 1 if first is None else first)
                    shares.append(100 * found)
                    met = "never" if first is None else f"after {first:3.0f}"
                    row = f"{strategy} {100 * share:g} %"
                    print(f"{row}, {digit}: {met}, {100 * found:3.0f} % found", flush=True)
                print(
                    f"{row}: first example after {statistics.fmean(firsts):.0f} labels (mean), "
                    f"{max(firsts):.0f} at most; {statistics.fmean(shares):.0f} % found (goal: "
                    f"{GOALS.get(share, 'none')})\n",
                    flush=True,
                )


def run(
    mnist: ArrayDataset, digit: int, share: float, strategy: str, seed: int
) -> tuple[float | None, float]:
    """Return the labels until the first example, None for none, and the share that was found."""
    assert mnist.truth is not None
    rng = np.random.default_rng((seed, digit))
    is_rare = mnist.truth == digit
    few = round(share * IMAGES)
    rare = rng.permutation(np.flatnonzero(is_rare))[:few]
    others = rng.permutation(np.flatnonzero(~is_rare))[: IMAGES - few]
    rows = np.sort(np.concatenate([rare, others]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pool.npz"
        np.savez(path, images=mnist.pool[rows], labels=is_rare[rows].astype(int))
        dataset = open_dataset(str(path), cache_dir=Path(folder))
        plan = Plan((strategy,), budget=LABELS, seeds=1)
        results = simulate(dataset, plan, cache_folder=Path(folder))
    met = results.met(plan.combinations()[0], 1)
    return met.first, met.found


if __name__ == "__main__":
    main()
