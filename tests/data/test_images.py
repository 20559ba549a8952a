import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tuilabel.data.decoding import DecodeService, Refused
from tuilabel.data.images import (
    ReducedImage,
    letterbox,
    read_image_file,
    reduce_image_files,
    thumbnail,
)
from tuilabel.data.window import Window, sketch


@pytest.fixture(scope="module")
def decoding() -> Iterator[DecodeService]:
    service = DecodeService()
    yield service
    service.close()


def reduced(path: Path, decoding: DecodeService, window: Window | None = None) -> ReducedImage:
    (found,) = reduce_image_files([(path, "")], decoding, window)
    assert isinstance(found, ReducedImage)
    return found


def test_a_file_is_reduced_for_screen_and_models(tmp_path: Path, decoding: DecodeService) -> None:
    large, small = Image.new("RGB", (300, 150), (9, 99, 199)), Image.new("L", (40, 50), 7)
    large.save(tmp_path / "large.png")
    small.save(tmp_path / "small.gif", save_all=True, append_images=[Image.new("L", (40, 50))])
    (tmp_path / "empty.png").write_bytes(b"")
    names = ["large.png", "empty.png", "small.gif"]
    first, refused, last = reduce_image_files([(tmp_path / name, "") for name in names], decoding)
    assert refused == Refused("empty file")
    assert isinstance(first, ReducedImage)
    assert isinstance(last, ReducedImage)
    assert first.thumbnail.shape == (48, 96, 3)
    assert first.letterbox.shape == (32, 32, 3)
    assert (first.frames, last.frames) == (1, 2)
    assert (last.thumbnail == np.asarray(small)).all()
    assert (last.letterbox == letterbox(last.thumbnail)).all()


DEEP = [
    ("x.png", np.uint16),
    ("x.tif", np.uint16),
    ("x.tif", ">u2"),
    ("x.tif", np.int16),
    ("x.tif", np.int32),
    ("x.tif", np.float32),
]


@pytest.mark.parametrize(("name", "dtype"), DEEP)
def test_more_than_8_bits_are_seen_through_the_window(
    tmp_path: Path, decoding: DecodeService, name: str, dtype: object
) -> None:
    path = tmp_path / name
    values = np.array([[90, 100, 150, 200, 30_000]], dtype=dtype)
    image = Image.fromarray(values.astype(np.int32) if dtype == np.int16 else values)
    image.save(path)
    (found,) = reduce_image_files([(path, "")], decoding)
    assert isinstance(found, np.ndarray)
    assert (found == sketch(values)).all()
    window = Window(100, 200)
    result = reduced(path, decoding, window)
    assert result.window == window
    assert result.thumbnail.tolist() == [[0, 0, 128, 255, 255]]
    assert (read_image_file(path, decoding, None, window) == result.thumbnail).all()


def test_8_bits_are_shown_as_they_are(tmp_path: Path, decoding: DecodeService) -> None:
    Image.new("L", (9, 9), 120).save(tmp_path / "x.png")
    result = reduced(tmp_path / "x.png", decoding, Window(100, 200))
    assert (result.thumbnail == 120).all()
    assert result.window is None


def test_of_16_bit_colours_pillow_keeps_the_high_byte(
    tmp_path: Path, decoding: DecodeService
) -> None:
    # One row of RGB, 16 bits a sample, no filter.
    samples = np.array([[[0x1234, 0xFFFF, 0x00FF]]], dtype=">u2")
    raw = b"\0" + samples.tobytes()
    header = (1).to_bytes(4, "big") * 2 + bytes([16, 2, 0, 0, 0])
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        crc = zlib.crc32(kind + body).to_bytes(4, "big")
        data += len(body).to_bytes(4, "big") + kind + body + crc
    (tmp_path / "x.png").write_bytes(data)
    found = read_image_file(tmp_path / "x.png", decoding)
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [[[0x12, 0xFF, 0x00]]]


def test_a_file_with_other_content_is_not_shown_as_the_item(
    tmp_path: Path, rng: np.random.Generator, decoding: DecodeService
) -> None:
    path, photo = tmp_path / "x.png", rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(photo).save(path)
    digest = reduced(path, decoding).digest
    found = read_image_file(path, decoding, digest)
    assert isinstance(found, np.ndarray)
    assert (found == photo).all()
    Image.fromarray(255 - photo).save(path)
    assert read_image_file(path, decoding, digest) == Refused("its content has changed")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((10, 96), (10, 96)),
        ((97, 97), (96, 96)),
        ((400, 200, 3), (96, 48, 3)),
        ((1, 1000), (1, 96)),
        ((5000, 2, 3), (96, 1, 3)),
    ],
)
def test_thumbnails_fit_and_are_never_enlarged(
    rng: np.random.Generator, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    small = thumbnail(pixels)
    assert small.shape == expected
    assert (small is pixels) == (shape == expected)


@pytest.mark.parametrize("shape", [(96, 96), (96, 48, 3), (1, 96), (3, 1, 3), (32, 32)])
def test_a_letterbox_is_a_square_with_the_image_in_its_middle(shape: tuple[int, ...]) -> None:
    box = letterbox(np.full(shape, 200, dtype=np.uint8))
    assert box.shape == (32, 32, *shape[2:])
    assert box.max() == 200
    rows, columns = np.nonzero(box.reshape(32, 32, -1).any(axis=2))
    assert max(np.ptp(rows), np.ptp(columns)) == 31
    assert abs((rows.min() + rows.max()) / 2 - 15.5) <= 0.5
    assert abs((columns.min() + columns.max()) / 2 - 15.5) <= 0.5
