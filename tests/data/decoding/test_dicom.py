from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tuilabel.data.decoding import Decoded, DecodeService, Refused, decoder
from tuilabel.data.decoding.decoder import decode_file
from tuilabel.data.decoding.values import NeedsMoreMemory
from tuilabel.data.region import WHOLE

pydicom = pytest.importorskip("pydicom", reason="needs pydicom: pip install -e '.[dicom]'")

from pydicom import uid  # noqa: E402
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402

PLAIN, OBJECT = uid.ExplicitVRLittleEndian, uid.SecondaryCaptureImageStorage


@pytest.fixture(autouse=True)
def process() -> None:
    decoder.set_up()


def dicom(values: NDArray[Any], *, syntax: Any = PLAIN, **attributes: Any) -> bytes:
    """Return a DICOM file with an image: (H, W), (frames, H, W), or (H, W, 3) of bytes."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = OBJECT
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.SOPClassUID, dataset.SOPInstanceUID = OBJECT, "1.2.3"
    is_colour = values.ndim == 3 and values.shape[2] == 3
    if values.ndim == 3 and not is_colour:
        dataset.NumberOfFrames = len(values)
    dataset.Rows, dataset.Columns = values.shape[:2] if is_colour else values.shape[-2:]
    dataset.SamplesPerPixel = 3 if is_colour else 1
    dataset.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
    if is_colour:
        dataset.PlanarConfiguration = 0
    bits = 8 * values.dtype.itemsize
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    dataset.PixelData = values.tobytes()
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    for name, value in attributes.items():
        setattr(dataset, name, value)
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
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


@pytest.fixture
def scan(rng: np.random.Generator) -> NDArray[np.int16]:
    return rng.integers(-1000, 3000, (20, 30)).astype(np.int16)


def test_stored_values_are_rescaled(tmp_path: Path, scan: NDArray[np.int16]) -> None:
    path = tmp_path / "x.dcm"
    plain = decoded(path, dicom(scan))
    assert (plain.format, plain.size, plain.frames) == ("DICOM", (20, 30), 1)
    assert plain.pixels.dtype == np.int16
    assert (plain.pixels == scan).all()
    hounsfield = decoded(path, dicom(scan, RescaleSlope=2, RescaleIntercept=-1024)).pixels
    assert (hounsfield == scan.astype(int) * 2 - 1024).all()
    dose = decoded(path, dicom(scan, RescaleSlope="0.5", RescaleIntercept="0.25")).pixels
    assert dose.dtype == np.float32
    assert (dose == scan / 2 + 0.25).all()


def test_larger_values_of_monochrome1_are_darker(tmp_path: Path) -> None:
    path, white = tmp_path / "x.dcm", {"PhotometricInterpretation": "MONOCHROME1"}
    values = np.array([[0, 1, 4095]], np.uint16)
    assert decoded(path, dicom(values, BitsStored=12, HighBit=11, **white)).pixels.tolist() == [
        [4095, 4094, 0]
    ]
    signed = np.array([[-2048, 0, 2047]], np.int16)
    assert decoded(path, dicom(signed, **white)).pixels.tolist() == [[2047, -1, -2048]]
    small = np.array([[0, 255, 7]], np.uint8)
    found = decoded(path, dicom(small, **white)).pixels
    assert (found.dtype, found.tolist()) == (np.uint8, [[255, 0, 248]])


def test_few_bits_are_seen_through_a_window(tmp_path: Path) -> None:
    values = np.array([[0, 5, 15]], np.uint8)
    found = decoded(tmp_path / "x.dcm", dicom(values, BitsStored=4, HighBit=3)).pixels
    assert (found.dtype, found.tolist()) == (np.uint16, [[0, 5, 15]])


def test_colours_have_8_bits(tmp_path: Path, rng: np.random.Generator) -> None:
    photo = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    assert (decoded(tmp_path / "x.dcm", dicom(photo)).pixels == photo).all()
    deep = rng.integers(0, 2**16, (6, 8, 3), dtype=np.uint16)
    assert (decoded(tmp_path / "x.dcm", dicom(deep)).pixels == deep // 256).all()
    grey = np.full((6, 8, 3), 9, np.uint8)
    assert decoded(tmp_path / "x.dcm", dicom(grey)).pixels.shape == (6, 8)


def test_of_several_frames_the_first_is_decoded(tmp_path: Path, scan: NDArray[np.int16]) -> None:
    found = decoded(tmp_path / "x.dcm", dicom(np.stack([scan, scan + 1, scan])))
    assert found.frames == 3
    assert (found.pixels == scan).all()


def test_frames_and_boxes_are_parts(tmp_path: Path, scan: NDArray[np.int16]) -> None:
    path = tmp_path / "x.dcm"
    path.write_bytes(dicom(np.stack([scan, scan + 1])))
    with decoder.OpenImage(str(path)) as image:
        for part, expected in (
            ("frame=1", scan),
            ("frame=2", scan + 1),
            ("xywh=3,4,10,6", scan[4:10, 3:13]),
            ("xywh=percent:50,50,50,50", scan[10:, 15:]),
        ):
            found = image.decode(part, None, None, may_be_large=True)
            assert isinstance(found, Decoded), found
            assert (found.pixels == expected).all()
            assert found.size == expected.shape
        missing = image.decode("frame=3", None, None, may_be_large=True)
    assert missing == Refused("it has no page or frame 3")


def test_facts_come_with_a_region_and_name_no_patient(
    tmp_path: Path, scan: NDArray[np.int16]
) -> None:
    facts = {"Modality": "CT", "PatientName": "Doe^Jane", "SeriesDescription": "\x1b[2Jthorax"}
    content = dicom(scan, **facts, StudyDate="20240229")
    found = decoded(tmp_path / "x.dcm", content, region=WHOLE).facts
    assert found == [("taken", "20240229"), ("kind", "CT"), ("text", "␛[2Jthorax")]
    assert decoded(tmp_path / "x.dcm", content).facts == ()


def test_the_size_is_checked_before_decoding(tmp_path: Path, scan: NDArray[np.int16]) -> None:
    path = tmp_path / "x.dcm"
    assert refused(path, dicom(scan, Rows=20_000, Columns=20_000)) == "more than 100 megapixels"
    path.write_bytes(dicom(scan, Rows=5000, Columns=5000))
    with pytest.raises(NeedsMoreMemory):
        decode_file(str(path), may_be_large=False)


def test_what_cannot_be_decoded_has_a_reason(tmp_path: Path, scan: NDArray[np.int16]) -> None:
    path = tmp_path / "x.dcm"
    whole = dicom(scan)
    assert "DICOM image" in refused(path, whole[: len(whole) // 2])
    assert refused(path, bytes(128) + b"DICM") == "DICOM file without an image"
    assert refused(path, dicom(scan, Rows=None)) == "DICOM file without an image"
    syntax, lossless = PLAIN.encode() + b"\0", uid.JPEGLSLossless.encode()
    assert len(syntax) < len(lossless) <= 22
    longer = whole.replace(
        b"UI" + len(syntax).to_bytes(2, "little") + syntax,
        b"UI" + (22).to_bytes(2, "little") + lossless.ljust(22, b"\0"),
    )
    reason = "DICOM image that is not supported (unsupported or damaged: JPEG-LS Lossless"
    assert refused(path, longer).startswith(reason)


def test_a_deflated_file_is_read(tmp_path: Path, scan: NDArray[np.int16]) -> None:
    content = dicom(scan, syntax=uid.DeflatedExplicitVRLittleEndian)
    assert (decoded(tmp_path / "x.dcm", content).pixels == scan).all()


def test_run_lengths_are_read(tmp_path: Path, scan: NDArray[np.int16]) -> None:
    dataset = pydicom.dcmread(BytesIO(dicom(scan)))
    dataset.compress(uid.RLELossless)
    file = BytesIO()
    dataset.save_as(file)
    assert (decoded(tmp_path / "x.dcm", file.getvalue()).pixels == scan).all()


def test_no_bytes_stop_the_decoder(tmp_path: Path, scan: NDArray[np.int16]) -> None:
    whole, rng = dicom(scan), np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(132, len(whole) - scan.nbytes, 4).tolist():
            damaged[place] = int(rng.integers(256))
        (tmp_path / "x.dcm").write_bytes(damaged)
        assert isinstance(decode_file(str(tmp_path / "x.dcm")), Decoded | Refused)


def test_a_bomb_is_refused(tmp_path: Path, decoders: DecodeService) -> None:
    # Deflated, three gigabytes take three megabytes.
    content = dicom(np.zeros((10, 10), np.uint8), syntax=uid.DeflatedExplicitVRLittleEndian)
    start = content.index(b"DICM") + 4
    length = int.from_bytes(content[start + 8 : start + 12], "little")
    head = content[: start + 12 + length]
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(2**24)) + packer.flush(zlib.Z_FULL_FLUSH)
    body = block * (3 * 64) + packer.flush()
    (tmp_path / "x.dcm").write_bytes(head + body)
    found = decoders.decode(tmp_path / "x.dcm")
    assert isinstance(found, Refused)
    assert found.reason.startswith(("too large", "damaged DICOM"))
