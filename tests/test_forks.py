"""A `tuilabel` that is forked says and does what one does that was started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import forks
from tests.pty.labelling import Home


@pytest.mark.parametrize("arguments", [("doctor",), ("status", "missing.tuilabel")])
def test_it_says_what_a_started_one_says(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    env = Home.under(tmp_path).env
    assert forks.can_fork(env)
    forked = forks.run(arguments, env=env, cwd=tmp_path)
    started = subprocess.run(
        [sys.executable, "-m", "tuilabel", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=env,
        cwd=tmp_path,
        check=False,
    )
    assert forked.stdout + forked.stderr
    for part in ("returncode", "stdout", "stderr"):
        assert getattr(forked, part) == getattr(started, part)


def test_what_is_read_before_is_no_reason_to_differ(tmp_path: Path) -> None:
    env = Home.under(tmp_path).env
    assert not forks.can_fork({**env, "TEXTUAL_FPS": "1"})
    assert not forks.can_fork({**env, "PYTHONUTF8": "0"})
    assert not forks.can_fork({**env, "LANG": "C"})
