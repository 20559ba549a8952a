"""What a file is by its first bytes, and why it is not read."""

from __future__ import annotations

HEAD_BYTES = 512

_IMAGES = (
    (0, b"\x89PNG", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"GIF8", "GIF"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (8, b"WEBP", "WebP"),
    (0, b"BM", "BMP"),
    (0, b"\0\0\1\0", "ICO"),
    (0, b"icns", "ICNS"),
    (0, b"8BPS", "PSD"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyphe", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (4, b"ftypmsf1", "HEIC"),
)
"""Images that Pillow reads, with all that it can be built with."""

_OTHERS = (
    (0, b"%!PS", "EPS drawing, which needs Ghostscript: convert it to PNG"),
    (0, b"\xc5\xd0\xd3\xc6", "EPS drawing, which needs Ghostscript: convert it to PNG"),
    (0, b"%PDF", "PDF document: convert its pages to PNG"),
    (0, b"\xff\x0a", "JPEG XL image, which is not supported: convert it to PNG"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL image, which is not supported: convert it to PNG"),
    (128, b"DICM", "DICOM file: convert it to 16-bit PNG"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR image, which is not supported: convert it to TIFF"),
    (4, b"ftypcrx", "camera raw file: convert it to TIFF"),
    (0, b"FUJIFILMCCD-RAW", "camera raw file: convert it to TIFF"),
    (4, b"ftyp", "video: save its frames as images"),
    (0, b"\x1a\x45\xdf\xa3", "video: save its frames as images"),
    (8, b"AVI ", "video: save its frames as images"),
    (0, b"\x93NUMPY", "NumPy array: open this file instead of its folder"),
    (0, b"\x89HDF", "HDF5 file: save its images as .npz"),
    (0, b"PK\3\4", "ZIP archive (or .npz): unpack it, or open it instead of its folder"),
    (0, b"\x1f\x8b", "gzip file: unpack it"),
    (0, b"version https://git-lfs", "Git LFS pointer: fetch the image with `git lfs pull`"),
)

_FEATURES = {"WebP": "webp", "JPEG 2000": "jpg_2000", "AVIF": "avif", "TIFF": "libtiff"}


def image_format(head: bytes) -> str | None:
    """Return the name of the image format that a file begins like; None for none."""
    return _first(_IMAGES, head)


def why_not_opened(head: bytes) -> str:
    """Return why Pillow does not recognise a file, in a few words.

    Parameters
    ----------
    head : bytes
        Its first `HEAD_BYTES`.
    """
    if not head:
        return "empty file"
    name = image_format(head)
    if name == "HEIC":
        return "HEIC image, which needs pillow-heif: pip install 'tuilabel[heif]'"
    if name is not None:
        from PIL import features

        if name in _FEATURES and not features.check(_FEATURES[name]):
            return f"{name} image, which this build of Pillow cannot read: upgrade Pillow"
        return f"{name} image, damaged or cut short"
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
    # Some decoders only return the number of an error.
    found = f" ({message})" if any(map(str.isalpha, message)) else ""
    return f"damaged {name} image{found}"


def _first(table: tuple[tuple[int, bytes, str], ...], head: bytes) -> str | None:
    return next((name for at, magic, name in table if head.startswith(magic, at)), None)


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", "ignore")
    # A character may be cut at the end.
    whole = len(text.encode()) > len(head) - 4
    return whole and all(char.isprintable() or char.isspace() for char in text)
