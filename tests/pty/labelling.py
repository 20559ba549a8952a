"""`tuilabel` on a pseudo-terminal: the words of its screen, and what a person does with it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

import tuilabel
from tests.forks import run
from tests.pty.terminal import Terminal
from tuilabel.cli import main

# The words that tests look for on the screen: here and nowhere else.
SAVED = r"([\d,]+) saved"
ROUND = r"round (\d+)"
PLACE = r"(\d+) of (\d+)"
LABELS = r"([\d,]+) labels?\b"
ACCURACY = r"(\d+\.\d)%\s+\((\d+\.\d)% to (\d+\.\d)%\), n (\d+)"
FITTING = r"fitting"
TYPED_AHEAD = r"\b{} keys? w\w+ typed ahead"
NOT_SAVED = r"Not saved"
TRAINER_DIED = r"trainer died"
TRAINER_BACK = r"trainer restarted"
TOO_SMALL = r"needs\s+60x20"
OUTCOME = r"(\d+) labels?, accuracy (\d+\.\d)% .* on the hold-out, n = (\d+); saved in (.*)\."

UNBOUND_KEY = "Z"
CTRL_C = "\x03"

_SLOW_TRAINER = """\
import os, select, sys

if "tuilabel.trainer.worker" in sys.orig_argv:
    os.read(0, 2**16)
    print('{"kind":"PoolOpened","items":1}', flush=True)
    while not select.select([0], [], [], 1)[0] or os.read(0, 2**16):
        print('{"kind":"Heartbeat"}', flush=True)
    os._exit(0)
"""

# Cells that an image covers at 80x24 and 100x30, however large it is drawn.
_PICTURE = (range(12, 28), range(5, 14))


class LabellingTerminal(Terminal):
    """A terminal that knows what tuilabel shows on it."""

    saved = 0
    """The highest N of "N saved" or "N labels" that ever stood on the screen; another sentence
    may stand in the place of the former."""

    _reports_when_saved = 0

    def watched(self) -> None:
        """Note what is claimed to be saved."""
        text = self.text
        claims = [re.search(SAVED, text), re.search(LABELS, text)]
        counts = [int(claim[1].replace(",", "")) for claim in claims if claim]
        if max(self.saved, *counts, 0) > self.saved:
            self._reports_when_saved = self.cursor_reports
        self.saved = max(self.saved, *counts, 0)

    def number(self, pattern: str) -> int:
        """Return the number that a pattern finds on the screen."""
        found = re.search(pattern, self.text)
        assert found is not None, f"There is no {pattern!r}.\n{self.drawn()}"
        return int(found[1].replace(",", ""))

    def where(self) -> tuple[int, int, int]:
        """Return round, place in the batch, and labels."""
        return self.number(ROUND), self.number(PLACE), self.number(LABELS)

    def picture(self) -> list[tuple[str, str, str]]:
        """Return the cells of the image as they look, however they were written."""
        return [_look(*cell) for cell in self.colours(*_PICTURE)]

    def sees_image(self) -> bool:
        """Return whether an image is there, and not an empty or half-drawn box."""
        return all(background != "default" for _, _, background in self.picture())

    def brightness(self) -> float:
        """Return the mean brightness of the image, 0 to 255."""
        return _mean_brightness(self.picture())

    def wait_ready(self) -> None:
        """Wait until an image is on the screen, and answers for it are taken."""
        self.wait_for(lambda: re.search(LABELS, self.text) and self.sees_image())
        # Once before the first frame, and once behind it.
        self.wait_for(lambda: self.cursor_reports > 1)

    def answer(self, key: str) -> None:
        """Press a key that answers or undoes; wait until that is saved and an image is there.

        A key that came before its image was acknowledged is pressed again, as the screen asks.
        """
        saved, presses = self.saved, 0
        while self.saved == saved:
            self.press(key)
            presses += 1
            held = TYPED_AHEAD.format(presses)
            self.wait_for(lambda held=held: self.saved > saved or re.search(held, self.text))
            if self.saved == saved:
                self.pump(0.05)
        assert self.saved == saved + 1, self.drawn()
        # Not any report: one may be of a frame before, such as a word on the trainer's.
        self.wait_for(lambda: self.cursor_reports > self._reports_when_saved)

    def quit(self) -> None:
        """Press q; see that the program leaves well, and the terminal as it was."""
        self.press("q")
        status = self.wait_exit()
        assert (status, self.left_behind()) == (0, []), self.drawn()


@dataclass(frozen=True)
class Home:
    """Where one test's sessions are, and `tuilabel` with them."""

    path: Path
    env: dict[str, str]

    @classmethod
    def under(cls, path: Path) -> Home:
        """Make one in an empty folder."""
        settings = ("TUILABEL_", "TEXTUAL", "XDG_", "TERM", "COLORTERM", "NO_COLOR", "LC_")
        env = {key: value for key, value in os.environ.items() if not key.startswith(settings)}
        for size in ("COLUMNS", "LINES"):  # of another terminal than this one
            env.pop(size, None)
        env |= {f"XDG_{kind}_HOME": str(path / kind) for kind in ("DATA", "CACHE", "STATE")}
        env |= {"XDG_CONFIG_HOME": str(path / "CONFIG"), "LANG": "C.UTF-8"}
        # A killed program cannot remove its temporary files: they go where the test's own are.
        (path / "TMP").mkdir()
        env["TMPDIR"] = str(path / "TMP")
        env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        # The tests may run in tmux, and wait for the terminal that they play themselves.
        env["TUILABEL_KEY_DELAY"] = "0"
        # The same tuilabel that is imported here, installed or not.
        env["PYTHONPATH"] = str(Path(tuilabel.__file__).parent.parent)
        return cls(path, env)

    def never_fit(self) -> None:
        """Keep trainers from ever being ready for a job, as if they imported SciPy for ever."""
        slow = self.path / "slow"
        slow.mkdir()
        # Python imports this first of all.
        (slow / "sitecustomize.py").write_text(_SLOW_TRAINER)
        self.env["PYTHONPATH"] = f"{slow}{os.pathsep}{self.env['PYTHONPATH']}"

    @property
    def session(self) -> Path:
        """The only session there is."""
        (path,) = (self.path / "DATA" / "tuilabel" / "sessions").glob("*.tuilabel")
        return path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `tuilabel` without a terminal and without input."""
        return run(arguments, env=self.env, cwd=self.path)

    def status(self) -> dict[str, Any]:
        """Return the output of `tuilabel status --json`."""
        (status,) = self._told("status", str(self.session), "--json")
        return status

    def export(self, session: Path | None = None) -> list[dict[str, Any]]:
        """Return the rows of `tuilabel export`."""
        return self._told("export", str(session or self.session), "--format", "jsonl")

    def damage(self) -> list[Any]:
        """Return what `tuilabel check --json` finds damaged or missing."""
        (checked,) = self._told("check", str(self.session), "--json", may_exit=1)
        problems: list[Any] = checked["problems"]
        return problems

    def _told(self, *arguments: str, may_exit: int = 0) -> list[Any]:
        """Return what is in the lines of JSON that a command prints, which runs in this process."""
        env = {**dict.fromkeys(os.environ), **self.env}
        with contextlib.chdir(self.path):
            done = CliRunner(env=env).invoke(main, arguments, catch_exceptions=False)
        assert done.exit_code in (0, may_exit), done.output
        return [json.loads(line) for line in done.stdout.splitlines()]


def _look(block: str, foreground: str, background: str) -> tuple[str, str, str]:
    match block:
        case " ":
            return " ", background, background
        case "█":
            return " ", foreground, foreground
        case "▄":
            return "▀", background, foreground
    return block, foreground, background


def _mean_brightness(cells: list[tuple[str, str, str]]) -> float:
    """Take the mean of cells that each show two pixels, one above the other."""
    values = []
    for block, foreground, background in cells:
        for pixel in {" ": (background, background), "█": (foreground, foreground)}.get(
            block, (foreground, background)
        ):
            values.append(int(pixel[:2], 16))
    return sum(values) / len(values)
