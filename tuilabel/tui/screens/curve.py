"""What the labels are worth so far: accuracy by labels, and by confidence."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from functools import partial

import numpy as np
from textual.containers import Container
from textual.widget import Widget

from tuilabel.errors import TrainerError
from tuilabel.text import inert
from tuilabel.tui.background.baseline import BaselineFinder, why_no_baseline
from tuilabel.tui.screens.side import SideScreen
from tuilabel.tui.text.pieces import Piece
from tuilabel.tui.views import confidence as confidence_view
from tuilabel.tui.views import curve as curve_view
from tuilabel.tui.views.baseline import Baseline
from tuilabel.tui.views.confusion import in_classes_of_now
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.widgets.chart import ChartWidget

_BESIDE = 150
"""Columns from which both curves stand beside each other."""
_BELOW = 44
"""Rows from which they stand one below the other."""


class CurveScreen(SideScreen, inherit_bindings=False):
    """Two charts: where there is room for one only, a key changes between them."""

    place = "curve"

    def __init__(self, opened: OpenSession) -> None:
        super().__init__(opened)
        self._by_labels = ChartWidget(id="by-labels")
        self._by_confidence = ChartWidget(id="by-confidence")
        self._zoomed = False
        self._other = False
        self._baseline: Baseline | None = None
        self._state: Piece = ("", "muted")
        self._finding: asyncio.Task[None] | None = None

    def body(self) -> Iterable[Widget]:
        """Lay both charts out."""
        with Container(id="charts"):
            yield self._by_labels
            yield self._by_confidence

    def on_mount(self) -> None:
        """Begin to look for the baseline."""
        why = why_no_baseline(self.opened.workspace.dataset, self.opened.session)
        if why is not None:
            self._state = (why, "muted")
            return
        self._state = ("Looking up the random baseline…", "muted")
        self._finding = asyncio.create_task(self._find())

    async def on_unmount(self) -> None:
        """Leave no simulation behind."""
        if self._finding is not None:
            self._finding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._finding

    async def _find(self) -> None:
        try:
            opened = self.opened
            self._baseline = await BaselineFinder(opened.workspace, opened.run, self._tell).find()
            self._state = ("", "muted")
        except TrainerError as error:
            self._state = (f"No random baseline: {inert(str(error), 200)}", "accent")
        except OSError as error:
            self._state = (f"No random baseline: it cannot be kept ({error.strerror}).", "accent")
        self.show_all()

    def _tell(self, text: str) -> None:
        self._state = (f"Simulating the random baseline: {text}", "muted")
        if self.is_running:
            self.show_all()

    def fit_to(self, width: int, height: int) -> None:
        """Put the charts beside or below each other, or show one of them."""
        beside, below = width >= _BESIDE, height >= _BELOW
        self.set_class(beside, "-beside")
        self.set_class(not beside and below, "-below")
        # The row that is over goes between them: of one height, they have the same scale.
        self.set_class(height % 2 == 1, "-odd")
        self._choose()

    def action_zoom(self) -> None:
        """Let the axis begin elsewhere."""
        self._zoomed = not self._zoomed
        self.show_all()

    def action_other(self) -> None:
        """Show the other chart."""
        self._other = not self._other
        self._choose()

    def _choose(self) -> None:
        both = self.has_class("-beside") or self.has_class("-below")
        self.in_vain = {"other"} if both else set()
        self._by_labels.display = both or not self._other
        self._by_confidence.display = both or self._other

    def show_all(self) -> None:
        """Draw both."""
        opened, session = self.opened, self.opened.session
        presenter = opened.presenter
        self.show_header(
            "curve",
            (f"  {opened.source_name}", "muted"),
            right=presenter.without_example() or presenter.stopping(),
        )
        chance, set_name = 1 / max(1, len(presenter.classes.open)), presenter.set_name
        waiting = (
            "it comes after the first batch"
            if opened.workspace.dataset.holdout
            else "it comes after the first audit images"
        )
        self._by_labels.show_chart(
            curve_view.labels_title(set_name),
            partial(
                curve_view.by_labels,
                session.curve,
                self._baseline,
                labels=session.labels,
                chance=chance,
                zoomed=self._zoomed,
            ),
            curve_view.labels_sentences(
                session.curve,
                set_name,
                self._baseline,
                self._state,
                waiting=waiting,
                disputed=self.opened.presenter.disputed,
            ),
        )
        found = self._counts_by_confidence()
        self._by_confidence.show_chart(
            confidence_view.confidence_title(set_name),
            partial(confidence_view.by_confidence, found, chance=chance, zoomed=self._zoomed),
            confidence_view.confidence_sentences(
                found, set_name, waiting="they come with the next fit of this run"
            ),
        )

    def _counts_by_confidence(self) -> confidence_view.ConfidenceCounts | None:
        predictions = self.opened.session.predictions
        if predictions is None:
            return None
        truth, predicted = in_classes_of_now(self.opened.session, predictions)
        right = np.equal(truth, predicted).tolist()
        return confidence_view.counts_by_confidence(predictions.confidence, right)
