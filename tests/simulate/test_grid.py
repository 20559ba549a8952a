"""What a simulation does, run by run: the same for the same seed, here or in other processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loop_fakes import ME
from simulate_fakes import made, same

from tuilabel.data import Dataset
from tuilabel.errors import SourceError, TrainerError, TuilabelError, UsageError
from tuilabel.events.payloads import About
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.learner import Learner
from tuilabel.learn.requests import ColdStart, Fit, FitFinished
from tuilabel.session import LoopSettings, Session
from tuilabel.simulate import (
    Combination,
    InterruptedSimulation,
    KeptRuns,
    Plan,
    Results,
    Run,
    SimulationProgress,
    simulate,
)
from tuilabel.simulate.run import MemoryLog

QUICK = Plan(("margin",), ("softmax",), ("raw",), ("kmeans",), budget=25, seeds=2)
MARGIN, BASELINE = QUICK.combinations()

# With 30 labels auto weighs its models.
ALL_AUTO = Plan(budget=31, batch_size=15, seeds=2)


@pytest.fixture(scope="module")
def automatic() -> Results:
    return simulate(made(pool=60), ALL_AUTO)


@pytest.fixture(scope="module")
def results(digits: Dataset) -> Results:
    return simulate(digits, QUICK)


def test_every_run_has_a_point_for_each_fit(results: Results) -> None:
    wanted = [(c, seed) for c in (MARGIN, BASELINE) for seed in (0, 1)]
    assert [(run.combination, run.seed) for run in results.runs] == wanted
    for run in results.runs:
        assert run.labels == (10, 20, 25)
        assert len(run.accuracy) == len(run.round_seconds) == 3
        assert all(0 <= share <= 1 for share in run.accuracy)
        assert all(seconds > 0 for seconds in run.round_seconds)
    assert results.is_complete
    assert BASELINE.is_baseline


def test_seeds_differ_and_labels_teach(results: Results) -> None:
    first, second = results.of(BASELINE)
    assert first.accuracy != second.accuracy
    for run in results.runs:
        assert run.accuracy[-1] > run.accuracy[0]
        assert run.accuracy[-1] > 0.4


def test_the_same_seed_is_the_same_run(digits: Dataset, results: Results) -> None:
    assert same(simulate(digits, QUICK)) == same(results)


def test_a_run_does_not_hang_on_those_before_it(automatic: Results) -> None:
    for wanted in ALL_AUTO.runs():
        kept = _Others(automatic, [wanted])
        alone = simulate(made(pool=60), ALL_AUTO, kept=kept)
        assert same(alone) == same(automatic)
        assert [(run.combination, run.seed) for run in kept.added] == [wanted]


class _Others:
    """Runs that are there already: all but some."""

    problem = None

    def __init__(self, results: Results, wanted: Sequence[tuple[Combination, int]]) -> None:
        self.runs = [run for run in results.runs if (run.combination, run.seed) not in wanted]
        self.added: list[Run] = []

    def load(self) -> list[Run]:
        return list(self.runs)

    def add(self, run: Run) -> None:
        self.added.append(run)


def test_models_are_weighed_between_fits(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    fit, reflect = Learner.fit, Learner.reflect

    def noted_fit(learner: Learner, request: Fit) -> FitFinished:
        happened.append(f"fit {len(request.items)}")
        return fit(learner, request)

    def noted_reflection(learner: Learner) -> Iterator[None]:
        happened.append("reflect")
        return reflect(learner)

    monkeypatch.setattr(Learner, "fit", noted_fit)
    monkeypatch.setattr(Learner, "reflect", noted_reflection)
    run = simulate(digits, Plan(("random",), ("softmax",), ("raw",), ("random",), 25, seeds=1))
    assert happened == ["fit 10", "reflect", "fit 20", "reflect", "fit 25"]
    assert run.runs[0].weigh_seconds > 0


def test_it_is_the_loop_behind_the_screen(digits: Dataset, results: Results) -> None:
    assert digits.truth is not None
    learner = Learner(pixels(digits.pool), 10, holdout=digits.holdout)
    settings = LoopSettings(**MARGIN._asdict(), batch_size=10)
    session = Session(digits, MemoryLog(About(uuid="test", source="digits")), settings, ME)
    first = session.take_request()
    assert isinstance(first, ColdStart)
    session.accept_ranking(learner.cold_start(first), shown=False, by=ME)
    for _ in range(10):
        assert session.current is not None
        session.label(str(session.current_id), int(digits.truth[session.current.row]), by=ME)
    second = session.take_request()
    assert isinstance(second, Fit)
    session.accept_ranking(learner.fit(second), shown=False, by=ME)
    (point,) = session.curve
    assert (point.labels, point.accuracy.value) == (10, results.runs[0].accuracy[0])


def test_processes_change_nothing(automatic: Results) -> None:
    reports: list[SimulationProgress] = []
    kept = _Others(automatic, ALL_AUTO.runs()[:2])
    shared = simulate(made(pool=60), ALL_AUTO, jobs=2, kept=kept, progress=reports.append)
    assert same(shared) == same(automatic)
    assert {(run.combination, run.seed) for run in kept.added} == set(ALL_AUTO.runs()[:2])
    assert reports[-1].runs_done == reports[-1].runs == 4
    assert not multiprocessing.active_children()


def test_how_far_it_is(digits: Dataset) -> None:
    reports: list[SimulationProgress] = []
    simulate(digits, Plan(("margin",), ("softmax",), ("hog",), budget=20), progress=reports.append)
    assert reports[0] == SimulationProgress(0, 10)
    assert any(progress.preparing == "features" for progress in reports)
    shares = [progress.share for progress in reports]
    assert shares == sorted(shares)
    assert (reports[-1].runs_done, reports[-1].share, reports[-1].seconds_left) == (10, 1, 0)
    halfway = next(progress for progress in reports if progress.share == 0.5)
    assert halfway.seconds_left is not None
    assert halfway.seconds_left > 0


# Interruptions.


class Stop:
    """Progress that ends in Ctrl-C once so many runs are done."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, progress: SimulationProgress) -> None:
        if progress.runs_done >= self.after:
            raise KeyboardInterrupt


def test_what_is_done_is_kept_and_the_rest_goes_on(
    digits: Dataset, results: Results, tmp_path: Path
) -> None:
    kept = KeptRuns(tmp_path / "deep" / "runs", digits, QUICK)
    with pytest.raises(InterruptedSimulation) as interruption:
        simulate(digits, QUICK, progress=Stop(3), kept=kept)
    partial = interruption.value.results
    assert len(partial.runs) == 3
    assert not partial.is_complete
    assert [len(partial.of(c)) for c in (MARGIN, BASELINE)] == [2, 1]
    seen: list[SimulationProgress] = []
    again = KeptRuns(tmp_path / "deep" / "runs", digits, QUICK)
    assert again.path == kept.path
    whole = simulate(digits, QUICK, progress=seen.append, kept=again)
    assert (seen[0].runs_done, seen[0].share) == (3, 0.75)
    assert same(whole) == same(results)
    # Not run again: their seconds are those of the first time.
    assert {run for run in whole.runs if run in partial.runs} == set(partial.runs)
    again.remove()
    assert list((tmp_path / "deep" / "runs").iterdir()) == []


def test_when_all_is_there_nothing_is_run(digits: Dataset, tmp_path: Path) -> None:
    whole = simulate(digits, QUICK, kept=KeptRuns(tmp_path, digits, QUICK))
    again = simulate(
        digits, QUICK, progress=Stop(0), kept=KeptRuns(tmp_path, digits, QUICK), jobs=2
    )
    assert again.runs == whole.runs


def test_damaged_lines_are_run_again(digits: Dataset, results: Results, tmp_path: Path) -> None:
    kept = KeptRuns(tmp_path, digits, QUICK)
    simulate(digits, QUICK, kept=kept)
    first, second, third, fourth = filter(None, kept.path.read_bytes().splitlines())
    lines = [
        first,
        second[:-20],
        third.replace(b'"seed": 1', b'"seed": 7'),
        b"[1]",
        b"\xff\x00",
        b'{"strategy": []}',
        first,
        fourth[: len(fourth) // 2],
    ]
    kept.path.write_bytes(b"\n".join(lines))
    found = kept.load()
    assert [(run.combination, run.seed) for run in found] == [(MARGIN, 0)]
    # What comes after a torn line is a line of its own.
    whole = simulate(digits, QUICK, kept=kept)
    assert same(whole) == same(results)
    assert len(kept.load()) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"accuracy": [0.1, 0.2]},
        {"accuracy": [0.1, 0.2, 1.2]},
        {"accuracy": [0.1, 0.2, "x"]},
        {"labels": [10, 20, 26]},
        {"round_seconds": [1.0, 2.0, -1.0]},
        {"round_seconds": [1.0, 2.0, float("nan")]},
        {"weigh_seconds": None},
        {"strategy": "entropy"},
        {"seed": 2},
        {"asked": [0] * 24},
        {"asked": [-1] * 25},
    ],
)
def test_a_line_that_makes_no_sense_is_no_run(
    digits: Dataset, tmp_path: Path, change: dict[str, Any]
) -> None:
    line = {**MARGIN._asdict(), "seed": 0, "labels": [10, 20, 25], "accuracy": [0.1, 0.2, 0.3]}
    line |= {"round_seconds": [0.1, 0.1, 0.1], "weigh_seconds": 0.0, "asked": [0] * 25}
    kept = KeptRuns(tmp_path, digits, QUICK)
    kept.path.write_text(json.dumps(line))
    assert len(kept.load()) == 1
    kept.path.write_text(json.dumps({**line, **change}))
    assert kept.load() == []


def test_what_decides_the_results_names_the_file(digits: Dataset, tmp_path: Path) -> None:
    relabelled = made()
    relabelled.truth[3] = (relabelled.truth[3] + 1) % 3
    other_pixels = made()
    other_pixels.pool[0, 0, 0] ^= 1
    other_measure = made()
    other_measure.holdout.truth[0] = (other_measure.holdout.truth[0] + 1) % 3
    files = [
        KeptRuns(tmp_path, dataset, plan).path.name
        for dataset, plan in [
            (made(), QUICK),
            (relabelled, QUICK),
            (other_pixels, QUICK),
            (other_measure, QUICK),
            (made(classes=4), QUICK),
            (made(), Plan(budget=25)),
            (made(), Plan(budget=26)),
            (made(), Plan(budget=25, seeds=2)),
            (made(), Plan(budget=25, batch_size=9)),
            (made(), Plan(budget=25, epsilon=0.5)),
        ]
    ]
    assert len(set(files)) == len(files)
    assert KeptRuns(tmp_path, made(), Plan(budget=25, batch_size=10)).path.name == files[5]


def test_where_nothing_can_be_kept_it_is_said(digits: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    kept = KeptRuns(file / "runs", digits, QUICK)
    whole = simulate(digits, QUICK, kept=kept)
    assert whole.is_complete
    (notice,) = whole.notices
    assert "cannot be kept" in notice
    assert "start over" in notice


def test_ctrl_c_ends_the_processes_and_leaves_everything_as_it_was(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    before, handler = dict(os.environ), signal.getsignal(signal.SIGINT)
    with pytest.raises(InterruptedSimulation) as interruption:
        # The second time, from where the processes are waited for.
        simulate(digits, QUICK, jobs=2, progress=_After(2))
    assert interruption.value.results.runs == ()
    assert not multiprocessing.active_children()
    assert dict(os.environ) == before
    assert signal.getsignal(signal.SIGINT) is handler


class _After:
    """Progress that ends in Ctrl-C the so manyth time."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self, progress: SimulationProgress) -> None:
        self.times -= 1
        if not self.times:
            assert multiprocessing.active_children()
            raise KeyboardInterrupt


def test_a_process_that_dies_is_reported(digits: Dataset) -> None:
    def kill(progress: SimulationProgress) -> None:
        for child in multiprocessing.active_children():
            child.kill()

    with pytest.raises(TrainerError, match="ended before its run was finished"):
        simulate(digits, QUICK, jobs=2, progress=kill)
    assert not multiprocessing.active_children()


# Ordinary states that look odd.


def test_a_budget_beyond_the_pool_ends_with_the_pool() -> None:
    whole = simulate(made(pool=25), Plan(("margin",), ("softmax",), budget=400, seeds=1))
    assert whole.is_pool_exhausted
    assert {run.labels for run in whole.runs} == {(10, 20, 25)}
    # With everything labelled it does not matter in which order.
    assert len({run.accuracy[-1] for run in whole.runs}) == 1


def test_one_class_only_is_always_right() -> None:
    dataset = made(classes=1, truth=np.zeros(50, dtype=int))
    whole = simulate(dataset, Plan(budget=20, seeds=1))
    assert {run.accuracy for run in whole.runs} == {(1.0, 1.0)}


def test_images_without_any_difference_can_be_labelled() -> None:
    whole = simulate(made(images=np.zeros((50, 8, 8), np.uint8)), Plan(budget=20, seeds=1))
    assert whole.is_complete
    assert "auto does without a label graph" in whole.notices[0]


def test_fewer_labels_than_classes_will_do() -> None:
    whole = simulate(made(classes=20), Plan(budget=3, seeds=1))
    assert {run.labels for run in whole.runs} == {(3,)}


def test_a_single_image_will_do() -> None:
    whole = simulate(made(pool=1, test=1), Plan(seeds=1))
    assert {run.labels for run in whole.runs} == {(1,)}


def test_a_share_of_random_draws_is_run(digits: Dataset, results: Results) -> None:
    mixed = simulate(
        digits, Plan(("margin",), ("softmax",), ("raw",), ("kmeans",), 25, None, 2, 0.5)
    )
    assert mixed.of(MARGIN)[0].labels == results.of(MARGIN)[0].labels
    assert [r.accuracy for r in mixed.of(MARGIN)] != [r.accuracy for r in results.of(MARGIN)]


def test_what_the_source_says_is_said() -> None:
    whole = simulate(
        made(notices=("Two were merged.",)), Plan(("margin",), ("softmax",), budget=5, seeds=1)
    )
    assert whole.notices == ("Two were merged.",)


# What cannot be simulated.


def without(**changes: Any) -> Any:
    dataset = made()
    for name, value in changes.items():
        object.__setattr__(dataset, name, value)
    return dataset


def holdout_of(images: np.ndarray, truth: np.ndarray) -> Any:
    from tuilabel.data import HoldOut

    return HoldOut("hold-out", images, truth.astype(np.int16))


NAN = np.full((40, 8, 8), np.nan, dtype=np.float32)


@pytest.mark.parametrize(
    ("dataset", "found"),
    [
        (without(truth=None), "made has no ground truth to answer with. Simulate digits"),
        (
            without(holdout=None),
            "made has no hold-out: accuracy is measured on images that training never",
        ),
        (
            without(holdout=holdout_of(np.zeros((0, 8, 8)), np.zeros(0))),
            "made has no hold-out",
        ),
        (without(truth=np.zeros(7, int)), "40 images and 7 true classes in the pool"),
        (without(truth=np.full(40, 3)), "true classes from 3 to 3 in the pool; expected 0 to 2"),
        (without(truth=np.full(40, -1)), "true classes from -1 to -1 in the pool"),
        (
            without(holdout=holdout_of(np.zeros((2, 8, 8)), np.array([0, 9]))),
            "true classes from 0 to 9 in the hold-out",
        ),
        (without(pool=NAN), "NaN or infinite numbers in the pool: replace"),
        (made(pool=0), "made has no images to ask for"),
    ],
)
def test_a_dataset_that_will_not_do_is_refused(dataset: Any, found: str) -> None:
    with pytest.raises(SourceError, match=r"^[^\n]*$") as error:
        simulate(dataset, Plan(budget=10))
    assert found in str(error.value)


@pytest.mark.parametrize(
    ("plan", "found"),
    [
        (Plan(models=("graph",)), "--model graph cannot be simulated: "),
        (Plan(models=("softmax", "hybrid")), "--model hybrid cannot be simulated: "),
        (
            Plan(models=("softmax",), cold_starts=("spectral",)),
            "--cold-start spectral cannot be simulated: ",
        ),
    ],
)
def test_a_graph_that_cannot_be_is_refused_before_anything_is_run(plan: Plan, found: str) -> None:
    def no_run(progress: SimulationProgress) -> None:
        assert progress.seconds_left is None

    with pytest.raises(UsageError, match=f"{found}.*too few") as error:
        simulate(made(pool=12), plan, progress=no_run)
    assert "\n" not in str(error.value)


def test_processes_are_needed() -> None:
    with pytest.raises(TuilabelError, match="--jobs is 0; expected a whole number of 1 or more"):
        simulate(made(), Plan(), jobs=0)


def test_the_baseline_knows_no_name_of_its_own() -> None:
    assert Combination("random", "mlp", "raw", "random").is_baseline
    assert not Combination("random", "mlp", "raw", "kmeans").is_baseline
