"""What the fits of a session have shown, kept between redraws."""

from __future__ import annotations

from collections.abc import Sequence

from tuilabel.events.lines import Event
from tuilabel.events.payloads import Fitted
from tuilabel.learn.metrics import Accuracy
from tuilabel.session.values import CurvePoint, Moves


class FitHistory:
    """The learning curve of a list of fits, and how far each moved the predictions.

    Fits on labels that were taken back since do not count. A screen asks with every key, and there
    may be thousands of fits, so the lists are made again only where they change.

    Parameters
    ----------
    fits : list of Event
        Their payloads are `Fitted`, in order; the list may grow.
    """

    def __init__(self, fits: Sequence[Event]) -> None:
        self._fits = fits
        self._last: Event | None = None
        self._seen = 0
        self._most = 0
        self._labels = 0
        self._curve: list[CurvePoint] = []
        self._moves: list[Moves] = []

    def curve(self, labels: int) -> list[CurvePoint]:
        """Return the accuracy after each fit on at most so many labels."""
        self._update(labels)
        return self._curve

    def moves(self, labels: int) -> list[Moves]:
        """Return how far each fit on at most so many labels moved the predictions."""
        self._update(labels)
        return self._moves

    def _update(self, labels: int) -> None:
        first = self._seen
        if first and self._fits[first - 1] is not self._last:
            first = 0  # a log has arrived late
        new = self._fits[first:]
        if new:
            self._seen, self._last = len(self._fits), new[-1]
        most = max((fit.labels for fit in _contents(new)), default=0)
        is_whole = first > 0 and self._labels == self._most
        self._most = max(self._most if first else 0, most)
        labels = min(labels, self._most)
        if not (is_whole and labels == self._most) and (new or labels != self._labels):
            self._curve, self._moves, new = [], [], self._fits
        self._labels = labels
        for fit in _contents(new):
            if fit.labels <= labels:
                self._add(fit)

    def _add(self, fit: Fitted) -> None:
        if fit.accuracy:
            while self._curve and self._curve[-1].labels >= fit.labels:
                self._curve.pop()
            found = fit.accuracy
            self._curve.append(CurvePoint(fit.labels, Accuracy(found.correct, found.n, found.set)))
        if fit.moved is not None:
            self._moves.append(Moves(fit.labels, fit.moved, fit.agreement, fit.stop_set or 0))


def _contents(events: Sequence[Event]) -> list[Fitted]:
    return [event.payload for event in events if isinstance(event.payload, Fitted)]
