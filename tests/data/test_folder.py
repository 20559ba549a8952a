import gc
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hostile_images import ico, png
from numpy.typing import NDArray
from PIL import Image, ImageFile

from tuilabel.data import file_reader, folder, folder_items, listing, open_dataset, window
from tuilabel.data.dataset import SkippedFile
from tuilabel.data.decoding import DecodeService, Refused
from tuilabel.data.file_cache import FileCache
from tuilabel.data.images import Reduced, letterbox
from tuilabel.data.region import Region
from tuilabel.data.window import Window
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
def opened_alone(root: Path, cache_dir: Path):
    """Return a function that opens the folder, with decoders of its own."""

    def open_it(**options):
        return open_dataset(str(root), classes=CLASSES, cache_dir=cache_dir, **options)

    return open_it


@pytest.fixture
def opened(opened_alone, warm_decoders: None):
    """Return a function that opens the folder."""
    return opened_alone


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of the files decoded so far."""
    names: list[str] = []
    original = folder_items.reduce_image_files

    def watched(parts: list[tuple[Path, str]], *rest: object) -> list[Reduced]:
        names.extend(path.name for path, _ in parts)
        return original(parts, *rest)

    monkeypatch.setattr(folder_items, "reduce_image_files", watched)
    monkeypatch.setattr(file_reader, "_FILES", 1)
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


def test_hidden_files_are_passed_over(root: Path, save: Save, opened) -> None:
    save("x.png")
    save(".hidden.png")
    save(".git/y.png")
    save("sub/z.png")
    (root / "linked.png").symlink_to(root / "sub" / "z.png")
    dataset = opened()
    assert [dataset.references(i) for i in range(2)] == [("linked.png", "sub/z.png"), ("x.png",)]
    assert len(dataset) == 2


def test_linked_folders_are_followed_and_each_is_read_once(
    root: Path, save: Save, opened, tmp_path: Path
) -> None:
    save("sub/x.png")
    save("../elsewhere/deep/y.png")
    (root / "a link").symlink_to(tmp_path / "elsewhere")
    (root / "sub" / "loop").symlink_to(root)
    (tmp_path / "elsewhere" / "deep" / "back").symlink_to(root / "sub")
    (tmp_path / "elsewhere" / "self").symlink_to(tmp_path / "elsewhere" / "self")
    # Without a memory, each of these would double the number of paths.
    for i in range(40):
        (tmp_path / f"{i}").mkdir()
        for name in ("left", "right"):
            (tmp_path / f"{i}" / name).symlink_to(tmp_path / f"{i + 1}")
    (root / "many").symlink_to(tmp_path / "0")
    dataset = opened()
    assert [dataset.references(i) for i in range(len(dataset))] == [
        ("a link/deep/y.png",),
        ("sub/x.png",),
    ]
    assert (dataset.image(0).shape, dataset.full_image(0).shape) == ((10, 12, 3), (10, 12, 3))
    assert any("a link/self (Too many levels" in notice for notice in dataset.notices)


def test_what_cannot_be_read_is_left_out_counted_and_named(root: Path, save: Save, opened) -> None:
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
    assert notice.startswith("7 files cannot be read: ")
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
    assert [dataset.references(i)[0] for i in range(2)] == ["1.png", "2.png"]
    assert len(dataset) == 2
    assert sorted(decoded) == ["0.png", "1.png", "2.png"]
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
    assert {(what, total) for what, _, total in calls} == {("reading images", 4)}
    done = [done for _, done, _ in calls]
    assert done == sorted(set(done))
    assert done[-1] == 4
    opened(progress=lambda *call: calls.append(call))
    assert len(calls) == len(done)


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
    # What threads were reading then may be kept too, or read again.
    assert len(decoded) <= 24


def test_killed_work_is_kept_as_far_as_it_was_written(
    root: Path, save: Save, cache_dir: Path, opened, decoded: list[str]
) -> None:
    for i in range(12):
        save(f"{i}.png")
    code = (
        "import os, signal, sys\n"
        "from tuilabel.data import file_reader, open_dataset\n"
        "file_reader._FILES = 1\n"
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
    assert len(decoded) <= 5


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
    assert files
    for _ in range(16):
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
        # A new file, because open datasets use the old one.
        path.unlink()
        path.write_bytes(data)
        assert contents() == expected


def test_two_processes_at_once_do_no_harm(root: Path, save: Save, cache_dir: Path) -> None:
    for i in range(20):
        save(f"{i}.png", (70, 70, 3))
    code = (
        "import sys; from pathlib import Path; from tuilabel.data import open_dataset\n"
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


@pytest.mark.usefixtures("bounded")
def test_a_file_that_became_a_pipe_after_the_scan_does_not_hang(
    root: Path, save: Save, opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("a.png")
    save("b.png")
    original = folder.scan

    def swapped(path: Path):
        found = original(path)
        (root / "a.png").unlink()
        os.mkfifo(root / "a.png")
        return found

    monkeypatch.setattr(folder, "scan", swapped)
    dataset = opened()
    assert dataset.skipped == (SkippedFile("a.png", "it is a pipe, not an ordinary file"),)
    assert dataset.references(0) == ("b.png",)
    # So does one that changes while it is labelled.
    (root / "b.png").unlink()
    os.mkfifo(root / "b.png")
    with pytest.raises(SourceError, match=r"b\.png can no longer be read \(it is a pipe, not an"):
        dataset.full_image(0)


def test_bombs_and_crashes_cost_one_file_each(
    root: Path, save: Save, opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(20):
        save(f"{i}.png")
    (root / "bomb.ico").write_bytes(ico(png(14_000, 14_000, share=0.01)))
    (root / "bomb.png").write_bytes(png(20_000, 20_000, share=0.001))
    dataset = opened()
    assert len(dataset) == 20
    assert dataset.skipped == (
        SkippedFile("bomb.ico", "more than 100 megapixels"),
        SkippedFile("bomb.png", "more than 100 megapixels"),
    )


def test_text_beside_an_image_is_no_file_that_cannot_be_read(root: Path, save: Save) -> None:
    for name in ("a.png", "in/b.JPG", "in/c.png", "d.json/e.png", "d.png"):
        save(name)
    beside = ("a.txt", "a.png.XMP", "in/b.json")
    alone = ("b.txt", "in/a.txt", "f.txt", "f.json", "in/c.csv")
    for name in (*beside, *alone):
        (root / name).write_text("a caption")
    found = {key.path for key in listing.scan(root)[0]}
    everything = {key.path for key in listing.scan(root, beside=True)[0]}
    assert everything - found == set(beside)
    assert {*alone, "d.json/e.png"} < found


def test_several_pages_are_mentioned_each_time(root: Path, save: Save, opened) -> None:
    save("a.png")
    pages = [Image.new("L", (9, 9), value) for value in (1, 2, 3)]
    for name in ("b.tif", "c.gif"):
        pages[0].save(root / name, save_all=True, append_images=pages[1:])
    for _ in range(2):
        dataset = opened()
        assert dataset.notices == (
            "2 files have 4 further pages or frames, which are not shown: b.tif (3), c.gif (3). "
            "With --frames each is an image.",
        )
        assert (dataset.image(1) == 1).all()


def test_no_child_is_left_after_reading(
    save: Save, opened_alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    services: list[DecodeService] = []
    original = DecodeService.__init__

    def watched(self: DecodeService) -> None:
        original(self)
        services.append(self)

    monkeypatch.setattr(DecodeService, "__init__", watched)
    save("a.png")
    dataset = opened_alone()
    assert services[0]._idle == []
    dataset.full_image(0)
    (child,) = services[0]._idle
    assert child._process.poll() is None
    del dataset
    services.clear()
    gc.collect()
    assert child._process.poll() is not None


def test_what_decoders_print_is_not_shown(
    root: Path, save: Save, opened_alone, capfd: pytest.CaptureFixture[str]
) -> None:
    save("a.png")
    Image.open(root / "a.png").save(root / "b.tif", compression="tiff_lzw")
    data = bytearray((root / "b.tif").read_bytes())
    data[60:90] = b"\xff" * 30
    (root / "b.tif").write_bytes(data)
    assert opened_alone().skipped[0].reason.startswith("damaged TIFF image")
    assert capfd.readouterr() == ("", "")


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
    original = folder_items.reduce_image_files

    def failing(parts: list[tuple[Path, str]], *rest: object) -> list[Reduced]:
        return [
            Refused("Input/output error", lasting=False) if path.name == "y.png" else found
            for (path, _), found in zip(parts, original(parts, *rest), strict=True)
        ]

    monkeypatch.setattr(folder_items, "reduce_image_files", failing)
    assert "y.png (Input/output error)" in opened().notices[0]
    monkeypatch.setattr(folder_items, "reduce_image_files", original)
    assert len(opened()) == 2


def test_an_image_lost_from_cache_and_folder_is_named(
    root: Path, save: Save, opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = save("x.png")
    opened()
    monkeypatch.setattr(FileCache, "pictures", lambda self, keys, window: [None] * len(keys))
    assert (opened().image(0) == pixels).all()
    dataset = opened()
    (root / "x.png").unlink()
    with pytest.raises(SourceError, match=r"x\.png can no longer be read"):
        dataset.image(0)


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    save: Save, opened, tmp_path: Path, root: Path
) -> None:
    for i in range(30):
        save(f"{i}.png", (100 + i, 20, 3))
    with_cache = opened()
    # A limit on the size of files fails in the middle of a write, like a disk that fills up.
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from tuilabel.data import open_dataset\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "d = open_dataset(sys.argv[1], classes=['a'], cache_dir=Path(sys.argv[2]))\n"
        "print(d.pool.sum(), sum(int(d.image(i).sum()) for i in range(len(d))), d.notices)\n"
    )
    for cache in (tmp_path / "small", root / "0.png" / "no folder"):
        done = subprocess.run(
            [sys.executable, "-c", code, root, cache],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            capture_output=True,
            text=True,
        )
        images = sum(int(with_cache.image(i).sum()) for i in range(30))
        assert done.stdout.startswith(f"{with_cache.pool.sum()} {images} ('The cache folder ")
        assert "every start reads all files again" in done.stdout


def test_folders_without_images_say_what_they_have(root: Path, opened) -> None:
    with pytest.raises(SourceError, match="is empty"):
        opened()
    (root / "a.txt").write_text("hello")
    with pytest.raises(SourceError, match=r"has no images: a\.txt \(text, not an image\)"):
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


# Images of more than 8 bits.


def save_deep(root: Path, names: Sequence[str], *, low: int, high: int) -> None:
    """Save 16-bit images of these values."""
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        values = rng.integers(low, high + 1, (100, 100), dtype=np.uint16)
        Image.fromarray(values).save(root / name)


def test_images_of_12_bits_are_neither_black_nor_one_item(root: Path, opened) -> None:
    save_deep(root, [f"{number}.png" for number in range(12)], low=1000, high=4095)
    dataset = opened()
    assert len(dataset) == 12
    low, high = dataset.window
    assert 1000 <= low < 1050
    assert 4040 < high <= 4095
    for row in range(12):
        for pixels in (dataset.image(row), dataset.full_image(row), dataset.pool[row]):
            assert 110 < pixels.mean() < 145


def test_all_images_share_one_window(root: Path, opened) -> None:
    names = [f"{number}.tif" for number in range(4)]
    for number, name in enumerate(names):
        Image.fromarray(np.full((9, 9), number / 3, dtype=np.float32)).save(root / name)
    Image.fromarray(np.full((9, 9), 2000.0, dtype=np.float32)).save(root / "4.tif")
    dataset = opened(window=Window(0, 1))
    assert dataset.window == Window(0, 1)
    assert [int(dataset.image(row)[0, 0]) for row in range(5)] == [0, 85, 170, 255, 255]
    assert [int(image[0, 0]) for image in dataset.pool] == [0, 85, 170, 255, 255]


def test_the_window_of_a_session_stays_when_files_are_added(
    root: Path, opened, decoded: list[str]
) -> None:
    save_deep(root, ["a.png", "b.png"], low=100, high=500)
    before = opened()
    decoded.clear()
    save_deep(root, ["c.png"], low=5000, high=60_000)
    after = opened(window=before.window)
    assert decoded == ["c.png"]
    assert after.window == before.window
    assert (after.pool[:2] == before.pool).all()
    assert (after.pool[2] == 255).all()
    assert opened().window == before.window, "one image alone does not count"
    save_deep(root, ["d.png"], low=5000, high=60_000)
    assert opened().window != before.window


def test_sessions_with_other_windows_share_the_cache(
    root: Path, opened, decoded: list[str]
) -> None:
    save_deep(root, ["a.png"], low=0, high=1000)
    windows = (Window(0, 1000), Window(0, 2000))
    pools = [opened(window=each).pool.copy() for each in windows]
    assert (pools[0] > pools[1]).mean() > 0.9
    decoded.clear()
    for each, pool in zip(windows, pools, strict=True):
        assert (opened(window=each).pool == pool).all()
    assert decoded == []


def test_a_few_deep_images_among_many_have_their_window(
    root: Path, save: Save, opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "SAMPLED_IMAGES", 2)
    for number in range(9):
        save(f"{number}.png")
    save_deep(root, ["deep.png"], low=3000, high=4000)
    dataset = opened()
    assert dataset.window is not None
    assert 3000 <= dataset.window.low < dataset.window.high <= 4000
    assert 100 < dataset.image(9).mean() < 155


def test_without_deep_images_there_is_no_window(save: Save, opened) -> None:
    save("x.png")
    assert opened().window is None


def test_a_defective_pixel_changes_nothing(root: Path, opened) -> None:
    rng = np.random.default_rng(0)
    for number, defect in enumerate([np.nan, np.inf, -np.inf, 1e30, -1e30]):
        values = rng.uniform(-1, 1, (60, 60)).astype(np.float32)
        values[7, 7] = defect
        Image.fromarray(values).save(root / f"{number}.tif")
    dataset = opened()
    assert -1 <= dataset.window.low < -0.9
    assert 0.9 < dataset.window.high <= 1
    assert [int(dataset.image(row)[7, 7]) for row in range(5)] == [0, 255, 0, 255, 0]


def test_a_session_in_the_folder_is_passed_over_and_named(root: Path, save: Save, opened) -> None:
    save("a.png")
    for name, description in (("cats.tuilabel", True), ("lost.tuilabel", False), ("other", True)):
        (root / name / "log").mkdir(parents=True)
        if description:
            (root / name / "session.json").write_text("{}")
        save(f"{name}/log/picture.png")
    (root / "photos" / "log").mkdir(parents=True)
    save("photos/log/b.png")
    dataset = opened()
    assert [dataset.references(row) for row in range(len(dataset))] == [
        ("a.png",),
        ("photos/log/b.png",),
    ]
    names = [name for name, reason in dataset.skipped if reason == "a session, not images"]
    assert names == ["cats.tuilabel/", "lost.tuilabel/", "other/"]
    assert "cats.tuilabel/ (a session, not images)" in dataset.notices[0]


def test_a_skipped_file_keeps_no_pixels(root: Path, save: Save, opened) -> None:
    save("good.png")
    save("cut.png", (700, 700, 3))
    cut_short(root / "cut.png")
    gc.collect()
    gc.disable()
    try:
        dataset = opened()
        left = [found for found in gc.get_objects() if isinstance(found, ImageFile.ImageFile)]
    finally:
        gc.enable()
    assert len(dataset) == 1
    assert left == []


def test_the_error_of_an_image_that_is_gone_keeps_no_pixels(root: Path, save: Save, opened) -> None:
    save("x.png", (700, 700, 3))
    dataset = opened()
    cut_short(root / "x.png")
    with pytest.raises(SourceError, match=r"x\.png can no longer be read") as caught:
        dataset.full_image(0)
    assert caught.value.__cause__ is caught.value.__context__ is None
    gc.collect()
    assert not [found for found in gc.get_objects() if isinstance(found, ImageFile.ImageFile)]


def cut_short(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def test_a_picture_comes_from_its_own_file(save: Save, opened, root: Path) -> None:
    pixels = save("a.png", (120, 200, 3))
    save("b/c.png", (90, 90, 3))
    dataset = opened()
    assert dataset.has_pictures
    assert dataset.file(1) == root / "b" / "c.png"
    picture = dataset.picture(0, (500, 500), Region(0.5, 0.5, 1, 1))
    assert (picture.pixels() == pixels[60:, 100:]).all()
    assert picture.size == (120, 200)
    save("a.png", (120, 200, 3))
    with pytest.raises(SourceError, match=r"a\.png can no longer be read \(its content has chang"):
        dataset.picture(0, (500, 500))


def test_a_picture_of_more_than_8_bits_can_be_seen_through_another_window(
    opened, root: Path
) -> None:
    values = np.linspace(0, 40_000, 100 * 120).reshape(100, 120).astype(np.uint16)
    Image.fromarray(values).save(root / "deep.png")
    picture = opened().picture(0, (500, 500))
    assert picture.window is not None
    assert (picture.values == values).all()
    assert picture.pixels()[50, 0] < 140
    assert picture.pixels(Window(0, 20_000))[50, 0] == 255


def test_files_that_thumbnails_show_as_they_are_need_no_pictures(save: Save, opened) -> None:
    save("a.png", (28, 28))
    save("b.png", (28, 28))
    assert not opened().has_pictures
