"""One line of a log: an event as JSON, with a checksum."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, Union
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
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What msgspec raises for a text that is not what was expected."""

Counter = Annotated[int, Meta(ge=1, le=MAX_COUNTER)]
Uuid = Annotated[str, Meta(min_length=32, max_length=32)]

KIND_OF = {payload: kind for kind, payload in KINDS.items()}
CHECKSUM = len(b',"crc":"01234567"}')
_YEARS = range(1900, 3000)


class Event(Struct, Generic[Content], frozen=True, gc=False):
    """One thing that an annotator or a model did.

    All text is harmless for a terminal, except names of files, which `tuilabel.text.shown_path`
    shows.

    Attributes
    ----------
    id : str
        32 characters.
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


class _Version(Struct):
    v: Count = 1


class Head(Struct):
    """The part of a line that counts even if its event does not."""

    n: Counter
    t: Counter
    kind: str
    payload: _Version


class InvalidEvent(ValueError):  # noqa: N818
    """A line with a right checksum that is no event; the message is the reason.

    Attributes
    ----------
    head
        Its `n`, `t` and `kind`, if they are valid; else None.
    """

    def __init__(self, reason: str, head: Head | Event | None = None) -> None:
        super().__init__(reason)
        self.head = head


class NewerEvent(InvalidEvent):
    """An event of a newer tuilabel, which is passed over."""


_encode = msgspec.json.Encoder().encode
_read_head = msgspec.json.Decoder(Head).decode
_FORMS: Any = Union[  # noqa: UP007 - of a computed list
    tuple(
        msgspec.defstruct(
            "Event",
            [("payload", payload)],
            bases=(Event,),
            tag_field="kind",
            tag=kind,
            frozen=True,
            gc=False,
        )
        for kind, payload in KINDS.items()
    )
]
_decode = msgspec.json.Decoder(_FORMS).decode


def add_checksum(text: bytes) -> bytes:
    """Return a JSON object with its checksum as the last field, and a newline."""
    return b'%s,"crc":"%08x"}\n' % (text[:-1], crc32(text[:-1]))


def is_whole(line: bytes) -> bool:
    """Return whether a line, without its newline, has the right checksum."""
    return line.endswith(b',"crc":"%08x"}' % crc32(line[:-CHECKSUM]))


def encode_event(event: Event) -> bytes:
    """Return the line of an event, with its newline; raise `InvalidEvent` if it is over 1 MiB."""
    fields = {"id": event.id, "n": event.n, "t": event.t, "at": event.at, "kind": event.kind}
    fields |= {"by": inert(event.by, LONGEST_PATH), "payload": harmless(event.payload)}
    line = add_checksum(_encode(fields))
    if len(line) > MAX_LINE + 1:
        raise InvalidEvent(f"the event has {len(line):,} bytes, more than {MAX_LINE:,}")
    return line


def decode_event(line: bytes, log: str = "", *, plain: bool = False) -> Event:
    """Return the event of a line with a right checksum, or raise `InvalidEvent`.

    Parameters
    ----------
    line : bytes
        Without its newline.
    log : str
        The name of its log.
    plain : bool
        Whether `is_plain` is known of the line.
    """
    try:
        event: Event = _decode(line)
    except UNREADABLE as error:
        raise _refusal(line, inert(str(error), 200)) from None
    payload = event.payload
    if payload.v > payload.version:
        raise NewerEvent("it is of a newer version", event)
    if event.at.year not in _YEARS:
        raise InvalidEvent(f"its time is in the year {event.at.year}", event)
    if not (plain or is_plain(line)):
        id, by = inert(event.id), inert(event.by)
        event = msgspec.structs.replace(event, id=id, by=by, payload=harmless(payload))
    force_setattr(event, "log", log)
    return event


def _refusal(line: bytes, reason: str) -> InvalidEvent:
    try:
        head = _read_head(line)
    except UNREADABLE:
        return InvalidEvent(reason)
    if head.kind not in KINDS or head.payload.v > KINDS[head.kind].version:
        return NewerEvent("it is of a newer version", head)
    return InvalidEvent(reason, head)


def is_plain(text: bytes) -> bool:
    """Return whether every string in JSON text is certainly harmless for a terminal."""
    return text.isascii() and b"\\" not in text and b"\x7f" not in text


def harmless(value: Any) -> Any:
    """Return a value with all text harmless for a terminal, except names of files."""
    if isinstance(value, str):
        return inert(value, LONGEST_PATH)
    if isinstance(value, Struct):
        kept = ("names", "source") if isinstance(value, Begin) else ("names",)
        parts = {name: getattr(value, name) for name in value.__struct_fields__}
        return type(value)(
            **{name: part if name in kept else harmless(part) for name, part in parts.items()}
        )
    if isinstance(value, dict):
        return {harmless(name): harmless(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(harmless, value))
    return value
