"""The parent's side of decoding: starts processes, replaces lost ones, returns their answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.cell import Cell
from tuilabel.data.decoding.values import BUFFER_BYTES, Decoded, Refused, TableInfo
from tuilabel.data.region import Region
from tuilabel.errors import SourceError

DEADLINE = 60.0

START_SECONDS = 60.0
"""Time limit for a process to start."""

# Each thread, and each of Arrow's own arenas, counts against the limit of memory.
_SINGLE = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "ARROW_IO_THREADS": "1",
}

_Answer = TypeVar("_Answer")

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

    def decode(
        self,
        path: Path | Cell,
        part: str = "",
        *,
        box: tuple[int, int] | None = None,
        region: Region | None = None,
    ) -> Decoded | Refused:
        """Decode the first page or frame of a file, or a part of the file.

        Parameters
        ----------
        path : Path or Cell
            It is opened without waiting; anything but a regular file is refused.
        part : str
            See `tuilabel.data.part`; empty for the first page or frame.
        box : tuple of int, optional
            Largest width and height of the pixels to return; larger images are reduced, which is
            much quicker for JPEG. With `NO_PIXELS`, nothing is decoded but what is said of the
            image.
        region : Region, optional
            The region of the upright image or part to return, before it is reduced; with it come
            the facts that the file's metadata has.

        Raises
        ------
        SourceError
            No process can be started.
        """
        return self.decode_all([(path, part)], box=box, region=region)[0]

    def decode_all(
        self,
        parts: Sequence[tuple[Path | Cell, str]],
        *,
        box: tuple[int, int] | None = None,
        region: Region | None = None,
    ) -> list[Decoded | Refused]:
        """Decode several files, or parts of them, in one process.

        It is quicker if they are small, and parts of one file follow each other.
        """
        answers = self._ask(parts, box, region)
        missing = parts[len(answers) :]
        if len(parts) > 1:
            # The process died or hung; which of these files is the reason shows one by one.
            answers += [self.decode(path, part, box=box, region=region) for path, part in missing]
        else:
            answers += [None] * len(missing)
        return [
            self._decode_large(part, box, region) if answer is None else answer
            for part, answer in zip(parts, answers, strict=True)
        ]

    def table(self, path: Path) -> TableInfo | Refused:
        """Return what a table file with images has, from its metadata.

        Raises
        ------
        SourceError
            No process can be started.
        """
        return self._about_table(path, None, _Child.receive_table)

    def labels(self, path: Path, column: str) -> NDArray[np.int32] | Refused:
        """Return the class of each row of a table file: (n,) numbers, -1 where there is none.

        Raises
        ------
        SourceError
            No process can be started.
        """
        return self._about_table(path, column, _Child.receive_array)

    def close(self) -> None:
        """End the processes that are idle; `decode` starts new ones."""
        _end_all(self._idle)

    def _decode_large(
        self, part: tuple[Path | Cell, str], box: tuple[int, int] | None, region: Region | None
    ) -> Decoded | Refused:
        with self._one_large_image:
            answers = self._ask([part], box, region, large=True)
        found = answers[0] if answers else None
        return found or Refused("too large or damaged: its decoder crashed", lasting=False)

    def _ask(
        self,
        parts: Sequence[tuple[Path | Cell, str]],
        box: tuple[int, int] | None,
        region: Region | None,
        *,
        large: bool = False,
    ) -> list[Decoded | Refused | None]:
        """Return answers in order until the process dies; None for files that take more memory."""
        named = [(os.fspath(path), part) for path, part in parts]
        request = {"parts": named, "box": box, "region": region, "large": large}
        return self._answers(request, len(parts), _Child.receive)

    def _about_table(
        self, path: Path, label: str | None, receive: Callable[[_Child], _Answer | Refused]
    ) -> _Answer | Refused:
        request = {"table": os.fspath(path), "label": label, "large": False}
        found = self._answers(request, 1, receive)
        return found[0] if found else Refused("damaged: reading it crashed", lasting=False)

    def _answers(
        self,
        request: Mapping[str, Any],
        count: int,
        receive: Callable[[_Child], _Answer | Refused],
    ) -> list[_Answer | Refused]:
        """Return answers in order until the process dies."""
        try:
            child = self._idle.pop()
        except IndexError:
            child = _Child(self._deadline)
        answers: list[_Answer | Refused] = []
        try:
            child.send(request)
            for _ in range(count):
                answers.append(receive(child))
        except TimeoutError:
            child.end()
            if count == 1:
                reason = f"decoding takes longer than {self._deadline:g} s"
                answers.append(Refused(reason, lasting=False))
        except (OSError, EOFError):
            child.end()
        except BaseException:
            child.end()
            raise
        else:
            self._idle.append(child)
        return answers


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
                    [sys.executable, "-P", "-c", _PROGRAM.format(sys.path)],
                    stdin=other.fileno(),
                    stdout=subprocess.DEVNULL,
                    # Decoders print warnings, which would break lines that are on the screen.
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, **_SINGLE},
                    # Ctrl-C and Ctrl-Z are for the parent.
                    process_group=0,
                )
            own.settimeout(START_SECONDS)
            self._socket = own
            self._answers = cast(BufferedReader, own.makefile("rb", BUFFER_BYTES))
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

    def send(self, request: Mapping[str, Any]) -> None:
        """Ask for files; their answers come in order."""
        self._socket.sendall(json.dumps(request).encode() + b"\n")

    def receive(self) -> Decoded | Refused | None:
        """Return the next answer; None if the file takes more memory than is allowed.

        Raises
        ------
        OSError, EOFError
            The process died or, with a `TimeoutError`, did not answer in time.
        """
        answer = self._line()
        if not answer:
            return None
        if "reason" in answer:
            return Refused(**answer)
        pixels = self._array(answer)
        digest, (height, width) = bytes.fromhex(answer["digest"]), answer["size"]
        facts = [(word, text) for word, text in answer["facts"]]
        kind, frames, taken = answer["format"], answer["frames"], answer["taken"]
        stored = bytes.fromhex(answer["pixels"])
        size, turn = (height, width), answer["orientation"]
        return Decoded(digest, kind, size, frames, pixels, facts, taken, stored, turn)

    def receive_table(self) -> TableInfo | Refused:
        """Return the next answer, as `receive` does: what a table file has."""
        answer = self._line()
        return Refused(**answer) if "reason" in answer else TableInfo(**answer)

    def receive_array(self) -> NDArray[Any] | Refused:
        """Return the next answer, as `receive` does: an array."""
        answer = self._line()
        return Refused(**answer) if "reason" in answer else self._array(answer)

    def _line(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        return cast(dict[str, Any], json.loads(line))

    def _array(self, answer: Mapping[str, Any]) -> NDArray[Any]:
        values = np.empty(answer["shape"], answer["dtype"])
        if self._answers.readinto(values.reshape(-1).view(np.uint8).data) != values.nbytes:
            raise EOFError
        return values

    def end(self) -> None:
        """Kill the process and reap it."""
        self._answers.close()
        self._socket.close()
        self._process.kill()
        self._process.wait()
