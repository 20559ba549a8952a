"""Runs in several processes, which end when their parent stops them or is gone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tuilabel.data import Dataset
from tuilabel.errors import TrainerError
from tuilabel.learn.learner import Learner
from tuilabel.learn.threads import THREAD_VARIABLES, one_thread
from tuilabel.session.learner import open_learner
from tuilabel.simulate.handover import HandedOver, hand_over, take_over
from tuilabel.simulate.plan import Combination, Plan
from tuilabel.simulate.run import Run, run_session

_LOOK_SECONDS = 0.2


def run_in_processes(
    dataset: Dataset,
    plan: Plan,
    runs: Sequence[tuple[Combination, int]],
    *,
    jobs: int,
    cache_folder: Path | None,
    finish: Callable[[Run], None],
    tell: Callable[[int], None],
) -> None:
    """Do some runs, one at a time in each process.

    Parameters
    ----------
    dataset : Dataset
        With ground truth and a hold-out.
    plan : Plan
    runs : sequence of (Combination, int)
        Combinations and seeds.
    jobs : int
        Number of processes.
    cache_folder : Path or None
        Folder of features and label graphs.
    finish : callable
        Called with each finished run, in the calling thread.
    tell : callable
        Called with the number of rounds so far, a few times a second.

    Raises
    ------
    TrainerError
        A process ended before its run was finished, or the images cannot be written.
    """
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="tuilabel-")))
            hand_over(dataset, folder)
            # The children notice at once when this end is closed, even by the death of this
            # process.
            reading, writing = context.Pipe(duplex=False)
            stack.callback(reading.close)
            # Locks take room in shared memory.
            rounds = context.Value("q", 0)
            executor = ProcessPoolExecutor(
                jobs,
                mp_context=context,
                initializer=_begin,
                initargs=(folder, cache_folder, plan, reading, rounds),
            )
        except OSError as error:
            raise TrainerError(
                f"The images cannot be written for other processes ({error.strerror}). "
                "Free some space in the temporary folder, or use --jobs 1."
            ) from error
        try:
            with _quiet_children():
                pending = {executor.submit(_work, *run) for run in runs}
            while pending:
                done, pending = wait(pending, _LOOK_SECONDS, return_when=FIRST_COMPLETED)
                tell(rounds.value)
                for future in done:
                    finish(future.result())
        except BrokenProcessPool as error:
            raise TrainerError(
                "A process of the simulation ended before its run was finished, perhaps because "
                "memory ran out. Finished runs are kept. Try again with fewer --jobs."
            ) from error
        except BaseException:
            writing.close()
            raise
        finally:
            executor.shutdown(cancel_futures=True)
            writing.close()


@contextmanager
def _quiet_children() -> Iterator[None]:
    """Let processes that are started in this block use one thread and ignore Ctrl-C.

    A terminal sends Ctrl-C to all of them; their parent decides when they end.
    """
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if is_main:
            signal.signal(signal.SIGINT, handler or signal.SIG_DFL)


@dataclass(frozen=True)
class _Workplace:
    """The data of a process, shared by its runs."""

    dataset: HandedOver
    learner: Learner
    plan: Plan
    rounds: Any


_workplace: list[_Workplace] = []
_for_good = ExitStack()


def _begin(
    folder: Path, cache_folder: Path | None, plan: Plan, other_end: Connection, rounds: Any
) -> None:
    """Prepare a new process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(other_end,), daemon=True).start()
    _for_good.enter_context(one_thread())
    dataset = take_over(folder)
    _workplace.append(_Workplace(dataset, open_learner(dataset, cache_folder), plan, rounds))


def _end_with(other_end: Connection) -> None:
    """Wait until the other end of a pipe is closed, then end this process at once."""
    other_end.poll(None)
    os._exit(1)


def _work(combination: Combination, seed: int) -> Run:
    place = _workplace[0]

    def tell() -> None:
        with place.rounds.get_lock():
            place.rounds.value += 1

    learner = place.learner.for_new_session()
    return run_session(place.dataset, learner, place.plan, combination, seed, tell)
