"""Where images are now; the export's tests cover what it finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuilabel.data.places import find_places
from tuilabel.errors import SourceError


@pytest.mark.parametrize("source", ["/nowhere", "x" * 5000, "/" + "x/" * 3000, "a\0b"])
def test_what_cannot_be_a_source_has_a_sentence(tmp_path: Path, source: str) -> None:
    with pytest.raises(SourceError, match=r"\.$") as found:
        find_places(source, cache_dir=tmp_path)
    assert str(found.value).isprintable()
