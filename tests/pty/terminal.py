"""A program on a real pseudo-terminal, and the terminal emulator it draws on."""

from __future__ import annotations

import codecs
import os
import re
import select
import signal
import termios
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pexpect
import pyte

from tests.forks import Forked

PATIENCE = 60.0
"""Seconds after which a wait that is in vain fails; far more than anything here takes."""

_MODES_LEFT_ON = {
    47: "alternate screen",
    1047: "alternate screen",
    1049: "alternate screen",
    1000: "mouse",
    1002: "mouse",
    1003: "mouse",
    1006: "mouse",
    1015: "mouse",
    1016: "mouse",
    1004: "focus reports",
    2004: "bracketed paste",
    2026: "synchronized output",
    2048: "resize reports",
}
_MODES_LEFT_OFF = {7: "line wrap", 25: "cursor"}

# What pyte does not know (and partly would draw as text) is taken out of the stream: whether a
# mode is supported (DECRQM), the kitty keyboard protocol, and the cursor report, which has to be
# answered at its place among what is drawn.
_QUERY = re.compile(
    r"\x1b\[(?:\?(?P<mode>\d+)\$p|(?P<kitty>[<>=])[\d;]*u|(?P<version>>0q)|(?P<cursor>6n))"
    r"|(?P<background>\x1b\]11;\?(?:\x07|\x1b\\))"
)
_CUT_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\]11;\??\x1b?)?\Z")

Condition = str | Callable[[], object]


class Terminal:
    """Starts a command and plays the terminal emulator for it.

    Nothing here runs by itself: the terminal reads, draws and answers while `pump`, or what is
    made of it, is called.

    Parameters
    ----------
    command : sequence of str
        The arguments of a `tuilabel` that is to be forked (see `tests.forks`), if `forks`.
    env : mapping
        The whole environment.
    cwd : Path
    size : (int, int)
        Columns and rows.
    answers : bool
        Whether questions of the program are answered, as every real terminal does.
    report_delay : float
        Seconds after which the cursor is reported, as on a far terminal.
    background : str or None
        The colour to tell who asks for it (OSC 11), as six hexadecimal digits; None tells nothing.
    version : str
        The name to report (XTVERSION); none for an empty one, as mosh does.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        size: tuple[int, int] = (80, 24),
        answers: bool = True,
        report_delay: float = 0.0,
        background: str | None = None,
        version: str = "pyte(0.8)",
        forks: bool = False,
    ) -> None:
        columns, rows = size
        self._process = (_Forked if forks else _Spawned)(command, env, cwd, size)
        self._fd = self._process.fd
        self._settings_before = _settings_of_new_terminal()
        self.pid: int = self._process.pid
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self._screen)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._cut = ""
        self._kitty_flags = 0
        self.answers = answers
        self._report_delay = report_delay
        self._due: deque[tuple[float, str]] = deque()
        self.holds_reports = False
        """Whether it is sending something else, which no report interrupts."""
        self._background = background
        self._version = version
        self.open = True
        self.transcript = ""
        self.bytes_read = 0
        self.cursor_reports = 0

    # What the program wrote.

    @property
    def text(self) -> str:
        """The screen, one line per row."""
        return "\n".join(row.rstrip() for row in self._screen.display)

    @property
    def after_screen(self) -> str:
        """What the program wrote once it had left the alternate screen, without escape codes."""
        return re.sub(
            r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)",
            "",
            self.transcript.rpartition("\x1b[?1049l")[2],
        )

    def colours(self, columns: range, rows: range) -> list[tuple[str, str, str]]:
        """Return character, foreground and background of the cells of a region, row by row."""
        cells = [self._screen.buffer[y][x] for y in rows for x in columns]
        return [(cell.data, cell.fg, cell.bg) for cell in cells]

    def pump(self, seconds: float) -> bool:
        """Read and draw what comes first within some seconds; tell whether anything came."""
        end = time.monotonic() + max(0.0, seconds)
        while self._due and self.open and not self.holds_reports:
            due = self._due[0][0]
            left = min(due, end) - time.monotonic()
            if select.select([self._fd], [], [], max(0.0, left))[0]:
                break
            if due > end:
                return False
            self._write(self._due.popleft()[1])
        left = max(0.0, end - time.monotonic())
        if not self.open or not select.select([self._fd], [], [], left)[0]:
            return False
        try:
            data = os.read(self._fd, 2**16)
        except OSError:  # Linux says EIO when the last process has closed its side
            data = b""
        self.bytes_read += len(data)
        self._draw(self._decode(data, final=not data))
        self.open = bool(data)
        return self.open

    def wait_for(self, condition: Condition, seconds: float = PATIENCE) -> None:
        """Read until a regular expression is found on the screen, or a function gives truth."""
        pattern = condition if isinstance(condition, str) else None

        def holds() -> bool:
            # Half a frame is not what a person sees: terminals show synchronized output at its end.
            if 2026 << 5 in self._screen.mode:
                return False
            return bool(condition() if callable(condition) else re.search(condition, self.text))

        end = time.monotonic() + seconds
        while not holds():
            if not self.pump(end - time.monotonic()) and not holds():
                raise AssertionError(f"Waited in vain for {pattern or condition}.\n{self.drawn()}")

    def settle(self, silence: float) -> None:
        """Read until nothing comes for some seconds."""
        end = time.monotonic() + PATIENCE
        while self.pump(silence):
            assert time.monotonic() < end, f"It never fell silent.\n{self.drawn()}"

    def drawn(self) -> str:
        """Draw the screen with a frame, for messages."""
        edge = "+" + "-" * self._screen.columns + "+"
        end = "" if self.open else f"\nThe program has closed the terminal:\n{self.after_screen}"
        return "\n".join([edge, *(f"|{row}|" for row in self._screen.display), edge]) + end

    def watched(self) -> None:
        """Look at the screen: called before each answer and after whatever was read."""

    def _draw(self, text: str) -> None:
        self.transcript += text
        text = self._cut + text
        cut = _CUT_SEQUENCE.search(text) if text else None
        text, self._cut = (text[: cut.start()], cut[0]) if cut else (text, "")
        place = 0
        for query in _QUERY.finditer(text):
            self._stream.feed(text[place : query.start()])
            self._answer(query)
            place = query.end()
        self._stream.feed(text[place:])
        self.watched()

    def _answer(self, query: re.Match[str]) -> None:
        if query["kitty"]:
            self._kitty_flags += {">": 1, "<": -1, "=": 0}[query["kitty"]]
            return
        if not self.answers:
            return
        if query["background"]:
            if self._background is not None:
                red, green, blue = (self._background[n : n + 2] * 2 for n in (0, 2, 4))
                self._write(f"\x1b]11;rgb:{red}/{green}/{blue}\x1b\\")
            return
        if query["version"]:
            if self._version:
                self._write(f"\x1bP>|{self._version}\x1b\\")
            return
        if query["mode"]:
            state = 2 if query["mode"] == "2026" else 0  # 2: known and off, 0: not known
            self._write(f"\x1b[?{query['mode']};{state}$y")
            return
        self.watched()
        cursor = self._screen.cursor
        report = f"\x1b[{cursor.y + 1};{cursor.x + 1}R"
        if self._report_delay:
            self._due.append((time.monotonic() + self._report_delay, report))
        else:
            self._write(report)
        self.cursor_reports += 1

    # What a person does.

    def press(self, keys: str) -> None:
        """Send keys in one piece, as what a terminal sends for them."""
        self._write(keys)

    @property
    def before_cursor(self) -> str:
        """The row that the cursor is in, up to the cursor."""
        cursor = self._screen.cursor
        return self._screen.display[cursor.y][: cursor.x]

    @property
    def owes_reports(self) -> bool:
        """Whether it was asked for the cursor and has not told it yet."""
        return bool(self._due)

    def wide(self) -> int:
        """Return the column of the rightmost cell that something was drawn in."""
        drawn = {column for row in self._screen.buffer.values() for column in row}
        return max(drawn, default=-1) + 1

    def resize(self, columns: int, rows: int) -> None:
        """Change the size; the kernel tells the program."""
        self._screen.resize(rows, columns)
        termios.tcsetwinsize(self._fd, (rows, columns))

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Vanish, as a terminal does whose window is closed or whose line is cut."""
        self.open = False
        self._process.hang_up()

    def _write(self, text: str) -> None:
        try:
            os.write(self._fd, text.encode())
        except OSError:  # it is gone already: what it wrote last is still to be read
            return

    # How it ends.

    def wait_exit(self, seconds: float = PATIENCE) -> int:
        """Read until the program is gone; give its exit status, or minus the signal it died of."""
        end = time.monotonic() + seconds
        while self.pump(end - time.monotonic()):
            pass
        assert is_gone(self.pid, end - time.monotonic()), f"It does not end.\n{self.drawn()}"
        return self._process.wait()

    def left_behind(self) -> list[str]:
        """Name what the program did not put back as it found it."""
        on = {mode >> 5 for mode in self._screen.mode}
        left = [name for mode, name in _MODES_LEFT_ON.items() if mode in on]
        left += [f"no {name}" for mode, name in _MODES_LEFT_OFF.items() if mode not in on]
        left += ["kitty keyboard"] if self._kitty_flags else []
        if termios.tcgetattr(self._fd) != self._settings_before:
            left.append("terminal settings")
        return left

    def close(self) -> None:
        """Kill the program if it still runs, and free everything."""
        if not self._process.has_ended:
            self.send_signal(signal.SIGKILL)
            self._process.wait()
        self.hang_up()


class _Spawned:
    """A command on a new pseudo-terminal."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path, size: tuple[int, int]
    ) -> None:
        self._process = pexpect.spawn(
            command[0],
            list(command[1:]),
            env=dict(env),
            cwd=str(cwd),
            dimensions=(size[1], size[0]),
            timeout=None,
            preexec_fn=_with_signals,
        )
        self.pid: int = self._process.pid
        self.fd: int = self._process.child_fd

    @property
    def has_ended(self) -> bool:
        """Whether it was waited for."""
        return bool(self._process.terminated)

    def wait(self) -> int:
        """Wait for it; return its exit status, or minus the signal it died of."""
        self._process.wait()
        died_of: int | None = self._process.signalstatus
        return int(self._process.exitstatus) if died_of is None else -died_of

    def hang_up(self) -> None:
        """Close the terminal."""
        # Not by pexpect's own close, which takes its time and signals the program besides.
        self._process.ptyproc.fileobj.close()
        self._process.ptyproc.closed = True


class _Forked:
    """A `tuilabel` on a new pseudo-terminal that is forked where its modules are imported."""

    def __init__(
        self, arguments: Sequence[str], env: Mapping[str, str], cwd: Path, size: tuple[int, int]
    ) -> None:
        own, theirs = os.openpty()
        termios.tcsetwinsize(own, (size[1], size[0]))
        self._process = Forked(
            arguments, env=env, cwd=cwd, streams=[theirs, theirs, theirs], terminal=True
        )
        os.close(theirs)
        self._file = os.fdopen(own, "rb", buffering=0)
        self.pid, self.fd = self._process.pid, own
        self.has_ended = False

    def wait(self) -> int:
        """Wait for it; return its exit status, or minus the signal it died of."""
        status = self._process.status
        self.has_ended = True
        return status

    def hang_up(self) -> None:
        """Close the terminal."""
        self._file.close()


def _with_signals() -> None:
    # Started in the background or by nohup, the tests and their children ignore some of these.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def _settings_of_new_terminal() -> list[object]:
    """Return the settings that every new terminal has: a program may change its own at once."""
    both = os.openpty()
    try:
        return termios.tcgetattr(both[0])
    finally:
        for descriptor in both:
            os.close(descriptor)


def is_gone(pid: int, seconds: float) -> bool:
    """Return whether a process ends within some seconds."""
    try:
        gone = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([gone], [], [], max(0.0, seconds))[0])
    finally:
        os.close(gone)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold anything.
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it ended meanwhile
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found
