"""A source that is small and real."""

from __future__ import annotations

import pytest

from tuilabel.data import Dataset, open_dataset


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return open_dataset("digits", pool=150, test=100)
