"""textual's driver, made to end well: it gives the terminal back, and takes it again.

It sleeps while nobody types, sees when the terminal is gone, never waits for one that takes
nothing, and stops only where a shell can bring it back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import termios
import threading
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol, cast

from textual import events
from textual._time import get_time
from textual.app import App, ScreenStackError
from textual.constants import ESCAPE_DELAY
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message

from tuilabel.tui.terminal.input_reader import InputReader
from tuilabel.tui.terminal.job_control import has_job_control, is_in_foreground, stop_group
from tuilabel.tui.terminal.probe import TerminalAnswers
from tuilabel.tui.terminal.round_trips import PATIENCE
from tuilabel.tui.terminal.tty import TTY
from tuilabel.tui.terminal.writer import FINISH_SECONDS, TtyWriter

ANSWER_SECONDS = 1.0
"""How long owed answers are waited for: later ones are typed into the shell."""

STOP_SECONDS = 0.3
"""After how much of its own time a process that asked to be stopped was not stopped."""

MOST_WAITING = 1000
"""Messages that may wait for the application. Keys beyond are dropped, up to the next pause."""

AT_ONCE = 10
"""Messages that are handed over together: as many keys as label a batch in rows in one frame."""

HANDLED_SECONDS = 0.25
"""Seconds after which what was handed over counts as handled."""

_QUESTION = "\x1b[6n"  # DSR 6, "report the cursor position" (ECMA-48)
_INPUT = (events.InputEvent, events.Paste)
_UNFENCED = "$p"  # DECRQM: terminals that do not know it do not answer

# What textual sets and what undoes it: alternate screen, cursor, focus reports, kitty's keyboard
# protocol (the flags textual asks for), bracketed paste and line wrap.
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?1004h\x1b[<u\x1b[>25u\x1b[?2004h\x1b[?7l"
# GNU screen and mosh have no alternate screen: what was drawn would stay, with the prompt on it.
_LEAVE = "\x1b[?2004l\x1b[?7h\x1b[<u\x1b[m\x1b[H\x1b[2J\x1b[?1049l\x1b[?25h\x1b[?1004l"


class Host(Protocol):
    """What the driver needs of its application, and tells it, on the event loop."""

    answers: TerminalAnswers
    """What the terminal reported before there was a driver."""

    def terminal_lost(self) -> None:
        """The terminal is gone."""

    def paste_stalled(self) -> None:
        """A paste has begun and not ended: no key counts."""

    def stop_asked(self) -> None:
        """Somebody else asked for what Ctrl-Z asks for."""

    def terminal_back(self) -> None:
        """The terminal is this program's again, and may show anything."""


class TtyDriver(LinuxDriver):
    """Draws on the terminal of this process, and reads its keys."""

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
        self.fileno, self.input_tty = TTY.keys, True
        signal.signal(signal.SIGTSTP, lambda *_: self._on_loop(self._stop_asked))
        signal.signal(signal.SIGCONT, lambda *_: self._on_loop(self._continued))
        if not self._may_stop:
            signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        self._writer: TtyWriter | None = None
        self._raw: list[Any] | None = None
        self._is_stopped = False
        self._is_gone = False
        self._wake = os.pipe()
        answers = self._host.answers
        self._typed_ahead = answers.typed
        self._asked = int(answers.is_owed)
        self._reported = 0
        self._has_answered = answers.round_trip is not None
        self._is_unfenced = False
        self._started = get_time()
        self._answered = threading.Event()
        self._reader = InputReader(mouse=mouse)
        self._inbox: deque[Message] = deque()
        self._is_flooded = False
        self._handed = 0
        self._overdue: asyncio.TimerHandle | None = None
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
            self._asked += data.count(_QUESTION)
            self._is_unfenced = data.rfind(_UNFENCED) > data.rfind(_QUESTION) or (
                self._is_unfenced and _QUESTION not in data
            )
            self._writer.write(data)

    def start_application_mode(self) -> None:
        """Take the terminal, once it is there to be taken."""
        while self._is_in_background() and has_job_control():
            continue
        file = self._file
        assert file is not None, "the command line refuses to start without standard error"
        self._writer = TtyWriter(TTY.drawing, file.encoding, self._lose)
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
        self._reported = self._asked
        self.disable_input()
        writer, self._writer = self._writer, None
        writer.finish(_LEAVE, seconds=seconds)
        self.is_unusable = self._is_gone or writer.is_stuck
        if self.attrs_before is not None:
            # What was typed while it left is not for the shell.
            _forget_typed(self.fileno)
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
        _forget_typed(self.fileno)

    def _get_terminal_size(self) -> tuple[int, int]:
        return TTY.size()

    def _query_in_band_window_resize(self) -> None:
        """Leave sizes to the kernel: anybody can type a report of a size."""

    def close(self) -> None:
        """Free what `stop_application_mode` leaves; the driver may still be started again."""

    # Reading.

    def run_input_thread(self) -> None:
        """Turn what is typed into messages, until told to end or the terminal is gone."""
        reader = self._reader
        decode = getincrementaldecoder("utf-8")("replace").decode
        typed, self._typed_ahead = self._typed_ahead, ""
        self._take(reader.feed(typed))
        patience: float | None = None
        while True:
            ready = select.select([self.fileno, self._wake[0]], [], [], patience)[0]
            if self.exit_event.is_set():
                return
            if self.fileno in ready:
                data = _read(self.fileno)
                if data == b"":
                    self._lose()
                    return
                self._take(reader.feed(decode(data or b"")))
                patience = ESCAPE_DELAY if reader.is_pending else None
                if reader.is_pasting:
                    patience = PATIENCE
            elif reader.is_pasting:
                self._on_loop(self._host.paste_stalled)
                patience = None
            elif patience == ESCAPE_DELAY:
                self._take(reader.silence())
                # What was cut belongs together with all that the terminal sends before it answers.
                self._on_loop(partial(self.write, _QUESTION))
                patience = None if self._has_answered else PATIENCE
            else:
                reader.forget()
                patience = None

    def _take(self, messages: Iterable[Message]) -> None:
        taken = list(messages)
        for message in taken:
            if isinstance(message, events.CursorPosition):
                # A key may look like a report.
                self._reported = min(self._reported + 1, self._asked)
                self._has_answered = True
                self._answered.set()
        if taken:
            self._on_loop(partial(self._arrived, taken))

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except Exception as error:
            self._on_loop(partial(self._app._handle_exception, error))
            raise

    # Handing over: a few messages at a time, on the event loop. What waits here, and not in the
    # queue of a screen, delays neither Ctrl-C nor the end.

    def _arrived(self, messages: Iterable[Message]) -> None:
        for message in messages:
            is_input = isinstance(message, _INPUT)
            if self._is_stopped and is_input:
                continue  # typed behind the key that leads to the shell
            if isinstance(message, events.Key) and message.key == "ctrl+c":
                self._drop_input()  # as terminals do with what was typed before it
            elif self._is_flooded:
                continue
            self._inbox.append(message)
            # Dropped up to the next pause: parts of what was typed may mean something else.
            self._is_flooded = len(self._inbox) >= MOST_WAITING
        if self._overdue is None:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._app._exit:
            self._drop_input()
        if not self._inbox:
            self._is_flooded = False
            return
        for _ in range(min(AT_ONCE, len(self._inbox))):
            self.process_message(self._inbox.popleft())
        self._handed += 1
        number = self._handed
        self._overdue = self._loop.call_later(HANDLED_SECONDS, self._was_handled, number)
        if not self._app.call_later(self._passed_on, number):
            self._was_handled(number)

    def _passed_on(self, number: int) -> None:
        """Wait for the screen or the widget that the application has passed a message on to."""
        try:
            receiver = self._app.focused or self._app.screen
        except ScreenStackError:
            self._was_handled(number)
            return
        if not receiver.call_later(self._was_handled, number):
            self._was_handled(number)

    def _was_handled(self, number: int) -> None:
        if number == self._handed and self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
            self._hand_over()

    def _drop_input(self) -> None:
        kept = [one for one in self._inbox if not isinstance(one, _INPUT)]
        self._inbox = deque(kept)

    def send_message(self, message: Message) -> None:
        """Post a message to the application."""
        self._app.post_message(message)

    @property
    def _owed(self) -> int:
        """How many reports of the cursor the terminal owes."""
        return self._asked - self._reported

    def _await_answers(self) -> None:
        """Keep reading until the terminal owes nothing: its answers would be typed into the shell.

        One that has had its time and never answered is not waited for.
        """
        if self._reader.is_pasting:
            self._reader.forget()
            self._is_unfenced = True
        if self._is_unfenced:
            self.write(_QUESTION)
        now = get_time()
        end = now + ANSWER_SECONDS
        may_answer = self._has_answered or now - self._started < PATIENCE
        while self._owed and may_answer and not self._is_gone and (now := get_time()) < end:
            self._answered.clear()
            if self._owed:
                self._answered.wait(end - now)

    def _lose(self) -> None:
        self._is_gone = True
        self._answered.set()
        self._on_loop(self._host.terminal_lost)

    # Stopping and going on.

    def suspend(self) -> bool:
        """Hand the terminal to the shell and stop, as Ctrl-Z does; return whether there is a shell.

        All processes of the group stop too, such as a program that started this one: only then
        does a shell take its terminal back.
        """
        if not self._may_stop or not has_job_control():
            return False
        if self._writer is None:
            return True
        self._is_stopped = True
        self._drop_input()
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


def _read(descriptor: int) -> bytes | None:
    """Read what there is: empty at the end of all input, None if there is nothing after all."""
    try:
        return os.read(descriptor, 4096)
    except BlockingIOError:
        return None
    except OSError:  # EIO: hung up
        return b""


def _forget_typed(descriptor: int) -> None:
    with contextlib.suppress(termios.error):  # it is gone, and what was typed with it
        termios.tcflush(descriptor, termios.TCIFLUSH)


def _set(descriptor: int, settings: list[Any]) -> None:
    with contextlib.suppress(termios.error):  # it is gone, and needs none any more
        termios.tcsetattr(descriptor, termios.TCSANOW, settings)
