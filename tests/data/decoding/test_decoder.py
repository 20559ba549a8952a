import hashlib
import os
import re
import resource
import sys
from pathlib import Path

import numpy as np
import pytest
from hostile_images import ico, png
from numpy.typing import NDArray
from PIL import Image, ImageOps, features

from tuilabel.data.decoding import Decoded, Refused, decoder, formats
from tuilabel.data.decoding.decoder import decode_file, decoder_version, fitted
from tuilabel.data.decoding.formats import why_not_opened
from tuilabel.data.decoding.values import MEMORY, NeedsMoreMemory


@pytest.fixture(autouse=True)
def process() -> None:
    """Set this process up like a child; pytest resets the filters of warnings."""
    decoder.set_up()


@pytest.fixture
def photo(rng: np.random.Generator) -> NDArray[np.uint8]:
    return rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.fixture
def grey(rng: np.random.Generator) -> NDArray[np.uint8]:
    return rng.integers(0, 256, (20, 30), dtype=np.uint8)


def decoded(path: Path, box: tuple[int, int] | None = None) -> Decoded:
    found = decode_file(str(path), box)
    assert isinstance(found, Decoded), found
    return found


def saved(image: Image.Image, path: Path, **options) -> Decoded:
    image.save(path, **options)
    return decoded(path)


def refused(path: Path, content: bytes | None = None) -> str:
    if content is not None:
        path.write_bytes(content)
    found = decode_file(str(path))
    assert isinstance(found, Refused)
    return found.reason


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.tif", "x.webp", "x.ppm", "x", "x.jpg"])
def test_a_file_has_its_pixels_whatever_its_name(
    tmp_path: Path, photo: NDArray[np.uint8], name: str
) -> None:
    kind = {"x.bmp": "BMP", "x.tif": "TIFF", "x.webp": "WEBP", "x.ppm": "PPM"}.get(name, "PNG")
    found = saved(Image.fromarray(photo), tmp_path / name, format=kind, lossless=True)
    assert (found.pixels == photo).all()
    assert (found.format, found.size, found.frames) == (kind, (20, 30), 1)
    content = (tmp_path / name).read_bytes()
    assert found.digest == hashlib.blake2b(content, digest_size=16).digest()


def test_grey_is_grey_in_any_mode(tmp_path: Path, grey: NDArray[np.uint8]) -> None:
    for mode in ("L", "RGB", "RGBA", "LA"):
        found = saved(Image.fromarray(grey).convert(mode), tmp_path / f"{mode}.png")
        assert found.pixels.shape == (20, 30)
        assert (found.pixels == grey).all()


def test_one_coloured_pixel_makes_colour(tmp_path: Path) -> None:
    pixels = np.full((40, 40, 3), 9, dtype=np.uint8)
    pixels[33, 7, 1] = 10
    assert saved(Image.fromarray(pixels), tmp_path / "x.png").pixels.shape == (40, 40, 3)


@pytest.mark.parametrize("orientation", range(10))
def test_images_stand_upright(tmp_path: Path, photo: NDArray[np.uint8], orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "x.png"
    found = saved(Image.fromarray(photo), path, exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert (found.pixels == expected).all()
    assert found.size == expected.shape[:2]


def test_a_tiff_is_turned_once(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    found = saved(Image.fromarray(photo), tmp_path / "x.tif", tiffinfo={0x0112: 6})
    assert (found.pixels == np.rot90(photo, -1)).all()


def test_damaged_metadata_does_not_cost_the_image(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    found = saved(Image.fromarray(photo), tmp_path / "x.png", exif=b"Exif\0\0MM\0*\xff\xff")
    assert (found.pixels == photo).all()


def test_transparency_shows_mid_grey(tmp_path: Path) -> None:
    image = Image.new("RGBA", (3, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 255, 0))
    image.putpixel((2, 0), (0, 0, 0, 128))
    found = saved(image, tmp_path / "x.png")
    assert found.pixels[0].tolist() == [[255, 0, 0], [128, 128, 128], [64, 64, 64]]


def test_colours_do_not_depend_on_the_bands(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = rng.integers(0, 256, (23, 10, 4), dtype=np.uint8)
    whole = saved(Image.fromarray(pixels), tmp_path / "x.png")
    monkeypatch.setattr(decoder, "_BAND_PIXELS", 55)
    assert (decoded(tmp_path / "x.png").pixels == whole.pixels).all()


def test_a_palette_has_its_colours_and_its_transparency(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 10, 10, 10, 200, 10])
    image.putpixel((1, 0), 1)
    plain = saved(image, tmp_path / "x.png").pixels
    assert plain[0].tolist() == [[200, 10, 10], [10, 200, 10]]
    clear = saved(image, tmp_path / "y.gif", transparency=1).pixels
    assert clear[0].tolist() == [[200, 10, 10], [128, 128, 128]]


def test_one_bit_and_cmyk(tmp_path: Path) -> None:
    bits = Image.new("1", (2, 1))
    bits.putpixel((1, 0), 1)
    assert saved(bits, tmp_path / "x.png").pixels.tolist() == [[0, 255]]
    ink = Image.new("CMYK", (2, 1), (0, 255, 255, 0))
    assert saved(ink, tmp_path / "x.tif").pixels[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x.png", np.array([[0, 257, 32896, 65535]], np.uint16)),
        ("x.tif", np.array([[0, 257, 32896, 65535]], np.uint16)),
        ("x.tif", np.array([[-5, 0, 2**31 - 1]], np.int32)),
        ("x.tif", np.array([[-0.5, 0, 7.5e5]], np.float32)),
    ],
)
def test_values_stay_as_deep_as_they_are(tmp_path: Path, name: str, values: NDArray) -> None:
    found = saved(Image.fromarray(values), tmp_path / name)
    assert found.pixels.dtype == values.dtype
    assert (found.pixels == values).all()
    # Big-endian files have the same values.
    big = Image.frombytes("I;16B", (4, 1), np.array([[0, 257, 32896, 65535]], ">u2").tobytes())
    assert saved(big, tmp_path / "big.tif").pixels.tolist() == [[0, 257, 32896, 65535]]


def test_values_that_are_not_finite_do_not_spread(tmp_path: Path) -> None:
    values = np.full((200, 100), 5, np.float32)
    values[:50], values[150] = np.nan, np.inf
    Image.fromarray(values).save(tmp_path / "x.tif")
    assert np.isnan(decoded(tmp_path / "x.tif").pixels[:50]).all()
    small = decoded(tmp_path / "x.tif", (50, 50)).pixels
    assert small.shape == (50, 25)
    assert np.isnan(small[:12]).all()
    assert (small[13:37] == 5).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_a_box_reduces_and_never_enlarges(tmp_path: Path, dtype: type) -> None:
    values = np.zeros((200, 100), dtype)
    values[:, 50:] = 200
    path = tmp_path / "x.tif"
    Image.fromarray(values).save(path)
    small = decoded(path, (50, 50))
    assert small.size == (200, 100)
    assert small.pixels.shape == (50, 25)
    assert small.pixels.dtype == dtype
    if dtype != np.uint8:
        assert (small.pixels.min(), small.pixels.max()) == (0, 200)
    assert decoded(path, (500, 500)).pixels.shape == (200, 100)
    assert fitted(np.zeros((1000, 1, 3), np.uint8), (10, 10)).shape == (10, 1, 3)


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "x.jpg"
    Image.new("RGB", (1600, 800), (200, 10, 10)).save(path, exif=exif)
    sizes = []
    original = decoder._pixels
    monkeypatch.setattr(
        decoder, "_pixels", lambda image: (sizes.append(image.size), original(image))[1]
    )
    found = decoded(path, (100, 100))
    assert sizes == [(400, 200)]
    assert found.size == (1600, 800)
    assert found.pixels.shape == (100, 50, 3)


def test_pages_and_frames_are_counted_and_the_first_is_decoded(
    tmp_path: Path, grey: NDArray[np.uint8]
) -> None:
    frames = [Image.fromarray(grey), Image.fromarray(255 - grey), Image.fromarray(grey[::-1])]
    for name in ("x.gif", "x.tif", "x.png", "x.webp"):
        options = {"lossless": True} if name == "x.webp" else {}
        found = saved(
            frames[0], tmp_path / name, save_all=True, append_images=frames[1:], **options
        )
        assert found.frames == 3
        assert (found.pixels == grey).all()


def test_the_preview_in_a_phone_photo_is_not_a_page(tmp_path: Path) -> None:
    image = Image.new("RGB", (20, 20))
    found = saved(
        image, tmp_path / "x.jpg", format="MPO", save_all=True, append_images=[image.resize((5, 5))]
    )
    assert (found.format, found.frames) == ("MPO", 1)


@pytest.mark.usefixtures("bounded")
def test_only_regular_files_are_opened_and_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert refused(tmp_path / "pipe.png") == "it is a pipe, not an ordinary file"
    (tmp_path / "x.png").symlink_to("/dev/zero")
    assert refused(tmp_path / "x.png") == "it is a device, not an ordinary file"
    assert refused(tmp_path) == "it is a directory, not an ordinary file"
    missing = decode_file(str(tmp_path / "missing.png"))
    assert missing == Refused("No such file or directory", lasting=False)


def test_a_file_that_changes_meanwhile_is_refused(
    tmp_path: Path, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.png"
    Image.fromarray(photo).save(path)
    original = decoder.OpenImage._decode

    def changing(*arguments):
        found = original(*arguments)
        with path.open("ab") as file:
            file.write(b"!")
        return found

    monkeypatch.setattr(decoder.OpenImage, "_decode", changing)
    assert decode_file(str(path)) == Refused("changed while it was read", lasting=False)


def test_the_size_is_checked_before_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "_pixels", None)
    for width, height in ((20_000, 20_000), (10_001, 10_000)):
        content = png(width, height, share=0.001)
        assert refused(tmp_path / "x.png", content) == "more than 100 megapixels"


def test_the_size_inside_an_icon_counts(tmp_path: Path) -> None:
    assert refused(tmp_path / "x.ico", ico(png(14_000, 14_000, share=0.001))) == (
        "more than 100 megapixels"
    )


def test_a_large_image_waits_for_its_turn(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(png(5000, 4000))
    with pytest.raises(NeedsMoreMemory):
        decode_file(str(path), may_be_large=False)
    assert decoded(path, (96, 96)).size == (4000, 5000)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"hello\nworld\xc3\xa9\n", "text, not an image"),
        (b"\0\1\2\3" * 9, "not an image of a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "EPS drawing, .*Ghostscript.*PNG"),
        (b"%PDF-1.7\n", "PDF document: convert its pages to PNG"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "SVG drawing: convert it to PNG"),
        (b"<!DOCTYPE html><title>", "web page"),
        (b"\xff\x0a\x7a\x7f", "JPEG XL image, which is not supported"),
        (b"\0\0\0\x18ftypheic\0\0\0\0damaged", "HEIC image"),
        (b"\0\0\0\x18ftypavif\0\0\0\0damaged", "AVIF image"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "video: save its frames"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer: .*git lfs pull"),
        (b"PK\3\4\x14", "ZIP archive"),
        (b"BMW and other makes\n", "text, not an image"),
        (b"BM: a bill of materials for the second floor\n", "text, not an image"),
        (b"BM" + bytes(60), "not an image of a known format"),
        (b"BM" + bytes(8) + b"\x36\0\0\0\x28\0\0\0", "BMP image, cut short"),
        (b"BM" + bytes(12) + b"\x28" + bytes(39), "BMP image that is not supported .*depth"),
        (b"GIF8 is a format\n", "text, not an image"),
        (b"icns and other icons\n", "text, not an image"),
        (b"8BPS begins a PSD\n", "text, not an image"),
        (b"\xd7\xcd\xc6\x9a\0\0", "Windows metafile: convert it to PNG"),
        (b"\1\0\0\0" + bytes(36) + b" EMF", "Windows metafile"),
        (b"DDS \x7c\0\0\0" + bytes(120), "(damaged )?DDS image"),
        (b"DDS is short for a dentist\n", "text, not an image"),
        (b"%PDFs and %!PSs\n", "text, not an image"),
        (b"We like WEBP images\n", "text, not an image"),
        (b"We like AVI files\n", "text, not an image"),
        (b"The ftypavif box\n", "text, not an image"),
        (b"\xd7 and \1\0\0\0 are no metafiles EMF", "not an image of a known format"),
        (b"\x1f\x8b\0\0", "not an image of a known format"),
        (b"\0\0\1\0\0\0", "not an image of a known format"),
        (b"\x93NUMPY\1\0", "NumPy array: open this file"),
    ],
)
def test_a_file_is_named_for_what_it_begins_like(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    found = refused(tmp_path / "x.png", content)
    assert re.match(reason, found), found


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF", "WEBP", "JPEG", "BMP"])
def test_half_an_image_says_which_format_is_cut_short(
    tmp_path: Path, photo: NDArray[np.uint8], kind: str
) -> None:
    path = tmp_path / "x"
    Image.fromarray(photo).save(path, kind)
    reason = refused(path, path.read_bytes()[: path.stat().st_size // 2]).lower()
    assert kind.lower() in reason
    assert "cut short" in reason or "damaged" in reason


def test_a_format_that_pillow_was_built_without_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda feature: feature != "webp")
    reason = why_not_opened(b"RIFF\0\0\0\0WEBPVP8 ")
    assert reason == "WebP image, which this build of Pillow cannot read: upgrade Pillow"
    assert why_not_opened(b"II*\0") == "TIFF image, damaged, cut short or not supported"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            "HEIC image, which needs pillow-heif: pip install 'tuilabel[heic]'",
        ),
        (
            b"II*\0" + bytes(124) + b"DICM",
            "DICOM image, which needs pydicom: pip install 'tuilabel[dicom]'",
        ),
        (
            b"SIMPLE  =                    T",
            "FITS image, which needs astropy: pip install 'tuilabel[fits]'",
        ),
    ],
)
def test_a_format_that_needs_an_extra_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, reason: str
) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    decoder._formats.cache_clear()
    without = decoder_version()
    assert refused(tmp_path / "x.png", content) == reason
    decoder._formats.cache_clear()
    (package,) = re.findall("needs ([a-z-]+)", reason)
    module = package.replace("-", "_")
    monkeypatch.setattr(formats, "find_spec", lambda name: name == module)
    assert decoder_version() != without, "what was refused is tried again"


def test_heic_is_read_with_its_extra(tmp_path: Path, grey: NDArray[np.uint8]) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    image = Image.fromarray(grey).convert("RGB")
    pillow_heif.from_pillow(image).save(tmp_path / "x.heic")
    assert decoded(tmp_path / "x.heic").size == grey.shape


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (resource.RLIM_INFINITY, "there is not enough memory to decode it"),
        (2**31, "decoding it takes more than the limit of 2 GB of memory"),
        (1_500_000 * 1024, "decoding it takes more than the limit of 1.4 GB of memory"),
    ],
)
def test_a_decoder_without_memory_is_no_damage(
    tmp_path: Path,
    photo: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
    said: str,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    path = tmp_path / "x.png"
    Image.fromarray(photo).save(path)
    for error in (MemoryError(), OSError("out of memory error when reading image file")):

        def fail(image: Image.Image, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(decoder, "_pixels", fail)
        with pytest.raises(NeedsMoreMemory):
            decode_file(str(path), may_be_large=False)
        found = decode_file(str(path))
        assert found == Refused(f"too large: {said}", lasting=False)


def test_damage_found_with_little_memory_is_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(png(100, 100, share=0.5))
    for limit in (resource.RLIM_INFINITY, MEMORY, MEMORY - 1):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        is_enough = limit != MEMORY - 1
        assert decode_file(str(path)) == Refused("PNG image, cut short", lasting=is_enough)


def test_any_damage_is_an_image_or_a_reason(
    tmp_path: Path, photo: NDArray[np.uint8], rng: np.random.Generator
) -> None:
    path = tmp_path / "x"
    reasons = set()
    for kind in ("PNG", "GIF", "TIFF", "WEBP", "JPEG", "BMP"):
        Image.fromarray(photo[:6, :6]).save(path, kind)
        whole = path.read_bytes()
        for _ in range(60):
            data = bytearray(whole)
            for position in rng.integers(0, len(data), 3):
                data[position] = rng.integers(256)
            path.write_bytes(data)
            found = decode_file(str(path), (96, 96))
            if isinstance(found, Refused):
                reasons.add(found.reason)
                assert len(found.reason) <= 120
                assert found.reason.isprintable()
    assert reasons
