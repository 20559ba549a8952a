"""The link between a session's requests and the trainer's child process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from tuilabel.data import ArrayFile, Dataset, as_array_file, in_memory
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished
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
    from tuilabel.trainer import Trainer, TrainerEvent


class Listener(Protocol):
    """Follows the trainer: a screen, or a conversation in lines."""

    def ranking_arrived(self, ranking: FitFinished | ColdStartFinished) -> None:
        """Handle the answer to a request."""

    def learner_prepared(self) -> None:
        """Ask again: from here on the same labels can teach more."""

    def trainer_reported(self, report: TrainerReport, *, busy: bool) -> None:
        """Show the trainer's state; `busy` while it still owes an answer."""


class TrainerClient:
    """Owns the trainer: hands it requests, and its answers to a listener.

    Parameters
    ----------
    dataset : Dataset
    cache : Path
        The folder for features, graphs, and arrays that are in no file yet.
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
        self._owed: int | None = None
        self._problem: str | None = None
        self._unstarted: str | None = None
        self._resources = ExitStack()

    def start(self) -> None:
        """Start the child, and submit a request that was made before."""
        # The first image needs none of it.
        from tuilabel.trainer import OpenPool, Trainer

        holdout = self._dataset.holdout
        try:
            opened = OpenPool(
                pool=self._handed_over(self._dataset.pool),
                holdout=None if holdout is None else self._handed_over(holdout.images),
                holdout_truth=None if holdout is None else self._handed_over(holdout.truth),
                holdout_name="" if holdout is None else holdout.name,
                n_classes=len(self._dataset.class_names),
                cache_folder=str(self._cache / "features"),
            )
        except OSError as error:
            self._unstarted = f"there is no room for the model's data ({error.strerror or error})"
            self._owed = self._waiting = None
            self._report(Down(self._unstarted))
            return
        self._trainer = Trainer(opened, on_event=self._post, log_path=self._log_path)
        self._trainer.start()
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self.submit(waiting)

    def _handed_over(self, array: NDArray[Any]) -> ArrayFile:
        """Return a file with an array: in the cache, or in any other place that has room."""
        folder = self._cache / "handed-over"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return as_array_file(array, folder)
        except OSError:
            from tempfile import TemporaryDirectory
        try:
            folder = Path(self._resources.enter_context(TemporaryDirectory(prefix="tuilabel-")))
            return as_array_file(array, folder)
        except OSError:
            file, found = in_memory(array)
            self._resources.enter_context(file)
            return found

    async def stop(self) -> None:
        """End the child, even in the middle of a fit."""
        if self._trainer is not None:
            await self._trainer.stop()
        self._resources.close()

    def submit(self, request: Fit | ColdStart) -> None:
        """Hand over a request, without waiting for anything."""
        if self._unstarted is not None:
            self._report(Down(self._unstarted))
            return
        self._owed = request.generation
        self._report(Working())
        if self._trainer is None:
            self._waiting = request
        else:
            self._trainer.submit(request)

    def handle(self, event: TrainerEvent) -> None:
        """Pass an event of the trainer on to the listener."""
        from tuilabel.trainer import (
            FeaturesPrepared,
            Preparing,
            RequestFailed,
            TrainerDown,
            TrainerRestarted,
        )

        listener = self._listener()
        if listener is None:
            return
        if isinstance(event, FitFinished | ColdStartFinished | RequestFailed):
            self._owed = None if event.generation == self._owed else self._owed
        match event:
            case FitFinished():
                self._report_answer(Fitted(event.model, event.features))
                listener.ranking_arrived(event)
            case ColdStartFinished():
                self._report_answer(Idle())
                listener.ranking_arrived(event)
            case Preparing():
                self._report(PreparingShare(event.what, event.done / max(event.total, 1)))
            case FeaturesPrepared():
                self._problem = event.problem
                if event.problem is not None:
                    self._report(Unprepared(event.problem))
                if event.late:
                    listener.learner_prepared()
            case TrainerDown():
                self._owed = None if event.given_up else self._owed
                self._report(Down(event.reason))
            case TrainerRestarted():
                self._report(Restarted() if self._owed is None else Working(restarted=True))
            case RequestFailed():
                self._report(Failed(event.message))

    def _report_answer(self, report: TrainerReport) -> None:
        """Report an answer; a problem takes its place until everything owed has arrived."""
        if self._problem is None:
            self._report(report)
            return
        self._report(Unprepared(self._problem))
        if self._owed is None:
            self._problem = None

    def _report(self, report: TrainerReport) -> None:
        listener = self._listener()
        if listener is not None:
            listener.trainer_reported(report, busy=self._owed is not None)
