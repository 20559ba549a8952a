"""The commands `model` and `predict`, from a session to a file to predictions."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from loop_fakes import ME
from PIL import Image

from tuilabel.cli import main
from tuilabel.data.images import as_seen
from tuilabel.learn import preparation
from tuilabel.learn.model_card import ClassOfModel, FeaturesOfModel, ImagesOfModel, ModelCard
from tuilabel.learn.network import Network
from tuilabel.learn.preparation import feature_hash
from tuilabel.workspace import models
from tuilabel.workspace.opening import SourceOptions, open_workspace

NAMES = ("dark", "light")
SIDE = 8


def run(*arguments: str | Path, status: int = 0) -> tuple[str, list[str]]:
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == status, done.output
    return done.stdout, done.stderr.splitlines()


def refused(*arguments: str | Path) -> str:
    _, lines = run(*arguments, status=2)
    (line,) = lines
    return line


def image(light: bool, seed: int, shape: Sequence[int] = (SIDE, SIDE)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(130 if light else 0, 255 if light else 120, tuple(shape), dtype=np.uint8)


IMAGES = np.stack([image(number % 2 == 1, number) for number in range(40)])
RIGHT = [NAMES[number % 2] for number in range(40)]


@pytest.fixture
def source(tmp_path: Path) -> str:
    np.savez(tmp_path / "a.npz", images=IMAGES)
    return str(tmp_path / "a.npz")


def session_of(source: str, labels: int, path: Path, multi: bool = False, **flags: Any) -> Path:
    flags = {"model": "softmax", "features": "raw", "cold_start": "random", "audit": 0.4} | flags
    options = SourceOptions(source, classes=NAMES, multi=multi)
    with open_workspace(options, flags, path=path) as work:
        for _ in range(labels):
            item, slot = work.session.current_id, work.session.current
            assert item is not None
            assert slot is not None
            is_light = work.dataset.full_image(slot.row).mean() > 125
            work.session.label(item, [int(is_light)] if multi else int(is_light), by=ME)
        return work.path


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def classes_in(file: Path) -> list[str]:
    return [row["class"] for row in rows_of(file)]


@pytest.mark.parametrize("ending", ["skops", "onnx"])
def test_from_a_session_to_predictions(
    ending: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(ending)
    monkeypatch.chdir(tmp_path)
    path, out = session_of(source, 30, tmp_path / "s.tuilabel"), f"m.{ending}"
    said, _ = run("model", path, "-o", out)
    lines = said.splitlines()
    assert lines[0].startswith(f"Wrote softmax on raw to m.{ending}: fitted to ")
    assert lines[1].startswith("accuracy   100.0% (")
    assert " on the audit set, n = " in lines[1]
    said, notes = run("predict", out, "a.npz", "-o", "p.csv")
    assert (said, notes) == ("40 rows written to p.csv.\n", [])
    rows = rows_of(tmp_path / "p.csv")
    assert list(rows[0]) == ["path", "item_id", "class", "probability"]
    assert [row["path"] for row in rows] == [f"images[{n}]" for n in range(40)]
    assert [row["class"] for row in rows] == RIGHT
    assert "exists already; use --force" in refused("model", path, "-o", out)
    run("model", path, "-o", out, "--force")


def test_a_model_that_needs_the_pool_is_replaced_and_that_is_reported(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the packages, which a test does not need.
    monkeypatch.setattr("tuilabel.learn.model_files.find_spec", lambda name: True)
    monkeypatch.setattr("tuilabel.learn.model_files.write_model", lambda *_: b"the model")
    path = session_of(source, 20, tmp_path / "s.tuilabel", model="graph", features="hog")
    said, _ = run("model", path, "-o", tmp_path / "m.onnx")
    lines = said.splitlines()
    assert lines[0].startswith("Wrote softmax on hog to ")
    assert lines[1].startswith(
        "The session's model is graph on hog, which cannot be written to a file. The two predict "
        "the same for "
    )
    assert lines[1].endswith("% of the 20 images without a label.")
    assert lines[2].startswith("accuracy   ")
    assert lines[3].startswith("Calibration needs 30 audit labels")
    assert (tmp_path / "m.onnx").read_bytes() == b"the model"
    assert "is no output of tuilabel" in refused("model", path, "-o", tmp_path / "m.onnx")


class Known:
    """A model that knows light from dark, in place of one in a file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.path = folder / "m.onnx"
        self.path.write_bytes(b"the model")
        self.network = self.card = None
        monkeypatch.setattr(models, "read_model", lambda data, shown: (self.network, self.card))
        self.takes((SIDE, SIDE))

    def takes(self, shape: tuple[int, ...], several: bool = False, **changes: Any) -> None:
        width = int(np.prod(shape))
        weights = np.tile(np.array([[-1, 1]], np.float32), (width, 1)) * 50 / width
        biases = np.array([25, -25], np.float32)
        self.network = Network(((weights, biases),), several)
        features = FeaturesOfModel("raw", "0", feature_hash("raw", shape), width)
        self.card = ModelCard(
            *("softmax", tuple(ClassOfModel(name, name) for name in NAMES), several, features),
            *(ImagesOfModel(shape), 1.0, None, 10, "s", "0.1"),
        )
        self.card = replace(self.card, **changes)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Known:
    monkeypatch.chdir(tmp_path)
    return Known(monkeypatch, tmp_path)


def test_files_of_any_source(known: Known, source: str, tmp_path: Path) -> None:
    Path("photos/more").mkdir(parents=True)
    for number, shape in enumerate([(SIDE, SIDE), (SIDE, SIDE, 3), (30, 30)]):
        Image.fromarray(image(True, number, shape)).save(f"photos/{number}.png")
    Image.fromarray(image(False, 9)).save("photos/more/9.png")
    Path("photos/notes.txt").write_text("not an image")
    some = [f"photos/{name}" for name in ("0.png", "1.png", "2.png", "notes.txt")]
    said, notes = run("predict", known.path, *some, "photos/more", "--probabilities", source)
    lines = said.splitlines()
    assert lines[0] == "path,item_id,class,probability,p_dark,p_light"
    assert lines[1].startswith("photos/0.png,f1:")
    found = [line.split(",") for line in lines[1:]]
    names = ["photos/0.png", "photos/1.png", "photos/more/9.png", "images[0]"]
    assert [cells[0] for cells in found[:4]] == names
    assert [cells[2] for cells in found] == ["light", "light", "dark", *RIGHT]
    assert notes == [
        "1 file cannot be read: photos/notes.txt (text, not an image).",
        "1 image was left out: photos/2.png (has 30x30 pixels; the model expects 8x8).",
        "1 image in colour was turned to grey, since the model was fitted to grey images.",
    ]
    known.takes((32, 32, 3))
    said, notes = run("predict", known.path, "photos", "-o", "p.jsonl")
    rows = list(map(json.loads, (tmp_path / "p.jsonl").read_text().splitlines()))
    assert [row["class"] for row in rows] == ["light", "light", "light", "dark"]
    assert rows[0]["probability"] == pytest.approx(1, abs=0.01)
    assert len(notes) == 1


def test_what_is_held_out_of_a_source_is_predicted_too(known: Known, tmp_path: Path) -> None:
    np.savez("truth.npz", images=IMAGES, labels=np.arange(40) % 2)
    for name in ("truth.npz", "a.npz"):
        if name == "a.npz":
            np.savez(name, images=IMAGES)
        run("predict", known.path, name, "-o", f"{name}.csv")
    with_truth, without = (
        sorted(rows_of(tmp_path / f"{name}.csv"), key=lambda row: row["path"])
        for name in ("truth.npz", "a.npz")
    )
    assert with_truth == without
    assert len(without) == 40
    hog = FeaturesOfModel("hog", "1", feature_hash("hog", (9999, 9999, 3)), 392)
    known.takes((5, 5), images=ImagesOfModel((9999, 9999, 3)), features=hog)
    _, notes = run("predict", known.path, "truth.npz", status=2)
    assert notes[-1].startswith(
        "tuilabel: No image was predicted. 40 images were left out: images[0] (has 8x8 pixels; "
    )


def test_as_seen_is_what_a_folder_shows_a_model() -> None:
    for shape in ((SIDE, SIDE), (SIDE, SIDE, 3)):
        own = image(True, 1, shape)
        assert as_seen(own, shape) is not None
        np.testing.assert_array_equal(as_seen(own, shape), own)
        for wanted in ((32, 32), (32, 32, 3)):
            seen = as_seen(own, wanted)
            assert seen is not None
            assert seen.shape == wanted
        assert as_seen(own, (SIDE, SIDE + 1)) is None


def test_several_classes_have_a_probability_each(known: Known, source: str) -> None:
    known.takes((SIDE, SIDE), several=True)
    said, _ = run("predict", known.path, source)
    header, _, row, *_ = said.splitlines()
    assert header == "path,item_id,class,probability,p_dark,p_light"
    values = row.split(",")
    assert values[2:4] == ["light", ""]
    assert float(values[5]) > 0.99 > 0.01 > float(values[4])


def test_other_features_are_refused(
    known: Known, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = (SIDE, SIDE)
    hog = FeaturesOfModel("hog", "1", feature_hash("hog", shape), 392)
    known.takes(shape, features=hog)
    monkeypatch.setitem(preparation.FEATURE_VERSIONS, "hog", 2)
    line = refused("predict", known.path, source)
    assert "needs version 1 of the features hog (hash " in line
    assert "and here is version 2 (hash " in line
    known.takes(shape, features=replace(hog, name="\x1b[31mgone"))
    line = refused("predict", known.path, source)
    assert "There is no feature '␛[31mgone': choose one of" in line


def test_nothing_that_people_need_is_replaced(known: Known, source: str) -> None:
    def predict(out: str, *more: str) -> str:
        return refused("predict", known.path, source, "-o", out, *more)

    assert "Predictions are CSV or JSON Lines, and p.png is neither" in predict("p.png")
    Path("table.csv").write_text("a,b\n1,2\n")
    assert "is no output of tuilabel" in predict("table.csv", "--force")
    run("predict", known.path, source, "-o", "p.csv")
    assert "exists already; use --force" in predict("p.csv")
    run("predict", known.path, source, "-o", "p.csv", "--force", "--probabilities")
    run("predict", known.path, source, "-o", "p.csv", "--force")
    assert classes_in(Path("p.csv")) == RIGHT


def test_what_cannot_be_predicted_with_is_refused(tmp_path: Path, source: str) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\x80\x04\x95 a pickle")
    line = refused("predict", tmp_path / "m.onnx", source)
    assert "m.onnx is not a model that tuilabel has exported" in line
    assert "cannot be read (No such file" in refused("predict", tmp_path / "none", source)
    assert "it is a directory" in refused("predict", tmp_path, source)


def test_a_session_without_labels_or_of_one_class_has_no_model(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuilabel.learn.model_files.find_spec", lambda name: True)
    path, out = tmp_path / "s.tuilabel", tmp_path / "m.onnx"
    session_of(source, 0, path, audit=0.0)
    assert "There is no label to fit a model to" in refused("model", path, "-o", out)
    session_of(source, 1, path, audit=0.0)
    assert "Only one class has labels" in refused("model", path, "-o", out)
    assert "has no known format: give a name that ends in" in refused("model", path, "-o", "m.pkl")
    assert not out.exists()


@pytest.mark.parametrize("ending", ["skops", "onnx"])
def test_a_session_of_several_classes(ending: str, source: str, tmp_path: Path) -> None:
    pytest.importorskip(ending)
    path = session_of(source, 30, tmp_path / "s.tuilabel", multi=True)
    said, _ = run("model", path, "-o", tmp_path / f"m.{ending}")
    assert "(of whole sets of classes)" in said
    run("predict", tmp_path / f"m.{ending}", source, "-o", tmp_path / "p.csv")
    assert classes_in(tmp_path / "p.csv") == RIGHT
