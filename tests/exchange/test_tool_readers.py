"""Labels in the formats of other tools, as these write them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from fuzzing import files_with, fuzzed
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.errors import ImportFileError, TuilabelError
from tuilabel.events.imports import ImportRow
from tuilabel.exchange import writer
from tuilabel.exchange.guessing import correction, format_of_file, looks_like
from tuilabel.exchange.reading import LONGEST_LINE, read_labels
from tuilabel.exchange.rows import LabelRow
from tuilabel.plugins import GROUPS

BUILT_IN = sorted(GROUPS["readers"].built_in)


def read(path: Path, format_: str = "auto", bad: list[str] | None = None) -> list[ImportRow]:
    format_ = format_of_file(path) if format_ == "auto" else format_
    return list(read_labels(path, format_, None if bad is None else bad.append))


def lines(path: Path, *values: object) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def what(row: ImportRow) -> tuple[object, ...]:
    """Return what a reader of a tool has found besides the usual."""
    return row.path, row.classes or row.class_name, row.others, row.by, row.time


PRODIGY = {
    "image": "data:image/png;base64,iVBOR",
    "path": "/pics/a.jpg",
    "_input_hash": 1,
    "_timestamp": 1893456000,
    "_annotator_id": "set-ana",
    "answer": "accept",
}


def test_prodigy(tmp_path: Path) -> None:
    options = [{"id": "cat", "text": "Cat"}, {"id": 2, "text": "dog"}, {"id": "wet"}]
    span = {"label": "cat", "x": 1, "y": 2.2, "width": 3, "height": 4, "type": "rect"}
    file = lines(
        tmp_path / "a.jsonl",
        {**PRODIGY, "label": "cat"},
        {**PRODIGY, "label": "cat", "answer": "reject"},
        {**PRODIGY, "label": "cat", "answer": "ignore"},
        {**PRODIGY, "options": options, "accept": ["cat", 2]},
        {"image": "b.jpg", "spans": [span, {"label": "dog"}], "answer": "accept", "score": 0.5},
        {"image": "data:x", "meta": {"file": "c.jpg", "item_id": "f1:ab"}, "label": "dog"},
    )
    rows = read(file)
    by, time = "set-ana", "2030-01-01T00:00:00.000+00:00"
    assert [what(row) for row in rows] == [
        ("/pics/a.jpg", "cat", None, by, time),
        ("/pics/a.jpg", "", ("cat",), by, time),
        ("/pics/a.jpg", "", None, by, time),
        ("/pics/a.jpg", ("cat", "dog"), ("wet",), by, time),
        ("b.jpg", "cat", None, None, None),
        ("b.jpg", "dog", None, None, None),
        ("c.jpg", "dog", None, None, None),
    ]
    assert [row.parts for row in rows[4:6]] == [("xywh=1,2,3,4",), ()]
    assert (rows[4].probability, rows[6].item) == (0.5, "f1:ab")
    assert [row.line for row in rows] == [1, 2, 3, 4, 5, 5, 6]


def choices(*names: str) -> dict[str, Any]:
    value = {"choices": list(names)}
    return {"from_name": "choice", "to_name": "image", "type": "choices", "value": value}


def test_label_studio(tmp_path: Path) -> None:
    box = {"x": 10, "y": 20, "width": 30, "height": 40, "rectanglelabels": ["cat"], "rotation": 0}
    tasks = [
        {
            "id": 1,
            "data": {"image": "/data/upload/3/0a1b2c3d-my_a.jpg"},
            "annotations": [
                {
                    "result": [choices("cat")],
                    "completed_by": {"id": 4, "email": "ana@example.org"},
                    "updated_at": "2030-01-01T00:00:00.000000Z",
                    "lead_time": 1.5,
                },
                {"result": [], "was_cancelled": True, "completed_by": 5},
            ],
            "predictions": [{"result": [choices("dog")], "score": 0.75, "model_version": "m1"}, 7],
        },
        {
            "data": {"pic": "/data/local-files/?d=in%20here/b.jpg"},
            "annotations": [{"result": [{"value": box, "type": "rectanglelabels"}]}],
        },
        {"data": {"image": "s3://x/c.jpg"}, "annotations": [{"result": [choices("cat", "dog")]}]},
        {"data": {"image": "d.jpg"}},
    ]
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps(tasks, indent=2))
    rows = read(file)
    assert [what(row)[:4] for row in rows] == [
        ("my_a.jpg", ("cat",), None, "ana@example.org"),
        ("my_a.jpg", "", None, "5"),
        ("my_a.jpg", ("dog",), None, "m1"),
        ("in here/b.jpg", "cat", None, None),
        ("s3://x/c.jpg", ("cat", "dog"), None, None),
        ("d.jpg", "", None, None),
    ]
    assert (rows[0].ms, rows[0].time) == (1500, "2030-01-01T00:00:00.000000Z")
    assert (rows[2].origin, rows[2].probability) == ("auto", 0.75)
    assert "xywh=percent:10,20,30,40" in rows[3].parts
    assert [row.line for row in rows] == [1, 1, 1, 2, 3, 4]


def test_doccano_and_lists_in_other_lines(tmp_path: Path) -> None:
    one = {"id": 1, "filename": "a.jpg", "label": ["cat"], "Comments": []}
    file = lines(tmp_path / "x.jsonl", one, {**one, "label": []}, {**one, "label": ["a", "b"]})
    for format_ in ("auto", "doccano"):
        rows = read(file, format_)
        assert [(row.class_name, row.classes) for row in rows] == [
            ("cat", ("cat",)),
            ("", ()),
            ("a", ("a", "b")),
        ]


def labelme(**values: object) -> dict[str, object]:
    usual = {"version": "5.4.1", "flags": {}, "shapes": [], "imagePath": "a.jpg"}
    return {**usual, "imageData": None, "imageHeight": 8, "imageWidth": 8, **values}


def test_labelme_in_a_folder_and_alone(tmp_path: Path) -> None:
    shape = {"label": "cat", "points": [[5, 6.4], [1, 2]], "shape_type": "rectangle", "flags": {}}
    line = {"label": "dog", "points": [[5, 6], [1, 2], [3, 3]], "shape_type": "polygon"}
    (tmp_path / "in").mkdir()
    for name, found in (
        ("1.json", labelme(flags={"cat": True, "wet": False})),
        ("2.json", labelme(shapes=[shape, line], imagePath="..\\pics\\b.jpg")),
        ("10.json", labelme(imagePath="c.jpg")),
        ("in/3.json", labelme(flags={"wet": True}, imageData="A" * 2 * 10**6)),
    ):
        (tmp_path / name).write_text(json.dumps(found, indent=2))
    rows = read(tmp_path)
    assert looks_like(tmp_path).name == looks_like(tmp_path / "2.json").name == "labelme"
    found = [
        (row.path.removeprefix(f"{tmp_path}/"), *what(row)[1:3], row.parts[:1]) for row in rows
    ]
    assert found == [
        ("a.jpg", ("cat",), ("wet",), ()),
        ("../pics/b.jpg", "cat", None, ("xywh=1,2,4,4",)),
        ("../pics/b.jpg", "dog", None, ()),
        ("c.jpg", "", None, ()),
        ("in/a.jpg", ("wet",), (), ()),
    ]
    assert [row.line for row in read(tmp_path / "1.json")] == [1]


ROW: LabelRow = {
    **{"item_id": "f1:ab", "reference": "x/a.png", "class": "cat", "annotator": "ana"},
    **{"time": "2030-01-01T00:00:00.000+00:00", "round": 1, "ms": 1500, "origin": "human"},
    **{"probability": None, "status": "found", "disputed": False, "reason": "margin"},
    **{"draw": None, "why": "", "flagged": False, "note": ""},
}  # type: ignore[typeddict-item]


@pytest.mark.parametrize("name", ["prodigy", "label-studio", "doccano"])
def test_what_is_exported_for_a_tool_is_guessed_and_read(tmp_path: Path, name: str) -> None:
    file = io.StringIO()
    several: Any = {**ROW, "class": ["cat", "wet"], "unknown": []}
    writer(name)([ROW, several], file)
    path = tmp_path / "out.json"
    path.write_text(file.getvalue())
    assert format_of_file(path) == {"doccano": "jsonl"}.get(name, name)
    first, second = read(path, name)
    assert (first.path, first.class_name) == ("x/a.png", "cat")
    assert second.classes == ("cat", "wet")


@pytest.mark.parametrize(
    ("format_", "content", "reason"),
    [
        ("prodigy", '{"image": "a", "label": ["cat"]}', r"Line 1 .*no task of Prodigy .*\$.label"),
        ("prodigy", '{"image": "a", "image": "b"}', "Line 1 .*'image' twice"),
        ("prodigy", '{"image": "a", "answer": "accept"}\n[]', "Line 2 .*no object"),
        ("label-studio", '{"data": {}}', "no array of tasks"),
        ("label-studio", '[{"data": {"image": 3}}]', "Task 1 .*no image"),
        ("label-studio", '[{"data": {}}, {"image": 3}]', "Task 2 .*no task of Label Studio"),
        ("label-studio", "[" * 100_000, "nested too deeply"),
        ("label-studio", '[{"data": {"a": 1, "a": 2}}]', "'a' twice"),
        ("label-studio", "\xff", "no text in UTF-8"),
        ("labelme", '{"shapes": []}', "File 1 .*no file of labelme"),
        ("labelme", '{"imagePath": "a", "shapes": [{"label": 3}]}', "File 1 .*shapes"),
    ],
)
def test_what_is_wrong_is_named_in_one_sentence(
    tmp_path: Path, format_: str, content: str, reason: str
) -> None:
    path = tmp_path / "labels.x"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ImportFileError, match=reason) as caught:
        read(path, format_)
    assert str(caught.value).isprintable()


def test_bad_lines_are_left_out_on_request_and_named(tmp_path: Path) -> None:
    good = b'{"path": "a.png", "class": "cat"}\n'
    path = tmp_path / "l.jsonl"
    path.write_bytes(
        good + b"{\n" + good + b"\0\n" + b"x" * (3 * LONGEST_LINE) + b"\n" + good + b"[]\n"
        b'{"path": "a.png"}\n{"path": "a.png", "class": 1.5}\n' + good[:-1]
    )
    bad: list[str] = []
    assert [row.line for row in read(path, "jsonl", bad)] == [1, 3, 6, 10]
    assert [one.partition(":")[0] for one in bad] == [f"line {n}" for n in (2, 4, 5, 7, 8, 9)]
    path = tmp_path / "l.csv"
    path.write_bytes(b'path,class\na,cat\nb\nc,\xff\nd,"e"f\ng\0,h\n"i\nj",dog\n"k,cat\nl,dog\n')
    bad = []
    assert [(row.line, row.path) for row in read(path, "csv", bad)] == [(2, "a"), (8, "i\nj")]
    assert [one.partition(":")[0] for one in bad] == [
        *(f"line {n}" for n in (3, 4, 5, 6)),
        "lines 9 to 10",
    ]
    path.write_bytes(b"path,path\n")
    with pytest.raises(ImportFileError, match="'path' twice"):
        read(path, "csv", [])


def test_a_format_that_was_wrong_is_said(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.csv", {**PRODIGY, "label": "cat"})
    assert correction(path, "csv", was_guessed=False) == (
        " It looks like prodigy (it has image and answer): try --format prodigy."
    )
    assert "it looked like prodigy" in correction(path, "prodigy", was_guessed=True)
    assert correction(path, "prodigy", was_guessed=False) == ""


@fuzzed
@given(
    content=files_with(
        *(b'{"image":"a",', b'"answer":"accept"', b'"label":', b'"options":[{"id":1}],', b"}\n"),
        *(b'[{"data":{"image":"a"},"annotations":[', b'{"result":[{"value":{"choices":', b"]}]}]"),
        *(b'{"imagePath":"a","shapes":[', b'{"label":"a","points":[[1,2],[3,1e999]]}', b"1e400"),
        *(b'"accept":[1],', b'"_timestamp":1e300,', b'"lead_time":1e999,', b"]", b"}", b"\xff"),
    ),
    format_=st.sampled_from(BUILT_IN),
    skips=st.booleans(),
)
def test_no_bytes_crash_a_reader_of_a_tool(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, format_: str, skips: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed-of-tool"
    path.write_bytes(content)
    said: list[str] = []
    for work in (format_of_file, lambda path: read(path, format_, said if skips else None)):
        try:
            work(path)
        except TuilabelError as error:
            said.append(str(error))
    assert all(sentence.isprintable() for sentence in said)
