"""No command writes over a session, a source or one of tuilabel's own files, by any name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.settings import config_file
from tuilabel.workspace.places import cache_dir, data_dir, log_file, remember, session_path

SIMULATION = ("digits", "--pool", "120", "--test", "60", "--budget", "20", "--seeds", "1")
QUICK = (*SIMULATION, "--model", "softmax", "--features", "raw", "--strategy", "margin")


def tuilabel(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)], prog_name="tuilabel")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Make a folder of images, one of which is text, and a session of it."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(("1.png", "sub/2.png")):
        Image.new("L", (8, 8), number).save(folder / name)
    (folder / "text.pgm").write_text("P2 2 2 255 1 2 3 4\n")
    path = session_path(str(folder))
    new_session(path, label_of("a", "cat", "1.png"), source=str(folder))
    remember(path)
    return folder


def array_file(folder: Path) -> Path:
    path = folder.parent / "arrays.npz"
    np.savez(path, images=np.zeros((3, 4, 4), np.uint8))
    return path


def elsewhere(folder: Path) -> Path:
    """Make a session outside of tuilabel's folders, which no other part knows."""
    path = folder.parent / "elsewhere.db"
    new_session(path)
    return next((path / "log").iterdir())


def written(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a line\n")
    return path


TARGETS: dict[str, Callable[[Path], Path]] = {
    "session": lambda folder: session_path(str(folder)) / "session.json",
    "log of a session": lambda folder: next((session_path(str(folder)) / "log").iterdir()),
    "session elsewhere": elsewhere,
    "image": lambda folder: folder / "1.png",
    "image in a subfolder": lambda folder: folder / "sub/2.png",
    "image that is text": lambda folder: folder / "text.pgm",
    "array file": array_file,
    "log": lambda folder: written(log_file()),
    "settings": lambda folder: written(config_file()),
    "last session": lambda folder: data_dir() / "last",
    "download": lambda folder: written(cache_dir() / "mnist" / "train-labels-idx1-ubyte"),
    "-shm": lambda folder: written(Path(f"{session_path(str(folder))}-shm")),
    "lock": lambda folder: written(Path(f"{session_path(str(folder))}.lock")),
}


def hard_link(target: Path, folder: Path) -> str:
    os.link(target, folder / "out.csv")
    return str(folder / "out.csv")


def soft_link(target: Path, folder: Path) -> str:
    (folder / "out.csv").symlink_to(target)
    return str(folder / "out.csv")


def linked_folder(target: Path, folder: Path) -> str:
    (folder / "link").symlink_to(target.parent)
    return str(folder / "link" / target.name)


ALIASES: dict[str, Callable[[Path, Path], str]] = {
    "its path": lambda target, folder: str(target),
    "..": lambda target, folder: f"{target.parent}/../{target.parent.name}/./{target.name}",
    "link": soft_link,
    "hard link": hard_link,
    "linked folder": linked_folder,
}


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, photos: Path) -> Path:
    return TARGETS[request.param](photos)


@pytest.fixture(params=ALIASES)
def alias(request: pytest.FixtureRequest, target: Path, tmp_path: Path) -> str:
    folder = tmp_path / "out"
    folder.mkdir()
    return ALIASES[request.param](target, folder)


def check_refused(result: Result) -> None:
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.startswith("tuilabel: ")
    assert result.stderr.endswith(("give another name.\n", "or remove the file.\n"))
    assert result.stderr.count("\n") == 1


def check_unchanged(target: Path, before: tuple[bytes, int], alias: str) -> None:
    assert (target.read_bytes(), target.stat().st_ino) == before
    assert Path(alias).samefile(target)


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_an_export_replaces_nothing_that_people_need(
    photos: Path, target: Path, alias: str, format_: str
) -> None:
    before = target.read_bytes(), target.stat().st_ino
    for session in (photos, session_path(str(photos))):
        # The text in the place of the -wal is no log: SQLite would not read the session with it.
        check_refused(tuilabel("export", session, "-o", alias, "--format", format_, "--force"))
    check_unchanged(target, before, alias)


@pytest.mark.parametrize("option", ["--json", "--csv", "--plot"])
def test_a_simulation_replaces_nothing_that_people_need(
    target: Path, alias: str, option: str
) -> None:
    before = target.read_bytes(), target.stat().st_ino
    check_refused(tuilabel("simulate", *QUICK, option, alias, "--force"))
    check_unchanged(target, before, alias)


def test_the_source_of_a_simulation_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "arrays.npz"
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (40, 4, 4), dtype=np.uint8)
    np.savez(source, images=images, labels=np.arange(40) % 2)
    before = source.read_bytes()
    check_refused(tuilabel("simulate", source, "--budget", "10", "--json", source, "--force"))
    assert source.read_bytes() == before


def test_the_array_file_of_a_session_is_kept(photos: Path, tmp_path: Path) -> None:
    source = array_file(photos)
    path = session_path(str(source))
    new_session(path, source=str(source))
    before = source.read_bytes()
    check_refused(tuilabel("export", source, "-o", source, "--format", "csv", "--force"))
    alias = f"{tmp_path}/./arrays.npz"
    check_refused(tuilabel("export", path, "-o", alias, "--format", "csv", "--force"))
    assert source.read_bytes() == before


def test_a_descriptor_leads_to_the_file_behind_it(photos: Path, tmp_path: Path) -> None:
    session = session_path(str(photos)) / "session.json"
    before = session.read_bytes()
    with session.open("rb") as file:
        name = f"/proc/self/fd/{file.fileno()}"
        check_refused(tuilabel("export", photos, "-o", name, "--force"))
    gone = tmp_path / "gone"
    with gone.open("w+") as file:
        gone.unlink()
        name = f"/proc/self/fd/{file.fileno()}"
        result = tuilabel("export", photos, "-o", name, "--force")
        assert "is not an ordinary file; give another name" in result.stderr
    assert session.read_bytes() == before
    assert list(tmp_path.glob("gone*")) == []


@pytest.mark.parametrize("place", ["session", "image that is text", "log"])
def test_an_export_is_not_appended_to_them(photos: Path, place: str) -> None:
    target = TARGETS[place](photos)
    before = target.read_bytes()
    with target.open("ab") as out:
        done = subprocess.run(
            [sys.executable, "-m", "tuilabel", "export", str(photos)],
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert b"is never replaced" in done.stderr
    assert target.read_bytes() == before


def test_labels_beside_the_images_are_replaced_by_force(photos: Path) -> None:
    for name in ("labels.csv", "labels.jsonl"):
        out = photos / name
        assert tuilabel("export", photos, "-o", out).exit_code == 0
        before = out.read_bytes()
        assert tuilabel("export", photos, "-o", out).exit_code == 2
        assert tuilabel("export", photos, "-o", out, "--force").exit_code == 0
        assert out.read_bytes() == before


def test_a_link_is_followed_and_kept(photos: Path, tmp_path: Path) -> None:
    link, out = tmp_path / "link.csv", tmp_path / "out.csv"
    link.symlink_to(out)
    assert tuilabel("export", photos, "-o", link).exit_code == 0
    assert out.is_file()
    out.write_text("item_id,reference,class,an older export\n")
    assert tuilabel("export", photos, "-o", link, "--force").exit_code == 0
    assert link.is_symlink()
    assert out.read_bytes().startswith(b"item_id,")


@pytest.mark.parametrize("format_", ["ppm", "xbm"])
def test_an_image_of_a_session_that_nothing_knows_is_kept(
    photos: Path, tmp_path: Path, format_: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    image = other / f"1.{format_}"
    Image.new("1" if format_ == "xbm" else "L", (8, 8), 200).save(image)
    before = image.read_bytes()
    assert b"\0" not in before
    new_session(tmp_path / "elsewhere.tuilabel", label_of("b", "cat"), source=str(other))
    for session in (photos, tmp_path / "elsewhere.tuilabel"):
        check_refused(tuilabel("export", session, "-o", image, "--format", "csv", "--force"))
    check_refused(tuilabel("simulate", *QUICK, "--json", image, "--force"))
    assert image.read_bytes() == before


def test_two_outputs_of_a_simulation_are_two_files(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for other in (tmp_path / "link", f"{tmp_path}/./a"):
        result = tuilabel("simulate", *QUICK, "--json", tmp_path / "a", "--csv", other)
        assert "is given twice" in result.stderr
        assert result.exit_code == 2


def test_a_plot_may_replace_a_plot_but_no_other_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("plot.png", "plot.svg"):
        run = ("simulate", *QUICK, "--plot", tmp_path / name)
        assert tuilabel(*run).exit_code == 0
        before = (tmp_path / name).read_bytes()
        assert tuilabel(*run, "--force").exit_code == 0
        assert (tmp_path / name).read_bytes() == before
    Image.new("L", (8, 8)).save(tmp_path / "photo.png")
    check_refused(tuilabel("simulate", *QUICK, "--plot", tmp_path / "photo.png", "--force"))


def test_the_last_session_is_recorded_beside_a_link(photos: Path) -> None:
    session = session_path(str(photos))
    last = data_dir() / "last"
    last.unlink()
    description = session / "session.json"
    last.symlink_to(description)
    before = description.read_bytes()
    remember(session)
    assert description.read_bytes() == before
    assert last.read_text() == str(session)
