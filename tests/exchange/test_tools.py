"""The formats of other tools: exactly the fields that these take."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.exchange import OF_TOOLS, writer
from tuilabel.exchange.foreign import form_of
from tuilabel.exchange.rows import LabelRow
from tuilabel.workspace.places import session_path


def row(**values: Any) -> LabelRow:
    known = {
        **{"item_id": "f1:ab", "reference": "x/a.png", "class": "cat", "annotator": "ana"},
        **{"time": "2030-01-01T00:00:00.000+00:00", "round": 1, "ms": 1500, "origin": "human"},
        **{"probability": None, "status": "found", "disputed": False, "reason": "margin"},
        **{"draw": None, "why": "", "flagged": False, "note": ""},
    }
    return cast(LabelRow, {**known, **values})


AUTO = row(origin="auto", probability=0.9, annotator="softmax", ms=None)
DISPUTE = row(**{"class": "", "disputed": True})
SKIP = row(**{"class": "", "why": "unsure"})
SEVERAL = row(**{"class": ["cat", "wet"], "unknown": ["torn"]})
NONE = row(**{"class": [], "unknown": []})


def written(name: str, *rows: LabelRow) -> str:
    file = io.StringIO(newline="")
    writer(name)(rows, file)
    text = file.getvalue()
    assert text.isascii()
    return text


def test_doccano_has_the_name_and_a_list() -> None:
    odd = row(reference="caf\udce9.png")
    lines = written("doccano", row(), SEVERAL, DISPUTE, odd).splitlines()
    assert lines[0] == '{"filename": "x/a.png", "label": ["cat"]}'
    assert [json.loads(line)["label"] for line in lines] == [["cat"], ["cat", "wet"], [], ["cat"]]
    assert json.loads(lines[3])["filename"] == odd["reference"]


def test_prodigy_has_tasks_with_an_answer() -> None:
    found = [json.loads(line) for line in written("prodigy", row(), SKIP, SEVERAL).splitlines()]
    common = {"_timestamp": 1893456000, "_annotator_id": "ana"}
    meta = {"item_id": "f1:ab", "origin": "human"}
    assert found == [
        {"image": "x/a.png", "label": "cat", "answer": "accept", "meta": meta, **common},
        {"image": "x/a.png", "answer": "ignore", "meta": {**meta, "why": "unsure"}, **common},
        {
            "image": "x/a.png",
            "options": [{"id": name, "text": name} for name in ("cat", "wet", "torn")],
            "accept": ["cat", "wet"],
            "answer": "accept",
            "meta": meta,
            **common,
        },
    ]
    dispute, none = map(json.loads, written("prodigy", DISPUTE, NONE).splitlines())
    assert (dispute["answer"], none["answer"], none["accept"]) == ("ignore", "accept", [])


def test_label_studio_has_annotations_of_people_and_predictions_of_models() -> None:
    found = json.loads(written("label-studio", row(), AUTO, SEVERAL, DISPUTE))

    def result(*names: str) -> list[dict[str, Any]]:
        value = {"choices": list(names)}
        return [{"from_name": "choice", "to_name": "image", "type": "choices", "value": value}]

    data = {"data": {"image": "x/a.png"}}
    assert found == [
        {**data, "annotations": [{"result": result("cat"), "lead_time": 1.5}]},
        {
            **data,
            "predictions": [{"model_version": "softmax", "result": result("cat"), "score": 0.9}],
        },
        {**data, "annotations": [{"result": result("cat", "wet"), "lead_time": 1.5}]},
        data,
    ]
    assert json.loads(written("label-studio")) == []


@pytest.mark.parametrize("name", [n for n in OF_TOOLS if not form_of(writer(n)).images])
def test_what_is_lost_is_reported(tmp_path: Path, name: str) -> None:
    path = session_path(str(tmp_path))
    new_session(path, label_of("f1:ab", "cat", "a.png"), source=str(tmp_path))

    def export(*options: str) -> Any:
        arguments = ["export", str(path), "--no-source", "--format", name, *options]
        return CliRunner().invoke(main, arguments, prog_name="tuilabel")

    result = export("--paths", "absolute")
    assert str(tmp_path / "a.png") in result.stdout
    assert f"Not written, because {name} has no place for them: " in result.stderr
    assert ", draw, " in result.stderr
    assert export("--columns", "path").exit_code == 2
    assert export("--all-answers").exit_code == (0 if name == "prodigy" else 2)
