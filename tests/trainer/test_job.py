"""Work in a child process of its own, that is gone when nobody waits for it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tuilabel.data import as_array_file
from tuilabel.errors import TrainerError
from tuilabel.trainer.job import Job
from tuilabel.trainer.runner import NICENESS, child_environment


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "Z"


async def test_a_job_makes_its_file_and_tells_how_far_it_is(tmp_path: Path) -> None:
    pool = np.zeros((20, 4, 4), np.uint8)
    pool[15:] = 255
    described = json.dumps(as_array_file(pool, tmp_path).to_json())
    out = tmp_path / "made" / "centres.npz"
    job = Job(["tuilabel.trainer.centres", described, "2", "0", str(out)], tmp_path / "log")
    await job.run()
    assert job.pid is None
    with np.load(out, allow_pickle=False) as made:
        assert made["shares"].tolist() == [0.75, 0.25]
        assert made["pictures"].shape == (2, 4, 4)


async def test_a_job_that_fails_says_why_in_one_line_and_the_log_has_it(tmp_path: Path) -> None:
    told: list[str] = []
    job = Job(["tuilabel", "simulate", "nowhere"], tmp_path / "logs" / "log", told.append)
    with pytest.raises(TrainerError, match="is not a source") as failed:
        await job.run()
    assert "\n" not in str(failed.value)
    assert told[-1] == str(failed.value)
    assert "is not a source" in (tmp_path / "logs" / "log").read_text()


async def test_a_job_that_is_not_waited_for_is_killed(tmp_path: Path) -> None:
    job = Job(["timeit", "-n", "1", "-r", "1", "import time; time.sleep(600)"], tmp_path / "log")
    running = asyncio.create_task(job.run())
    while job.pid is None:
        await asyncio.sleep(0)
    pid = job.pid
    assert os.getpriority(os.PRIO_PROCESS, pid) == NICENESS
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert is_gone(pid)


def test_what_runs_on_a_leash_ends_when_the_other_end_is_let_go() -> None:
    code = "import sys, time; print('on', flush=True); time.sleep(600)"
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tuilabel.trainer.parent_watch",
            "timeit",
            "-n",
            "1",
            "-r",
            "1",
            code,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(),
        start_new_session=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"on\n"
    child.stdin.close()
    assert child.wait(20) != 0
    child.stdout.close()
