"""The contents of events: the settings of an opening, and a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tuilabel.events.payloads import COLD_START, RANDOM_SHARE, Asked, Fitted, Measured
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import FitFinished
from tuilabel.session.values import LoopSettings, Ranking


def settings_from(stored: Mapping[str, Any]) -> LoopSettings:
    """Return the settings in an opening; those that it lacks are the defaults."""
    known = asdict(LoopSettings())
    return LoopSettings(**{name: stored.get(name, value) for name, value in known.items()})


def fitted(fit: FitFinished, round_: int, labels: int) -> Fitted:
    """Return the content of the event about a fit."""
    confusion = fit.confusion
    return Fitted(
        labels=labels,
        round=round_,
        model=fit.model,
        features=fit.features,
        strategy=fit.strategy,
        fit_seconds=round(fit.fit_seconds, 4),
        rank_seconds=round(fit.rank_seconds, 4),
        classes=fit.columns,
        accuracy=None if fit.accuracy is None else _measured(fit.accuracy),
        confusion=None if confusion is None else tuple(tuple(map(int, row)) for row in confusion),
        stop_set=fit.stop_set,
        moved=_maybe_rounded(fit.moved),
        agreement=_maybe_rounded(fit.agreement),
        tallies=tuple((t.found, t.missed, t.wrong, t.absent) for t in fit.tallies),
    )


def asked_of(ranking: Ranking, ids: Sequence[str]) -> dict[int, Asked]:
    """Return what the items of a ranking are asked for, by row, best first.

    Parameters
    ----------
    ranking : FitFinished or ColdStartFinished
    ids : sequence of str
        Item ids by row.
    """
    if not isinstance(ranking, FitFinished):
        return {row: Asked(ids[row], COLD_START) for row in ranking.items}
    found: dict[int, Asked] = {}
    columns = zip(ranking.items, ranking.draws, ranking.probabilities, ranking.reasons, strict=True)
    for row, draw, shares, why in columns:
        reason = why or (ranking.strategy if draw is None else RANDOM_SHARE)
        rounded = (round(float(share), 4) for share in shares)
        pairs = zip(ranking.columns, rounded, strict=True)
        by_class = {id_: share for id_, share in pairs if share}
        found[row] = Asked(ids[row], reason, draw, by_class)
    return found


def _maybe_rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def _measured(accuracy: Accuracy) -> Measured:
    return Measured(
        correct=accuracy.correct,
        n=accuracy.n,
        set=accuracy.name,
        value=round(accuracy.value, 6),
        low=round(accuracy.low, 6),
        high=round(accuracy.high, 6),
    )
