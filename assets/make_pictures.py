"""Make the pictures of the README from the real program: `python assets/make_pictures.py`.

The ground truth of scikit-learn's digits labels a few batches through the very screen that a
person sees; what stands on it is then written as SVG. Block characters become rectangles, which
leave no seams between rows, and no font is loaded from anywhere.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from textual.app import App
    from textual.strip import Strip

    from tuilabel.tui.screens.label import LabelScreen

HERE = Path(__file__).resolve().parent
LABELS = 84
SIZE = (100, 30)

CELL = (9, 18)
"""Width and height of a character cell, in SVG units; a half block is a square."""

LEFT, RIGHT, UP = (0, 0, 0.5, 1), (0.5, 0, 0.5, 1), (0, 0, 1, 0.5)
QUARTERS = ((0, 0, 0.5, 0.5), (0.5, 0, 0.5, 0.5), (0, 0.5, 0.5, 0.5), (0.5, 0.5, 0.5, 0.5))
BLOCKS = {
    "█": [(0, 0, 1, 1)],
    "▀": [UP],
    "▐": [RIGHT],
    "▔": [(0, 0, 1, 1 / 8)],
    **{block: [QUARTERS[n]] for n, block in enumerate("▘▝▖▗")},
    **{"▚": [QUARTERS[0], QUARTERS[3]], "▞": [QUARTERS[1], QUARTERS[2]]},
    **{"▙": [LEFT, QUARTERS[3]], "▛": [LEFT, QUARTERS[1]]},
    **{"▟": [RIGHT, QUARTERS[2]], "▜": [RIGHT, QUARTERS[0]]},
    **{block: [(0, 1 - n / 8, 1, n / 8)] for n, block in enumerate("▁▂▃▄▅▆▇", 1)},
    **{block: [(0, 0, 1 - n / 8, 1)] for n, block in enumerate("▉▊▋▌▍▎▏", 1)},
}
"""The parts of its cell that a block character fills: left, top, width, height."""


async def main() -> None:
    """Label through the screen, then write it down."""
    from tuilabel.tui.app.labelling import TuilabelApp
    from tuilabel.tui.screens.label import LabelScreen
    from tuilabel.workspace.opening import SourceOptions, open_workspace

    with open_workspace(SourceOptions("digits"), {"annotator": "you"}) as workspace:
        truth = workspace.dataset.truth
        assert truth is not None
        app = TuilabelApp(workspace)
        async with app.run_test(size=SIZE) as pilot:
            screen = app.screen
            assert isinstance(screen, LabelScreen)
            await settled(screen)
            # A clock that runs as it does for a person.
            now = screen.answers._clock()
            screen.answers._clock = lambda: now
            for _ in range(LABELS):
                now += 1.3
                slot = screen.loop.current
                assert slot is not None
                screen.choose_class(int(truth[slot.row]))
                await settled(screen)
            (HERE / "label.svg").write_text(picture(app), encoding="utf-8")
            await pilot.press("v")
            await settled(screen)
            await pilot.pause()
            (HERE / "rows.svg").write_text(picture(app), encoding="utf-8")


async def settled(screen: LabelScreen) -> None:
    """Wait until the image is painted and the trainer owes nothing."""
    while screen.busy or screen.answers.guard.holds(screen.answers._clock()):
        await asyncio.sleep(0.01)


def picture(app: App[None]) -> str:
    """Write what stands on an application's screen as SVG."""
    width, height = SIZE[0] * CELL[0], SIZE[1] * CELL[1]
    back = app.screen.background_colors[1].hex
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -12 {width + 24} {height + 24}">',
        f'<rect x="-12" y="-12" width="{width + 24}" height="{height + 24}" rx="8" fill="{back}"/>',
        '<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14.5" '
        'shape-rendering="crispEdges" xml:space="preserve">',
    ]
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        parts += row(strip, y * CELL[1], back)
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def row(strip: Strip, top: int, back: str) -> list[str]:
    """Write one row of cells."""
    parts: list[str] = []
    column = 0
    for segment in strip:
        style = segment.style
        assert style is not None
        left, wide = column * CELL[0], segment.cell_length * CELL[0]
        column += segment.cell_length
        ground = style.bgcolor.get_truecolor().hex if style.bgcolor else back
        ink = style.color.get_truecolor(foreground=True).hex if style.color else "#ffffff"
        if style.reverse:
            ground, ink = ink, ground
        if ground != back:
            parts.append(rectangle(left, top, wide, CELL[1], ground))
        text = ""
        for place, character in enumerate(segment.text):
            parts_of_it = BLOCKS.get(character, [])
            text += " " if parts_of_it else character
            for x, y, w, h in parts_of_it:
                at = left + place * CELL[0] + x * CELL[0], top + y * CELL[1]
                parts.append(rectangle(*at, w * CELL[0], h * CELL[1], ink))
        if text.strip():
            weight = ' font-weight="bold"' if style.bold else ""
            parts.append(
                f'<text x="{left}" y="{top + 13.5}" fill="{ink}"{weight} '
                f'textLength="{wide}">{escape(text)}</text>'
            )
    return parts


def rectangle(x: float, y: float, width: float, height: float, fill: str) -> str:
    """Write a filled rectangle."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}"/>'


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        for kind in ("DATA", "CACHE", "STATE", "CONFIG"):
            os.environ[f"XDG_{kind}_HOME"] = home
        os.environ.pop("NO_COLOR", None)
        os.environ["COLORTERM"] = "truecolor"
        asyncio.run(main())
