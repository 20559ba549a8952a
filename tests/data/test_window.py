"""Which stored values are shown as black and as white."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tuilabel.data import window
from tuilabel.data.window import Window, sampled, sketch, window_of


def test_values_are_shown_from_black_to_white(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_BAND_VALUES", 3)
    values = np.array([[-1.0, 0.0], [5.0, 10.0], [11.0, np.nan], [np.inf, -np.inf]])
    assert Window(0, 10).apply(values).tolist() == [[0, 0], [128, 255], [255, 0], [255, 0]]


def test_the_sample_is_always_the_same() -> None:
    assert sampled(3).tolist() == [0, 1, 2]
    assert sampled(0).tolist() == []
    many = sampled(10_000)
    assert len(many) == len(set(many.tolist())) == window.SAMPLED_IMAGES
    assert (np.diff(many) > 0).all()
    assert (sampled(10_000) == many).all()
    values = np.random.default_rng(1).normal(size=300_000)
    assert (sketch(values) == sketch(values)).all()


def test_a_few_outliers_do_not_count(rng: np.random.Generator) -> None:
    values = rng.uniform(100, 200, (10, 5000))
    values[:, :8] = 65_535
    found = window_of([sketch(row) for row in values])
    assert 100 <= found.low < 105
    assert 195 < found.high <= 200


@pytest.mark.parametrize("value", [-1000, 65_535])
def test_one_image_of_many_that_is_like_no_other_does_not_count(
    rng: np.random.Generator, value: int
) -> None:
    images = rng.uniform(100, 200, (256, 500))
    images[7] = value
    found = window_of([sketch(image) for image in images])
    assert 100 <= found.low < 105
    assert 195 < found.high <= 200


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([], Window(0, 1)),
        ([[np.nan, np.inf]], Window(0, 1)),
        ([[7, 7, 7], [7]], Window(6.5, 7.5)),
        ([[3, np.nan]], Window(2.5, 3.5)),
        ([[0] * 400 + [1] * 2], Window(0, 1)),
        ([[-1e300] * 3], Window(-1e300 - 1e294, -1e300 + 1e294)),
    ],
)
def test_a_window_is_never_empty(images: list[list[float]], expected: Window) -> None:
    assert window_of([sketch(np.array(image)) for image in images]) == expected


@given(
    st.lists(
        arrays(np.float32, st.integers(1, 30), elements=st.floats(width=32)), min_size=1, max_size=4
    )
)
def test_any_floats_have_a_window(images: list[NDArray[np.float32]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = window_of([sketch(image) for image in images])
        assert found.low < found.high
        for image in images:
            assert found.apply(image).shape == image.shape
