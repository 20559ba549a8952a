"""Between the session's requests and the trainer's child process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from tuilabel.data import ArrayFile, Dataset, as_array_file
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from tuilabel.trainer import Trainer, TrainerEvent


WAITING = ("fitting…", "muted")
"""What is shown while the trainer owes an answer, and in which style."""


class Listener(Protocol):
    """What hears of the trainer: a screen, or a conversation in lines."""

    def ranking_arrived(self, ranking: FitFinished | ColdStartFinished) -> None:
        """A request was answered."""

    def learner_prepared(self) -> None:
        """The same labels can teach more from here on."""

    def trainer_said(self, text: str, style: str = "muted", *, busy: bool = False) -> None:
        """The trainer's state in a few words, and whether it still owes an answer."""


class TrainerClient:
    """Owns the trainer: hands it requests, and hands its answers to who listens.

    Parameters
    ----------
    dataset : Dataset
    directory : Path
        Where arrays that lie in no file yet are handed over; made if it is not there.
    features : Path
        Where the child keeps features and graphs.
    log_path : Path
        What the child writes to its standard error.
    post : callable
        Takes what the trainer says, on the event loop, and brings it back to `hear`: at once, or
        as a message of its own.
    listener : callable
        Gives who is to be told; None while there is nobody.
    """

    def __init__(
        self,
        dataset: Dataset,
        directory: Path,
        features: Path,
        log_path: Path,
        post: Callable[[TrainerEvent], object],
        listener: Callable[[], Listener | None],
    ) -> None:
        self._dataset = dataset
        self._directory = directory
        self._features = features
        self._log_path = log_path
        self._post = post
        self._listener = listener
        self._trainer: Trainer | None = None
        self._waiting: Fit | ColdStart | None = None
        self._owed: int | None = None
        self._problem: str | None = None
        self._fallback: TemporaryDirectory[str] | None = None

    def start(self) -> None:
        """Start the child; what was asked before is asked now."""
        # Imported after the first image is shown, which needs none of it.
        from tuilabel.trainer import OpenPool, Trainer

        holdout = self._dataset.holdout
        self._trainer = Trainer(
            OpenPool(
                pool=self._handed_over(self._dataset.pool),
                holdout=None if holdout is None else self._handed_over(holdout.images),
                holdout_truth=None if holdout is None else self._handed_over(holdout.truth),
                holdout_name="" if holdout is None else holdout.name,
                n_classes=len(self._dataset.class_names),
                cache_folder=str(self._features),
            ),
            on_event=self._post,
            log_path=self._log_path,
        )
        self._trainer.start()
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self.submit(waiting)

    def _handed_over(self, array: NDArray[Any]) -> ArrayFile:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            return as_array_file(array, self._directory)
        except OSError:
            # A home that cannot be written to is no reason to go without a model.
            from tempfile import TemporaryDirectory

            self._fallback = self._fallback or TemporaryDirectory(prefix="tuilabel-")
            return as_array_file(array, Path(self._fallback.name))

    async def stop(self) -> None:
        """End the child, also in the middle of a fit."""
        if self._trainer is not None:
            await self._trainer.stop()
        if self._fallback is not None:
            self._fallback.cleanup()

    def submit(self, request: Fit | ColdStart) -> None:
        """Hand a request over; returns at once."""
        self._owed = request.generation
        self._tell(*WAITING)
        if self._trainer is None:
            self._waiting = request
        else:
            self._trainer.submit(request)

    def hear(self, event: TrainerEvent) -> None:
        """Tell the listener what the trainer said."""
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
                self._tell_answered(f"{event.model} on {event.features}")
                listener.ranking_arrived(event)
            case Preparing():
                self._tell(f"{event.what} {event.done / max(event.total, 1):.0%}")
            case FeaturesPrepared():
                self._problem = event.problem
                if event.problem is not None:
                    self._tell(f"! {event.problem}", "accent")
                if event.late:
                    listener.learner_prepared()
            case ColdStartFinished():
                self._tell_answered("")
                listener.ranking_arrived(event)
            case TrainerDown():
                self._owed = None if event.given_up else self._owed
                self._tell(f"! {event.reason}", "bad")
            case TrainerRestarted():
                self._tell("restarted, fitting…" if self._owed is not None else "restarted")
            case RequestFailed():
                self._tell(f"! no fit: {event.message}", "bad")

    def _tell_answered(self, text: str) -> None:
        """Tell what came; a problem stands in its place until all that is owed has come."""
        if self._problem is None:
            self._tell(text)
            return
        self._tell(f"! {self._problem}", "accent")
        if self._owed is None:
            self._problem = None

    def _tell(self, text: str, style: str = "muted") -> None:
        listener = self._listener()
        if listener is not None:
            listener.trainer_said(text, style, busy=self._owed is not None)
