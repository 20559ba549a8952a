"""A full disk under what is only a convenience: labelling goes on without it.

The disks are real ones, small and nearly full, which only the process under test sees.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest
from sessions import new_session

from tuilabel.errors import TrainerError
from tuilabel.simulate import processes
from tuilabel.trainer.runner import open_log
from tuilabel.workspace.opening import SourceOptions, open_workspace
from tuilabel.workspace.places import data_dir, last_session, log_file, remember

MOUNT = (
    "mount -t tmpfs -o size=$1,nr_inodes=$2 tmpfs $3 || exit 77; head -c $4 /dev/zero > $3/fill;"
    'shift 4; exec "$@"'
)
"""Mount a small file system, fill it but for some bytes, and run a program that sees it."""

DISKS = [("16k", 100, "16k"), ("16k", 100, "12k"), ("64k", 100, "48k"), ("1m", 2, "0")]
"""Size, number of files, and what is taken: full, nearly full, and without another file."""


@pytest.fixture
def full(tmp_path: Path) -> Path:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed: it is in util-linux")
    folder = tmp_path / "full"
    folder.mkdir()
    return folder


def run(
    disk: tuple[str, int, str], full: Path, under: tuple[str, ...], *arguments: str, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    size, files, taken = disk
    done = subprocess.run(
        [
            *("unshare", "--mount", "sh", "-c", MOUNT, "sh", size, str(files), str(full), taken),
            *(sys.executable, "-m", "tuilabel", *arguments),
        ],
        env={**os.environ, **dict.fromkeys(under, str(full))},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77 or done.stderr.startswith("unshare"):
        pytest.skip(f"no file system can be mounted here ({done.stderr.strip()[-80:]})")
    return done


@pytest.mark.parametrize("disk", DISKS)
def test_labelling_goes_on_without_logs_caches_and_temporary_files(
    disk: tuple[str, int, str], full: Path
) -> None:
    label = ("label", "digits", "--line", "--no-image", "--batch-size", "2")
    where = ("XDG_CACHE_HOME", "TMPDIR", "XDG_STATE_HOME")
    done = run(disk, full, where, *label, typed="1\n2\n3\n4\nq\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 labels" in done.stdout
    assert "trainer could not be started" not in done.stdout


@pytest.mark.parametrize("disk", DISKS)
def test_a_simulation_runs_or_says_what_is_missing(disk: tuple[str, int, str], full: Path) -> None:
    where = ("XDG_STATE_HOME", "XDG_CACHE_HOME", "TMPDIR")
    simulate = ("simulate", "digits", "--pool", "60", "--test", "30", "--budget", "20", "--seeds")
    given = ("2", "--model", "softmax", "--features", "raw", "--strategy", "margin", "--jobs")
    if disk is DISKS[0]:
        assert run(disk, full, where, *simulate, *given, "1").returncode == 0
    done = run(disk, full, where, *simulate, *given, "2")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    if done.returncode:
        assert "cannot be written for other processes (No space left on device)" in done.stderr


def no_room(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_without_a_temporary_folder_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.tuilabel"
    with open_workspace(SourceOptions("digits", pool=30), {}, path=path) as workspace:
        dataset = workspace.dataset
    monkeypatch.setattr(tempfile, "mkdtemp", no_room)
    with pytest.raises(TrainerError, match="cannot be written for other processes"):
        processes.run_in_processes(
            dataset, None, [], jobs=2, cache_folder=None, finish=no_room, tell=no_room
        )


def test_the_last_session_is_still_known_after_a_write_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / name for name in ("one", "two")]
    for path in paths:
        new_session(path)
    remember(paths[0])
    monkeypatch.setattr(Path, "replace", no_room)
    remember(paths[1])
    assert last_session() == paths[0]
    assert [path.name for path in data_dir().iterdir()] == ["last"]


def test_a_log_that_cannot_be_written_is_no_log(own_home: Path) -> None:
    folder = log_file().parent
    folder.parent.mkdir(parents=True)
    folder.write_text("a file, where the folder should be")
    os.close(open_log(log_file()))
    folder.unlink()
    folder.mkdir()
    os.mkfifo(log_file())
    os.close(open_log(log_file()))
