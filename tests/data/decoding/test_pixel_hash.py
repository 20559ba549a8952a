"""The hash of stored pixels stays where metadata changes, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tuilabel.data.decoding import Decoded, DecodeService
from tuilabel.data.region import WHOLE

PHOTO = Image.fromarray(
    np.random.default_rng(1).integers(0, 255, (30, 40, 3), np.uint8).repeat(10, 0).repeat(10, 1)
)
ORIENTATION = 0x0112


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """Return a JPEG with another segment of metadata behind its first two bytes."""
    length = (len(content) + 2).to_bytes(2)
    return jpeg[:2] + bytes((0xFF, marker)) + length + content + jpeg[2:]


def exif(orientation: int = 1, text: str = "") -> bytes:
    found = Image.Exif()
    found[ORIENTATION] = orientation
    found[0x010E] = text
    return found.tobytes()


@pytest.fixture
def hash_of(tmp_path: Path, decoders: DecodeService):  # type: ignore[no-untyped-def]
    def hashed(content: bytes | Image.Image, part: str = "", **how: object) -> bytes:
        path = tmp_path / f"image.{how.pop('kind', 'jpg')}"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.save(path, **how)
        found = decoders.decode(path, part, box=(96, 96))
        assert isinstance(found, Decoded)
        return found.pixel_hash

    return hashed


@pytest.mark.parametrize("progressive", [False, True])
def test_of_a_jpeg_comments_and_application_segments_do_not_count(  # type: ignore[no-untyped-def]
    hash_of, tmp_path: Path, progressive: bool
) -> None:
    before = hash_of(PHOTO, progressive=progressive)
    assert len(before) == 16
    jpeg = (tmp_path / "image.jpg").read_bytes()
    for marker, content in ((0xFE, b"seen"), (0xE1, exif(text="an owl")), (0xED, b"Photoshop 3.0")):
        assert hash_of(with_segment(jpeg, marker, content)) == before
    density = bytearray(jpeg)
    density[13:17] = b"\1\0\1\0"
    assert hash_of(bytes(density)) == before
    turned = hash_of(with_segment(jpeg, 0xE1, exif(6)))
    assert len(turned) == 16
    assert turned != before, "another orientation is seen"
    adobe = with_segment(jpeg, 0xEE, b"Adobe\0\x64\0\0\0\0\0")
    assert hash_of(adobe) not in (b"", before)
    # One byte of the coefficients.
    other = bytearray(jpeg)
    other[-20] ^= 1
    assert hash_of(bytes(other)) not in (b"", before)
    assert hash_of(PHOTO, progressive=progressive, quality=74) != before


def test_a_box_of_a_jpeg_has_a_hash_of_its_own(hash_of, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    whole, box = hash_of(PHOTO), "xywh=10,10,50,50"
    jpeg = (tmp_path / "image.jpg").read_bytes()
    first = hash_of(jpeg, box)
    assert first not in (whole, hash_of(jpeg, "xywh=11,10,50,50"))
    assert hash_of(with_segment(jpeg, 0xFE, b"seen"), box) == first


def test_of_other_formats_the_decoded_pixels_count(hash_of) -> None:  # type: ignore[no-untyped-def]
    before = hash_of(PHOTO, kind="png")
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "an owl")
    assert hash_of(PHOTO, kind="png", pnginfo=text, compress_level=0) == before
    assert hash_of(PHOTO, kind="webp", lossless=True) == before, "its pixels are the same"
    assert hash_of(PHOTO, kind="png", exif=exif(3)) not in (b"", before)
    assert hash_of(PHOTO.transpose(Image.Transpose.ROTATE_180), kind="png") != before
    deep = Image.fromarray(np.arange(12, dtype=np.uint16).reshape(3, 4))
    assert hash_of(deep, kind="tif") == hash_of(deep, kind="png") != b""
    assert hash_of(deep, "xywh=0,0,2,2", kind="tif") not in (b"", hash_of(deep, kind="tif"))
    turned = Image.fromarray(np.arange(12, dtype=np.uint16).reshape(4, 3))
    assert hash_of(turned, kind="png") != hash_of(deep, kind="png")


def test_it_is_known_only_where_a_file_is_read(tmp_path: Path, decoders: DecodeService) -> None:
    path = tmp_path / "image.png"
    PHOTO.save(path)
    for found in (decoders.decode(path), decoders.decode(path, box=(96, 96), region=WHOLE)):
        assert isinstance(found, Decoded)
        assert found.pixel_hash == b""


def test_an_odd_jpeg_has_none(hash_of, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    hash_of(PHOTO)
    jpeg = (tmp_path / "image.jpg").read_bytes()
    # Garbage between segments, which decoders pass over.
    assert hash_of(jpeg[:20] + b"\0\0\0" + jpeg[20:]) == b""
