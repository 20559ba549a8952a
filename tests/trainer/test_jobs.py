"""Jobs in the real child: each kind, progress, turns, cancelling, and a child that dies."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainer.conftest import LIGHT, LIGHT_MAIN, PATIENCE, Events
from tests.trainer.test_runner import a_fit, a_ranking, a_start
from tuilabel.autolabel.job import AutolabelOptions, auto_label
from tuilabel.data import HoldOut
from tuilabel.learn.baseline import random_curves
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.learner import Learner
from tuilabel.learn.requests import ColdStartFinished, FitFinished
from tuilabel.trainer import messages, workbench
from tuilabel.trainer.jobs import (
    Autolabel,
    Autolabelled,
    Baseline,
    BaselineFound,
    Centres,
    CentresKept,
    Job,
    Prepare,
    Prepared,
    Priority,
    Score,
    Scored,
    Sort,
    Sorted,
)
from tuilabel.trainer.messages import Failed, Finished, Progress, encode
from tuilabel.trainer.runner import Trainer, TrainerDown, TrainerRestarted
from tuilabel.trainer.workbench import JobCancelledError, Step, Workbench

pytestmark = pytest.mark.usefixtures("forked")

Begin = Callable[..., Trainer]
Fake = Callable[[str], str]
Told = Callable[[], Awaitable[str]]
Go = Callable[[], Awaitable[object]]

HELD = f"""
{LIGHT}
import tuilabel.trainer.workbench as workbench

def random_curves(*args, progress, **options):
    tell("begun")
    for step in range(1000):
        (HERE / "go").read_text()
        progress("fits", step, 1000)
        tell(f"step {{step}}")

workbench.random_curves = random_curves
workbench.PROGRESS_SECONDS = 0
worker.main()
"""
"""The real worker, with a baseline that does a step each time it is let go."""


@pytest.fixture
def go(tmp_path: Path) -> Callable[[], Awaitable[object]]:
    """Return a function that lets the baseline do a step."""
    os.mkfifo(tmp_path / "go")
    return lambda: asyncio.to_thread((tmp_path / "go").write_text, "go")


@pytest.fixture
def learner(toy: Any) -> Learner:
    images, truth = toy.holdout
    return Learner(pixels(toy.pool), 3, holdout=HoldOut("t10k", images, truth))


def a_baseline(toy: Any, **changes: Any) -> Baseline:
    settings: dict[str, Any] = {"model": "softmax", "features": "raw", "batch_size": 10}
    return Baseline(**({"truth": toy.truth, "budget": 25, "runs": 2} | settings | changes))


# The kinds.


async def test_rows_are_scored_by_the_model_of_the_ranking(trainer: Begin, events: Events) -> None:
    running = trainer()
    running.submit(a_ranking(1))
    ranked = await events.next(FitFinished)
    running.submit(Score(a_fit(1), ranked.items))
    scored = await events.next(Scored)
    assert (scored.model, scored.features) == ("softmax", "raw")
    np.testing.assert_allclose(scored.probabilities, ranked.probabilities, atol=1e-6)
    running.submit(Score(a_fit(1), (40,)))
    assert "Rows run from 40 to 40; expected 0 to 39" in (await events.next(Failed)).message


async def test_centres_are_a_file_of_pictures_and_shares(
    trainer: Begin, events: Events, tmp_path: Path
) -> None:
    out = tmp_path / "made" / "centres.npz"
    running = trainer()
    running.submit(Centres(3, 0, out))
    await events.next(CentresKept)
    with np.load(out, allow_pickle=False) as made:
        assert made["pictures"].shape == (3, 4, 5)
        assert made["shares"].sum() == pytest.approx(1)
    # One that cannot be written is a failed job.
    (tmp_path / "file").write_text("")
    running.submit(Centres(3, 0, tmp_path / "file" / "centres.npz"))
    assert "cannot be written (File exists)" in (await events.next(Failed)).message
    running.submit(a_start())
    await events.next(ColdStartFinished)


async def test_a_baseline_in_the_child_is_the_baseline_of_learn(
    trainer: Begin, toy: Any, events: Events, learner: Learner
) -> None:
    running = trainer()
    running.submit(a_baseline(toy))
    found = (await events.next(BaselineFound)).curves
    expected = random_curves(
        learner, toy.truth, model="softmax", features="raw", batch_size=10, budget=25, runs=2
    )
    assert found == expected
    assert found.labels == (10, 20, 25)
    running.submit(a_baseline(toy, truth=toy.truth[:9]))
    assert "9 true classes for 40 items" in (await events.next(Failed)).message


async def test_auto_labels_in_the_child_are_those_of_the_library(
    trainer: Begin, events: Events, learner: Learner
) -> None:
    running = trainer()
    # Without those that have an answer: the request's labels and audit items, and two more.
    rows = np.array([12, 13, *range(16, 20), *range(22, 40)])
    for method in ("confident", "ordered", "naive"):
        options = AutolabelOptions(method, student="softmax")
        running.submit(Autolabel(a_fit(), (20, 21), options, (7, 3, 12)))
        found = (await events.next(Autolabelled)).found
        rng = np.random.default_rng((7, 3, 12))
        assert repr(found) == repr(auto_label(learner, a_fit(), rows, options, rng=rng)), method
        assert found.unanswered == 24
    # An invalid option is a failed job.
    running.submit(Autolabel(a_fit(), (), AutolabelOptions("nix"), (0,)))
    assert "There is no method 'nix'" in (await events.next(Failed)).message


async def test_other_jobs_change_no_ranking(trainer: Begin, toy: Any, events: Events) -> None:
    async def ranked(running: Trainer, **changes: Any) -> tuple[object, ...]:
        running.submit(a_ranking(**changes))
        found = await events.next(FitFinished)
        return found.items, found.probabilities, found.moved, found.agreement

    more = {"items": (*range(11), 20), "classes": (*(row % 3 for row in range(11)), 2)}
    alone, beside = trainer(), trainer()
    assert await ranked(alone) == await ranked(beside)
    options = AutolabelOptions("ordered")
    for job in (a_baseline(toy), Score(a_fit(), (1,)), Autolabel(a_fit(), (), options, (0,))):
        beside.submit(job)
    for kind in (BaselineFound, Scored, Autolabelled):
        await events.next(kind)
    assert await ranked(alone, **more) == await ranked(beside, **more)


async def test_an_answer_that_is_too_long_is_a_failed_job(
    trainer: Begin, fake: Fake, events: Events
) -> None:
    module = fake(
        "import tuilabel.trainer.messages as messages\n"
        "import tuilabel.trainer.worker as worker\n"
        "messages.MAX_LINE_BYTES = 500\n"
        "worker.main()\n"
    )
    running = trainer(worker_module=module)
    running.submit(Score(a_fit(), tuple(range(40))))
    assert "bytes is too long" in (await events.next(Failed)).message
    running.submit(a_start())
    await events.next(ColdStartFinished)


async def test_a_job_that_is_too_long_fails_and_the_next_is_done(
    trainer: Begin, fake: Fake, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = trainer(worker_module=fake(LIGHT_MAIN))
    running.submit(a_start())
    await events.next(ColdStartFinished)
    monkeypatch.setattr(messages, "MAX_LINE_BYTES", 2000)
    running.submit(a_start(2, excluded=tuple(range(1000))))
    assert "Do of" in (await events.next(Failed)).message
    running.submit(a_start(3))
    assert (await events.next(ColdStartFinished)).generation == 3


async def test_an_answer_of_another_kind_replaces_the_child(
    trainer: Begin, fake: Fake, events: Events
) -> None:
    module = fake(
        "open_pool()\n"
        "job = hear()\n"
        "if life() == 1:\n"
        "    say('Finished', id=job['id'], answer={'kind': 'CentresKept'})\n"
        "answer(job)\n"
        "hear()\n"
    )
    trainer(worker_module=module).submit(a_start())
    assert "CentresKept is no answer to Start" in (await events.next(TrainerDown)).reason
    await events.next(TrainerRestarted)
    assert await events.next(ColdStartFinished) == ColdStartFinished(1, (0,))


# Turns.


async def test_a_ranking_is_answered_in_the_middle_of_another_job(
    trainer: Begin, fake: Fake, told: Told, toy: Any, events: Events, go: Any
) -> None:
    running = trainer(worker_module=fake(HELD))
    number = running.submit(a_baseline(toy))
    assert await told() == "begun"
    running.submit(a_ranking(1))
    await events.next(FitFinished)
    await go()
    progress = await events.next(Progress)
    assert (progress.id, progress.what, progress.done, progress.total) == (number, "fits", 0, 1000)
    assert await told() == "step 0"
    running.submit(a_ranking(2))
    assert (await events.next(FitFinished)).generation == 2


def a_step(bench: Workbench, priority: Priority) -> Step:
    return Step(bench, 1, priority)


@pytest.fixture
def bench() -> Workbench:
    learner: Any = None
    return Workbench(learner, lambda message: None)


def test_a_less_urgent_job_pauses_at_its_next_step(bench: Workbench) -> None:
    step = a_step(bench, Priority.LATER)
    for _ in range(2):
        with bench.turn(Priority.SCREEN), bench.turn(Priority.RANKING):
            working = threading.Thread(target=step, args=("fits", 1, 2), daemon=True)
            working.start()
            working.join(0.1)
            assert working.is_alive()
        working.join(PATIENCE)
        assert not working.is_alive()


def test_a_more_urgent_job_does_not(bench: Workbench) -> None:
    with bench.turn(Priority.LATER), bench.turn(Priority.SCREEN):
        a_step(bench, Priority.RANKING)("fits", 1, 2)
        a_step(bench, Priority.SCREEN)("fits", 1, 2)


def test_progress_is_reported_now_and_then(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    bench.send = sent.append
    now = [100.0]
    monkeypatch.setattr(workbench.time, "monotonic", lambda: now[0])
    step = a_step(bench, Priority.LATER)
    for done in range(12):
        step("fits", done, 30)
        now[0] += 0.25
    step("fits", 12, None)
    assert sent == [Progress(1, "fits", *part) for part in ((4, 30), (8, 30), (12, 12))]


# Cancelling.


async def first_after_steps(events: Events, told: Told, go: Go) -> Any:
    """Let the baseline do steps until it is cancelled; return the first event of another job."""
    event = asyncio.ensure_future(events.queue.get())
    while not event.done():
        await go()
        step = asyncio.ensure_future(told())
        await asyncio.wait({event, step}, return_when=asyncio.FIRST_COMPLETED)
        step.cancel()
    return event.result()


async def test_a_waiting_job_that_is_cancelled_is_never_done(
    trainer: Begin, fake: Fake, told: Told, toy: Any, events: Events, go: Any, tmp_path: Path
) -> None:
    running = trainer(worker_module=fake(HELD))
    running.submit(a_baseline(toy))
    assert await told() == "begun"
    out = tmp_path / "centres.npz"
    running.cancel(running.submit(Centres(3, 0, out)))
    last = running.submit(Centres(3, 0, tmp_path / "others.npz"))
    running.cancel(1)
    event = await first_after_steps(events, told, go)
    assert isinstance(event, Finished)
    assert event.id == last
    assert not out.exists()


async def test_a_running_job_that_is_cancelled_ends_at_its_next_step(
    trainer: Begin, fake: Fake, told: Told, toy: Any, events: Events, go: Any
) -> None:
    running = trainer(worker_module=fake(HELD))
    number = running.submit(a_baseline(toy))
    assert await told() == "begun"
    running.cancel(number)
    # Its place is free only when it has ended, and nothing is heard of it.
    running.submit(a_baseline(toy))
    await go()
    while (said := await told()) != "begun":
        assert said.startswith("step"), "the cancel has not arrived yet"
        await go()
    assert events.queue.empty()


async def test_a_fit_cannot_be_interrupted_and_its_answer_is_dropped(
    trainer: Begin, fake: Fake, told: Told, events: Events, go: Any
) -> None:
    module = fake(
        "import tuilabel.learn.learner as learner\n"
        "import tuilabel.trainer.worker as worker\n"
        "def run_round(*args, **options):\n"
        "    tell('fitting')\n"
        "    (HERE / 'go').read_text()\n"
        "    return real(*args, **options)\n"
        "real, learner.run_round = learner.run_round, run_round\n"
        "worker.main()\n"
    )
    running = trainer(worker_module=module)
    number = running.submit(a_ranking(1))
    assert await told() == "fitting"
    running.cancel(number)
    running.submit(a_ranking(2))
    await go()
    assert await told() == "fitting"
    await go()
    assert (await events.next(FitFinished)).generation == 2


def test_a_job_that_pauses_can_be_cancelled(bench: Workbench) -> None:
    begun, ended = threading.Event(), threading.Event()

    def work(_: Workbench, __: Job, step: Step) -> None:
        begun.set()
        try:
            step("fits", 1, 2)
        except JobCancelledError:
            ended.set()
            raise

    job: Any = PREPARE_NOTHING
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(workbench.WORK, Prepare, work)
        sent: list[Any] = []
        done = threading.Event()
        bench.send = lambda message: (sent.append(message), done.set())  # type: ignore[assignment,func-returns-value]
        with bench.turn(Priority.RANKING):
            bench.begin(4, job, threading.Lock)
            assert begun.wait(PATIENCE)
            bench.cancel(4)
            assert ended.wait(PATIENCE)
        assert done.wait(PATIENCE)
    assert sent == [Failed(4, "cancelled")]
    bench.cancel(4)


PREPARE_NOTHING = Prepare("softmax", "raw", "random")


# A child that dies.


async def test_no_job_is_lost_with_the_child(
    trainer: Begin, fake: Fake, told: Told, toy: Any, events: Events, tmp_path: Path
) -> None:
    module = fake(
        f"{LIGHT}import tuilabel.trainer.workbench as workbench\n"
        "def random_curves(*args, **options):\n"
        "    if life() == 1:\n"
        "        tell(os.getpid())\n"
        "        time.sleep(600)\n"
        "    return real(*args, **options)\n"
        "real, workbench.random_curves = workbench.random_curves, random_curves\n"
        "worker.main()\n"
    )
    running = trainer(worker_module=module)
    running.submit(PREPARE_NOTHING)
    await events.next(Prepared)
    baseline = running.submit(a_baseline(toy))
    child = int(await told())
    waiting = [
        running.submit(Autolabel(a_fit(), (), AutolabelOptions("naive"), (0,))),
        running.submit(Centres(3, 0, tmp_path / "centres.npz")),
    ]
    os.kill(child, signal.SIGKILL)
    running.submit(a_ranking(1))
    running.submit(a_ranking(2))
    assert "signal 9" in (await events.next(TrainerDown)).reason
    await events.next(TrainerRestarted)
    ended = []
    while len(ended) < 5:
        event = await asyncio.wait_for(events.queue.get(), PATIENCE)
        assert isinstance(event, Finished), event
        ended.append(event)
    # The preparation that was lost with the child, and one of the two rankings.
    assert isinstance(ended[0].answer, Prepared)
    assert ended[1].answer.ranking.generation == 2  # type: ignore[union-attr]
    assert [event.id for event in ended[2:]] == [baseline, waiting[1], waiting[0]]


async def test_a_job_that_ends_the_child_fails_and_the_others_are_done(
    trainer: Begin, fake: Fake, toy: Any, events: Events
) -> None:
    module = fake(
        f"{LIGHT}import tuilabel.trainer.workbench as workbench\n"
        "workbench.random_curves = lambda *args, **options: os.kill(os.getpid(), 9)\n"
        "worker.main()\n"
    )
    running = trainer(worker_module=module)
    baseline = running.submit(a_baseline(toy))
    running.submit(Autolabel(a_fit(), (), AutolabelOptions("naive"), (0,)))
    for _ in range(2):
        await events.next(TrainerDown)
        await events.next(TrainerRestarted)
    failed = await events.next(Failed)
    assert (failed.id, failed.message) == (
        baseline,
        "the trainer died (signal 9), 3 times during this work",
    )
    assert (await events.next(TrainerDown)).given_up
    running.submit(a_start())
    await events.next(TrainerRestarted)
    await events.next(ColdStartFinished)
    await events.next(Autolabelled)


@pytest.mark.parametrize("line", [b"hello\n", encode(Failed(1, "x")), b'{"kind":"Do","id":1}\n'])
async def test_what_is_no_job_ends_the_child_which_is_replaced(
    trainer: Begin, fake: Fake, events: Events, line: bytes
) -> None:
    running = trainer(worker_module=fake(LIGHT_MAIN))
    running.submit(a_start())
    await events.next(ColdStartFinished)
    assert running._process is not None
    assert running._process.stdin is not None
    running._process.stdin.write(line)
    assert "exit status 1" in (await events.next(TrainerDown)).reason
    await events.next(TrainerRestarted)
    running.submit(a_start(2))
    assert (await events.next(ColdStartFinished)).generation == 2


async def test_the_pool_is_sorted_by_oddness_and_likeness(trainer: Begin, events: Events) -> None:
    running = trainer()
    running.submit(Sort(None))
    assert sorted((await events.next(Sorted)).rows.tolist()) == list(range(40))
    running.submit(Sort(7))
    assert (await events.next(Sorted)).rows.tolist()[0] == 7
    running.submit(Sort(40))
    assert "Rows run from 40 to 40; expected 0 to 39" in (await events.next(Failed)).message
