"""Image files that attack a decoder: bombs, and images that are cut short."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image, features


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


SIDE = 60_000
"""Width and height that bombs claim, where the format has room for them."""


def huge() -> dict[str, bytes]:
    """Return a small file of each format that claims to have billions of pixels, by its name."""
    side, le, be = SIDE, struct.pack("<H", SIDE), struct.pack(">H", SIDE)
    wide, wide_be = struct.pack("<I", side), struct.pack(">I", side)
    bmp = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
    png_file = png(side, side, share=0.0001)
    found = {
        "png": png_file,
        "gif": b"GIF89a" + le * 2 + bytes(3) + b",\0\0\0\0" + le * 2 + b"\0\2\1\0\0;",
        "bmp": b"BM" + struct.pack("<IHHI", 0, 0, 0, 54) + bmp + bytes(99),
        "dib": bmp + bytes(99),
        "jpg": b"\xff\xd8\xff\xc0\0\x0b\x08" + be * 2 + b"\1\1\x11\0\xff\xda" + bytes(99),
        "tif": _tiff(side),
        "ico": ico(png_file),
        "icns": b"icns"
        + struct.pack(">I", len(png_file) + 16)
        + b"ic10"
        + struct.pack(">I", len(png_file) + 8)
        + png_file,
        "ppm": b"P6 %d %d 255\n" % (side, side) + bytes(99),
        "pgm": b"P5 %d %d 65535\n" % (side, side) + bytes(99),
        "pbm": b"P1 %d %d\n" % (side, side) + b"0 1 " * 25,
        "pfm": b"Pf\n%d %d\n-1.0\n" % (side, side) + bytes(99),
        "tga": b"\0\0\x0a" + bytes(9) + le * 2 + b"\x18\0" + b"\xff\0\0\0" * 25,
        "dds": b"DDS "
        + struct.pack(
            "<IIIIIII44xIII5I20x", 124, 4103, side, side, 0, 0, 0, 32, 64, 0, 24, 255, 0, 0, 0
        )
        + bytes(99),
        "sgi": b"\x01\xda\1\1\0\3" + be * 2 + b"\0\3" + bytes(600),
        "pcx": b"\x0a\5\1\x08" + bytes(4) + le * 2 + bytes(53) + b"\1" + le + bytes(999),
        "psd": b"8BPS\0\1" + bytes(6) + b"\0\3" + wide_be * 2 + b"\0\x08\0\3" + bytes(14),
        "fli": struct.pack("<IHHHHH", 999, 0xAF11, 1, side, side, 8) + bytes(112) + bytes(99),
        "xbm": b"#define a_width %d\n#define a_height %d\nstatic char a_bits[] = {\n0x0};"
        % (side, side),
        "xpm": b'/* XPM */\nstatic char *a[] = {\n"%d %d 1 1",\n"a c #000000",\n"a"};'
        % (side, side),
        "qoi": b"qoif" + wide_be * 2 + b"\3\0" + bytes(99),
        "ras": b"\x59\xa6\x6a\x95"
        + wide_be * 2
        + struct.pack(">IIIII", 24, 0, 1, 0, 0)
        + bytes(99),
        "msp": _msp(side),
        "im": (b"Image type: RGB image\r\nImage size (x*y): %d*%d\r\n" % (side, side)).ljust(
            511, b"\0"
        )
        + b"\x1a"
        + bytes(99),
        "blp": b"BLP2\1\0\0\0\1\0\0\0" + wide * 2 + bytes(200),
        "webp": b"RIFF\x40\0\0\0WEBPVP8L\x30\0\0\0/\xff\xff\xff\x0f" + bytes(48),
        "webp2": b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\0" * 2 + bytes(40),
        "j2k": b"\xff\x4f\xff\x51\0\x2f\0\0"
        + wide_be * 2
        + bytes(8)
        + wide_be * 2
        + bytes(8)
        + b"\0\3"
        + b"\7\1\1" * 3
        + b"\xff\xd9",
    }
    for name, kind in (("avif", "AVIF"), ("jp2", "JPEG2000")):
        if features.check({"AVIF": "avif", "JPEG2000": "jpg_2000"}[kind]):
            file = BytesIO()
            Image.new("RGB", (91, 93)).save(file, kind)
            sides = struct.pack(">II", 91, 93), struct.pack(">II", 93, 91)
            content = file.getvalue()
            for pair in sides:
                content = content.replace(pair, wide_be * 2)
            found[name] = content
    return found


def bloated() -> dict[str, bytes]:
    """Return images of 4 by 4 or 8 by 8 pixels whose metadata grows to gigabytes, or has no end."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(2**24)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = b"\x78\xda" + block * 96
    whole = png(4, 4)
    at = whole.index(b"IDAT") - 4

    def with_chunk(kind: bytes, body: bytes) -> bytes:
        return whole[:at] + _chunk(kind, body) + whole[at:]

    endless = b"II*\0\x08\0\0\0" + b"\1\0" + struct.pack("<HHII", 0x0112, 3, 2**31, 8)
    loop = endless + struct.pack("<I", 8)
    return {
        "iccp.png": with_chunk(b"iCCP", b"icc\0\0" + packed),
        "ztxt.png": with_chunk(b"zTXt", b"Comment\0\0" + packed),
        "itxt.png": with_chunk(b"iTXt", b"Comment\0\1\0\0\0" + packed),
        "exif.png": with_chunk(b"eXIf", loop),
        "frames.png": with_chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)),
        "loop.tif": _tiff(8, following=8),
    }


def _tiff(side: int, following: int = 0) -> bytes:
    tags = (
        (256, side),
        (257, side),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 200),
        (277, 1),
        (278, side),
    )
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    entries += struct.pack("<HHII", 279, 4, 1, 64)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags) + 1) + entries
    return (head + struct.pack("<I", following)).ljust(264, b"\0")


def _msp(side: int) -> bytes:
    words = [0, 0, side, side, *[0] * 12]
    words[0], words[1] = struct.unpack("<HH", b"DanM")
    for word in words[:12]:
        words[12] ^= word
    return struct.pack("<16H", *words) + bytes(99)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
