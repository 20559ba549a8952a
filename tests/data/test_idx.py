import gzip
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tuilabel.data.idx import open_idx, parse_header
from tuilabel.errors import SourceError

IMAGES = np.arange(60, dtype=np.uint8).reshape(3, 5, 4)
AsIdx = Callable[[NDArray[np.uint8]], bytes]


@pytest.fixture
def whole(as_idx: AsIdx) -> bytes:
    return as_idx(IMAGES)


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_whole_file_is_mapped(
    tmp_path: Path, cache_dir: Path, whole: bytes, compress: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "x"
    path.write_bytes(compress(whole))
    opened = open_idx(path, 3, cache_dir)
    assert (opened.values == IMAGES).all()
    assert isinstance(opened.values, np.memmap)
    again = open_idx(path, 3, cache_dir)
    assert again.key == opened.key


def test_gzip_is_unpacked_once_and_by_content(
    tmp_path: Path, cache_dir: Path, whole: bytes
) -> None:
    calls: list[tuple[str, int, int | None]] = []
    for name in ("one.gz", "two.gz"):
        (tmp_path / name).write_bytes(gzip.compress(whole, mtime=0))
        open_idx(tmp_path / name, 3, cache_dir, lambda *call: calls.append(call))
    assert calls == [("decompressing one.gz", len(whole), len(whole))]
    assert len(list((cache_dir / "idx").iterdir())) == 1


def test_a_cached_file_that_is_cut_short_is_made_again(
    tmp_path: Path, cache_dir: Path, whole: bytes
) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(whole))
    open_idx(path, 3, cache_dir)
    (cached,) = (cache_dir / "idx").iterdir()
    cached.unlink()
    cached.write_bytes(whole[:40])
    assert (open_idx(path, 3, cache_dir).values == IMAGES).all()


def corrupted(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: b"", "x.gz begins with nothing, but IDX images begin with 00 00 08 03"),
        (lambda w: b"\x89PNG" + w, "x.gz begins with 89 50 4e 47"),
        (lambda w: w[:3] + b"\x01" + w[4:], "begins with 00 00 08 01"),
        (lambda w: w[:10], "ends after 10 bytes, within its header of 16"),
        (lambda w: w[:-1], r"cut short \(it has 75 bytes, and its header declares 76"),
        (lambda w: w + b"!", r"too long \(it has at least 77 bytes, and its header declares 76"),
        (lambda w: gzip.compress(w[:10]), "ends after 10 bytes"),
        (lambda w: gzip.compress(w[:-9]), "has 67 bytes, and its header declares 76"),
        (lambda w: gzip.compress(w + bytes(10**6)), r"too long \(it has at least 77 bytes"),
        (lambda w: gzip.compress(b"text"), "begins with 74 65 78 74"),
        (lambda w: gzip.compress(w)[:-12], "cannot be read .*ended before"),
        (lambda w: gzip.compress(w) + b"junk", "cannot be read .*Not a gzipped file"),
        (lambda w: corrupted(gzip.compress(w)), "x.gz cannot be read|declares|begins"),
        (lambda w: w[:4] + bytes(4) + w[8:16], "declares 0 entries"),
        (
            lambda w: w[:4] + b"\xff\xff\xff\xff" + w[8:],
            "declares 4294967295 entries in 85899345916",
        ),
        (lambda w: w[:8] + bytes(4) + w[12:], "declares images of 0x4 pixels"),
        (lambda w: w[:8] + b"\0\0\0\x61" + w[12:], "declares images of 97x4 pixels"),
    ],
)
def test_every_way_to_be_broken_has_its_sentence(
    tmp_path: Path, cache_dir: Path, whole: bytes, change: Callable[[bytes], bytes], message: str
) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(change(whole))
    with pytest.raises(SourceError, match=message):
        open_idx(path, 3, cache_dir)
    assert not cache_dir.exists() or not list((cache_dir / "idx").iterdir())


def test_a_wrong_sum_at_the_end_of_gzip_is_noticed(
    tmp_path: Path, cache_dir: Path, whole: bytes
) -> None:
    data = bytearray(gzip.compress(whole))
    data[-8] ^= 1
    (tmp_path / "x.gz").write_bytes(data)
    with pytest.raises(SourceError, match="CRC check failed"):
        open_idx(tmp_path / "x.gz", 3, cache_dir)


def test_never_more_is_unpacked_than_the_header_claims(
    tmp_path: Path, cache_dir: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    original = gzip.GzipFile.read

    def read(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        asked.append(-1 if size is None else size)
        return original(self, size)

    monkeypatch.setattr(gzip.GzipFile, "read", read)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(whole + bytes(10**7)))
    with pytest.raises(SourceError, match="too long"):
        open_idx(tmp_path / "bomb.gz", 3, cache_dir)
    assert min(asked) > 0
    # The header is read twice.
    assert sum(asked) == 16 + len(whole) + 1


def test_a_name_with_escape_codes_is_shown_inert(tmp_path: Path, cache_dir: Path) -> None:
    path = tmp_path / "\x1b[2Jx.gz"
    path.write_bytes(b"nothing")
    with pytest.raises(SourceError) as caught:
        open_idx(path, 3, cache_dir)
    assert "\x1b" not in str(caught.value)
    assert "␛[2Jx.gz" in str(caught.value)


@given(st.binary(max_size=20), st.sampled_from([1, 3]))
def test_any_bytes_are_a_header_or_refused(start: bytes, dimensions: int) -> None:
    with suppress(SourceError):
        header = parse_header(start, dimensions, "x")
        assert start[:4] == bytes((0, 0, 8, dimensions))
        assert len(header.shape) == dimensions


@given(st.integers(1, 10**6), st.lists(st.integers(1, 96), min_size=2, max_size=2), st.binary())
def test_a_sound_header_is_read_back(count: int, sides: list[int], rest: bytes) -> None:
    shape = (count, *sides)
    start = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in shape) + rest
    if count * sides[0] * sides[1] < 2**31:
        header = parse_header(start[:16], 3, "x")
        assert header.shape == shape
        assert header.file_size == 16 + count * sides[0] * sides[1]
