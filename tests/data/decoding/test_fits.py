from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tuilabel.data.decoding import Decoded, Refused, decoder
from tuilabel.data.decoding.decoder import decode_file
from tuilabel.data.decoding.values import NeedsMoreMemory
from tuilabel.data.region import WHOLE

fits = pytest.importorskip("astropy.io.fits", reason="needs astropy: pip install -e '.[fits]'")


@pytest.fixture(autouse=True)
def process() -> None:
    decoder.set_up()


def fits_file(*images: NDArray[Any] | None, **cards: Any) -> bytes:
    """Return a FITS file with an image in each unit; None for one without values."""
    units = [fits.PrimaryHDU(images[0]), *map(fits.ImageHDU, images[1:])]
    for name, value in cards.items():
        units[-1].header[name.replace("_", "-")] = value
    file = BytesIO()
    fits.HDUList(units).writeto(file, output_verify="silentfix")
    return file.getvalue()


def decoded(path: Path, content: bytes, **how: Any) -> Decoded:
    path.write_bytes(content)
    found = decode_file(str(path), **how)
    assert isinstance(found, Decoded), found
    return found


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    found = decode_file(str(path))
    assert isinstance(found, Refused)
    return found.reason


@pytest.mark.parametrize(
    ("stored", "seen"),
    [
        ("u1", "u1"),
        ("i2", "i2"),
        ("u2", "u2"),
        ("i4", "i4"),
        ("u4", "f4"),
        ("i8", "f4"),
        ("f4", "f4"),
        ("f8", "f4"),
    ],
)
def test_values_are_those_that_are_stored_from_the_bottom(
    tmp_path: Path, stored: str, seen: str
) -> None:
    values = np.arange(60).reshape(6, 10).astype(stored)
    found = decoded(tmp_path / "x.fits", fits_file(values))
    assert (found.format, found.size, found.frames) == ("FITS", (6, 10), 1)
    assert found.pixels.dtype == np.dtype(seen)
    assert (found.pixels == values[::-1]).all()


def test_values_are_scaled_and_blank_ones_are_nan(tmp_path: Path) -> None:
    values = np.array([[1, 2, -1]], np.int16)
    content = fits_file(values, BSCALE=0.5, BZERO=10.0, BLANK=-1)
    found = decoded(tmp_path / "x.fits", content).pixels
    assert found.dtype == np.float32
    assert found[0, :2].tolist() == [10.5, 11]
    assert np.isnan(found[0, 2])


def test_nan_stays_nan(tmp_path: Path) -> None:
    values = np.array([[1, np.nan], [np.inf, 2]], np.float32)
    found = decoded(tmp_path / "x.fits", fits_file(values)).pixels
    assert np.array_equal(found, values[::-1], equal_nan=True)


def test_the_first_image_is_decoded_and_the_others_are_counted(tmp_path: Path) -> None:
    cube = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    found = decoded(tmp_path / "x.fits", fits_file(None, cube, cube[0] + 100))
    assert found.frames == 3
    assert (found.pixels == cube[0, ::-1]).all()


def test_planes_are_parts(tmp_path: Path) -> None:
    cube = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    path = tmp_path / "x.fits"
    path.write_bytes(fits_file(None, cube, cube[0] + 100))
    with decoder.OpenImage(str(path)) as image:
        for number, plane in enumerate([*cube, cube[0] + 100], start=1):
            found = image.decode(f"frame={number}", None, None, may_be_large=True)
            assert isinstance(found, Decoded)
            assert (found.pixels == plane[::-1]).all()
        missing = image.decode("frame=4", None, None, may_be_large=True)
    assert missing == Refused("it has no page or frame 4")


def test_a_compressed_image_is_read(tmp_path: Path) -> None:
    values = np.arange(4096, dtype=np.int16).reshape(64, 64)
    file = BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(values)]).writeto(file)
    assert (decoded(tmp_path / "x.fits", file.getvalue()).pixels == values[::-1]).all()


def test_facts_come_with_a_region(tmp_path: Path) -> None:
    content = fits_file(np.zeros((2, 2), np.float32), OBJECT="M 31", EXPTIME=30.0)
    found = decoded(tmp_path / "x.fits", content, region=WHOLE).facts
    assert found == [("object", "M 31"), ("seconds", "30.0")]


def test_the_size_is_checked_before_decoding(tmp_path: Path) -> None:
    path, content = tmp_path / "x.fits", fits_file(np.zeros((10, 10), np.int16))
    for size, reason in ((20_000, "more than 100 megapixels"), (5_000, "")):
        bomb = content
        for name in (b"NAXIS1", b"NAXIS2"):
            bomb = bomb.replace(name + b"  =                   10", b"%s  = %20d" % (name, size))
        path.write_bytes(bomb)
        if reason:
            assert refused(path, bomb) == reason
        else:
            with pytest.raises(NeedsMoreMemory):
                decode_file(str(path), may_be_large=False)


def test_what_cannot_be_decoded_has_a_reason(tmp_path: Path) -> None:
    path, whole = tmp_path / "x.fits", fits_file(np.zeros((100, 100), np.float32))
    assert "FITS image" in refused(path, whole[:9000])
    assert refused(path, whole[:80]).startswith("damaged FITS image")
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(3))])
    file = BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(file)
    assert refused(path, file.getvalue()) == "FITS file without an image"


def test_no_bytes_stop_the_decoder(tmp_path: Path) -> None:
    whole, rng = fits_file(np.ones((8, 8), np.float32)), np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, 640, 4).tolist():
            damaged[place] = int(rng.integers(256))
        (tmp_path / "x.fits").write_bytes(damaged)
        assert isinstance(decode_file(str(tmp_path / "x.fits")), Decoded | Refused)
