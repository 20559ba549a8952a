"""A region of an image file, reduced to a box, and what its metadata says."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from tuilabel.data.decoding import Decoded, DecodeService, decoder
from tuilabel.data.decoding.decoder import decode_file
from tuilabel.data.decoding.facts import facts_of
from tuilabel.data.region import WHOLE, Region
from tuilabel.text import inert

BOTTOM_LEFT = Region(0.0, 0.5, 0.5, 1.0)


@pytest.fixture(autouse=True)
def process() -> None:
    """Set this process up like a child; pytest resets the filters of warnings."""
    decoder.set_up()


def smooth(height: int, width: int) -> Image.Image:
    """Return an image in which every place has a colour of its own."""
    y, x = np.mgrid[0:height, 0:width]
    values = np.stack([x * 255 / width, y * 255 / height, np.full_like(x, 99)], axis=-1)
    return Image.fromarray(values.astype(np.uint8))


def part(path: Path, box: tuple[int, int], region: Region) -> Decoded:
    found = decode_file(str(path), box, region)
    assert isinstance(found, Decoded), found
    return found


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["x.jpg", "x.png"])
def test_a_region_is_cut_from_the_upright_image(
    tmp_path: Path, name: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / name
    smooth(800, 1200).save(path, exif=exif)
    with Image.open(path) as image:
        upright = np.asarray(ImageOps.exif_transpose(image)).astype(int)
    height, width = upright.shape[:2]
    found = part(path, (50, 50), BOTTOM_LEFT)
    expected = upright[height // 2 :, : width // 2].mean(axis=(0, 1))
    assert found.size == (height, width)
    assert max(found.pixels.shape) == 50
    assert np.abs(found.pixels.mean(axis=(0, 1)) - expected).max() < 2
    corner = found.pixels[-1, 0].astype(int)
    assert np.abs(corner - upright[-1, 0]).max() < 8, "it is the bottom left corner"


def test_a_small_region_comes_in_stored_pixels(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    smooth(64, 128).save(path)
    with Image.open(path) as image:
        stored = np.asarray(image)
    found = part(path, (500, 500), Region(0.25, 0.25, 0.375, 0.5))
    assert (found.pixels == stored[16:32, 32:48]).all()


def test_a_jpeg_is_decoded_no_larger_than_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    original = decoder._pixels

    def seen(image: Image.Image):
        sizes.append(image.size)
        return original(image)

    monkeypatch.setattr(decoder, "_pixels", seen)
    path = tmp_path / "x.jpg"
    smooth(1600, 2400).save(path)
    assert part(path, (160, 150), WHOLE).pixels.shape == (107, 160, 3)
    assert part(path, (160, 150), BOTTOM_LEFT).pixels.shape == (107, 160, 3)
    part(path, (1000, 1000), BOTTOM_LEFT)
    assert sizes == [(600, 400), (1200, 800), (2400, 1600)]


def test_a_thumbnail_is_decoded_as_before(tmp_path: Path) -> None:
    # Models see thumbnails: another scale of the decoder would change every feature.
    path = tmp_path / "x.jpg"
    smooth(700, 1000).save(path)
    with Image.open(path) as image:
        assert decoder._draft_size(image.size, image.size, (96, 96), None) == (192, 192)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_every_region_has_a_pixel(sides: list[float]) -> None:
    left, right = sorted(sides[:2])
    top, bottom = sorted(sides[2:])
    pixels = np.zeros((3, 5), np.uint8)
    found = Region(left, top, right, bottom).part(pixels)
    assert found.size
    assert found.base is pixels


def test_the_service_returns_regions_and_facts(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0110] = "Camera \x1b[31m7"
    path = tmp_path / "x.jpg"
    smooth(400, 600).save(path, exif=exif)
    found = DecodeService().decode(path, box=(30, 30), region=BOTTOM_LEFT)
    assert isinstance(found, Decoded)
    assert found.pixels.shape == (20, 30, 3)
    assert found.size == (400, 600)
    assert dict(found.facts)["camera"] == "Camera ␛[31m7"
    plain = DecodeService().decode(path, box=(30, 30))
    assert isinstance(plain, Decoded)
    assert plain.facts == []


def test_facts_are_read_from_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Nikon", "D5"
    details = exif.get_ifd(0x8769)
    details[0x9003], details[0x829A], details[0x829D] = "2024:05:01 10:00:00", 0.004, 2.8
    details[0x8827], details[0x920A] = 400, 35.0
    position = exif.get_ifd(0x8825)
    position[1], position[2] = "S", (1.0, 30.0, 0.0)
    position[3], position[4] = "E", (10.0, 0.0, 36.0)
    path = tmp_path / "x.jpg"
    smooth(40, 60).save(path, exif=exif)
    with Image.open(path) as image:
        assert facts_of(image) == [
            ("taken", "2024-05-01 10:00:00"),
            ("camera", "Nikon D5"),
            ("exposure", "1/250 s, f/2.8, ISO 400, 35 mm"),
            ("position", "-1.50000, 10.01000"),
        ]


@given(
    st.dictionaries(
        st.sampled_from([0x010F, 0x0110, 0x0131, 0x010E, 0x0132]),
        st.one_of(st.text(max_size=2000), st.integers(0, 9), st.binary(max_size=50)),
    ),
    st.binary(max_size=200),
)
def test_hostile_metadata_is_inert_or_left_out(tags: dict[int, object], noise: bytes) -> None:
    image = Image.new("L", (2, 2))
    for tag, value in tags.items():
        image.getexif()[tag] = value
    for _, text in facts_of(image):
        assert text == inert(text, len(text))
        assert len(text) <= 200
    damaged = Image.new("L", (2, 2))
    damaged.info["exif"] = b"Exif\0\0" + noise
    assert all(text == inert(text, len(text)) for _, text in facts_of(damaged))
