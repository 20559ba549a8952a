"""One line of a log: an event as JSON, with a checksum."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Generic
from zlib import crc32

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from tuilabel.journal.payloads import KINDS, Begin, Count, Payload, Text
from tuilabel.text import LONGEST_PATH, inert

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Content = TypeVar("Content", bound=Payload, default=Payload, covariant=True)
else:
    from typing import TypeVar

    Content = TypeVar("Content")

MAX_LINE = 2**20
"""Bytes of a line without its newline."""
MAX_COUNTER = 2**52

Counter = Annotated[int, Meta(ge=1, le=MAX_COUNTER)]
Uuid = Annotated[str, Meta(min_length=32, max_length=32)]

KIND_OF = {payload: kind for kind, payload in KINDS.items()}

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What msgspec raises for a text that is not what was expected."""

CHECKSUM = len(b',"crc":"01234567"}')
_YEARS = range(1900, 3000)
_encode = msgspec.json.Encoder().encode


class Event(Struct, Generic[Content], frozen=True, gc=False):
    """One thing that an annotator or a model did.

    All text is harmless for a terminal, except names of files, which `tuilabel.text.shown_path`
    shows.

    Attributes
    ----------
    id : str
        32 hexadecimal digits.
    n : int
        Its number in its log, from 1.
    t : int
        Lamport counter, from 1 to 2^52. Events are ordered by (t, id).
    at : datetime
        With a time zone; shown only.
    by : str
        The annotator.
    payload : Payload
    log : str
        The name of its log, as in `Journal.runs`.
    """

    id: Uuid
    n: Counter
    t: Counter
    at: Annotated[datetime, Meta(tz=True)]
    by: Text
    payload: Content
    log: str = ""

    @property
    def kind(self) -> str:
        """The name of its kind in a log."""
        return KIND_OF[type(self.payload)]


class Head(Struct, gc=False):
    """The part of a line that orders it."""

    id: Uuid
    n: Counter
    t: Counter
    kind: str


class _Versioned(Struct):
    v: Count = 1


class _Body(Struct):
    payload: _Versioned


class InvalidEvent(ValueError):  # noqa: N818
    """A line with a valid checksum that is no event; the message is the reason."""


class NewerEvent(InvalidEvent):
    """An event of a newer version of its kind; it is passed over."""


read_head = msgspec.json.Decoder(Head).decode
_read_body = msgspec.json.Decoder(_Body).decode


@cache
def _decoder(kind: str) -> Callable[[bytes], Event]:
    content: Any = KINDS[kind]
    return msgspec.json.Decoder(Event[content]).decode


def add_checksum(text: bytes) -> bytes:
    """Return a JSON object with its checksum as the last field, and a newline."""
    return b'%s,"crc":"%08x"}\n' % (text[:-1], crc32(text[:-1]))


def is_whole(line: bytes) -> bool:
    """Return whether a line, without its newline, has the right checksum."""
    return line.endswith(b',"crc":"%08x"}' % crc32(line[:-CHECKSUM]))


def encode_event(event: Event) -> bytes:
    """Return the line of an event, with its newline.

    Raises
    ------
    InvalidEvent
        A reader would pass over this event, or the line is over 1 MiB.
    """
    payload = harmless(event.payload)
    fields = {"id": event.id, "n": event.n, "t": event.t, "at": event.at}
    fields |= {"kind": event.kind, "by": inert(event.by, LONGEST_PATH), "payload": payload}
    line = add_checksum(_encode(fields))
    if len(line) > MAX_LINE + 1:
        raise InvalidEvent(f"the event has {len(line):,} bytes, more than {MAX_LINE:,}")
    return line


def decode_event(line: bytes, kind: str, log: str = "", *, plain: bool = False) -> Event:
    """Return the event of a line with a valid checksum.

    Parameters
    ----------
    line : bytes
    kind : str
        One of `KINDS`, as `read_head` found it.
    log : str
        The name of its log.
    plain : bool
        Whether `is_plain` is known of the line.

    Raises
    ------
    InvalidEvent
    """
    try:
        event = _decoder(kind)(line)
    except UNREADABLE as error:
        _refuse_newer(line, kind)
        raise InvalidEvent(inert(str(error), 200)) from None
    payload = event.payload
    if payload.v > payload.version:
        raise NewerEvent(f"it is a newer version of {kind}")
    if event.at.year not in _YEARS:
        raise InvalidEvent(f"its time is in the year {event.at.year}")
    if not (plain or is_plain(line)):
        by = inert(event.by)
        return Event(event.id, event.n, event.t, event.at, by, harmless(payload), log)
    force_setattr(event, "log", log)
    return event


def _refuse_newer(line: bytes, kind: str) -> None:
    try:
        newer = _read_body(line).payload.v > KINDS[kind].version
    except UNREADABLE:
        return
    if newer:
        raise NewerEvent(f"it is a newer version of {kind}")


def is_plain(text: bytes) -> bool:
    """Return whether every string in JSON text is certainly harmless for a terminal."""
    return text.isascii() and b"\\" not in text and b"\x7f" not in text


def harmless(value: Any) -> Any:
    """Return a value with all text harmless for a terminal, except names of files."""
    if isinstance(value, str):
        return inert(value, LONGEST_PATH)
    if isinstance(value, Struct):
        kept = ("names", "source") if isinstance(value, Begin) else ("names",)
        return type(value)(
            **{
                name: part if name in kept else harmless(part)
                for name in value.__struct_fields__
                for part in [getattr(value, name)]
            }
        )
    if isinstance(value, dict):
        return {harmless(name): harmless(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(harmless, value))
    return value
