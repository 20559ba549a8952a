"""Which session belongs to which source, what is resumed, and what does not fit together."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from loop_fakes import ME
from PIL import Image
from sessions import new_session

from tuilabel.data import folder
from tuilabel.data.decoding import DecodeService
from tuilabel.errors import SessionFileError, SourceError, UsageError
from tuilabel.events.payloads import Opened
from tuilabel.journal.journal import Journal
from tuilabel.plugins import with_options
from tuilabel.session.view import SessionView
from tuilabel.settings import config_file, user_directory
from tuilabel.workspace.opening import (
    SourceOptions,
    Workspace,
    demo_workspace,
    open_workspace,
)
from tuilabel.workspace.places import (
    cache_dir,
    data_dir,
    find_session,
    last_session,
    log_file,
    own_session,
    remember,
    session_path,
)

pytestmark = pytest.mark.usefixtures("warm_decoders")

MakeArrays = Callable[..., str]


@pytest.fixture
def arrays(tmp_path: Path) -> MakeArrays:
    """Return a function that creates a small array file; it takes a name and the classes."""

    def make(name: str, *classes: str, count: int = 40) -> str:
        rng = np.random.default_rng(len(name) + count)
        labels: dict[str, Any] = {"labels": np.resize(np.array(classes), count)} if classes else {}
        images = rng.integers(0, 256, (count, 8, 8), dtype=np.uint8)
        np.savez(tmp_path / name, images=images, **labels)
        return str(tmp_path / name)

    return make


def opened(
    source: str | None = None,
    path: Path | None = None,
    flags: dict[str, Any] | None = None,
    **of: Any,
) -> Workspace:
    return open_workspace(SourceOptions(source, **of), flags or {}, path=path)


def pictures(folder: Path, count: int = 6) -> Path:
    folder.mkdir()
    for value in range(count):
        Image.new("L", (5, 5), value).save(folder / f"{value}.png")
    return folder


# Places.


def test_nothing_is_kept_outside_the_home(own_home: Path) -> None:
    for place in (data_dir(), cache_dir(), log_file(), session_path("digits")):
        assert place.is_relative_to(own_home)


def test_without_a_home_there_is_a_sentence_and_no_directory_named_tilde(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unknown(_: int) -> NoReturn:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name)
    for place in (config_file, data_dir, cache_dir, log_file, last_session, opened):
        with pytest.raises(UsageError, match="no home directory"):
            place()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_only_a_tilde_is_refused() -> None:
    with pytest.raises(UsageError, match="no home directory"):
        user_directory(lambda name: Path("~/.local/share") / name)


def test_every_source_has_a_session_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a" / "images").mkdir(parents=True)
    (tmp_path / "b" / "images").mkdir(parents=True)
    paths = {
        session_path(*source)
        for source in (
            (f"mnist:{tmp_path}/a/images",),
            ("digits",),
            ("digits", 100),
            ("digits", None, 100),
            ("mnist",),
            (f"mnist:{tmp_path}",),
            (str(tmp_path / "a" / "images"),),
            (str(tmp_path / "b" / "images"),),
            ("./digits",),
            ("/",),
            ("x" * 255,),
            ("caf\udce9/🐈 =x",),
        )
    }
    assert len(paths) == 12
    for path in paths:
        assert path.parent == data_dir() / "sessions"
        assert path.name.isascii()
        assert len(path.name) < 100


def test_one_folder_by_many_names_has_one_session(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = own_home / "images"
    folder.mkdir(parents=True)
    (tmp_path / "images").symlink_to(folder)
    monkeypatch.chdir(own_home)
    names = (str(folder), "images", "./images/", "~/images", str(tmp_path / "images"))
    assert len({session_path(name) for name in names}) == 1
    assert len({session_path(f"mnist:{name}") for name in names}) == 1


def test_a_session_is_found_by_path_and_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_session(session_path("digits"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    for name in ("digits", "digits.tuilabel", str(session_path("digits"))):
        assert find_session(name) == session_path("digits")
    new_session(tmp_path / "digits.tuilabel")
    assert find_session("digits.tuilabel") == Path("digits.tuilabel")
    for missing in ("other", "x" * 300, "", "sub/digits"):
        assert find_session(missing, may_be_new=True) == Path(missing)
        with pytest.raises(SessionFileError, match=r"There is no session .*: digits\."):
            find_session(missing)


def test_a_session_is_found_by_the_source_it_was_made_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    path = session_path("photos")
    new_session(path, source=str(tmp_path / "photos"))
    for name in ("photos", "./photos", str(tmp_path / "photos"), path.stem):
        assert find_session(name) == path


def test_a_session_made_with_options_is_found_by_its_source_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos.csv").touch()
    for name, options in (("photos", {"group": "folder"}), ("photos.csv", {"root": "photos"})):
        source = with_options(name, **options)
        new_session(session_path(source), source=source)
        assert find_session(name) == session_path(source)
    new_session(session_path("mnist", pool=9), source="mnist")
    assert find_session("mnist") == session_path("mnist", pool=9)
    source = with_options("photos", group="exif:10s")
    new_session(session_path(source), source=source)
    with pytest.raises(SessionFileError, match=r"photos has 2 sessions.*: name one, photos-"):
        find_session("photos")
    new_session(session_path("photos"), source=str(tmp_path / "photos"))
    assert find_session("photos") == session_path("photos")


def test_the_last_session_is_remembered_while_it_is_there(tmp_path: Path) -> None:
    with pytest.raises(SessionFileError, match="No session has been opened"):
        find_session(None)
    path = tmp_path / "caf\udce9\n.tuilabel"
    new_session(path)
    remember(path)
    assert find_session(None) == last_session() == path
    path.rename(tmp_path / "elsewhere")
    assert last_session() is None


@pytest.mark.usefixtures("bounded")
def test_a_pipe_in_the_place_of_the_memory_is_not_waited_for() -> None:
    data_dir().mkdir(parents=True)
    os.mkfifo(data_dir() / "last")
    assert last_session() is None


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff\xfe", b"x" * 5000, b"/", b"x" * 10**7])
def test_a_spoilt_memory_is_no_memory(content: bytes) -> None:
    data_dir().mkdir(parents=True)
    (data_dir() / "last").write_bytes(content)
    assert last_session() is None


def test_a_home_that_cannot_be_written_is_no_obstacle(own_home: Path, tmp_path: Path) -> None:
    own_home.write_text("a file, where a directory should be")
    path = tmp_path / "s.tuilabel"
    with opened("digits", path, pool=20) as work:
        assert work.path == path
    assert last_session() is None


# Opening.


def test_the_first_time_digits_are_opened_and_then_resumed() -> None:
    with opened() as work:
        assert work.dataset.source == "digits"
        assert work.path == session_path("digits") == last_session()
        assert work.outcome() == f"0 labels; saved in {work.path}."
        item = work.session.current_id
        assert item is not None
        work.session.label(item, 3, by=ME)
        assert work.outcome() == f"1 label; saved in {work.path}."
    with opened() as work:
        assert work.session.labels == 1
        assert work.session.known.is_answered(item)


def test_without_a_source_the_last_session_goes_on(arrays: MakeArrays, tmp_path: Path) -> None:
    source = arrays("a.npz", "cat", "dog")
    path = tmp_path / "mine.tuilabel"
    opened("digits").close()
    opened(source, path).close()
    with opened() as work:
        assert (work.path, work.dataset.source) == (path, source)
    with opened("digits") as work:
        assert work.path == session_path("digits")


def test_an_empty_source_is_not_digits() -> None:
    with pytest.raises(SourceError):
        opened("")


def test_settings_of_the_last_opening_hold_until_a_flag_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened("digits", flags={"model": "mlp", "batch_size": 7, "seed": 5}).close()
    monkeypatch.setenv("TUILABEL_MODEL", "softmax")
    monkeypatch.setenv("TUILABEL_SEED", "9")
    with opened("digits", flags={"batch_size": 4}) as work:
        assert work.settings.model == "mlp"
        assert work.settings.batch_size == work.session.settings.batch_size == 4
        assert work.settings.seed == work.journal.about.seed == 5


@pytest.mark.parametrize(
    ("flags", "of", "message"),
    [
        ({"seed": 2}, {}, "made with --seed 1, not 2"),
        ({"audit": 0.5}, {}, "made with --audit 0.1, not 0.5"),
        ({}, {"pool": 9}, "made with --pool 20, not 9"),
        ({}, {"test": 9}, "made without --test, not with --test 9"),
        ({}, {"classes": ("a", "b")}, "has the class `0`, which --classes lacks"),
    ],
)
def test_what_is_fixed_at_creation_cannot_be_changed(
    tmp_path: Path, flags: dict[str, Any], of: dict[str, Any], message: str
) -> None:
    path = tmp_path / "s.tuilabel"
    opened("digits", path, {"seed": 1}, pool=20).close()
    with pytest.raises(SessionFileError, match=message):
        opened("digits", path, flags, **of)
    opened("digits", path, {"seed": 1}, pool=20).close()


def test_the_same_classes_may_be_given_again(arrays: MakeArrays, tmp_path: Path) -> None:
    source, classes = arrays("a.npz"), ("x" * 100, "tab\there", " dog ")
    opened(source, classes=classes).close()
    with opened(source, classes=classes) as work:
        assert work.dataset.class_names[2] == "dog"


def test_a_session_of_another_dataset_is_refused_and_both_are_named(
    arrays: MakeArrays, tmp_path: Path
) -> None:
    first, second = arrays("a.npz", "cat", "dog"), arrays("other.npz", "cat", "dog")
    path = tmp_path / "s.tuilabel"
    with opened(first, path) as work:
        work.session.label(str(work.session.current_id), 0, by=ME)
    with pytest.raises(SessionFileError) as caught:
        opened(second, path)
    assert Path(first).name in str(caught.value)
    assert second in str(caught.value)
    with opened(first, path) as work:
        assert work.session.labels == 1


def test_a_session_of_other_classes_is_refused_and_both_are_named(
    arrays: MakeArrays, tmp_path: Path
) -> None:
    first, second = arrays("a.npz", "cat", "dog"), arrays("b.npz", "red", "green", "blue")
    path = tmp_path / "s.tuilabel"
    opened(first, path).close()
    with pytest.raises(SessionFileError) as caught:
        opened(second, path)
    message = str(caught.value)
    for named in (str(path), first, second, "cat,dog", "blue", "green", "red"):
        assert named in message
    opened(first, path).close()


def test_a_session_whose_logs_are_lost_or_were_never_begun_can_be_opened(tmp_path: Path) -> None:
    photos, path = str(pictures(tmp_path / "photos")), tmp_path / "s.tuilabel"
    opened(photos, path, classes=("cat", "dog")).close()
    for log in (path / "log").iterdir():
        log.unlink()
    with pytest.raises(SourceError, match="says where its source is, folder photos: run `tuilabel"):
        opened(path=path)
    with pytest.raises(SessionFileError, match=r"No log of .* names its classes: name them with"):
        opened(photos, path)
    with pytest.raises(UsageError, match="a single class"):
        opened(photos, path, classes=("cat",))
    with opened(photos, path, classes=("cat", "dog")) as workspace:
        assert workspace.session.classes.names == ("cat", "dog")
    with opened(path=path, classes=("cat", "dog", "owl")) as workspace:
        assert workspace.session.classes.names == ("cat", "dog", "owl")


def test_a_source_that_has_gone_is_reported_as_such(arrays: MakeArrays, tmp_path: Path) -> None:
    source = arrays("a.npz", "cat", "dog")
    path = tmp_path / "s.tuilabel"
    opened(source, path).close()
    Path(source).unlink()
    for given, found in (
        (None, "is gone: put it back"),
        (source, "no file or folder of that name"),
    ):
        with pytest.raises(SourceError, match=rf"a\.npz.* {found}"):
            opened(given, path)
    SessionView(path)


def test_a_batch_larger_than_the_pool_is_refused(arrays: MakeArrays, tmp_path: Path) -> None:
    path = tmp_path / "s.tuilabel"
    with pytest.raises(UsageError, match="--batch-size 21 is larger than the pool of 20 items"):
        opened("digits", path, {"batch_size": 21}, pool=20)
    assert not path.exists()
    opened("digits", path, {"batch_size": 20}, pool=20).close()
    with pytest.raises(UsageError, match="--batch-size 21 is larger"):
        opened("digits", path, {"batch_size": 21})
    SessionView(path)


def test_an_unknown_source_leaves_no_session(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere"):
        opened("nowhere")
    assert not session_path("nowhere").exists()
    assert last_session() is None


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.write_text("my notes")])
def test_what_is_no_session_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "s.tuilabel"
    make(path)
    before = path.stat()
    with pytest.raises(SessionFileError, match="not a session"):
        opened("digits", path)
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_link_to_nothing_is_no_new_session(tmp_path: Path) -> None:
    (tmp_path / "s.tuilabel").symlink_to(tmp_path / "unplugged")
    with pytest.raises(SessionFileError, match="There is no session"):
        opened("digits", tmp_path / "s.tuilabel")


def test_a_session_that_may_not_be_reached_is_refused(powerless_dir: Path) -> None:
    closed = powerless_dir / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(SessionFileError, match="There is no session"):
        find_session(str(closed / "s.tuilabel"))
    with pytest.raises(SessionFileError, match="Permission denied"):
        SessionView(closed / "s.tuilabel")


def test_settings_of_a_plug_in_that_is_not_installed_name_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "s.tuilabel"
    opened("digits", path).close()
    with Journal(path, "me", "digits") as journal:
        journal.read()
        journal.append([Opened(settings={"model": "forest", "strategy": "gini"}, items=5)], "me")
    with pytest.raises(UsageError) as caught:
        opened("digits", path)
    assert str(caught.value) == (
        "The session uses the model 'forest' and the strategy 'gini', which are not installed "
        "here. Install the package that adds them, or choose others with `tuilabel label` and "
        "--model auto --strategy auto."
    )
    with pytest.raises(UsageError, match=r"uses the strategy 'gini', which is not installed here"):
        opened("digits", path, {"model": "auto"})
    opened("digits", path, {"model": "auto", "strategy": "auto"}).close()
    again = opened("digits", path)
    assert (again.settings.model, again.settings.strategy) == ("auto", "auto")
    again.close()


# Demos.


def test_a_demo_is_a_session_apart_from_the_persons_own() -> None:
    opened("digits").close()
    with demo_workspace(SourceOptions(pool=20), {}) as first:
        with demo_workspace(SourceOptions(pool=20), {}) as second:
            assert first.path != second.path
            assert first.path.parent == data_dir() / "demos"
        assert last_session() == session_path("digits")


def test_a_demo_without_ground_truth_is_refused_and_leaves_nothing(arrays: MakeArrays) -> None:
    source = arrays("a.npz")
    with pytest.raises(SourceError, match=r"a\.npz has no ground truth"):
        demo_workspace(SourceOptions(source, classes=("cat", "dog")), {})
    assert not (data_dir() / "demos").exists()


def test_a_single_class_is_refused_before_images_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled_folder(tmp_path / "gone", 1)
    (tmp_path / "gone").rename(tmp_path / "new")

    def read(*_: object, **__: object) -> NoReturn:
        raise AssertionError("an image is read")

    monkeypatch.setattr(DecodeService, "decode_all", read)
    monkeypatch.setattr(folder, "open_folder", read)
    for path in (None, tmp_path / "s.tuilabel"):
        with pytest.raises(UsageError, match="new would have a single class, 'cat': name at"):
            opened(str(tmp_path / "new"), path, classes=("cat",))


def test_a_session_has_at_least_two_classes(arrays: MakeArrays) -> None:
    source = arrays("a.npz")
    with pytest.raises(UsageError, match="single class, 'circle': name at least two classes"):
        opened(source, classes=("circle",))
    assert not session_path(source).exists()


# Images of more than 8 bits.


def save_deep(folder: Path, *names: str, low: int = 1000, high: int = 4096) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        values = np.random.default_rng(len(name) + high).integers(low, high, (30, 30))
        Image.fromarray(values.astype(np.uint16)).save(folder / name)


def test_the_window_is_kept_in_the_session_and_changes_no_more(
    own_home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "ct"
    save_deep(folder, "a.png", "bb.png")
    with opened(str(folder), classes=("x", "y")) as first:
        window, pool = first.dataset.window, np.array(first.dataset.pool)
    assert window is not None
    assert SessionView(first.path).window == window
    save_deep(folder, "ccc.png", low=20_000, high=60_000)
    with opened(str(folder)) as again:
        assert again.dataset.window == window
        assert (again.dataset.pool[:2] == pool).all()
        assert (again.dataset.pool[2] == 255).all()


def test_a_session_gets_its_window_with_the_first_deep_image(
    own_home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    Image.fromarray(np.eye(30, dtype=np.uint8)).save(folder / "a.png")
    with opened(str(folder), classes=("x", "y")) as work:
        assert work.dataset.window is None
    assert SessionView(work.path).window is None
    windows = []
    for number in range(3):
        save_deep(folder, f"deep{'x' * number}.png", high=4096 * (number + 1))
        with opened(str(folder)) as work:
            windows.append(work.dataset.window)
    assert windows[0] is not None
    assert windows == windows[:1] * 3
    assert SessionView(work.path).window == windows[0]


def labelled_folder(folder: Path, count: int, of: int = 20) -> Path:
    """Make a folder of images, and a session with labels for some; return the session."""
    with opened(str(pictures(folder, of)), classes=("a", "b")) as workspace:
        for _ in range(count):
            workspace.session.label(str(workspace.session.current_id), 0, by=ME)
        return workspace.path


def test_the_session_of_a_renamed_folder_is_offered(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    path = labelled_folder(folder, 3)
    renamed = folder.rename(tmp_path / "new name")
    for classes in (None, ("a", "b")):
        with pytest.raises(UsageError) as caught:
            opened(str(renamed), classes=classes)
        assert f"3 labels for {folder}, which is gone" in str(caught.value)
        assert f"`tuilabel label '{renamed}' --session {path}`" in str(caught.value)
    assert not session_path(str(renamed)).exists()
    with opened(str(renamed), tmp_path / "another.tuilabel", classes=("a", "b")) as workspace:
        assert workspace.session.labels == 0
    # It is not offered while its own folder is there.
    folder.mkdir()
    opened(str(renamed), classes=("a", "b")).close()


def test_a_session_continued_in_a_renamed_folder_is_that_folders(tmp_path: Path) -> None:
    names = [tmp_path / name for name in ("old", "new", "newest")]
    path = labelled_folder(names[0], 3)
    for before, after in pairwise(names):
        before.rename(after)
        assert find_session(None) == path
        with pytest.raises(SourceError, match=f"{before}, .*is gone: .*`tuilabel label NEW --sess"):
            opened()
        with pytest.raises(UsageError, match=f"3 labels for {before}, which is gone"):
            opened(str(after))
        opened(str(after), path).close()
        assert find_session(str(after)) == path
        assert SessionView(path).source == str(after)
        for source in (str(after), None):
            with opened(source) as workspace:
                assert (workspace.path, workspace.session.labels) == (path, 3)
                assert workspace.dataset.source == str(after)
    # Another number of images is another session.
    assert own_session(str(after), 5) == session_path(str(after), 5)


@pytest.mark.parametrize(
    ("kept", "added", "is_offered"),
    [(20, 0, True), (19, 0, True), (20, 20, True), (14, 0, False), (3, 0, False), (20, 60, False)],
)
def test_a_folder_that_only_shares_some_images_is_another(
    tmp_path: Path, kept: int, added: int, is_offered: bool
) -> None:
    folder = tmp_path / "old"
    labelled_folder(folder, 20)
    folder.rename(tmp_path / "kept")
    other = tmp_path / "other"
    other.mkdir()
    for file in sorted((tmp_path / "kept").iterdir())[:kept]:
        shutil.copy(file, other)
    for number in range(added):
        Image.new("L", (7, 7), number).save(other / f"added{number}.png")
    if is_offered:
        with pytest.raises(UsageError, match="20 labels for"):
            opened(str(other))
    else:
        opened(str(other), classes=("a", "b")).close()
