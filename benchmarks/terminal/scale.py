"""Simple programs for comparison: ``python -m benchmarks.terminal.scale KIND PICTURES``.

`codes` writes bare escape codes, and of each frame only the cells that differ. `widgets` uses
plain Textual widgets. A key brings the next image: one as large as it fits, ten thumbnails of its
batch with a mark below each, and the number of labels.
"""

from __future__ import annotations

import os
import sys

import numpy as np
from numpy.typing import NDArray

PROGRAMS = ("codes", "widgets")

_BATCH = 10
_SMALL = 7
"""Side of a thumbnail in pixels."""

_Pictures = NDArray[np.uint8]
_Cell = tuple[str, int, int]


def scale_of(columns: int, rows: int) -> int:
    """Return the columns of a pixel in the space that tuilabel has for its image."""
    return max(1, min((columns - 44) // 28, (rows - 8) * 2 // 28))


def _small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = image.shape[0] // _SMALL
    blocks = image[: side * _SMALL, : side * _SMALL].reshape(_SMALL, side, _SMALL, side)
    shrunk = np.zeros((_SMALL + 1, _SMALL), np.uint8)
    shrunk[:_SMALL] = blocks.mean((1, 3))
    return shrunk


class _Codes:
    """The cells on the terminal, and the codes to write next."""

    def __init__(self) -> None:
        self._shown: dict[tuple[int, int], _Cell] = {}
        self._out: list[str] = []
        self._colours: tuple[int, int] | None = None
        self._at: tuple[int, int] | None = None

    def put(self, x: int, y: int, cell: _Cell) -> None:
        """Draw a character and the greys of its two halves, unless it is there already."""
        if self._shown.get((x, y)) == cell:
            return
        self._shown[x, y] = cell
        if self._at != (x, y):
            self._out.append(f"\x1b[{y + 1};{x + 1}H")
        character, upper, lower = cell
        if self._colours != (upper, lower):
            self._colours = upper, lower
            self._out.append(f"\x1b[38;2;{upper};{upper};{upper};48;2;{lower};{lower};{lower}m")
        self._out.append(character)
        self._at = (x + 1, y)

    def image(self, left: int, top: int, image: NDArray[np.uint8]) -> None:
        """Draw an image in half blocks."""
        for y in range(0, image.shape[0], 2):
            for x in range(image.shape[1]):
                self.put(left + x, top + y // 2, ("▀", int(image[y, x]), int(image[y + 1, x])))

    def text(self, left: int, y: int, text: str) -> None:
        """Draw text."""
        for x, character in enumerate(text, left):
            self.put(x, y, (character, 214, 16))

    def written(self) -> bytes:
        """Return the codes to write, and start a new frame."""
        out, self._out = "".join([*self._out, "\x1b[m"]), []
        self._colours = self._at = None
        return out.encode()


def play_codes(images: _Pictures) -> None:
    """Draw with bare escape codes, writing only the cells that differ."""
    import termios
    import tty

    columns, rows = os.get_terminal_size()
    scale = scale_of(columns, rows)
    before = termios.tcgetattr(0)
    tty.setraw(0)
    codes, given, key = _Codes(), "", b""
    while key != b"q":
        labels = len(given)
        image = images[labels % len(images)]
        codes.image(0, 1, np.kron(image, np.ones((scale, scale), dtype=np.uint8)))
        first = labels // _BATCH * _BATCH
        for place in range(_BATCH):
            left = place * (_SMALL + 1)
            codes.image(left, rows - 6, _small(images[(first + place) % len(images)]))
            mark = "▲" if first + place == labels else (given[first + place :] or "·")[0]
            codes.text(left, rows - 2, mark.center(_SMALL))
        codes.text(0, rows - 1, f"{labels} labels")
        os.write(1, codes.written())
        key = os.read(0, 1)
        given += key.decode()
    termios.tcsetattr(0, termios.TCSANOW, before)


def play_widgets(images: _Pictures) -> None:
    """Draw with Textual's own widgets: an image per key, its batch, numbers and a curve."""
    from rich.segment import Segment
    from rich.segment import Segments as Rendered
    from rich.style import Style
    from textual import events
    from textual.app import App, ComposeResult
    from textual.containers import Horizontal, Vertical
    from textual.visual import VisualType
    from textual.widgets import Sparkline, Static

    columns, rows = os.get_terminal_size()
    scale = scale_of(columns, rows)

    def drawn(image: NDArray[np.uint8]) -> Rendered:
        segments = []
        for y in range(0, image.shape[0], 2):
            for upper, lower in zip(image[y].tolist(), image[y + 1].tolist(), strict=True):
                style = Style.parse(f"rgb({upper},{upper},{upper}) on rgb({lower},{lower},{lower})")
                segments.append(Segment("▀", style))
            segments.append(Segment.line())
        return Rendered(segments)

    class Widgets(App[None]):
        CSS = "#main { height: 1fr; } #image { width: 1fr; } Vertical { width: 44; }"
        CSS += "#strip { height: 5; } #strip Static { width: 8; }"
        labels = 0

        def compose(self) -> ComposeResult:
            yield Static(id="header")
            with Horizontal(id="main"):
                yield Static(id="image")
                with Vertical():
                    yield Static(id="bars")
                    yield Sparkline([0.1, 0.5, 0.9])
            with Horizontal(id="strip"):
                for place in range(_BATCH):
                    yield Static(id=f"place{place}")
            yield Static(id="status")

        def on_mount(self) -> None:
            self.show()

        def show(self) -> None:
            number = self.labels
            first = number // _BATCH * _BATCH
            large = np.kron(images[number % len(images)], np.ones((scale, scale), np.uint8))
            shown: dict[str, VisualType] = {
                "header": f"round {number // _BATCH}  {number % _BATCH + 1} of {_BATCH}",
                "image": drawn(large),
                "bars": "\n".join(f"{c} {'█' * ((number + c) % 20)} {c}.0%" for c in range(5)),
                "status": f"{number} labels",
            }
            for place in range(_BATCH):
                shown[f"place{place}"] = drawn(_small(images[(first + place) % len(images)]))
            for name, content in shown.items():
                self.query_one(f"#{name}", Static).update(content)

        def on_key(self, event: events.Key) -> None:
            if event.key == "q":
                self.exit()
            self.labels += 1
            self.show()

    Widgets().run(mouse=False)


def main() -> None:
    """Run one of the programs."""
    kind, path = sys.argv[1:]
    with np.load(path, allow_pickle=False) as archive:
        {"codes": play_codes, "widgets": play_widgets}[kind](archive["images"])


if __name__ == "__main__":
    main()
