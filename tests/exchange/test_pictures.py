"""Formats of images: what they say is what the tool that owns the format has read and accepted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from exchange.pictured import boxes, id_of, photo, photos
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.events.payloads import LabelSet
from tuilabel.session.classes import class_id_of
from tuilabel.workspace.places import session_path

ACCEPTED = Path(__file__).parent / "accepted"
"""Outputs that the reader of each tool was given, and has accepted."""


def export(source: object, *options: object) -> Result:
    arguments = ["export", source, *options]
    return CliRunner().invoke(main, [*map(str, arguments)], prog_name="tuilabel")


@pytest.mark.parametrize(("name", "make"), [("photos", photos), ("boxes", boxes)])
def test_coco_is_what_pycocotools_accepts(tmp_path: Path, name: str, make: Any) -> None:
    out = tmp_path / "out.json"
    result = export(make(tmp_path / name), "--format", "coco", "--paths", "name", "-o", out)
    assert result.exit_code == 0, result.output
    assert "Not written, because coco has no place for them: item_id, annotator" in result.stderr
    assert out.read_text() == (ACCEPTED / f"{name}.coco.json").read_text()


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
