"""Decoding of an image file, hostile or not, into pixels, an item id and a thumbnail."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tuilabel.data import item_ids
from tuilabel.data.window import Window, is_deep, sketch, window_of
from tuilabel.text import inert

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 100_000_000
MAX_THUMBNAIL_SIDE = 96
MODEL_SIDE = 32
MAX_EXACT_SIDE = 64
"""Largest side of images of one shape that models see as they are."""

# Decoding takes some 8 bytes for each pixel: images above this size are decoded one at a time.
_LARGE_PIXELS = 16_000_000
_BAND_PIXELS = 2**20
_one_large_image = threading.Lock()

# Transparent parts show mid grey: neither a black nor a white drawing disappears on it.
_BACKGROUND = (128, 128, 128, 255)
_ORIENTATION_TAG = 0x0112


class UnreadableImageError(Exception):
    """An image file to skip; the message is the reason in a few words.

    Attributes
    ----------
    lasting : bool
        Whether the content of the file is the reason, so that reading it again would fail too.
    """

    def __init__(self, reason: str, *, lasting: bool = True) -> None:
        super().__init__(reason)
        self.lasting = lasting


@dataclass(frozen=True, eq=False)
class ReducedImage:
    """The parts of one image file that the cache keeps.

    Attributes
    ----------
    digest : bytes
        The item id as 16 bytes: a hash of the file's bytes.
    thumbnail : uint8 array of shape (h, w) or (h, w, 3)
        At most 96 pixels a side; grey if every pixel is.
    letterbox : uint8 array of shape (32, 32) or (32, 32, 3)
        The thumbnail as models see it.
    window : Window or None
        The window through which the values are seen; None for an 8-bit image.
    """

    digest: bytes
    thumbnail: NDArray[np.uint8]
    letterbox: NDArray[np.uint8]
    window: Window | None = None


def reduce_image_file(
    path: Path, window: Window | None = None
) -> ReducedImage | NDArray[np.float64]:
    """Hash an image file, decode its first frame, upright, and reduce it.

    Parameters
    ----------
    path : Path
    window : Window, optional
        For images of more than 8 bits.

    Returns
    -------
    ReducedImage, or float64 array
        Without a window, the sketch of an image that needs one; see `tuilabel.data.window`.

    Raises
    ------
    UnreadableImageError
        As for `read_image_file`.
    """

    def reduced(values: NDArray[Any], digest: bytes) -> ReducedImage | NDArray[np.float64]:
        if not is_deep(values):
            small = thumbnail(values)
            return ReducedImage(digest, small, letterbox(small))
        if window is None:
            return sketch(values)
        small = thumbnail(window.apply(values))
        return ReducedImage(digest, small, letterbox(small), window)

    return _decoded(path, reduced)


def read_image_file(
    path: Path, digest: bytes | None = None, window: Window | None = None
) -> NDArray[np.uint8]:
    """Decode the first frame of an image file, upright and at full size.

    The size is checked before anything is decoded. Transparent parts are laid over mid grey.
    Colours become RGB. Grey values of more than 8 bits are seen through a window.

    Parameters
    ----------
    path : Path
    digest : bytes, optional
        Hash that the file must have.
    window : Window, optional
        By default that of this image alone.

    Returns
    -------
    uint8 array of shape (H, W) or (H, W, 3)

    Raises
    ------
    UnreadableImageError
        If the file is not an image, is cut short or damaged, declares over 100 megapixels, or is
        another file than the hash says.
    """

    def checked(values: NDArray[Any], found: bytes) -> NDArray[np.uint8]:
        if digest not in (None, found):
            raise UnreadableImageError("its content has changed")
        return (window or window_of([sketch(values)])).apply(values) if is_deep(values) else values

    return _decoded(path, checked)


_Made = TypeVar("_Made")


def _decoded(path: Path, make: Callable[[NDArray[Any], bytes], _Made]) -> _Made:
    """Decode an image file, one large image at a time, and return the result of `make`.

    `make` gets the values as stored and the hash of the file, both from one open file: another may
    take its name meanwhile.
    """
    from PIL import Image

    formats = _safe_formats()
    try:
        with path.open("rb") as file:
            digest = item_ids.file_digest(file)
            file.seek(0)
            with Image.open(file, formats=formats) as image:
                count = image.width * image.height
                if count > MAX_PIXELS:
                    raise UnreadableImageError(
                        f"{image.width}x{image.height} pixels are more than {MAX_PIXELS}"
                    )
                with _one_large_image if count > _LARGE_PIXELS else nullcontext():
                    image.load()
                    values = _values(image)
                    # Close the decoder's copy first, so that at most two full-size copies exist.
                    image.close()
                    return make(values, digest)
    except UnreadableImageError:
        raise
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(f"more than {MAX_PIXELS} pixels") from error
    # Hostile bytes make Pillow's decoders raise exceptions of almost any class.
    except Exception as error:
        system = isinstance(error, OSError) and error.errno is not None
        raise UnreadableImageError(
            _reason(error), lasting=not system and not isinstance(error, MemoryError)
        ) from error


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce an image to at most 96 pixels a side; a smaller one stays as it is.

    Parameters
    ----------
    pixels : uint8 array of shape (H, W) or (H, W, 3)

    Returns
    -------
    uint8 array of shape (h, w) or (h, w, 3)
    """
    if max(pixels.shape[:2]) <= MAX_THUMBNAIL_SIDE:
        return pixels
    return _resized(pixels, MAX_THUMBNAIL_SIDE)


def letterbox(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fit an image into a square of 32 pixels, aspect ratio kept, centred on black.

    Parameters
    ----------
    pixels : uint8 array of shape (H, W) or (H, W, 3)

    Returns
    -------
    uint8 array of shape (32, 32) or (32, 32, 3)
    """
    fitted = _resized(pixels, MODEL_SIDE)
    height, width = fitted.shape[:2]
    top, left = (MODEL_SIDE - height) // 2, (MODEL_SIDE - width) // 2
    square = np.zeros((MODEL_SIDE, MODEL_SIDE, *fitted.shape[2:]), dtype=np.uint8)
    square[top : top + height, left : left + width] = fitted
    return square


def _resized(pixels: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = longest / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))


@cache
def _safe_formats() -> tuple[str, ...]:
    """Set Pillow up and return the formats it may open."""
    from PIL import Image

    Image.init()
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    # Warnings would be printed over the screen. Serious problems raise or are checked anyway.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    # Pillow runs another program, Ghostscript, on EPS: too dangerous for untrusted files.
    return tuple(name for name in Image.ID if name != "EPS")


def _values(image: Image.Image) -> NDArray[Any]:
    """Return the upright values of a decoded image: (H, W) if all are grey, else (H, W, 3)."""
    orientation = _orientation(image)
    pixels: NDArray[Any]
    if image.mode.startswith(("I", "F")):
        pixels = np.asarray(image)
    elif image.mode in ("1", "L") and not image.has_transparency_data:
        pixels = np.asarray(image.convert("L"))
    else:
        pixels = _colours(image)
        if _is_grey(pixels[::16, ::16]) and _is_grey(pixels):
            pixels = pixels[..., 0]
    return np.ascontiguousarray(_upright(pixels, orientation))


def _colours(image: Image.Image) -> NDArray[np.uint8]:
    """Convert any mode to RGB without transparency, in bands to save memory."""
    from PIL import Image

    width, height = image.size
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = image.crop((0, top, width, bottom))
        if band.has_transparency_data:
            below = Image.new("RGBA", band.size, _BACKGROUND)
            band = Image.alpha_composite(below, band.convert("RGBA"))
        pixels[top:bottom] = np.asarray(band.convert("RGB"))
    return pixels


def _is_grey(pixels: NDArray[np.uint8]) -> bool:
    red, green, blue = np.moveaxis(pixels, -1, 0)
    return bool((red == green).all() and (green == blue).all())


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    # Damaged metadata does not make the pixels unreadable: the image stays as it is stored.
    except Exception:  # noqa: BLE001
        return 1


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo an EXIF orientation from 1 to 8; ignore any other value."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return inert(str(error), 60) or type(error).__name__
