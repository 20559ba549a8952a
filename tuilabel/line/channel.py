"""Lines in and out over two descriptors, without a thread and without blocking for long.

Promises about answers typed on a terminal, a serial line or a pseudo-terminal:

* An answer counts for the image above the prompt at which Enter was pressed. Before each prompt,
  all output has left this machine (a serial line at 9600 baud takes a second for an image). Then
  everything typed until that moment is dropped, whole lines and parts of lines, with a message.
* An answer that comes less than `GUARD` seconds after the prompt was on its way at the same time as
  the image, and is dropped too. This covers connections with round trips up to that long (SSH,
  modems), on which "has left this machine" does not mean "has been seen". A terminal that draws
  can be asked whether it has painted; one that only prints cannot. Where the terminal may be far,
  the time is that of the setting `key_delay` if this is longer. On a slower connection, an answer
  typed while the image arrives would count. But each answer is repeated with its class, and can
  be undone.
* A line that is cut short, because the terminal hangs up or the input ends, never counts.

From a pipe or a file, nothing is dropped: the n-th line is for the n-th prompt.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios

GUARD = 0.25
"""Seconds that a person needs at least to see an image, decide, and type a key and Enter."""

LONGEST_LINE = 4096
"""Most bytes of a line; the limit of a terminal."""

_CHUNK = 256
"""Bytes that a writable terminal or pipe takes at once, so that a write never blocks."""

_DRAIN_TICK = 0.02


class LineChannel:
    """Reads lines from one descriptor and writes text to another, on the running event loop.

    Parameters
    ----------
    source, sink : int
        File descriptors, which stay open and keep their settings.
    encoding : str
        The encoding of the output; characters that it lacks become question marks.
    """

    def __init__(self, source: int, sink: int, encoding: str = "utf-8") -> None:
        self._source = source
        self._sink = sink
        self.encoding = encoding
        self._pending = b""
        self.typed = os.isatty(source)
        self.cut = False

    async def write(self, text: str) -> None:
        """Write text.

        Raises
        ------
        OSError
            Nothing reads the output any more.
        """
        data = text.encode(self.encoding, "replace")
        while data:
            await _ready(self._sink, to_write=True)
            data = data[os.write(self._sink, data[:_CHUNK]) :]

    async def drain(self) -> None:
        """Wait until the output has left, on a line that takes time for it."""
        if not os.isatty(self._sink):
            return
        # Not tcdrain, which cannot be interrupted on a terminal stopped with Ctrl-S.
        while struct.unpack("i", fcntl.ioctl(self._sink, termios.TIOCOUTQ, bytes(4)))[0]:
            await asyncio.sleep(_DRAIN_TICK)

    def drop_typed(self) -> bool:
        """Drop what was typed on the terminal until now; return whether there was anything.

        Raises
        ------
        OSError
            The terminal is gone.
        """
        dropped, self._pending = bool(self._pending), b""
        try:
            settings = termios.tcgetattr(self._source)
            at_once = [*settings[:6], [*settings[6]]]
            # An unfinished line cannot be read while it can be edited.
            at_once[3] &= ~termios.ICANON
            at_once[6][termios.VMIN] = at_once[6][termios.VTIME] = 0
            termios.tcsetattr(self._source, termios.TCSANOW, at_once)
            try:
                # This reads all that a terminal can buffer; what comes faster is flushed.
                for _ in range(16):
                    if not os.read(self._source, LONGEST_LINE):
                        break
                    dropped = True
            finally:
                termios.tcsetattr(self._source, termios.TCSANOW, settings)
            termios.tcflush(self._source, termios.TCIFLUSH)
        except termios.error as error:
            raise OSError(*error.args) from error
        return dropped

    async def read_line(self) -> str | None:
        """Return the next line; None at the end of the input, with `cut` set after part of a line.

        Raises
        ------
        OSError
            The terminal is gone.
        """
        while b"\n" not in self._pending:
            await _ready(self._source)
            data = os.read(self._source, 2**16)
            if not data:
                self.cut, self._pending = bool(self._pending.strip()), b""
                return None
            self._pending += data
            if len(self._pending) > LONGEST_LINE and b"\n" not in self._pending:
                # Already too long for an answer.
                self._pending = self._pending[:LONGEST_LINE]
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("utf-8", "replace")


async def _ready(descriptor: int, *, to_write: bool = False) -> None:
    """Wait until a descriptor can be read or written; a plain file always can."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def note() -> None:
        if not ready.done():
            ready.set_result(None)

    watch, leave = (
        (loop.add_writer, loop.remove_writer) if to_write else (loop.add_reader, loop.remove_reader)
    )
    try:
        watch(descriptor, note)
    except PermissionError:
        return
    try:
        await ready
    finally:
        leave(descriptor)
