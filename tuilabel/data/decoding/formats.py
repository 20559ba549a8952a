"""What a file is by its first bytes, and why it is not read."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import NamedTuple

HEAD_BYTES = 512

_BMP_HEADERS = rb"[\x0c\x10\x28\x34\x38\x40\x6c\x7c]"
"""Sizes of the known second headers of a BMP."""

_IMAGES = (
    # Its first 128 bytes may be those of any other format.
    (rb".{128}DICM", "DICOM"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"GIF8[79]a", "GIF"),
    (rb"II[*+]\0|MM\0[*+]", "TIFF"),
    (rb"RIFF.{4}WEBP", "WebP"),
    (rb"BM.{12}" + _BMP_HEADERS + rb"\0\0\0", "BMP"),
    (rb"\0\0\x01\0[^\0]", "ICO"),
    (rb"icns\0", "ICNS"),
    (rb"8BPS\0", "PSD"),
    (rb"DDS \x7c\0\0\0", "DDS"),
    (rb"qoif.{8}[\x03\x04][\x00\x01]", "QOI"),
    (rb"BLP[12].{3}\0", "BLP"),
    (rb"\x01\xda[\x00\x01][\x01\x02]", "SGI"),
    (rb"\x59\xa6\x6a\x95", "Sun raster"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"\0.{3}ftypavi", "AVIF"),
    (rb"\0.{3}ftyp(he|mif1|msf1)", "HEIC"),
    (rb"SIMPLE  = {1,20}T", "FITS"),
)
"""Images that are read, with all that Pillow can be built with, and how their files begin.

A few letters alone could begin any text.
"""

_OTHERS = (
    (rb"%!PS-|\xc5\xd0\xd3\xc6", "EPS drawing, which needs Ghostscript: convert it to PNG"),
    (rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", "Windows metafile: convert it to PNG"),
    (rb"%PDF-", "PDF document: convert its pages to PNG"),
    (
        rb"\xff\x0a|\0\0\0\x0cJXL ",
        "JPEG XL image, which is not supported: convert it to PNG",
    ),
    (rb"\x76\x2f\x31\x01", "OpenEXR image, which is not supported: convert it to TIFF"),
    (rb"\0.{3}ftypcrx|FUJIFILMCCD-RAW", "camera raw file: convert it to TIFF"),
    (rb"\0.{3}ftyp|\x1a\x45\xdf\xa3|RIFF.{4}AVI ", "video: save its frames as images"),
    (rb"PAR1", "Parquet file: open this file instead of its folder, or hf:FOLDER"),
    (rb"\x93NUMPY", "NumPy array: open this file instead of its folder"),
    (rb"\x89HDF\r\n", "HDF5 file: save its images as .npz"),
    (rb"PK\x03\x04", "ZIP archive (or .npz): unpack it, or open it instead of its folder"),
    (rb"\x1f\x8b\x08", "gzip file: unpack it"),
    (rb"version https://git-lfs", "Git LFS pointer: fetch the image with `git lfs pull`"),
)


class Extra(NamedTuple):
    """What a format needs beside Pillow: a module, its package, and an extra of tuilabel."""

    module: str
    package: str
    name: str

    @property
    def is_there(self) -> bool:
        """Whether the module is installed; it is not imported."""
        return find_spec(self.module) is not None

    def needed(self, what: str) -> str:
        """Return that something needs it, and how to install it."""
        return f"{what}, which needs {self.package}: pip install 'tuilabel[{self.name}]'"


EXTRAS = {
    "HEIC": Extra("pillow_heif", "pillow-heif", "heic"),
    "DICOM": Extra("pydicom", "pydicom", "dicom"),
    "FITS": Extra("astropy", "astropy", "fits"),
}
"""Formats that only an installed package reads."""

HF = Extra("pyarrow", "pyarrow", "hf")

_FEATURES = {"WebP": "webp", "JPEG 2000": "jpg_2000", "AVIF": "avif", "TIFF": "libtiff"}


def image_format(head: bytes) -> str | None:
    """Return the name of the image format that a file begins like; None for none."""
    return _first(_IMAGES, head)


def why_not_opened(head: bytes) -> str:
    """Return why a file is not recognised as an image, in a few words.

    Parameters
    ----------
    head : bytes
        Its first `HEAD_BYTES`.
    """
    if not head:
        return "empty file"
    name = image_format(head)
    extra = EXTRAS.get(name or "")
    if extra is not None and not extra.is_there:
        return extra.needed(f"{name} image")
    if name is not None:
        from PIL import features

        if name in _FEATURES and not features.check(_FEATURES[name]):
            return f"{name} image, which this build of Pillow cannot read: upgrade Pillow"
        return f"{name} image, damaged, cut short or not supported"
    other = _first(_OTHERS, head)
    if other is not None:
        return other
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "SVG drawing: convert it to PNG"
    if start.startswith((b"<!doctype html", b"<html")):
        return "web page, not an image"
    return "text, not an image" if _is_text(head) else "not an image of a known format"


def why_not_decoded(name: str, error: Exception) -> str:
    """Return why an image of a known format cannot be decoded, in a few words."""
    message = str(error)
    if isinstance(error, EOFError) or "truncated" in message.lower():
        return f"{name} image, cut short"
    if re.search("unsupported|unimplemented", message, re.IGNORECASE):
        return f"{name} image that is not supported ({message})"
    # Some decoders only return the number of an error.
    found = f" ({message})" if any(map(str.isalpha, message)) else ""
    return f"damaged {name} image{found}"


def _first(table: tuple[tuple[bytes, str], ...], head: bytes) -> str | None:
    return next((name for start, name in table if re.match(start, head, re.DOTALL)), None)


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", "ignore")
    # A character may be cut at the end.
    whole = len(text.encode()) > len(head) - 4
    return whole and all(char.isprintable() or char.isspace() for char in text)
