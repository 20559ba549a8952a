"""`tuilabel.learn` in a child process: `runner` is the parent's side, `worker` the child's."""

from tuilabel.trainer.messages import OpenPool, Prepared, Preparing, RequestFailed
from tuilabel.trainer.runner import (
    Trainer,
    TrainerDown,
    TrainerEvent,
    TrainerRestarted,
    TrainerState,
)

__all__ = [
    "OpenPool",
    "Prepared",
    "Preparing",
    "RequestFailed",
    "Trainer",
    "TrainerDown",
    "TrainerEvent",
    "TrainerRestarted",
    "TrainerState",
]
