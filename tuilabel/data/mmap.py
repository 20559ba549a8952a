"""Memory use of arrays that are mapped from files."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray


def release_pages(array: NDArray[Any]) -> None:
    """Release the memory of a mapped array; later reads come from the file again.

    Until then every page that was read counts as memory of this process, and so do neighbouring
    pages that the system mapped with it. An array that is not mapped stays as it is.

    Parameters
    ----------
    array : array of any shape and dtype
    """
    base: object = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
