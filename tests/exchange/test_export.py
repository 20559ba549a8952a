"""Labels out: every label, nothing that runs, and whole files only."""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, TextIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tuilabel.errors import ExportError, UsageError
from tuilabel.events.payloads import AUTO_ORIGIN, HUMAN, ORACLE_ORIGIN
from tuilabel.exchange import OF_TOOLS, ORIGINS, format_of, writer
from tuilabel.exchange.csv_format import marked
from tuilabel.exchange.guard import is_output
from tuilabel.exchange.output import export_to, export_to_folder
from tuilabel.exchange.rows import LabelRow, label_rows
from tuilabel.plugins import GROUPS
from tuilabel.session.view import Labelled

COLUMNS = [
    *("item_id", "reference", "class", "annotator", "time", "round", "ms", "origin"),
    *("probability", "status", "disputed", "reason", "draw", "why", "flagged", "note"),
]


OLDER = "item_id,reference,class,an older export\n"

TIME = "2030-01-01T00:00:00.000+00:00"


def label(item: str, name: str, *references: str, origin: str = "human", **more: Any) -> Labelled:
    return Labelled(item, references, name, "me", TIME, origin, **more)


def row(**values: Any) -> LabelRow:
    known: Any = {
        **{"item_id": "id", "reference": "a.png", "class": "cat", "annotator": "me"},
        **{"time": "2030-01-01T00:00:00.000+00:00", "round": 1, "ms": 5, "origin": "human"},
        **{"probability": None, "status": "found", "disputed": False},
        **{"reason": "audit", "draw": 0.1, "why": "", "flagged": False, "note": ""},
    }
    return cast(LabelRow, {**known, **values})


def written(format_: str, *rows: LabelRow) -> str:
    file = io.StringIO(newline="")
    writer(format_)(rows, file)
    return file.getvalue()


TABLES = sorted(set(GROUPS["writers"].built_in) - {*OF_TOOLS, "parquet"})


def test_every_format_has_a_writer_and_an_ending() -> None:
    assert set(OF_TOOLS) < set(GROUPS["writers"].built_in)
    assert format_of("labels.parquet") == "parquet"
    for name in TABLES:
        assert written(name, row(reference="a.png")).count("a.png") == 1
        assert format_of(f"folder.x/labels.{name.upper()}") == name
    assert {format_of(path) for path in ("-", "labels", "csv.d/x", ".json")} == {"csv"}


@pytest.mark.parametrize("name", ["labels.json", "labels.xlsx", "labels.csv.gz", "a.\x1b[2J"])
def test_an_ending_without_a_format_is_refused(name: str) -> None:
    with pytest.raises(
        UsageError, match=r"ends in \.csv, \.jsonl or \.parquet, or .*--f"
    ) as caught:
        format_of(name)
    assert str(caught.value).isprintable()


def test_the_origins_are_those_of_labels() -> None:
    assert {HUMAN, ORACLE_ORIGIN, AUTO_ORIGIN} <= set(ORIGINS)


def read_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


# Rows.


def test_a_row_says_all_there_is_to_say() -> None:
    (row,) = label_rows([label("id1", "cat", "a.png", round=2, ms=350, reason="audit", draw=0.1)])
    assert row == {
        "item_id": "id1",
        "reference": "a.png",
        "class": "cat",
        "annotator": "me",
        "time": TIME,
        "round": 2,
        "ms": 350,
        "origin": "human",
        "probability": None,
        "status": "as labelled",
        "disputed": False,
        "reason": "audit",
        "draw": 0.1,
        "why": "",
        "flagged": False,
        "note": "",
    }


def test_a_dispute_has_an_empty_class_and_says_so() -> None:
    (row,) = label_rows([label("id1", "", "a.png", is_disputed=True)])
    assert (row["class"], row["disputed"]) == ("", True)


def test_every_duplicate_gets_a_row() -> None:
    rows = list(label_rows([label("a", "cat", "1.png", "copy/1.png"), label("b", "dog")]))
    assert [(r["item_id"], r["reference"], r["class"]) for r in rows] == [
        ("a", "1.png", "cat"),
        ("a", "copy/1.png", "cat"),
        ("b", "", "dog"),
    ]


@pytest.mark.parametrize(
    ("origins", "items"),
    [
        (None, "abc"),
        ({"human", "oracle", "auto"}, "abc"),
        ({"human"}, "a"),
        ({"oracle"}, "b"),
        ({"auto"}, "c"),
        (set(), ""),
    ],
)
def test_rows_of_some_origins_alone(origins: set[str] | None, items: str) -> None:
    labels = [
        label("a", "cat"),
        label("b", "cat", origin="oracle"),
        label("c", "dog", origin="auto", probability=0.9),
    ]
    rows = list(label_rows(labels, origins))
    assert "".join(row["item_id"] for row in rows) == items


# Formats.


def test_csv_has_a_header_and_a_line_per_label() -> None:
    assert read_csv(written("csv")) == [COLUMNS]
    time = "2030-01-01T00:00:00.000+00:00"
    assert read_csv(written("csv", row(), row(ms=None)))[1:] == [
        [
            *("id", "a.png", "cat", "me", time, "1", ms, "human", "", "found", "False", "audit"),
            *("0.1", "", "False", ""),
        ]
        for ms in ("5", "")
    ]


@pytest.mark.parametrize(
    "text",
    ['say "cat"', "a,b", "two\nlines", "a\rb", "a\r\nb", " a ", "🐈‍⬛", "it's", "", "1=2"],
)
def test_csv_gives_text_back_as_it_was(text: str) -> None:
    lines = read_csv(written("csv", row(**{"class": text, "reference": text, "annotator": text})))
    assert lines[1][1:4] == [text, text, text]
    assert len(lines) == 2


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
@pytest.mark.parametrize("column", ["reference", "class", "annotator"])
def test_csv_holds_no_formulas(start: str, column: str) -> None:
    text = start + 'cmd|" /C calc"!A0'
    cell = read_csv(written("csv", row(**{column: text})))[1][COLUMNS.index(column)]
    assert cell == "'" + text


FORMULA_CHARS = "=+-@＝＋－＠"
SEPARATORS = ",;:|^~\t "
CELLS = st.text(
    alphabet=st.sampled_from([*"a1'\"\r\n\xa0", *SEPARATORS, *FORMULA_CHARS]), max_size=12
)


def begins_a_formula(cell: str) -> bool:
    text = cell.strip(' "\t\r\n\xa0')
    return text.startswith(tuple(FORMULA_CHARS)) and len(text) > 1


@given(CELLS, CELLS, CELLS)
def test_no_separator_makes_a_formula(reference: str, name: str, annotator: str) -> None:
    text = written(
        "csv", row(**{"reference": reference, "class": name, "annotator": annotator, "ms": None})
    )
    cells = [cell for line in read_csv(text) for cell in line]
    assert read_csv(text)[1][1:4] == [marked(reference), marked(name), marked(annotator)]
    for delimiter in SEPARATORS:
        saved = io.StringIO(newline="")
        csv.writer(saved, delimiter=delimiter).writerow(cells)
        for content in (text, saved.getvalue(), delimiter.join(cells)):
            for other in SEPARATORS:
                for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
                    lines = io.StringIO(content, newline="")
                    for line in csv.reader(lines, delimiter=other, quoting=quoting):
                        assert not any(map(begins_a_formula, line))


def test_a_separator_in_a_name_starts_no_formula() -> None:
    name = 'a;=1+1, @b;"-c"'
    assert read_csv(written("csv", row(**{"class": name})))[1][2] == "a;'=1+1, '@b;\"'-c\""
    for name, cell in (("a -b", "a '-b"), ("a:@b", "a:'@b"), ('a "- b"', 'a "\'- b"')):
        assert read_csv(written("csv", row(**{"class": name})))[1][2] == cell
    for harmless in ("a - b.png", "1+1=2", "a, b", "me@home", "a: b", 'a"-b'):
        assert read_csv(written("csv", row(**{"class": harmless})))[1][2] == harmless


def test_a_long_name_costs_no_more_than_its_length() -> None:
    # A pattern that tries each beginning would need hours.
    assert written("csv", row(reference=", " * 500_000))


def test_probabilities_are_written_in_every_format() -> None:
    auto = row(origin="auto", probability=0.987654)
    assert read_csv(written("csv", auto))[1][-9:-6] == ["auto", "0.987654", "found"]
    assert json.loads(written("jsonl", auto))["probability"] == 0.987654


def test_jsonl_has_an_object_per_label() -> None:
    odd = row(**{"class": '=1+1 "x"\n\u2028🐈', "reference": "caf\udce9", "ms": None})
    text = written("jsonl", odd, row())
    assert text.isascii()
    assert [json.loads(line) for line in text.splitlines()] == [odd, row()]
    assert list(json.loads(text.splitlines()[1])) == COLUMNS
    assert written("jsonl") == ""


# Files.


def test_a_file_is_written_whole_and_alone(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    export_to(out, [row(**{"class": "é"})], writer("csv"))
    assert out.read_bytes().decode() == written("csv", row(**{"class": "é"}))
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]
    umask = os.umask(0)
    os.umask(umask)
    assert out.stat().st_mode & 0o777 == 0o666 & ~umask


def test_names_that_are_no_utf8_come_out_as_the_bytes_they_are(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    export_to(out, [row(reference=os.fsdecode(b"caf\xe9.png"))], writer("csv"))
    assert b",caf\xe9.png," not in out.read_bytes().split(b"\r\n")[0]
    assert b",caf\xe9.png," in out.read_bytes()


def test_what_is_no_text_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="--format jsonl"):
        export_to(tmp_path / "out.csv", [row(reference="\ud800")], writer("csv"))
    assert list(tmp_path.iterdir()) == []
    export_to(tmp_path / "out.jsonl", [row(reference="\ud800")], writer("jsonl"))


@pytest.mark.parametrize("is_folder", [False, True])
def test_what_a_killed_export_has_left_is_removed_when_it_is_a_day_old(
    tmp_path: Path, is_folder: bool
) -> None:
    long_ago = time.time() - 2 * 86_400
    stay = [f".tuilabel-{'a' * 32}.new", ".tuilabel-mine.new", f".tuilabel-{'b' * 32}.new"]
    for name in (f".tuilabel-{'c' * 32}.new", f".tuilabel-{'d' * 32}.new", *stay):
        path = tmp_path / name
        path.mkdir() if is_folder else path.write_text("half")
        if is_folder:
            (path / "part").write_text("half")
            os.utime(path / "part", (long_ago, long_ago))
        os.utime(path, (long_ago, long_ago))
    # One is written to, one has another name, and one leads elsewhere.
    os.utime(tmp_path / stay[0] / "part" if is_folder else tmp_path / stay[0])
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / stay[2]).rename(elsewhere)
    (tmp_path / stay[2]).symlink_to(elsewhere)
    os.utime(tmp_path / stay[2], (long_ago, long_ago), follow_symlinks=False)
    if is_folder:
        export_to_folder(tmp_path / "out", [], lambda rows, folder: None)
    else:
        export_to(tmp_path / "out", [row()], writer("csv"))
    assert {path.name for path in tmp_path.iterdir()} == {*stay, "out", "elsewhere"}
    assert not is_folder or (elsewhere / "part").exists()


def test_an_existing_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text(OLDER)
    with pytest.raises(ExportError, match="exists already; use --force"):
        export_to(out, [row()], writer("csv"))
    assert out.read_text() == OLDER
    export_to(out, [row()], writer("csv"), force=True)
    assert out.read_bytes().decode() == written("csv", row())
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]


def test_a_file_that_appears_meanwhile_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"

    def write(rows: Iterable[LabelRow], file: TextIO) -> None:
        out.write_text("precious")

    with pytest.raises(ExportError, match="created by another program meanwhile"):
        export_to(out, [row()], write)
    assert out.read_text() == "precious"
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]


FOREIGN: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("precious\nitem_id,reference,class,\n"),
    "table": lambda path: path.write_text("item_id,price\n1,2\n"),
    "JSON": lambda path: path.write_text('{"item_id": 1}'),
    "drawing": lambda path: path.write_text("<?xml version='1.0'?><svg/>"),
    **{
        # A PGM of bright pixels has no zero byte.
        ending: partial(Image.new("L", (8, 8), 200).save, format=ending)
        for ending in ("PPM", "BMP", "PNG", "TIFF")
    },
}


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_that_tuilabel_did_not_write_is_never_replaced(
    tmp_path: Path, kind: str, force: bool
) -> None:
    out = tmp_path / "out.csv"
    FOREIGN[kind](out)
    before = out.read_bytes()
    with pytest.raises(ExportError, match=r"no output of tuilabel \(it begins with .*remove the"):
        export_to(out, [row()], writer("csv"), force=force)
    assert out.read_bytes() == before


def test_an_empty_file_is_replaced_by_force(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.touch()
    export_to(out, [row()], writer("csv"), force=True)
    assert out.read_text().startswith("item_id,")


@pytest.mark.parametrize("name", TABLES)
def test_each_format_is_known_by_its_beginning(name: str) -> None:
    assert is_output(written(name, row()).encode())


def test_a_file_that_takes_the_place_meanwhile_is_never_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text(OLDER)

    def write(rows: Iterable[LabelRow], file: TextIO) -> None:
        (tmp_path / "precious").write_text("precious")
        (tmp_path / "precious").replace(out)

    with pytest.raises(ExportError, match="no output of tuilabel"):
        export_to(out, [row()], write, force=True)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize("force", [True, False])
def test_a_failure_halfway_leaves_what_was_there(tmp_path: Path, force: bool) -> None:
    out = tmp_path / "out.csv"
    if force:
        out.write_text(OLDER)

    def write(rows: Iterable[LabelRow], file: TextIO) -> None:
        file.write("half")
        file.flush()
        raise OSError(28, "No space left on device")

    with pytest.raises(ExportError, match=r"cannot be written \(No space left on device\)"):
        export_to(out, [row()], write, force=force)
    assert [file.read_text() for file in tmp_path.iterdir()] == [OLDER] * force


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("force", [True, False])
def test_what_is_no_ordinary_file_is_never_replaced(tmp_path: Path, force: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ExportError, match="not an ordinary file"):
        export_to(pipe, [row()], writer("csv"), force=force)
    with pytest.raises(ExportError, match="is a directory"):
        export_to(tmp_path, [row()], writer("csv"), force=force)
    assert pipe.is_fifo()


def test_a_place_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="No such file or directory"):
        export_to(tmp_path / "missing" / "out.csv", [row()], writer("csv"))
    with pytest.raises(ExportError, match="File name too long"):
        export_to(tmp_path / ("x" * 300), [row()], writer("csv"))


def test_a_long_name_is_no_obstacle(tmp_path: Path) -> None:
    out = tmp_path / ("x" * 250 + ".csv")
    export_to(out, [row()], writer("csv"))
    assert out.is_file()


def test_a_directory_that_may_not_be_written_is_reported(powerless_dir: Path) -> None:
    powerless_dir.chmod(0o555)
    with pytest.raises(ExportError, match="Permission denied"):
        export_to(powerless_dir / "out.csv", [row()], writer("csv"))


def test_without_hard_links_a_file_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    export_to(tmp_path / "out.csv", [row()], writer("csv"))
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]
