import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tuilabel.data import as_array_file, folder, open_dataset
from tuilabel.data.images import ReducedImage, letterbox
from tuilabel.errors import SourceError, UsageError
from tuilabel.text import inert

CLASSES = ["cat", "dog"]
Save = Callable[..., NDArray[np.uint8]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "pictures"
    path.mkdir()
    return path


@pytest.fixture
def save(root: Path, rng: np.random.Generator) -> Save:
    """Write an image of random pixels into the folder and return its pixels."""

    def write(name: str, shape: tuple[int, ...] = (10, 12, 3)) -> NDArray[np.uint8]:
        pixels = rng.integers(0, 256, shape, dtype=np.uint8)
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, "PNG")
        return pixels

    return write


@pytest.fixture
def opened(root: Path, cache_dir: Path):
    def open_it(**options):
        return open_dataset(str(root), classes=CLASSES, cache_dir=cache_dir, **options)

    return open_it


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of the files decoded so far."""
    names: list[str] = []
    original = folder.reduce_image_file

    def watched(path: Path) -> ReducedImage:
        names.append(path.name)
        return original(path)

    monkeypatch.setattr(folder, "reduce_image_file", watched)
    return names


def test_a_folder_is_a_dataset_in_natural_order(root: Path, save: Save, opened) -> None:
    names = ["img2.png", "img10.png", "a/2/x.png", "a/10/x.png", "B.png"]
    pixels = {name: save(name) for name in names}
    dataset = opened()
    order = ["a/2/x.png", "a/10/x.png", "B.png", "img2.png", "img10.png"]
    assert [dataset.references(i) for i in range(5)] == [(name,) for name in order]
    assert list(dataset.ids) == [id_of(root / name) for name in order]
    assert (dataset.pool == np.stack([pixels[name] for name in order])).all()
    assert (dataset.image(3) == pixels["img2.png"]).all()
    assert dataset.source == str(root)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.truth is None
    assert dataset.holdout is None
    assert dataset.notices == ()


def test_hidden_files_and_linked_folders_are_passed_over(root: Path, save: Save, opened) -> None:
    save("x.png")
    save(".hidden.png")
    save(".git/y.png")
    save("sub/z.png")
    (root / "sub" / "loop").symlink_to(root)
    (root / "linked.png").symlink_to(root / "sub" / "z.png")
    dataset = opened()
    assert [dataset.references(i) for i in range(2)] == [("linked.png", "sub/z.png"), ("x.png",)]


def test_what_cannot_be_read_is_skipped_counted_and_named(root: Path, save: Save, opened) -> None:
    save("good.png")
    save("cut.png", (50, 50, 3))
    whole = (root / "cut.png").read_bytes()
    (root / "cut.png").write_bytes(whole[: len(whole) // 2])
    (root / "a.txt").write_text("hello")
    (root / "b.txt").write_text("hello")
    (root / "z\x1b[2J.png").write_bytes(b"")
    (root / "dangling.png").symlink_to(root / "nowhere")
    (root / "self.png").symlink_to(root / "self.png")
    os.mkfifo(root / "pipe.png")
    dataset = opened()
    assert len(dataset) == 1
    (notice,) = dataset.notices
    assert notice.startswith("7 files were skipped: ")
    assert notice.count("(") == 3
    assert "and 4 more" in notice
    assert "\x1b" not in notice
    assert opened().notices == dataset.notices


def id_of(path: Path) -> str:
    return "f1:" + hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def test_equal_files_are_one_item(root: Path, save: Save, opened) -> None:
    save("b.png")
    (root / "a.bmp").write_bytes((root / "b.png").read_bytes())
    save("c.png")
    dataset = opened()
    assert len(dataset) == 2
    assert dataset.references(0) == ("a.bmp", "b.png")
    assert dataset.notices == ("1 exact duplicate was merged.",)


def test_different_files_are_different_items_whatever_they_show(
    root: Path, save: Save, opened
) -> None:
    image = Image.fromarray(save("a.png"))
    image.save(root / "b.bmp")
    image.save(root / "c.png", compress_level=1)
    values = np.random.default_rng(0).integers(1000, 1200, (12, 10, 10), dtype=np.uint16)
    for number, value in enumerate(values):
        Image.fromarray(value).save(root / f"ct{number}.png")
    dataset = opened()
    assert len(dataset) == 15
    assert dataset.notices == ()
    names = [dataset.references(row) for row in range(15)]
    assert [len(each) for each in names] == [1] * 15
    assert list(dataset.ids) == [id_of(root / name) for (name,) in names]


@pytest.mark.parametrize(
    ("shapes", "pool", "kind"),
    [
        ([(28, 28), (28, 28)], (2, 28, 28), "exact"),
        ([(64, 3, 3), (64, 3, 3)], (2, 64, 3, 3), "exact"),
        ([(28, 28), (28, 28, 3)], (2, 28, 28, 3), "exact"),
        ([(28, 28), (28, 27)], (2, 32, 32), "fitted"),
        ([(65, 65), (65, 65)], (2, 32, 32), "fitted"),
        ([(200, 100, 3), (30, 30)], (2, 32, 32, 3), "fitted"),
    ],
)
def test_models_see_small_equal_images_as_they_are_and_others_fitted(
    save: Save, opened, shapes: list[tuple[int, ...]], pool: tuple[int, ...], kind: str
) -> None:
    pixels = [save(f"{i}.png", shape) for i, shape in enumerate(shapes)]
    dataset = opened()
    assert dataset.pool.shape == pool
    for i, original in enumerate(pixels):
        row = original if kind == "exact" else letterbox(dataset.image(i))
        if row.ndim < dataset.pool.ndim - 1:
            row = np.repeat(row[..., None], 3, axis=2)
        assert (dataset.pool[i] == row).all()


def test_large_images_are_shown_reduced(save: Save, opened) -> None:
    save("x.png", (300, 150, 3))
    save("y.png", (5, 5))
    dataset = opened()
    assert dataset.image(0).shape == (96, 48, 3)
    assert dataset.image(1).shape == (5, 5)


def test_the_second_time_only_changes_are_decoded(
    root: Path, save: Save, opened, decoded: list[str]
) -> None:
    for i in range(5):
        save(f"{i}.png")
    (root / "note.txt").write_text("no image")
    before = opened()
    assert sorted(decoded) == ["0.png", "1.png", "2.png", "3.png", "4.png", "note.txt"]
    decoded.clear()
    assert list(opened().ids) == list(before.ids)
    assert decoded == []
    save("2.png", (11, 12, 3))
    save("5.png")
    (root / "0.png").unlink()
    after = opened()
    assert sorted(decoded) == ["2.png", "5.png"]
    assert [after.references(i)[0] for i in range(len(after))] == [f"{i}.png" for i in range(1, 6)]
    assert (before.image(0) != after.image(0)).any()


def test_only_as_many_files_are_read_as_are_asked_for(
    root: Path, save: Save, opened, decoded: list[str]
) -> None:
    (root / "0.png").write_bytes(b"no image")
    for i in range(1, 30):
        save(f"{i}.png")
    dataset = opened(pool=3)
    assert [dataset.references(i)[0] for i in range(3)] == ["1.png", "2.png", "3.png"]
    assert len(dataset) == 3
    assert sorted(decoded) == ["0.png", "1.png", "2.png", "3.png"]
    with pytest.raises(UsageError, match=r"--pool 30 .* has 29 images"):
        opened(pool=30)
    with pytest.raises(UsageError, match="--pool 0 "):
        opened(pool=0)
    decoded.clear()
    with pytest.raises(UsageError, match=r"--pool 31 .* has 30 images"):
        opened(pool=31)
    assert decoded == []


def test_progress_counts_the_files_that_are_read(save: Save, opened) -> None:
    for i in range(4):
        save(f"{i}.png")
    calls: list[tuple[str, int, int | None]] = []
    opened(progress=lambda *call: calls.append(call))
    assert calls == [("reading images", done, 4) for done in range(1, 5)]
    opened(progress=lambda *call: calls.append(call))
    assert len(calls) == 4


def test_interrupted_work_is_kept(save: Save, opened, decoded: list[str]) -> None:
    for i in range(30):
        save(f"{i}.png")

    def interrupt(what: str, done: int, total: int | None) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened(progress=interrupt)
    decoded.clear()
    assert len(opened()) == 30
    assert len(decoded) == 20


def test_killed_work_is_kept_as_far_as_it_was_written(
    root: Path, save: Save, cache_dir: Path, opened, decoded: list[str]
) -> None:
    for i in range(12):
        save(f"{i}.png")
    code = (
        "import os, signal, sys\n"
        "from tuilabel.data import folder, open_dataset\n"
        "folder._FLUSH_SECONDS = -1.0\n"
        "def stop(what, done, total):\n"
        "    if done == 8: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from pathlib import Path\n"
        "open_dataset(sys.argv[1], classes=['a'], cache_dir=Path(sys.argv[2]), progress=stop)\n"
    )
    repository = Path(__file__).resolve().parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", code, root, cache_dir],
        env={**os.environ, "PYTHONPATH": str(repository)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(opened()) == 12
    assert len(decoded) == 5


def test_files_of_equal_size_and_time_may_swap_names(root: Path, opened) -> None:
    for number in (1, 2):
        Image.new("L", (8, 8), number).save(root / f"{number}.bmp")
        os.utime(root / f"{number}.bmp", ns=(10**18, 10**18))
    before = dict(zip(opened().ids, opened().pool[:, 0, 0].tolist(), strict=True))
    (root / "1.bmp").rename(root / "x")
    (root / "2.bmp").rename(root / "1.bmp")
    (root / "x").rename(root / "2.bmp")
    after = opened()
    assert dict(zip(after.ids, after.pool[:, 0, 0].tolist(), strict=True)) == before
    assert [id_of(root / after.references(i)[0]) for i in range(2)] == list(after.ids)


def test_a_damaged_cache_is_never_trusted(
    save: Save, cache_dir: Path, opened, rng: np.random.Generator
) -> None:
    for i in range(3):
        save(f"{i}.png", (40, 30, 3) if i else (20, 20))

    def contents() -> list[object]:
        dataset = opened()
        images = [dataset.image(i).tolist() for i in range(3)]
        return [list(dataset.ids), dataset.pool.tolist(), images]

    expected = contents()
    files = [path for path in cache_dir.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".pool", ".thumbnails"}
    for _ in range(60):
        paths = sorted(path for path in cache_dir.rglob("*") if path.is_file())
        path = paths[rng.integers(len(paths))]
        data = bytearray(path.read_bytes())
        position = int(rng.integers(len(data)))
        choice = rng.integers(3)
        if choice == 0:
            data[position] ^= 1 << int(rng.integers(8))
        elif choice == 1:
            del data[position:]
        else:
            data = bytearray(b"another version")
        # A new file, because open datasets have mapped the old one.
        path.unlink()
        path.write_bytes(data)
        if rng.integers(2):
            for other in cache_dir.rglob("*.pool"):
                other.unlink()
        assert contents() == expected


def test_two_processes_at_once_do_no_harm(root: Path, save: Save, cache_dir: Path) -> None:
    for i in range(20):
        save(f"{i}.png", (70, 70, 3))
    code = (
        "import sys; from pathlib import Path; from tuilabel.data import folder, open_dataset\n"
        "folder._FLUSH_SECONDS = -1.0\n"
        "d = open_dataset(sys.argv[1], classes=['a'], cache_dir=Path(sys.argv[2]))\n"
        "print(len(d), int(d.pool.sum()), sum(int(d.image(i).sum()) for i in range(len(d))))"
    )
    repository = Path(__file__).resolve().parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, root, cache_dir],
            env={**os.environ, "PYTHONPATH": str(repository)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    printed = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(set(printed)) == 1
    assert printed[0].startswith("20 ")


def test_the_pool_of_an_open_dataset_keeps_its_file(
    save: Save, cache_dir: Path, tmp_path: Path, opened
) -> None:
    save("1.png")
    first = opened()
    described = as_array_file(first.pool, tmp_path)
    assert described.path.suffix == ".pool"
    save("2.png")
    second = opened()
    assert (described.open() == first.pool).all()
    del first
    save("3.png")
    third = opened()
    assert not described.path.exists()
    assert len(list(cache_dir.rglob("*.pool"))) == 2
    assert (len(second), len(third)) == (2, 3)


def test_many_small_blocks_are_merged(
    root: Path, save: Save, cache_dir: Path, opened, decoded: list[str]
) -> None:
    for i in range(40):
        save(f"{i}.png")
        if i > 20:
            (root / f"{i - 20}.png").unlink()
        opened()
    assert len(list(cache_dir.rglob("*.thumbnails"))) < 16
    assert len(decoded) == 40
    dataset = opened()
    assert len(dataset) == 21
    assert len(decoded) == 40


def test_names_that_are_no_text_lead_back_to_their_files(root: Path, save: Save, opened) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    pixels = save(name)
    save("line\nbreak.png")
    dataset = opened()
    assert dataset.references(0) == (name,)
    assert os.fsencode(dataset.references(0)[0]) == b"caf\xe9.png"
    assert inert(dataset.references(0)[0]) == "caf�.png"
    assert (root / dataset.references(0)[0]).is_file()
    assert (dataset.image(0) == pixels).all()
    assert list(opened().ids) == list(dataset.ids)


def test_a_file_out_of_reach_is_tried_again_the_next_time(
    save: Save, opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("x.png")
    save("y.png")
    original = folder.reduce_image_file

    def failing(path: Path) -> ReducedImage:
        if path.name == "y.png":
            raise folder.UnreadableImageError("Input/output error", lasting=False)
        return original(path)

    monkeypatch.setattr(folder, "reduce_image_file", failing)
    assert "y.png (Input/output error)" in opened().notices[0]
    monkeypatch.setattr(folder, "reduce_image_file", original)
    assert len(opened()) == 2


def test_an_image_lost_from_cache_and_folder_is_named(
    root: Path, save: Save, cache_dir: Path, opened
) -> None:
    pixels = save("x.png")
    dataset = opened()
    (block,) = cache_dir.rglob("*.thumbnails")
    with block.open("r+b") as file:
        data = file.read()
        start = data.index(pixels.tobytes()[:50])
        file.seek(start)
        file.write(bytes(8))
    assert (dataset.image(0) == pixels).all()
    (root / "x.png").unlink()
    with pytest.raises(SourceError, match=r"x\.png can no longer be read"):
        dataset.image(0)


def test_folders_without_images_say_what_they_have(root: Path, opened) -> None:
    with pytest.raises(SourceError, match="is empty"):
        opened()
    (root / "a.txt").write_text("hello")
    with pytest.raises(SourceError, match=r"has no images: a\.txt \(not an image\)"):
        opened()
    (root / "train-images-idx3-ubyte.gz").write_bytes(b"x")
    with pytest.raises(SourceError, match="open mnist:"):
        opened()


def test_a_folder_needs_classes_and_has_no_holdout(root: Path, save: Save, opened) -> None:
    save("x.png")
    with pytest.raises(SourceError, match="--classes cat,dog"):
        open_dataset(str(root))
    with pytest.raises(UsageError, match="has no hold-out"):
        opened(test=3)


def test_the_source_opens_the_same_from_elsewhere(
    root: Path, save: Save, cache_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    save("x.png")
    monkeypatch.chdir(root)
    dataset = open_dataset(".", classes=CLASSES, cache_dir=cache_dir)
    monkeypatch.chdir(tmp_path)
    assert dataset.source == str(root)
    again = open_dataset(dataset.source, classes=CLASSES, cache_dir=cache_dir)
    assert list(again.ids) == list(dataset.ids)
