"""Small sessions, and other processes that hold or write one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from loop_fakes import ME

from tests.journal.sessions import auto_drafts
from tuilabel.journal import Draft, EventKind, Journal, SessionInfo, revert

REPOSITORY = Path(__file__).resolve().parent.parent.parent

INFO = SessionInfo(
    "digits", ("cat", "dog"), pool=100, test=None, seed=3, audit=0.2, window=(100.5, 4095.0)
)

HOLDER = """
import sys
from pathlib import Path
from tuilabel.journal import Journal
journal = Journal(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
journal.close()
"""


@pytest.fixture
def info() -> SessionInfo:
    """Return the description of the sessions of these tests."""
    return INFO


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a session file that does not exist yet."""
    return tmp_path / "s.tuilabel"


@pytest.fixture
def journal(path: Path, info: SessionInfo) -> Iterator[Journal]:
    """Make a session and open it."""
    with Journal.create(path, info) as made:
        yield made


@pytest.fixture
def small_session(path: Path, info: SessionInfo) -> Path:
    """Make a closed session in which every kind of event occurs."""
    with Journal.create(path, info) as journal:
        journal.append(
            Draft(EventKind.OPEN, body={"model": "softmax", "strategy": "margin", "items": 100}), ME
        )
        for number in range(12):
            body = {"references": [f"{number}.png"], "probabilities": {"cat": 0.25, "dog": 0.75}}
            journal.append(
                Draft(EventKind.LABEL, f"item{number}", "cat", round=1, ms=10 * number, body=body),
                ME,
            )
        skip = journal.append(Draft(EventKind.SKIP, "item50", round=1), ME)
        journal.append(Draft(EventKind.UNDO, "item50", round=1, target=skip.uuid), ME)
        accuracy = {
            "value": 0.5,
            "low": 0.4,
            "high": 0.6,
            "n": 90,
            "set": "hold-out",
            "correct": 45,
        }
        journal.append(
            Draft(
                EventKind.ROUND,
                round=1,
                body={
                    **{"model": "softmax", "labels": 1, "accuracy": accuracy},
                    **{"moved": 0.25, "agreement": 0.75, "stop_set": 2000},
                },
            ),
            ME,
        )
        reverted, *_ = journal.append_many(auto_drafts("item60", "item61"), ME)
        journal.append(revert(reverted), ME)
        journal.append_many(auto_drafts("item3", "item60", "item62"), ME)
    return path


Holder = Callable[[Path], AbstractContextManager[subprocess.Popen[str]]]


@pytest.fixture
def held_by_another() -> Holder:
    """Return a context in which another process has a session open for labelling."""

    @contextmanager
    def hold(path: Path) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            try:
                yield process
            finally:
                process.kill()

    return hold
