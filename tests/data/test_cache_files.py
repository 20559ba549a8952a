from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from tuilabel.data import cache_files
from tuilabel.data.cache_files import (
    Block,
    CacheError,
    make_block,
    read_block,
    write_block,
)


def test_a_block_gives_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.block"
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    write_block(path, {"name": "bad\udcff"}, [b"abc", image[:, ::2]])
    block = read_block(path)
    assert block is not None
    assert block.index == {"name": "bad\udcff"}
    assert block.payload.tobytes() == b"abc" + image[:, ::2].tobytes()
    assert isinstance(block.payload, np.memmap)
    assert block.payload.offset % 64 == 0
    assert block.is_intact()


def test_a_block_may_be_empty(tmp_path: Path) -> None:
    write_block(tmp_path / "x", {}, [])
    block = read_block(tmp_path / "x")
    assert block is not None
    assert block.payload.size == 0
    assert block.is_intact()


def test_no_damaged_block_passes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_block(path, {"a": 1}, [b"payload"])
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        block = read_block(path)
        assert block is None or not block.is_intact(), position
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert read_block(path) is None
    path.write_bytes(whole + b"x")
    assert read_block(path) is None
    assert read_block(tmp_path / "missing") is None


def test_a_block_is_in_memory_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, index: object, parts: Iterable[object]) -> Block:
        next(iter(parts))
        raise CacheError("No space left on device.")

    monkeypatch.setattr(cache_files, "write_block", full)
    parts = [np.arange(6, dtype=np.uint8).reshape(2, 3), b"ab"]
    block = make_block(tmp_path / "x", {"a": 1}, lambda: iter(parts))
    assert block.payload.tobytes() == b"\0\1\2\3\4\5ab"
    assert block.index == {"a": 1}
    assert block.is_intact()
    assert block.problem is not None
    assert block.problem.startswith("No space left on device.")
    with pytest.raises(ValueError, match="read-only"):
        block.payload[0] = 1
