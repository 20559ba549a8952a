"""File systems that are full, or read-only: real ones, which only one process sees."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from tests.faults.context import Context
from tests.faults.labeller import as_event, as_text, label, open_journal
from tests.faults.preload import REPOSITORY, ImpossibleError
from tests.faults.table import Tally, check, is_sentence
from tests.pty.test_trouble import fill
from tuilabel.errors import SaveError, TuilabelError
from tuilabel.session.view import SessionView

IMPOSSIBLE = 77
"""The exit status where nothing can be mounted."""

KIB_LEAST = 500
"""Room for a session with some labels."""


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
        tally.expect(len(said["refused"]) > 1, "nothing was refused")
        tally.notes["reported as not saved"] += len(said["refused"])
        check(folder / "s.tuilabel", [as_event(one) for one in said["saved"]], tally)
        shutil.rmtree(folder)
        yield


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        sys.exit(IMPOSSIBLE)


def _in_full(mounted: Path, labels: int) -> dict[str, list[str]]:
    refused, saved = [], []
    filler = mounted / "filler"
    numbers = count()
    with open_journal(mounted / "s.tuilabel", "me") as journal:
        for _ in range(labels):
            saved += journal.append([label(next(numbers))], "me")
        fill(filler)
        number = next(numbers)
        while len(refused) < 3:
            try:
                saved += journal.append([label(number)], "me")
            except SaveError as error:
                refused.append(str(error))
            else:
                number = next(numbers)
        filler.unlink()
        for later in (number, *islice(numbers, 5)):
            saved += journal.append([label(later)], "me")
        fill(filler)
    return {"refused": refused, "saved": [as_text(event) for event in saved]}


def _in_read_only(mounted: Path, labels: int) -> dict[str, list[str]]:
    path = mounted / "s.tuilabel"
    refused, saved = [], []
    with open_journal(path, "me") as journal:
        for number in range(labels):
            saved += journal.append([label(number)], "me")
    _mount("-o", "remount,ro", str(mounted))
    with open_journal(path, "me") as journal:
        for attempt in (
            lambda: journal.append([label(labels)], "me"),
            lambda: open_journal(path.with_name("new.tuilabel"), "me"),
        ):
            try:
                attempt()
            except TuilabelError as error:
                refused.append(str(error))
        found = {event.id for event in SessionView(path).events}
        assert found >= {event.id for event in saved}
        _mount("-o", "remount,rw", str(mounted))
        for number in range(labels, labels + 3):
            saved += journal.append([label(number)], "me")
    return {"refused": refused, "saved": [as_text(event) for event in saved]}


def _main(what: str, folder: Path, kib: int, labels: int) -> None:
    mounted = folder / "mounted"
    _mount("--make-rprivate", "/")
    _mount("-t", "tmpfs", "-o", f"size={kib}k", "small", str(mounted))
    said = (_in_full if what == "full" else _in_read_only)(mounted, labels)
    shutil.copytree(mounted / "s.tuilabel", folder / "s.tuilabel")
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
