"""One line of a log: an event as JSON, with a checksum."""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from tuilabel.journal.payloads import KINDS, BulkLine, Payload
from tuilabel.text import inert

LONGEST_LINE = 2**20
"""Bytes of a line at most, with its newline."""

HIGHEST_COUNTER = 2**52

AS_FOUND = frozenset({"names", "source"})
"""Parts of a payload that hold names of files, which must stay as they are to be found."""

_USUAL = 80
"""Characters that no text of an id, a time and a name is cut below."""

_NAMES = {type_: name for name, type_ in KINDS.items()}
_CHECKSUM = b',"crc":"%08x"}'
_LENGTH = len(_CHECKSUM % 0)


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
    digest : int
        A checksum of its content: two events with one id should have one.
    """

    id: str
    n: int
    t: int
    at: str
    by: str
    payload: Payload
    log: str = ""
    digest: int = 0

    @property
    def kind(self) -> str:
        """The name of its kind."""
        return (
            self.payload.kind if isinstance(self.payload, Unknown) else _NAMES[type(self.payload)]
        )


class InvalidLineError(ValueError):
    """A line that is no valid event; the text says why."""


class _Line(msgspec.Struct):
    id: str
    n: int
    t: int
    at: str
    kind: str
    by: str
    payload: msgspec.Raw


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Line)
_bulk_decoder = msgspec.json.Decoder(BulkLine)
_payload_decoders = {name: msgspec.json.Decoder(type_) for name, type_ in KINDS.items()}


def sealed(content: bytes) -> bytes:
    """Return a JSON object as a line, with its checksum as the last field."""
    begun = content[:-1]
    return begun + _CHECKSUM % zlib.crc32(begun) + b"\n"


def unsealed(line: bytes) -> None:
    """Raise an error for a line, without its newline, whose checksum does not fit.

    Raises
    ------
    InvalidLineError
    """
    begun, end = line[:-_LENGTH], line[-_LENGTH:]
    if end != _CHECKSUM % zlib.crc32(begun):
        raise InvalidLineError("its checksum is wrong, or it is cut short")


def encode(event: Event) -> bytes:
    """Return an event as a line.

    Raises
    ------
    ValueError
        The line would be too long, or has text that is no UTF-8.
    """
    payload = msgspec.Raw(_encoder.encode(event.payload))
    found = _Line(event.id, event.n, event.t, event.at, event.kind, event.by, payload)
    line = sealed(_encoder.encode(found))
    if len(line) > LONGEST_LINE:
        raise ValueError(f"an event of {len(line):,} bytes is too large for a log")
    return line


def decode(line: bytes, log: str) -> Event:
    """Return the event in a line, without its newline.

    Raises
    ------
    InvalidLineError
        The line is no valid event; the text says why.
    """
    unsealed(line)
    is_harmless = _is_harmless(line)
    try:
        found = _decoder.decode(line)
        payload = _payload(found, is_harmless=is_harmless)
        datetime.fromisoformat(found.at)
    except (ValueError, RecursionError) as error:  # msgspec's own errors are ValueErrors
        raise InvalidLineError(inert(str(error), 200)) from error
    if not 1 <= found.t <= HIGHEST_COUNTER:
        raise InvalidLineError(f"its counter {found.t} is not from 1 to 2^52")
    if found.n < 1 or not found.id or not found.by:
        raise InvalidLineError("its number, id or annotator is missing")
    id_, at, by = found.id, found.at, found.by
    if not is_harmless or len(id_) + len(at) + len(by) > _USUAL:
        id_, at, by = inert(id_, 200), inert(at), inert(by, 200)
    # By hand: the keywords and defaults of a NamedTuple would cost a third of the time.
    return tuple.__new__(
        Event, (id_, found.n, found.t, at, by, payload, log, zlib.crc32(found.payload))
    )


def decode_bulk_line(line: bytes) -> BulkLine:
    """Return a line of a bulk file, with harmless text as in an `Event`.

    Raises
    ------
    ValueError, RecursionError
        The line is invalid.
    """
    if _is_harmless(line):
        return _bulk_decoder.decode(line)
    return msgspec.convert(_harmless(msgspec.json.decode(line)), BulkLine)


def _is_harmless(line: bytes) -> bool:
    """Return whether no character can harm a terminal, as in most lines."""
    return line.isascii() and b"\\" not in line and b"\x7f" not in line


def _payload(found: _Line, *, is_harmless: bool) -> Payload:
    decoder = _payload_decoders.get(found.kind)
    if decoder is None:
        return Unknown(kind=inert(found.kind))
    type_ = KINDS[found.kind]
    if is_harmless:
        payload: Payload = decoder.decode(found.payload)
    else:
        raw = msgspec.json.decode(found.payload)
        payload = msgspec.convert(_harmless(raw), type_)
    if payload.v > type_.version:
        return Unknown(kind=inert(found.kind))
    return payload


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
