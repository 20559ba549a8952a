"""Two sshfs mounts of one folder: one is cut off, or its server stands still, while both label."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

from tests.faults.context import Context
from tests.faults.labeller import as_event, label_out
from tests.faults.preload import REPOSITORY, ImpossibleError
from tests.faults.table import Tally, check, is_sentence
from tests.peers.link import Link, SshServer, why_no_ssh
from tests.pty.terminal import children
from tuilabel.events.lines import Event

ROUND_TRIP = 0.05
LABELS = 12
STILL_SECONDS = 2.0
PATIENCE = 60.0
ENDLESS = 10**6

_SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server")
_NOT_MOUNTED = "sshfs cannot mount here: {}"


class Mount:
    """A folder, mounted through a server and a line of its own.

    Raises
    ------
    ImpossibleError
        It cannot be mounted.
    """

    def __init__(self, of: Path, folder: Path) -> None:
        self._server = server = SshServer(folder)
        self.link = Link(server.port, round_trip=ROUND_TRIP)
        self.path = folder / "mounted"
        self.path.mkdir()
        *words, host, _ = (
            word for word in server.client(env={}, port=self.link.port) if word != "-tt"
        )
        ssh = folder / "ssh"
        ssh.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        ssh.chmod(0o700)
        options = ("reconnect", f"ssh_command={ssh}", f"sftp_server={_sftp_server()}")
        self._process = subprocess.Popen(
            [
                *("sshfs", "-f", f"{host}:{of}", str(self.path)),
                *(word for option in options for word in ("-o", option)),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        end = time.monotonic() + PATIENCE
        while not self.path.is_mount():
            if self._process.poll() is not None or time.monotonic() > end:
                assert self._process.stderr is not None
                self.close()
                raise ImpossibleError(_NOT_MOUNTED.format(self._process.stderr.read().strip()))
            time.sleep(0.01)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Make the servers of the connection stand still, sftp-server among them."""
        pids = list(_descendants(self._server.pid))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        """Unmount it."""
        self.link.close()
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._server.close()
        subprocess.run(["fusermount3", "-uzq", str(self.path)], check=False)


def _descendants(pid: int) -> Iterator[int]:
    for child in children(pid):
        yield child
        yield from _descendants(child)


def _sftp_server() -> str:
    found = next((path for path in _SFTP_SERVERS if Path(path).exists()), None)
    if found is None:
        raise ImpossibleError("there is no sftp-server")
    return found


def cut_off(context: Context, tally: Tally) -> Iterator[None]:
    """Cut one of two mounts off, stop its server for some time, or kill who labels there."""
    reason = why_no_ssh()
    if reason is None and shutil.which("sshfs") is None:
        reason = "there is no sshfs"
    if reason is not None:
        raise ImpossibleError(reason)
    real = context.folder()
    mounts = []
    for _ in range(2):
        mounts.append(Mount(real, context.folder()))
        context.closing.callback(mounts[-1].close)
    while True:
        for trouble in ("cut", "stopped", "killed"):
            path = Path(f"{uuid.uuid4().hex}.tuilabel")
            writers = [
                Writer(mount.path / path, by) for mount, by in zip(mounts, "ab", strict=True)
            ]
            writers[0].read(3 + context.below(6))
            _trouble(trouble, mounts[0], writers[0])
            for writer in writers:
                writer.read(ENDLESS)
            tally.injected += 1
            for writer in writers:
                for message in writer.refused:
                    tally.expect(is_sentence(message), f"no sentence: {message}")
                tally.notes["reported as not saved"] += len(writer.refused)
            tally.expect(writers[1].process.returncode == 0, "the other one was disturbed")
            check(real / path, [event for writer in writers for event in writer.saved], tally)
            yield


def _trouble(kind: str, mount: Mount, writer: Writer) -> None:
    match kind:
        case "cut":
            mount.link.cut()
        case "stopped":
            with mount.stopped():
                time.sleep(STILL_SECONDS)
        case "killed":
            mount.link.cut()
            writer.process.kill()


class Writer:
    """A process that labels, and what it has said so far."""

    def __init__(self, path: Path, by: str, labels: int = LABELS) -> None:
        self.saved: list[Event] = []
        self.refused: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.sshfs", str(path), by, str(labels)],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self._watch = Timer(PATIENCE, self.process.kill)
        self._watch.start()

    def read(self, count: int) -> None:
        """Read until it has said that so many events are saved, or until it has ended."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            ((kind, what),) = json.loads(line).items()
            if kind == "saved":
                self.saved.append(as_event(what))
                if len(self.saved) == count:
                    return
            else:
                self.refused.append(what)
        self.process.wait(PATIENCE)
        self._watch.cancel()


def _label(path: Path, by: str, labels: int) -> None:
    def tell(kind: str, what: object) -> None:
        os.write(1, json.dumps({kind: what}).encode() + b"\n")

    label_out(path, by, labels, tell, lambda _: None)


if __name__ == "__main__":
    _label(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
