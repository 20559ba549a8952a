"""The one link between an interface and the trainer's child process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tuilabel.data import ArrayFile, Dataset, as_array_file
from tuilabel.errors import TrainerError
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished
from tuilabel.progress import Progress
from tuilabel.trainer.reports import (
    Down,
    Failed,
    Fitted,
    Idle,
    PreparingShare,
    Restarted,
    TrainerReport,
    Unprepared,
    Working,
)

if TYPE_CHECKING:
    from tuilabel.trainer.jobs import Answer, Job, Prepare
    from tuilabel.trainer.runner import Trainer, TrainerEvent

# The codec is imported with the trainer, after the first frame.


class Listener(Protocol):
    """Follows the trainer: a screen, or a conversation in lines."""

    def ranking_arrived(self, ranking: FitFinished | ColdStartFinished) -> None:
        """Handle the answer to a request."""

    def learner_prepared(self) -> None:
        """Ask again: from here on the same labels can teach more."""

    def trainer_reported(self, report: TrainerReport, *, busy: bool) -> None:
        """Show the trainer's state; `busy` while it still owes an answer."""


class RunJob(Protocol):
    """Has a job done: see `TrainerClient.run`."""

    async def __call__(self, job: Job, progress: Progress | None = None) -> Answer: ...


class TrainerLink(Protocol):
    """The part of a `TrainerClient` that a screen needs."""

    def start(self, pool: Sequence[ArrayFile] = ()) -> None:
        """Start the child over some images."""

    def submit(self, request: Fit | ColdStart) -> None:
        """Hand over a request."""

    @property
    def run(self) -> RunJob:
        """Has a job done."""


class _Run(NamedTuple):
    """A job that a screen waits for."""

    answer: asyncio.Future[Answer]
    progress: Progress | None


class TrainerClient:
    """Owns the trainer: hands it a session's requests and a screen's jobs, and passes answers on.

    Parameters
    ----------
    dataset : Dataset
    cache : Path
        The folder for features and graphs.
    log_path : Path
        The file for the child's standard error.
    post : callable
        Called on the event loop with each event of the trainer; it passes the event to `handle`,
        at once or through a queue.
    listener : callable
        Returns the listener; None while there is none.
    """

    def __init__(
        self,
        dataset: Dataset,
        cache: Path,
        log_path: Path,
        post: Callable[[TrainerEvent], object],
        listener: Callable[[], Listener | None],
    ) -> None:
        self._dataset = dataset
        self._cache = cache
        self._log_path = log_path
        self._post = post
        self._listener = listener
        self._trainer: Trainer | None = None
        self._waiting: Fit | ColdStart | None = None
        self._asked: list[int] = []
        self._prepare: tuple[int, Prepare] | None = None
        self._runs: dict[int, _Run] = {}
        self._problem: str | None = None
        self._ending: asyncio.Future[None] | None = None
        self._unstarted: str | None = None
        self._resources = ExitStack()

    def start(self, pool: Sequence[ArrayFile] = ()) -> None:
        """Start the child, and submit a request that was made before.

        Parameters
        ----------
        pool : sequence of ArrayFile, optional
            The images, part after part, where the dataset does not have them at once. Once it has
            more of them, this may be called again: another child takes the place of the first, and
            jobs of screens fail.
        """
        # The first image needs none of it.
        from tuilabel.trainer.messages import OpenPool
        from tuilabel.trainer.runner import Trainer

        self._give_up_child()
        holdout, files = self._dataset.holdout, self._resources
        try:
            opened = OpenPool(
                pool=tuple(pool) or (as_array_file(self._dataset.pool, files),),
                holdout=None if holdout is None else as_array_file(holdout.images, files),
                holdout_truth=None if holdout is None else as_array_file(holdout.truth, files),
                holdout_name="" if holdout is None else holdout.name,
                n_classes=len(self._dataset.class_names),
                cache_folder=self._cache / "features",
            )
        except OSError as error:
            self._unstarted = f"there is no room for the model's data ({error.strerror or error})"
            self._waiting = None
            self._report(Down(self._unstarted))
            return
        self._trainer = trainer = Trainer(
            opened,
            # What another child has sent meanwhile has numbers that mean other jobs here.
            on_event=lambda event: self._post(event) if self._trainer is trainer else None,
            log_path=self._log_path,
        )
        self._trainer.start()
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self.submit(waiting)

    def _give_up_child(self) -> None:
        if self._trainer is not None:
            self._ending = asyncio.ensure_future(self._trainer.stop())
            self._trainer, self._prepare, self._asked = None, None, []
            for run in self._runs.values():
                if not run.answer.done():
                    run.answer.set_exception(TrainerError("more images were read: try again"))

    async def stop(self) -> None:
        """End the child, even in the middle of a fit; jobs of screens are cancelled."""
        for run in self._runs.values():
            run.answer.cancel()
        if self._trainer is not None:
            await self._trainer.stop()
        if self._ending is not None:
            await self._ending
        self._resources.close()

    def submit(self, request: Fit | ColdStart) -> None:
        """Hand over a request, without waiting for anything."""
        if self._unstarted is not None:
            self._report(Down(self._unstarted))
            return
        if self._trainer is None:
            self._waiting = request
        else:
            self._ask(self._trainer, request)
        self._report(Working())

    def _ask(self, trainer: Trainer, request: Fit | ColdStart) -> None:
        from tuilabel.trainer.jobs import Prepare, Rank, Start

        method = request.cold_start if isinstance(request, Fit) else request.method
        prepare = Prepare(request.model, request.features, method)
        if self._prepare is None or self._prepare[1] != prepare:
            self._prepare = trainer.submit(prepare), prepare
        self._asked.append(
            trainer.submit(Rank(request) if isinstance(request, Fit) else Start(request))
        )

    async def run(self, job: Job, progress: Progress | None = None) -> Answer:
        """Have a job done, and return its answer; cancelling this cancels the job.

        Parameters
        ----------
        job : Job
        progress : callable, optional
            Called on the event loop with the job's progress.

        Raises
        ------
        TrainerError
            The job failed; the message is one line.
        """
        trainer = self._trainer
        if trainer is None:
            raise TrainerError(self._unstarted or "the trainer has not been started")
        number = trainer.submit(job)
        run = _Run(asyncio.get_running_loop().create_future(), progress)
        self._runs[number] = run
        try:
            return await run.answer
        finally:
            del self._runs[number]
            trainer.cancel(number)

    def handle(self, event: TrainerEvent) -> None:
        """Pass an event of the trainer on: to the listener, or to the caller of `run`."""
        from tuilabel.trainer import messages
        from tuilabel.trainer.runner import TrainerDown, TrainerRestarted

        match event:
            case messages.Progress(id=number, what=what, done=done, total=total):
                self._progressed(number, what, done, total)
            case messages.Finished(id=number, answer=answer):
                self._finished(number, answer)
            case messages.Failed(id=number, message=message):
                self._failed(number, message)
            case TrainerDown(reason=reason, given_up=given_up):
                if given_up:
                    self._asked.clear()
                self._report(Down(reason))
            case TrainerRestarted():
                self._report(Working(restarted=True) if self._busy else Restarted())

    def _progressed(self, number: int, what: str, done: int, total: int) -> None:
        run = self._runs.get(number)
        if run is not None and run.progress is not None:
            run.progress(what, done, total)
        elif self._prepare is not None and number == self._prepare[0]:
            self._report(PreparingShare(what, done / max(total, 1)))

    def _finished(self, number: int, answer: Answer) -> None:
        from tuilabel.trainer.jobs import Prepared, Ranked, Started

        run, listener = self._runs.get(number), self._listener()
        if run is not None and not run.answer.done():
            run.answer.set_result(answer)
        elif isinstance(answer, Prepared):
            self._problem = answer.problem
            if answer.problem is not None:
                self._report(Unprepared(answer.problem))
            if answer.late and listener is not None:
                listener.learner_prepared()
        elif isinstance(answer, Ranked | Started):
            self._answered(number)
            ranking = answer.ranking
            if isinstance(ranking, FitFinished):
                self._report_answer(Fitted(ranking.model, ranking.features))
            else:
                self._report_answer(Idle())
            if listener is not None:
                listener.ranking_arrived(ranking)

    def _failed(self, number: int, message: str) -> None:
        run = self._runs.get(number)
        if run is not None and not run.answer.done():
            run.answer.set_exception(TrainerError(message))
        elif self._prepare is not None and number == self._prepare[0]:
            self._problem = message
            self._report(Unprepared(message))
        elif number in self._asked:
            self._answered(number)
            self._report(Failed(message))

    def _answered(self, number: int) -> None:
        # Requests between this one and an earlier answer were replaced while they waited.
        self._asked = [asked for asked in self._asked if asked > number]

    @property
    def _busy(self) -> bool:
        """Whether an answer to a request is owed."""
        return bool(self._asked) or self._waiting is not None

    def _report_answer(self, report: TrainerReport) -> None:
        """Report an answer; a problem takes its place until everything owed has arrived."""
        if self._problem is None:
            self._report(report)
            return
        self._report(Unprepared(self._problem))
        if not self._busy:
            self._problem = None

    def _report(self, report: TrainerReport) -> None:
        listener = self._listener()
        if listener is not None:
            listener.trainer_reported(report, busy=self._busy)
