"""Lines in and out over two descriptors, without a thread and without ever blocking for long.

What is promised about answers typed on a terminal, a serial line or a pseudo-terminal alike:

* An answer counts for the image above the prompt that it was ended at, by Enter. Before each
  prompt all that was written has left this machine (a serial line at 9600 baud takes a second for
  an image), and then everything that was typed until that moment is dropped, and said: whole
  lines, and the beginning of one.
* What comes less than `GUARD` seconds after the prompt was on its way while the image was: it is
  dropped too if it would answer. This covers lines with round trips up to that long (SSH, modems),
  on which "has left this machine" is not "has been seen". A terminal that draws could be asked
  whether it has painted; one that only prints cannot. On a longer line an answer typed blindly,
  in the time that the image takes to arrive, would count; each answer is repeated with the class
  it gave, and can be undone.
* A line that is cut short, because the terminal hangs up or the input ends, never counts.

Of a pipe or a file, nothing is dropped: there the n-th line is meant for the n-th prompt.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios

GUARD = 0.25
"""Seconds in which nobody sees an image, decides, and types a key and Enter."""

LONGEST_LINE = 4096
"""Bytes of a line beyond which it is no answer; a terminal's own limit."""

_CHUNK = 256
"""Bytes that a terminal or pipe takes at once when it takes any: a write never blocks."""

_DRAIN_TICK = 0.02


class LineChannel:
    """Reads lines from one descriptor and writes text to another, on the running event loop.

    Parameters
    ----------
    source, sink : int
        Descriptors; they stay open, and their settings are left as they are.
    encoding : str
        Of the text that is written; what it has no characters for becomes a question mark.
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
            Nobody takes it any more.
        """
        data = text.encode(self.encoding, "replace")
        while data:
            await _ready(self._sink, to_write=True)
            data = data[os.write(self._sink, data[:_CHUNK]) :]

    async def drain(self) -> None:
        """Wait until what was written has left, where a line takes time for it."""
        if not os.isatty(self._sink):
            return
        # Not tcdrain, which nothing could end on a terminal that was stopped with Ctrl-S.
        while struct.unpack("i", fcntl.ioctl(self._sink, termios.TIOCOUTQ, bytes(4)))[0]:
            await asyncio.sleep(_DRAIN_TICK)

    def drop_typed(self) -> bool:
        """Drop what was typed on the terminal until now; tell whether there was anything.

        Raises
        ------
        OSError
            The terminal is gone.
        """
        dropped, self._pending = bool(self._pending), b""
        try:
            settings = termios.tcgetattr(self._source)
            at_once = [*settings[:6], [*settings[6]]]
            # A line that is not ended can be neither read nor counted while it can be edited.
            at_once[3] &= ~termios.ICANON
            at_once[6][termios.VMIN] = at_once[6][termios.VTIME] = 0
            termios.tcsetattr(self._source, termios.TCSANOW, at_once)
            try:
                # With what a terminal holds this ends; what comes faster than that is flushed.
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
        """Wait for a line; None at the end of the input, where `cut` tells of a line cut short.

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
                # Enough of it to be no answer.
                self._pending = self._pending[:LONGEST_LINE]
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("utf-8", "replace")


async def _ready(descriptor: int, *, to_write: bool = False) -> None:
    """Wait until a descriptor can be read from or written to; a plain file always can."""
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
