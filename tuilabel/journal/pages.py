"""The rows on the pages of a SQLite file, read without SQLite.

If SQLite refuses a file because a page is lost, the other pages still have their rows. Here a row
is found by the pattern of its record, not through the page that points to it: a lost page costs
only its own rows. The formats are those of https://sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Value = int | float | str | bytes | None

DEFAULT_PAGE_SIZE = 4096

LOG_MAGIC = 0x377F0682
"""Without its lowest bit, which is set if checksums are over big-endian words."""

_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}
_LONGEST_RECORD = 2**28

# A record of `event`: the size of its header, NULL for the row's number (which is in the cell),
# and the type of a text of 36 characters, the uuid.
_EVENT = re.compile(rb"[\x0d-\x24](?=\x00\x55)", re.DOTALL)
_EVENT_COLUMNS = 12
_META_KEYS = (b"source", b"class_names", b"pool", b"test", b"seed", b"audit", b"window")
_META = re.compile(
    b"|".join(
        b"[\x03-\x05](?=%c[\x01-\xff]{1,3}%s)" % (13 + 2 * len(key), key) for key in _META_KEYS
    ),
    re.DOTALL,
)
_ENTRY = re.compile(
    rb"\x03\x55([\x01-\x06\x08\x09])([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.DOTALL
)
_LAST_NUMBER = re.compile(rb"\x03\x17([\x01-\x06\x08\x09])event", re.DOTALL)


def page_size_of(data: bytes | bytearray) -> int | None:
    """Return the page size in the header of a file or a log; None if it has none."""
    if data[:16] == b"SQLite format 3\0":
        size = int.from_bytes(data[16:18], "big")
        size = 65536 if size == 1 else size
    elif int.from_bytes(data[:4], "big") & ~1 == LOG_MAGIC:
        size = int.from_bytes(data[8:12], "big")
    else:
        return None
    return size if 512 <= size <= 65536 and size & (size - 1) == 0 else None


def event_rows(
    unit: bytes | bytearray | memoryview, overflow: Callable[[int], bytes | None]
) -> Iterator[tuple[Value, ...]]:
    """Yield the likely rows of `event` on a page: seq first, then the other columns in order.

    Parameters
    ----------
    unit : bytes
        One page.
    overflow : callable
        Returns a page by its number, for rows that do not fit on one page.
    """
    for found in _EVENT.finditer(unit):
        row = _row_at(unit, found.start(), _EVENT_COLUMNS, overflow)
        if row is not None:
            yield row


def meta_rows(
    unit: bytes | bytearray | memoryview, overflow: Callable[[int], bytes | None]
) -> Iterator[tuple[Value, ...]]:
    """Yield the likely rows of `meta` on a page: row number, key and value."""
    for found in _META.finditer(unit):
        row = _row_at(unit, found.start(), 2, overflow)
        if row is not None:
            yield row


def index_entries(unit: bytes | bytearray | memoryview) -> Iterator[tuple[str, int]]:
    """Yield the entries of the index of uuids on a page: uuid and seq."""
    for found in _ENTRY.finditer(unit):
        seq = _integer(unit, found[1][0], found.end())
        if seq is not None:
            yield found[2].decode(), seq


def last_numbers(unit: bytes | bytearray | memoryview) -> Iterator[int]:
    """Yield the highest assigned seq, as recorded on a page."""
    for found in _LAST_NUMBER.finditer(unit):
        seq = _integer(unit, found[1][0], found.end())
        if seq is not None:
            yield seq


def _integer(unit: bytes | bytearray | memoryview, kind: int, place: int) -> int | None:
    if kind in (8, 9):
        return kind - 8
    size = _INTEGER_SIZES[kind]
    content = unit[place : place + size]
    return int.from_bytes(content, "big", signed=True) if len(content) == size else None


def _row_at(
    unit: bytes | bytearray | memoryview,
    place: int,
    columns: int,
    overflow: Callable[[int], bytes | None],
) -> tuple[Value, ...] | None:
    """Read the cell whose record begins at a place; None if there is none.

    The record's size and the row's number stand before it. The size also follows from the record,
    and both must agree.
    """
    types = _types(unit, place, columns)
    if types is None:
        return None
    size = unit[place] + sum(map(_size_of, types))
    number = _number_before(unit, place)
    if number is None or size > _LONGEST_RECORD:
        return None
    seq, start = number
    written = _varint_bytes(size)
    if bytes(unit[max(0, start - len(written)) : start]) != written:
        return None
    record = _payload(unit, place, size, overflow)
    if record is None:
        return None
    values: list[Value] = []
    at = record[0]
    for kind in types:
        length = _size_of(kind)
        try:
            values.append(_value(kind, record[at : at + length]))
        except UnicodeDecodeError:
            return None
        at += length
    return (seq, *(values[1:] if columns == _EVENT_COLUMNS else values))


def _types(unit: bytes | bytearray | memoryview, place: int, columns: int) -> list[int] | None:
    end = place + unit[place]
    types: list[int] = []
    at = place + 1
    while at < end:
        value = 0
        for _ in range(9):
            if at >= min(end, len(unit)):
                return None
            byte = unit[at]
            at += 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                break
        types.append(value)
    return types if len(types) == columns and not {10, 11} & set(types) else None


def _number_before(unit: bytes | bytearray | memoryview, place: int) -> tuple[int, int] | None:
    """Read the variable-length number that ends before a place; return it and its start."""
    start = place - 1
    if start < 0 or unit[start] >= 0x80:
        return None
    while start > 0 and place - start < 9 and unit[start - 1] >= 0x80:
        start -= 1
    value = 0
    for byte in unit[start:place]:
        value = value << 7 | byte & 0x7F
    return value, start


def _varint_bytes(value: int) -> bytes:
    content = [value & 0x7F]
    while value := value >> 7:
        content.append(value & 0x7F | 0x80)
    return bytes(reversed(content))


def _size_of(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return 8 if kind == 7 else _INTEGER_SIZES.get(kind, 0)


def _value(kind: int, content: bytes) -> Value:
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        # No column of a session is a fraction: checking the row refuses it.
        return float("nan")
    if kind < 7:
        return int.from_bytes(content, "big", signed=True)
    return content.decode() if kind % 2 else content


def _payload(
    unit: bytes | bytearray | memoryview,
    place: int,
    size: int,
    overflow: Callable[[int], bytes | None],
) -> bytes | None:
    """Join a record from its page and its overflow pages."""
    page_size = len(unit)
    local = size
    if size > page_size - 35:
        least = (page_size - 12) * 32 // 255 - 23
        local = least + (size - least) % (page_size - 4)
        local = local if local <= page_size - 35 else least
    content = bytes(unit[place : place + local])
    if len(content) < local:
        return None
    at = place + local
    following = int.from_bytes(unit[at : at + 4], "big") if local < size else 0
    parts = [content]
    missing = size - local
    while missing > 0:
        page = overflow(following) if following else None
        if page is None:
            return None
        parts.append(page[4 : 4 + missing])
        missing -= page_size - 4
        following = int.from_bytes(page[:4], "big")
    record = b"".join(parts)
    return record if len(record) == size else None
