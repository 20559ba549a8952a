"""`tuilabel export --format folders`: the files under the names of their classes, and back."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shlex
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.data.places import find_places
from tuilabel.events.payloads import LabelSet
from tuilabel.exchange import placing
from tuilabel.exchange.class_folders import MODES, ClassFolders
from tuilabel.exchange.manifest import MANIFEST
from tuilabel.session.classes import class_id_of
from tuilabel.session.view import SessionView
from tuilabel.workspace.opening import open_dataset_of
from tuilabel.workspace.places import cache_dir, session_path

FILES = {
    "a.png": "cat",
    "x/b.png": "cat",
    "y/b.png": "cat",
    "y/c.png": "dog",
    "x/owl.png": "bird/owl",
    "none.png": None,
}
BESIDE = ("a.txt", "y/b.json", "y/c.png.xmp", "none.txt", "x/other.txt")
PLACED = {
    "cat/a.png": "a.png",
    "cat/a.txt": "a.txt",
    "cat/x__b.png": "x/b.png",
    "cat/y__b.png": "y/b.png",
    "cat/y__b.json": "y/b.json",
    "dog/c.png": "y/c.png",
    "dog/c.png.xmp": "y/c.png.xmp",
    "bird/owl/owl.png": "x/owl.png",
}


def item_of(name: str) -> str:
    """Return the id of the file that `photos` makes under a name."""
    return f"f1:{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}"


def make(folder: Path, names: dict[str, str | None]) -> Path:
    """Make a session of files, whose content is their name, with labels."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    labels = [label_of(item_of(name), label, name) for name, label in names.items() if label]
    classes = sorted({label for label in names.values() if label})
    new_session(session_path(str(folder)), *labels, source=str(folder), classes=classes)
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = make(tmp_path / "photos", FILES)
    for name in BESIDE:
        (folder / name).write_text(f"beside {name}")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "sorted"


def run(photos: Path, out: Path, *options: object) -> Result:
    arguments = ["export", photos, "-o", out, "--format", "folders", *options]
    return CliRunner().invoke(main, [*map(str, arguments)], prog_name="tuilabel")


def undo(photos: Path, out: Path) -> Result:
    arguments = ["export", str(photos), "--undo", str(out / MANIFEST)]
    return CliRunner().invoke(main, arguments, prog_name="tuilabel")


def tree(folder: Path) -> dict[str, str]:
    """Return the content of each file, but of the manifest, and of each folder."""
    paths = [path for path in folder.rglob("*") if path.name != MANIFEST]
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else "/" for path in paths
    }


def files_in(folder: Path) -> dict[str, str]:
    return {name: content for name, content in tree(folder).items() if content != "/"}


def placed(photos: Path) -> dict[str, str]:
    return {path: (photos / source).read_text() for path, source in PLACED.items()}


@pytest.mark.parametrize("files", MODES)
def test_files_and_what_lies_beside_them_go_to_their_classes_and_back(
    photos: Path, out: Path, files: str
) -> None:
    before, expected = tree(photos), placed(photos)
    result = run(photos, out, "--files", files)
    assert result.exit_code == 0, result.output
    assert "5 images and 3 files beside them" in result.output
    assert "ImageFolder takes the outermost" in result.output
    assert files_in(out) == expected
    one = out / "cat/a.png"
    assert one.is_symlink() == (files == "symlink")
    assert (one.stat().st_nlink == 2) == (files == "hardlink")
    left = {name for name in before if name not in PLACED.values()}
    assert set(tree(photos)) == (left if files == "move" else set(before))
    assert "name that is equal" not in result.output
    # What is printed takes it back, also when another session is the last one.
    _, hint, _ = result.stdout.rsplit("`", 2)
    undone = CliRunner().invoke(main, shlex.split(hint)[1:], prog_name="tuilabel")
    assert undone.exit_code == 0, undone.output
    assert tree(photos) == before
    assert not out.exists()


def test_a_first_export_needs_a_folder_that_is_new_or_empty(photos: Path, out: Path) -> None:
    out.mkdir()
    (out / "cat").write_text("precious")
    result = run(photos, out)
    assert result.exit_code == 2
    assert "is not empty, and has no manifest" in result.output
    assert tree(out) == {"cat": "precious"}
    (out / "cat").unlink()
    assert run(photos, out).exit_code == 0
    result = run(photos, out)
    assert result.exit_code == 2
    assert "with --update, or take them back with --undo" in result.output
    assert undo(photos, out).exit_code == 0
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--all-answers",), "leave it out with class folders"),
        (("--columns", "class"), "leave it out with class folders"),
        (("--no-source",), "leave it out with class folders"),
        (("--update",), "leave out --update the first time"),
        (("-o", "-"), "Name the folder"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    photos: Path, out: Path, options: tuple[str, ...], says: str
) -> None:
    result = run(photos, out, *options)
    assert result.exit_code == 2
    assert says in result.output
    assert not out.exists()


def test_places_where_class_folders_would_do_harm_are_refused(photos: Path, tmp_path: Path) -> None:
    session = session_path(str(photos))
    for place in (photos / "sorted", photos, session / "bulk" / "sorted", cache_dir() / "sorted"):
        result = run(photos, place)
        assert result.exit_code == 2, place
        assert (
            "for its images" in result.output
            or "would be there twice" in result.output
            or ("never replaced" in result.output)
        )
        assert not (place / "cat").exists()


def relabel(photos: Path, **labels: str | None) -> None:
    """Give further labels in the session, by the name of the file; `__` stands for a slash."""
    from tuilabel.events.payloads import Skip
    from tuilabel.journal.journal import Journal

    names = {name.replace("/", "__").removesuffix(".png"): name for name in FILES}
    with Journal(session_path(str(photos)), "me", str(photos)) as journal:
        journal.read()
        for word, label in labels.items():
            name = names[word]
            item = item_of(name)
            journal.append(
                [label_of(item, label, name) if label else Skip(item=item, names=(name,))], "me"
            )


@pytest.mark.parametrize("files", MODES)
def test_an_update_makes_what_a_first_export_would_make(
    photos: Path, out: Path, tmp_path: Path, files: str
) -> None:
    before = tree(photos)
    assert run(photos, out, "--files", files).exit_code == 0
    relabel(photos, a="dog", x__b=None, none="dog")
    result = run(photos, out, "--update")
    assert result.exit_code == 0, result.output
    expected = {
        "dog/a.png": "a.png",
        "dog/a.txt": "beside a.txt",
        "cat/b.png": "y/b.png",
        "cat/b.json": "beside y/b.json",
        "dog/c.png": "y/c.png",
        "dog/c.png.xmp": "beside y/c.png.xmp",
        "dog/none.png": "none.png",
        "dog/none.txt": "beside none.txt",
        "bird/owl/owl.png": "x/owl.png",
    }
    assert files_in(out) == expected
    assert "were there already" in result.output
    again = run(photos, out, "--update")
    assert "0 images" in again.output
    assert files_in(out) == expected
    assert undo(photos, out).exit_code == 0
    assert tree(photos) == before
    assert not out.exists()


def test_an_update_touches_nothing_that_is_not_its_own(photos: Path, out: Path) -> None:
    assert run(photos, out, "--files", "copy").exit_code == 0
    (out / "cat/a.png").write_text("a.pn?")  # as long as before
    (out / "cat/mine.png").write_text("mine")
    (out / "dog/a.png").write_text("mine too")
    relabel(photos, a="dog")
    result = run(photos, out, "--update")
    assert result.exit_code == 1
    assert "Taken by other files, which stay: 1 name (dog/a.png)" in result.output
    assert "left as it is: 1 file (cat/a.png)" in result.output
    found = files_in(out)
    assert (found["cat/a.png"], found["cat/mine.png"], found["dog/a.png"]) == (
        *("a.pn?", "mine", "mine too"),
    )
    result = undo(photos, out)
    assert (result.exit_code, "left: 1 file (cat/a.png)" in result.output) == (1, True)
    assert set(files_in(out)) == {"cat/a.png", "cat/mine.png", "dog/a.png"}
    (out / "cat/a.png").unlink()
    assert undo(photos, out).exit_code == 0
    assert set(files_in(out)) == {"cat/mine.png", "dog/a.png"}
    assert not (out / MANIFEST).exists()


def test_an_update_with_other_options_or_for_another_session_is_refused(
    photos: Path, out: Path, tmp_path: Path
) -> None:
    assert run(photos, out, "--files", "copy").exit_code == 0
    before = tree(out)
    result = run(photos, out, "--update", "--files", "move")
    assert (result.exit_code, "made with --files copy" in result.output) == (2, True)
    result = run(photos, out, "--update", "--origin", "human")
    assert (result.exit_code, "made without options" in result.output) == (2, True)
    other = make(tmp_path / "others", {"1.png": "cat"})
    os.utime(other)
    result = run(other, out, "--update")
    assert result.exit_code == 2
    assert "another session" in result.output or "files in" in result.output
    assert tree(out) == before


# Moving.


def test_a_session_looks_for_moved_images_in_the_new_place(photos: Path, out: Path) -> None:
    said = run(photos, out, "--files", "move").output
    assert f"`tuilabel export {photos} --undo {out / MANIFEST}` takes it back." in said
    view = SessionView(session_path(str(photos)))
    places = find_places(str(photos), cache_dir=cache_dir(), moved=view.record.moved)
    assert places.items[item_of("a.png")] == [str(out / "cat/a.png")]
    (out / "cat/a.png").write_text("another file")
    places = find_places(str(photos), cache_dir=cache_dir(), moved=view.record.moved)
    assert item_of("a.png") not in places.items
    assert str(out / "cat/a.png") not in places.names
    assert places.items[item_of("y/c.png")] == [str(out / "dog/c.png")]
    rows = CliRunner().invoke(main, ["export", str(photos), "--columns", "path,status"]).stdout
    assert f"{out / 'dog/c.png'},found" in rows
    result = undo(photos, out)
    assert "left: 1 file (cat/a.png)" in result.output
    assert (photos / "y/c.png").read_text() == "y/c.png"
    assert not (photos / "a.png").exists()


@pytest.mark.usefixtures("warm_decoders")
def test_moved_images_are_opened_and_checked(tmp_path: Path, out: Path) -> None:
    from PIL import Image

    folder = tmp_path / "photos"
    folder.mkdir()
    labels = []
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        Image.new("L", (8, 8), number).save(folder / name)
        digest = hashlib.blake2b((folder / name).read_bytes(), digest_size=16).hexdigest()
        labels.append(label_of(f"f1:{digest}", "cat", name))
    new_session(session_path(str(folder)), *labels[:2], source=str(folder))
    assert run(folder, out, "--files", "move").exit_code == 0
    Image.new("L", (8, 8), 99).save(out / "cat/b.png")
    dataset = open_dataset_of(SessionView(session_path(str(folder))))
    assert set(dataset.ids) == {labels[0].item, labels[2].item}
    row = dataset.row_of(labels[0].item)
    assert row is not None
    assert dataset.references(row) == (str(out / "cat/a.png"),)
    assert dataset.image(row)[0, 0] == 0
    assert "another file than the one that was moved there" in dict(dataset.skipped).values()


def test_a_file_that_took_an_old_place_stays_there(photos: Path, out: Path) -> None:
    assert run(photos, out, "--files", "move").exit_code == 0
    (photos / "a.png").write_text("new")
    result = undo(photos, out)
    assert "another file is in the old place, so left: 1 file (cat/a.png)" in result.output
    assert (photos / "a.png").read_text() == "new"
    assert (out / "cat/a.png").read_text() == "a.png"


def test_only_its_own_session_takes_moved_files_back(
    photos: Path, out: Path, tmp_path: Path
) -> None:
    assert run(photos, out, "--files", "move").exit_code == 0
    path = out / MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"session":"test"', b'"session":"else"'))
    result = undo(photos, out)
    assert (result.exit_code, "another session" in result.output) == (2, True)
    assert files_in(out)


# Names.


def test_names_that_a_file_system_may_take_for_one_differ(tmp_path: Path, out: Path) -> None:
    names: dict[str, str | None] = {
        "A/one.png": "Cat",
        "a/one.png": "Cat",
        "caf\u00e9.png": "dog",
        "sub/cafe\u0301.png": "dog",
        "con.png": "cat",
        f"{'n' * 240}.png": "CON",
        "1.png": "..",
        "2.png": ".",
        "3.png": "/",
    }
    folder = make(tmp_path / "photos", names)
    (folder / f"{'n' * 240}.png.json").write_text("beside")
    result = run(folder, out)
    assert result.exit_code == 0, result.output
    found = files_in(out)
    assert sorted(found.values()) == sorted([*names, "beside"])
    from tuilabel.exchange.folder_names import folded

    every = [folded(name) for name in tree(out)]
    assert len(set(every)) == len(every)
    parts = {part for name in tree(out) for part in name.split("/")}
    assert not any(part.startswith(".") or part.lower().startswith("con.") for part in parts)
    assert {"con", "cat"} & set(map(str.lower, parts)) == {"cat"}
    assert max(len(part.encode()) for part in parts) <= 255
    # A suffix is listed with its reason.
    lines = [json.loads(line) for line in (out / MANIFEST).read_text().splitlines()]
    reasons = {line.get("why") for line in lines}
    assert {"equal names", "equal but for case", "reserved"} <= reasons
    (told,) = (line for line in result.output.splitlines() if "names differ" in line)
    assert told in run(folder, out, "--update").output.splitlines(), "of all, not of what is new"
    assert undo(folder, out).exit_code == 0


def test_a_split_comes_before_the_class(photos: Path, out: Path) -> None:
    result = run(photos, out, "--split", "train=0.5,test=0.5")
    assert result.exit_code == 0, result.output
    tops = {path.partition("/")[0] for path in files_in(out)}
    assert tops <= {"train", "test"}
    assert sorted(path.partition("/")[2] for path in files_in(out))[:2] == [
        "bird/owl/owl.png",
        "cat/a.png",
    ]
    assert "train: " in result.output


def test_what_image_folder_takes_differently_is_said(tmp_path: Path) -> None:
    folder = make(tmp_path / "gifs", {"a.png": "cat", "b.gif": "cat", "c": "dog"})
    result = run(folder, tmp_path / "out", "--split", "train=1")
    assert "2 images have endings that torchvision's ImageFolder passes over (none, .gif)" in (
        result.output
    )
    assert "Some class folders" not in result.output


def test_parts_of_files_disputes_and_lost_files_are_counted(photos: Path, out: Path) -> None:
    with_part = label_of(f"p1:{'0' * 32}", "cat", "a.png#xywh=1,1,2,2")
    from tuilabel.journal.journal import Journal

    with Journal(session_path(str(photos)), "you", str(photos)) as journal:
        journal.read()
        journal.append([with_part, label_of(item_of("a.png"), "dog", "a.png")], "you")
    (photos / "y/c.png").unlink()
    result = run(photos, out)
    assert result.exit_code == 0, result.output
    assert "1 image is disputed" in result.output
    assert "2 images are no longer in the source" in result.output
    assert set(files_in(out)) == {
        *("cat/x__b.png", "cat/y__b.png", "cat/y__b.json", "bird/owl/owl.png"),
    }


def test_an_image_of_several_classes_has_no_folder(tmp_path: Path, out: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    payloads = []
    for name, classes in (("1.png", ("cat",)), ("2.png", ("cat", "dog")), ("3.png", ())):
        (folder / name).write_text(name)
        ids = tuple(map(class_id_of, classes))
        payloads.append(LabelSet(item=item_of(name), class_ids=ids, names=(name,)))
    new_session(session_path(str(folder)), *payloads, source=str(folder), multi=True)
    result = run(folder, out, "--split", "train=1")
    assert files_in(out) == {"train/cat/1.png": "1.png"}, result.output
    assert "1 image has several classes" in result.output
    assert "1 image has no class" in result.output
    arguments = ["export", str(folder), "--split", "train=1", "--columns", "path,class,split"]
    rows = CliRunner().invoke(main, arguments, prog_name="tuilabel")
    assert rows.stdout.splitlines()[1:] == [
        "1.png,cat,train",
        "2.png,cat|dog,train",
        "3.png,,train",
    ]
    assert "cat 1, cat|dog 1" in rows.stderr


# Trouble.


def test_a_source_without_files_is_refused(out: Path) -> None:
    new_session(session_path("digits"), source="digits")
    result = run(Path("digits"), out)
    assert (result.exit_code, "has no files of its own" in result.output) == (2, True)


@pytest.fixture
def other_file_system(tmp_path: Path) -> Iterator[Path]:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system, such as /dev/shm")
    import shutil
    import tempfile

    place = Path(tempfile.mkdtemp(dir=shared))
    yield place
    shutil.rmtree(place)


def test_another_file_system_has_no_hard_links_but_takes_moved_files(
    photos: Path, other_file_system: Path
) -> None:
    out = other_file_system / "sorted"
    before, expected = tree(photos), placed(photos)
    result = run(photos, out, "--files", "hardlink")
    assert result.exit_code == 2
    assert "is on another file system" in result.output
    assert "use --files copy. Nothing was left there." in result.output
    assert not out.exists()
    assert run(photos, out, "--files", "move").exit_code == 0
    assert files_in(out) == expected
    assert undo(photos, out).exit_code == 0
    assert (tree(photos), out.exists()) == (before, False)


@pytest.mark.parametrize("files", ["copy", "move"])
def test_a_full_disk_leaves_everything_as_it_was(
    photos: Path, out: Path, files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(photos)
    real, left = placing._name, [3]

    def name(new: str, target: str) -> None:
        left[0] -= 1
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(new, target)

    monkeypatch.setattr(placing, "_name", name)
    if files == "move":

        def link(source: str, target: str) -> None:
            name(source, target)

        real = os.link
        monkeypatch.setattr(placing.os, "link", link)
    result = run(photos, out, "--files", files)
    assert result.exit_code == 2
    assert "No space left on device" in result.output
    assert "Nothing was left there." in result.output
    assert (tree(photos), out.exists()) == (before, False)


def test_a_place_that_cannot_be_written_is_reported(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    result = run(photos, tmp_path / "file" / "sorted")
    assert result.exit_code == 2
    assert "file/sorted cannot be written (" in result.output
    result = run(photos, tmp_path / "file")
    assert result.exit_code == 2
    assert "cannot be used (Not a directory)" in result.output


def test_a_hostile_manifest_reaches_nothing_outside(photos: Path, out: Path) -> None:
    assert run(photos, out, "--files", "move").exit_code == 0
    path = out / MANIFEST
    good = path.read_bytes()
    precious = out.parent / "precious"
    precious.write_text("precious")
    digest = hashlib.blake2b(b"precious", digest_size=16).hexdigest()
    for said in (
        {"add": "../precious", "source": "a", "hash": digest},
        {"add": str(precious), "source": "a", "hash": digest},
        {"add": "cat/../../precious", "source": "a", "hash": digest},
        {"add": "cat/a.png", "source": "../../elsewhere", "hash": digest},
        {"folder": ".."},
        {"nothing": 1},
        [1],
    ):
        path.write_bytes(good + json.dumps(said).encode() + b"\n")
        result = undo(photos, out)
        assert (result.exit_code, "is not a manifest" in result.output) == (2, True), said
    # A folder that leads away is not followed.
    line = {"add": "away/precious", "source": "a", "hash": digest}
    path.write_bytes(good + json.dumps(line).encode() + b"\n")
    (out / "away").symlink_to(out.parent)
    undo(photos, out)
    assert precious.read_text() == "precious"


Killer = Callable[[], None]


def killed_at(number: int, work: Callable[[Killer], object]) -> bool:
    """Do work in a child that is killed at the n-th change; return whether it was."""
    child = os.fork()
    if child == 0:
        left = [number]

        def step() -> None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            work(step)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("files", MODES)
def test_an_export_that_was_killed_is_taken_back_or_completed(
    photos: Path, out: Path, files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ClassFolders.__init__
    before, expected = tree(photos), placed(photos)

    def export(step: Killer) -> None:
        def init(self: ClassFolders, out: Path) -> None:
            real(self, out, step)

        with monkeypatch.context() as patch:
            patch.setattr(ClassFolders, "__init__", init)
            run(photos, out, "--files", files)

    number = 0
    while killed_at(number, export):
        if (out / MANIFEST).exists():
            if number % 2:
                result = run(photos, out, "--update")
                assert result.exit_code == 0, result.output
                assert files_in(out) == expected, number
            result = undo(photos, out)
            assert result.exit_code == 0, result.output
        elif out.exists():
            out.rmdir()
        assert tree(photos) == before, number
        assert not out.exists(), number
        number += 1
    assert number > len(PLACED)
    assert files_in(out) == expected

    def take_back(step: Killer) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(ClassFolders, "__init__", lambda self, out: real(self, out, step))
            undo(photos, out)

    # An undo that is killed is done again; each goes further than the one before.
    number = 2
    while killed_at(number, take_back):
        assert (out / MANIFEST).exists() or not files_in(out)
        number += 1
        if not (out / MANIFEST).exists():
            break
    assert tree(photos) == before
