"""textual's driver, made to end well: it gives the terminal back, and takes it again.

It sleeps while nobody types, sees when the terminal is gone, never waits for one that takes
nothing, and stops only where a shell can bring it back.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import threading
from codecs import getincrementaldecoder
from functools import partial
from typing import Any, Protocol, cast

from textual import events
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message

from tuilabel.tui.terminal.job_control import has_job_control, is_in_foreground, stop_group
from tuilabel.tui.terminal.writer import FINISH_SECONDS, TtyWriter

ANSWER_SECONDS = 1.0
"""How long owed answers are waited for: later ones are typed into the shell."""

STOP_SECONDS = 0.3
"""After how much of its own time a process that asked to be stopped was not stopped."""

_QUESTION = "\x1b[6n"  # DSR 6, "report the cursor position" (ECMA-48)

# What textual sets and what undoes it: alternate screen, cursor, focus reports, kitty's keyboard
# protocol (the flags textual asks for), bracketed paste and line wrap.
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?1004h\x1b[<u\x1b[>25u\x1b[?2004h\x1b[?7l"
_LEAVE = "\x1b[?2004l\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"


class Host(Protocol):
    """What the driver tells its application, on the event loop."""

    def terminal_lost(self) -> None:
        """The terminal is gone."""

    def stop_asked(self) -> None:
        """Somebody else asked for what Ctrl-Z asks for."""

    def terminal_back(self) -> None:
        """The terminal is this program's again, and may show anything."""


class TtyDriver(LinuxDriver):
    """Draws on the terminal that standard error is, and reads the one that standard input is."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        self._may_stop = signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        signal.signal(signal.SIGTSTP, lambda *_: self._on_loop(self._stop_asked))
        signal.signal(signal.SIGCONT, lambda *_: self._on_loop(self._continued))
        if not self._may_stop:
            signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        self._writer: TtyWriter | None = None
        self._raw: list[Any] | None = None
        self._is_stopped = False
        self._is_gone = False
        self._wake = os.pipe()
        self._owed = 0
        self._has_answered = False
        self._answered = threading.Event()
        self.written = 0
        """Characters written so far; all but a few are bytes."""
        self.is_unusable = False
        """Whether the terminal is gone or takes nothing: what is written to it would be lost."""

    @property
    def _host(self) -> Host:
        return cast(Host, self._app)

    @property
    def backlog(self) -> int:
        """Bytes that the terminal has not taken yet."""
        return 0 if self._writer is None else self._writer.backlog

    def write(self, data: str) -> None:
        """Write after what was written before; nothing, while the terminal is not this program's.

        Parameters
        ----------
        data : str
        """
        if self._writer is not None:
            self.written += len(data)
            self._owed += data.count(_QUESTION)
            self._writer.write(data)

    def start_application_mode(self) -> None:
        """Take the terminal, once it is there to be taken."""
        while self._is_in_background() and has_job_control():
            continue
        file = self._file
        assert file is not None, "the command line refuses to start without standard error"
        self._writer = TtyWriter(file.fileno(), file.encoding, self._lose)
        self._writer.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # textual's own has nothing to do: `write` does not use it.
        if self._writer_thread is not None:
            self._writer_thread.stop()
            self._writer_thread = None
        with contextlib.suppress(termios.error):  # it is gone already
            self._raw = termios.tcgetattr(self.fileno)

    def stop_application_mode(self) -> None:
        """Restore the terminal."""
        if self._writer is None:
            return
        self._await_answers()
        seconds = 0.0 if self._has_answered and self._owed and self.backlog else FINISH_SECONDS
        self._owed = 0
        self.disable_input()
        self._disable_in_band_window_resize()
        writer, self._writer = self._writer, None
        writer.finish(_LEAVE, seconds=seconds)
        self.is_unusable = self._is_gone or writer.is_stuck
        if self.attrs_before is not None:
            _set(self.fileno, self.attrs_before)

    def disable_input(self) -> None:
        """Read no more, and forget what was typed and not read."""
        thread, self._key_thread = self._key_thread, None
        if thread is None:
            return
        signal.signal(signal.SIGWINCH, signal.SIG_DFL)
        self._disable_mouse_support()
        self.exit_event.set()
        os.write(self._wake[1], b"x")
        thread.join()
        os.read(self._wake[0], 1)
        self.exit_event.clear()
        try:
            termios.tcflush(self.fileno, termios.TCIFLUSH)
        except termios.error:  # it is gone, and what was typed with it
            return

    def close(self) -> None:
        """Free what `stop_application_mode` leaves; the driver may still be started again."""

    # Reading.

    def run_input_thread(self) -> None:
        """Turn what is typed into messages, until told to end or the terminal is gone."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        while True:
            ready = select.select([self.fileno, self._wake[0]], [], [], _patience(parser))[0]
            if self.exit_event.is_set():
                return
            if self.fileno in ready:
                data = _read(self.fileno)
                if data == b"":
                    self._lose()
                    return
                text = decode(data or b"")
                # An empty text would be the parser's end.
                for message in parser.feed(text) if text else ():
                    self.process_message(message)
            for message in parser.tick():
                self.process_message(message)

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except Exception as error:
            self._on_loop(partial(self._app._handle_exception, error))
            raise

    def process_message(self, message: Message) -> None:
        """Hand a message on, from the reading thread.

        Parameters
        ----------
        message : Message
        """
        if isinstance(message, events.CursorPosition):
            self._owed = max(0, self._owed - 1)
            self._has_answered = True
            self._answered.set()
        elif self._is_stopped and isinstance(message, events.Key | events.Paste):
            return  # typed behind the key that leads to the shell
        super().process_message(message)

    def _await_answers(self) -> None:
        """Keep reading until the terminal owes nothing: its answers would be typed into the shell.

        One that never answered is not waited for.
        """
        end = get_time() + ANSWER_SECONDS
        while self._owed and self._has_answered and not self._is_gone and get_time() < end:
            self._answered.clear()
            if self._owed:
                self._answered.wait(max(0.0, end - get_time()))

    def _lose(self) -> None:
        self._is_gone = True
        self._answered.set()
        self._on_loop(self._host.terminal_lost)

    # Stopping and going on.

    def suspend(self) -> bool:
        """Hand the terminal to the shell and stop, as Ctrl-Z does; return whether there is a shell.

        Whoever shares the process group, such as a program that started this one, stops too:
        only then does a shell take its terminal back.
        """
        if not self._may_stop or not has_job_control():
            return False
        if self._writer is None:
            return True
        self._is_stopped = True
        self.stop_application_mode()
        stop_group(signal.SIGTSTP)
        # Where the kernel knows of no shell after all, nothing was stopped and no SIGCONT comes.
        self._loop.call_later(STOP_SECONDS, self._take_back)
        return True

    def _stop_asked(self) -> None:
        if self._writer is not None:
            self._host.stop_asked()

    def _continued(self) -> None:
        if self._is_stopped:
            self._take_back()
        elif self._writer is not None and not self._is_in_background():
            # After a SIGSTOP, which cannot be heard, the shell had the terminal without being
            # given it; after a SIGCONT alone this changes nothing.
            if self._raw is not None:
                _set(self.fileno, self._raw)
            self.write(_ENTER)
            self._enable_mouse_support()
            if self._in_band_window_resize:
                self._enable_in_band_window_resize()
            self._announce()

    def _take_back(self) -> None:
        if self._is_stopped and not self._is_in_background():
            self._is_stopped = False
            self.start_application_mode()
            self._announce()

    def _is_in_background(self) -> bool:
        """Return whether the terminal is another's; then this process was stopped until now."""
        if is_in_foreground(self.fileno):
            return False
        # What happens to any program that reaches for the terminal after a shell's `bg`.
        stop_group(signal.SIGTTOU)
        return True

    def _announce(self) -> None:
        size = Size(*self._get_terminal_size())
        self._app.post_message(events.Resize(size, size))
        self._host.terminal_back()

    def _on_loop(self, callback: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback)


def _patience(parser: XTermParser) -> float | None:
    """Return how long to sleep at most: only silence tells a lone Escape from a sequence."""
    if parser._timeout_time is None:
        return None
    return max(0.0, parser._timeout_time - get_time())


def _read(descriptor: int) -> bytes | None:
    """Read what there is: empty at the end of all input, None if there is nothing after all."""
    try:
        return os.read(descriptor, 4096)
    except BlockingIOError:
        return None
    except OSError:  # EIO: hung up
        return b""


def _set(descriptor: int, settings: list[Any]) -> None:
    with contextlib.suppress(termios.error):  # it is gone, and needs none any more
        termios.tcsetattr(descriptor, termios.TCSANOW, settings)
