"""`tuilabel.learn` in a child process: `worker` is the child, `client` and `runner` its parent.

Names are imported on first use: a screen needs `client` before the first image, and the rest only
after it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuilabel.trainer.messages import FeaturesPrepared, OpenPool, Preparing, RequestFailed
    from tuilabel.trainer.runner import (
        Trainer,
        TrainerDown,
        TrainerEvent,
        TrainerRestarted,
    )

_HOMES = {
    "messages": ("OpenPool", "FeaturesPrepared", "Preparing", "RequestFailed"),
    "runner": ("Trainer", "TrainerDown", "TrainerEvent", "TrainerRestarted"),
}

__all__ = [
    "FeaturesPrepared",
    "OpenPool",
    "Preparing",
    "RequestFailed",
    "Trainer",
    "TrainerDown",
    "TrainerEvent",
    "TrainerRestarted",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"tuilabel.trainer.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
