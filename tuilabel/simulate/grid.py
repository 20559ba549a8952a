"""All runs of a plan, in this process or in several, with results even when interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tuilabel.data import Dataset
from tuilabel.errors import SourceError, UsageError
from tuilabel.learn.learner import Learner
from tuilabel.learn.names import AUTO, GRAPH_MODELS
from tuilabel.learn.requests import ColdStart
from tuilabel.learn.threads import one_thread
from tuilabel.session.learner import open_learner
from tuilabel.simulate.kept_runs import KeptRuns
from tuilabel.simulate.plan import Combination, Plan
from tuilabel.simulate.processes import run_in_processes
from tuilabel.simulate.results import Description, Results
from tuilabel.simulate.run import Run, run_session
from tuilabel.text import shown_path


@dataclass(frozen=True)
class SimulationProgress:
    """Progress of a simulation.

    Attributes
    ----------
    runs_done, runs : int
        Finished runs, and all runs.
    share : float
        Share of all rounds of all runs that is done, 0 to 1.
    seconds_left : float or None
        Estimated from the rounds so far; None while there are too few.
    preparing : str or None
        Work that is going on before the first run.
    """

    runs_done: int
    runs: int
    share: float = 0.0
    seconds_left: float | None = None
    preparing: str | None = None


ProgressCallback = Callable[[SimulationProgress], None]
"""Called with the progress of a simulation, in the calling thread."""


class InterruptedSimulation(KeyboardInterrupt):
    """Ctrl-C was pressed.

    Attributes
    ----------
    results : Results
        Results of the finished runs.
    """

    def __init__(self, results: Results) -> None:
        super().__init__("The simulation was interrupted.")
        self.results = results


def simulate(
    dataset: Dataset,
    plan: Plan,
    *,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
    kept: KeptRuns | None = None,
    cache_folder: Path | None = None,
) -> Results:
    """Run every combination of a plan with every seed, and the random baselines.

    The same plan on the same dataset gives the same labels and accuracies, whatever the number of
    processes.

    Parameters
    ----------
    dataset : Dataset
        With ground truth and a hold-out.
    plan : Plan
    jobs : int
        Number of processes. With more than one, a script that calls this function needs
        ``if __name__ == "__main__"`` around its own work, as always with `multiprocessing`.
    progress : callable, optional
        Called after each round; with several processes, a few times a second.
    kept : KeptRuns, optional
        File for finished runs; those in it are not run again. The caller removes it.
    cache_folder : Path, optional
        Folder for features and label graphs; by default they are not kept.

    Returns
    -------
    Results

    Raises
    ------
    SourceError
        The dataset has no ground truth or no hold-out.
    UsageError
        The batch is larger than the pool or the budget, or a model or a cold start needs a label
        graph that cannot be built.
    TrainerError
        A process ended before its runs were finished.
    InterruptedSimulation
        Ctrl-C was pressed; the error has the results so far.
    """
    if jobs < 1:
        raise UsageError(f"--jobs is {jobs}; expected a whole number of 1 or more.")
    _check(dataset)
    description = _describe(dataset, plan)
    simulation = _Simulation(dataset, plan, description, progress, kept)
    try:
        simulation.run(jobs, cache_folder)
    except KeyboardInterrupt:
        raise InterruptedSimulation(simulation.results()) from None
    return simulation.results()


class _Simulation:
    """A simulation in progress, with its finished runs."""

    def __init__(
        self,
        dataset: Dataset,
        plan: Plan,
        description: Description,
        progress: ProgressCallback | None,
        kept: KeptRuns | None,
    ) -> None:
        self._dataset, self._plan, self._description = dataset, plan, description
        self._progress, self._kept = progress, kept
        self._runs = [] if kept is None else kept.load()
        done = {(run.combination, run.seed) for run in self._runs}
        self._missing = [wanted for wanted in plan.runs() if wanted not in done]
        self._preparation = 0.0
        self._notices = list(dataset.notices)
        self._rounds_each = len(plan.label_counts(len(dataset)))
        self._rounds = 0
        self._first: tuple[int, float] | None = None

    def results(self) -> Results:
        """Return the results so far, in the order of the plan."""
        order = {combination: place for place, combination in enumerate(self._plan.combinations())}
        runs = sorted(self._runs, key=lambda run: (order[run.combination], run.seed))
        notices = list(self._notices)
        if self._kept is not None and self._kept.problem is not None:
            notices.append(self._kept.problem)
        return Results(
            self._plan, self._description, tuple(runs), self._preparation, tuple(notices)
        )

    def run(self, jobs: int, cache_folder: Path | None) -> None:
        """Do the missing runs."""
        if not self._missing:
            return
        self._tell()
        with ExitStack() as stack:
            stack.enter_context(one_thread())
            jobs = min(jobs, len(self._missing))
            if cache_folder is None and jobs > 1:
                cache_folder = Path(stack.enter_context(TemporaryDirectory(prefix="tuilabel-")))
            learner = open_learner(self._dataset, cache_folder)
            self._prepare(learner)
            if jobs > 1:
                run_in_processes(
                    self._dataset,
                    self._plan,
                    self._missing,
                    jobs=jobs,
                    cache_folder=cache_folder,
                    finish=self._finish,
                    tell=self._count,
                )
                return
            for combination, seed in self._missing:
                self._finish(
                    run_session(
                        self._dataset,
                        learner.for_new_session(),
                        self._plan,
                        combination,
                        seed,
                        tell=lambda: self._count(self._rounds + 1),
                    )
                )

    def _prepare(self, learner: Learner) -> None:
        """Compute features and label graphs, once for all runs."""
        started = time.perf_counter()
        for combination in dict.fromkeys(combination for combination, _ in self._missing):
            request = ColdStart(
                generation=0,
                method=combination.cold_start,
                model=combination.model,
                features=combination.features,
                items=(),
                excluded=(),
                size=0,
                seed=(0,),
            )
            needs = learner.needs(request)
            if not learner.is_ready(needs):
                learner.prepare(needs, progress=lambda what, done, total: self._tell(what))
            self._heed(learner.why_no_graph(needs), combination)
        self._preparation = time.perf_counter() - started

    def _heed(self, problem: str | None, combination: Combination) -> None:
        """Raise an error if a label graph is required, or note that ``auto`` does without it."""
        if problem is None:
            return
        for option, name, needing in (
            ("--model", combination.model, GRAPH_MODELS),
            ("--cold-start", combination.cold_start, ("spectral",)),
        ):
            if name in needing and name != AUTO:
                raise UsageError(f"{option} {name} cannot be simulated: {problem}")
        notice = f"auto does without a label graph: {problem}"
        if notice not in self._notices:
            self._notices.append(notice)

    def _finish(self, run: Run) -> None:
        self._runs.append(run)
        if self._kept is not None:
            self._kept.add(run)
        self._tell()

    def _count(self, rounds: int) -> None:
        """Record the number of rounds done in this simulation, and report progress."""
        self._rounds = rounds
        if rounds and self._first is None:
            self._first = rounds, time.perf_counter()
        self._tell()

    def _tell(self, preparing: str | None = None) -> None:
        if self._progress is None:
            return
        runs = len(self._plan.runs())
        to_do = len(self._missing) * self._rounds_each
        left = to_do - self._rounds
        seconds = None
        # The time before the first rounds goes into work that is done once.
        if self._first is not None and self._rounds > self._first[0]:
            rounds, moment = self._first
            seconds = (time.perf_counter() - moment) / (self._rounds - rounds) * left
        share = 1 - left / (runs * self._rounds_each)
        self._progress(SimulationProgress(len(self._runs), runs, share, seconds, preparing))


def _describe(dataset: Dataset, plan: Plan) -> Description:
    holdout = dataset.holdout
    return Description(
        source=dataset.source,
        classes=tuple(dataset.class_names),
        pool=len(dataset),
        test=0 if holdout is None else len(holdout),
        test_set="" if holdout is None else holdout.name,
        batch_size=plan.batch_for(len(dataset)),
        sizes=tuple(np.bincount(dataset.truth, minlength=len(dataset.class_names)).tolist())
        if dataset.truth is not None
        else (),
    )


def no_ground_truth(source: str) -> SourceError:
    """Return the error about a source that cannot answer."""
    return SourceError(
        f"{shown_path(source)} has no ground truth to answer with. "
        "Simulate digits, mnist, an .npz file with labels or, with --folders truth, class folders."
    )


def _check(dataset: Dataset) -> None:
    """Raise an error for a dataset that cannot be simulated, or whose arrays are invalid."""
    source = shown_path(dataset.source)
    if dataset.truth is None:
        raise no_ground_truth(dataset.source)
    if dataset.holdout is None or not len(dataset.holdout):
        raise SourceError(
            f"{source} has no hold-out: accuracy is measured on images that training never sees. "
            "Simulate a source with more different images."
        )
    if not len(dataset):
        raise SourceError(f"{source} has no images to ask for. Simulate a source that has some.")
    for where, truth, images in (
        ("the pool", dataset.truth, dataset.pool),
        ("the hold-out", dataset.holdout.truth, dataset.holdout.images),
    ):
        if len(truth) != len(images):
            raise SourceError(
                f"{source} has {len(images)} images and {len(truth)} true classes in {where}; "
                "expected one class for each image."
            )
        if truth.min() < 0 or truth.max() >= len(dataset.class_names):
            raise SourceError(
                f"{source} has true classes from {truth.min()} to {truth.max()} in {where}; "
                f"expected 0 to {len(dataset.class_names) - 1}."
            )
        if not np.issubdtype(images.dtype, np.integer) and not np.isfinite(images).all():
            raise SourceError(f"{source} has NaN or infinite numbers in {where}: replace them.")
