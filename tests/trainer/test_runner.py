"""The parent's side, with the real worker and with children that misbehave."""

from __future__ import annotations

import asyncio
import os
import select
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.trainer.conftest import PATIENCE
from tuilabel.learn.cold_start import cold_start
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished
from tuilabel.learn.rounds import run_round
from tuilabel.trainer import runner
from tuilabel.trainer.jobs import Rank, Start
from tuilabel.trainer.messages import Do, Failed, encode
from tuilabel.trainer.runner import Trainer, TrainerDown, TrainerRestarted

Begin = Callable[..., Trainer]
Fake = Callable[[str], str]
Told = Callable[[], Awaitable[str]]

ENDLESS = """
import tuilabel.learn.learner as learner
import tuilabel.trainer.worker as worker

def run_round(*args, **options):
    tell(os.getpid())
    while True:
        real(*args, **options)

real, learner.run_round = learner.run_round, run_round
worker.main()
"""
"""The real worker, in a fit that never ends."""


def a_fit(generation: int = 1, **changes: Any) -> Fit:
    rows = tuple(range(12))
    fit = Fit(
        generation=generation,
        items=rows,
        classes=tuple(row % 3 for row in rows),
        columns=("a", "b", "c"),
        truth=(0, 1, 2),
        excluded=(12, 13),
        audit_items=(14, 15),
        audit_classes=(2, 0),
        model="softmax",
        features="raw",
        strategy="margin",
        cold_start="random",
        cold_start_size=0,
        batch_size=4,
        epsilon=0.0,
        limit=8,
        seed=(0, 2, 1),
    )
    return replace(fit, **changes)


def a_cold_start(
    generation: int = 1, excluded: tuple[int, ...] = (), method: str = "random"
) -> ColdStart:
    return ColdStart(generation, method, "softmax", "raw", (), excluded, 5, (0, 2, 0))


def a_ranking(generation: int = 1, **changes: Any) -> Rank:
    return Rank(a_fit(generation, **changes))


def a_start(generation: int = 1, excluded: tuple[int, ...] = ()) -> Start:
    return Start(a_cold_start(generation, excluded))


async def test_a_fit_in_the_child_is_the_fit_of_learn(
    trainer: Begin, toy: Any, events: Any
) -> None:
    running = trainer()
    running.submit(a_ranking(3))
    found = await events.next(FitFinished)
    request = a_fit()
    expected = run_round(
        View(pixels(toy.pool)),
        labelled=np.array(request.items),
        labels=np.array(request.classes),
        n_classes=3,
        excluded=np.array(request.excluded),
        model="softmax",
        strategy="margin",
        limit=8,
        rng=np.random.default_rng(request.seed),
        holdout=(View(pixels(toy.holdout[0])), toy.holdout[1]),
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


async def test_the_child_goes_on_after_a_request_that_fails(
    trainer: Begin, toy: Any, events: Any, tmp_path: Path
) -> None:
    running = trainer()
    running.submit(a_ranking(1, classes=(9,) * 12))
    failed = await events.next(Failed)
    assert failed.id == 1
    assert failed.message == "ValueError: Labels run from 9 to 9; expected 0 to 2."
    running.submit(a_ranking(2, model="forest"))
    failed = await events.next(Failed)
    assert failed.message.startswith("There is no model 'forest'")

    running.submit(Start(a_cold_start(3, (1, 2), "kmeans")))
    chosen = await events.next(ColdStartFinished)
    expected = cold_start(
        "kmeans",
        View(pixels(toy.pool)),
        5,
        np.random.default_rng((0, 2, 0)),
        excluded=np.array([1, 2]),
    )
    assert list(chosen.items) == expected.tolist()

    log = tmp_path / "log" / "trainer.log"
    assert "Traceback" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


async def test_what_a_library_prints_goes_to_the_log(
    trainer: Begin, fake: Fake, events: Any, tmp_path: Path
) -> None:
    module = fake(
        "import tuilabel.trainer.worker as worker\n"
        "worker.warm_up = lambda: print('printed', flush=True)\n"
        "worker.main()\n"
    )
    trainer(worker_module=module).submit(a_ranking(model="none"))
    await events.next(Failed)
    assert "printed\n" in (tmp_path / "log" / "trainer.log").read_text()


async def test_a_hostile_folder_is_not_imported_from(
    trainer: Begin, events: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    for name in ("json", "numpy", "tuilabel"):
        (hostile / f"{name}.py").write_text("raise SystemExit('imported from here')")
    monkeypatch.chdir(hostile)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    trainer().submit(a_ranking(model="none"))
    await events.next(Failed)


async def test_the_child_is_nice_single_threaded_and_apart(
    trainer: Begin, fake: Fake, told: Told
) -> None:
    module = fake(
        "names = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')\n"
        "threads = {os.environ[name] for name in names}\n"
        "tell([os.nice(0), os.getsid(0) == os.getpid(), threads])\n"
    )
    trainer(worker_module=module)
    assert await told() == "[19, True, {'1'}]"


async def test_only_the_newest_waiting_request_is_sent(
    trainer: Begin, fake: Fake, events: Any, told: Told, tmp_path: Path
) -> None:
    module = fake(
        "open_pool()\n"
        "while True:\n"
        "    request = hear()\n"
        "    tell(request['id'])\n"
        "    if request['id'] == 1:\n"
        "        os.mkfifo(HERE / 'go')\n"
        "        tell('made')\n"
        "        (HERE / 'go').read_text()\n"
        "    answer(request)\n"
    )
    running = trainer(worker_module=module)
    running.submit(a_start(1))
    assert [await told(), await told()] == ["1", "made"]
    running.submit(a_start(2))
    running.submit(a_start(3, excluded=(7, 8)))
    await asyncio.to_thread((tmp_path / "go").write_text, "go")
    # 1 is answered though it was overtaken, and 2 is never asked.
    assert (await events.next(ColdStartFinished)).generation == 1
    assert await events.next(ColdStartFinished) == ColdStartFinished(3, (2,))
    assert await told() == "3"
    assert events.queue.empty()


async def test_an_answer_to_another_job_is_dropped(trainer: Begin, fake: Fake, events: Any) -> None:
    module = fake(
        "open_pool()\n"
        "request = hear()\n"
        "answer(request, id=0)\n"
        "answer(request, id=3)\n"
        "say('Failed', id=2, message='another')\n"
        "say('Progress', id=2, what='another', done=1, total=2)\n"
        "answer(request)\n"
        "hear()\n"
    )
    trainer(worker_module=module).submit(a_start(2))
    assert await events.next(ColdStartFinished) == ColdStartFinished(2, (0,))
    assert events.queue.empty()


@pytest.mark.parametrize(
    ("death", "reason"),
    [
        ("os._exit(3)", "the trainer died (exit status 3); restarting"),
        ("os.kill(os.getpid(), 9)", "the trainer died (signal 9); restarting"),
        ("os.write(1, b'half'); os._exit(0)", "the trainer died (exit status 0); restarting"),
        (
            "print('{}', flush=True); hear()",
            "the trainer sent an invalid message (Not a message: b'{}",
        ),
    ],
)
async def test_a_lost_request_is_asked_again(
    trainer: Begin, fake: Fake, events: Any, tmp_path: Path, death: str, reason: str
) -> None:
    module = fake(
        f"open_pool()\nrequest = hear()\nif life() == 1:\n    {death}\nanswer(request)\nhear()\n"
    )
    running = trainer(worker_module=module)
    running.submit(a_start(2, excluded=(1, 2, 3)))
    down = await events.next(TrainerDown)
    assert down.reason.startswith(reason)
    assert "\n" not in down.reason
    assert down.log_path == tmp_path / "log" / "trainer.log"
    await events.next(TrainerRestarted)
    assert await events.next(ColdStartFinished) == ColdStartFinished(2, (3,))


async def test_a_child_that_dies_idle_is_replaced(trainer: Begin, fake: Fake, events: Any) -> None:
    module = fake("open_pool()\nif life() == 1:\n    sys.exit(4)\nanswer(hear())\nhear()\n")
    running = trainer(worker_module=module)
    await events.next(TrainerDown)
    await events.next(TrainerRestarted)
    running.submit(a_start())
    await events.next(ColdStartFinished)


async def test_it_gives_up_after_three_and_tries_again_when_asked(
    trainer: Begin, fake: Fake, events: Any
) -> None:
    module = fake("if life() <= 3:\n    sys.exit(7)\nopen_pool()\nanswer(hear())\nhear()\n")
    running = trainer(worker_module=module)
    running.submit(a_start(1))
    downs = [await events.next(TrainerDown) for _ in range(3)]
    assert ["restarting" in down.reason for down in downs] == [True, True, False]
    assert [down.given_up for down in downs] == [False, False, True]
    assert str(downs[2].log_path) in downs[2].reason
    assert running.pid is None
    running.submit(a_start(2))
    await events.next(TrainerRestarted)
    assert await events.next(ColdStartFinished) == ColdStartFinished(2, (0,))


async def test_an_answer_forgives_earlier_deaths(trainer: Begin, fake: Fake, events: Any) -> None:
    running = trainer(worker_module=fake("open_pool()\nanswer(hear())\nhear()\nsys.exit(1)\n"))
    running.submit(a_start(0))
    await events.next(ColdStartFinished)
    for generation in range(1, 5):
        running.submit(a_start(generation))
        assert "restarting" in (await events.next(TrainerDown)).reason
        await events.next(TrainerRestarted)
        await events.next(ColdStartFinished)


@pytest.mark.parametrize(
    ("code", "limit", "reason"),
    [
        ("open_pool(); hear(); os.kill(os.getpid(), signal.SIGSTOP)", "hang", "no sign of life"),
        ("open_pool(); hear(); signal.pause()", "hang", "no sign of life"),
        ("hear(); signal.pause()", "ready", "not ready"),
        (
            "open_pool(); hear()\nwhile True:\n    say('Heartbeat'); time.sleep(0.01)",
            "ranking",
            "one fit took",
        ),
    ],
)
async def test_a_child_that_hangs_is_replaced(
    trainer: Begin, fake: Fake, events: Any, code: str, limit: str, reason: str
) -> None:
    running = trainer(worker_module=fake(code), **{f"{limit}_seconds": 0.2})
    running.submit(a_start())
    down = await events.next(TrainerDown)
    assert down.reason.startswith(f"the trainer hung ({reason}")


async def test_an_idle_child_may_be_silent(
    trainer: Begin, fake: Fake, events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()
    pause = asyncio.sleep

    async def tick(seconds: float) -> None:
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticks.put_nowait(end)
        await end

    monkeypatch.setattr(asyncio, "sleep", tick)
    running = trainer(worker_module=fake("open_pool()\nanswer(hear())\nhear()\n"))
    running.submit(a_start())
    await events.next(ColdStartFinished)
    # The tick that was under way ends; no other begins, so no time passes for an idle child.
    (await asyncio.wait_for(ticks.get(), 30)).set_result(None)
    for _ in range(20):
        await pause(0)
    assert ticks.empty()


async def test_an_endless_line_is_garbage(
    trainer: Begin, fake: Fake, events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "MAX_LINE_BYTES", 10_000)
    trainer(worker_module=fake("while True:\n    os.write(1, b'x' * 5000)\n"))
    down = await events.next(TrainerDown)
    assert down.reason.startswith("the trainer sent an invalid message")


async def test_a_child_that_does_not_read_blocks_nothing(
    trainer: Begin, fake: Fake, told: Told
) -> None:
    module = fake("open_pool()\ntell('open')\nsignal.pause()\n")
    running = trainer(worker_module=module)
    assert await told() == "open"
    large = tuple(range(100_000))
    for generation in range(20):
        running.submit(a_start(generation, excluded=large))
    # Only the first is on its way; the others replaced each other.
    assert running._process is not None
    assert running._process.stdin is not None
    unread = running._process.stdin.transport.get_write_buffer_size()
    assert unread <= len(encode(Do(20, a_start(0, excluded=large))))


async def test_a_large_request_arrives_whole(trainer: Begin, fake: Fake, events: Any) -> None:
    running = trainer(worker_module=fake("open_pool()\nanswer(hear())\nhear()\n"))
    running.submit(a_start(1, excluded=tuple(range(200_000))))
    assert await events.next(ColdStartFinished) == ColdStartFinished(1, (200_000,))


async def test_stopping_in_the_middle_of_a_fit_does_not_wait_for_it(
    trainer: Begin, fake: Fake, told: Told
) -> None:
    others = asyncio.all_tasks()
    running = trainer(worker_module=fake(ENDLESS))
    running.submit(a_ranking(model="mlp"))
    child = int(await told())
    assert running.pid == child
    await asyncio.wait_for(running.stop(), PATIENCE)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert running.pid is None
    assert asyncio.all_tasks() == others
    await running.stop()
    running.submit(a_ranking(2))
    assert running.pid is None


async def test_stopping_at_any_moment_leaves_no_child(
    trainer: Begin, fake: Fake, events: Any, tmp_path: Path
) -> None:
    running = trainer()
    await asyncio.wait_for(running.stop(), PATIENCE)
    assert running.pid is None

    failing = trainer(worker_module=fake("sys.exit(1)"))
    downs = [await events.next(TrainerDown) for _ in range(3)]
    assert downs[2].given_up
    await asyncio.wait_for(failing.stop(), PATIENCE)


async def test_one_that_was_never_started_can_be_stopped(toy: Any, tmp_path: Path) -> None:
    await Trainer(toy.opened, on_event=print, log_path=tmp_path / "log").stop()
    assert not (tmp_path / "log").exists()


async def test_it_starts_once(trainer: Begin) -> None:
    running = trainer()
    with pytest.raises(RuntimeError, match="only once"):
        running.start()


async def test_a_listener_that_fails_does_not_end_the_trainer(trainer: Begin, fake: Fake) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: heard.put_nowait(context["exception"])
    )

    def listener(event: object) -> None:
        raise ValueError(event)

    module = fake("open_pool()\nwhile True:\n    answer(hear())\n")
    running = trainer(worker_module=module, on_event=listener)
    for generation in (1, 2):
        running.submit(a_start(generation))
        error = await asyncio.wait_for(heard.get(), 30)
        assert error.args[0].answer.ranking == ColdStartFinished(generation, (0,))


async def test_a_pool_that_is_gone_is_said_so(
    trainer: Begin, toy: Any, events: Any, tmp_path: Path
) -> None:
    gone = replace(toy.opened.pool[0], path=tmp_path / "gone")
    trainer(opened=msgspec.structs.replace(toy.opened, pool=(gone,)))
    down = await events.next(TrainerDown)
    assert "could not open the pool" in down.reason
    assert str(gone.path)[:20] in down.reason


async def test_a_child_that_cannot_be_started_is_said_so(trainer: Begin, events: Any) -> None:
    trainer(python="/no/such/python")
    down = [await events.next(TrainerDown) for _ in range(3)][-1]
    assert down.reason.startswith("the trainer could not be started")
    assert "/no/such/python" in down.reason
    assert down.given_up


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to watch a stranger's end")
async def test_a_killed_parent_leaves_no_child(
    toy: Any, fake: Fake, told: Told, tmp_path: Path
) -> None:
    request = a_fit(model="mlp")
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import asyncio\n"
            "from pathlib import Path, PosixPath\n"
            "from tuilabel.data import ArrayFile\n"
            "from tuilabel.learn.requests import Fit\n"
            "from tuilabel.trainer.jobs import Rank\n"
            "from tuilabel.trainer.messages import OpenPool\n"
            "from tuilabel.trainer.runner import Trainer\n"
            "async def main():\n"
            f"    trainer = Trainer({toy.opened!r}, on_event=print,\n"
            f"        log_path=Path({str(tmp_path / 'log')!r}), worker_module={fake(ENDLESS)!r})\n"
            "    trainer.start()\n"
            f"    trainer.submit(Rank({request!r}))\n"
            "    await asyncio.Event().wait()\n"
            "asyncio.run(main())\n",
        ],
        cwd=Path(__file__).resolve().parents[2],
    )
    try:
        child = os.pidfd_open(int(await told()))
    finally:
        parent.kill()
        parent.wait()
    with os.fdopen(child) as ended:
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        assert await asyncio.to_thread(poll.poll, 10_000)


def test_the_parent_imports_no_scikit_learn() -> None:
    code = (
        "import sys, tuilabel.trainer.runner; assert not {'sklearn', 'scipy'} & sys.modules.keys()"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2]
    )
