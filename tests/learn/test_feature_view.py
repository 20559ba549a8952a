"""Views: several arrays of one pool as the rows a model sees, without a copy of the whole."""

from __future__ import annotations

import numpy as np
import pytest

from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View

BYTES = np.arange(24, dtype=np.uint8).reshape(4, 3, 2) * 10
NUMBERS = np.linspace(-1, 1, 8, dtype=np.float32).reshape(4, 2)


def test_one_array_is_its_own_flat_rows() -> None:
    rows = View(pixels(BYTES)).rows(np.array([2, 0]))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, BYTES[[2, 0]].reshape(2, 6) / 255, rtol=1e-6)


def test_arrays_lie_side_by_side_in_their_order() -> None:
    view = View(pixels(NUMBERS), pixels(BYTES))
    assert len(view) == 4
    rows = view.rows(slice(1, 3))
    assert rows.shape == (2, 8)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[:, :2], NUMBERS[1:3])
    np.testing.assert_allclose(rows[:, 2:], BYTES[1:3].reshape(2, 6) / 255, rtol=1e-6)


def test_a_factor_weighs_its_own_array_only() -> None:
    rows = View(pixels(NUMBERS), pixels(BYTES), factors=(1.0, 0.5)).rows(slice(None))
    np.testing.assert_array_equal(rows[:, :2], NUMBERS)
    np.testing.assert_allclose(rows[:, 2:], BYTES.reshape(4, 6) / 510, rtol=1e-6)
    assert rows.dtype == np.float32


def test_asking_for_rows_changes_no_array() -> None:
    before = NUMBERS.copy()
    View(pixels(NUMBERS), pixels(BYTES), factors=(3.0, 3.0)).rows(slice(None))
    np.testing.assert_array_equal(NUMBERS, before)


def test_no_rows_have_the_width_of_the_others() -> None:
    none = np.empty(0, dtype=np.intp)
    assert View(pixels(BYTES)).rows(none).shape == (0, 6)
    assert View(pixels(NUMBERS), pixels(BYTES)).rows(none).shape == (0, 8)
    assert len(View(pixels(BYTES[:0]), pixels(NUMBERS[:0]))) == 0


def test_only_the_rows_asked_for_are_read() -> None:
    class Counted(np.ndarray):
        seen = 0

        def __getitem__(self, key: object) -> np.ndarray:
            part = np.asarray(self).__getitem__(key)
            Counted.seen += len(part)
            return part

    view = View(pixels(np.zeros((1000, 2), dtype=np.uint8).view(Counted)))
    view.rows(slice(5, 8))
    view.rows(np.array([1, 999]))
    assert Counted.seen == 5


def test_the_typical_length_is_the_root_of_the_mean_square() -> None:
    assert View(
        pixels(np.array([[3, 4], [0, 0]], dtype=np.float32))
    ).typical_length() == pytest.approx(np.sqrt(25 / 2))
    assert View(pixels(np.zeros((5, 3), dtype=np.uint8))).typical_length() == 1
    assert View(pixels(np.zeros((0, 3), dtype=np.uint8))).typical_length() == 1


def test_the_typical_length_of_many_rows_is_that_of_a_sample() -> None:
    rows = np.random.default_rng(0).normal(size=(50_000, 3)).astype(np.float32)
    assert View(pixels(rows)).typical_length() == pytest.approx(np.sqrt(3), rel=0.05)


@pytest.mark.parametrize("blocks", [(), (BYTES, NUMBERS[:3])])
def test_arrays_of_other_items_are_refused(blocks: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(ValueError, match="expected the same in each"):
        View(*map(pixels, blocks))


@pytest.mark.parametrize("which", [slice(1, 3), slice(0, 0), np.array([3, 0, 3])])
@pytest.mark.parametrize(
    "view",
    [
        View(pixels(BYTES)),
        View(pixels(NUMBERS)),
        View(pixels(NUMBERS.astype(np.float64))),
        View(pixels(NUMBERS), pixels(BYTES)),
        View(pixels(BYTES), pixels(NUMBERS), factors=(0.5, 3.0)),
    ],
)
def test_memory_that_is_lent_makes_no_difference(view: View, which: slice | np.ndarray) -> None:
    room = np.full((9, view.width), np.nan, dtype=np.float32)
    before = NUMBERS.copy()
    plain = view.rows(which)
    assert plain.shape[1] == view.width
    np.testing.assert_allclose(view.rows(which, room), plain, rtol=1e-6)
    np.testing.assert_array_equal(NUMBERS, before)
