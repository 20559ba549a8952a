"""Memory of this process that a mapped file takes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from tuilabel.data.arrays import Arrays
from tuilabel.data.item_ids import digests
from tuilabel.data.mmap import release_pages

LARGE = 2**22


def resident(path: Path) -> int:
    """Return the bytes of a mapped file that are in memory."""
    if not sys.platform.startswith("linux"):
        pytest.skip("pages are counted through Linux's /proc")
    smaps = Path("/proc/self/smaps").read_text()
    mappings = re.findall(rf"{re.escape(str(path))}\n(?:.*\n)*?Rss:\s+(\d+) kB", smaps)
    assert mappings
    return 1024 * sum(map(int, mappings))


def test_what_was_read_of_a_file_is_given_back(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "pixels"
    content = rng.integers(0, 256, LARGE, dtype=np.uint8)
    content.tofile(path)
    mapped = np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, 64, 64)
    assert mapped.sum() == content.sum()
    assert resident(path) >= LARGE
    release_pages(mapped[5:])
    assert resident(path) == 0
    assert (mapped[7].ravel() == content[7 * 4096 : 8 * 4096]).all()


def test_what_is_not_mapped_stays_as_it_is() -> None:
    array = np.arange(10)
    release_pages(array[2:])
    assert array.tolist() == list(range(10))


def test_checking_and_hashing_hold_nothing(tmp_path: Path) -> None:
    arrays = Arrays(tmp_path)
    arrays.save("x", (LARGE,), lambda: [np.arange(LARGE, dtype=np.uint8)], np.uint8)
    found = arrays.load("x", np.uint8)
    assert found is not None
    assert resident(tmp_path / "x.npy") == 0
    digests(found.reshape(-1, 64, 64))
    assert resident(tmp_path / "x.npy") == 0
