import hashlib
import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tuilabel.data import images
from tuilabel.data.images import (
    ReducedImage,
    UnreadableImageError,
    letterbox,
    read_image_file,
    reduce_image_file,
    thumbnail,
)
from tuilabel.data.window import Window, sketch

# pytest resets the filters that the first decoding sets.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")


@pytest.fixture
def photo(rng: np.random.Generator) -> NDArray[np.uint8]:
    return rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.fixture
def grey(rng: np.random.Generator) -> NDArray[np.uint8]:
    return rng.integers(0, 256, (20, 30), dtype=np.uint8)


def reduced(image: Image.Image, path: Path, **options) -> ReducedImage:
    image.save(path, **options)
    found = reduce_image_file(path)
    assert isinstance(found, ReducedImage)
    return found


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.tif", "x.webp", "x.ppm", "x", "x.jpg"])
def test_formats_are_known_by_their_content_whatever_the_name(
    tmp_path: Path, photo: NDArray[np.uint8], name: str
) -> None:
    kind = {"x.bmp": "BMP", "x.tif": "TIFF", "x.webp": "WEBP", "x.ppm": "PPM"}.get(name, "PNG")
    result = reduced(Image.fromarray(photo), tmp_path / name, format=kind, lossless=True)
    assert (result.thumbnail == photo).all()


def test_grey_is_grey_in_any_mode(tmp_path: Path, grey: NDArray[np.uint8]) -> None:
    image = Image.fromarray(grey)
    for mode in ("L", "RGB", "RGBA", "LA"):
        result = reduced(image.convert(mode), tmp_path / f"{mode}.png")
        assert (result.thumbnail == grey).all()
        assert result.letterbox.shape == (32, 32)


def test_one_coloured_pixel_makes_colour(tmp_path: Path) -> None:
    pixels = np.full((40, 40, 3), 9, dtype=np.uint8)
    pixels[33, 7, 1] = 10
    assert reduced(Image.fromarray(pixels), tmp_path / "x.png").thumbnail.shape == (40, 40, 3)


@pytest.mark.parametrize("orientation", range(10))
def test_images_stand_upright(tmp_path: Path, photo: NDArray[np.uint8], orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "x.png"
    result = reduced(Image.fromarray(photo), path, exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert (result.thumbnail == expected).all()


def test_a_tiff_is_turned_once(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    path = tmp_path / "x.tif"
    result = reduced(Image.fromarray(photo), path, tiffinfo={0x0112: 6})
    assert (result.thumbnail == np.rot90(photo, -1)).all()


def test_damaged_metadata_does_not_cost_the_image(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    result = reduced(Image.fromarray(photo), tmp_path / "x.png", exif=b"Exif\0\0MM\0*\xff\xff")
    assert (result.thumbnail == photo).all()


def test_transparency_shows_mid_grey(tmp_path: Path) -> None:
    image = Image.new("RGBA", (3, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 255, 0))
    image.putpixel((2, 0), (0, 0, 0, 128))
    result = reduced(image, tmp_path / "x.png").thumbnail
    assert result[0].tolist() == [[255, 0, 0], [128, 128, 128], [64, 64, 64]]


def test_colours_do_not_depend_on_the_bands(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = rng.integers(0, 256, (23, 10, 4), dtype=np.uint8)
    whole = reduced(Image.fromarray(pixels), tmp_path / "x.png")
    monkeypatch.setattr(images, "_BAND_PIXELS", 55)
    assert (reduce_image_file(tmp_path / "x.png").thumbnail == whole.thumbnail).all()


def test_a_palette_has_its_colours_and_its_transparency(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 10, 10, 10, 200, 10])
    image.putpixel((1, 0), 1)
    plain = reduced(image, tmp_path / "x.png").thumbnail
    assert plain[0].tolist() == [[200, 10, 10], [10, 200, 10]]
    clear = reduced(image, tmp_path / "y.gif", transparency=1).thumbnail
    assert clear[0].tolist() == [[200, 10, 10], [128, 128, 128]]


def test_one_bit_and_cmyk(tmp_path: Path) -> None:
    bits = Image.new("1", (2, 1))
    bits.putpixel((1, 0), 1)
    assert reduced(bits, tmp_path / "x.png").thumbnail.tolist() == [[0, 255]]
    ink = Image.new("CMYK", (2, 1), (0, 255, 255, 0))
    assert reduced(ink, tmp_path / "x.tif").thumbnail[0, 0].tolist() == [255, 0, 0]


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
    tmp_path: Path, name: str, dtype: object
) -> None:
    path = tmp_path / name
    values = np.array([[90, 100, 150, 200, 30_000]], dtype=dtype)
    image = Image.fromarray(values.astype(np.int32) if dtype == np.int16 else values)
    image.save(path)
    found = reduce_image_file(path)
    assert isinstance(found, np.ndarray)
    assert (found == sketch(values)).all()
    window = Window(100, 200)
    result = reduce_image_file(path, window)
    assert isinstance(result, ReducedImage)
    assert result.window == window
    assert result.thumbnail.tolist() == [[0, 0, 128, 255, 255]]
    assert (read_image_file(path, None, window) == result.thumbnail).all()


def test_8_bits_are_shown_as_they_are(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    Image.fromarray(photo).save(tmp_path / "x.png")
    result = reduce_image_file(tmp_path / "x.png", Window(100, 200))
    assert isinstance(result, ReducedImage)
    assert (result.thumbnail == photo).all()
    assert result.window is None


def test_of_16_bit_colours_pillow_keeps_the_high_byte(tmp_path: Path) -> None:
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
    assert read_image_file(tmp_path / "x.png").tolist() == [[[0x12, 0xFF, 0x00]]]


def test_of_several_frames_the_first_counts(tmp_path: Path, grey: NDArray[np.uint8]) -> None:
    frames = [Image.fromarray(grey), Image.fromarray(255 - grey)]
    for name in ("x.gif", "x.tif"):
        result = reduced(frames[0], tmp_path / name, save_all=True, append_images=frames[1:])
        assert (result.thumbnail == grey).all()


def test_the_digest_is_that_of_the_bytes(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    plain = reduced(Image.fromarray(photo), tmp_path / "a.png")
    tagged = reduced(Image.fromarray(photo), tmp_path / "b.png", compress_level=1)
    assert (plain.thumbnail == tagged.thumbnail).all()
    for name, found in (("a.png", plain), ("b.png", tagged)):
        content = (tmp_path / name).read_bytes()
        assert found.digest == hashlib.blake2b(content, digest_size=16).digest()


def test_a_file_with_other_content_is_not_shown_as_the_item(
    tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    path = tmp_path / "x.png"
    digest = reduced(Image.fromarray(photo), path).digest
    assert (read_image_file(path, digest) == photo).all()
    Image.fromarray(255 - photo).save(path)
    with pytest.raises(UnreadableImageError, match="its content has changed"):
        read_image_file(path, digest)


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


def png(photo: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "PNG")
    return stream.getvalue()


def test_what_is_no_image_says_so(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    path = tmp_path / "x.png"
    for content in (b"", b"text", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"):
        path.write_bytes(content)
        with pytest.raises(UnreadableImageError, match="not an image") as caught:
            reduce_image_file(path)
        assert caught.value.lasting
    path.write_bytes(png(photo)[:-400])
    with pytest.raises(UnreadableImageError, match="truncated") as caught:
        reduce_image_file(path)
    assert caught.value.lasting


def test_any_damage_is_an_image_or_one_kind_of_error(
    tmp_path: Path, photo: NDArray[np.uint8], rng: np.random.Generator
) -> None:
    path = tmp_path / "x"
    failures = 0
    for kind in ("PNG", "GIF", "TIFF", "WEBP", "JPEG", "BMP"):
        stream = io.BytesIO()
        Image.fromarray(photo[:6, :6]).save(stream, kind)
        for _ in range(60):
            data = bytearray(stream.getvalue())
            for position in rng.integers(0, len(data), 3):
                data[position] = rng.integers(256)
            path.write_bytes(data)
            try:
                assert max(reduce_image_file(path).thumbnail.shape[:2]) <= 96
            except UnreadableImageError:
                failures += 1
    assert failures


def test_a_file_out_of_reach_may_be_tried_again(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="No such file") as caught:
        reduce_image_file(tmp_path / "missing.png")
    assert not caught.value.lasting


@pytest.mark.parametrize("size", [(20_000, 20_000), (10_001, 10_000)])
def test_the_size_is_checked_before_decoding(
    tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(png(np.zeros((1, 1, 3), dtype=np.uint8)))
    data[16:24] = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big")
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    (tmp_path / "bomb.png").write_bytes(data)

    def decoded(image: Image.Image) -> NDArray[np.uint8]:
        raise AssertionError

    monkeypatch.setattr(images, "_values", decoded)
    with pytest.raises(UnreadableImageError, match="more than 100000000"):
        reduce_image_file(tmp_path / "bomb.png")


def test_a_large_image_is_decoded_alone(
    tmp_path: Path, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "_LARGE_PIXELS", 100)
    original, held = images._values, []

    def watched(image: Image.Image) -> NDArray[np.uint8]:
        held.append(images._one_large_image.locked())
        return original(image)

    monkeypatch.setattr(images, "_values", watched)
    reduced(Image.fromarray(photo), tmp_path / "x.png")
    assert held == [True]


def test_what_pillow_warns_of_is_not_printed_over_the_screen(
    tmp_path: Path, photo: NDArray[np.uint8], run_python
) -> None:
    path = tmp_path / "x.tif"
    Image.fromarray(photo).save(path)
    path.write_bytes(path.read_bytes()[:-3])
    code = (
        "from pathlib import Path; from tuilabel.data.images import *\n"
        f"try: reduce_image_file(Path({str(path)!r}))\n"
        "except UnreadableImageError: pass\n"
        "from PIL import Image; print(Image.MAX_IMAGE_PIXELS)"
    )
    assert run_python(code).strip() == "100000000"
