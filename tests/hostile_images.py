"""Image files that attack a decoder: bombs, and images that are cut short."""

from __future__ import annotations

import struct
import zlib


def png(width: int, height: int, *, share: float = 1.0) -> bytes:
    """Return a transparent PNG with the first share of its rows, made without its pixels."""
    packer = zlib.compressobj(1)
    row = bytes(width * 4 + 1)
    rows = b"".join(packer.compress(row) for _ in range(int(height * share)))
    rows += packer.flush() if share == 1 else packer.flush(zlib.Z_SYNC_FLUSH)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    whole = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows)
    return whole + _chunk(b"IEND", b"") if share == 1 else whole[:-4]


def ico(image: bytes) -> bytes:
    """Return an icon that declares 16x16 pixels and has this PNG inside."""
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(image), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + image


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
