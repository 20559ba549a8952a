"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """Give the folder with the four IDX files of MNIST, or skip with the reason."""
    default = REPOSITORY.parent / "shared" / "data" / "mnist"
    folder = Path(os.environ.get("TUILABEL_TEST_MNIST", default))
    if not (folder / "train-images-idx3-ubyte.gz").is_file():
        pytest.skip("real MNIST is not here: set TUILABEL_TEST_MNIST to a folder of its .gz files")
    return folder
