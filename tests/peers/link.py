"""A line of chosen length and width, and an SSH server at its end: for tests and for benchmarks.

Nothing of pytest is needed, and nothing outside the given folder is touched::

    with SshServer(folder) as server, Link(server.port, round_trip=0.15) as link:
        command = server.client("python", "-m", "tuilabel", "digits", env=env, port=link.port)
        ...  # start `command` on a pseudo-terminal: it is an `ssh -tt`
        link.chunks  # what went over the line, and when
        link.cut()  # the line breaks

`why_no_ssh` says why there can be no server here, or None.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import select
import shlex
import shutil
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

_PATIENCE = 60.0
_PIECE = 2**16

_SSHD_CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
PrintLastLog no
PermitUserEnvironment no
"""

_SSH_OPTIONS = (
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "LogLevel=ERROR",
    "EscapeChar=none",
)


@dataclass(frozen=True)
class Chunk:
    """What arrived at one end of the line at once.

    Attributes
    ----------
    sent, delivered : float
        Seconds of the monotonic clock: when it entered the line, and when it is to leave it.
    direction : {"up", "down"}
        Up is towards the server, where the program runs.
    size : int
        Bytes.
    """

    sent: float
    delivered: float
    direction: Literal["up", "down"]
    size: int


class Link:
    """A TCP line to a port of this machine that takes its time.

    Delay does not limit how much is on its way. A limited line takes no more from a sender than it
    can carry: what it cannot stays with the sender, as on a real line.

    Parameters
    ----------
    target : int
        The port of 127.0.0.1 where the line ends.
    round_trip : float
        Seconds from one end to the other and back; half of it in each direction.
    bytes_per_second : float, optional
        What each direction carries; without limit if not given.

    Attributes
    ----------
    port : int
        Where the line begins, on 127.0.0.1.
    chunks : list of Chunk
        All that entered the line so far, in order; `clear` it when counting begins.
    """

    def __init__(
        self, target: int, *, round_trip: float = 0.0, bytes_per_second: float | None = None
    ) -> None:
        self._target = target
        self._delay = round_trip / 2
        self._rate = bytes_per_second
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self.chunks: list[Chunk] = []
        # Small on a limited line: what waits in the kernel's buffers is what a person waits for.
        self._buffer = None if bytes_per_second is None else 4096
        listener = socket.create_server(("127.0.0.1", 0))
        if self._buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer)
        self.port: int = listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(listener,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cut(self) -> None:
        """Break every connection, as a line does that goes dead: both ends are told at once."""
        done = asyncio.run_coroutine_threadsafe(self._cut(), self._loop)
        done.result(_PATIENCE)

    def close(self) -> None:
        """Break every connection and take no more."""
        if self._thread.is_alive():
            self.cut()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE)

    def sizes(self, direction: Literal["up", "down"]) -> list[int]:
        """Return the bytes of the chunks that went one way."""
        return [chunk.size for chunk in self.chunks if chunk.direction == direction]

    def _run(self, listener: socket.socket) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connect, sock=listener))
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = socket.socket()
        if self._buffer is not None:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer)
        far.setblocking(False)
        try:
            await self._loop.sock_connect(far, ("127.0.0.1", self._target))
        except OSError:  # nobody there: whoever called is told by a broken connection
            far.close()
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(
            sock=far, limit=self._buffer or _PIECE
        )
        for end in (writer, far_writer):
            # What is small is not to wait for more: the delay of this line is all there is.
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._writers += (writer, far_writer)
        self._carry("up", reader, far_writer)
        self._carry("down", far_reader, writer)

    def _carry(
        self,
        direction: Literal["up", "down"],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        on_its_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        for work in (
            self._take(direction, reader, on_its_way),
            self._deliver(on_its_way, writer),
        ):
            task = self._loop.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _take(
        self,
        direction: Literal["up", "down"],
        reader: asyncio.StreamReader,
        on_its_way: asyncio.Queue[tuple[float, bytes]],
    ) -> None:
        """Read from one end, no faster than the line carries."""
        free = 0.0
        data = b"?"
        while data:
            try:
                data = await reader.read(_PIECE if self._rate is None else 1024)
            except ConnectionError:
                data = b""
            now = time.monotonic()
            free = now if self._rate is None else max(now, free) + len(data) / self._rate
            if data:
                self.chunks.append(Chunk(now, free + self._delay, direction, len(data)))
            on_its_way.put_nowait((free + self._delay, data))
            await asyncio.sleep(free - now)

    async def _deliver(
        self, on_its_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        """Write to the other end what has been on its way for long enough."""
        while True:
            due, data = await on_its_way.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            with contextlib.suppress(ConnectionError):
                if not data:
                    writer.close()
                    return
                writer.write(data)
                await writer.drain()


class Datagrams:
    """A line for UDP to a port of this machine that takes its time, as mosh's.

    Parameters
    ----------
    target : int
        The port of 127.0.0.1 where the line ends.
    delay : float
        Seconds in each direction.

    Attributes
    ----------
    port : int
        Where the line begins, on 127.0.0.1.
    """

    def __init__(self, target: int, delay: float) -> None:
        self._near, self._far = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2))
        for end in (self._near, self._far):
            end.bind(("127.0.0.1", 0))
            end.setblocking(False)
        self._target = ("127.0.0.1", target)
        self._delay = delay
        self.port: int = self._near.getsockname()[1]
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Carry no more."""
        self._is_closed.set()
        self._thread.join(_PATIENCE)
        self._near.close()
        self._far.close()

    def _run(self) -> None:
        client = None
        under_way: deque[tuple[float, socket.socket, bytes]] = deque()
        while not self._is_closed.is_set():
            due = under_way[0][0] - time.monotonic() if under_way else 0.1
            for end in select.select([self._near, self._far], [], [], min(0.1, max(0.0, due)))[0]:
                with contextlib.suppress(ConnectionError):
                    data, sender = end.recvfrom(_PIECE)
                    if end is self._near:
                        client = sender
                    under_way.append((time.monotonic() + self._delay, end, data))
            while under_way and under_way[0][0] <= time.monotonic():
                _, end, data = under_way.popleft()
                if end is self._near:
                    self._far.sendto(data, self._target)
                elif client is not None:
                    self._near.sendto(data, client)


def why_no_ssh() -> str | None:
    """Return the reason why no SSH server can be started here, or None."""
    for program in (_sshd(), shutil.which("ssh"), shutil.which("ssh-keygen")):
        if program is None:
            return "no OpenSSH here: install openssh-server and openssh-client"
    if os.geteuid() == 0 and not _make_separation_directory():
        return "sshd needs the folder /run/sshd, which cannot be made"
    return None


def _sshd() -> str | None:
    # Where Debian puts it is not on everybody's path.
    return shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def _make_separation_directory() -> bool:
    """Make what Debian's service makes before it starts the server as root."""
    with contextlib.suppress(OSError):
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    return Path("/run/sshd").is_dir()


class SshServer:
    """An OpenSSH server on a high port of 127.0.0.1 that lets in whoever started it.

    Parameters
    ----------
    folder : Path
        An empty folder for its keys, configuration and log.

    Attributes
    ----------
    port : int
    log : Path
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.log = folder / "sshd.log"
        for name in ("host_key", "user_key"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)],
                check=True,
                stdin=subprocess.DEVNULL,
            )
        for _ in range(5):  # another program may take the port between looking and listening
            self.port = _free_port()
            self._process = self._start()
            if self._listens():
                return
            self.close()
        raise RuntimeError(f"sshd does not start: {self.log.read_text()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def client(
        self,
        *command: str,
        env: Mapping[str, str],
        port: int | None = None,
        options: tuple[str, ...] = (),
    ) -> list[str]:
        """Return the `ssh` that runs a command on a terminal of the server.

        Parameters
        ----------
        *command : str
            The program and its arguments, as they are: the remote shell changes nothing.
        env : mapping
            What is set for the program besides what the server sets. TERM and COLORTERM are not:
            the former is the client's, and no server is told the latter.
        port : int, optional
            Where a `Link` to the server begins.
        options : tuple of str
            Of ssh, such as ``-C``.
        """
        hosts = self._folder / f"known_hosts_{port or self.port}"
        key = (self._folder / "host_key.pub").read_text().strip()
        hosts.write_text(f"[127.0.0.1]:{port or self.port} {key}\n")
        settings = [
            f"{name}={value}" for name, value in env.items() if name not in ("TERM", "COLORTERM")
        ]
        return [
            *("ssh", "-F", "/dev/null", "-tt", "-p", str(port or self.port)),
            *("-i", str(self._folder / "user_key")),
            *(word for option in _SSH_OPTIONS for word in ("-o", option)),
            *("-o", f"UserKnownHostsFile={hosts}"),
            *options,
            f"{getpass.getuser()}@127.0.0.1",
            # By `exec`, so that the server's shell does not stand between signals and the program.
            shlex.join(["exec", "env", *settings, *command]),
        ]

    @property
    def pid(self) -> int:
        """The server's process, whose children serve one connection each."""
        return self._process.pid

    def close(self) -> None:
        """End the server; connections that are open have processes of their own."""
        self._process.terminate()
        self._process.wait(_PATIENCE)

    def _start(self) -> subprocess.Popen[bytes]:
        sshd = _sshd()
        assert sshd is not None, "why_no_ssh() is to be asked first"
        config = self._folder / "sshd_config"
        config.write_text(_SSHD_CONFIG.format(port=self.port, folder=self._folder))
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sshd, "-D", "-e", "-f", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _listens(self) -> bool:
        """Wait until the server greets, or has ended."""
        end = time.monotonic() + _PATIENCE
        while self._process.poll() is None and time.monotonic() < end:
            with (
                contextlib.suppress(ConnectionError),
                socket.create_connection(("127.0.0.1", self.port)) as connection,
            ):
                return connection.recv(4) == b"SSH-"
            # Nothing tells when a port begins to listen.
            time.sleep(0.01)
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
