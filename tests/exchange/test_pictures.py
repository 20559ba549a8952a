"""Formats of images: what they say is what the tool that owns the format has read and accepted."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from exchange.pictured import boxes, digest_of, id_of, photo, photos
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.data.decoding import DecodeService
from tuilabel.errors import ExportError, ImportFileError
from tuilabel.events.payloads import LabelSet
from tuilabel.exchange import pictured
from tuilabel.exchange.camtrap_dp import read_package
from tuilabel.exchange.guessing import format_of_file
from tuilabel.exchange.reading import read_labels
from tuilabel.exchange.splitting import Split
from tuilabel.session.classes import class_id_of
from tuilabel.workspace.places import session_path

ACCEPTED = Path(__file__).parent / "accepted"
"""Outputs that the reader of each tool was given, and has accepted: pycocotools, labelme,
frictionless with the schemas of Camtrap DP 1.0.2, and datasets."""

UPDATE = False
"""Whether to write them anew; give them to these readers before they are kept."""


def export(source: object, *options: object) -> Result:
    arguments = ["export", source, *options]
    return CliRunner().invoke(main, [*map(str, arguments)], prog_name="tuilabel")


@pytest.fixture(autouse=True)
def _warm(monkeypatch: pytest.MonkeyPatch, warm_decoders: None, decoders: DecodeService) -> None:
    monkeypatch.setattr(pictured, "DecodeService", lambda: decoders)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a session of photographs, one of boxes, and a project's description."""
    folder = tmp_path_factory.mktemp("made")
    photos(folder / "photos")
    boxes(folder / "boxes")
    (folder / "package").mkdir()
    (folder / "package" / "datapackage.json").write_text(json.dumps(PROJECT))
    (folder / "package" / "deployments.csv").write_text(DEPLOYMENTS)
    return folder


PROJECT = {
    "name": "foxes",
    "contributors": [{"title": "Ana"}],
    "project": {
        "title": "Foxes",
        "samplingDesign": "opportunistic",
        "captureMethod": ["activityDetection"],
        "individualAnimals": False,
        "observationLevel": ["media"],
    },
    "taxonomic": [{"scientificName": "Vulpes vulpes", "vernacularNames": {"eng": "fox"}}],
}
DEPLOYMENTS = (
    "deploymentID,latitude,longitude,deploymentStart,deploymentEnd\n"
    "site,51.5,-3.25,2029-06-01T00:00:00+0100,2029-07-01T00:00:00+0100\n"
)


def normal(text: str, made: Path) -> str:
    """Return a text without hashes of files and times of labels, which are never the same."""
    for number, path in enumerate(sorted(made.rglob("*.jpg")), start=1):
        text = text.replace(digest_of(path).hex(), f"HASH{number}")
    return re.sub(r"20[0-24-9]\d-[\d-]+T[\d:]+Z", "TIME", text)


@pytest.mark.parametrize("name", ["photos", "boxes"])
@pytest.mark.parametrize("format_", ["coco", "labelme", "camtrap-dp", "hf"])
def test_an_export_is_what_the_reader_of_the_tool_accepts(
    made: Path, tmp_path: Path, name: str, format_: str
) -> None:
    out = made / f"{name}.{format_}"
    asked = {"coco": ["--paths", "name"], "camtrap-dp": ["--package", made / "package"]}
    if format_ == "hf":
        parquet = pytest.importorskip("pyarrow.parquet")
    result = export(
        made / f"{name}.tuilabel", "--format", format_, "-o", out, *asked.get(format_, [])
    )
    assert result.exit_code == 0, result.output
    if format_ == "hf":
        table = parquet.read_table(out / "data" / "train-00000-of-00001.parquet")
        columns = table.to_pydict()
        assert [Path(image["path"]).suffix for image in columns.pop("image")] == [".jpg", ".jpg"]
        found = {"features": json.loads(table.schema.metadata[b"huggingface"])}
        found["label"] = columns.get("label") or [
            {"bbox": one["bbox"], "category": one["category"]} for one in columns["objects"]
        ]
        texts = {"train.json": json.dumps(found, indent=1) + "\n"}
    elif out.is_dir():
        texts = {path.name: path.read_text() for path in out.iterdir()}
    else:
        texts = {"coco.json": out.read_text()}
    kept = ACCEPTED / out.name
    if UPDATE:
        kept.mkdir(exist_ok=True)
        for own_name, text in texts.items():
            (kept / own_name).write_text(normal(text, made))
    assert {own_name: normal(text, made) for own_name, text in texts.items()} == {
        path.name: path.read_text() for path in kept.iterdir()
    }


@pytest.mark.parametrize(
    ("format_", "guessed"), [("labelme", "labelme"), ("hf", "parquet"), ("folders", "folders")]
)
def test_a_folder_that_was_exported_is_read_as_what_it_is(
    made: Path, tmp_path: Path, format_: str, guessed: str
) -> None:
    if format_ == "hf":
        pytest.importorskip("pyarrow")
    out = tmp_path / "out"
    split = ["--split", "train=0.5,test=0.5"] if format_ == "hf" else []
    result = export(made / "photos.tuilabel", "--format", format_, "-o", out, *split)
    assert result.exit_code == 0, result.output
    assert format_of_file(out) == guessed
    rows = sorted(read_labels(out, guessed), key=lambda row: row.class_name)
    assert [row.class_name for row in rows] == ["bird/owl", "fox"]
    ids = [id_of(made / "photos" / "site" / name) for name in ("1.jpg", "2.jpg")]
    assert format_ == "labelme" or [row.item for row in rows] == ids
    assert len({row.line for row in rows}) == 2


def test_a_folder_of_tables_names_the_one_that_cannot_be_read(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.parquet").write_bytes(b"PAR1")
    assert format_of_file(tmp_path) == "parquet"
    with pytest.raises(ImportFileError, match=r"data/train\.parquet: it is not a Parquet table"):
        list(read_labels(tmp_path, "parquet"))
    (tmp_path / "data" / "train.parquet").unlink()
    with pytest.raises(ImportFileError, match=r"no \.parquet file"):
        list(read_labels(tmp_path, "parquet"))


def test_what_a_format_of_images_cannot_say_is_left_out_and_counted(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    there, gone = photo(folder / "1.jpg"), photo(folder / "2.jpg", shade=20)
    gone_id = id_of(gone)
    gone.unlink()
    path = session_path(str(folder))
    labels = label_of(id_of(there), "cat", "1.jpg"), label_of(gone_id, "cat", "2.jpg")
    new_session(path, *labels, source=str(folder))
    result = export(folder, "--format", "coco")
    assert [image["file_name"] for image in json.loads(result.stdout)["images"]] == ["1.jpg"]
    assert "1 image is no longer in the source, and was left out." in result.stderr
    refused = export(folder, "--format", "coco", "--no-source")
    assert (refused.exit_code, "is about image files" in refused.output) == (2, True)
    shutil.rmtree(folder)
    assert export(path, "--format", "coco").exit_code == 2


def test_a_source_without_files_has_no_images_to_name(tmp_path: Path) -> None:
    new_session(tmp_path / "s.tuilabel", label_of("a1:ab", "cat", "images[0]"))
    result = export(tmp_path / "s.tuilabel", "--format", "coco")
    assert (result.exit_code, "digits has no files, which --format coco" in result.output) == (
        2,
        True,
    )


def test_parquet_has_types_and_is_replaced_by_force_only_if_it_is_an_export(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    folder, out = photos(tmp_path / "photos"), tmp_path / "out.parquet"
    assert export(folder, "-o", out).exit_code == 0
    table = parquet.read_table(out)
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds["ms"] == "int64"
    assert kinds["draw"] == "double"
    assert kinds["flagged"] == "bool"
    assert table.column("class").to_pylist() == ["bird/owl", "fox"]
    assert table.column("ms").to_pylist() == [1500, None]
    assert export(folder, "-o", out).exit_code == 2
    before = out.read_bytes()
    assert export(folder, "-o", out, "--force").exit_code == 0
    assert out.read_bytes() == before
    named = ("--columns", "path=filename,class=label", "--no-source")
    assert export(folder, "-o", out, "--force", *named).exit_code == 0
    assert parquet.read_table(out).to_pylist()[1] == {"filename": "site/2.jpg", "label": "fox"}
    parquet.write_table(table, out)
    result = export(folder, "-o", out, "--force")
    assert (result.exit_code, "is no output of tuilabel" in result.output) == (2, True)


def test_parquet_has_a_list_of_several_classes(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    both = LabelSet(item="f1:ab", class_ids=(class_id_of("cat"),), others=(class_id_of("dog"),))
    new_session(tmp_path / "s.tuilabel", both, multi=True)
    out = tmp_path / "out.parquet"
    result = export(tmp_path / "s.tuilabel", "-o", out, "--no-source")
    assert result.exit_code == 0, result.output
    assert parquet.read_table(out).column("class").to_pylist() == [["cat"]]


def test_a_folder_that_has_something_is_never_written_to(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "precious").touch()
    asked = ("--format", "labelme", "-o")
    for place in (out, out / "precious", made / "photos", made / "photos.tuilabel"):
        result = export(made / "photos.tuilabel", *asked, place)
        assert (result.exit_code, "exists already" in result.output) == (2, True)
    inside = export(made / "photos.tuilabel", *asked, made / "photos.tuilabel" / "new")
    assert (inside.exit_code, "belongs to a session" in inside.output) == (2, True)
    for options in ((*asked, tmp_path / "new", "--force"), (*asked, "-"), asked[:2]):
        assert export(made / "photos.tuilabel", *options).exit_code == 2
    assert [path.name for path in out.iterdir()] == ["precious"]
    assert not (tmp_path / "new").exists()


def test_a_folder_that_fails_halfway_leaves_nothing(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tuilabel.exchange.labelme.json.dump", full)
    (tmp_path / "in").mkdir()
    result = export(made / "photos.tuilabel", "--format", "labelme", "-o", tmp_path / "in" / "out")
    assert (result.exit_code, "cannot be written (No space left" in result.output) == (2, True)
    assert not list((tmp_path / "in").iterdir())


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("datapackage.json", "", "cannot be read (Expecting value"),
        ("datapackage.json", "[" * 100_000, "cannot be read (maximum recursion"),
        ("datapackage.json", "[]", "has no contributors or no project"),
        ("datapackage.json", '{"contributors": [1]}', "has no contributors or no project"),
        ("deployments.csv", "deploymentID\n", "has no deployment"),
        ("deployments.csv", "deploymentID\na\n", "Row 1 of"),
        ("deployments.csv", DEPLOYMENTS.replace("+0100", ""), "like 2024-03-01T00:00:00Z"),
        (
            "deployments.csv",
            DEPLOYMENTS.replace("51.5", "north"),
            "a latitude that is not a number",
        ),
        ("deployments.csv", "\xff", "cannot be read"),
    ],
)
def test_a_bad_description_of_a_project_is_one_sentence(
    made: Path, tmp_path: Path, name: str, content: str, says: str
) -> None:
    shutil.copytree(made / "package", tmp_path / "package")
    (tmp_path / "package" / name).write_text(content, encoding="latin-1")
    with pytest.raises(ExportError, match=re.escape(says)) as caught:
        read_package(tmp_path / "package")
    assert str(caught.value).isprintable()


def test_images_of_no_deployment_are_left_out_and_counted(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "package", tmp_path / "package")
    text = DEPLOYMENTS + DEPLOYMENTS.splitlines()[1].replace("site", "hill")
    text = text.replace("site,", "wood,")
    (tmp_path / "package" / "deployments.csv").write_text(text)
    asked = ("--format", "camtrap-dp", "-o", tmp_path / "out")
    result = export(made / "photos.tuilabel", *asked, "--package", tmp_path / "package")
    assert "2 images in a folder that is named like no deployment were left out." in result.stderr
    assert export(made / "photos.tuilabel", *asked).exit_code == 2


def test_the_boxes_of_one_file_are_in_one_part() -> None:
    rows = [
        {"item_id": f"p1:{n:032x}", "reference": f"a.jpg#frame={n}", "class": ""} for n in range(50)
    ]
    split = Split("train=0.5,test=0.5")
    assert len({split.part(row) for row in rows}) == 1


@pytest.mark.parametrize("format_", ["parquet", "hf", "camtrap-dp", "coco", "labelme"])
def test_a_name_that_is_no_text_is_kept_or_refused_in_one_sentence(
    made: Path, tmp_path: Path, format_: str
) -> None:
    if format_ in ("parquet", "hf"):
        pytest.importorskip("pyarrow")
    name, session = os.fsdecode(b"caf\xe9.jpg"), tmp_path / "s.tuilabel"
    photo(tmp_path / "in" / name)
    odd = label_of(id_of(tmp_path / "in" / name), "cat", name)
    new_session(session, odd, source=str(tmp_path / "in"))
    (tmp_path / "new").mkdir()
    options = ["--package", made / "package"] if format_ == "camtrap-dp" else []
    result = export(session, "--format", format_, "-o", tmp_path / "new" / "out", *options)
    if format_ in ("coco", "labelme"):
        assert result.exit_code == 0, result.output
    else:
        assert (result.exit_code, "is not valid text" in result.output) == (2, True)
        assert not list((tmp_path / "new").iterdir())
