"""`tuilabel export` looks for the images: names are those of the source as it is now."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.data import open_dataset, places
from tuilabel.data.places import find_places
from tuilabel.workspace.places import cache_dir, session_path

pytestmark = pytest.mark.usefixtures("warm_decoders")

Row = tuple[str, str, str]
"""Reference, class and status."""


def run(source: Path | str, *options: object) -> Result:
    arguments = ["export", str(session_path(str(source))), *map(str, options)]
    return CliRunner().invoke(main, arguments, prog_name="tuilabel")


def exported(source: Path | str, *options: str) -> tuple[list[Row], str]:
    """Return the rows, sorted by class and reference, and what standard error says."""
    result = run(source, *options)
    assert result.exit_code == 0, result.output
    text = result.stdout_bytes.decode("utf-8", "surrogateescape")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    found = [(row["reference"], row["class"], row["status"]) for row in rows]
    return sorted(found, key=lambda row: (row[1], row[0])), result.stderr


def label(source: Path | str, *, pool: int | None = None) -> None:
    """Label each item with the name of its first place, as a session would."""
    dataset = open_dataset(str(source), classes=["any"], pool=pool, cache_dir=cache_dir())
    names = [dataset.references(row) for row in range(len(dataset))]
    labels = (label_of(item, own[0], *own) for item, own in zip(dataset.ids, names, strict=True))
    classes = dict.fromkeys(own[0] for own in names)
    path = session_path(str(source))
    new_session(path, *labels, source=dataset.source, classes=list(classes), pool=pool)


# Folders.


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Make a folder of three images of equal size and time."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in (1, 2, 3):
        pixels = np.random.default_rng(number).integers(0, 255, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.bmp")
        os.utime(folder / f"{number}.bmp", ns=(10**18, 10**18))
    assert len({path.stat().st_size for path in folder.iterdir()}) == 1
    label(folder)
    return folder


FOUND = [("1.bmp", "1.bmp", "found"), ("2.bmp", "2.bmp", "found"), ("3.bmp", "3.bmp", "found")]


def swap(folder: Path) -> list[Row]:
    (folder / "1.bmp").rename(folder / "x")
    (folder / "2.bmp").rename(folder / "1.bmp")
    (folder / "x").rename(folder / "2.bmp")
    return [("2.bmp", "1.bmp", "found"), ("1.bmp", "2.bmp", "found"), FOUND[2]]


def move(folder: Path) -> list[Row]:
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "1.bmp").rename(folder / "deep" / "er" / "other name.bmp")
    return [("deep/er/other name.bmp", "1.bmp", "found"), *FOUND[1:]]


def add_a_copy(folder: Path) -> list[Row]:
    shutil.copyfile(folder / "1.bmp", folder / "copy.png")
    return [FOUND[0], ("copy.png", "1.bmp", "found"), *FOUND[1:]]


def overwrite_by_a_new_image(folder: Path) -> list[Row]:
    Image.new("L", (8, 8), 7).save(folder / "1.bmp")
    os.utime(folder / "1.bmp", ns=(10**18, 10**18))
    # The name belongs to an image without a label now.
    return [("", "1.bmp", "gone"), *FOUND[1:]]


def overwrite_by_a_labelled_image(folder: Path) -> list[Row]:
    shutil.copy2(folder / "2.bmp", folder / "1.bmp")
    return [("", "1.bmp", "gone"), ("1.bmp", "2.bmp", "found"), *FOUND[1:]]


def remove(folder: Path) -> list[Row]:
    (folder / "1.bmp").unlink()
    return [("1.bmp", "1.bmp", "gone"), *FOUND[1:]]


def damage(folder: Path) -> list[Row]:
    (folder / "1.bmp").write_bytes(b"no image")
    return [("", "1.bmp", "gone"), *FOUND[1:]]


def change_nothing(folder: Path) -> list[Row]:
    return FOUND


CHANGES: tuple[Callable[[Path], list[Row]], ...] = (
    swap,
    move,
    add_a_copy,
    overwrite_by_a_new_image,
    overwrite_by_a_labelled_image,
    remove,
    damage,
    change_nothing,
)


@pytest.mark.parametrize("is_cached", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_each_path_in_a_folder_has_the_label_of_what_is_there(
    photos: Path, change: Callable[[Path], list[Row]], is_cached: bool
) -> None:
    if not is_cached:
        shutil.rmtree(cache_dir())
    expected = change(photos)
    rows, stderr = exported(photos)
    assert rows == expected
    paths = [reference for reference, _, _ in rows if reference]
    assert len(set(paths)) == len(paths)
    if any(status == "gone" for _, _, status in rows):
        assert stderr == (
            f"1 labelled image is no longer in {photos}; the status of each is `gone`.\n"
        )
    else:
        assert stderr == ""


def test_only_files_that_changed_are_hashed(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def digest(path: str, real: Callable[[str], bytes | None] = places._digest) -> bytes | None:
        hashed.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(places, "_digest", digest)
    assert exported(photos) == (FOUND, "")
    assert hashed == []
    swap(photos)
    shutil.copy2(photos / "3.bmp", photos / "4.bmp")
    exported(photos)
    assert sorted(hashed) == ["1.bmp", "2.bmp", "4.bmp"]


def test_several_images_that_are_gone_are_counted_once_each(photos: Path) -> None:
    shutil.copyfile(photos / "3.bmp", photos / "4.bmp")
    shutil.rmtree(session_path(str(photos)).parent)
    label(photos)
    for path in photos.iterdir():
        path.unlink()
    rows, stderr = exported(photos)
    assert [row[0] for row in rows] == ["1.bmp", "2.bmp", "3.bmp", "4.bmp"]
    assert {status for _, _, status in rows} == {"gone"}
    assert stderr.startswith("3 labelled images are no longer in ")


def test_a_copy_outside_of_the_pool_has_a_row(photos: Path) -> None:
    shutil.rmtree(session_path(str(photos)).parent)
    label(photos, pool=1)
    shutil.copyfile(photos / "1.bmp", photos / "9.bmp")
    assert exported(photos)[0] == [FOUND[0], ("9.bmp", "1.bmp", "found")]


def test_a_file_that_cannot_be_read_is_not_called_gone(photos: Path) -> None:
    (photos / "deep").mkdir()
    (photos / "1.bmp").rename(photos / "deep" / "1.bmp")
    shutil.rmtree(session_path(str(photos)).parent)
    label(photos)
    (photos / "2.bmp").unlink()
    (photos / "2.bmp").symlink_to("nowhere")
    rows, stderr = exported(photos)
    assert ("2.bmp", "2.bmp", "as labelled") in rows
    assert stderr == ""


def test_a_folder_that_cannot_be_read_is_not_called_gone(powerless_dir: Path) -> None:
    inner = powerless_dir / "deep" / "er"
    inner.mkdir(parents=True)
    Image.new("L", (8, 8)).save(inner / "1.png")
    inner.parent.chmod(0)
    try:
        found = find_places(str(powerless_dir), cache_dir=powerless_dir / ".cache")
    finally:
        inner.parent.chmod(0o700)
    assert found.items == {}
    assert found.is_unread("deep/er/1.png")
    assert not found.is_unread("deeper/1.png")


@pytest.mark.usefixtures("bounded")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(photos: Path) -> None:
    os.mkfifo(photos / "pipe")
    assert places._digest(photos / "pipe") is None


def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    Image.new("L", (8, 8)).save(folder / "1.png")
    label(folder)
    (folder / "1.png").rename(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png"))
    assert exported(folder)[0] == [("caf\udce9.png", "1.png", "found")]


# Without the source.


@pytest.mark.parametrize("make", ["nothing", "a file"])
def test_without_the_source_names_are_those_of_labelling_time(photos: Path, make: str) -> None:
    shutil.rmtree(photos)
    if make == "a file":
        photos.write_text("text")
    rows, stderr = exported(photos)
    assert rows == [(name, name, "as labelled") for name, _, _ in FOUND]
    assert stderr.count("\n") == 1
    assert stderr.startswith("The names are those of labelling time, because the source cannot be")


def test_the_look_can_be_left_out(photos: Path) -> None:
    swap(photos)
    expected = [(name, name, "as labelled") for name, _, _ in FOUND]
    assert exported(photos, "--no-source") == (expected, "")


def test_a_source_that_was_downloaded_is_not_downloaded_again() -> None:
    label = label_of("a1:0", "7", "train[0]")
    new_session(session_path("mnist"), label, source="mnist", classes="0123456789")
    rows, stderr = exported("mnist")
    assert rows == [("train[0]", "7", "as labelled")]
    assert "has no train-images-idx3-ubyte" in stderr


# Arrays.


def array_images() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 255, (20, 6, 6), dtype=np.uint8)


@pytest.fixture(params=["plain.npy", "plain.npz", "labelled.npz"])
def array_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    save(path, array_images())
    label(path)
    return path


def save(path: Path, images: np.ndarray) -> None:
    if path.suffix == ".npy":
        np.save(path, images)
    elif path.stem == "plain":
        np.savez(path, images=images)
    else:
        np.savez(path, images=images, labels=np.zeros(len(images), int))


def test_each_row_of_an_array_has_the_label_of_what_is_there(array_file: Path) -> None:
    before = {name: reference for reference, name, _ in exported(array_file)[0]}
    assert all(name == reference for name, reference in before.items())
    labelled = sorted(int(name[7:-1]) for name in before)
    first, second, third = labelled[:3]
    images = array_images()
    images[[first, second]] = images[[second, first]]  # swapped
    images[third] = 7  # written over
    images = np.concatenate([images[:1] * 0 + 9, images, images[[first]]])  # moved, and a copy
    save(array_file, images)
    rows, stderr = exported(array_file)
    expected = {
        f"images[{first}]": [f"images[{second + 1}]"],
        f"images[{second}]": [f"images[{first + 1}]", "images[21]"],
        f"images[{third}]": [""],
        **{f"images[{row}]": [f"images[{row + 1}]"] for row in labelled[3:]},
    }
    assert rows == sorted(
        (
            (place, name, "found" if place else "gone")
            for name, places in expected.items()
            for place in places
        ),
        key=lambda row: (row[1], row[0]),
    )
    assert stderr.startswith("1 labelled image is no longer in ")


def test_an_array_file_that_is_damaged_or_gone_leaves_the_names(array_file: Path) -> None:
    labelled = exported(array_file)[0]
    array_file.write_bytes(b"PK\x03\x04 damaged")
    for _ in range(2):
        rows, stderr = exported(array_file)
        assert rows == [(place, name, "as labelled") for place, name, _ in labelled]
        assert stderr.count("\n") == 1
        array_file.unlink(missing_ok=True)


def test_the_digits_and_idx_files_are_found(mnist_dir: Path) -> None:
    for source in ("digits", f"mnist:{mnist_dir}"):
        dataset = open_dataset(source, pool=20, cache_dir=cache_dir())
        labels = (label_of(item, "any") for item in dataset.ids)
        new_session(session_path(source), *labels, source=source, classes=("any",))
        rows, stderr = exported(source)
        assert stderr == ""
        assert sorted(row[0] for row in rows) == sorted(
            reference for row in range(20) for reference in dataset.references(row)
        )


@pytest.mark.parametrize("format_", ["csv", "folders"])
def test_an_annotator_that_the_session_does_not_have_is_refused(
    photos: Path, tmp_path: Path, format_: str
) -> None:
    more, out = tmp_path / "more.csv", tmp_path / "out"
    more.write_text("path,class,annotator\n1.bmp,2.bmp,éva\n")
    assert CliRunner().invoke(main, ["import", str(photos), str(more)]).exit_code == 0
    asked = ("-o", out, "--format", format_, "--annotator", "éva", "--annotator", "eva")
    result = run(photos, *asked)
    assert result.exit_code == 2
    assert "The session has no annotator 'eva'. Did you mean 'éva'? It has me, " in result.output
    assert result.output.endswith(", éva.\n")
    assert not out.exists()
