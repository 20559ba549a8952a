"""What is made of the images once: the right features, and kept only while it can be trusted."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_pools import blobs, glyphs

import tuilabel
from tuilabel.data.arrays import Arrays
from tuilabel.errors import UsageError
from tuilabel.learn import preparation
from tuilabel.learn.feature_sources import FeatureSource, pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.graph import LabelGraph, NoGraphError, build_graph
from tuilabel.learn.preparation import (
    Images,
    Prepared,
    choose_features,
    prepare_features,
    prepare_graph,
    resolve_features,
)
from tuilabel.learn.store import MemoryStore, Parts, Store
from tuilabel.learn.transformers import Deskew, Hog

POOL, KIND = glyphs(90)
HOLDOUT, _ = glyphs(31, seed=1)


def rows(source: FeatureSource | None) -> np.ndarray:
    """Return all rows of a source that is there."""
    assert source is not None
    return source(slice(None))


class CountingStore(MemoryStore):
    """Remembers what was saved."""

    def __init__(self) -> None:
        super().__init__()
        self.saved: list[str] = []

    def save(self, name: str, shape: tuple[int, ...], parts: Parts) -> Any:
        self.saved.append(name)
        return super().save(name, shape, parts)


def graph_of(
    pool: np.ndarray = POOL,
    holdout: np.ndarray | None = HOLDOUT,
    store: Store | None = None,
    **options: Any,
) -> Prepared:
    images = Images(pixels(pool), None if holdout is None else pixels(holdout))
    store = store or MemoryStore()
    features = prepare_features("hog", images, store)
    return prepare_graph(features, 3, store, **options)[0]


# The choice of features.


def photos(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def paper(pool: np.ndarray) -> np.ndarray:
    return (255 - pool).astype(np.uint8)


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, "deskew-hog"),
        (paper(POOL), "deskew-hog"),
        (POOL.astype(np.float32) / 255, "deskew-hog"),
        (photos(40, 28, 28), "hog"),
        (photos(40, 32, 32, 3), "hog"),
        (np.repeat(POOL[..., None], 3, axis=3), "hog"),
        (np.pad(POOL, ((0, 0), (40, 40), (40, 40))), "hog"),
        (photos(40, 3, 3), "raw"),
        (photos(40, 1, 900), "raw"),
        (photos(40, 2, 300, 3), "raw"),
        (photos(40, 12), "raw"),
        (np.zeros((40, 28, 28), dtype=np.uint8), "hog"),
        (POOL[:1], "deskew-hog"),
        (POOL[:0], "hog"),
    ],
    ids=[
        "glyphs",
        "dark glyphs",
        "float glyphs",
        "photos",
        "colour photos",
        "coloured glyphs",
        "large drawings",
        "tiny",
        "a line",
        "a colour line",
        "no images",
        "constant",
        "a single glyph",
        "empty",
    ],
)
def test_features_are_chosen_by_what_images_look_like(pool: np.ndarray, expected: str) -> None:
    assert choose_features(pixels(pool)) == expected
    assert resolve_features("auto", pixels(pool)) == expected


def test_digits_are_glyphs() -> None:
    from tuilabel.data import open_dataset

    # They fill their 8 x 8 pixels to the border, so there is nothing to set upright.
    assert choose_features(pixels(open_dataset("digits").pool)) == "hog"


def test_mnist_is_glyphs(mnist_dir: Path) -> None:
    from tuilabel.data import open_dataset

    assert choose_features(pixels(open_dataset(f"mnist:{mnist_dir}").pool)) == "deskew-hog"


def test_what_is_named_is_not_chosen() -> None:
    assert resolve_features("raw", pixels(POOL)) == "raw"


def test_a_large_pool_is_looked_at_in_part() -> None:
    class Counted(np.ndarray):
        seen = 0

        def __array__(self, *args: Any, **options: Any) -> np.ndarray:
            Counted.seen += len(self)
            return np.asarray(self.view(np.ndarray), *args, **options)

    pool = np.resize(POOL, (20_000, 16, 16)).view(Counted)
    assert choose_features(pixels(pool)) == "deskew-hog"
    assert Counted.seen <= 2000


# Features.


def test_raw_is_the_images_themselves() -> None:
    store = CountingStore()
    images = Images(pixels(POOL), pixels(HOLDOUT))
    found = prepare_features("raw", images, store)
    assert found.pool is images.pool
    assert found.holdout is images.holdout
    assert store.saved == []


def test_features_are_those_of_the_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "CHUNK_ROWS", 7)
    told: list[tuple[str, int, int]] = []
    found = prepare_features(
        "deskew-hog",
        Images(pixels(POOL), pixels(HOLDOUT)),
        MemoryStore(),
        progress=lambda *step: told.append(step),
    )
    expected = Hog().fit_transform(Deskew().fit_transform(POOL))
    np.testing.assert_allclose(rows(found.pool), expected, atol=1e-5)
    expected = Hog().fit_transform(Deskew().fit_transform(HOLDOUT))
    np.testing.assert_allclose(rows(found.holdout), expected, atol=1e-5)
    assert [step for step in told if step[1] == step[2]] == [
        ("features", 90, 90),
        ("features", 31, 31),
    ]
    assert all(0 < done <= total for _, done, total in told)


def test_without_a_holdout_there_are_none_of_it() -> None:
    assert prepare_features("hog", Images(pixels(POOL), None), MemoryStore()).holdout is None
    found = prepare_features(
        "hog", Images(pixels(POOL), pixels(HOLDOUT[:0])), MemoryStore()
    ).holdout
    assert rows(found).shape == (0, 392)


def test_unknown_features_are_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no feature 'sift'.*raw, hog, deskew-hog"):
        prepare_features("sift", Images(pixels(POOL), None), MemoryStore())


def test_images_that_hold_no_numbers_leave_nothing_in_the_store(tmp_path: Path) -> None:
    broken = POOL.astype(np.float32)
    broken[50, 3, 3] = np.nan
    with pytest.raises(UsageError, match="NaN or infinite"):
        prepare_features("hog", Images(pixels(broken), None), Arrays(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_is_not_computed_again(tmp_path: Path) -> None:
    images = Images(pixels(POOL), pixels(HOLDOUT))
    fresh = prepare_features("deskew-hog", images, Arrays(tmp_path))
    told: list[object] = []
    kept = prepare_features(
        "deskew-hog", images, Arrays(tmp_path), progress=lambda *step: told.append(step)
    )
    assert told == []
    np.testing.assert_array_equal(rows(kept.pool), rows(fresh.pool))
    np.testing.assert_array_equal(rows(kept.holdout), rows(fresh.holdout))


def changed(pool: np.ndarray) -> np.ndarray:
    other = pool.copy()
    other[-1, -1, -1] ^= 1
    return other


@pytest.mark.parametrize(
    ("name", "pool"),
    [
        ("hog", POOL),
        ("deskew-hog", changed(POOL)),
        ("deskew-hog", POOL[::-1]),
        ("deskew-hog", POOL[:-1]),
        ("deskew-hog", POOL.transpose(0, 2, 1)),
        ("deskew-hog", POOL.astype(np.float32)),
    ],
    ids=["other features", "one bit", "order", "fewer", "turned", "type"],
)
def test_other_images_and_features_have_other_names(name: str, pool: np.ndarray) -> None:
    store = CountingStore()
    prepare_features("deskew-hog", Images(pixels(POOL), None), store)
    prepare_features(name, Images(pixels(pool), None), store)
    first, second = store.saved
    assert first != second


def test_another_version_of_a_recipe_is_not_taken_for_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = CountingStore()
    graph_of(store=store)
    count = len(store.saved)
    monkeypatch.setitem(preparation.FEATURE_VERSIONS, "hog", 999)
    graph_of(store=store)
    assert len(set(store.saved)) == 2 * count
    monkeypatch.setattr(preparation, "GRAPH_VERSION", 999)
    graph_of(store=store)
    assert len(set(store.saved)) == len(store.saved) > 2 * count


def test_images_of_the_same_bytes_and_another_shape_differ() -> None:
    tall = POOL.reshape(90, 32, 8)
    assert pixels(POOL).digest != pixels(tall).digest
    assert pixels(POOL).digest == pixels(POOL.copy(order="F")).digest


# The graph.


def test_the_holdout_never_changes_the_graph() -> None:
    alone, beside, beside_another = (
        graph_of(holdout=holdout) for holdout in (None, HOLDOUT, paper(HOLDOUT))
    )
    assert alone.holdout is None
    np.testing.assert_array_equal(rows(alone.pool), rows(beside.pool))
    np.testing.assert_array_equal(rows(alone.pool), rows(beside_another.pool))
    assert beside.holdout is not None
    assert rows(beside.holdout).shape == (31, rows(alone.pool).shape[1])


def test_one_image_of_the_holdout_has_no_part_in_anothers_place() -> None:
    together, alone = graph_of(), graph_of(holdout=HOLDOUT[7:8])
    assert together.holdout is not None
    assert alone.holdout is not None
    np.testing.assert_allclose(rows(alone.holdout)[0], rows(together.holdout)[7], atol=1e-5)


def test_rows_have_length_one_and_know_the_kinds() -> None:
    found = graph_of()
    np.testing.assert_allclose(np.linalg.norm(rows(found.pool), axis=1), 1, atol=1e-5)
    centres = np.stack([rows(found.pool)[k == KIND].mean(axis=0) for k in range(3)])
    assert ((rows(found.pool) @ centres.T).argmax(axis=1) == KIND).all()


def test_a_graph_from_the_store_is_the_fresh_one(tmp_path: Path) -> None:
    fresh, first, kept = graph_of(), *(graph_of(store=Arrays(tmp_path)) for _ in range(2))
    for found in (first, kept):
        np.testing.assert_array_equal(rows(found.pool), rows(fresh.pool))
        np.testing.assert_array_equal(rows(found.holdout), rows(fresh.holdout))
    told: list[object] = []
    graph_of(store=Arrays(tmp_path), progress=lambda *step: told.append(step))
    assert told == []
    # A hold-out that is new is embedded in the graph that is kept.
    graph_of(
        store=Arrays(tmp_path),
        holdout=HOLDOUT[:5],
        progress=lambda *step: told.append(step),
    )
    assert told == [("hold-out", 5, 5)]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [cut, flip, Path.unlink], ids=["cut", "flip", "gone"])
def test_a_spoilt_file_is_made_again(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    graph_of(store=Arrays(tmp_path))
    # Not what was given back: that is mapped from the very files.
    fresh = graph_of()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    for path in files:
        spoil(path)
        found = graph_of(store=Arrays(tmp_path))
        np.testing.assert_array_equal(rows(found.pool), rows(fresh.pool))
        np.testing.assert_array_equal(rows(found.holdout), rows(fresh.holdout))
        assert sorted(tmp_path.iterdir()) == files


def test_a_holdout_goes_with_its_own_graph_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere the vectors may come out turned: what was embedded before means nothing then."""
    graph_of(store=Arrays(tmp_path))

    def turned(*args: Any, **options: Any) -> LabelGraph:
        found = build_graph(*args, **options)
        return replace(found, vectors=-found.vectors, reduced=-found.reduced, basis=-found.basis)

    monkeypatch.setattr(preparation, "build_graph", turned)
    fresh = graph_of()
    (kept,) = tmp_path.glob("graph-*-hog-1-20-" + pixels(POOL).digest + ".npy")
    kept.unlink()
    found = graph_of(store=Arrays(tmp_path))
    np.testing.assert_array_equal(rows(found.pool), rows(fresh.pool))
    np.testing.assert_allclose(rows(found.holdout), rows(fresh.holdout), atol=1e-6)


def test_a_pool_without_a_graph_says_so_each_time(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(NoGraphError, match="9 images are too few"):
            graph_of(POOL[:9], store=Arrays(tmp_path))
        with pytest.raises(NoGraphError, match="look alike"):
            graph_of(np.zeros_like(POOL), store=Arrays(tmp_path))
    assert not list(tmp_path.glob("graph*"))


def test_other_numbers_of_classes_are_other_graphs() -> None:
    images, store = Images(pixels(POOL), None), MemoryStore()
    features = prepare_features("hog", images, store)
    few, many = (prepare_graph(features, k, store)[0] for k in (3, 20))
    assert (rows(few.pool).shape[1], rows(many.pool).shape[1]) == (20, 40)


@pytest.mark.parametrize("width", [3, 90])
def test_a_graph_of_any_width_is_kept_whole(width: int) -> None:
    numbers, _ = blobs((40, 30), width=width)
    images, store = Images(pixels(numbers), pixels(numbers[:4])), MemoryStore()
    features = prepare_features("raw", images, store)
    fresh, kept = (prepare_graph(features, 2, store)[0] for _ in range(2))
    np.testing.assert_array_equal(rows(fresh.pool), rows(kept.pool))
    np.testing.assert_array_equal(rows(fresh.holdout), rows(kept.holdout))
    expected = build_graph(View(pixels(numbers)), 2, np.random.default_rng(0))
    np.testing.assert_array_equal(rows(kept.pool), expected.rows())


def test_a_store_that_cannot_be_written_is_memory(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, where a folder should be")
    found, fresh = graph_of(store=Arrays(tmp_path / "cache")), graph_of()
    np.testing.assert_array_equal(rows(found.pool), rows(fresh.pool))
    np.testing.assert_array_equal(rows(found.holdout), rows(fresh.holdout))


MAKE = """
import hashlib, sys
from pathlib import Path
import numpy as np
from tuilabel.data.arrays import Arrays
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.preparation import Images, prepare_features, prepare_graph

images = Images(*(pixels(np.load(path)) for path in sys.argv[1:3]))
store = Arrays(Path(sys.argv[3]))
sys.stdin.readline()
for _ in range(5):
    features = prepare_features("hog", images, store)
    found, _ = prepare_graph(features, 3, store)
    made = b"".join(source(slice(None)).tobytes() for source in (found.pool, found.holdout))
    print(hashlib.sha256(made).hexdigest(), flush=True)
    for path in Path(sys.argv[3]).iterdir():
        path.unlink(missing_ok=True)
"""


def test_two_processes_that_make_the_same_do_not_harm_each_other(tmp_path: Path) -> None:
    """They also take each other's files away, again and again."""
    for name, array in (("pool.npy", POOL), ("holdout.npy", HOLDOUT)):
        np.save(tmp_path / name, array)
    arguments = [str(tmp_path / name) for name in ("pool.npy", "holdout.npy", "cache")]
    both = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(tuilabel.__file__).parent.parent,
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    fresh = graph_of()
    made = rows(fresh.pool).tobytes() + rows(fresh.holdout).tobytes()
    expected = hashlib.sha256(made).hexdigest()
    assert set(said[0] + said[1]) == {expected}
