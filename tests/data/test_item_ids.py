import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tuilabel.data.arrays import Arrays
from tuilabel.data.item_ids import (
    ItemIds,
    cached_digests,
    content_order,
    digests,
    file_digest,
    first_occurrence,
)


def test_an_id_is_the_documented_hash_for_ever(tmp_path: Path) -> None:
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)
    expected = hashlib.blake2b(b"|u1 2x3\0" + bytes(range(6)), digest_size=16).hexdigest()
    assert list(ItemIds("a1", digests(image[None]))) == [f"a1:{expected}"]
    assert expected == "c4b483bb15ae4e5a841b4d169f8f8fd9"
    path = tmp_path / "file"
    path.write_bytes(b"any bytes")
    with path.open("rb") as file:
        found = np.frombuffer(file_digest(file), np.uint8).reshape(1, 16)
    assert list(ItemIds("f1", found)) == ["f1:745b4e9cc1c381e80325242f6084d6a0"]


def id_of(item: NDArray[Any]) -> bytes:
    return digests(item[None]).tobytes()


def test_dtype_and_shape_are_part_of_an_id() -> None:
    zeros = np.zeros(16, dtype=np.uint8)
    every = [zeros.reshape(4, 4), zeros.reshape(2, 8), zeros.reshape(4, 4, 1)]
    every += [zeros.reshape(4, 4).view(dtype) for dtype in ("i1", "?")]
    every += [zeros.view(dtype).reshape(2, 2) for dtype in ("u4", "i4", "f4")]
    assert len({id_of(item) for item in every}) == len(every)


def test_an_id_does_not_depend_on_memory_layout_or_byte_order(rng: np.random.Generator) -> None:
    image = rng.integers(0, 2**16, (5, 7, 3), dtype=np.uint16)
    for same in (np.asfortranarray(image), image.astype(">u2"), image[::-1][::-1]):
        assert id_of(same) == id_of(image)
    assert (digests(np.asfortranarray(image[None])) == digests(image[None])).all()


def test_values_that_look_alike_are_different_items() -> None:
    base = np.full((4, 4), 1000, dtype=np.uint16)
    other = base.copy()
    other[0, 0] += 1
    assert id_of(base) != id_of(other)


@given(st.lists(st.integers(0, 5), max_size=40))
def test_first_occurrence_is_the_smallest_equal_row(values: list[int]) -> None:
    rows = digests(np.array(values, dtype=np.uint8).reshape(-1, 1, 1))
    assert first_occurrence(rows).tolist() == [values.index(value) for value in values]


def test_content_order_is_that_of_the_ids(rng: np.random.Generator) -> None:
    rows = digests(rng.integers(0, 256, (50, 2, 2), dtype=np.uint8))
    ids = list(ItemIds("f1", rows))
    assert [ids[i] for i in content_order(rows)] == sorted(ids)


def test_ids_are_a_sequence_of_hex_strings(rng: np.random.Generator) -> None:
    rows = digests(rng.integers(0, 256, (20, 2, 2), dtype=np.uint8))
    ids = ItemIds("f1", rows)
    expected = ["f1:" + row.tobytes().hex() for row in rows]
    assert list(ids) == expected
    assert [ids[i] for i in range(20)] == expected
    assert ids[-1] == expected[-1]
    assert list(ids[3:7]) == expected[3:7]
    with pytest.raises(IndexError):
        ids[20]


def test_a_row_is_found_by_its_id(rng: np.random.Generator) -> None:
    ids = ItemIds("f1", digests(rng.integers(0, 256, (20, 2, 2), dtype=np.uint8)))
    assert [ids.row_of(item_id) for item_id in ids] == list(range(20))
    assert ids.row_of("f1:" + "0" * 32) is None
    assert ids[4] in ids
    assert 4 not in ids


def test_cached_digests_are_read_and_not_computed_again(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    images = rng.integers(0, 256, (6, 2, 2), dtype=np.uint8)
    cache = Arrays(tmp_path)
    fresh = cached_digests(images, cache, "x")
    other = 255 - images
    assert (cached_digests(other, cache, "x") == fresh).all()
    assert (cached_digests(other[:5], cache, "x") == digests(other[:5])).all()


def test_damaged_cached_digests_are_made_again(tmp_path: Path, rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (6, 2, 2), dtype=np.uint8)
    cached_digests(images, Arrays(tmp_path), "x")
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for position in range(0, len(whole), 5):
        damaged = bytearray(whole)
        damaged[position] ^= 0x40
        path.write_bytes(damaged)
        assert (cached_digests(images, Arrays(tmp_path), "x") == digests(images)).all()


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    images = np.zeros((1, 2, 2), dtype=np.uint8)
    assert (cached_digests(images, Arrays(tmp_path / "file"), "x") == digests(images)).all()


@given(st.lists(st.binary(min_size=1, max_size=1), max_size=30, unique=True), st.binary())
def test_a_row_is_found_also_among_ids_that_begin_alike(ends: list[bytes], other: bytes) -> None:
    rows = np.array([[7] * 15 + [*end] for end in ends], np.uint8).reshape(-1, 16)
    ids = ItemIds("f1", rows)
    assert [ids.row_of(item_id) for item_id in ids] == list(range(len(ends)))
    name = f"f1:{other.hex()}"
    assert ids.row_of(name) is None or name in list(ids)


@pytest.mark.parametrize("digits", ["", "0" * 31, "0" * 33, "x" * 32, "0 " * 16, "AB" * 16])
def test_what_is_no_id_has_no_row(digits: str) -> None:
    ids = ItemIds("f1", np.frombuffer(bytes([0xAB] * 16 + [0] * 16), np.uint8).reshape(2, 16))
    assert ids.row_of(f"f1:{digits}") is None
    assert ids.row_of(digits) is None


@pytest.mark.parametrize("scheme", ["", "f1", "a1:", "F1:", "f2:", "f1::"])
def test_another_scheme_has_no_row(scheme: str) -> None:
    ids = ItemIds("f1", np.zeros((1, 16), np.uint8))
    assert ids.row_of("f1:" + "0" * 32) == 0
    assert ids.row_of(scheme + "0" * 32) is None


ODD = ("", "f1:", "f1:" + "x" * 32, "f1:" + "AB" * 16, "a1:" + "ab" * 16, "f1:" + "0 " * 16)


@given(
    st.lists(st.binary(min_size=16, max_size=16), max_size=20, unique=True),
    st.lists(st.integers(0, 19) | st.binary(min_size=16, max_size=16) | st.sampled_from(ODD)),
)
def test_many_rows_are_found_as_one_by_one(known: list[bytes], wanted: list[object]) -> None:
    ids = ItemIds("f1", np.frombuffer(b"".join(known), np.uint8).reshape(-1, 16))
    sought = [
        f"f1:{one.hex()}" if isinstance(one, bytes) else one if isinstance(one, str) else ids[one]
        for one in wanted
        if not isinstance(one, int) or one < len(ids)
    ]
    one_by_one = (ids.row_of(item) for item in sought)
    assert ids.rows_of(sought).tolist() == [-1 if row is None else row for row in one_by_one]


def test_many_rows_are_found_also_among_ids_that_begin_alike() -> None:
    ids = ItemIds("f1", np.array([[7] * 15 + [end] for end in (3, 1, 2)], np.uint8))
    assert ids.rows_of([ids[2], ids[0], ids[1]]).tolist() == [2, 0, 1]
