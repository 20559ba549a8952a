"""The parent's side of decoding: starts processes, replaces lost ones, returns their answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from tuilabel.data.decoding.values import Decoded, Refused
from tuilabel.errors import SourceError

DEADLINE = 60.0

START_SECONDS = 60.0
"""Time limit for a process to start."""

# The child imports what this process would import, whatever its folder and environment.
_PROGRAM = "import sys; sys.path[:] = {!r}; from tuilabel.data.decoding.worker import main; main()"


class DecodeService:
    """Decodes files in child processes; `decode` may be called from several threads at once.

    There are as many children as calls at the same time. A child that dies or hangs costs one
    file. Children end with this process, and when the service is closed or no longer in use.

    Parameters
    ----------
    deadline : float
        Seconds that one file may take.
    """

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._deadline = deadline
        self._idle: list[_Child] = []
        self._one_large_image = threading.Lock()
        weakref.finalize(self, _end_all, self._idle)

    def decode(self, path: Path, *, box: tuple[int, int] | None = None) -> Decoded | Refused:
        """Decode the first page or frame of a file.

        Parameters
        ----------
        path : Path
            It is opened without waiting; anything but a regular file is refused.
        box : tuple of int, optional
            Largest width and height of the pixels to return; larger images are reduced, which is
            much quicker for JPEG.

        Raises
        ------
        SourceError
            No process can be started.
        """
        request = {"path": os.fspath(path), "box": box}
        answer = self._ask({**request, "large": False})
        if answer is None:
            with self._one_large_image:
                answer = self._ask({**request, "large": True})
        return answer or Refused("too large or damaged: its decoder crashed", lasting=False)

    def close(self) -> None:
        """End the processes that are idle; `decode` starts new ones."""
        _end_all(self._idle)

    def _ask(self, request: dict[str, Any]) -> Decoded | Refused | None:
        """Return the answer to a request; None if it takes more memory, or its process died."""
        try:
            child = self._idle.pop()
        except IndexError:
            child = _Child(self._deadline)
        try:
            answer = child.ask(request)
        except TimeoutError:
            child.end()
            return Refused(f"decoding takes longer than {self._deadline:g} s", lasting=False)
        except (OSError, EOFError):
            child.end()
            return None
        except BaseException:
            child.end()
            raise
        self._idle.append(child)
        return answer


def _end_all(idle: list[_Child]) -> None:
    while idle:
        idle.pop().end()


class _Child:
    """A process that decodes one file at a time.

    Parameters
    ----------
    deadline : float
        Seconds that one file may take.

    Raises
    ------
    SourceError
        It cannot be started.
    """

    def __init__(self, deadline: float) -> None:
        try:
            own, other = socket.socketpair()
            with other:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-c", _PROGRAM.format(sys.path)],
                    stdin=other.fileno(),
                    stdout=subprocess.DEVNULL,
                    # Decoders print warnings, which would break lines that are on the screen.
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                    # Ctrl-C and Ctrl-Z are for the parent.
                    process_group=0,
                )
            own.settimeout(START_SECONDS)
            self._socket, self._answers = own, own.makefile("rb")
        except OSError as error:
            raise SourceError(
                f"The process that decodes images cannot be started ({error.strerror or error}): "
                "close other programs, or raise the limits on processes and open files (ulimit)."
            ) from error
        try:
            started = self._answers.readline()
        except OSError:
            started = b""
        if not started:
            self.end()
            raise SourceError(
                "The process that decodes images ended as it started: raise the limits on memory "
                "and open files (ulimit)."
            )
        own.settimeout(deadline)

    def ask(self, request: dict[str, Any]) -> Decoded | Refused | None:
        """Return the answer to a request; None if it takes more memory than is allowed.

        Raises
        ------
        OSError, EOFError
            The process died or, with a `TimeoutError`, did not answer in time.
        """
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        answer = json.loads(line)
        if not answer:
            return None
        if "reason" in answer:
            return Refused(**answer)
        pixels = np.empty(answer["shape"], answer["dtype"])
        if self._answers.readinto(pixels.reshape(-1).view(np.uint8).data) != pixels.nbytes:
            raise EOFError
        digest, (height, width) = bytes.fromhex(answer["digest"]), answer["size"]
        return Decoded(digest, answer["format"], (height, width), answer["frames"], pixels)

    def end(self) -> None:
        """Kill the process and reap it."""
        self._answers.close()
        self._socket.close()
        self._process.kill()
        self._process.wait()
