"""Labelling goes on when the trainer dies, and loses nothing when the disk is full."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pty.labelling import (
    ACCURACY,
    NOT_SAVED,
    ROUND,
    TRAINER_BACK,
    TRAINER_DIED,
    TYPED_AHEAD,
    Home,
    LabellingTerminal,
)
from tests.pty.terminal import children

Start = Callable[..., LabellingTerminal]

REFUSED = f"{NOT_SAVED}|{TYPED_AHEAD.format(1)}"

IN_A_SMALL_FILE_SYSTEM = """
mount -t tmpfs -o size=600k small "$SMALL" && exec "$@"
"""


def test_the_trainer_may_die(start: Start) -> None:
    terminal = start("digits")
    terminal.wait_ready()
    terminal.answer("1")
    (trainer,) = children(terminal.pid)
    os.kill(trainer, signal.SIGKILL)
    terminal.wait_for(f"{TRAINER_DIED}|{TRAINER_BACK}")
    for key in "234567890":
        terminal.answer(key)
    assert terminal.number(ROUND) == 2
    terminal.wait_for(ACCURACY)
    assert children(terminal.pid) != [trainer]
    terminal.quit()


def test_a_file_that_cannot_grow_is_said_and_nothing_is_lost(start: Start, home: Home) -> None:
    """Limit the size of files, so that writing fails as on a disk that went bad."""
    terminal = start("digits")
    terminal.wait_ready()
    terminal.answer("1")
    soft, hard = resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE, (1, hard))
    refuses_and_recovers(
        terminal, lambda: resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE, (soft, hard))
    )
    terminal.quit()
    assert [row["class"] for row in home.export()] == ["1", "5"]
    assert home.damage() == []


def test_a_full_disk_is_said_and_nothing_is_lost(start: Start, home: Home, tmp_path: Path) -> None:
    """Put the session on a small file system that only the program sees, and fill that."""
    small = tmp_path / "small"
    small.mkdir()
    in_own_mounts = ["unshare", "--mount", "sh", "-c", IN_A_SMALL_FILE_SYSTEM, "sh"]
    env = {**home.env, "SMALL": str(small)}
    tried = subprocess.run([*in_own_mounts, "true"], env=env, capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"no file system can be mounted here: {tried.stderr.decode()}")
    session = small / "full.tuilabel"
    terminal = start(
        *(sys.executable, "-m", "tuilabel", "digits", "--session", str(session)),
        command=in_own_mounts,
        env=env,
    )
    terminal.wait_ready()
    terminal.answer("1")
    inside = Path(f"/proc/{terminal.pid}/root{small}")
    filler = inside / "filler"
    fill(filler)
    # What was given to the log already has room for some more.
    while not re.search(NOT_SAVED, terminal.text):
        saved = terminal.saved
        terminal.press("1")
        terminal.wait_for(lambda n=saved: terminal.saved > n or re.search(REFUSED, terminal.text))
        terminal.settle(0.1)
    saved = terminal.saved
    refuses_and_recovers(terminal, filler.unlink)
    shutil.copytree(inside / session.name, tmp_path / session.name)
    terminal.quit()
    found = [row["class"] for row in home.export(tmp_path / session.name)]
    assert found == ["1"] * saved + ["5"]


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(512))
            except OSError:
                return


def refuses_and_recovers(terminal: LabellingTerminal, make_room: Callable[[], object]) -> None:
    """See a label refused, its image stay, and the label taken once there is room."""
    where, picture = terminal.where(), terminal.picture()
    terminal.press("5")
    terminal.wait_for(NOT_SAVED)
    terminal.settle(0.2)
    assert terminal.where() == where
    assert terminal.picture() == picture
    make_room()
    terminal.answer("5")
    assert terminal.picture() != picture
