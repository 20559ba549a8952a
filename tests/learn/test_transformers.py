"""Features: what they leave alone, what they make alike, and what they keep apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline

from tuilabel.errors import UsageError
from tuilabel.learn.features import unit_rows
from tuilabel.learn.transformers import Deskew, Hog, brightness, ink

TRANSFORMERS = [Hog(), Deskew(), make_pipeline(Deskew(), Hog())]
every_transformer = pytest.mark.parametrize(
    "transformer", TRANSFORMERS, ids=["hog", "deskew", "deskew-hog"]
)

SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 20), st.integers(1, 20))
some_images = SHAPES.flatmap(lambda shape: arrays(np.uint8, shape))


def images(n: int = 12, height: int = 16, width: int = 14) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (n, height, width), dtype=np.uint8)


def bars(lean: float, size: int = 21) -> np.ndarray:
    """Return one image of a soft bar whose top lies right of its middle by `lean` a row."""
    middle = (size - 1) / 2
    y, x = np.mgrid[0:size, 0:size] - middle
    bar = np.clip(2.5 - abs(x + lean * y), 0, 1) * (abs(y) <= size / 4)
    return (255 * bar).astype(np.uint8)[None]


def slant(image: np.ndarray) -> float:
    """Measure by how many pixels the ink moves right from one row to the next."""
    y, x = np.indices(image.shape).astype(float)
    weights = image / image.sum()
    y -= (weights * y).sum()
    x -= (weights * x).sum()
    return float((weights * x * y).sum() / (weights * y * y).sum())


@every_transformer
@settings(max_examples=25, deadline=None)
@given(given=some_images)
def test_any_image_becomes_finite_numbers(transformer: Any, given: np.ndarray) -> None:
    found = clone(transformer).fit(given[:1]).transform(given)
    assert len(found) == len(given)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


@every_transformer
@settings(max_examples=15, deadline=None)
@given(given=some_images, chunk=st.integers(1, 5))
def test_in_chunks_or_as_a_whole_is_the_same(
    transformer: Any, given: np.ndarray, chunk: int
) -> None:
    fitted = clone(transformer).fit(given[:1])
    parts = [fitted.transform(given[at : at + chunk]) for at in range(0, len(given), chunk)]
    # Sums in another order differ in their last bit; where an image is nearly blank, the root of
    # a gradient that is nothing but that bit is a larger number.
    loose = 5e-3 if isinstance(transformer, Pipeline) else 5e-5
    np.testing.assert_allclose(np.concatenate(parts), fitted.transform(given), atol=loose)


@every_transformer
def test_the_images_stay_as_they_are(transformer: Any) -> None:
    for kept in (images(), unit_rows(images()).reshape(images().shape)):
        before = kept.copy()
        kept.flags.writeable = False
        clone(transformer).fit(kept[:1]).transform(kept)
        np.testing.assert_array_equal(kept, before)


@every_transformer
def test_bytes_and_scaled_floats_are_the_same_images(transformer: Any) -> None:
    fitted = clone(transformer).fit(images())
    scaled = images() / 255
    np.testing.assert_allclose(fitted.transform(images()), fitted.transform(scaled), atol=1e-4)


@every_transformer
def test_of_no_images_there_are_no_rows_but_a_width(transformer: Any) -> None:
    fitted = clone(transformer).fit(images())
    none, all_ = fitted.transform(images()[:0]), fitted.transform(images())
    assert none.shape == (0, *all_.shape[1:])


@every_transformer
@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 4, 4), (3,)])
def test_what_are_no_images_is_refused(transformer: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(items, height, width\), with or without 3"):
        clone(transformer).fit(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=["hog", "deskew", "deskew-hog"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_a_clear_sentence(transformer: Any, value: float) -> None:
    broken = unit_rows(images()).reshape(images().shape)
    broken[7, 3, 3] = value
    with pytest.raises(UsageError, match=r"NaN or infinite numbers in item 7: replace"):
        clone(transformer).fit(broken[:1]).transform(broken)


def test_parameters_are_scikit_learns() -> None:
    assert clone(Hog(bins=4, grid=3)).get_params() == {"bins": 4, "grid": 3, "spread": 0.5}
    found = Hog(bins=4, grid=3).fit_transform(images())
    assert found.shape == (12, 4 * 3 * 3)


# Brightness.


def test_brightness_weighs_green_most_and_keeps_grey_as_it_is() -> None:
    grey = images()
    colours = np.repeat(grey[..., None], 3, axis=3)
    np.testing.assert_allclose(brightness(colours), brightness(grey), atol=1e-6)
    pure = np.zeros((3, 1, 1, 3), dtype=np.uint8)
    pure[[0, 1, 2], 0, 0, [0, 1, 2]] = 255
    red, green, blue = brightness(pure).ravel().tolist()
    assert green > red > blue > 0
    assert red + green + blue == pytest.approx(1)


# Histograms of oriented gradients.


@settings(max_examples=30, deadline=None)
@given(given=some_images)
def test_hog_rows_have_length_one_or_there_was_no_edge(given: np.ndarray) -> None:
    lengths = np.linalg.norm(Hog().fit_transform(given), axis=1)
    inner = given[:, 1:-1].astype(int), given[:, :, 1:-1].astype(int)
    down = given[:, 2:].astype(int) - given[:, :-2] if given.shape[1] > 2 else inner[0] * 0
    across = given[:, :, 2:].astype(int) - given[:, :, :-2] if given.shape[2] > 2 else inner[1] * 0
    edges = [bool(down[n].any() or across[n].any()) for n in range(len(given))]
    np.testing.assert_allclose(lengths, np.array(edges, dtype=float), atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(3, 9, 9), (3, 1, 1), (3, 2, 30), (3, 8, 8, 3)])
def test_hog_of_a_constant_image_is_zeros(dtype: type, shape: tuple[int, ...]) -> None:
    found = Hog().fit_transform(np.ones(shape, dtype=dtype))
    assert found.shape == (3, 392)
    assert not found.any()


def test_hog_does_not_see_contrast_and_brightness() -> None:
    pale = images() // 4 + 60
    strong = (pale - 60) * 3
    np.testing.assert_allclose(
        Hog().fit_transform(pale), Hog().fit_transform(strong.astype(np.uint8)), atol=1e-4
    )


def test_hog_tells_a_dark_edge_from_a_light_one_and_where_it_is() -> None:
    edge = np.zeros((4, 16, 16), dtype=np.uint8)
    edge[0, :, 8:] = 255
    edge[1, :, :8] = 255
    edge[2, 8:, :] = 255
    edge[3, :, 2:] = 255
    found = Hog().fit_transform(edge)
    alike = found @ found.T
    assert alike[~np.eye(4, dtype=bool)].max() < 0.3


def test_hog_hardly_sees_a_shift_by_one_pixel() -> None:
    moved = np.concatenate([bars(0.0), np.roll(bars(0.0), 1, axis=2)])
    one, two = Hog().fit_transform(moved)
    assert one @ two > 0.8


# Deskewing.


@settings(max_examples=30, deadline=None)
@given(
    quarter=arrays(np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 7))),
    margin=st.integers(1, 3),
)
def test_an_upright_glyph_is_nearly_itself(quarter: np.ndarray, margin: int) -> None:
    half = np.hstack([quarter, quarter[:, ::-1]])
    glyph = np.pad(np.vstack([half, half[::-1]]), margin)[None]
    np.testing.assert_allclose(Deskew().fit_transform(glyph), glyph / 255, atol=0.01)


@pytest.mark.parametrize("lean", [-0.6, -0.3, 0.3, 0.6])
def test_a_slanted_glyph_is_set_upright(lean: float) -> None:
    given = bars(lean)
    assert slant(given[0]) == pytest.approx(-lean, abs=0.1)
    (found,) = Deskew().fit_transform(given)
    assert abs(slant(found)) < 0.05
    (upright,) = Deskew().fit_transform(bars(0.0))
    assert abs(found - upright).mean() < 0.02


def test_a_glyph_is_moved_to_the_middle() -> None:
    aside = np.roll(bars(0.0), (-4, 5), axis=(1, 2))
    np.testing.assert_allclose(
        Deskew().fit_transform(aside), Deskew().fit_transform(bars(0.0)), atol=0.02
    )


def test_dark_ink_on_light_paper_is_ink_too() -> None:
    given = bars(0.4)
    np.testing.assert_allclose(
        Deskew().fit_transform(255 - given), Deskew().fit_transform(given), atol=1e-5
    )


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_blank_page_has_no_ink(level: int) -> None:
    blank = np.full((2, 6, 7), level, dtype=np.uint8)
    assert not ink(brightness(blank)).any()
    assert not Deskew().fit_transform(blank).any()


@settings(max_examples=30, deadline=None)
@given(given=some_images)
def test_ink_never_leaves_its_range(given: np.ndarray) -> None:
    found = Deskew().fit_transform(given)
    assert found.min() >= 0
    assert found.max() <= 1 + 1e-5
