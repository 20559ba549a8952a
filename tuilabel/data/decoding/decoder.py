"""Decoding of an image file in the process that may die."""

from __future__ import annotations

import errno
import os
import resource
import warnings
from contextlib import suppress
from functools import cache
from io import BufferedReader, BytesIO
from math import ceil, inf
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.cell import Cell
from tuilabel.data.decoding.cells import CellError, read_cell
from tuilabel.data.decoding.dicom import read_dicom
from tuilabel.data.decoding.facts import facts_of, taken_at
from tuilabel.data.decoding.fits import read_fits
from tuilabel.data.decoding.formats import (
    EXTRAS,
    HEAD_BYTES,
    image_format,
    why_not_decoded,
    why_not_opened,
)
from tuilabel.data.decoding.gif import gif_frames
from tuilabel.data.decoding.pixel_hash import hash_of_jpeg, hash_of_pixels
from tuilabel.data.decoding.resizing import fitted
from tuilabel.data.decoding.values import (
    LARGE_PIXELS,
    MAX_PIXELS,
    MEMORY,
    MOST_FRAMES,
    NO_PIXELS,
    Decoded,
    NeedsMoreMemory,
    NoImage,
    Refused,
    Stored,
)
from tuilabel.data.item_ids import file_digest
from tuilabel.data.part import (
    MIRRORED,
    SIDEWAYS,
    UPSIDE_DOWN,
    Box,
    PartError,
    frame_of,
    is_box,
    part_digest,
    stored_box,
    upright_box,
)
from tuilabel.data.region import WHOLE, Region
from tuilabel.small_files import open_regular
from tuilabel.text import inert

if TYPE_CHECKING:
    from PIL import Image

_VERSION = 2

_BAND_PIXELS = 2**20
_REASON_CHARACTERS = 120

# Pillow runs another program, Ghostscript, on EPS: too dangerous for files from anywhere. It
# recognises the others, but cannot decode them; of FITS it ignores sign and scale of the values.
_REFUSED_FORMATS = frozenset({"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG", "FITS"})

_READERS = {"DICOM": read_dicom, "FITS": read_fits}
"""Functions for the formats that Pillow does not decode; their packages may be missing."""

# Further images in these files are layers and previews, not pages.
_FORMATS_WITHOUT_PAGES = frozenset({"MPO", "PSD"})

_JPEG = frozenset({"JPEG", "MPO"})

# Transparent parts show mid grey: neither a black nor a white drawing disappears on it.
_BACKGROUND = (128, 128, 128, 255)
_ORIENTATION_TAG = 0x0112


def decode_file(
    path: str,
    box: tuple[int, int] | None = None,
    region: Region | None = None,
    *,
    may_be_large: bool = True,
) -> Decoded | Refused:
    """Decode the first page or frame of a file, after `set_up`; see `OpenImage.decode`."""
    with OpenImage(path) as image:
        return image.decode("", box, region, may_be_large=may_be_large)


class OpenImage:
    """An image file, which is opened and hashed once for all of its parts that are decoded.

    Parameters
    ----------
    path : str
        Also that of a `Cell`.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor = -1
        self._refused: Refused | None = None
        self._head, self._digest = b"", b""
        # What is open: the image, at which page or frame, its size, by how much it is reduced (0
        # before its pixels were decoded), and its orientation if Pillow turns it.
        self._image: Image.Image | None = None
        self._number, self._size, self._scale, self._turned = 1, (0, 0), 0, 0
        self._frames = self._gif_frames = 0
        self._stored: tuple[int, Stored] | None = None
        self._cell, self._content = Cell.read(path), b""
        try:
            self._descriptor = open_regular(path if self._cell is None else self._cell.file)
            self._before = os.fstat(self._descriptor)
        except OSError as error:
            self._refused = Refused(error.strerror or str(error), lasting=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._image = None
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def decode(
        self,
        part: str,
        box: tuple[int, int] | None,
        region: Region | None,
        *,
        may_be_large: bool,
    ) -> Decoded | Refused:
        """Decode a part of the file, see `DecodeService.decode`.

        Parameters
        ----------
        part : str
            See `tuilabel.data.part`; empty for the first page or frame. Several parts are quickest
            in ascending order of their frames.
        box : tuple of int or None
        region : Region or None
        may_be_large : bool
            Whether an image may have more than `LARGE_PIXELS`.

        Raises
        ------
        NeedsMoreMemory
            It may not be large, but is, or there is not enough memory.
        """
        if self._refused is not None:
            return self._refused
        try:
            if self._cell is not None and not self._content:
                self._content = read_cell(self._file(), self._cell, may_be_large=may_be_large)
            found = self._decode(part, box, region, may_be_large)
            after = os.fstat(self._descriptor)
        except CellError as error:
            return Refused(inert(str(error), _REASON_CHARACTERS))
        except OSError as error:
            return Refused(error.strerror or str(error), lasting=False)
        except MemoryError as error:
            self._image = self._stored = None
            if not may_be_large:
                raise NeedsMoreMemory from error
            # Another time there may be more memory, or a higher limit.
            return Refused(f"too large: {_memory_lacking()}", lasting=False)
        before = self._before
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            return Refused("changed while it was read", lasting=False)
        return found

    def _file(self) -> BufferedReader | BytesIO:
        """Return the file at its beginning; some of Pillow's decoders close it."""
        if self._content:
            return BytesIO(self._content)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return os.fdopen(self._descriptor, "rb", closefd=False)

    def _hash(self) -> None:
        if not self._digest:
            with self._file() as file:
                self._head = file.read(HEAD_BYTES)
                file.seek(0)
                self._digest = file_digest(file)
                if image_format(self._head) == "GIF":
                    file.seek(0)
                    self._gif_frames = gif_frames(file, MOST_FRAMES + 1)

    def _decode(
        self, part: str, box: tuple[int, int] | None, region: Region | None, may_be_large: bool
    ) -> Decoded | Refused:
        from PIL import Image, UnidentifiedImageError

        self._hash()
        head = self._head
        name, number = image_format(head), frame_of(part)
        place, orientation, taken = None, 1, None
        try:
            if name in _READERS and EXTRAS[name].is_there:
                stored = self._read(name, number, may_be_large)
                facts = stored.facts if region is not None else ()
            else:
                image = self._at(number, may_be_large)
                name = image.format or name or "unknown"
                if box != NO_PIXELS:
                    image = self._loaded(part, box, region)
                stored = None
                # Only now, because reading metadata may decode too, and hides what went wrong.
                orientation = 1 if self._turned else _orientation(image)
                facts = () if region is None else facts_of(image)
                taken = taken_at(image)
            width, height = self._size
            shown = None
            # Only where a file is read, and not for each picture of it on the screen.
            is_hashed, pixel_hash = box not in (None, NO_PIXELS) and region is None, b""
            if is_box(part):
                place, shown = self._place(part, orientation)
                width, height = shown.size
            if box == NO_PIXELS:
                pixels = np.empty((0, 0), np.uint8)
            elif stored is None:
                # The image is needed again for other parts.
                pixels = _pixels(self._cut(shown) if part else image)
            else:
                pixels = stored.pixels
                if shown is not None:
                    pixels = pixels[shown.top : shown.bottom, shown.left : shown.right]
            if is_hashed and name in _JPEG:
                where = part if place is None else repr(tuple(place))
                pixel_hash = hash_of_jpeg(self._file(), orientation, where)
            elif is_hashed:
                pixel_hash = hash_of_pixels(pixels, orientation)
            pixels = _upright(pixels, orientation)
        except UnidentifiedImageError:
            return Refused(why_not_opened(head))
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            return Refused(f"more than {MAX_PIXELS // 1_000_000} megapixels")
        except PartError as error:
            return Refused(str(error))
        except NoImage:
            return Refused(f"{name} file without an image")
        except (MemoryError, NeedsMoreMemory):
            raise
        # Hostile bytes make decoders raise exceptions of almost any class.
        except Exception as error:
            self._image = None
            # An invalid argument is from the file, such as a negative place in it.
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise
            if "out of memory" in str(error):
                raise MemoryError from error
            # Of unknown bytes, some of Pillow's plug-ins take the first two for theirs, and then
            # fail.
            reason = why_not_opened(head) if name is None else why_not_decoded(name, error)
            if number > 1 and isinstance(error, EOFError):
                reason = f"it has no page or frame {number:,}"
            # Without memory, some decoders report damage.
            return Refused(inert(reason, _REASON_CHARACTERS), lasting=_memory_limit() >= MEMORY)
        if not part:
            self._image = self._stored = None
        if orientation in SIDEWAYS:
            height, width = width, height
        if region is not None:
            pixels = region.part(pixels)
        if box not in (None, NO_PIXELS):
            pixels = fitted(pixels, box)
        digest = part_digest(self._digest, part, place) if part else self._digest
        size = height, width
        turn = self._turned or orientation
        return Decoded(digest, name, size, self._frames, pixels, facts, taken, pixel_hash, turn)

    def _read(self, name: str, number: int, may_be_large: bool) -> Stored:
        """Return a page or frame of a format that Pillow does not decode."""

        def check(height: int, width: int) -> None:
            self._size = width, height
            self._check_size(may_be_large)

        if self._stored is None or self._stored[0] != number:
            self._stored = None
            stored = _READERS[name](self._file(), number, check)
            if stored.pixels.ndim == 3:
                stored = stored._replace(pixels=_without_colour(stored.pixels))
            self._stored = number, stored
            self._frames = min(max(stored.frames, 1), MOST_FRAMES + 1)
        return self._stored[1]

    def _at(self, number: int, may_be_large: bool) -> Image.Image:
        """Return the image at a page or frame, which may be loaded already."""
        image = self._image
        if image is None:
            image = self._open()
            self._check_size(may_be_large)
            # Now, because it is another page afterwards.
            self._frames = self._frames or self._gif_frames or _frames(image)
        if number != self._number:
            image.seek(number - 1)
            self._number = number
            self._begin(image)
            self._check_size(may_be_large)
        return image

    def _open(self) -> Image.Image:
        from PIL import Image

        is_heif = image_format(self._head) == "HEIC"
        self._image = Image.open(self._file(), formats=_formats(is_heif))
        self._number = 1
        self._begin(self._image)
        return self._image

    def _begin(self, image: Image.Image) -> None:
        self._scale, self._size = 0, image.size
        # Pillow turns these upright as it decodes them, and then knows no orientation any more.
        self._turned = _orientation(image) if image.format == "TIFF" else 0

    def _check_size(self, may_be_large: bool) -> None:
        from PIL import Image

        pixels = self._size[0] * self._size[1]
        # Decoders that decode as they open have used the memory by now.
        if pixels > LARGE_PIXELS and not may_be_large:
            raise NeedsMoreMemory
        if pixels > MAX_PIXELS:  # Pillow checks the first page only.
            raise Image.DecompressionBombError

    def _loaded(self, part: str, box: tuple[int, int] | None, region: Region | None) -> Image.Image:
        """Return the image with its pixels: of a JPEG, only as many as are needed."""
        image = self._image
        assert image is not None
        if not part:
            if box is not None:
                turned = image.format in _JPEG and _orientation(image) in SIDEWAYS
                upright = image.size[::-1] if turned else image.size
                image.draft(None, _draft_size(image.size, upright, box, region))
            image.load()
            return image
        scale = 1
        if box is not None and image.format in _JPEG and is_box(part):
            orientation = _orientation(image)
            size = stored_box(part, self._size, orientation).size
            upright = size[::-1] if orientation in SIDEWAYS else size
            least = _draft_size(self._size, upright, box, region or WHOLE)
            scale = min(width // side for width, side in zip(self._size, least, strict=True))
            scale = max(each for each in (1, 2, 4, 8) if each <= max(scale, 1))
        if self._scale not in (0, scale):
            image = self._open()
        if not self._scale:
            if scale > 1:
                image.draft(None, (self._size[0] // scale, self._size[1] // scale))
            image.load()
            self._scale = scale
        return image

    def _place(self, part: str, orientation: int) -> tuple[Box, Box]:
        """Return where a box is in stored pixels, and where in the image as Pillow returns it."""
        if not self._turned:
            place = stored_box(part, self._size, orientation)
            return place, place
        sideways = self._turned in SIDEWAYS
        stored = self._size[::-1] if sideways else self._size
        place = stored_box(part, stored, self._turned)
        return place, upright_box(place, stored, self._turned)

    def _cut(self, place: Box | None) -> Image.Image:
        """Return a copy of the image, or of a box in it."""
        image = self._image
        assert image is not None
        if place is None:
            return image.copy()
        # A JPEG may have been reduced: its box has at least one pixel.
        wide, high = (now / whole for now, whole in zip(image.size, self._size, strict=True))
        if image.size == self._size:
            return image.crop(place)
        left, top = int(place.left * wide), int(place.top * high)
        right, bottom = ceil(place.right * wide), ceil(place.bottom * high)
        return image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def _draft_size(
    whole: tuple[int, int], size: tuple[int, int], box: tuple[int, int], region: Region | None
) -> tuple[int, int]:
    """Return the least size at which a JPEG may be decoded: twice what is asked for.

    Parameters
    ----------
    whole : tuple of int
        Stored width and height of the image.
    size : tuple of int
        Upright width and height of the image, or of the box in it that is asked for.
    box : tuple of int
    region : Region or None
    """
    if region is None:
        # Thumbnails stay what they are, whatever shape the image has: models see them.
        return 2 * box[0], 2 * box[1]
    part = (region.right - region.left) * size[0], (region.bottom - region.top) * size[1]
    scale = 2 * min(box[0] / part[0], box[1] / part[1])
    return max(1, ceil(whole[0] * scale)), max(1, ceil(whole[1] * scale))


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

    extras = "".join(f", {extra.package}" for extra in EXTRAS.values() if extra.is_there)
    return f"{_VERSION}, Pillow {PIL.__version__}{extras}"


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
    """Return the number of pages or frames; of too many, one more than the most."""
    if image.format in _FORMATS_WITHOUT_PAGES:
        return 1
    try:
        if image.format == "TIFF":
            return _pages(image)
        return min(int(getattr(image, "n_frames", 1)), MOST_FRAMES + 1)
    except MemoryError:
        raise
    # The first frame may be whole even if those after it are not.
    except Exception:  # noqa: BLE001
        return 1


def _pages(image: Image.Image) -> int:
    """Count the pages of a TIFF one by one: to count all of a long list would take hours."""
    found = 1
    with suppress(EOFError):
        while found <= MOST_FRAMES:
            image.seek(found)
            found += 1
    image.seek(0)
    return found


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
    return _without_colour(_colours(image))


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


def _without_colour(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey image as shape (H, W), any other as it is."""
    is_grey = _is_grey(pixels[::16, ::16]) and _is_grey(pixels)
    return pixels[..., 0] if is_grey else pixels


def _is_grey(pixels: NDArray[np.uint8]) -> bool:
    red, green, blue = np.moveaxis(pixels, -1, 0)
    return bool((red == green).all() and (green == blue).all())


def _upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo an EXIF orientation from 1 to 8; ignore any other value."""
    if orientation in SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    if orientation in UPSIDE_DOWN:
        pixels = pixels[::-1]
    if orientation in MIRRORED:
        pixels = pixels[:, ::-1]
    return pixels
