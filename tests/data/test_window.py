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


def test_a_window_reaches_from_one_percentile_to_another() -> None:
    low, high = window_of([sketch(np.arange(10_000))])
    assert 40 < low < 60
    assert 9930 < high < 9960


ODD = {
    "white": lambda rng: np.full((64, 64), 65_535),
    "noise": lambda rng: rng.integers(0, 65_536, (64, 64)),
    "negative": lambda rng: np.full((64, 64), -32_768),
    "black, in part": lambda rng: np.where(np.arange(64) < 30, -30_000, 2000) + np.zeros((64, 1)),
    "infinite": lambda rng: np.where(rng.random((64, 64)) < 0.9, np.inf, 1e30),
    "nothing": lambda rng: np.full((64, 64), np.nan),
}


@pytest.mark.parametrize("count", [2, 11, 99, 255])
@pytest.mark.parametrize("odd", ODD)
def test_one_odd_image_does_not_hide_the_others(
    odd: str, count: int, rng: np.random.Generator
) -> None:
    # Like a CT: 12 of 16 bits, each image with a range of its own.
    images = [
        rng.integers(100, 3000, (64, 64)) + rng.integers(0, 1000, (64, 64)) * (i % 3)
        for i in range(count)
    ]
    alone = window_of(list(map(sketch, images)))
    found = window_of(list(map(sketch, [*images[:1], ODD[odd](rng), *images[1:]])))
    for image in images:
        assert found.apply(image).std() > 0.45 * alone.apply(image).std()
        assert (found.apply(image) == 255).mean() < 0.02
        assert (found.apply(image) == 0).mean() < 0.02


RANGES = st.lists(
    st.tuples(st.integers(-99, 99), st.integers(0, 99), st.integers(0, 2)), min_size=1, max_size=120
)


@given(RANGES)
def test_a_window_hides_nothing_of_all_but_a_few_images(ranges: list[tuple[int, int, int]]) -> None:
    images = [np.linspace(low, low + 10.0**scale * size, 300) for low, size, scale in ranges]
    found = window_of(list(map(sketch, images)))
    cut = [np.mean((image < found.low) | (image > found.high)) > 0.02 for image in images]
    spare = 0 if len(images) < 3 else max(1, len(images) // 50)
    assert sum(cut) <= spare


def test_images_that_differ_less_are_all_seen() -> None:
    found = window_of([sketch(np.linspace(0, high, 999)) for high in (1000, 1500, 1900)])
    assert found.high > 1880


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
