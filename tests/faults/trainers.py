"""The trainer's child killed exactly where it hears or says something: labelling goes on."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.context import Context
from tests.faults.labeller import label, open_journal
from tests.faults.table import Tally, check
from tuilabel.data import as_array_file
from tuilabel.events.lines import Event
from tuilabel.learn.requests import ColdStart, Fit
from tuilabel.trainer.jobs import Prepare, Rank, Start
from tuilabel.trainer.messages import Failed, Finished, OpenPool
from tuilabel.trainer.runner import Trainer, TrainerDown, TrainerEvent, TrainerRestarted

PATIENCE = 60.0

WORKER = """
import os, signal
from pathlib import Path
import tuilabel.trainer.workbench as workbench
import tuilabel.trainer.worker as worker
from tuilabel.trainer.messages import encode

KIND, WHEN = {kind!r}, {when!r}
MARK = Path({mark!r})

def die_once():
    try:
        MARK.touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)

send, decode = worker.WorkerChannel.send, worker.decode_to_child

def name(message):
    kind = type(message).__name__
    inner = getattr(message, "answer", None) or getattr(message, "job", None)
    return kind if inner is None else kind + " " + type(inner).__name__

def faulty_send(self, message):
    if name(message) == KIND:
        if WHEN == "before":
            die_once()
        if WHEN == "half" and not MARK.exists():
            line = encode(message)
            self._file.write(line[: len(line) // 2])
            self._file.flush()
            die_once()
    send(self, message)
    if name(message) == KIND and WHEN == "after":
        die_once()

def faulty_decode(line):
    message = decode(line)
    if name(message) == KIND and WHEN == "heard":
        die_once()
    return message

worker.WorkerChannel.send, worker.decode_to_child = faulty_send, faulty_decode
# Progress is told at once, and not once a second.
workbench.PROGRESS_SECONDS = 0
worker.HEARTBEAT_SECONDS = 0.05
worker.main()
"""

SAID = (
    "PoolOpened",
    "Heartbeat",
    "Progress",
    "Finished Prepared",
    "Finished Started",
    "Finished Ranked",
    "Failed",
)
HEARD = ("OpenPool", "Do Prepare", "Do Start", "Do Rank")
POINTS = tuple(
    [(kind, "heard") for kind in HEARD]
    + [(kind, when) for kind in SAID for when in ("before", "half", "after")]
)
"""Where the child is killed: at which message, and when."""

_FILES = ExitStack()


def killed(context: Context, tally: Tally) -> Iterator[None]:
    """Kill the child at each message in turn, once; both answers come all the same."""
    while True:
        for place in context.shuffled(len(POINTS)):
            folder = context.folder()
            saved = asyncio.run(_label_and_train(folder, *POINTS[place], tally))
            tally.injected += 1
            check(folder / "s.tuilabel", saved, tally)
            shutil.rmtree(folder)
            yield


async def _label_and_train(folder: Path, kind: str, when: str, tally: Tally) -> list[Event]:
    mark = folder / "killed"
    (folder / "faulty_worker.py").write_text(WORKER.format(kind=kind, when=when, mark=str(mark)))
    events: asyncio.Queue[TrainerEvent] = asyncio.Queue()
    trainer = Trainer(
        _pool(folder),
        on_event=events.put_nowait,
        log_path=folder / "trainer.log",
        **_python(folder),
    )
    saved: list[Event] = []
    answers: set[tuple[str, int]] = set()
    wanted: set[tuple[str, int]] = set()
    with open_journal(folder / "s.tuilabel", "me") as journal:
        trainer.start()
        trainer.submit(Prepare("graph", "raw", "kmeans"))
        downs: list[str] = []
        for job, answer in (
            (Start(ColdStart(1, "kmeans", "graph", "raw", (), (), 5, (0, 2, 0))), "Started"),
            (Rank(_fit(2, model="graph")), "Ranked"),
            (Rank(_fit(3, model="none")), "Failed"),
        ):
            wanted.add((answer, trainer.submit(job)))
            while wanted - answers:
                # Labelling does not wait for the trainer.
                saved += journal.append([label(len(saved))], "me")
                try:
                    event = await asyncio.wait_for(events.get(), PATIENCE)
                except TimeoutError:
                    tally.expect(False, f"no answer after a kill at {kind} ({when})")
                    break
                if isinstance(event, TrainerDown):
                    downs.append(event.reason)
                if isinstance(event, Finished | Failed):
                    ended = event.answer if isinstance(event, Finished) else event
                    answers.add((type(ended).__name__, event.id))
                if isinstance(event, TrainerRestarted):
                    tally.notes["restarts"] += 1
        # A kill behind the last answer is heard of a moment later.
        with suppress(TimeoutError):
            while not downs:
                event = await asyncio.wait_for(events.get(), PATIENCE)
                if isinstance(event, TrainerDown):
                    downs.append(event.reason)
        await trainer.stop()
    tally.expect(mark.exists(), f"there was no kill at {kind} ({when})")
    tally.expect(any("signal 9" in reason for reason in downs), f"not told: {downs}")
    return saved


def _python(folder: Path) -> dict[str, Any]:
    # The child finds the faulty worker through its own folder.
    starter = folder / "python"
    starter.write_text(
        f'#!/bin/sh\nPYTHONPATH="{folder}:$PYTHONPATH" exec "{sys.executable}" "$@"\n'
    )
    starter.chmod(0o700)
    return {"python": str(starter), "worker_module": "faulty_worker"}


def _pool(folder: Path) -> OpenPool:
    rng = np.random.default_rng(0)
    truth = np.arange(60) % 3
    centres = rng.integers(0, 200, (3, 4, 5))
    images = (centres[truth] + rng.integers(0, 55, (60, 4, 5))).astype(np.uint8)
    files = (
        as_array_file(a, _FILES) for a in (images[:40], images[40:], truth[40:].astype(np.int16))
    )
    pool, holdout, classes = files
    return OpenPool((pool,), 3, holdout, classes, "t10k")


def _fit(generation: int, model: str = "softmax") -> Fit:
    rows = tuple(range(12))
    return Fit(
        generation=generation,
        items=rows,
        classes=tuple(row % 3 for row in rows),
        columns=("a", "b", "c"),
        truth=(0, 1, 2),
        excluded=(12, 13),
        audit_items=(14, 15),
        audit_classes=(2, 0),
        model=model,
        features="raw",
        strategy="margin",
        cold_start="random",
        cold_start_size=0,
        batch_size=4,
        epsilon=0.0,
        limit=8,
        seed=(0, 2, 1),
    )
