"""Decoding of DICOM files with pydicom: stored values, rescaled; larger ones are brighter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from io import BufferedReader, BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.decoding.facts import shown_facts
from tuilabel.data.decoding.values import CheckSize, NoImage, Stored

# Products of 16 bits with these are whole numbers of 32 bits.
_MOST_WHOLE = 2**14

# PS3.6: names of attributes, and the words of facts. Nothing that names the patient.
_FACTS = {
    "StudyDate": "taken",
    "Modality": "kind",
    "BodyPartExamined": "part",
    "ViewPosition": "view",
    "ManufacturerModelName": "device",
    "SeriesDescription": "text",
}


def read_dicom(file: BufferedReader | BytesIO, number: int, check_size: CheckSize) -> Stored:
    """Decode a frame of a DICOM file.

    Values are those that are stored, after rescale slope and intercept, such as Hounsfield units.
    MONOCHROME1, whose larger values are darker, is turned round within the range of the stored
    bits, so that images of both kinds can be compared.

    Parameters
    ----------
    file : binary file
        At its start.
    number : int
        From 1.
    check_size : callable
        Raises an error for a height and width that are too large.

    Raises
    ------
    NoImage
        The file has none.
    EOFError
        It has fewer frames.
    ValueError
        It cannot be decoded; the message is a few words.
    """
    from pydicom import dcmread
    from pydicom.pixels.utils import pixel_array

    head = dcmread(file, stop_before_pixels=True)
    if not head.get("Rows") or not head.get("Columns"):
        raise NoImage
    check_size(int(head.Rows), int(head.Columns))
    frames = int(head.get("NumberOfFrames") or 1)
    if number > frames:
        raise EOFError
    syntax = head.file_meta.TransferSyntaxUID
    file.seek(0)
    if syntax.is_deflated:
        values = pixel_array(dcmread(file), index=number - 1)
    elif syntax.is_compressed:
        values = _decompressed(file, number, syntax)
    else:
        values = pixel_array(file, index=number - 1)
    return Stored(_shown(values, head), frames, shown_facts(_facts(head)))


def _decompressed(file: BufferedReader | BytesIO, number: int, syntax: Any) -> NDArray[Any]:
    from pydicom.pixels.utils import pixel_array

    try:
        values: NDArray[Any] = pixel_array(file, index=number - 1)
        return values
    # Of a codec that is missing, or refuses this image.
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError(f"unsupported or damaged: {syntax.name}") from error


def _shown(values: NDArray[Any], head: Any) -> NDArray[Any]:
    kind, bits = str(head.PhotometricInterpretation), int(head.BitsStored)
    if kind == "PALETTE COLOR":
        from pydicom.pixels.processing import apply_color_lut

        values = apply_color_lut(values, head)
        bits = 8 * values.dtype.itemsize
    if values.ndim == 3:
        return (values[..., :3] >> (bits - 8)).astype(np.uint8)
    if kind == "MONOCHROME1":
        values = ~values
        if values.dtype.kind == "u":
            values &= values.dtype.type(2**bits - 1)
    if values.dtype == np.uint8 and bits != 8:
        # So few bits are seen through a window, as more than 8 are.
        values = values.astype(np.uint16)
    return _rescaled(values, head)


def _rescaled(values: NDArray[Any], head: Any) -> NDArray[Any]:
    slope = float(head.get("RescaleSlope") or 1)
    intercept = float(head.get("RescaleIntercept") or 0)
    if (slope, intercept) == (1, 0):
        return values
    is_whole = slope.is_integer() and intercept.is_integer() and values.dtype.itemsize <= 2
    if is_whole and max(abs(slope), abs(intercept)) < _MOST_WHOLE:
        return values.astype(np.int32) * np.int32(slope) + np.int32(intercept)
    return values.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def _facts(head: Any) -> Iterator[tuple[str, Callable[[], str]]]:
    for name, word in _FACTS.items():
        if name in head:
            yield word, partial(_text, head, name)


def _text(head: Any, name: str) -> str:
    return str(head.get(name))
