"""How frames reach the terminal: only the cells that differ from what is there are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from textual import events
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen

from tuilabel.tui.terminal.driver import TtyDriver
from tuilabel.tui.terminal.screen_diff import ScreenCopy

if TYPE_CHECKING:
    from tuilabel.tui.widgets.overlay import Overlay


class FramesApp(App[None], inherit_bindings=False):
    """An application that writes a frame as its difference from what the terminal shows.

    A frame may be left out: the next one is the difference from the last that was written,
    provided that its screen is refreshed as a whole.
    """

    def __init__(self) -> None:
        super().__init__(driver_class=TtyDriver)
        self.copy = ScreenCopy()
        self.overlay: Overlay | None = None

    def on_mount(self) -> None:
        """Draw everything again on a terminal that comes back from another program."""
        self.app_resume_signal.subscribe(self, lambda _: self.draw_anew())

    def on_resize(self, event: events.Resize) -> None:
        """Draw everything again on a terminal that has moved its rows about."""
        self.draw_anew()

    def draw_anew(self) -> None:
        """Write the whole screen with the next frame: the terminal may show anything."""
        if self.overlay is not None:
            self.overlay.forget()
        if self.copy.forget():
            self.screen.refresh()

    def action_redraw(self) -> None:
        """Draw everything again: the person sees something that the application cannot."""
        self.draw_anew()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, LayoutUpdate | ChopsUpdate) and self._writes:
            codes = self._codes(renderable)
            super()._display(screen, _Codes(codes) if codes else None)
        else:
            super()._display(screen, renderable)

    def _codes(self, frame: LayoutUpdate | ChopsUpdate) -> str:
        """Return what to write for a frame, with the image that lies above its cells."""
        before = behind = ""
        if self.overlay is not None:
            before, blank = self.overlay.erase(self.screen, self.console)
            if blank is not None:
                self.copy.forget_cells(blank)
            behind = self.overlay.draw(self.screen, _regions(frame))
        return before + self.copy.difference(frame, self.size, self.console._color_system) + behind

    def exit(self, *args: Any, **options: Any) -> None:
        """Leave, and clear the terminal's memory of images."""
        if self.overlay is not None and self._driver is not None:
            self.overlay.clear()
            self._driver.write(self.overlay.gone())
        super().exit(*args, **options)

    @property
    def _writes(self) -> bool:
        """Whether a frame that is displayed now is written."""
        held = self._closed or self._batch_count or self.is_headless
        return self._running and not held and self._driver is not None


def _regions(frame: LayoutUpdate | ChopsUpdate) -> list[Region]:
    """Return the regions of cells that a frame is about."""
    if isinstance(frame, LayoutUpdate):
        return [frame.region]
    return [Region(start, y, stop - start, 1) for y, start, stop in frame.spans]


class _Codes(CompositorUpdate):
    """A frame as the codes that draw it."""

    def __init__(self, codes: str) -> None:
        self._codes = codes

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self._codes)

    def render_segments(self, console: Console) -> str:
        return self._codes
