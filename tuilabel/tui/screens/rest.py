"""The end of a session of two classes: look for the rare one, then check the rest at random."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

from textual.widget import Widget

from tuilabel.errors import SaveError, TuilabelError
from tuilabel.events.lines import Event
from tuilabel.text import counted
from tuilabel.tui.screens.list_screen import ListScreen
from tuilabel.tui.views.open_session import OpenSession
from tuilabel.tui.views.rest import Step, name_of, outcomes, steps
from tuilabel.tui.widgets.details import Details
from tuilabel.tui.widgets.entry_list import EntryList
from tuilabel.workspace.rest import plan_check
from tuilabel.workspace.writing import Task

_DETAILS = 7
_AROUND = 2 + 2 + _DETAILS
"""Rows of the header, the foot and the margins, and of what checks have shown."""


class RestScreen(ListScreen, inherit_bindings=False):
    """Lists what can be asked next, with what checks have shown below.

    Parameters
    ----------
    opened : OpenSession
    classes : tuple of str
        The ids of the class to look for, and of the other one.
    then : callable
        Called once something else is asked.
    """

    place = "rest"

    def __init__(
        self, opened: OpenSession, classes: tuple[str, str], then: Callable[[], object]
    ) -> None:
        super().__init__(opened)
        self._pair = classes
        self._then = then
        self._list = EntryList(id="entries")
        self._details = Details(
            heading="checks so far: files that were added later are not part of them", id="about"
        )
        self._steps: list[Step] = []
        self._cursor = 0
        self._planning: asyncio.Task[None] | None = None

    def body(self) -> Iterable[Widget]:
        """Lay out the list, and what checks have shown."""
        yield self._list
        yield self._details

    def show_all(self) -> None:
        """Show what can be asked now."""
        session, (sought, other) = self.opened.session, self._pair
        is_first = not self._steps
        self._steps = steps(session, sought, session.pool_left)
        if is_first and session.predicted(sought) == 0 and not session.known.checks:
            # Nothing likely is left: now comes a check. After one, the next is never Enter alone.
            self._cursor = next((n for n, step in enumerate(self._steps) if step.draws), 0)
        self._cursor = max(0, min(self._cursor, len(self._steps) - 1))
        counts = session.known.by_class
        names = [f"{name_of(session, id_)} {counts[id_]:,}" for id_ in (sought, other)]
        self.show_header(
            f"is any {name_of(session, sought)} left?",
            (f"  {names[0]}, {names[1]}", "plain"),
            right=f"{session.pool_left:,} left",
        )
        self._list.show_entries([step.entry for step in self._steps], self._cursor)
        self._details.show_details(outcomes(session))
        self.fit_to(*self.app.size)

    def fit_to(self, width: int, height: int) -> None:
        """Put what checks have shown right below the list, as far as there is room for both."""
        self._list.fit_to(height - _AROUND)

    def page(self) -> int:
        """Return how many steps a page is."""
        return len(self._steps)

    def move(self, step: int) -> None:
        """Move the mark."""
        self.hush()
        self._cursor += step
        self.show_all()

    def action_other_class(self) -> None:
        """Look for the other class."""
        self._pair = self._pair[::-1]
        self.show_all()

    def action_begin(self) -> None:
        """Ask what the marked step says."""
        if not self._steps or (self._planning is not None and not self._planning.done()):
            return
        step, session = self._steps[self._cursor], self.opened.session
        if step.draws:
            self.say(f"Drawing {counted(step.draws, 'image')}…")
            self._planning = asyncio.create_task(self._plan(step.draws))
        else:
            sought = self._pair[0] if step.seeks else ""
            self._write(partial(session.seek, sought))

    async def _plan(self, count: int) -> None:
        work = self.opened.workspace
        try:
            units = self.opened.session.rest()
            task = Task(partial(plan_check, work, units, *self._pair, count))
            work.writer.start(task)
            check = await task.done()
        except TuilabelError as error:
            self.say(str(error), "bad" if isinstance(error, SaveError) else "accent")
            return
        self._write(partial(self.opened.session.begin_check, check))

    def _write(self, write: Callable[..., Event]) -> None:
        saving, by = self.opened.saving, self.opened.workspace.annotator
        if saving.is_pending:
            saving.hold()
            return
        saving.write(
            partial(write, by=by),
            lambda event: self._begun(),
            lambda error: self.say(str(error), "bad"),
        )

    def _begun(self) -> None:
        if self.is_current:
            self.action_leave()
        self._then()

    def on_unmount(self) -> None:
        """Leave the set to the thread."""
        if self._planning is not None:
            self._planning.cancel()
