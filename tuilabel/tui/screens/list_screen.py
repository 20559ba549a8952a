"""A screen with a mark that moves over a list."""

from __future__ import annotations

from tuilabel.tui.screens.side import SideScreen

_ALL = 10**9


class ListScreen(SideScreen, inherit_bindings=False):
    """Moves its mark by one, by a page, and to either end."""

    def move(self, step: int) -> None:
        """Move the mark as far as there is something to mark."""
        raise NotImplementedError

    def page(self) -> int:
        """Return how many steps a page is."""
        raise NotImplementedError

    def action_up(self) -> None:
        """Go up by one."""
        self.move(-1)

    def action_down(self) -> None:
        """Go down by one."""
        self.move(+1)

    def action_page_up(self) -> None:
        """Go up by a page."""
        self.move(-self.page())

    def action_page_down(self) -> None:
        """Go down by a page."""
        self.move(+self.page())

    def action_first(self) -> None:
        """Go to the first."""
        self.move(-_ALL)

    def action_last(self) -> None:
        """Go to the last."""
        self.move(+_ALL)
