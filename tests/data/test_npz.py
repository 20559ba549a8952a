import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tuilabel.data import npz, open_dataset
from tuilabel.data.images import letterbox, thumbnail
from tuilabel.data.item_ids import ItemIds, digests
from tuilabel.data.region import Region
from tuilabel.data.window import Window
from tuilabel.errors import SourceError, UsageError

IMAGES = np.random.default_rng(2).integers(0, 256, (25, 6, 5), dtype=np.uint8)
LABELS = np.arange(25) % 3


@pytest.fixture
def opened(tmp_path: Path, cache_dir: Path):
    def open_arrays(*, options: dict[str, object] | None = None, **arrays: object):
        path = tmp_path / "data.npz"
        path.unlink(missing_ok=True)
        np.savez_compressed(path, **arrays)
        return open_dataset(str(path), cache_dir=cache_dir, **(options or {}))

    return open_arrays


def test_images_alone_are_a_dataset(opened, tmp_path: Path) -> None:
    dataset = opened(images=IMAGES, options={"classes": ["a", "b"]})
    assert (dataset.pool == IMAGES).all()
    assert isinstance(dataset.pool, np.memmap)
    assert dataset.source == str(tmp_path / "data.npz")
    assert dataset.class_names == ("a", "b")
    assert dataset.truth is None
    assert dataset.holdout is None
    assert dataset.references(7) == ("images[7]",)
    assert (dataset.image(7) == IMAGES[7]).all()
    assert list(dataset.ids) == list(ItemIds("a1", digests(IMAGES)))


def test_images_alone_need_classes_and_have_no_holdout(opened) -> None:
    with pytest.raises(SourceError, match="--classes cat,dog"):
        opened(images=IMAGES)
    with pytest.raises(UsageError, match="no hold-out"):
        opened(images=IMAGES, options={"classes": ["a"], "test": 3})


def test_labels_give_truth_classes_and_a_holdout(opened) -> None:
    dataset = opened(images=IMAGES, labels=LABELS)
    assert dataset.class_names == ("0", "1", "2")
    assert dataset.holdout is not None
    assert dataset.holdout.name == "hold-out"
    assert (len(dataset), len(dataset.holdout)) == (20, 5)
    rows = [int(dataset.references(i)[0][7:-1]) for i in range(20)]
    assert rows == sorted(rows)
    assert (dataset.pool == IMAGES[rows]).all()
    assert isinstance(dataset.pool, np.memmap)
    assert dataset.truth is not None
    assert dataset.truth.dtype == dataset.holdout.truth.dtype == np.int16
    assert (dataset.truth == LABELS[rows]).all()
    held_out = sorted(set(range(25)) - set(rows))
    assert (dataset.holdout.images == IMAGES[held_out]).all()
    assert (dataset.holdout.truth == LABELS[held_out]).all()
    assert (dataset.image(3) == IMAGES[rows[3]]).all()


def test_the_holdout_does_not_depend_on_the_order(opened) -> None:
    one = opened(images=IMAGES, labels=LABELS)
    other = opened(images=IMAGES[::-1].copy(), labels=LABELS[::-1])
    assert set(one.ids) == set(other.ids)


def test_the_first_of_each_split_can_be_taken(opened) -> None:
    whole = opened(images=IMAGES, labels=LABELS)
    part = opened(images=IMAGES, labels=LABELS, options={"pool": 4, "test": 2})
    assert list(part.ids) == list(whole.ids[:4])
    assert (part.holdout.images == whole.holdout.images[:2]).all()
    with pytest.raises(UsageError, match=r"--pool 21 .* pool has 20"):
        opened(images=IMAGES, labels=LABELS, options={"pool": 21})
    with pytest.raises(UsageError, match=r"--test 6 .* hold-out has 5"):
        opened(images=IMAGES, labels=LABELS, options={"test": 6})


@pytest.mark.parametrize(
    ("values", "sizes"), [([1, 2], (1, 1)), ([1, 1, 1, 2], None), ([5], (1, 0)), ([5, 5], (1, 0))]
)
def test_small_files_keep_at_least_one_for_the_pool(
    opened, values: list[int], sizes: tuple[int, int] | None
) -> None:
    images = np.repeat(np.array(values, dtype=np.uint8), 4).reshape(-1, 2, 2)
    dataset = opened(images=images, labels=np.array(values))
    held_out = 0 if dataset.holdout is None else len(dataset.holdout)
    assert len(dataset) == 1
    if sizes is not None:
        assert (len(dataset), held_out) == sizes
    else:
        assert held_out in (1, 3)


def test_equal_images_are_on_one_side_only(opened) -> None:
    images = np.concatenate([IMAGES, IMAGES[:10]])
    dataset = opened(images=images, labels=np.zeros(35, dtype=int))
    assert len(dataset) == 20
    shown = {image.tobytes() for image in dataset.holdout.images}
    assert not shown & {image.tobytes() for image in dataset.pool}
    assert not any("left out" in notice for notice in dataset.notices)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["dog", "cat", "img10", "img2"], ("cat", "dog", "img2", "img10")),
        ([b"dog", b"c\xc3\xa9", b"x\xff", b"dog"], ("cé", "dog", "x�")),
        ([10, 9, -1, 10], ("-1", "9", "10")),
        ([True, False, True, True], ("0", "1")),
        (["a\x1b", "b", "b", "b"], ("a␛", "b")),
    ],
)
def test_classes_are_in_natural_order(
    opened, labels: list[object], classes: tuple[str, ...]
) -> None:
    dataset = opened(images=IMAGES[:4], labels=np.array(labels))
    assert dataset.class_names == classes


def test_given_classes_rename_those_of_the_labels(opened) -> None:
    names = ["x", "y", "z"]
    dataset = opened(images=IMAGES, labels=LABELS, options={"classes": names})
    assert dataset.class_names == tuple(names)
    with pytest.raises(SourceError, match=r"2 classes were given .* has 3 \(0, 1, 2\)"):
        opened(images=IMAGES, labels=LABELS, options={"classes": ["x", "y"]})


@pytest.mark.parametrize(
    ("images", "pool"),
    [
        (np.array([[[True, False]]]), [[[255, 0]]]),
        (np.array([[[0, 255, 7]]], dtype=np.int64), [[[0, 255, 7]]]),
        (np.array([[[0, 255, 7]]], dtype=">u2"), [[[0, 255, 7]]]),
        (np.array([[[0, 0.5, 1]]]), [[[0, 128, 255]]]),
        (np.array([[[0, 0.4, 254.6]]], dtype=np.float16), [[[0, 0, 255]]]),
        (np.zeros((1, 2, 1, 1), dtype=np.uint8), [[[0], [0]]]),
        (np.ones((1, 1, 1, 3), dtype=np.uint8), [[[[1, 1, 1]]]]),
    ],
)
def test_numbers_become_bytes(opened, images: NDArray, pool: list[object]) -> None:
    dataset = opened(images=images, options={"classes": ["a"]})
    assert dataset.pool.dtype == np.uint8
    assert dataset.pool.tolist() == pool


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4", "<i8", "<f2", ">f4", "<f8"])
def test_other_numbers_than_bytes_are_seen_through_one_window(
    opened, rng: np.random.Generator, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz, "_CHUNK_BYTES", 1)
    images = rng.integers(500, 1500, (8, 40, 30)).astype(dtype)
    dataset = opened(images=images, options={"classes": ["a"]})
    assert list(dataset.ids) == list(ItemIds("a1", digests(images)))
    low, high = dataset.window
    assert 500 <= low < 520
    assert 1480 < high < 1500
    assert (dataset.pool == dataset.window.apply(images)).all()
    given = Window(0, 5000)
    again = opened(images=images, options={"classes": ["a"], "window": given})
    assert again.window == given
    assert (again.pool == given.apply(images)).all()
    assert list(again.ids) == list(dataset.ids)


def test_bytes_and_booleans_need_no_window(opened) -> None:
    options = {"classes": ["a"], "window": Window(3, 4)}
    plain = opened(images=IMAGES, options=options)
    assert (plain.pool == IMAGES).all()
    masks = opened(images=IMAGES > 99, options=options)
    assert (masks.pool == np.where(IMAGES > 99, 255, 0)).all()
    assert plain.window is masks.window is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.5, 256, 1e308])
def test_values_that_are_no_brightness_cost_no_image(opened, value: float) -> None:
    images = np.random.default_rng(0).uniform(0, 1, (5, 20, 20))
    images[3, 1, 0] = value
    dataset = opened(images=images, options={"classes": ["a"]})
    assert len(dataset) == 5
    assert 0 <= dataset.window.low < 0.05
    assert 0.95 < dataset.window.high <= 1
    assert dataset.pool[3, 1, 0] == (255 if value > 0 else 0)


def test_equal_pixels_are_different_items_where_values_differ(opened) -> None:
    images = np.full((3, 4, 4), 7, dtype=np.uint16)
    images[1:, 0, 0] = 8, 9
    dataset = opened(images=images, options={"classes": ["a"], "window": Window(0, 60_000)})
    assert (dataset.pool[0] == dataset.pool[1]).all()
    assert len(dataset) == len(set(dataset.ids)) == 3


def test_large_images_are_reduced_for_screen_and_models(
    opened, rng: np.random.Generator, cache_dir: Path
) -> None:
    images = rng.integers(0, 256, (6, 120, 60, 3), dtype=np.uint8)
    for arrays in ({"images": images}, {"images": images, "labels": np.arange(6) % 2}):
        options = {} if "labels" in arrays else {"classes": ["a"]}
        dataset = opened(**arrays, options=options)
        assert dataset.pool.shape == (len(dataset), 32, 32, 3)
        for i in range(len(dataset)):
            row = int(dataset.references(i)[0][7:-1])
            assert (dataset.image(i) == thumbnail(images[row])).all()
            assert dataset.image(i).shape == (96, 48, 3)
            assert (dataset.full_image(i) == images[row]).all()
            assert (dataset.pool[i] == letterbox(thumbnail(images[row]))).all()


def test_a_file_is_converted_once(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, images=IMAGES, labels=LABELS)
    calls: list[tuple[str, int, int | None]] = []

    def open_it():
        return open_dataset(
            str(path), cache_dir=cache_dir, progress=lambda *call: calls.append(call)
        )

    before = open_it()
    assert calls[0] == ("reading images", 25, 25)
    calls.clear()
    assert list(open_it().ids) == list(before.ids)
    assert calls == []
    np.savez(path, images=255 - IMAGES, labels=LABELS)
    assert (open_it().pool == 255 - before.pool).any()
    assert calls


def test_a_damaged_cache_is_made_again(tmp_path: Path, cache_dir: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, images=IMAGES, labels=LABELS)
    before = open_dataset(str(path), cache_dir=cache_dir)
    expected = before.pool.copy()
    for cached in list(cache_dir.rglob("*")):
        if cached.is_file():
            content = cached.read_bytes()
            cached.unlink()
            cached.write_bytes(content[:-9])
    again = open_dataset(str(path), cache_dir=cache_dir)
    assert list(again.ids) == list(before.ids)
    assert (again.pool == expected).all()


def test_a_single_array_will_do(tmp_path: Path, cache_dir: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    dataset = open_dataset(str(tmp_path / "x.npy"), classes=["a"], cache_dir=cache_dir)
    assert (dataset.pool == IMAGES).all()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": IMAGES}, r"has no array named 'images' \(it has x_train\)"),
        ({"images": np.array([[["a"]]])}, "values of type <U1"),
        ({"images": np.zeros((1, 1, 1), complex)}, "values of type complex128"),
        ({"images": np.array([[[None]]])}, "Python objects"),
        ({"images": IMAGES[0]}, r"shape \(6, 5\), but \(n, H, W\)"),
        ({"images": np.zeros((2, 3, 4, 2), np.uint8)}, r"shape \(2, 3, 4, 2\)"),
        ({"images": IMAGES[:0]}, "has no images"),
        ({"images": np.zeros((3, 0, 4), np.uint8)}, "images of 0x4 pixels"),
        ({"images": np.zeros((1, 1, 10_001), np.uint8)}, "images of 1x10001 pixels"),
        ({"images": np.asfortranarray(IMAGES)}, "Fortran order"),
        ({"images": IMAGES, "labels": LABELS[:-1]}, r"shape \(24,\), but there are 25 images"),
        ({"images": IMAGES, "labels": np.eye(25)}, "values of type float64"),
        ({"images": IMAGES, "labels": np.eye(25, dtype=int)}, r"shape \(25, 25\)"),
        ({"images": IMAGES, "labels": np.array([None] * 25)}, "Python objects"),
        ({"images": IMAGES, "labels": np.array([""] * 25)}, "empty name"),
        ({"images": IMAGES, "labels": np.array(["\x80", "\x81"] * 12 + ["a"])}, "Two classes"),
    ],
)
def test_what_is_no_images_or_labels_has_its_sentence(
    opened, arrays: dict[str, NDArray], message: str
) -> None:
    options = {} if "labels" in arrays else {"classes": ["a"]}
    with pytest.raises(SourceError, match=message):
        opened(**arrays, options=options)


def test_too_many_classes_are_refused(opened) -> None:
    images = np.arange(1001, dtype="<u4").view(np.uint8).reshape(1001, 2, 2)
    with pytest.raises(SourceError, match="1001 different values"):
        opened(images=images, labels=np.arange(1001))


def member(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("images.npy", content)
    return stream.getvalue()


def npy(array: NDArray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def claiming(header: str, body: bytes = b"") -> bytes:
    encoded = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(encoded)) + encoded + body


HUGE = "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000, 8, 8)}"


def encrypted(content: bytes) -> bytes:
    data = bytearray(content)
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[6] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged or not an array file"),
        (b"text", "damaged or not an array file"),
        (member(npy(IMAGES))[:-30], "damaged or not an array file"),
        (member(b"no array"), "not an array that numpy saved"),
        (member(npy(IMAGES)[:-1]), "takes 750 bytes, but 749 are stored"),
        (member(npy(IMAGES) + b"!"), "takes 750 bytes, but 751 are stored"),
        (member(claiming(HUGE)), "takes 64000000000000 bytes, but 0 are stored"),
        (member(claiming(HUGE.replace("(1", "(-1"))), "are stored"),
        (member(claiming(HUGE.replace("|u1", "|V0"))), "values of 0 bytes"),
        (member(claiming("((" * 50)), "not an array that numpy saved"),
        (member(claiming("__import__('os')")), "not an array that numpy saved"),
        (encrypted(member(npy(IMAGES))), "is encrypted"),
    ],
    # A zip file contains the time, which would make a test's name another in each process.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_and_hostile_files_have_their_sentence(
    tmp_path: Path, cache_dir: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        open_dataset(str(path), classes=["a"], cache_dir=cache_dir)
    assert not [path for path in cache_dir.rglob("*") if path.is_file()]


def test_a_declared_size_over_the_limit_is_refused_before_reading(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(member(npy(np.zeros((1000, 10, 10), dtype=np.uint8))))
    monkeypatch.setattr(npz, "MAX_ARRAY_BYTES", 50_000)
    with pytest.raises(SourceError, match="declares 100128 bytes, more than the limit of 50000"):
        open_dataset(str(path), classes=["a"], cache_dir=cache_dir)


def test_a_wrong_checksum_is_noticed(tmp_path: Path, cache_dir: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, images=IMAGES)
    data = bytearray(stream.getvalue())
    data[data.index(IMAGES.tobytes()) + 5] ^= 1
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(SourceError, match="Bad CRC-32"):
        open_dataset(str(tmp_path / "x.npz"), classes=["a"], cache_dir=cache_dir)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_damage_is_a_dataset_or_a_source_error(
    tmp_path: Path, changes: list[tuple[int, int]]
) -> None:
    original = npy(IMAGES[:3])
    compressed = [
        member(original, method)
        for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    ]
    for content in (original, *compressed):
        data = bytearray(content)
        for position, value in changes:
            data[position % (128 if content is original else len(data))] = value
        path = tmp_path / ("x.npy" if content is original else "x.npz")
        path.write_bytes(data)
        try:
            dataset = open_dataset(str(path), classes=["a"], cache_dir=tmp_path / "cache")
        except SourceError:
            continue
        assert len(dataset) >= 1


def test_damage_has_its_sentence_whatever_the_compression(tmp_path: Path, cache_dir: Path) -> None:
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        data = bytearray(member(npy(IMAGES), method))
        data[60:120] = bytes(60)
        (tmp_path / "x.npz").write_bytes(data)
        with pytest.raises(SourceError, match=r"x\.npz (is damaged|cannot be read)"):
            open_dataset(str(tmp_path / "x.npz"), classes=["a"], cache_dir=cache_dir)


def test_strings_that_are_no_text_are_refused(opened) -> None:
    labels = np.array(["a"] * 25)
    labels.view("<u4")[3] = 0x7FFFFFFF
    with pytest.raises(SourceError, match="not text"):
        opened(images=IMAGES, labels=labels)


def test_names_are_shown_inert(tmp_path: Path, cache_dir: Path) -> None:
    path = tmp_path / "\x1b[2J.npz"
    path.write_bytes(b"")
    with pytest.raises(SourceError) as caught:
        open_dataset(str(path), classes=["a"], cache_dir=cache_dir)
    assert "\x1b" not in str(caught.value)


def test_pickles_are_never_loaded(opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
            return Path.touch, (tmp_path / "touched",)

    objects = np.empty((1, 1, 1), dtype=object)
    objects[0, 0, 0] = Hostile()
    with pytest.raises(SourceError, match="Python objects"):
        opened(images=objects, options={"classes": ["a"]})
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("shape", [(30, 6, 8), (30, 6, 8, 1), (30, 6, 8, 3)])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed, None])
def test_a_picture_has_the_stored_values(
    tmp_path: Path, cache_dir: Path, rng: np.random.Generator, shape: tuple[int, ...], save
) -> None:
    images = rng.integers(0, 5000, shape).astype(np.uint16)
    path = tmp_path / ("deep.npy" if save is None else "deep.npz")
    if save is None:
        np.save(path, images)
    else:
        save(path, images=images)
    dataset = open_dataset(str(path), classes=["a", "b"], cache_dir=cache_dir)
    for row in (0, 17, 29):
        picture = dataset.picture(row, (100, 100))
        assert (picture.values == images[row].reshape(dataset.pool.shape[1:])).all()
        assert (picture.pixels() == dataset.full_image(row)).all()
    corner = dataset.picture(3, (2, 2), Region(0.5, 0.5, 1, 1))
    assert corner.values.shape[:2] == (2, 2)
    assert corner.window == dataset.window
    images[17] += 1
    if save is None:
        np.save(path, images)
    else:
        save(path, images=images)
    with pytest.raises(SourceError, match="has changed: open it again"):
        dataset.picture(17, (100, 100))


def test_bytes_need_no_stored_values(tmp_path: Path, cache_dir: Path) -> None:
    np.save(
        tmp_path / "x.npy", np.arange(10 * 64, dtype=np.int64).reshape(10, 8, 8).astype(np.uint8)
    )
    dataset = open_dataset(str(tmp_path / "x.npy"), classes=["a"], cache_dir=cache_dir)
    assert not dataset.has_pictures
