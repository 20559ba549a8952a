"""Parts of image files: boxes, pages and frames."""

from __future__ import annotations

import struct
import zlib
from io import BufferedReader, BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from tuilabel.data.decoding import Decoded, Refused, decoder
from tuilabel.data.decoding.decoder import OpenImage, decode_file
from tuilabel.data.decoding.gif import gif_frames
from tuilabel.data.decoding.values import MOST_FRAMES, Stored
from tuilabel.data.part import box_part, frame_part, share_part
from tuilabel.data.region import Region


@pytest.fixture(autouse=True)
def process() -> None:
    """Set this process up like a child; pytest resets the filters of warnings."""
    decoder.set_up()


def decoded(path: Path, *parts: str, box: Any = None, region: Any = None) -> list[Any]:
    with OpenImage(str(path)) as image:
        return [image.decode(part, box, region, may_be_large=True) for part in parts]


def smooth(height: int, width: int) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    values = np.stack([x * 255 / width, y * 255 / height, np.full_like(x, 99)], axis=-1)
    return Image.fromarray(values.astype(np.uint8))


@pytest.mark.parametrize("orientation", [1, 6, 7])
@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tif"])
def test_a_box_is_in_stored_pixels_and_shown_upright(
    tmp_path: Path, name: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / name
    smooth(800, 1200).save(path, exif=exif)
    with Image.open(path) as image:
        # Pillow turns a TIFF as it decodes it.
        stored = smooth(800, 1200) if name == "x.tif" else image.copy()
    stored = stored.crop((100, 40, 900, 440))
    stored.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(stored)).astype(int)
    (found,) = decoded(path, box_part(100, 40, 900, 440))
    assert (found.pixels == upright).all()
    assert found.size == upright.shape[:2]
    small, corner = (
        *decoded(path, box_part(100, 40, 900, 440), box=(50, 50)),
        *decoded(path, box_part(100, 40, 900, 440), box=(90, 90), region=Region(0.5, 0.5, 1, 1)),
    )
    assert max(small.pixels.shape) == 50
    assert small.digest == corner.digest == found.digest
    assert np.abs(small.pixels.mean(axis=(0, 1)) - upright.mean(axis=(0, 1))).max() < 2
    height, width = upright.shape[:2]
    expected = upright[height // 2 :, width // 2 :].mean(axis=(0, 1))
    assert np.abs(corner.pixels.mean(axis=(0, 1)) - expected).max() < 2


def test_boxes_of_a_file_are_cut_from_one_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[tuple[int, int]] = []
    original = OpenImage._open

    def opened(image: OpenImage) -> Image.Image:
        found = original(image)
        loads.append(found.size)
        return found

    monkeypatch.setattr(OpenImage, "_open", opened)
    for name, times in (("x.png", 1), ("x.jpg", 2)):
        path = tmp_path / name
        smooth(800, 1600).save(path)
        parts = [box_part(0, 0, 800, 800), box_part(800, 0, 1600, 800), box_part(9, 9, 99, 99)]
        loads.clear()
        found = decoded(path, *parts, box=(96, 96))
        assert [each.pixels.shape[:2] for each in found] == [(96, 96), (96, 96), (90, 90)]
        assert len(loads) == times, "a JPEG once for each scale"
        alone = [decoded(path, part, box=(96, 96))[0] for part in parts]
        for one, other in zip(found, alone, strict=True):
            assert one.digest == other.digest
            assert (one.pixels == other.pixels).all(), "whatever is decoded beside it"


def test_a_box_outside_is_refused_and_the_next_is_not(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    smooth(20, 30).save(path)
    outside, inside, share = decoded(
        path, box_part(20, 0, 31, 5), box_part(20, 0, 30, 5), share_part(0, 0, 0.01, 0.01)
    )
    assert outside == Refused("the box 20,0,11,5 is not inside of the image of 30x20")
    assert inside.pixels.shape == (5, 10, 3)
    assert share == Refused("the box percent:0,0,1,1 has no pixel")


def animation(path: Path, count: int = 5) -> Path:
    frames = [Image.new("RGB", (8, 6), (40 * number,) * 3) for number in range(count)]
    lossless = {"lossless": True} if path.suffix == ".webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **lossless)
    return path


@pytest.mark.parametrize("name", ["x.tif", "x.gif", "x.png", "x.webp"])
def test_each_page_and_frame_is_a_part(tmp_path: Path, name: str) -> None:
    path = animation(tmp_path / name)
    for numbers in ([1, 2, 3, 4, 5], [5, 2, 2, 1], [3]):
        found = decoded(path, *map(frame_part, numbers))
        assert [int(each.pixels[3, 3]) for each in found] == [40 * (each - 1) for each in numbers]
        assert {each.frames for each in found} == {5}
    assert len({each.digest for each in decoded(path, *map(frame_part, range(1, 6)), "")}) == 6
    (missing,) = decoded(path, frame_part(6))
    assert isinstance(missing, Refused)
    assert missing.reason == "it has no page or frame 6"


def test_a_page_that_is_larger_than_the_first_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [Image.new("L", (5, 5)), Image.new("L", (60, 60))]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:])
    monkeypatch.setattr(decoder, "MAX_PIXELS", 1000)
    small, large = decoded(tmp_path / "x.tif", frame_part(1), frame_part(2))
    assert small.pixels.shape == (5, 5)
    assert isinstance(large, Refused)
    assert "megapixels" in large.reason


# Files that claim many.


def directory(following: int) -> bytes:
    tags = [(256, 3, 1), (257, 3, 1), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8)]
    tags += [(278, 3, 1), (279, 4, 1)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)


SIZE = len(directory(0))


def tiff(*following: int) -> bytes:
    """Return a TIFF of 1x1 pixels; each page says which page follows, or 0."""
    pages = (directory(12 + SIZE * page if page else 0) for page in following)
    return b"II*\0" + struct.pack("<I", 12) + b"\x55\0\0\0" + b"".join(pages)


def gif(frames: int, end: bytes = b";") -> bytes:
    head = b"GIF89a" + struct.pack("<HH", 1, 1) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    one = b"\x2c" + struct.pack("<HHHH", 0, 0, 1, 1) + b"\0\x02\x02\x44\x01\0"
    return head + one * frames + end


def claiming(path: Path, frames: int) -> bytes:
    """Return an animated PNG that claims more frames than it has."""
    whole = animation(path).read_bytes()
    place = whole.index(b"acTL")
    chunk = b"acTL" + struct.pack(">II", frames, 0)
    return whole[:place] + chunk + struct.pack(">I", zlib.crc32(chunk)) + whole[place + 16 :]


def test_pages_in_a_circle_end(tmp_path: Path) -> None:
    for pages, count in (((1, 2, 1), 3), ((1, 2, 2), 3), ((1, 0), 2), ((0,), 1)):
        (tmp_path / "x.tif").write_bytes(tiff(*pages))
        found = decode_file(str(tmp_path / "x.tif"))
        assert isinstance(found, Decoded)
        assert found.frames == count


@pytest.mark.usefixtures("bounded")
def test_no_more_frames_are_counted_than_can_be_items(tmp_path: Path) -> None:
    many = tmp_path / "many"
    for content in (gif(500_000), tiff(*range(1, 12_000), 0), claiming(tmp_path / "a.png", 2**31)):
        many.write_bytes(content)
        found = decode_file(str(many))
        assert isinstance(found, Decoded)
        assert found.frames == MOST_FRAMES + 1


def test_frames_of_other_decoders_are_bounded_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = Stored(np.zeros((2, 3), np.uint8), 10**12, ())
    monkeypatch.setitem(decoder._READERS, "BMP", lambda file, number, check: stored)
    monkeypatch.setitem(decoder.EXTRAS, "BMP", SimpleNamespace(is_there=True))
    Image.new("L", (3, 2)).save(tmp_path / "x.bmp")
    (found,) = decoded(tmp_path / "x.bmp", "")
    assert found.frames == MOST_FRAMES + 1


@pytest.mark.parametrize("end", [b";", b"", b"\x21\xf9", b"\x2c\0", b"\0junk"])
def test_frames_of_a_gif_are_counted_as_far_as_they_go(tmp_path: Path, end: bytes) -> None:
    (tmp_path / "x.gif").write_bytes(gif(3, end))
    found = decode_file(str(tmp_path / "x.gif"))
    assert isinstance(found, Decoded)
    assert found.frames == 3


@fuzzed
@given(st.lists(st.one_of(st.sampled_from([gif(2)[19:-1], gif(0)]), st.binary(max_size=9))))
@pytest.mark.usefixtures("bounded")
def test_any_bytes_have_at_least_one_frame(parts: list[bytes]) -> None:
    file = BufferedReader(BytesIO(gif(1, b"") + b"".join(parts)))
    assert 1 <= gif_frames(file, 7) <= 7
    file = BufferedReader(BytesIO(b"".join(parts)))
    assert 1 <= gif_frames(file, 7) <= 7


def test_frames_that_are_claimed_only_are_refused_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(claiming(tmp_path / "a.png", 7))
    found = decoded(tmp_path / "x.png", *map(frame_part, range(4, 8)))
    assert [isinstance(each, Refused) for each in found] == [False, False, True, True]
