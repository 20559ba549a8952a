"""Between the session's requests and the trainer's child process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tuilabel.data import Dataset, as_array_file
from tuilabel.learn.requests import ColdStart, ColdStartFinished, FitFinished
from tuilabel.session import Ranking, Request

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from tuilabel.trainer import Trainer, TrainerEvent


class Listener(Protocol):
    """What a screen hears of the trainer."""

    def ranking_arrived(self, ranking: Ranking) -> None:
        """A request was answered."""

    def trainer_said(self, text: str, style: str = "muted", *, busy: bool = False) -> None:
        """The trainer's state in a few words, and whether it still owes an answer."""


class TrainerLink:
    """Owns the trainer: hands it requests, and hands its answers to the screen.

    Parameters
    ----------
    dataset : Dataset
    log_path : Path
        What the child writes to its standard error.
    listener : callable
        Gives the screen to tell; None while there is none.
    """

    def __init__(
        self, dataset: Dataset, log_path: Path, listener: Callable[[], Listener | None]
    ) -> None:
        self._dataset = dataset
        self._log_path = log_path
        self._listener = listener
        self._trainer: Trainer | None = None
        self._waiting: Request | None = None
        self._newest = -1
        self._directory: TemporaryDirectory[str] | None = None

    def start(self) -> None:
        """Start the child; what was asked before is asked now."""
        # Imported after the first frame, which needs none of it.
        from tempfile import TemporaryDirectory

        from tuilabel.trainer import OpenPool, Trainer

        # Arrays that lie in no file yet are handed over through this one.
        self._directory = TemporaryDirectory(prefix="tuilabel-")
        directory = Path(self._directory.name)
        holdout = self._dataset.holdout
        self._trainer = Trainer(
            OpenPool(
                pool=as_array_file(self._dataset.pool, directory),
                holdout=None if holdout is None else as_array_file(holdout.images, directory),
                holdout_truth=None if holdout is None else as_array_file(holdout.truth, directory),
                holdout_name="" if holdout is None else holdout.name,
                n_classes=len(self._dataset.class_names),
            ),
            on_event=self._heard,
            log_path=self._log_path,
        )
        self._trainer.start()
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self.submit(waiting)

    async def stop(self) -> None:
        """End the child, also in the middle of a fit."""
        if self._trainer is not None:
            await self._trainer.stop()
        if self._directory is not None:
            self._directory.cleanup()

    def submit(self, request: Request) -> None:
        """Hand a request over; returns at once."""
        self._newest = request.generation
        self._tell("choosing…" if isinstance(request, ColdStart) else "fitting…", busy=True)
        if self._trainer is None:
            self._waiting = request
        else:
            self._trainer.submit(request)

    def _heard(self, event: TrainerEvent) -> None:
        from tuilabel.trainer import RequestFailed, TrainerDown, TrainerRestarted

        screen = self._listener()
        if screen is None:
            return
        match event:
            case FitFinished():
                seconds = event.fit_seconds + event.rank_seconds
                self._tell(f"fitted in {seconds:.2f} s", busy=event.generation != self._newest)
                screen.ranking_arrived(event)
            case ColdStartFinished():
                self._tell("", busy=event.generation != self._newest)
                screen.ranking_arrived(event)
            case TrainerDown():
                self._tell(f"! {event.reason}", "bad")
            case TrainerRestarted():
                self._tell("trainer restarted")
            case RequestFailed():
                self._tell(f"! no fit: {event.message}", "bad")

    def _tell(self, text: str, style: str = "muted", *, busy: bool = False) -> None:
        screen = self._listener()
        if screen is not None:
            screen.trainer_said(text, style, busy=busy)
