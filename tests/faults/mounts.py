"""File systems that are full, or read-only: real ones, which only one process sees."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults.context import Context
from tests.faults.labeller import INFO, ME, label_draft
from tests.faults.preload import REPOSITORY, ImpossibleError, as_event
from tests.faults.table import Tally, check, is_sentence
from tests.pty.test_trouble import fill
from tuilabel.errors import SaveError, SessionFileError
from tuilabel.journal import Journal, read_session

IMPOSSIBLE = 77
"""The exit status where nothing can be mounted."""

KIB_LEAST = 500
"""Room for a session with some labels, and its log."""


def full(context: Context, tally: Tally) -> Iterator[None]:
    """Fill a small file system under a session; make room; label on."""
    return _on_small_file_systems("full", context, tally)


def read_only(context: Context, tally: Tally) -> Iterator[None]:
    """Mount a session's file system read-only between two openings; then writable again."""
    return _on_small_file_systems("read-only", context, tally)


def _on_small_file_systems(what: str, context: Context, tally: Tally) -> Iterator[None]:
    while True:
        folder = context.folder()
        (folder / "mounted").mkdir()
        kib, labels = KIB_LEAST + 4 * context.below(100), 1 + context.below(20)
        done = subprocess.run(
            [
                *("unshare", "--mount", sys.executable, "-m", "tests.faults.mounts"),
                *(what, str(folder), str(kib), str(labels)),
            ],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == IMPOSSIBLE or done.stderr.startswith("unshare"):
            raise ImpossibleError(f"no file system can be mounted ({done.stderr.strip()[-100:]})")
        if done.returncode:
            tally.expect(False, f"ended with {done.stderr.strip()[-200:]}")
            yield
            continue
        said = json.loads(done.stdout)
        tally.injected += 1
        for message in said["refused"]:
            tally.expect(is_sentence(message), f"no sentence: {message}")
        tally.expect(said["refused"], "nothing was refused")
        tally.notes["said as not saved"] += len(said["refused"])
        check(folder / "s.tuilabel", [as_event(one) for one in said["saved"]], tally)
        shutil.rmtree(folder)
        yield


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        sys.exit(IMPOSSIBLE)


def _in_full(mounted: Path, labels: int) -> dict[str, Any]:
    refused, saved, number = [], [], 0
    filler = mounted / "filler"
    with Journal.create(mounted / "s.tuilabel", INFO) as journal:
        for _ in range(labels):
            saved.append(journal.append(label_draft(number), ME))
            number += 1
        fill(filler)
        while True:
            try:
                saved.append(journal.append(label_draft(number), ME))
            except SaveError as error:
                refused.append(str(error))
                break
            number += 1
        filler.unlink()
        for _ in range(5):
            saved.append(journal.append(label_draft(number), ME))
            number += 1
        fill(filler)
    return {"refused": refused, "saved": saved}


def _in_read_only(mounted: Path, labels: int) -> dict[str, Any]:
    path = mounted / "s.tuilabel"
    refused, saved = [], []
    with Journal.create(path, INFO) as journal:
        saved += [journal.append(label_draft(number), ME) for number in range(labels)]
    _mount("-o", "remount,ro", str(mounted))
    try:
        Journal(path)
    except SessionFileError as error:
        refused.append(str(error))
    assert read_session(path)[1] == saved
    _mount("-o", "remount,rw", str(mounted))
    with Journal(path) as journal:
        saved += [journal.append(label_draft(labels + number), ME) for number in range(3)]
    return {"refused": refused, "saved": saved}


def _main(what: str, folder: Path, kib: int, labels: int) -> None:
    mounted = folder / "mounted"
    _mount("--make-rprivate", "/")
    _mount("-t", "tmpfs", "-o", f"size={kib}k", "small", str(mounted))
    said = (_in_full if what == "full" else _in_read_only)(mounted, labels)
    for file in mounted.glob("s.tuilabel*"):
        shutil.copy(file, folder)
    said["saved"] = [asdict(event) for event in said["saved"]]
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
