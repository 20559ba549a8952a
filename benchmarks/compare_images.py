"""Compares what tuilabel shows of every file in a folder with what Pillow decodes itself.

By hand, for a folder with many formats, damaged files among them, such as Pillow's own::

    git clone --depth 1 https://github.com/python-pillow/Pillow pillow
    python benchmarks/compare_images.py pillow/Tests/images

It prints how many files were opened, which are different and by how much, and which were refused
with which reason; a star marks those that Pillow opens. It ends with status 1 if one is different.
"""

from __future__ import annotations

import re
import resource
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tuilabel.data import open_dataset
from tuilabel.data.region import WHOLE
from tuilabel.errors import SourceError
from tuilabel.text import inert

SLOW_SECONDS = 2.0
MEMORY = 4 * 2**30
_NAMED = 12


def expected(path: Path) -> NDArray:
    """Return what Pillow decodes: upright, colours over mid grey where they are transparent."""
    with Image.open(path) as image:
        image.load()
        upright = image.copy()
        with suppress(Exception):  # damaged metadata
            upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):
        return np.asarray(upright)
    if upright.has_transparency_data:
        below = Image.new("RGBA", upright.size, (128, 128, 128, 255))
        upright = Image.alpha_composite(below, upright.convert("RGBA"))
    return np.asarray(upright.convert("RGB"))


def difference(found: NDArray, path: Path) -> str:
    """Return how an image differs from Pillow's; nothing if it does not."""
    try:
        wanted = expected(path)
    except Exception as error:  # noqa: BLE001  (Pillow raises almost any)
        return f"Pillow does not open it: {type(error).__name__}: {error}"
    if wanted.ndim == 3 and found.ndim == 2:
        found = np.repeat(found[..., None], 3, axis=2)
    if found.shape != wanted.shape:
        return f"shape {found.shape}, not {wanted.shape}"
    off = np.abs(found.astype(float) - wanted.astype(float)).max()
    return f"by up to {off:g}" if off else ""


def opens(path: Path) -> bool:
    """Return whether Pillow decodes a file."""
    try:
        expected(path)
    except Exception:  # noqa: BLE001
        return False
    return True


def main(folder: Path) -> int:
    """Compare the files of a folder, and print a table."""
    warnings.simplefilter("ignore")
    # Otherwise plug-ins are in the order of the first files, and some take the files of others.
    Image.init()
    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    # Some of the files are made to take all memory.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    refused, different, slow = defaultdict[str, list[str]](list), list[str](), list[str]()
    with tempfile.TemporaryDirectory() as cache:
        begun = time.monotonic()
        dataset = open_dataset(str(folder), classes=("image",), cache_dir=Path(cache))
        seconds = time.monotonic() - begun
        for row in range(len(dataset)):
            name, begun = dataset.references(row)[0], time.monotonic()
            try:
                thumbnail = dataset.image(row)
                found = dataset.picture(row, (10**5, 10**5), WHOLE).values
                problem = "" if max(thumbnail.shape[:2]) <= 96 else "its thumbnail is large"
                problem = problem or difference(found, folder / name)
            except SourceError as error:
                problem = f"it cannot be shown: {error}"
            if problem:
                different.append(f"{inert(name)}: {problem}")
            if time.monotonic() - begun > SLOW_SECONDS:
                slow.append(f"{inert(name)}: {time.monotonic() - begun:.1f} s")
    for name, reason in dataset.skipped:
        star = "*" if (folder / name).is_file() and opens(folder / name) else ""
        refused[re.sub(r"\(.*\)", "(...)", reason)].append(inert(name) + star)
    print(f"{len(dataset):6,} images, read in {seconds:.1f} s")
    print(f"{len(dataset) - len(different):6,} as Pillow decodes them")
    for kind, lines in (("different", different), (f"slower than {SLOW_SECONDS:g} s", slow)):
        print(f"{len(lines):6,} {kind}", *lines, sep="\n         ")
    print(f"{len(dataset.skipped):6,} refused; * marks those that Pillow opens")
    for reason, names in sorted(refused.items(), key=lambda item: -len(item[1])):
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        print(f"{len(names):6,} {inert(reason, 200)}\n         {' '.join(names[:_NAMED])}{more}")
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
