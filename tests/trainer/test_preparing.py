"""A child that prepares while it answers: what comes before, what after, and through its death."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from blob_pools import glyphs

from tests.trainer.conftest import PATIENCE, Events, unwrapped
from tuilabel.data import as_array_file
from tuilabel.learn.learner import QUICK_ROWS
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished
from tuilabel.trainer.jobs import Prepare, Prepared, Rank, Start
from tuilabel.trainer.messages import Failed, OpenPool, Progress
from tuilabel.trainer.runner import Trainer, TrainerDown, TrainerRestarted

pytestmark = pytest.mark.usefixtures("forked")

Begin = Callable[..., Trainer]
Fake = Callable[[str], str]
Told = Callable[[], Awaitable[str]]

POOL, KIND = glyphs(QUICK_ROWS + 100, side=12)

HELD = """
import tuilabel.learn.learner as learner
import tuilabel.trainer.workbench as workbench
import tuilabel.trainer.worker as worker

def prepare_features(*args, **options):
    tell("held")
    (HERE / "go").read_text()
    return real(*args, **options)

real, learner.prepare_features = learner.prepare_features, prepare_features
workbench.PROGRESS_SECONDS = 0
worker.main()
"""
"""The real worker, that begins to prepare when it is let go, and tells of each step."""


@pytest.fixture
def go(tmp_path: Path) -> Callable[[], Awaitable[object]]:
    """Return a function that lets the worker go."""
    os.mkfifo(tmp_path / "go")
    return lambda: asyncio.to_thread((tmp_path / "go").write_text, "go")


@pytest.fixture
def resources() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


@pytest.fixture
def large(tmp_path: Path, resources: ExitStack) -> OpenPool:
    """Return a pool that is prepared in the background, with a cache folder."""
    holdout, truth = glyphs(60, side=12, seed=1)
    pool, images, classes = (
        as_array_file(array, resources) for array in (POOL, holdout, truth.astype(np.int16))
    )
    return OpenPool((pool,), 3, images, classes, "t10k", cache_folder=tmp_path / "cache")


def a_fit(generation: int, **changes: Any) -> Fit:
    rows = tuple(range(12))
    fit = Fit(
        generation=generation,
        items=rows,
        classes=tuple(KIND[:12].tolist()),
        columns=("a", "b", "c"),
        truth=(0, 1, 2),
        excluded=(),
        audit_items=(),
        audit_classes=(),
        model="hybrid",
        features="auto",
        strategy="margin",
        cold_start="auto",
        cold_start_size=0,
        batch_size=5,
        epsilon=0.0,
        limit=10,
        seed=(0, 2, 1),
    )
    return replace(fit, **changes)


def ask(trainer: Trainer, request: Fit | ColdStart) -> None:
    """Submit a request, with the preparation that it needs before the first one."""
    if request.generation == 1:
        method = request.cold_start if isinstance(request, Fit) else request.method
        trainer.submit(Prepare(request.model, request.features, method))
    trainer.submit(Rank(request) if isinstance(request, Fit) else Start(request))


async def after_progress(events: Events, kind: type[Any]) -> tuple[Any, list[Progress]]:
    """Wait for an event of a kind; return the progress told before it, too."""
    progress: list[Progress] = []
    while True:
        event = await asyncio.wait_for(events.queue.get(), PATIENCE)
        if not isinstance(event, Progress):
            event = unwrapped(event)
            assert isinstance(event, kind), event
            return event, progress
        progress.append(event)


async def test_a_large_pool_is_answered_before_and_better_after(
    trainer: Begin,
    fake: Fake,
    told: Told,
    events: Events,
    large: OpenPool,
    go: Callable[[], Awaitable[object]],
) -> None:
    running = trainer(opened=large, worker_module=fake(HELD))
    ask(running, a_fit(1))
    assert await told() == "held"
    before = await events.next(FitFinished)
    assert (before.generation, before.model, before.features) == (1, "softmax", "raw")
    # Another request does not begin it a second time, and is answered as well.
    ask(running, ColdStart(2, "auto", "hybrid", "auto", (), (), 4, (0, 2, 0)))
    assert len((await events.next(ColdStartFinished)).items) == 4
    await go()
    prepared, progress = await after_progress(events, Prepared)
    assert prepared.features == "deskew-hog"
    assert (prepared.problem, prepared.late) == (None, True)
    assert prepared.seconds > 0
    kinds = {step.what for step in progress}
    assert {"features", "neighbours", "eigenvectors", "hold-out"} <= kinds
    assert all(0 <= step.done <= step.total for step in progress)
    ask(running, a_fit(3))
    after = await events.next(FitFinished)
    assert (after.model, after.features) == ("hybrid", "deskew-hog")
    assert after.accuracy is not None
    assert after.accuracy.value > 0.8
    assert events.queue.empty()


async def test_a_death_in_the_middle_of_it_is_survived(
    trainer: Begin,
    fake: Fake,
    told: Told,
    events: Events,
    large: OpenPool,
    go: Callable[[], Awaitable[object]],
) -> None:
    running = trainer(opened=large, worker_module=fake(HELD))
    ask(running, a_fit(1))
    assert await told() == "held"
    await events.next(FitFinished)
    assert running.pid is not None
    os.kill(running.pid, signal.SIGKILL)
    assert "signal 9" in (await events.next(TrainerDown)).reason
    await events.next(TrainerRestarted)
    ask(running, a_fit(2))
    assert await told() == "held"
    assert (await events.next(FitFinished)).model == "softmax"
    await go()
    await after_progress(events, Prepared)
    ask(running, a_fit(3))
    answer, _ = await after_progress(events, FitFinished)
    assert (answer.generation, answer.model) == (3, "hybrid")

    # The next child finds it all in the cache.
    os.kill(running.pid, signal.SIGKILL)
    await events.next(TrainerDown)
    await events.next(TrainerRestarted)
    ask(running, a_fit(4))
    assert await told() == "held"
    await events.next(FitFinished)
    await go()
    prepared, progress = await after_progress(events, Prepared)
    assert (prepared.problem, progress) == (None, [])


async def test_what_is_kept_from_another_time_serves_the_first_answer(
    trainer: Begin, events: Events, large: OpenPool
) -> None:
    first = trainer(opened=large)
    ask(first, a_fit(1))
    while not isinstance(unwrapped(await asyncio.wait_for(events.queue.get(), PATIENCE)), Prepared):
        pass
    await first.stop()
    while not events.queue.empty():
        events.queue.get_nowait()

    ask(trainer(opened=large), a_fit(1))
    answer, _ = await after_progress(events, Prepared)
    assert (answer.problem, answer.late) == (None, False)
    fitted = await events.next(FitFinished)
    assert (fitted.model, fitted.features) == ("hybrid", "deskew-hog")


async def test_stopping_does_not_wait_for_it(
    trainer: Begin, fake: Fake, told: Told, large: OpenPool, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "go")
    running = trainer(opened=large, worker_module=fake(HELD))
    ask(running, a_fit(1))
    assert await told() == "held"
    await asyncio.wait_for(running.stop(), PATIENCE)
    assert running.pid is None


async def test_a_small_pool_is_prepared_before_the_first_answer(
    trainer: Begin, toy: Any, events: Events
) -> None:
    running = trainer()
    ask(running, a_fit(1, features="hog", classes=tuple(toy.truth[:12].tolist())))
    prepared, _ = await after_progress(events, Prepared)
    assert (prepared.features, prepared.problem, prepared.late) == ("hog", None, False)
    answer = await events.next(FitFinished)
    assert (answer.model, answer.features) == ("hybrid", "hog")
    ask(running, a_fit(2, features="hog", classes=tuple(toy.truth[:12].tolist())))
    assert (await events.next(FitFinished)).model == "hybrid"


async def test_what_nobody_named_and_cannot_be_prepared_is_learnt_without(
    trainer: Begin, toy: Any, events: Events, resources: ExitStack
) -> None:
    few = as_array_file(np.repeat(toy.pool[:25], 2, axis=0), resources)
    running = trainer(opened=msgspec.structs.replace(toy.opened, pool=(few,)))
    request = a_fit(1, model="auto", classes=tuple(toy.truth[:12].tolist()))
    ask(running, request)
    prepared, _ = await after_progress(events, Prepared)
    assert prepared.problem is None, "nobody asked for a graph, or can have one"
    assert (await events.next(FitFinished)).model == "softmax"
    ask(running, replace(request, generation=2))
    assert (await events.next(FitFinished)).model == "softmax"
    # What was asked for by name and cannot be had is not replaced in silence.
    ask(running, replace(request, generation=3, model="graph"))
    failed = await events.next(Failed)
    assert (failed.id, failed.message) == (4, f"{TOO_FEW} Use --model softmax.")


TOO_FEW = "Only 25 of 50 images differ; a label graph needs 30."


async def test_what_was_named_and_cannot_be_prepared_is_told(
    trainer: Begin, toy: Any, events: Events, resources: ExitStack
) -> None:
    few = as_array_file(np.repeat(toy.pool[:25], 2, axis=0), resources)
    running = trainer(opened=msgspec.structs.replace(toy.opened, pool=(few,)))
    ask(running, a_fit(1, model="graph", classes=tuple(toy.truth[:12].tolist())))
    prepared, _ = await after_progress(events, Prepared)
    assert prepared.problem == TOO_FEW


async def test_a_pool_too_small_for_a_graph_is_no_problem_of_auto(
    trainer: Begin, toy: Any, events: Events, resources: ExitStack
) -> None:
    few = as_array_file(toy.pool[:25], resources)
    running = trainer(opened=msgspec.structs.replace(toy.opened, pool=(few,)))
    ask(running, a_fit(1, model="auto", classes=tuple(toy.truth[:12].tolist())))
    prepared, _ = await after_progress(events, Prepared)
    assert prepared.problem is None
    assert (await events.next(FitFinished)).model == "softmax"


async def test_a_preparation_that_breaks_is_told_and_not_tried_again(
    trainer: Begin, fake: Fake, toy: Any, events: Events, tmp_path: Path
) -> None:
    module = fake(
        "import tuilabel.learn.learner as learner\n"
        "import tuilabel.trainer.worker as worker\n"
        "def prepare_features(*args, **options):\n"
        "    raise MemoryError('no room\\nfor this')\n"
        "learner.prepare_features = prepare_features\n"
        "worker.main()\n"
    )
    running = trainer(worker_module=module)
    request = a_fit(1, classes=tuple(toy.truth[:12].tolist()))
    ask(running, request)
    assert (await after_progress(events, Prepared))[0].problem == "MemoryError: no room for this"
    answer = await events.next(FitFinished)
    assert (answer.model, answer.features) == ("softmax", "raw")
    ask(running, replace(request, generation=2))
    assert (await events.next(FitFinished)).generation == 2
    assert "Traceback" in (tmp_path / "log" / "trainer.log").read_text()
