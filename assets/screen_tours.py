"""Tours through every screen of the program, on a terminal whose screen can be drawn."""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyte

from assets.screen_png import Cell, Look
from tests.pty.labelling import ACCURACY, NOT_SAVED, PLACE, TOO_SMALL, TYPED_AHEAD, Home
from tests.pty.terminal import Terminal
from tuilabel.errors import SessionFileError
from tuilabel.events.payloads import Batch
from tuilabel.journal.reader import Reader

LONG = 180.0
"""Seconds after which a wait for a computation fails."""

QUIET = 1.0
"""Seconds without a ranking after which no further one is expected."""

KEYS = {f"f{n}": code for n, code in enumerate(("\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS"), 1)}
KEYS |= {"f5": "\x1b[15~", "f6": "\x1b[17~", "f7": "\x1b[18~"}
KEYS |= {"enter": "\r", "escape": "\x1b", "space": " "}
KEYS |= {"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D"}


# The terminal.


class DimScreen(pyte.Screen):  # type: ignore[misc]
    """A screen that keeps dim text, unknown to pyte, as blinking text, which is not used here."""

    def select_graphic_rendition(self, *attrs: int, **options: bool) -> None:
        """Replace 2 by 5, and 22 by 22 and 25, where they are not part of a colour."""
        taken, rest = [], list(attrs)
        while rest:
            code = rest.pop(0)
            if code in (38, 48):
                length = 2 if rest[:1] == [5] else 4
                taken += [code, *rest[:length]]
                del rest[:length]
            else:
                taken += {2: [5], 22: [22, 25]}.get(code, [code])
        super().select_graphic_rendition(*taken, **options)


class PictureTerminal(Terminal):
    """A terminal whose screen can be drawn.

    Parameters
    ----------
    home : Home
    arguments : sequence of str
        For `tuilabel`.
    size : tuple of int
    look : Look
    """

    def __init__(self, home: Home, arguments: list[str], size: tuple[int, int], look: Look) -> None:
        command = [sys.executable, "-m", "tuilabel", *arguments]
        background = look.back.lstrip("#")
        self._home = home
        self._before = self.rankings()
        super().__init__(command, env=home.env, cwd=home.path, size=size, background=background)
        self._screen = DimScreen(*size)
        self._stream = pyte.Stream(self._screen)
        self.size = size

    def rows(self) -> list[list[Cell]]:
        """Return the cells of the screen."""
        screen = self._screen
        return [
            [
                Cell(c.data, c.fg, c.bg, c.bold, c.blink, c.underscore, c.reverse)
                for c in (screen.buffer[y][x] for x in range(screen.columns))
            ]
            for y in range(screen.lines)
        ]

    def reported(self, count: int) -> Callable[[], bool]:
        """Return a check that the terminal has confirmed at least `count` frames."""
        return lambda: self.cursor_reports >= count

    def rankings(self) -> int:
        """Return the number of rankings in all sessions."""
        return sum(map(_rankings, self._home.path.rglob("*.tuilabel")))

    def wait_for_rankings(self, before: int | None = None) -> None:
        """Wait for a new ranking, and until no further one is expected.

        Parameters
        ----------
        before : int, optional
            Number of rankings before; by default that at the start of the program.
        """
        before = self._before if before is None else before
        end = time.monotonic() + LONG
        known, since = before, time.monotonic()
        while known == before or time.monotonic() - since < QUIET:
            self.pump(0.1)
            count = self.rankings()
            if count != known or "fitting" in self.text:
                known, since = count, time.monotonic()
            assert time.monotonic() < end, f"Nothing was ranked.\n{self.drawn()}"

    def is_idle(self) -> bool:
        """Return whether an image and an accuracy are shown and the trainer is not fitting."""
        text = self.text
        return bool(re.search(PLACE, text) and re.search(ACCURACY, text)) and "fitting" not in text


def _rankings(session: Path) -> int:
    """Return the number of rankings in a session."""
    try:
        events = Reader(session).read()
    except SessionFileError:  # while the session is being created
        return 0
    batches = (event.payload for event in events if isinstance(event.payload, Batch))
    return sum(1 for batch in batches if batch.place is not None)


# The tours. Each function visits its screens in turn, and yields the name of a screen once it is on
# the terminal.

Visit = Callable[[PictureTerminal], Iterator[str]]


def visit_fresh(terminal: PictureTerminal) -> Iterator[str]:
    """Visit the labelling screen before there is a model."""
    terminal.wait_for(PLACE)
    terminal.wait_for(terminal.reported(2))
    terminal.wait_for_rankings()
    yield "fresh"
    terminal.press("1")
    terminal.wait_for("1 saved")
    terminal.press("23")
    terminal.wait_for("typed ahead")
    yield "typed-ahead"
    soft, hard = resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE, (1, hard))
    reports = terminal.cursor_reports
    terminal.press("2")
    terminal.wait_for(NOT_SAVED)
    yield "not-saved"
    resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE, (soft, hard))
    terminal.press("2")
    terminal.wait_for(terminal.reported(reports + 1))


def visit_label(terminal: PictureTerminal) -> Iterator[str]:
    """Visit the labelling screen with a model, in all its states."""
    terminal.wait_for(terminal.is_idle)
    terminal.wait_for(terminal.reported(2))
    yield "label"
    terminal.press("p")
    terminal.wait_for("after")
    yield "suggestions-after"
    terminal.press("p")
    terminal.wait_for("are off")
    terminal.press("p")
    terminal.wait_for("Suggestions are shown")
    terminal.press("/")
    terminal.wait_for("Esc")
    yield "name"
    terminal.press(KEYS["escape"])
    terminal.wait_for(lambda: "Esc" not in terminal.text)
    reports = terminal.cursor_reports
    terminal.press("v")
    terminal.wait_for(terminal.reported(reports + 1))
    yield "rows"
    reports = terminal.cursor_reports
    terminal.press("v")
    terminal.wait_for(terminal.reported(reports + 1))
    columns, rows = terminal.size
    terminal.resize(50, 15)
    terminal.wait_for(TOO_SMALL)
    yield "too-small"
    terminal.resize(columns, rows)
    terminal.wait_for(lambda: terminal.is_idle())


def visit_others(terminal: PictureTerminal) -> Iterator[str]:
    """Visit the other screens, after a fit of this run."""
    terminal.wait_for(terminal.is_idle)
    before = terminal.rankings()
    while "round 9" in terminal.text:
        terminal.settle(0.05)
        reports = terminal.cursor_reports
        # An image of the audit set has no suggestion to accept.
        terminal.press("1" if "no hint" in terminal.text else KEYS["enter"])
        terminal.wait_for(terminal.reported(reports + 1))
    terminal.wait_for_rankings(before)
    terminal.wait_for(terminal.is_idle)
    terminal.press("?")
    terminal.wait_for("Undo the last answer")
    yield "help"
    terminal.press("q")
    terminal.wait_for(PLACE)
    terminal.press(KEYS["f2"])
    terminal.wait_for("key: ")
    yield "palette"
    terminal.press(KEYS["escape"])
    terminal.wait_for(lambda: re.search(PLACE, terminal.text) and "key: " not in terminal.text)
    terminal.press(KEYS["f3"])
    terminal.wait_for("zoom")
    terminal.wait_for("at random|No random baseline", LONG)
    yield "curve"
    terminal.press("\t")
    terminal.wait_for("most confident")
    yield "curve-confidence"
    terminal.press(KEYS["f4"])
    terminal.wait_for("images")
    yield "confusion"
    reports = terminal.cursor_reports
    terminal.press(KEYS["enter"])
    terminal.wait_for(lambda: "Enter" not in terminal.text)
    yield "cell"
    terminal.press("q")
    terminal.wait_for("images")
    find_an_empty_cell(terminal)
    yield "confusion-empty"
    terminal.press(KEYS["f5"])
    terminal.wait_for("typical images")
    yield "classes"
    terminal.press("c")
    terminal.wait_for("shares of the pool", LONG)
    yield "classes-centres"
    terminal.press(KEYS["f6"])
    terminal.wait_for("events")
    yield "history"
    terminal.press("/")
    terminal.wait_for("Enter keeps")
    terminal.press("kind:label ")
    terminal.wait_for("kind:label")
    yield "history-typing"
    reports = terminal.cursor_reports
    terminal.press(KEYS["enter"])
    terminal.press(KEYS["enter"])
    terminal.wait_for(terminal.reported(reports + 1))
    yield "history-image"
    terminal.press("r")
    terminal.wait_for("Esc leaves it")
    yield "history-relabel"
    terminal.press(KEYS["escape"])
    terminal.press(KEYS["f7"])
    terminal.wait_for(r"\d sessions?")
    yield "home"


def find_an_empty_cell(terminal: PictureTerminal) -> None:
    """Select an empty cell of the confusion matrix, searching row by row."""
    for key in ("left", "up"):
        for _ in range(terminal.size[0]):
            terminal.press(KEYS[key])
    terminal.settle(QUIET)
    while not re.search(r"taken for .*: 0 of", terminal.text):
        before = terminal.text
        terminal.press(KEYS["right"])
        terminal.settle(0.05)
        if terminal.text == before:
            terminal.press(KEYS["down"])
            for _ in range(terminal.size[0]):
                terminal.press(KEYS["left"])
            terminal.settle(QUIET)


def visit_answered(terminal: PictureTerminal) -> Iterator[str]:
    """Visit the labelling screen when every image is answered."""
    terminal.wait_for("2 left|1 left|0 left")
    for count in (1, 2):
        saved, presses = f"{count} saved|Every image", 0
        while not re.search(saved, terminal.text):
            presses += 1
            terminal.press(str(count))
            terminal.wait_for(f"{saved}|{TYPED_AHEAD.format(presses)}")
    terminal.wait_for("Every image is answered")
    terminal.wait_for_rankings()
    terminal.wait_for(lambda: "fitting" not in terminal.text)
    yield "answered"


def visit_demo(terminal: PictureTerminal) -> Iterator[str]:
    """Visit the demo, paused."""
    terminal.wait_for(PLACE)
    terminal.press("p")
    terminal.wait_for("Paused")
    terminal.wait_for_rankings()
    before = terminal.rankings()
    terminal.press("p")
    terminal.wait_for(r"\b1\d labels ")
    terminal.press("p")
    terminal.wait_for("Paused")
    terminal.wait_for_rankings(before)
    # After so few labels there are mistakes of every size.
    terminal.press(KEYS["f4"])
    terminal.wait_for("taken for")
    yield "confusion-early"
    terminal.press("q")
    terminal.wait_for(PLACE)
    before = terminal.rankings()
    terminal.press("p")
    terminal.wait_for(r"\b2\d labels ")
    terminal.press("p")
    terminal.wait_for("Paused")
    terminal.wait_for_rankings(before)
    yield "demo"


@dataclass(frozen=True)
class Tour:
    """One start of the program, and the screens to visit."""

    arguments: tuple[str, ...]
    visit: Visit
    screens: tuple[str, ...]


def tours(source: str, classes: str | None) -> list[Tour]:
    """Return all tours, for which the program is started once each."""
    named = ("--classes", classes) if classes is not None else ()
    side = (
        "help palette curve curve-confidence confusion cell confusion-empty classes "
        "classes-centres history "
        "history-typing history-image history-relabel home"
    )
    all_tours = [
        Tour(
            (source, "--session", "new.tuilabel", *named),
            visit_fresh,
            ("fresh", "typed-ahead", "not-saved"),
        ),
        Tour((source,), visit_label, ("label", "suggestions-after", "name", "rows", "too-small")),
        Tour((source,), visit_others, tuple(side.split())),
        Tour(
            (source, "--session", "two.tuilabel", "--pool", "2", *named),
            visit_answered,
            ("answered",),
        ),
    ]
    if classes is None:
        all_tours.append(Tour(("demo", source), visit_demo, ("confusion-early", "demo")))
    return all_tours
