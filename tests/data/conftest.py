"""Small sources, made when a test needs them."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray


def idx_bytes(values: NDArray[np.uint8]) -> bytes:
    header = bytes((0, 0, 8, values.ndim))
    return header + b"".join(n.to_bytes(4, "big") for n in values.shape) + values.tobytes()


@pytest.fixture(scope="session")
def as_idx() -> Callable[[NDArray[np.uint8]], bytes]:
    return idx_bytes


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


Quartet = dict[str, NDArray[np.uint8]]


@pytest.fixture
def quartet(rng: np.random.Generator) -> Quartet:
    """Return the four arrays of a small data set in MNIST's form."""
    return {
        "train-images-idx3": rng.integers(0, 256, (30, 5, 4), dtype=np.uint8),
        "train-labels-idx1": rng.integers(0, 10, 30, dtype=np.uint8),
        "t10k-images-idx3": rng.integers(0, 256, (12, 5, 4), dtype=np.uint8),
        "t10k-labels-idx1": rng.integers(0, 10, 12, dtype=np.uint8),
    }


@pytest.fixture
def write_quartet(tmp_path: Path) -> Callable[..., Path]:
    def write(arrays: Quartet, *, compressed: bool = True, dotted: bool = False) -> Path:
        folder = tmp_path / "idx"
        folder.mkdir(exist_ok=True)
        for name, values in arrays.items():
            stem = name.replace("-idx", ".idx") if dotted else name
            content = idx_bytes(values)
            if compressed:
                (folder / f"{stem}-ubyte.gz").write_bytes(gzip.compress(content, mtime=0))
            else:
                (folder / f"{stem}-ubyte").write_bytes(content)
        return folder

    return write


@pytest.fixture(scope="session")
def run_python() -> Callable[[str], str]:
    """Run code in a fresh process that finds the package, and return its output."""

    def run(code: str) -> str:
        root = Path(__file__).resolve().parents[2]
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        assert not done.stderr
        return done.stdout

    return run
