"""The parent's side, with the real worker and with children that misbehave."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuilabel.learn.cold_start import cold_start
from tuilabel.learn.rounds import run_round
from tuilabel.trainer import (
    ColdStart,
    ColdStartFinished,
    Fit,
    FitFinished,
    RequestFailed,
    Trainer,
    TrainerDown,
    TrainerRestarted,
    TrainerState,
    runner,
)
from tuilabel.trainer.messages import encode

Start = Callable[..., Trainer]
Fake = Callable[[str], str]
Told = Callable[[], Awaitable[str]]

ENDLESS = """
import tuilabel.trainer.worker as worker

def run_round(*args, **options):
    tell(os.getpid())
    while True:
        real(*args, **options)

real, worker.run_round = worker.run_round, run_round
worker.main()
"""
"""The real worker, in a fit that never ends."""


def a_fit(generation: int = 1, **changes: Any) -> Fit:
    rows = tuple(range(12))
    fit = Fit(
        generation=generation,
        items=rows,
        classes=tuple(row % 3 for row in rows),
        excluded=(12, 13),
        audit_items=(14, 15),
        audit_classes=(2, 0),
        model="softmax",
        strategy="margin",
        limit=8,
        seed=(0, 2, 1),
    )
    return replace(fit, **changes)


def a_cold_start(generation: int = 1, excluded: tuple[int, ...] = ()) -> ColdStart:
    return ColdStart(generation, "kmeans", excluded, 5, (0, 2, 0))


async def test_a_fit_in_the_child_is_the_fit_of_learn(
    trainer: Start, toy: Any, events: Any
) -> None:
    running = trainer()
    assert running.state.phase == "starting"
    running.submit(a_fit(3))
    found = await events.next(FitFinished)
    request = a_fit()
    expected = run_round(
        toy.pool,
        labelled=np.array(request.items),
        labels=np.array(request.classes),
        n_classes=3,
        excluded=np.array(request.excluded),
        model="softmax",
        strategy="margin",
        limit=8,
        rng=np.random.default_rng(request.seed),
        holdout=toy.holdout,
        holdout_name="t10k",
        audit=(np.array(request.audit_items), np.array(request.audit_classes)),
    )
    assert found.generation == 3
    assert list(found.items) == expected.items.tolist()
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)
    assert found.accuracy == expected.accuracy
    assert np.array_equal(found.confusion, expected.confusion)
    assert found.fit_seconds > 0
    assert found.rank_seconds > 0
    assert running.state == TrainerState("idle", 3, "the trainer is ready")


async def test_the_child_goes_on_after_a_request_that_fails(
    trainer: Start, toy: Any, events: Any, tmp_path: Path
) -> None:
    running = trainer()
    running.submit(a_fit(1, classes=(9,) * 12))
    failed = await events.next(RequestFailed)
    assert failed.generation == 1
    assert failed.message == "ValueError: Labels run from 9 to 9: expected 0 to 2."
    running.submit(a_fit(2, model="forest"))
    failed = await events.next(RequestFailed)
    assert failed.message.startswith("There is no model 'forest'")

    running.submit(a_cold_start(3, excluded=(1, 2)))
    chosen = await events.next(ColdStartFinished)
    expected = cold_start(
        "kmeans", toy.pool, 5, np.random.default_rng((0, 2, 0)), excluded=np.array([1, 2])
    )
    assert list(chosen.items) == expected.tolist()

    log = tmp_path / "log" / "trainer.log"
    assert "Traceback" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


async def test_what_a_library_prints_goes_to_the_log(
    trainer: Start, fake: Fake, events: Any, tmp_path: Path
) -> None:
    module = fake(
        "import tuilabel.trainer.worker as worker\n"
        "def warm_up():\n"
        "    print('printed')\n"
        "    os.write(1, b'written')\n"
        "worker.warm_up = warm_up\n"
        "worker.main()\n"
    )
    trainer(worker_module=module).submit(a_fit(model="none"))
    await events.next(RequestFailed)
    sys_stdout_is_buffered_so_only_this_is_sure = "written"
    assert sys_stdout_is_buffered_so_only_this_is_sure in (
        tmp_path / "log" / "trainer.log"
    ).read_text()


async def test_a_hostile_folder_is_not_imported_from(
    trainer: Start, events: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    for name in ("json", "numpy", "tuilabel"):
        (hostile / f"{name}.py").write_text("raise SystemExit('imported from here')")
    monkeypatch.chdir(hostile)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    trainer().submit(a_fit(model="none"))
    await events.next(RequestFailed)


async def test_the_child_is_nice_single_threaded_and_apart(
    trainer: Start, fake: Fake, events: Any
) -> None:
    module = fake(
        "open_pool()\n"
        "request = hear()\n"
        "facts = [os.nice(0), os.getsid(0) == os.getpid(), os.environ['OMP_NUM_THREADS'],\n"
        "         os.environ['OPENBLAS_NUM_THREADS'], os.environ['MKL_NUM_THREADS']]\n"
        "import tuilabel\n"
        "facts.append(tuilabel.__file__)\n"
        "say('RequestFailed', generation=1)\n".replace(
            "generation=1", "generation=1, **{'message ': 0}"
        )
    )
    # A message has a field of its own called like the one that names its kind.
    module = fake(
        Path(sys.modules[__name__].__file__ or "").name and PLAIN_FACTS
    )
    trainer(worker_module=module).submit(a_cold_start())
    await events.next(ColdStartFinished)
