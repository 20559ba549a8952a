"""`import tuilabel`: labels as arrays, and labels added from Python."""

from __future__ import annotations

import ast
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sessions import label_of, new_session

import tuilabel
from tuilabel.cli import main
from tuilabel.data.item_ids import file_digest
from tuilabel.errors import ImportFileError, SessionFileError, UsageError
from tuilabel.events.payloads import LabelSet, Skip, stored_names
from tuilabel.session.classes import class_id_of
from tuilabel.workspace.places import session_path

pytestmark = pytest.mark.usefixtures("warm_decoders", "own_home")


def item(path: Path) -> str:
    with path.open("rb") as file:
        return f"f1:{file_digest(file).hex()}"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a session: 0 and 2 are cats, 1 and 3 dogs, of which 3 is of the audit set."""
    folder = tmp_path / "photos"
    folder.mkdir()
    labels = []
    for number in range(6):
        path = folder / f"{number}.png"
        Image.fromarray(np.full((4 + number, 5), number, dtype=np.uint8)).save(path)
        if number < 4:
            name, is_audit = ("cat", "dog")[number % 2], number == 3
            labels.append(label_of(item(path), name, path.name, audit=is_audit))
    new_session(session_path(str(folder)), *labels, source=str(folder))
    return folder


def test_labels_are_arrays_with_the_columns_of_an_export(photos: Path) -> None:
    labels = tuilabel.open_session(photos).labels()
    head = CliRunner().invoke(main, ["export", str(photos)]).output.splitlines()[0]
    assert [*labels] == [*head.split(","), "class_id", "set"]
    assert {len(column) for column in labels.values()} == {4}
    assert labels["reference"].tolist() == [f"{number}.png" for number in range(4)]
    assert labels["class"].tolist() == ["cat", "dog"] * 2
    assert labels["class_id"].tolist() == [class_id_of("cat"), class_id_of("dog")] * 2
    assert labels["set"].tolist() == ["train"] * 3 + ["audit"]
    assert labels["annotator"].tolist() == ["me"] * 4
    assert labels["status"].tolist() == ["found"] * 4
    assert np.isnan(labels["probability"]).all()
    assert labels.classes == ("cat", "dog")
    assert labels.targets.tolist() == [0, 1, 0, 1]
    audit = labels.select(labels["set"] == "audit")
    assert audit["reference"].tolist() == ["3.png"]
    assert audit.targets.tolist() == [1]


def test_a_session_without_labels_has_the_same_columns(tmp_path: Path) -> None:
    path = tmp_path / "s.tuilabel"
    new_session(path)
    labels = tuilabel.open_session(path).labels(look=False)
    assert {column.shape for column in labels.values()} == {(0,)}
    assert labels.targets.shape == (0,)


def test_a_class_that_no_event_has_added_keeps_its_id(tmp_path: Path) -> None:
    path = tmp_path / "s.tuilabel"
    new_session(path, label_of("a", "owl", "a.png"), label_of("b", "dog", "b.png"))
    labels = tuilabel.open_session(path).labels(look=False)
    assert labels["class"].tolist() == [class_id_of("owl"), "dog"]
    assert labels["class_id"].tolist() == [class_id_of("owl"), class_id_of("dog")]
    assert labels.targets.tolist() == [2, 1]


def test_several_classes_are_one_text_and_a_row_of_targets(tmp_path: Path) -> None:
    path, cat, dog = tmp_path / "s.tuilabel", class_id_of("cat"), class_id_of("dog")
    new_session(
        path,
        LabelSet(item="a", class_ids=(cat, dog), others=(), names=stored_names(["a.png"])),
        LabelSet(item="b", class_ids=(), others=(cat,), names=stored_names(["b.png"])),
        Skip(item="c"),
        multi=True,
    )
    session = tuilabel.open_session(path)
    labels = session.labels(look=False)
    assert labels["class"].tolist() == ["cat|dog", ""]
    assert labels["class_id"].tolist() == [f"{cat}|{dog}", ""]
    assert labels["unknown"].tolist() == ["", "dog"]
    np.testing.assert_array_equal(labels.targets, [[1, 1], [0, np.nan]])
    every = session.labels(look=False, all_answers=True)
    assert np.isnan(every.targets[2]).all()


def test_boxes_and_frames_are_columns(tmp_path: Path) -> None:
    path = tmp_path / "s.tuilabel"
    new_session(
        path,
        label_of("p1:1", "cat", "a#1.png#xywh=40,30,120,80"),
        label_of("p1:2", "cat", "a.png#xywh=percent:12.5,30,40,20.25"),
        label_of("p1:3", "dog", "b.tif#frame=2"),
        label_of("f1:4", "dog", "c#frame=2"),
    )
    labels = tuilabel.open_session(path).labels(look=False)
    assert labels["file"].tolist() == ["a#1.png", "a.png", "b.tif", "c#frame=2"]
    assert labels["frame"].tolist() == [0, 0, 2, 0]
    assert labels["box_unit"].tolist() == ["pixel", "percent", "", ""]
    assert labels["box_left"][:2].tolist() == [40, 12.5]
    assert labels["box_height"][:2].tolist() == [80, 20.25]
    assert np.isnan(labels["box_width"][2:]).all()


def test_a_source_that_is_gone_leaves_the_names_of_labelling_time(photos: Path) -> None:
    session = tuilabel.open_session(photos)
    photos.rename(photos.with_name("elsewhere"))
    with pytest.warns(UserWarning, match="names are those of labelling time"):
        labels = session.labels()
    assert {*labels["status"]} == {"as labelled"}


def test_labels_are_added_as_one_event_that_can_be_taken_back(photos: Path) -> None:
    session = tuilabel.open_session(photos)
    images = np.array(["elsewhere/4.png", item(photos / "5.png")])
    arguments = (images, np.array(["cat", "dog"]))
    assert session.add(*arguments, dry_run=True).count == 2
    assert len(session.labels()["class"]) == 4
    added = session.add(*arguments, by="resnet", probability=np.array([0.9, 0.5], np.float32))
    assert dict(added.matched) == {"name": 1, "content": 1}
    labels = session.labels()
    new = labels.select(labels["origin"] == "import")
    assert new["reference"].tolist() == ["4.png", "5.png"]
    assert new["annotator"].tolist() == ["resnet"] * 2
    np.testing.assert_allclose(new["probability"], [0.9, 0.5])
    CliRunner().invoke(main, ["import", str(photos), "--revert"])
    assert len(session.labels()["class"]) == 4


def test_suggestions_are_no_labels(photos: Path) -> None:
    session = tuilabel.open_session(photos)
    session.add([photos / "4.png"], ["dog"], suggestions=True)
    assert len(session.labels()["class"]) == 4


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        ({"images": ["4.png"], "classes": ["cat", "dog"]}, UsageError, "1 of path, 2 of class"),
        ({"images": ["4.png"], "classes": ["owl"]}, ImportFileError, "1 of an unknown class"),
        ({"images": ["9.png"], "classes": ["cat"]}, ImportFileError, "1 without an image"),
        ({"images": ["4.png"], "classes": [[["a"]]]}, ImportFileError, "Row 1 .*expected text"),
        (
            {"images": ["4.png"], "classes": ["cat"], "probability": [1.5]},
            ImportFileError,
            "Row 1 .*from 0 to 1",
        ),
        ({"images": [], "classes": []}, ImportFileError, "no images"),
    ],
)
def test_what_an_import_refuses_is_refused(
    photos: Path, columns: dict[str, list[object]], error: type[Exception], words: str
) -> None:
    session = tuilabel.open_session(photos)
    before = {path: path.read_bytes() for path in session.path.rglob("*") if path.is_file()}
    with pytest.raises(error, match=words):
        session.add(**columns)  # type: ignore[arg-type]
    assert before == {path: path.read_bytes() for path in session.path.rglob("*") if path.is_file()}


def test_no_session_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SessionFileError, match="There is no session"):
        tuilabel.open_session(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("name", "package"), [("to_pandas", "pandas"), ("to_torch_dataset", "torch")]
)
def test_a_library_that_is_missing_is_named(
    photos: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    labels = tuilabel.open_session(photos).labels()
    with pytest.raises(UsageError, match=f"pip install {package}"):
        getattr(labels, name)()


def test_a_table_has_the_same_columns(photos: Path) -> None:
    pytest.importorskip("pandas")
    labels = tuilabel.open_session(photos).labels()
    table = labels.to_pandas()
    assert [*table] == [*labels]
    assert table["class"].tolist() == labels["class"].tolist()


def test_a_torch_dataset_reads_images_with_their_targets(photos: Path) -> None:
    pytest.importorskip("torch")
    dataset = pickle.loads(pickle.dumps(tuilabel.open_session(photos).labels().to_torch_dataset()))  # noqa: S301
    assert [target for _, target in dataset] == [0, 1, 0, 1]
    assert dataset[3][0].shape == (3, 7, 5)
    np.testing.assert_allclose(dataset[3][0], 3 / 255)


def test_types_and_documents_name_what_the_package_has() -> None:
    stub = ast.parse(Path(tuilabel.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    typed = {
        name.asname for node in stub.body if isinstance(node, ast.ImportFrom) for name in node.names
    }
    assert typed == {*tuilabel.__all__} <= {*dir(tuilabel)}
    page = Path(__file__).parents[1] / "docs" / "python.md"
    documented = {*re.findall(r"`(?:tuilabel\.)?(\w+)[`(]", page.read_text(encoding="utf-8"))}
    assert typed <= documented
    for name in typed:
        assert getattr(tuilabel, str(name)).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        tuilabel.nothing  # noqa: B018
