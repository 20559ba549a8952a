"""Feature sources: the numbers of a pool, from one array or several."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.learn.test_preparation import CountingStore, glyphs
from tuilabel.learn.feature_sources import ArraySource, pixels
from tuilabel.learn.preparation import Images, prepare_features
from tuilabel.learn.store import MemoryStore

POOL, _ = glyphs(90)
N = len(POOL)


@given(
    st.lists(st.integers(0, N), max_size=4),
    st.one_of(
        st.lists(st.integers(0, N - 1)).map(lambda rows: np.array(rows, dtype=np.intp)),
        st.slices(N).filter(lambda rows: (rows.step or 1) > 0),
    ),
)
def test_rows_are_the_same_however_the_pool_is_divided(cuts: list[int], rows: Any) -> None:
    source = pixels(*np.split(POOL, sorted(cuts)))
    assert (len(source), source.shape, source.width) == (N, POOL.shape[1:], POOL[0].size)
    whole = pixels(POOL)
    np.testing.assert_array_equal(source(rows), whole(rows))
    np.testing.assert_array_equal(source.items(rows), POOL[rows])
    room = np.full((len(whole(rows)), source.width), np.nan, dtype=np.float32)
    np.testing.assert_array_equal(source(rows, room), whole(rows))


def test_features_of_a_pool_that_has_grown_are_computed_for_the_new_part_alone() -> None:
    store = CountingStore()
    before = prepare_features("hog", Images(pixels(POOL[:60])), store).pool
    after = prepare_features("hog", Images(pixels(POOL[:60], POOL[60:])), store).pool
    assert [name[:5] for name in store.saved] == ["hog-1"] * 2
    whole = prepare_features("hog", Images(pixels(POOL)), MemoryStore()).pool
    np.testing.assert_array_equal(after(slice(None)), whole(slice(None)))
    np.testing.assert_array_equal(after(slice(0, 60)), before(slice(None)))


def test_the_digest_names_the_content_and_how_it_is_divided() -> None:
    assert pixels(POOL).digest == pixels(POOL.copy()).digest
    others = (pixels(POOL[:60], POOL[60:]), pixels(POOL[:30], POOL[30:]), pixels(POOL[::-1]))
    assert len({source.digest for source in (pixels(POOL), *others)}) == 4


@pytest.mark.parametrize("parts", [(), (POOL, POOL[:, 1:]), (POOL, POOL.astype(np.float32))])
def test_parts_of_different_items_are_refused(parts: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(ValueError, match="expected one dtype and shape"):
        ArraySource("raw", "0", parts)
