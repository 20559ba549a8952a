"""Images in the escape codes of graphics protocols."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tuilabel.tui.images import Pixels
from tuilabel.tui.images.sampling import sampled

_BAND = 6
_GREYS = 64
_CHUNK = 4096
_SAMPLED = 96
"""Pixels at the longer side of an image from whose colours a palette is chosen."""

IMAGE_ID = 7137
"""The only image id used in kitty's protocol: each new image replaces the one before."""

KITTY_DELETE = f"\x1b_Ga=d,d=I,i={IMAGE_ID},q=2\x1b\\"
"""Removes the image from the screen and its pixels from the terminal's memory."""


def size_in(image: Pixels, width: int, height: int) -> tuple[int, int]:
    """Return the height and width of an image as large as fits; above 1 the scale is whole."""
    scale = min(width / image.shape[1], height / image.shape[0])
    scale = int(scale) if scale >= 1 else scale
    return max(1, int(image.shape[0] * scale + 1e-9)), max(1, int(image.shape[1] * scale + 1e-9))


def resized(image: Pixels, width: int, height: int) -> Pixels:
    """Return an image in the size that `size_in` returns."""
    rows, columns = size_in(image, width, height)
    if (rows, columns) == image.shape[:2]:
        return image
    values = np.clip(np.rint(sampled(image, rows, columns)), 0, 255).astype(np.uint8)
    return values[:, :, 0] if image.ndim == 2 else values


def kitty(image: Pixels, width: int, height: int, cells: tuple[int, int] | None = None) -> str:
    """Return the codes that show an image at the cursor, as large as fits.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    width, height : int
        Pixels of the terminal that there is room for.
    cells : tuple of int, optional
        Columns and rows that the terminal stretches the image to: fewer bytes for the same size.
    """
    is_photograph = max(image.shape[:2]) > _SAMPLED
    image = image if cells else resized(image, width, height)
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    rows, columns = image.shape[:2]
    # A photograph takes three times as long at the usual level, and is hardly smaller for it.
    level = 1 if is_photograph else -1
    payload = b64encode(zlib.compress(image.tobytes(), level)).decode()
    chunks = [payload[at : at + _CHUNK] for at in range(0, len(payload), _CHUNK)]
    # Not how many cells it covers, unless asked to: it would be stretched to fill the last one.
    keys = f"a=T,f=24,o=z,s={columns},v={rows},i={IMAGE_ID},C=1,q=2,"
    keys += f"c={cells[0]},r={cells[1]}," if cells else ""
    codes = []
    for number, chunk in enumerate(chunks):
        more = int(number + 1 < len(chunks))
        codes.append(f"\x1b_G{keys if number == 0 else 'q=2,'}m={more};{chunk}\x1b\\")
    return "".join(codes)


def sixel(image: Pixels, width: int, height: int) -> str:
    """Return the codes that show an image at the cursor, as large as fits; they paint all of it.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
    width, height : int
        Pixels of the terminal that there is room for.
    """
    rows, columns = size_in(image, width, height)
    if rows < image.shape[0]:
        image = resized(image, width, height)
    # Colours are chosen before the image is enlarged: that takes much time for many pixels.
    places, palette = _indexed(image)
    places = places.repeat(rows // places.shape[0], 0).repeat(columns // places.shape[1], 1)
    height, width = places.shape
    percent = np.rint(palette.astype(float) * 100 / 255).astype(int)
    used = np.unique(places)
    out = [f'\x1bP0;0;0q"1;1;{width};{height}']
    out += [f"#{n};2;{percent[n, 0]};{percent[n, 1]};{percent[n, 2]}" for n in used.tolist()]
    out += [*_bands(places), "\x1b\\"]
    return "".join(out)


def _bands(places: NDArray[np.uint8]) -> Iterator[str]:
    """Yield the codes of each six rows of pixels: colour by colour, in runs of equal columns.

    The runs of all colours are found at once: a photograph has a hundred colours in each band.
    """
    height, width = places.shape
    for top in range(0, height, _BAND):
        band = places[top : top + _BAND]
        # A column of each colour that is in it, with the pixels of that colour as bits.
        keys = band.astype(np.int64) * width + np.arange(width)
        order = np.argsort(keys, axis=None, kind="stable")
        columns = keys.reshape(-1)[order]
        bits = np.repeat(1 << np.arange(len(band)), width)[order]
        first = np.flatnonzero(np.diff(columns, prepend=-1))
        masks, columns = np.add.reduceat(bits, first), columns[first]
        # A run ends where the next column is another, is empty, or begins another colour.
        colours, across = np.divmod(columns, width)
        is_first = np.ones(len(columns), bool)
        is_first[1:] = (np.diff(columns) != 1) | (np.diff(masks) != 0) | (np.diff(colours) != 0)
        starts = np.flatnonzero(is_first)
        lengths = np.diff(np.append(starts, len(columns)))
        ends = across[starts] + lengths
        gaps = across[starts] - np.append(0, ends[:-1])
        new = np.diff(colours[starts], prepend=-1) != 0
        gaps[new] = across[starts][new]
        runs = zip(
            new.tolist(),
            colours[starts].tolist(),
            gaps.tolist(),
            lengths.tolist(),
            masks[starts].tolist(),
            strict=True,
        )
        out: list[str] = []
        for is_new, colour, gap, length, mask in runs:
            if is_new:
                out.append(f"$#{colour}" if out else f"#{colour}")
            if gap:
                out.append(_run(63, gap))
            out.append(_run(63 + mask, length))
        yield "".join(out) + "-"


@lru_cache(maxsize=4096)
def _run(code: int, count: int) -> str:
    return f"!{count}{chr(code)}" if count > 3 else chr(code) * count


def _indexed(image: Pixels) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return an image as places in a palette of at most 256 colours, and the palette."""
    if image.ndim == 2:
        places = np.rint(image / 255 * (_GREYS - 1)).astype(np.uint8)
        greys = np.rint(np.linspace(0, 255, _GREYS)).astype(np.uint8)
        return places, np.repeat(greys[:, None], 3, axis=1)
    # Pillow is loaded already: it read the coloured images.
    from PIL import Image

    whole = Image.fromarray(image)
    sample = whole
    if max(image.shape) > _SAMPLED:
        sample = whole.copy()
        sample.thumbnail((_SAMPLED, _SAMPLED))
    # Of Pillow's methods this one strays the least from any pixel: no bands in smooth parts. For
    # many pixels it takes seconds, and a reduced image has the same colours.
    quantised = sample.quantize(256, Image.Quantize.MAXCOVERAGE)
    if sample is not whole:
        quantised = whole.quantize(palette=quantised, dither=Image.Dither.NONE)
    palette = np.frombuffer(bytes(quantised.getpalette() or b""), np.uint8).reshape(-1, 3)
    return np.asarray(quantised), palette
