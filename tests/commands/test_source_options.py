"""Options about the source, and the list on standard input."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from loop_fakes import NoTrainer
from PIL import Image

from tuilabel.cli import main
from tuilabel.commands.sources import choose_source
from tuilabel.errors import UsageError
from tuilabel.plugins import source_options
from tuilabel.session.view import SessionView
from tuilabel.tui.terminal.tty import TTY
from tuilabel.workspace.places import last_session

pytestmark = pytest.mark.usefixtures("warm_decoders", "no_trainer")


@pytest.fixture
def no_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuilabel.line.run.TrainerClient", NoTrainer)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for value in range(6):
        Image.new("L", (6, 4), value).save(folder / f"{value}.png")
    rows = [f"photos/{value}.png,{'train' if value < 4 else 'test'}" for value in range(6)]
    (tmp_path / "t.csv").write_text("\n".join(["path,split", *rows]))
    digits = [f"{value % 2},{value},2,3,4" for value in range(20)]
    (tmp_path / "d.csv").write_text("\n".join(["label,pixel0,pixel1,pixel2,pixel3", *digits]))
    monkeypatch.chdir(tmp_path)
    return folder


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=typed, prog_name="tuilabel")


def lines(*arguments: str) -> Result:
    """Label two images in lines of text, as they come through a pipe."""
    (source, typed), (unread, sink) = os.pipe(), os.pipe()
    os.write(typed, b"1\n2\nq\n")
    os.close(typed)
    with (
        os.fdopen(source) as keys,
        os.fdopen(unread),
        os.fdopen(sink, "w") as shown,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(TTY, "keys", keys.fileno())
        patch.setattr(TTY, "shown", lambda _: shown)
        return run("label", *arguments, "--line", "--no-image")


def view() -> SessionView:
    path = last_session()
    assert path is not None
    return SessionView(path)


@pytest.mark.usefixtures("root")
def test_rows_of_a_table_are_labelled_and_the_session_continues_with_them() -> None:
    train = ("t.csv", "--where", "split == 'train'")
    started = lines(*train, "--classes", "a,b", "--batch-size", "2")
    assert started.exit_code == 0, started.stderr
    session = last_session()
    assert view().opened is not None
    assert view().opened.items == 4
    assert lines(*train).exit_code == 0
    assert last_session() == session
    assert view().known.labels_held == 4
    again = lines()
    assert again.exit_code == 0, again.stderr
    assert lines("t.csv", "--classes", "a,b", "--batch-size", "2").exit_code == 0
    assert last_session() != session
    exported = run("export", "t.csv")
    assert exported.exit_code == 0, exported.stderr
    assert "photos/" in exported.stdout
    assert "found" in exported.stdout


@pytest.mark.usefixtures("root")
def test_patterns_and_lists_are_labelled_too(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("photos/1.png\nphotos/2.png\n")
    for source, count in (("photos/[12].*", 2), ("**/*.png", 6), ("list.txt", 2)):
        result = lines(source, "--classes", "a,b", "--batch-size", "1")
        assert result.exit_code == 0, result.stderr
        assert view().opened is not None
        assert view().opened.items == count


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("photos", "--where", "x == 1"), "--where needs a .csv or .tsv table, but photos is none"),
        (("photos", "--folders", "names"), "--folders is 'names'; expected one of labels, "),
        (("digits", "--folders", "truth"), "--folders needs a source of files, but digits is none"),
        (("photos", "--folders", "truth"), "photos has no files in folders"),
        (("t.csv", "-0"), "-0 needs a list of paths, but t.csv is none"),
        (("--path-column", "x"), "--path-column needs a .csv or .tsv table, but none is named"),
        (("t.csv", "--where", "split"), "--where 'split' is no comparison of columns"),
        (("t.csv", "--path-column", "name"), "t.csv has no column 'name', but path, split"),
        (("no/*.png",), "The folder"),
    ],
)
@pytest.mark.usefixtures("root")
def test_what_does_not_fit_is_refused(arguments: tuple[str, ...], sentence: str) -> None:
    result = lines(*arguments, "--classes", "a,b")
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())
    assert last_session() is None


@pytest.mark.usefixtures("root")
def test_folders_without_classes_are_mentioned(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "animals" / name).mkdir(parents=True)
        Image.new("L", (6, 4), ord(name[0])).save(tmp_path / "animals" / name / "1.png")
    result = lines("animals")
    assert result.exit_code == 2
    found = " ".join(result.stderr.split())
    assert "has no class names, but 2 folders (cat, dog): name the classes with --classes" in found
    assert "or take the names of the folders as --folders labels, suggestions or truth." in found
    assert last_session() is None
    with_folders = ("animals", "--folders", "suggestions", "--batch-size", "1")
    result = lines(*with_folders)
    assert result.exit_code == 0, result.stderr
    assert view().known.labels_held == 2


@pytest.mark.usefixtures("root")
def test_boxes_are_exported_by_name(tmp_path: Path) -> None:
    rows = "photos/1.png,0,0,3,3\nphotos/1.png,2,0,3,3\n"
    (tmp_path / "boxes.csv").write_text(f"path,x,y,w,h\n{rows}")
    result = lines("boxes.csv", "--classes", "a,b", "--batch-size", "1")
    assert result.exit_code == 0, result.stderr
    exported = list(csv.DictReader(run("export", "boxes.csv").stdout.splitlines()))
    assert [(row["reference"], row["status"]) for row in exported] == [
        ("photos/1.png#xywh=0,0,3,3", "found"),
        ("photos/1.png#xywh=2,0,3,3", "found"),
    ]


@pytest.mark.usefixtures("root")
def test_a_simulation_takes_a_table_of_pixels() -> None:
    command = ["simulate", "d.csv", "--budget", "4", "--batch-size", "2", "--seeds", "1"]
    more = ["--model", "softmax", "--where", "pixel0 != 3"]
    result = run(*command, *more)
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("source", "option", "value", "sentence"),
    [
        ("photos", "folders", "x", "--folders is 'x'; expected one of labels, suggestions, truth."),
        (
            "photos",
            "confidence",
            "0.5",
            "--confidence needs a .json file of detections, but",
        ),
        ("photos", "root", ".", "--root needs a list, a table or a .json file, but photos is none"),
        ("digits", "frames", True, "--frames needs a source of files, but digits is none"),
        ("-", "root", ".", "--root is for paths in a file, and those of - are relative to the"),
    ],
)
@pytest.mark.usefixtures("root")
def test_options_need_a_source_that_has_them(
    source: str, option: str, value: object, sentence: str
) -> None:
    with pytest.raises(UsageError) as found:
        choose_source({"source": source, option: value})
    assert sentence in str(found.value)


def test_the_folder_of_the_paths_is_kept_as_an_absolute_path(root: Path) -> None:
    options = {"source": "t.csv", "root": "photos", "frames": True}
    choose_source(options)
    assert source_options(options["source"]) == {"root": str(root), "frames": "True"}


def test_a_terminal_is_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TTY, "open", lambda: None)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("tuilabel.commands.sources._is_terminal", lambda: True)
    result = CliRunner().invoke(main, ["view", "-"], prog_name="tuilabel")
    assert result.exit_code == 2
    assert "standard input, which is a terminal: pipe paths into it" in result.stderr


def test_a_list_is_simulated_from_standard_input(root: Path) -> None:
    paths = "\0".join(map(str, root.iterdir()))
    command = ["simulate", "-", "-0", "--budget", "4"]
    result = run(*command, typed=paths)
    assert result.exit_code == 2
    assert "has no ground truth" in " ".join(result.stderr.split())


@pytest.mark.usefixtures("root")
def test_class_folders_on_standard_input_are_truth() -> None:
    paths = [f"photos/{value}.png" for value in range(6)]
    more = ["--budget", "2", "--batch-size", "2", "--seeds", "1", "--model", "softmax"]
    result = run("simulate", "-", "--folders", "truth", *more, typed="\n".join(paths))
    assert result.exit_code == 0, result.stderr
    assert "softmax" in result.stdout


@pytest.mark.usefixtures("root")
def test_an_export_never_replaces_the_table_it_labels() -> None:
    assert lines("t.csv", "--classes", "a,b", "--batch-size", "2").exit_code == 0
    before = Path("t.csv").read_bytes()
    result = run("export", "t.csv", "-o", "t.csv", "--force")
    assert result.exit_code == 2
    assert "is never replaced" in " ".join(result.stderr.split())
    assert Path("t.csv").read_bytes() == before


def test_a_url_is_copied_when_it_is_named_and_never_else(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fsspec", reason="needs fsspec: pip install -e '.[remote]'")
    url = root.as_uri()
    started = lines(url, "--classes", "a,b", "--batch-size", "2")
    assert started.exit_code == 0, started.stderr
    session = last_session()
    shutil.rmtree(root)
    assert lines("--session", str(session)).exit_code == 0, "the copy is opened"
    exported = run("export", url)
    assert exported.exit_code == 0, exported.stderr
    assert exported.stdout.count("found") == 4
    shutil.rmtree(view().source)
    gone = lines("--session", str(session))
    assert "was removed from the cache. Copy the files again with" in " ".join(gone.stderr.split())


def test_a_url_without_fsspec_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuilabel.data.remote.find_spec", lambda name: None)
    for command in (["label", "--line"], ["simulate"], ["demo", "--line"]):
        result = CliRunner().invoke(main, [*command, "s3://bucket/x?key=1"], prog_name="tuilabel")
        assert result.exit_code == 2
        assert "s3://bucket/x needs fsspec: pip install 'tuilabel[remote]'" in result.stderr
        assert "key" not in result.stderr
