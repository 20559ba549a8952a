"""Labels in the formats of other tools, as these write them."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
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

ACCEPTED = Path(__file__).with_name("accepted")
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


def test_files_that_labelme_accepts() -> None:
    flags = read(ACCEPTED / "photos.labelme")
    assert [(row.classes, row.others) for row in flags] == [
        (("bird/owl",), ("fox",)),
        (("fox",), ("bird/owl",)),
    ]
    boxes = read(ACCEPTED / "boxes.labelme")
    assert [(Path(row.path).name, row.class_name, row.parts[0]) for row in boxes] == [
        ("1.jpg", "fox", "xywh=6,4,30,20"),
        ("1.jpg", "bird/owl", "xywh=0,0,12,8"),
        ("2.jpg", "bird/owl", "xywh=4,12,20,15"),
    ]


def test_coco(tmp_path: Path) -> None:
    rows = read(ACCEPTED / "boxes.coco" / "coco.json")
    assert [(row.path, row.class_name, *row.parts) for row in rows] == [
        ("1.jpg", "fox", "xywh=6,4,30,20", "xywh=percent:10,10,50,50"),
        ("1.jpg", "bird/owl", "xywh=0,0,12,8", "xywh=percent:0,0,20,20"),
        ("2.jpg", "bird/owl", "xywh=4,12,20,15", "xywh=percent:10,20,50,25"),
    ]
    found = json.loads((ACCEPTED / "boxes.coco" / "coco.json").read_text())
    found["annotations"] = [
        {"image_id": 1, "category_id": 9},
        {"image_id": 9, "category_id": 1},
        {"image_id": 1, "category_id": 2, "score": 0.5},
        {"image_id": 1, "category_id": 2, "bbox": [1, 2, 3]},
    ]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(found))
    bad: list[str] = []
    first, second = read(path, "coco", bad)
    assert (first.line, first.class_name, first.probability, first.parts) == (3, "fox", 0.5, ())
    assert (second.path, second.class_name) == ("2.jpg", "")
    assert [one.partition(":")[0] for one in bad] == [f"annotation {n}" for n in (1, 2, 4)]


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    about = {"label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}
    features = json.dumps({"info": {"features": about}})
    path = tmp_path / "train-0.x"
    image = pa.array([{"bytes": b"one", "path": "1.png"}, {"bytes": b"two", "path": None}, None])
    label = pa.array([1, 0, -1])
    table = pa.table({"image": image, "label": label, "fold": pa.array([b"x"] * 3)})
    pq.write_table(table.replace_schema_metadata({"huggingface": features}), path)
    digest = hashlib.blake2b(b"one", digest_size=16).hexdigest()
    rows = read(path)
    assert [(row.line, row.path, row.class_name) for row in rows] == [
        (1, "1.png", "dog"),
        (2, "", "cat"),
        (3, "", "-1"),
    ]
    assert rows[0].item == f"f1:{digest}"
    columns = {"File": ["a"], "class": [["cat", "wet"]], "time": [datetime(2030, 1, 1)]}
    pq.write_table(pa.table({**columns, "x": [1]}), path)
    (row,) = read(path)
    assert (row.path, row.classes, row.time) == ("a", ("cat", "wet"), "2030-01-01T00:00:00")
    pq.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(ImportFileError, match=r"Row 1 .*no class.*; it has x"):
        read(path)
    path.write_bytes(b"PAR1" + bytes(20))
    with pytest.raises(ImportFileError, match="not a Parquet table that can be read"):
        read(path)


def test_a_session_of_the_unreleased_version(tmp_path: Path) -> None:
    path = tmp_path / "old.tuilabel"

    def event(kind: str, *values: object, body: object = None) -> tuple[object, ...]:
        return (kind, "2029-01-01T00:00:00.000+00:00", "ana", *values, json.dumps(body))

    places = {"references": ["in/a.png", "b.png"]}
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        base.executescript(
            "CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, uuid, kind, time, "
            "annotator, item, class_name, round, ms, origin, target, body);"
            "PRAGMA application_id = 0x54554C42; PRAGMA user_version = 3;"
        )
        for number, values in enumerate(
            (
                event("open", None, None, 0, None, None),
                event("label", "f1:a", "cat", 1, 900, None, body=places),
                event("label", "f1:a", "dog", 1, 800, None, body=places),
                event("undo", "f1:a", None, 1, None, "u2"),
                event("label", "f1:b", "dog", 1, None, None),
                event("skip", "f1:b", None, 1, None, None, body=[1]),
                event("autobatch", None, None, 1, None, None),
                event("auto", "f1:c", "cat", 1, None, "u6", body={"probability": 0.75}),
                event("autobatch", None, None, 1, None, None),
                event("auto", "f1:d", "cat", 1, None, "u8"),
                event("revert", None, None, 1, None, "u8"),
            )
        ):
            base.execute(
                "INSERT INTO event (uuid, kind, time, annotator, item, class_name, round, ms, "
                "target, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (f"u{number}", *values),
            )
    before = path.read_bytes()
    label, skip, guess = read(path)
    assert (label.item, label.path, label.class_name, label.by) == (
        *("f1:a", "in/a.png", "cat", "ana"),
    )
    assert (label.ms, label.round, label.time) == (900, 1, "2029-01-01T00:00:00.000+00:00")
    assert (skip.item, skip.class_name) == ("f1:b", "")
    assert (guess.item, guess.origin, guess.probability, guess.by) == ("f1:c", "auto", 0.75, None)
    assert path.read_bytes() == before
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        base.executescript("DROP TABLE event; CREATE VIEW event AS SELECT 1 AS seq;")
    with pytest.raises(ImportFileError, match="no table of events"):
        read(path)


@pytest.mark.parametrize(
    ("format_", "content", "reason"),
    [
        (
            "prodigy",
            '{"image": "a", "label": ["cat"]}',
            r"Line 1 .*not a task of Prodigy .*\$.label",
        ),
        ("prodigy", '{"image": "a", "image": "b"}', "Line 1 .*'image' twice"),
        ("prodigy", '{"image": "a", "answer": "accept"}\n[]', "Line 2 .*no object"),
        ("label-studio", '{"data": {}}', "not an array of tasks"),
        ("label-studio", '[{"data": {"image": 3}}]', "Task 1 .*no image"),
        ("label-studio", '[{"data": {}}, {"image": 3}]', "Task 2 .*not a task of Label Studio"),
        ("label-studio", "[" * 100_000, "nested too deeply"),
        ("label-studio", '[{"data": {"a": 1, "a": 2}}]', "'a' twice"),
        ("label-studio", "\xff", "not text in UTF-8"),
        ("coco", '[{"image_id": 1, "category_id": 2}]', "results without the names"),
        ("coco", '{"images": []}', "not a COCO file"),
        ("coco", '{"images": [{"id": []}]}', "not a COCO file"),
        ("folders", "", "not a folder"),
        ("tuilabel-0.1", "SQLite format 3\0", "not a session of tuilabel 0.1"),
        ("labelme", '{"shapes": []}', "File 1 .*not a file of labelme"),
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


@pytest.mark.parametrize("name", ["coco", "label_studio", "labelme", "prodigy"])
def test_what_may_be_left_out_may_be_null(name: str) -> None:
    # Label Studio writes `original_width: null` for an image that it has not opened.
    module = importlib.import_module(f"tuilabel.exchange.{name}_reader")
    structs = [one for one in vars(module).values() if isinstance(one, type(msgspec.Struct))]
    fields = [
        field
        for struct in structs
        if struct is not msgspec.Struct
        for field in msgspec.structs.fields(struct)
        if not field.required
    ]
    assert fields
    for field in fields:
        assert msgspec.convert(None, field.type) is None


def test_a_box_in_an_image_of_unknown_size(tmp_path: Path) -> None:
    box = {"x": 10, "y": 20, "width": 30, "height": 40, "rectanglelabels": ["cat"]}
    sizes = {"original_width": None, "original_height": None}
    results: list[Any] = [{"value": box, **sizes}, {"value": None}]
    answers = [{"result": results, "was_cancelled": None}, {"result": None}]
    path = tmp_path / "labels.json"
    path.write_text(json.dumps([{"data": {"image": "a.png"}, "annotations": answers}]))
    boxed, empty = read(path)
    assert (boxed.class_name, boxed.parts[1:]) == ("cat", ("xywh=percent:10,20,30,40",))
    assert (empty.class_name, empty.parts) == ("", ())


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
    path.write_bytes(
        b'path,class\nb\na,cat\n\n\nc,\xff\nd,"e"f\ng\0,h\n"i\nj",dog\n"m\n",n,o\n"p\nq\n",\xff\n'
        b'"r\ns\0\nt,u\n"k,cat\nl,dog\n'
    )
    bad = []
    rows = read(path, "csv", bad)
    assert [(row.line, row.path) for row in rows] == [(3, "a"), (10, "i\nj"), (18, "t")]
    assert [one.partition(":")[0] for one in bad] == [
        *(f"line {n}" for n in (2, 6, 7, 8)),
        *("lines 11 to 12", "lines 13 to 15", "lines 16 to 17", "lines 19 to 20"),
    ]
    path.write_bytes(b"path,path\n")
    with pytest.raises(ImportFileError, match="'path' twice"):
        read(path, "csv", [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<!DOCTYPE html><p>a, b</p>", "it is an HTML page"),
        ("\n<HTML>\n<p>a, b</p>\n<p>c, d</p>", "it is an HTML page"),
        ("<annotation>a, b</annotation>", "it is XML"),
        (
            "# Notes \u05eb, and more",
            "no class, label or category; it has # Notes .u05eb, and more",
        ),
    ],
)
def test_what_is_no_table_is_not_read_as_one_without_rows(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(content)
    with pytest.raises(ImportFileError, match=said):
        read(path)
    with pytest.raises(ImportFileError, match=r"Line [12] .* no class"):
        read(path, "csv")
    is_table = content.startswith("#")
    assert (said in correction(path, "csv", was_guessed=False)) != is_table


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
        *(b'{"images":[{"id":1,"file_name":"a"}],"categories":[', b'{"id":1,"name":"b"}],'),
        *(b'"annotations":[', b'{"image_id":1,"category_id":1,"bbox":[1,2,3,1e999]},', b"PAR1"),
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
