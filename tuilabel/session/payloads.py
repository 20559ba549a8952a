"""The contents of events: the settings of an opening, and the fit of a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import FitFinished
from tuilabel.session.values import LoopSettings

DEFAULTS = LoopSettings()


def settings_from(body: Mapping[str, Any], default: LoopSettings = DEFAULTS) -> LoopSettings:
    """Return the settings in an opening; those that it lacks are taken from `default`."""
    known = asdict(default)
    return LoopSettings(**{name: body.get(name, value) for name, value in known.items()})


def fit_body(fit: FitFinished | None) -> dict[str, Any]:
    """Return the part of a round event about its fit; None throughout for a cold start."""
    return {
        "model": fit.model if fit else None,
        "features": fit.features if fit else None,
        "strategy": fit.strategy if fit else None,
        "fit_seconds": round(fit.fit_seconds, 4) if fit else None,
        "rank_seconds": round(fit.rank_seconds, 4) if fit else None,
        "accuracy": _accuracy_body(fit.accuracy) if fit and fit.accuracy else None,
        "confusion": fit.confusion if fit else None,
        "stop_set": fit.stop_set if fit else None,
        "moved": _maybe_rounded(fit.moved) if fit else None,
        "agreement": _maybe_rounded(fit.agreement) if fit else None,
    }


def rounded(probabilities: Sequence[float] | None) -> tuple[float, ...] | None:
    """Return probabilities rounded as they are shown and saved."""
    if probabilities is None:
        return None
    return tuple(round(float(probability), 4) for probability in probabilities)


def _maybe_rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def _accuracy_body(accuracy: Accuracy) -> dict[str, Any]:
    return {
        "correct": accuracy.correct,
        "n": accuracy.n,
        "set": accuracy.name,
        "value": round(accuracy.value, 6),
        "low": round(accuracy.low, 6),
        "high": round(accuracy.high, 6),
    }
