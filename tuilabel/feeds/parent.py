"""The side of the process that labels: it starts the process of feeds, and never waits for it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tuilabel.feeds.plan import Plan
from tuilabel.process.umask import UMASK
from tuilabel.text import shown_path
from tuilabel.trainer.runner import NICENESS, child_environment, open_log

FINISH_SECONDS = 20.0
"""Longest time for the last state at the end, when the terminal is back."""


class Feeds:
    """A process that feeds others while somebody labels.

    Parameters
    ----------
    plan : Plan
    log_path : Path
        The file for its standard error.

    Attributes
    ----------
    changed : callable
        Called in a thread when `troubles` have changed.
    """

    def __init__(self, plan: Plan, log_path: Path) -> None:
        self.changed: Callable[[], object] = bool
        self._log_path = log_path
        self._troubles: dict[str, str] = {}
        self._told: dict[str, str] = {}
        self._done = threading.Event()
        self._options = plan.options
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = self._start(plan)
        except OSError as error:
            self._lose(f"its process could not be started ({error.strerror or error})")
            return
        threading.Thread(target=self._listen, name="feeds", daemon=True).start()

    def _start(self, plan: Plan) -> subprocess.Popen[bytes]:
        log = open_log(self._log_path)
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tuilabel.feeds.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                # Neither Ctrl-C nor a hang-up is for it: it ends in order, when its input does.
                start_new_session=True,
                pass_fds=() if plan.descriptor is None else (plan.descriptor,),
                umask=UMASK.given,
                env=child_environment(),
            )
        finally:
            os.close(log)
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        assert process.stdin is not None
        # A thread writes it: a plan may be longer than a pipe holds, and the process starts slowly.
        threading.Thread(target=_write, args=(process, plan.encode()), daemon=True).start()
        return process

    def _listen(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = json.loads(line)
            is_news = found["troubles"] != self._troubles
            self._troubles = found["troubles"]
            if found["done"]:
                self._done.set()
            if is_news:
                self.changed()
        if not self._done.is_set():
            self._lose(f"its process has ended; see {shown_path(self._log_path)}")
            self._done.set()
            self.changed()

    def _lose(self, why: str) -> None:
        self._troubles = dict.fromkeys(self._options, f"stopped, because {why}.")

    @property
    def troubles(self) -> dict[str, str]:
        """What is wrong, as a sentence to follow the name of each option."""
        return dict(self._troubles)

    @property
    def is_behind(self) -> bool:
        """Whether the mirror is not what the session says."""
        return "--mirror" in self._troubles

    def news(self) -> list[str]:
        """Return the sentences about what has failed since the last call and did not before."""
        told, self._told = self._told, self.troubles
        return [f"{option}: {text}" for option, text in self._told.items() if option not in told]

    def finish(self, seconds: float = FINISH_SECONDS) -> list[str]:
        """Have the last state written, and return sentences about what is wrong.

        What takes longer goes on when this process has ended.
        """
        self.changed = bool
        process = self._process
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            if not self._done.wait(seconds):
                at_work = f"Still at work in the background: {', '.join(self._options)}."
                return [*self._sentences(), at_work]
            # It may go on, for a reader that is slow.
            process.returncode = process.poll() or 0
        return self._sentences()

    def _sentences(self) -> list[str]:
        return [f"{option}: {text}" for option, text in self._troubles.items()]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.finish(0)


def _write(process: subprocess.Popen[bytes], plan: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError, ValueError):  # it has ended, or labelling has
        while plan:
            plan = plan[process.stdin.write(plan) :]
