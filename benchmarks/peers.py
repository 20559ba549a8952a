"""Compare tuilabel with other active learning libraries in one run: ``--mnist DIR``.

Every strategy starts from the same random labels of the same pool, asks for batches of the same
size, and fits the same logistic regression on raw pixels (tuilabel scales them by a factor near 1
first); a round is one fit and one query. The accuracy after a number of labels is that of one
more such fit, on all test images. It needs the extra ``bench``. modAL's loop runs in a process of
its own, because modAL 0.4.2.1 passes an argument to `check_X_y` that scikit-learn 1.8 removed:
make another environment with ``pip install modAL-python 'scikit-learn<1.8'`` and pass its Python
as ``--modal-python``. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from round import print_machine
from threadpoolctl import threadpool_limits

from tuilabel.data import open_dataset
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.models import fit_model, warm_up
from tuilabel.learn.rounds import run_round

INITIAL = 20
BATCH = 20

LONG = 60.0
"""Seconds; after a round that took longer, no further round of that strategy is run."""

TUILABEL = ("random", "margin", "diverse-margin", "badge", "typiclust")
ACTIVEML = ("UncertaintySampling", "CoreSet", "Badge", "TypiClust")

REGRESSION: Mapping[str, Any] = {"C": 1.0, "max_iter": 100, "tol": 1e-3}
"""Options of tuilabel's softmax. MNIST's pixels, 0 to 1, have about the length to which it scales
rows."""

MODAL = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from sklearn.linear_model import LogisticRegression
from modAL.models import ActiveLearner
from modAL.uncertainty import margin_sampling

path, batch, rounds, parameters = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
with np.load(path) as archive:
    pool, truth, initial = archive["pool"], archive["truth"], archive["initial"]
left = np.setdiff1d(np.arange(len(pool)), initial)
X = pool[left]
learner = ActiveLearner(
    LogisticRegression(**json.loads(parameters)),
    query_strategy=margin_sampling,
    X_training=pool[initial],
    y_training=truth[initial],
)
seconds, asked = [], []
for _ in range(rounds):
    started = time.perf_counter()
    places, _ = learner.query(X, n_instances=batch)
    learner.teach(X[places], truth[left[places]])
    asked.append(left[places].tolist())
    X, left = np.delete(X, places, axis=0), np.delete(left, places)
    seconds.append(time.perf_counter() - started)
print(json.dumps({"seconds": seconds, "asked": asked}))
"""


@dataclass(frozen=True, eq=False)
class Task:
    """A pool to label, and the test images.

    Attributes
    ----------
    images : (n, 28, 28) uint8 array
        Input of tuilabel.
    rows : (n, 784) float32 array
        The same images from 0 to 1: input of the other libraries.
    truth : (n,) intp array
    test_rows, test_truth
        Rows and truth of all test images.
    """

    images: NDArray[np.uint8]
    rows: NDArray[np.float32]
    truth: NDArray[np.intp]
    test_rows: NDArray[np.float32]
    test_truth: NDArray[np.intp]

    def accuracy(self, labelled: NDArray[np.intp]) -> float:
        """Fit these labels and return the accuracy on the test images, in percent."""
        model = fit_model(
            "softmax",
            self.rows[labelled],
            self.truth[labelled],
            n_classes=10,
            rng=np.random.default_rng(0),
        )
        predicted = model.probabilities(self.test_rows).argmax(axis=1)
        return 100 * float((predicted == self.test_truth).mean())


Round = tuple[float, NDArray[np.intp]]
"""Seconds, and the rows that the strategy asked for."""

Loop = Callable[[Task, NDArray[np.intp], int, int], Iterator[Round]]
"""Runs rounds: takes a task, the rows labelled first, the number of rounds, and a seed."""


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mnist", required=True, metavar="DIR", help="folder of the IDX files")
    parser.add_argument("--small", type=int, default=4000, help="the first pool (4,000)")
    parser.add_argument("--rounds", type=int, default=9, help="rounds on it (9)")
    parser.add_argument("--seeds", type=int, default=2, help="runs on it (2)")
    parser.add_argument("--large", type=int, default=60_000, help="the second pool (60,000)")
    parser.add_argument("--large-rounds", type=int, default=3, help="rounds on it, one run (3)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="parts of strategies' names")
    parser.add_argument(
        "--modal-python", default=sys.executable, metavar="PATH", help="Python for modAL's loop"
    )
    arguments = parser.parse_args()

    print_machine(*(f"{name} {version(name)}" for name in ("scikit-activeml", "modAL-python")))
    print(
        f"logistic regression on raw pixels, {json.dumps(REGRESSION)}; {INITIAL} random labels, "
        f"then batches of {BATCH}"
    )
    loops: dict[str, Loop] = {f"tuilabel {name}": tuilabel_loop(name) for name in TUILABEL}
    loops |= {f"scikit-activeml {name}": activeml_loop(name) for name in ACTIVEML}
    beside = sklearn_of(arguments.modal_python)
    loops[f"modAL margin, scikit-learn {beside}"] = modal_loop(arguments.modal_python)
    if arguments.only:
        loops = {
            name: loop
            for name, loop in loops.items()
            if any(part.lower() in name.lower() for part in arguments.only)
        }
    with threadpool_limits(1):
        warm_up()
        for pool, rounds, seeds in (
            (arguments.small, arguments.rounds, arguments.seeds),
            (arguments.large, arguments.large_rounds, 1),
        ):
            if rounds > 0:
                compare(loops, arguments.mnist, pool, rounds, seeds)
    print(f"\nload at the end {os.getloadavg()[0]:.2f}")


def compare(loops: Mapping[str, Loop], mnist: str, pool: int, rounds: int, seeds: int) -> None:
    """Run every strategy on a pool and print a line for each."""
    points = sorted({1, rounds // 2, rounds} - {0})
    print(
        f"\npool {pool:,}, {rounds} rounds, {seeds} seed{'s' * (seeds > 1)}, load "
        f"{os.getloadavg()[0]:.2f}\n{'':36}{'s a round':>10}{'slowest':>9}  accuracy, mean of "
        f"seeds, by labels:{''.join(f'{INITIAL + BATCH * point:8}' for point in points)}"
    )
    tasks = [open_task(mnist, pool, seed) for seed in range(seeds)]
    for name, loop in loops.items():
        seconds: list[float] = []
        accuracies: dict[int, list[float]] = {point: [] for point in points}
        note = ""
        for seed, task in enumerate(tasks):
            initial = np.random.default_rng(seed).choice(len(task.rows), INITIAL, replace=False)
            labelled = initial
            try:
                for number, (spent, asked) in enumerate(loop(task, initial, rounds, seed), 1):
                    seconds.append(spent)
                    labelled = checked(np.concatenate([labelled, asked]), number)
                    if number in accuracies:
                        accuracies[number].append(task.accuracy(labelled))
                    if spent > LONG:
                        note = f"stopped after a round of {spent:.0f} s"
                        break
            except PeerError as error:
                note = str(error)
            if note:
                break
        if not seconds:
            print(f"{name:36}does not run: {note}", flush=True)
            continue
        shown = "".join(
            f"{statistics.mean(found):8.2f}" if found else f"{'-':>8}"
            for found in accuracies.values()
        )
        print(
            f"{name:36}{statistics.median(seconds):10.3f}{max(seconds):9.3f}{'':35}{shown}  {note}",
            flush=True,
        )


class PeerError(Exception):
    """A library that cannot be run; the message is one line."""


def checked(labelled: NDArray[np.intp], rounds: int) -> NDArray[np.intp]:
    """Return the rows, after a check that every round asked for a whole batch of new items."""
    if len(np.unique(labelled)) != INITIAL + BATCH * rounds:
        raise PeerError(f"only {len(np.unique(labelled))} different items after round {rounds}")
    return labelled


def open_task(mnist: str, pool: int, seed: int) -> Task:
    """Draw a pool from MNIST's training images."""
    dataset = open_dataset(f"mnist:{mnist}")
    assert dataset.truth is not None
    assert dataset.holdout is not None
    size = min(pool, len(dataset))
    drawn = np.sort(np.random.default_rng([seed, 1]).choice(len(dataset), size, replace=False))
    images = np.ascontiguousarray(dataset.pool[drawn])
    return Task(
        images=images,
        rows=as_rows(images),
        truth=dataset.truth[drawn].astype(np.intp),
        test_rows=as_rows(dataset.holdout.images),
        test_truth=dataset.holdout.truth.astype(np.intp),
    )


def as_rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return images as rows from 0 to 1."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


# The loops.


def tuilabel_loop(strategy: str) -> Loop:
    """Return a loop with one of tuilabel's strategies."""

    def loop(task: Task, initial: NDArray[np.intp], rounds: int, seed: int) -> Iterator[Round]:
        view, labelled = View(pixels(task.images)), initial
        for number in range(rounds):
            started = time.perf_counter()
            found = run_round(
                view,
                labelled=labelled,
                labels=task.truth[labelled],
                n_classes=10,
                excluded=labelled[:0],
                model="softmax",
                strategy=strategy,
                limit=BATCH,
                rng=np.random.default_rng([seed, number]),
                batch_size=BATCH,
            )
            yield time.perf_counter() - started, found.items
            labelled = np.concatenate([labelled, found.items])

    return loop


def activeml_loop(strategy: str) -> Loop:
    """Return a loop with one of scikit-activeml's strategies, with its defaults."""

    def loop(task: Task, initial: NDArray[np.intp], rounds: int, seed: int) -> Iterator[Round]:
        from sklearn.linear_model import LogisticRegression

        try:
            import skactiveml.pool
            from skactiveml.classifier import SklearnClassifier
        except ImportError as error:
            raise PeerError(f"{error}: pip install 'tuilabel[bench]'") from error
        labels = np.full(len(task.rows), np.nan)
        labels[initial] = task.truth[initial]
        options = {"method": "margin_sampling"} if strategy == "UncertaintySampling" else {}
        query = getattr(skactiveml.pool, strategy)(random_state=seed, **options)
        for _ in range(rounds):
            model = SklearnClassifier(LogisticRegression(**REGRESSION), classes=np.arange(10))
            started = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(task.rows, labels)
                further = (
                    {"clf": model, "fit_clf": False}
                    if strategy in ("UncertaintySampling", "Badge")
                    else {}
                )
                asked = query.query(X=task.rows, y=labels, batch_size=BATCH, **further)
            seconds = time.perf_counter() - started
            labels[asked] = task.truth[asked]
            yield seconds, np.asarray(asked, dtype=np.intp)

    return loop


def sklearn_of(python: str) -> str:
    """Return the version of scikit-learn of another Python."""
    ended = subprocess.run(
        [python, "-c", "import sklearn; print(sklearn.__version__)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout.strip() or "missing"


def modal_loop(python: str) -> Loop:
    """Return a loop with modAL's margin sampling, as its documentation writes it."""

    def loop(task: Task, initial: NDArray[np.intp], rounds: int, seed: int) -> Iterator[Round]:
        with tempfile.TemporaryDirectory(prefix="tuilabel-bench-") as folder:
            path = Path(folder) / "task.npz"
            np.savez(path, pool=task.rows, truth=task.truth, initial=initial)
            threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
            command: Sequence[str] = (python, "-c", MODAL, str(path), str(BATCH), str(rounds))
            ended = subprocess.run(
                [*command, json.dumps(REGRESSION)],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, **threads},
            )
        if ended.returncode != 0:
            lines = ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"]
            raise PeerError(lines[-1])
        found = json.loads(ended.stdout)
        for seconds, asked in zip(found["seconds"], found["asked"], strict=True):
            yield seconds, np.array(asked, dtype=np.intp)

    return loop


if __name__ == "__main__":
    main()
