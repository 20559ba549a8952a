"""One line of a log: an event as JSON, with a checksum."""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Annotated, Any, NamedTuple, Union

import msgspec
from msgspec import Meta
from msgspec.structs import astuple

from tuilabel.events.payloads import KINDS, BulkLine, Payload
from tuilabel.text import inert

LONGEST_LINE = 2**20
"""Bytes of a line at most, with its newline."""

HIGHEST_COUNTER = 2**52

AS_FOUND = frozenset({"names", "source", "group"})
"""Parts of a payload that hold names of files, which must stay as they are to be found."""

_LONGEST_NAME = 200
"""Characters of the name of an annotator, and of an id, that are kept."""

_NAMES = {type_: name for name, type_ in KINDS.items()}
CHECKSUM = b',"crc":"%08x"}'
CHECKSUM_LENGTH = len(CHECKSUM % 0)


class Unknown(Payload, frozen=True):
    """The content of an event that only a newer tuilabel knows: its kind, or its version."""

    kind: str


class Event(NamedTuple):
    """One thing that an annotator or a model did.

    All text in it is harmless for a terminal, except the names of files.

    Attributes
    ----------
    id : str
        Of two events with one id, the first in order counts.
    n : int
        Its number in its log, from 1.
    t : int
        Lamport counter: events are ordered by (t, id).
    at : str
        UTC time in ISO 8601; shown, and never used for order.
    by : str
        Name of the annotator.
    payload : Payload
    log : str
        Name of its log.
    place : int
        Where the journal reads it from again, see `Journal.event`; -1 if it cannot.
    """

    id: str
    n: int
    t: int
    at: str
    by: str
    payload: Payload
    log: str = ""
    place: int = -1

    @property
    def kind(self) -> str:
        """The name of its kind."""
        return (
            self.payload.kind if isinstance(self.payload, Unknown) else _NAMES[type(self.payload)]
        )


def order_of(event: Event) -> tuple[int, str]:
    """Return what events are ordered by, whatever order they arrive in."""
    return event.t, event.id


class InvalidLineError(ValueError):
    """A line that is no valid event; the text says why."""


class _Line(msgspec.Struct, gc=False):
    id: Annotated[str, Meta(min_length=1)]
    n: Annotated[int, Meta(ge=1, le=HIGHEST_COUNTER)]
    t: Annotated[int, Meta(ge=1, le=HIGHEST_COUNTER)]
    at: str
    by: Annotated[str, Meta(min_length=1)]


class _Newer(_Line):
    """A line of which only a newer tuilabel knows the content."""

    payload: Payload
    kind: str


_LINES: Any = Union[  # noqa: UP007 - of a computed list
    tuple(
        msgspec.defstruct(
            "Line", [("payload", type_)], bases=(_Line,), tag_field="kind", tag=name, gc=False
        )
        for name, type_ in KINDS.items()
    )
]
_encoder = msgspec.json.Encoder()
_decode = msgspec.json.Decoder(_LINES).decode
_decode_newer = msgspec.json.Decoder(_Newer).decode
_bulk_decoder = msgspec.json.Decoder(BulkLine)


def sealed(content: bytes) -> bytes:
    """Return a JSON object as a line, with its checksum as the last field."""
    begun = content[:-1]
    return begun + CHECKSUM % zlib.crc32(begun) + b"\n"


def unsealed(line: bytes) -> None:
    """Raise an error for a line, without its newline, whose checksum does not fit.

    Raises
    ------
    InvalidLineError
    """
    begun, end = line[:-CHECKSUM_LENGTH], line[-CHECKSUM_LENGTH:]
    if end != CHECKSUM % zlib.crc32(begun):
        raise InvalidLineError("its checksum is wrong, or it is cut short")


def encode(event: Event) -> bytes:
    """Return an event as a line.

    Raises
    ------
    ValueError
        The line would be too long, or has text that is no UTF-8.
    """
    fields = {"id": event.id, "n": event.n, "t": event.t, "at": event.at, "kind": event.kind}
    line = sealed(_encoder.encode({**fields, "by": event.by, "payload": event.payload}))
    if len(line) > LONGEST_LINE:
        raise ValueError(f"an event of {len(line):,} bytes is too large for a log")
    return line


def decode(line: bytes, log: str, place: int = -1) -> Event:
    """Return the event in a line, without its newline.

    Parameters
    ----------
    line : bytes
    log : str
        Name of its log.
    place : int
        Where it is, see `Event`.

    Raises
    ------
    InvalidLineError
        The line is no valid event; the text says why.
    """
    unsealed(line)
    if is_harmless(line):
        return decode_harmless(line, log, place)
    try:
        content = _encoder.encode(_harmless(msgspec.json.decode(line)))
    except _UNREADABLE as error:
        raise _invalid(error) from error
    return decode_harmless(content, log, place)


def decode_harmless(line: bytes, log: str, place: int) -> Event:
    """Return the event in a line whose checksum is right and whose text is harmless, see `decode`.

    A large session spends its time here.
    """
    try:
        found = _decode(line)
        id_, n, t, at, by, payload = astuple(found)
        datetime.fromisoformat(at)
    except _UNREADABLE as error:
        return _newer(line, error)._replace(log=log, place=place)
    if payload.v > 1 and payload.v > payload.version:
        payload = Unknown(kind=_NAMES[type(payload)])
    if len(id_) > _LONGEST_NAME or len(by) > _LONGEST_NAME:
        id_, by = inert(id_, _LONGEST_NAME), inert(by, _LONGEST_NAME)
    # By hand: the keywords and defaults of a NamedTuple would cost a third of the time.
    return _new(Event, (id_, n, t, at, by, payload, log, place))


_new = tuple.__new__
_UNREADABLE = (ValueError, RecursionError)
"""Errors of a text that is not what was expected; msgspec's own errors are ValueErrors."""


def _newer(line: bytes, error: Exception) -> Event:
    """Return an event whose content is of a newer tuilabel; raise an error for any other."""
    try:
        found = _decode_newer(line)
        datetime.fromisoformat(found.at)
    except _UNREADABLE:
        found = None
    known = KINDS.get(found.kind) if found else None
    if found is None or (known and found.payload.v <= known.version):
        raise _invalid(error) from error
    return Event(found.id, found.n, found.t, found.at, found.by, Unknown(kind=found.kind))


def _invalid(error: Exception) -> InvalidLineError:
    return InvalidLineError(f"it is no valid event: {inert(str(error), 200)}")


def decode_bulk_line(line: bytes) -> BulkLine:
    """Return a line of a bulk file, with harmless text as in an `Event`.

    Raises
    ------
    ValueError, RecursionError
        The line is invalid.
    """
    if is_harmless(line):
        return _bulk_decoder.decode(line)
    return msgspec.convert(_harmless(msgspec.json.decode(line)), BulkLine)


def is_harmless(line: bytes) -> bool:
    """Return whether no character can harm a terminal, as in most lines."""
    return line.isascii() and b"\\" not in line and b"\x7f" not in line


def _harmless(value: Any) -> Any:
    """Return a value with all its text harmless for a terminal, except the names of files."""
    if isinstance(value, str):
        return inert(value, LONGEST_LINE)
    if isinstance(value, dict):
        return {
            inert(name, LONGEST_LINE): part if name in AS_FOUND else _harmless(part)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_harmless(part) for part in value]
    return value
