"""Rows of labels from files of other tools: hostile ones are one sentence."""

from __future__ import annotations

import errno
import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.errors import ImportFileError, TuilabelError, UsageError
from tuilabel.events.imports import ImportRow
from tuilabel.exchange import OF_TOOLS, reader, writer
from tuilabel.exchange.csv_format import marked, unmarked
from tuilabel.exchange.guessing import format_of_file
from tuilabel.exchange.reading import LONGEST_LINE, read_labels
from tuilabel.exchange.rows import LabelRow
from tuilabel.plugins import GROUPS


def read(folder: Path, content: str | bytes, format_: str) -> list[ImportRow]:
    path = folder / "labels.x"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_labels(path, format_))


TABLES = [name for name in GROUPS["writers"].built_in if name not in (*OF_TOOLS, "parquet")]


def test_what_is_written_can_be_read() -> None:
    assert set(TABLES) <= set(GROUPS["readers"].built_in)


ROW: LabelRow = {
    **{"item_id": "f1:ab", "reference": "-a, =b\udcff.png", "class": "-1", "annotator": "@ana"},
    **{"time": "2030-01-01T00:00:00.000+00:00", "round": 2, "ms": 350, "origin": "human"},
    **{"probability": None, "status": "found", "disputed": False, "reason": "audit"},
    **{"draw": 0.1, "why": "", "flagged": True, "note": "=wet"},
}  # type: ignore[typeddict-item]


@pytest.mark.parametrize("name", TABLES)
def test_an_export_is_read_as_it_was(tmp_path: Path, name: str) -> None:
    file = io.StringIO(newline="")
    writer(name)([ROW], file)
    (found,) = read(tmp_path, file.getvalue().encode("utf-8", "surrogateescape"), name)
    assert found[1:13] == (
        *("f1:ab", "-a, =b\udcff.png", "-1", "@ana", ROW["time"], None, "human"),
        *(2, 350, "audit", 0.1, True),
    )


@given(st.text(alphabet="a =-'+,\t \n;\"", max_size=12))
def test_apostrophes_before_formulas_are_taken_off_and_come_back(text: str) -> None:
    written = marked(text)
    assert isinstance(written, str)
    assert marked(unmarked(written)) == written
    if "'" not in text:
        assert unmarked(written) == text


@pytest.mark.parametrize(
    ("content", "format_"),
    [
        ("\ufeffFileName;LABEL\r\na.png;cat\r\n\r\nb.png;dog\r\n", "csv"),
        ("image\tcategory\na.png\tcat\nb.png\tdog", "csv"),
        ('"path","class","x"\n"a.png","cat",""\n"b.png","dog","1\n2"\n', "csv"),
        ('{"file": "a.png", "label": "cat"}\n\n{"class": "dog", "path": "b.png"}', "jsonl"),
    ],
)
def test_other_names_of_columns_are_known(tmp_path: Path, content: str, format_: str) -> None:
    assert [(row.path, row.class_name) for row in read(tmp_path, content, format_)] == [
        ("a.png", "cat"),
        ("b.png", "dog"),
    ]
    assert format_of_file(tmp_path / "labels.x") == format_


def test_a_column_without_a_name_is_no_column(tmp_path: Path) -> None:
    (row,) = read(tmp_path, ",path,class\n7,a.png,cat\n", "csv")
    assert row[1:9] == ("", "a.png", "cat", None, None, None, "import", 0)
    rows = read(
        tmp_path, '{"path": "a", "class": "b"}\n{"class": "b", "path": "a", "ms": 3}', "jsonl"
    )
    assert [row.ms for row in rows] == [None, 3], "lines may have other columns than the first"


def test_a_class_may_be_a_whole_number(tmp_path: Path) -> None:
    assert read(tmp_path, '{"path": "a", "class": 7}', "jsonl")[0].class_name == "7"


PNG = '{"path": "a.png", "class": %s}\n'


@pytest.mark.parametrize(
    ("content", "format_", "reason"),
    [
        ("path,class\na.png,cat\nb\0.png,dog\n", "csv", "Line 3 .*zero byte"),
        ("path,class\n".encode("utf-16"), "csv", "Line 1 .*UTF-8"),
        ("path,class\na.png,Bär\n".encode("latin-1"), "csv", "Line 2 .*not UTF-8"),
        ("path,class\n" + "a" * (LONGEST_LINE + 1), "csv", "Line 2 .*longer than 1 MiB"),
        ("path,class\n" + "a" * 200_000, "csv", "Line 2 .*field larger"),
        ('path,class\n"a.png,cat\n', "csv", "Line 2 .*not valid CSV"),
        ("path,class\na.png\n", "csv", "Line 2 .*1 cells; expected 2"),
        ("path,class,path\n", "csv", "Line 1 .*'path' twice"),
        ("path,name\na.png,cat\n", "csv", "no class, label or category; it has path, name"),
        ("class,width\ncat,3\n", "csv", "names no image"),
        ("path,class\rа.png,cat\r", "csv", "Line 1 .*not valid CSV"),
        ("path,class,probability\na.png,cat,2\n", "csv", "its probability is 2; expected"),
        ("path,class,probability\na.png,cat,1e999\n", "csv", "expected a number"),
        ("path,class,round\na.png,cat,1.5\n", "csv", "expected a whole number"),
        ("path,class\na.png," + "c" * 81 + "\n", "csv", "its class has 81 characters"),
        (PNG % '"cat"' + "{\n", "jsonl", "Line 2 .*not valid JSON"),
        ("[1]", "jsonl", "Line 1 .*no object"),
        (PNG % ("[" * 100_000), "jsonl", "Line 1 .*too deeply"),
        (PNG % ("1" * 5000), "jsonl", "Line 1 .*too many digits"),
        (PNG % ("1" + "0" * 400), "jsonl", "Line 1 .*class is a large number"),
        (PNG % "[[1]]", "jsonl", "Line 1 .*class is a list"),
        (PNG % '{"a": 1}', "jsonl", "Line 1 .*class is an object"),
        (PNG % "true", "jsonl", "Line 1 .*class is true or false"),
        (PNG % '"cat", "class": "dog"', "jsonl", "Line 1 .*'class' twice"),
        (PNG % '"cat", "draw": NaN', "jsonl", "Line 1 .*draw is 'nan'"),
        (PNG % ('"cat", "ms": 1' + "0" * 400), "jsonl", "Line 1 .*expected a number"),
        (PNG % '"\\ud800"', "jsonl", "Line 1 .*not UTF-8"),
        ('{"\x1b[2J": 1}'.replace("\x1b", "\\u001b"), "jsonl", "no class"),
    ],
)
def test_a_bad_line_is_named_in_one_sentence(
    tmp_path: Path, content: str | bytes, format_: str, reason: str
) -> None:
    with pytest.raises(ImportFileError, match=reason) as caught:
        read(tmp_path, content, format_)
    assert str(caught.value).isprintable()


def test_a_name_begins_a_sentence_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ImportFileError, match=r"^labels\.x cannot be imported: it is not valid JSON"
    ):
        read(Path(), "a,a\n", "coco")


@given(content=st.binary(max_size=200), format_=st.sampled_from(["csv", "jsonl"]))
def test_no_bytes_crash_a_reader(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, format_: str
) -> None:
    head = b"path,class,draw\n" if format_ == "csv" else b'{"path":"a","class":'
    said = []
    for start in (b"", head):
        path = tmp_path_factory.getbasetemp() / "fuzzed"
        path.write_bytes(start + content)
        for work in (format_of_file, lambda path: list(read_labels(path, format_))):
            try:
                work(path)
            except TuilabelError as error:
                said.append(str(error))
    assert all(sentence.isprintable() for sentence in said)


@pytest.mark.parametrize("content", ["<xml>", "[1, 2]", "\x1b[2J", "", "cat"])
def test_a_file_of_no_known_format_is_said_to_look_like_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(content)
    with pytest.raises(ImportFileError, match="--format, one of csv, jsonl") as caught:
        format_of_file(path)
    assert str(caught.value).isprintable()


def test_what_is_no_file_is_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv", Path("/dev/zero"), tmp_path / ("x" * 300)):
        with pytest.raises(ImportFileError, match="cannot be read"):
            list(read_labels(path, "csv"))
    with pytest.raises(UsageError, match="no import format 'xml'"):
        list(read_labels(tmp_path, "xml"))


def test_a_reader_reads_lines_as_they_come() -> None:
    given = iter(["path,class\n", "a.png,cat\n", "b.png,dog\n"])
    rows = iter(reader("csv")(given))
    assert next(rows) == {"path": "a.png", "class": "cat"}
    assert next(given) == "b.png,dog\n"
    text = json.dumps({"a": 1})
    assert list(reader("jsonl")([text])) == [{"a": 1}]


@pytest.mark.parametrize(
    ("content", "format_", "said"),
    [
        ("," * 2**19 + "class,class\n", "csv", "column 'class' twice"),
        ("{" + "".join(f'"{n}":1,' for n in range(2**16)) + '"9":2}', "jsonl", "'9' twice"),
    ],
)
def test_a_name_that_is_there_twice_is_found_at_once(
    tmp_path: Path, content: str, format_: str, said: str
) -> None:
    # With a comparison of each name with all others, this takes many minutes.
    with pytest.raises(ImportFileError, match=said):
        read(tmp_path, content, format_)


def test_an_error_says_what_can_be_done(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text("[")
    with pytest.raises(ImportFileError) as error:
        list(read_labels(tmp_path / "labels.json", "coco"))
    # The name of a file stays as it is also where a sentence begins with it.
    assert str(error.value).startswith(f"{tmp_path}/labels.json cannot be imported: ")
    assert "--skip-bad" not in str(error.value)
    with pytest.raises(ImportFileError, match=r"^Line 1 of .* each such line with --skip-bad\.$"):
        read(tmp_path, "{", "jsonl")


@pytest.mark.parametrize("format_", sorted(GROUPS["readers"].built_in))
def test_no_reader_waits_for_a_pipe(tmp_path: Path, format_: str) -> None:
    os.mkfifo(tmp_path / "labels")
    with pytest.raises(ImportFileError, match=r"pipe|folder|pip install"):
        list(read_labels(tmp_path / "labels", format_))


def test_a_labelme_file_that_cannot_be_read_is_left_out_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = '{"imagePath": "b.png", "shapes": [], "flags": {"cat": true}}'
    for name in "ab":
        (tmp_path / f"{name}.json").write_text(content)

    def open_regular(path: Path) -> int:
        if path.name == "a.json":
            raise PermissionError(errno.EACCES, "Permission denied")
        return os.open(path, os.O_RDONLY)

    monkeypatch.setattr("tuilabel.exchange.json_values.open_regular", open_regular)
    bad: list[str] = []
    assert len(list(read_labels(tmp_path, "labelme", bad.append))) == 1
    assert bad == ["file 1: a.json: Permission denied"]


def test_a_parquet_table_takes_no_more_memory_than_it_has_labels(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path, classes = tmp_path / "a", pyarrow.array(["cat"] * 4000)
    parquet.write_table(pyarrow.table([classes] * 3, ["path", "class", "class"]), path)
    with pytest.raises(ImportFileError, match="'class' twice"):
        list(read_labels(path, "parquet"))
    paths = pyarrow.DictionaryArray.from_arrays([0] * 4000, ["x" * 2**18])
    parquet.write_table(pyarrow.table([paths, classes], ["path", "class"]), path)
    assert path.stat().st_size < 2**15
    with pytest.raises(ImportFileError, match="too large"):
        list(read_labels(path, "parquet"))
