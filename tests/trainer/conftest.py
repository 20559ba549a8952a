"""A small pool in files, events to wait for, and children that misbehave on purpose."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
import pytest

from tests import forks
from tuilabel.data import as_array_file
from tuilabel.trainer.jobs import Ranked, Started
from tuilabel.trainer.messages import Finished, OpenPool
from tuilabel.trainer.runner import Trainer, TrainerEvent

PATIENCE = 60.0
"""Seconds after which a test that waits in vain fails."""

E = TypeVar("E")

PRELUDE = """
import json, os, signal, sys, time
from pathlib import Path

HERE = Path(__file__).parent

def say(kind, **fields):
    print(json.dumps({"kind": kind, **fields}), flush=True)

def hear():
    line = sys.stdin.readline()
    return json.loads(line) if line else os._exit(0)

def tell(text):
    with open(HERE / "fifo", "w") as fifo:
        fifo.write(str(text) + "\\n")

def open_pool():
    hear()
    say("PoolOpened", items=5)

def answer(request, id=None):
    asked = request["job"]["request"]
    ranking = {"generation": asked["generation"], "items": [len(asked["excluded"])]}
    id = request["id"] if id is None else id
    say("Finished", id=id, answer={"kind": "Started", "ranking": ranking})

def life():
    with open(HERE / "lives", "a+") as lives:
        lives.write("x")
        return lives.tell()
"""
"""What fake children are made of."""


LIGHT = "import tuilabel.trainer.worker as worker\nworker.warm_up = lambda: None\n"
"""The real worker, which imports scikit-learn, for a second, with its first fit only."""

LIGHT_MAIN = f"{LIGHT}worker.main()\n"


@dataclass
class Toy:
    """Twelve labelled, and other, pictures of three classes, as arrays and in files."""

    pool: np.ndarray
    truth: np.ndarray
    holdout: tuple[np.ndarray, np.ndarray]
    opened: OpenPool


@pytest.fixture
def toy() -> Iterator[Toy]:
    rng = np.random.default_rng(0)
    truth = np.arange(60) % 3
    centres = rng.integers(0, 200, (3, 4, 5))
    images = (centres[truth] + rng.integers(0, 55, (60, 4, 5))).astype(np.uint8)
    pool, holdout, classes = images[:40], images[40:], truth[40:].astype(np.int16)
    with ExitStack() as resources:
        files = (as_array_file(array, resources) for array in (pool, holdout, classes))
        pool_file, holdout_file, truth_file = files
        opened = OpenPool((pool_file,), 3, holdout_file, truth_file, "t10k")
        yield Toy(pool, truth[:40], (holdout, classes), opened)


@dataclass
class Events:
    """What a trainer reported, to be awaited one by one."""

    queue: asyncio.Queue[TrainerEvent] = field(default_factory=asyncio.Queue)

    def __call__(self, event: TrainerEvent) -> None:
        self.queue.put_nowait(event)

    async def next(self, kind: type[E]) -> E:
        """Return the next event of a kind, or the next answer of that kind in an event."""
        event = unwrapped(await asyncio.wait_for(self.queue.get(), PATIENCE))
        assert isinstance(event, kind), event
        return event


def unwrapped(event: TrainerEvent) -> Any:
    """Return the ranking or other answer in an event; or the event itself."""
    if not isinstance(event, Finished):
        return event
    return event.answer.ranking if isinstance(event.answer, Ranked | Started) else event.answer


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fork trainers where scikit-learn is imported already: what they do is tested, not how."""
    if sys.platform != "linux":
        yield
        return
    forks.adopt_orphans(True)
    starting = SimpleNamespace(**{**vars(subprocess), "Popen": forks.start_trainer})
    monkeypatch.setattr("asyncio.unix_events.subprocess", starting)
    yield
    forks.adopt_orphans(False)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write a worker module; return its name."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(code: str) -> str:
        (tmp_path / "fake_worker.py").write_text(PRELUDE + code)
        return "fake_worker"

    return write


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Callable[[], Any]]:
    """Return a function that waits for the next message of a fake child."""
    os.mkfifo(tmp_path / "fifo")
    # Open for writing too, so that it does not end when a child closes it.
    handle = os.open(tmp_path / "fifo", os.O_RDWR | os.O_NONBLOCK)
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: protocol, os.fdopen(handle, "rb", buffering=0)
    )

    async def next_line() -> str:
        return (await asyncio.wait_for(reader.readline(), PATIENCE)).decode().strip()

    yield next_line
    transport.close()


@pytest.fixture
async def trainer(
    toy: Toy, events: Events, tmp_path: Path
) -> AsyncIterator[Callable[..., Trainer]]:
    """Return a function that starts a trainer, which is stopped when the test is over."""
    started: list[Trainer] = []

    def start(**settings: Any) -> Trainer:
        settings = {"on_event": events, "log_path": tmp_path / "log" / "trainer.log"} | settings
        trainer = Trainer(settings.pop("opened", toy.opened), **settings)
        trainer.start()
        started.append(trainer)
        return trainer

    yield start
    for trainer in started:
        await asyncio.wait_for(trainer.stop(), PATIENCE)


@pytest.fixture(autouse=True)
def numbers_from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Number the jobs of each test from 1."""
    monkeypatch.setattr("tuilabel.trainer.queue._IDS", count(1))
