"""A terminal to start `tuilabel` on, with a home of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.forks import can_fork
from tests.pty.labelling import Home, LabellingTerminal

TUILABEL = (sys.executable, "-m", "tuilabel")
"""The command that starts it as people do."""


@pytest.fixture(autouse=True)
def pseudo_terminal() -> None:
    """Skip where there is none."""
    if not sys.platform.startswith("linux"):
        pytest.skip("processes are watched through Linux's /proc and pidfd")
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
    except OSError as error:
        pytest.skip(f"no pseudo-terminal can be opened here: {error}")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home without any session."""
    return Home.under(tmp_path)


@pytest.fixture
def no_fits(home: Home) -> None:
    """Keep the trainer from ever being ready, as on a slow machine: it imports SciPy for ever.

    For tests that need no ranking: the import takes twice the time of the program's whole start.
    """
    home.never_fit()


@pytest.fixture
def start(home: Home) -> Iterator[Callable[..., LabellingTerminal]]:
    """Return a function that starts `tuilabel` with arguments; at last it kills what still runs."""
    started: list[LabellingTerminal] = []

    def start(*arguments: str, command: Sequence[str] = (), **options: Any) -> LabellingTerminal:
        # On a busy machine a terminal would seem to be far away, and get fewer shades.
        options = {"env": {**home.env, "TUILABEL_LINK": "fast"}, "cwd": home.path, **options}
        forks = not command and can_fork(options["env"])
        command = command or (() if forks else TUILABEL)
        terminal = LabellingTerminal([*command, *arguments], forks=forks, **options)
        started.append(terminal)
        return terminal

    yield start
    for terminal in started:
        terminal.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a folder of PNG files: night, which is dark, and day, which is bright; no truth."""
    rng = np.random.default_rng(7)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(120):
        name, level = ("night", 30) if rng.random() < 0.5 else ("day", 190)
        pixels = (level + rng.integers(0, 40, (12, 12))).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}-{name}.png")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep terminals on one worker: two at once would wait for each other's processes."""
    here = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.xdist_group("pty"))
