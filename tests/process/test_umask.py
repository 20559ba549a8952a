"""Who can read what the program writes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tuilabel.process.umask import UMASK
from tuilabel.trainer.runner import LOG_BYTES, open_log

CRASH = (
    "from tuilabel.cli import main; from tuilabel.commands.about import doctor;"
    "doctor.callback = lambda **_: 1 / 0; main(['doctor'])"
)


def run(umask: int, *arguments: str, typed: str = "", status: int = 0) -> None:
    done = subprocess.run(
        [sys.executable, *arguments],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
    )
    assert done.returncode == status, done.stderr


def modes(folder: Path) -> dict[str, int]:
    found = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in found}


@pytest.mark.parametrize("umask", [0, 0o777])
def test_what_the_program_keeps_is_private_whatever_the_umask(
    umask: int, own_home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        pixels = rng.integers(0, 256, (16, 16), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    tuilabel = ("-m", "tuilabel")
    label = (*tuilabel, "label", str(folder), "--classes", "a,b", "--line", "--no-image")
    run(umask, *label, "--batch-size", "2", typed="a\nb\na\na\nq\n")
    of_digits = ("--pool", "60", "--test", "30", "--budget", "20", "--seeds", "1", "--model")
    run(umask, *tuilabel, "simulate", "digits", *of_digits, "softmax", "--strategy", "margin")
    run(umask, "-c", CRASH, status=70)
    found = modes(own_home)
    kinds = {Path(name).suffix for name in found}
    assert {".tuilabel", ".log", ".txt", ".npy"} <= kinds, "all that is promised was written"
    shared = {name: oct(mode) for name, mode in found.items() if mode not in (0o600, 0o700)}
    assert not shared


def test_an_export_follows_the_umask_of_the_person(own_home: Path, tmp_path: Path) -> None:
    label = ("label", "digits", "--line", "--no-image")
    run(0o077, "-m", "tuilabel", *label, typed="1\nq\n")
    for umask in (0o022, 0o002):
        out = tmp_path / f"{umask}.csv"
        run(umask, "-m", "tuilabel", "export", "-o", str(out))
        assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~umask


def test_the_umask_is_back_afterwards() -> None:
    before = os.umask(0o027)
    try:
        with UMASK.private():
            with UMASK.of_person():
                assert os.umask(0o027) == 0o027
            assert os.umask(0o077) == 0o077
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


def test_a_log_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    log = tmp_path / "trainer.log"
    log.touch()
    log.chmod(0o666)
    os.close(open_log(log))
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_log_that_is_a_link_to_another_file_is_not_written(
    link: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    precious, log = tmp_path / "labels.csv", tmp_path / "trainer.log"
    precious.write_text("x" * (LOG_BYTES + 1))
    precious.chmod(0o644)
    link(log, precious)
    before = precious.stat()
    descriptor = open_log(log)
    os.write(descriptor, b"x")
    os.close(descriptor)
    after = precious.stat()
    assert (after.st_size, after.st_mode) == (before.st_size, before.st_mode)
