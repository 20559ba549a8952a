"""One piece of work in its own child process, which ends when nothing waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from tuilabel.errors import TrainerError
from tuilabel.text import inert
from tuilabel.trainer.runner import NICENESS, child_environment, open_log

_KEPT_LINES = 200
_MESSAGE_CHARACTERS = 200


class Job:
    """Runs a module of this program in a child process, at low priority.

    Parameters
    ----------
    arguments : sequence of str
        A module and its arguments.
    log_path : Path
        File for its standard error if it fails.
    tell : callable, optional
        Called with each line of its standard error, on the event loop.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        log_path: Path,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._arguments = arguments
        self._log_path = log_path
        self._tell = tell
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id; None if there is no child."""
        return None if self._process is None else self._process.pid

    async def run(self) -> None:
        """Run the module to its end; if this is cancelled, kill the child.

        Raises
        ------
        TrainerError
            The child could not be started, or failed; the message is one line.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "tuilabel.trainer.parent_watch",
                *self._arguments,
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=PIPE,
                # Otherwise Ctrl-C in the terminal would reach the child too.
                start_new_session=True,
                env=child_environment(),
            )
        except OSError as error:
            raise TrainerError(f"Its process could not be started ({error.strerror}).") from error
        self._process = process
        said: deque[str] = deque(maxlen=_KEPT_LINES)
        try:
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
            assert process.stderr is not None
            async for line in process.stderr:
                text = inert(line.decode("utf-8", "replace").strip(), _MESSAGE_CHARACTERS)
                if text:
                    said.append(text)
                    if self._tell is not None:
                        self._tell(text)
            status = await process.wait()
        finally:
            self._process = None
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            assert process.stdin is not None
            process.stdin.close()
            if process.returncode is None:
                await asyncio.shield(process.wait())
        if status:
            await asyncio.to_thread(self._write_log, list(said))
            last = said[-1] if said else f"exit status {status}"
            raise TrainerError(last)

    def _write_log(self, lines: Sequence[str]) -> None:
        log = open_log(self._log_path)
        with contextlib.suppress(OSError), os.fdopen(log, "w", encoding="utf-8") as file:
            file.writelines(f"{self._arguments[0]}: {line}\n" for line in lines)
