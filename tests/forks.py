"""`tuilabel` in fresh processes that need not import anything: they are forked when it has been.

Imports are most of what a short run of the program costs. A process of its own does them once for
all tests of a worker, and forks for each start: a process with its own arguments, environment,
folder, standard streams and terminal, in which ``python -m tuilabel`` runs from its first line.
What imports do and what a crash shows is tested with the real start.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import tuilabel
from tuilabel.learn.threads import THREAD_VARIABLES

_COMMANDS = ("about", "annotators", "classes", "importing", "label", "session", "show", "view")
_SCREENS = ("app.home", "app.labelling", "app.palette", "app.viewing", "screens.looking")

_READ_AT_START = ("LC_", "LD_", "TEXTUAL", "ESCDELAY", "MALLOC")
"""Beginnings of variables that are read before `tuilabel` can be forked."""


def _of_python(env: Mapping[str, str]) -> dict[str, str]:
    """Return what Python reads at its start, but for where modules are."""
    is_read = {name for name in env if name.startswith("PYTHON")} - {"PYTHONPATH"}
    return {name: env[name] for name in is_read}


_PYTHONS = _of_python(os.environ)

_PROGRAM = """\
import sys
paths = sys.path[1:]
sys.path[:1] = {}
from tests.forks import fork_for_ever
fork_for_ever(paths, "{}")
"""

_PR_SET_CHILD_SUBREAPER = 36
"""From Linux's <sys/prctl.h>."""

_DESCRIPTORS = 64
"""More than the process that forks ever has open."""

_PATIENCE = 120.0
"""Seconds after which a program that does not end is given up."""


def can_fork(env: Mapping[str, str]) -> bool:
    """Return whether a process with an environment is the same when it is forked."""
    read = [name for name in env if name.startswith(_READ_AT_START)]
    # Python takes UTF-8 where there is no locale.
    is_utf8 = env.get("LANG", "C.UTF-8") == "C.UTF-8"
    return not read and _of_python(env) == _PYTHONS and is_utf8


class Forked:
    """A process that was forked, as its parent sees it.

    Parameters
    ----------
    arguments : sequence of str
        What would follow ``python -m tuilabel``.
    env : mapping
        The whole environment.
    cwd : Path
    streams : sequence of int
        The descriptors of standard input, output and error.
    terminal : bool
        Whether these are a terminal, which controls it.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        streams: Sequence[int],
        terminal: bool = False,
    ) -> None:
        start = _Start("tuilabel", list(arguments), dict(env), str(cwd), is_on_terminal=terminal)
        self._told = _ask(start, streams)
        self.pid = _number(self._told)

    @functools.cached_property
    def status(self) -> int:
        """The exit status, or minus the signal it died of; waits until it has ended."""
        with self._told:
            status = _number(self._told)
            # Until the other side is closed, the process can still be found.
            self._told.shutdown(socket.SHUT_WR)
            self._told.recv(1)
        return status


class Adopted:
    """A trainer that was forked and is this process's child: what asyncio needs of a `Popen`."""

    stderr = returncode = None

    def __init__(
        self, command: Sequence[str], *, stderr: int, env: Mapping[str, str], **_: object
    ) -> None:
        start = _Start(command[3], [], dict(env), str(Path.cwd()), is_adopted=True)
        (their_input, input_), (output, their_output) = os.pipe(), os.pipe()
        with _ask(start, [their_input, their_output, stderr]) as told:
            self.pid = _number(told)
        os.close(their_input)
        os.close(their_output)
        self.stdin = os.fdopen(input_, "wb", buffering=0)
        self.stdout = os.fdopen(output, "rb", buffering=0)

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


def start_trainer(command: Sequence[str], **options: Any) -> Any:
    """Start a trainer as `subprocess.Popen` does: forked if that is the same."""
    if [*command[1:3]] == ["-P", "-m"] and can_fork(options["env"]):
        return Adopted(command, **options)
    return subprocess.Popen(command, **options)


def adopt_orphans(adopts: bool) -> None:
    """Let this process be the parent of what its children leave, or no more."""
    assert ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(adopts), 0, 0, 0) == 0


def run(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `tuilabel` without input: forked if that is the same, otherwise with the real start."""
    with (
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
        Path(os.devnull).open() as nothing,
    ):
        if can_fork(env):
            streams = [file.fileno() for file in (nothing, output, errors)]
            status = Forked(arguments, env=env, cwd=cwd or Path.cwd(), streams=streams).status
        else:
            status = subprocess.run(
                [sys.executable, "-m", "tuilabel", *arguments],
                stdin=nothing,
                stdout=output,
                stderr=errors,
                env=env,
                cwd=cwd,
                timeout=_PATIENCE,
                check=False,
            ).returncode
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode())
    return subprocess.CompletedProcess(list(arguments), status, *texts)


class _Start(NamedTuple):
    """What is to be started, and how."""

    module: str
    arguments: list[str]
    env: dict[str, str]
    cwd: str
    is_on_terminal: bool = False
    is_adopted: bool = False


def _ask(start: _Start, streams: Sequence[int]) -> socket.socket:
    """Ask for a process; return where its number comes and, if it is not adopted, its status."""
    told, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    forker = _forker("tuilabel" if start.module == "tuilabel" else "trainer")
    with theirs:
        socket.send_fds(forker[0], [json.dumps(start).encode()], [*streams, theirs.fileno()])
    return told


def _number(told: socket.socket) -> int:
    number = told.recv(16)
    assert number, "The process that forks has ended."
    return int(number)


@functools.cache
def _forker(what: str) -> tuple[socket.socket, object]:
    """Return a socket to the process that forks, and what started it; it ends with this one."""
    own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for side in (own, other):
        side.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
    roots = [str(Path(file).parent.parent) for file in (tuilabel.__file__, __file__)]
    with other:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM.format(roots, what)],
            stdin=other,
            cwd="/",
            env={**_PYTHONS, **dict.fromkeys(THREAD_VARIABLES, "1"), "LANG": "C.UTF-8"},
            start_new_session=True,
        )
    return own, process


def fork_for_ever(paths: Sequence[str], what: str) -> None:
    """Import what `tuilabel` or a trainer imports, and fork for each start that is asked for."""
    # Descriptors 0 to 2 are those of the processes that are to come.
    asked = socket.socket(fileno=fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 10))
    _import() if what == "tuilabel" else _import_learning()
    gc.collect()
    gc.freeze()
    while True:
        # Nobody waits for the processes that wait for others.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        request, fds, _, _ = socket.recv_fds(asked, 2**20, 4)
        if not fds:
            sys.exit()
        if os.fork() == 0:
            asked.close()
            start = _Start(*json.loads(request))
            if _is_forked(socket.socket(fileno=fds[3]), start.is_adopted):
                return _become(start, fds[:3], paths)
        for descriptor in fds:
            os.close(descriptor)


def _is_forked(telling: socket.socket, is_adopted: bool) -> bool:
    """Fork, tell of it, and wait for the new process, in which alone this returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        if is_adopted:
            while os.getppid() == parent:
                time.sleep(0.0005)
            telling.send(b"%d" % os.getpid())
        telling.close()
        return True
    if is_adopted:
        os._exit(0)
    os.closerange(0, telling.fileno())
    os.closerange(telling.fileno() + 1, _DESCRIPTORS)
    telling.send(b"%d" % pid)
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    status = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    with contextlib.suppress(OSError):
        telling.send(b"%d" % status)
        # Until it is waited for, no other process can have its number.
        telling.recv(1)
    os.waitpid(pid, 0)
    os._exit(0)


def _import() -> None:
    """Import as `prepare_screen` does: without TLS, and for 500 frames a second."""
    os.environ["TEXTUAL_FPS"] = "500"
    sys.modules["ssl"] = None  # type: ignore[assignment]
    import asyncio  # noqa: F401

    del sys.modules["ssl"]
    for name in _COMMANDS:
        importlib.import_module(f"tuilabel.commands.{name}")
    for name in _SCREENS:
        importlib.import_module(f"tuilabel.tui.{name}")
    for name in ("tuilabel.workspace.opening", "tuilabel.data.digits", "tuilabel.trainer.runner"):
        importlib.import_module(name)
    sys.modules["textual.constants"].__class__ = _Constants


def _import_learning() -> None:
    """Import what a trainer imports, and what its first fit does."""
    importlib.import_module("tuilabel.trainer.workbench")
    importlib.import_module("tuilabel.learn.models").warm_up()


class _Constants(ModuleType):
    """Reads again what `tuilabel` sets before it imports Textual."""

    @property
    def COLOR_SYSTEM(self) -> str:  # noqa: N802
        return os.environ.get("TEXTUAL_COLOR_SYSTEM", "auto")


def _become(start: _Start, streams: Sequence[int], paths: Sequence[str]) -> None:
    """Be a new process from here on: run a module, and end as it does."""
    if start.is_on_terminal or start.is_adopted:
        os.setsid()
    if start.is_on_terminal:
        fcntl.ioctl(streams[0], termios.TIOCSCTTY, 0)
    for descriptor, stream in enumerate(streams):
        os.dup2(stream, descriptor)
    os.closerange(3, _DESCRIPTORS)
    # Started in the background or by nohup, the tests and their children ignore some of these.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(start.env)
    os.chdir(start.cwd)
    own = [path for path in start.env.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [*([] if start.is_adopted else [start.cwd]), *own, *paths]
    importlib.invalidate_caches()
    sys.argv[:] = [start.module, *start.arguments]
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        before = getattr(sys, name)
        stream = open(  # noqa: SIM115
            descriptor,
            "w" if descriptor else "r",
            encoding=before.encoding,
            errors=before.errors,
            closefd=False,
        )
        lines = name == "stderr" or stream.isatty()
        stream.reconfigure(line_buffering=lines, write_through=before.write_through)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    tempfile.tempdir = None
    runpy.run_module(start.module, run_name="__main__", alter_sys=True)
