"""Decoding of an image file in the process that may die."""

from __future__ import annotations

import os
import resource
import warnings
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from io import BufferedReader
from math import ceil, inf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.decoding.facts import facts_of
from tuilabel.data.decoding.formats import (
    HEAD_BYTES,
    image_format,
    why_not_decoded,
    why_not_opened,
)
from tuilabel.data.decoding.resizing import fitted
from tuilabel.data.decoding.values import LARGE_PIXELS, MAX_PIXELS, MEMORY, Decoded, Refused
from tuilabel.data.item_ids import file_digest
from tuilabel.data.region import Region
from tuilabel.small_files import open_regular
from tuilabel.text import inert

if TYPE_CHECKING:
    from PIL import Image

_VERSION = 1

_BAND_PIXELS = 2**20
_REASON_CHARACTERS = 120

# Pillow runs another program, Ghostscript, on EPS: too dangerous for files from anywhere. It
# recognises the others, but cannot decode them.
_REFUSED_FORMATS = frozenset({"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"})

# Further images in these files are layers and previews, not pages.
_FORMATS_WITHOUT_PAGES = frozenset({"MPO", "PSD"})

_JPEG = frozenset({"JPEG", "MPO"})

# Transparent parts show mid grey: neither a black nor a white drawing disappears on it.
_BACKGROUND = (128, 128, 128, 255)
_ORIENTATION_TAG = 0x0112
_TURNED = (5, 6, 7, 8)


class NeedsMoreMemory(Exception):  # noqa: N818  (it is an answer, not an error)
    """The file takes more memory than images may that are decoded at the same time."""


def decode_file(
    path: str,
    box: tuple[int, int] | None = None,
    region: Region | None = None,
    *,
    may_be_large: bool = True,
) -> Decoded | Refused:
    """Decode the first page or frame of a file, after `set_up`; see `DecodeService.decode`.

    Parameters
    ----------
    path : str
    box : tuple of int, optional
    region : Region, optional
    may_be_large : bool
        Whether an image may have more than `LARGE_PIXELS`.

    Raises
    ------
    NeedsMoreMemory
        It may not be large, but is, or there is not enough memory.
    """
    try:
        descriptor = open_regular(path)
    except OSError as error:
        return Refused(error.strerror or str(error), lasting=False)
    try:
        before = os.fstat(descriptor)
        # Some of Pillow's decoders close the file.
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            found = _decode(file, box, region, may_be_large)
        after = os.fstat(descriptor)
    except OSError as error:
        return Refused(error.strerror or str(error), lasting=False)
    except MemoryError as error:
        if not may_be_large:
            raise NeedsMoreMemory from error
        # Another time there may be more memory, or a higher limit.
        return Refused(f"too large: {_memory_lacking()}", lasting=False)
    finally:
        os.close(descriptor)
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        return Refused("changed while it was read", lasting=False)
    return found


def _decode(
    file: BufferedReader,
    box: tuple[int, int] | None,
    region: Region | None,
    may_be_large: bool,
) -> Decoded | Refused:
    from PIL import Image, UnidentifiedImageError

    head = file.read(HEAD_BYTES)
    file.seek(0)
    digest = file_digest(file)
    file.seek(0)
    name = image_format(head)
    try:
        with Image.open(file, formats=_formats(name == "HEIC")) as image:
            name = image.format or name or "unknown"
            height, width = image.height, image.width
            # Decoders that decode as they open have used the memory by now.
            if height * width > LARGE_PIXELS and not may_be_large:
                raise NeedsMoreMemory
            frames = _frames(image)
            if box is not None:
                image.draft(None, _draft_size(image, box, region))
            image.load()
            # Only now, because reading metadata may decode too, and hides what went wrong.
            orientation = _orientation(image)
            facts = () if region is None else facts_of(image)
            pixels = _upright(_pixels(image), orientation)
    except UnidentifiedImageError:
        return Refused(why_not_opened(head))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return Refused(f"more than {MAX_PIXELS // 1_000_000} megapixels")
    except (MemoryError, NeedsMoreMemory):
        raise
    # Hostile bytes make Pillow's decoders raise exceptions of almost any class.
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if "out of memory" in str(error):
            raise MemoryError from error
        # Of unknown bytes, some of Pillow's plug-ins take the first two for theirs, and then fail.
        reason = why_not_opened(head) if name is None else why_not_decoded(name, error)
        # Without memory, some decoders report damage.
        return Refused(inert(reason, _REASON_CHARACTERS), lasting=_memory_limit() >= MEMORY)
    if orientation in _TURNED:
        height, width = width, height
    if region is not None:
        pixels = region.part(pixels)
    if box is not None:
        pixels = fitted(pixels, box)
    return Decoded(digest, name, (height, width), frames, pixels, facts)


def _draft_size(image: Image.Image, box: tuple[int, int], region: Region | None) -> tuple[int, int]:
    """Return the least size at which a JPEG may be decoded: twice what is asked for."""
    if region is None:
        # Thumbnails stay what they are, whatever shape the image has: models see them.
        return 2 * box[0], 2 * box[1]
    turned = image.format in _JPEG and _orientation(image) in _TURNED
    wide, high = (image.height, image.width) if turned else image.size
    part = (region.right - region.left) * wide, (region.bottom - region.top) * high
    scale = 2 * min(box[0] / part[0], box[1] / part[1])
    return max(1, ceil(image.width * scale)), max(1, ceil(image.height * scale))


def _memory_limit() -> float:
    """Return how many bytes of memory this process may use."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return inf if soft == resource.RLIM_INFINITY else soft


def _memory_lacking() -> str:
    limit = _memory_limit()
    if limit == inf:
        return "there is not enough memory to decode it"
    return f"decoding it takes more than the limit of {limit / 2**30:.2g} GB of memory"


def decoder_version() -> str:
    """Return a name for what can be decoded: with another one, a refused file is worth a try."""
    import PIL

    heif = " and pillow-heif" if find_spec("pillow_heif") else ""
    return f"{_VERSION}, Pillow {PIL.__version__}{heif}"


def set_up() -> None:
    """Load Pillow, and let it refuse images over the limit."""
    from PIL import Image

    _formats(False)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("ignore")
    # Pillow warns of images over the limit, and refuses those of twice the limit only.
    warnings.simplefilter("error", Image.DecompressionBombWarning)


@cache
def _formats(with_heif: bool) -> tuple[str, ...]:
    """Return the formats that Pillow may open."""
    from PIL import Image

    if with_heif:
        with suppress(ImportError):
            from pillow_heif import register_heif_opener

            register_heif_opener()
    Image.init()
    return tuple(name for name in Image.ID if name not in _REFUSED_FORMATS)


def _frames(image: Image.Image) -> int:
    if image.format in _FORMATS_WITHOUT_PAGES:
        return 1
    try:
        return int(getattr(image, "n_frames", 1))
    except MemoryError:
        raise
    # The first frame may be whole even if those after it are not.
    except Exception:  # noqa: BLE001
        return 1


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    # Damaged metadata does not make the pixels unreadable: the image stays as it is stored.
    except Exception:  # noqa: BLE001
        return 1


def _pixels(image: Image.Image) -> NDArray[Any]:
    """Return the pixels of a decoded image: (H, W) if all are grey, else (H, W, 3)."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image)
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    if image.mode in ("1", "L") and not image.has_transparency_data:
        return np.asarray(image.convert("L"))
    pixels = _colours(image)
    if _is_grey(pixels[::16, ::16]) and _is_grey(pixels):
        pixels = pixels[..., 0]
    return pixels


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
    # Close the decoder's copy, so that at most two full-size copies exist.
    image.close()
    return pixels


def _is_grey(pixels: NDArray[np.uint8]) -> bool:
    red, green, blue = np.moveaxis(pixels, -1, 0)
    return bool((red == green).all() and (green == blue).all())


def _upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo an EXIF orientation from 1 to 8; ignore any other value."""
    if orientation in _TURNED:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
