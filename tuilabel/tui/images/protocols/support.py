"""Which graphics protocols the terminal has: it is asked before the screen is drawn.

Nothing here imports textual, rich or numpy.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import termios
import time
import tty
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tuilabel.errors import UsageError
from tuilabel.tui.terminal.capabilities import is_multiplexed
from tuilabel.tui.terminal.tty import TTY


class ProtocolName(StrEnum):
    """A protocol that sends images to the terminal."""

    SIXEL = "sixel"
    KITTY = "kitty"


QUESTIONS = "\x1b_Ga=q,i=31,s=1,v=1,t=d,f=24,o=z;eJxjYGAAAAADAAE=\x1b\\\x1b[16t\x1b[c"
"""Kitty's query with one black pixel, compressed as images are; the size of a cell; and DA1, which
every terminal answers, so that its answer ends the wait for the others."""

PATIENCE = 2.0
"""Seconds to wait for an answer."""


@dataclass(frozen=True, slots=True)
class ProtocolAnswers:
    """The answers of a terminal.

    Attributes
    ----------
    answered : bool
        Whether it answered at all.
    sixel, kitty : bool
        Whether it has the protocol.
    cell : tuple of int or None
        Width and height of a cell in pixels.
    """

    answered: bool = False
    sixel: bool = False
    kitty: bool = False
    cell: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Graphics:
    """A protocol that the terminal has.

    Attributes
    ----------
    protocol : ProtocolName
    cell : tuple of int
        Width and height of a cell in pixels, as the terminal reports them.
    """

    protocol: ProtocolName
    cell: tuple[int, int]


_ATTRIBUTES = re.compile(rb"\x1b\[\?([0-9;]*)c")
_KITTY = re.compile(rb"\x1b_Gi=31;([^\x1b]*)\x1b\\")
_CELL = re.compile(rb"\x1b\[6;(\d+);(\d+)t")


def parsed(received: bytes) -> ProtocolAnswers:
    """Find the answers in the bytes from the terminal, which may have keys in between."""
    attributes, kitty = _ATTRIBUTES.search(received), _KITTY.search(received)
    size = _CELL.search(received)
    cell = (int(size[2]), int(size[1])) if size else None
    return ProtocolAnswers(
        attributes is not None or kitty is not None,
        attributes is not None and b"4" in attributes[1].split(b";"),
        kitty is not None and kitty[1] == b"OK",
        cell if cell and all(cell) else None,
    )


def ask(reading: int, writing: int, patience: float = PATIENCE) -> ProtocolAnswers:
    """Ask the terminal.

    Parameters
    ----------
    reading, writing : int
        Descriptors of the terminal.
    patience : float
        Seconds to wait for its answers.
    """
    before = termios.tcgetattr(reading)
    received = b""
    try:
        tty.setcbreak(reading, termios.TCSADRAIN)
        os.write(writing, QUESTIONS.encode())
        end = time.monotonic() + patience
        while not _ATTRIBUTES.search(received):
            left = end - time.monotonic()
            if left <= 0 or not select.select([reading], [], [], left)[0]:
                break
            chunk = os.read(reading, 4096)
            if not chunk:
                break
            received += chunk
    finally:
        termios.tcsetattr(reading, termios.TCSADRAIN, before)
    answers = parsed(received)
    return ProtocolAnswers(
        answers.answered, answers.sixel, answers.kitty, cell_of(writing) or answers.cell
    )


def cell_of(terminal: int) -> tuple[int, int] | None:
    """Return the width and height of a cell in pixels, if the system knows them."""
    try:
        packed = fcntl.ioctl(terminal, termios.TIOCGWINSZ, b"\0" * 8)
    except OSError:
        return None
    rows, columns, width, height = struct.unpack("HHHH", packed)
    if not (rows and columns and width >= columns and height >= rows):
        return None
    return width // columns, height // rows


def can_be_asked(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal can be asked: it ignores questions that it does not know.

    Some terminals would print them, and a multiplexer would answer for itself.
    """
    term = environ.get("TERM", "")
    return not (is_multiplexed(environ) or _PRINTING.fullmatch(term))


_PRINTING = re.compile("|dumb|unknown|linux|cygwin|ansi|vt[0-9].*")


def protocols_here() -> list[str]:
    """Ask the terminal on standard input for its protocols; return none if it cannot be asked."""
    if not can_be_asked(os.environ):
        return []
    answers = ask(0, 1)
    return [name for name, has in (("sixel", answers.sixel), ("kitty", answers.kitty)) if has]


def graphics_for(wish: str, environ: Mapping[str, str]) -> Graphics | None:
    """Return the protocol that was asked for, or None if none was.

    Parameters
    ----------
    wish : str
        A `ProtocolName` or `off`.
    environ : mapping
        The process's environment.

    Raises
    ------
    UsageError
        The protocol does not work here.
    """
    if wish == "off":
        return None
    protocol = ProtocolName(wish)
    if is_multiplexed(environ):
        raise UsageError(
            f"--graphics {protocol} does not work inside tmux or screen, where old images would "
            "stay on the screen. Leave it out, or run tuilabel outside of them."
        )
    if can_be_asked(environ):
        return _checked(protocol, ask(TTY.keys, TTY.drawing))
    return _checked(protocol, ProtocolAnswers(answered=True))


def _checked(protocol: ProtocolName, answers: ProtocolAnswers) -> Graphics:
    instead = "Leave it out: images are then drawn with characters."
    if not answers.answered:
        raise UsageError(
            f"--graphics {protocol}: this terminal did not report within {PATIENCE:.0f} seconds "
            f"what it can draw. {instead}"
        )
    has = answers.kitty if protocol is ProtocolName.KITTY else answers.sixel
    if not has:
        other = ProtocolName.SIXEL if protocol is ProtocolName.KITTY else ProtocolName.KITTY
        if answers.sixel or answers.kitty:
            instead = f"It has {other}: use --graphics {other}."
        raise UsageError(
            f"--graphics {protocol}: this terminal cannot draw {protocol} images. {instead}"
        )
    if answers.cell is None:
        raise UsageError(
            f"--graphics {protocol}: this terminal does not report how many pixels a cell has, so "
            f"that images could cover text. {instead}"
        )
    return Graphics(protocol, answers.cell)
