"""The part of a labelling screen that looks about: other places of the batch, other light."""

from __future__ import annotations

from tuilabel.tui.screens.painted import PaintedScreen
from tuilabel.tui.widgets.board import Board


class LookingScreen(PaintedScreen, inherit_bindings=False):
    """Moves about in the batch, and changes how it is drawn; no label comes from it."""

    board: Board

    def move(self, step: int) -> None:
        """Look at another place of the batch, if there is one."""
        raise NotImplementedError

    def changed(self) -> None:
        """Show another image, and take no answer for it before the terminal has it."""
        raise NotImplementedError

    def action_back(self) -> None:
        """Look at the place before."""
        self.move(-1)

    def action_forward(self) -> None:
        """Look at the place after."""
        self.move(+1)

    def action_above(self) -> None:
        """Look at the place above, where the batch stands in rows."""
        self.move(-self.board.across)

    def action_below(self) -> None:
        """Look at the place below."""
        self.move(+self.board.across)

    def action_view(self) -> None:
        """Show the whole batch at once, or one image at a time."""
        self.expect_image()
        self.board.change_view()
        self.changed()

    def action_invert(self) -> None:
        """Swap dark and light."""
        self.board.invert()

    def action_more_contrast(self) -> None:
        """Raise the contrast."""
        self.board.change_contrast(+1)

    def action_less_contrast(self) -> None:
        """Lower the contrast."""
        self.board.change_contrast(-1)
