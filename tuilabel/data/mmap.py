"""Arrays that are mapped from files: what of them is held in memory."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray


def release_pages(array: NDArray[Any]) -> None:
    """Hold nothing of a mapped array in memory; what is read again comes from the file again.

    Each page that was read counts as memory of this process until then, and the system maps
    neighbours along with it. Any other array is left as it is.
    """
    base: object = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
