"""What `tuilabel export` writes of the labels: which rows, which columns, which parts."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.events.payloads import ORACLE_ORIGIN
from tuilabel.exchange.splitting import Split
from tuilabel.journal.journal import Journal
from tuilabel.workspace.places import session_path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Make a session of a folder with labels of two annotators, whose files are gone."""
    folder = tmp_path / "photos"
    folder.mkdir()
    path = session_path(str(folder))
    labels = [label_of(f"f1:{n:032x}", "cat", f"x/{n}.png") for n in range(3)]
    new_session(path, *labels, source=str(folder))
    with Journal(path, "you", str(folder)) as journal:
        journal.read()
        journal.append(
            [
                label_of(f"f1:{3:032x}", "dog", "y/1.png"),
                label_of(f"f1:{4:032x}", "dog", "y/4.png", origin=ORACLE_ORIGIN),
            ],
            "you",
        )
    return folder


def run(photos: Path, *options: object) -> Result:
    arguments = ["export", photos, "--no-source", *options]
    return CliRunner().invoke(main, [*map(str, arguments)], prog_name="tuilabel")


def rows(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout, newline="")))


def test_columns_have_the_names_and_the_order_that_are_asked_for(photos: Path) -> None:
    result = run(photos, "--columns", "class=label,path=filename")
    assert result.stdout.startswith("label,filename\ncat,x/0.png\n")
    assert "Not written, because --columns does not name them: item_id, annotator" in result.stderr
    result = run(photos, "--columns", "label,reference", "--format", "jsonl")
    assert json.loads(result.stdout.splitlines()[0]) == {
        "class": "cat",
        "reference": "x/0.png",
    } or (json.loads(result.stdout.splitlines()[0]) == {"label": "cat", "reference": "x/0.png"})


def test_an_export_without_rows_has_the_columns_too(photos: Path) -> None:
    result = run(photos, "--columns", "path=filename", "--origin", "auto")
    assert result.stdout == "filename\n"


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("file=path", "not a field of an export. There are path, item_id"),
        ("clas", "Did you mean 'class'?"),
        ("class=", "empty or there twice"),
        ("class=a,path=a", "empty or there twice"),
        ("class,label", "empty or there twice"),
        ("", "not a field of an export"),
        ("path=file,split", "'split', which only an export with --split has"),
        ("unknown", "which only a session that was made with --multi has"),
        ("group", "which only a session whose images are in groups has"),
    ],
)
def test_columns_that_there_are_not_are_refused(photos: Path, columns: str, says: str) -> None:
    result = run(photos, "--columns", columns)
    assert result.exit_code == 2
    assert says in result.output
    assert result.output.isprintable() or result.output.count("\n") == 1


def test_rows_of_some_annotators_and_probabilities(photos: Path) -> None:
    assert {row["annotator"] for row in rows(run(photos, "--annotator", "you"))} == {"you"}
    both = run(photos, "--annotator", "you", "--annotator", "me")
    assert len(rows(both)) == 5
    some = run(photos, "--annotator", "you", "--origin", "human")
    assert [row["reference"] for row in rows(some)] == ["y/1.png"]
    assert "1 row left out by --origin" in some.stderr
    assert "3 rows left out by --annotator" in some.stderr


def test_labels_below_a_probability_are_left_out_but_not_those_without(photos: Path) -> None:
    from tuilabel.events.payloads import AUTO_ORIGIN, Bulk, BulkLine
    from tuilabel.session.classes import class_id_of

    with Journal(session_path(str(photos)), "me", str(photos)) as journal:
        journal.read()
        lines = [
            BulkLine(item=f"f1:{n:032x}", class_id=class_id_of("cat"), probability=n / 10)
            for n in (8, 9)
        ]
        name, sha256, count = journal.write_bulk(lines)
        bulk = Bulk(file=name, sha256=sha256, count=count, origin=AUTO_ORIGIN)
        journal.append([bulk], "me")
    assert len(rows(run(photos))) == 7
    found = rows(run(photos, "--min-probability", 0.9))
    assert [row["probability"] for row in found] == ["", "", "", "", "", "0.9"]
    result = run(photos, "--min-probability", 1.5)
    assert (result.exit_code, "out of range" in result.output) == (2, True)


def test_paths_are_relative_absolute_or_names(photos: Path) -> None:
    def references(form: str) -> list[str]:
        result = run(photos, "--paths", form)
        found = [row["reference"] for row in rows(result)]
        assert ("1 row has a name that another image has too" in result.stderr) == (form == "name")
        return found

    assert references("relative")[:2] == ["x/0.png", "x/1.png"]
    assert references("absolute")[:2] == [str(photos / "x/0.png"), str(photos / "x/1.png")]
    assert references("name") == ["0.png", "1.png", "2.png", "1.png", "4.png"]


def test_an_array_has_no_absolute_paths() -> None:
    new_session(session_path("digits"), source="digits")
    result = run(Path("digits"), "--paths", "absolute")
    assert (result.exit_code, "has no files" in result.output) == (2, True)


def test_files_that_are_kept_up_to_date_are_replaced_by_force(photos: Path, tmp_path: Path) -> None:
    for name, columns in (("out.csv", "path=file,class=label"), ("out.jsonl", "path,class")):
        out = tmp_path / name
        assert run(photos, "-o", out, "--columns", columns).exit_code == 0
        first = out.read_bytes()
        assert run(photos, "-o", out, "--columns", columns).exit_code == 2
        assert run(photos, "-o", out, "--columns", columns, "--force").exit_code == 0
        result = run(photos, "-o", out, "--columns", "path=other,class=label", "--force")
        assert (result.exit_code, "no output of tuilabel" in result.output) == (2, True)
        assert out.read_bytes() == first


def test_a_part_depends_on_the_image_alone(photos: Path) -> None:
    asked = ("--split", "train=0.6,valid=0.4")
    before = {row["item_id"]: row["split"] for row in rows(run(photos, *asked))}
    with Journal(session_path(str(photos)), "me", str(photos)) as journal:
        journal.read()
        more = [label_of(f"f1:{n:032x}", "dog", f"{n}.png") for n in range(100, 600)]
        journal.append(more, "me")
    result = run(photos, *asked)
    after = {row["item_id"]: row["split"] for row in rows(result)}
    assert before.items() <= after.items()
    assert set(after.values()) == {"train", "valid"}
    counts = Counter((row["split"], row["class"]) for row in rows(result))
    line = next(line for line in result.stderr.splitlines() if line.startswith("train: "))
    assert line.endswith(f"cat {counts['train', 'cat']:,}, dog {counts['train', 'dog']:,}")
    assert 0.5 < counts["train", "dog"] / 500 < 0.7
    # Pinned: another release must not move an image to another part.
    split = Split("r=0.8,v=0.1,t=0.1")
    parts = [split.part({"item_id": f"f1:{n:032x}", "class": ""}) for n in range(40)]
    assert "".join(parts) == PINNED
    grouped = [split.part({"item_id": f"{n}", "group": "a", "class": ""}) for n in range(20)]
    assert len(set(grouped)) == 1


PINNED = "rrrrrrvrrrrvrrrrrrrrrtrrtrrrrrrrrvrrrrtr"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a part with a share"),
        ("train", "is not a part with a share"),
        ("train=x", "is not a part with a share"),
        ("train=nan,test=1", "is not a part with a share"),
        ("train=0,test=1", "is not a part with a share"),
        ("a/b=0.5,test=0.5", "is not a part with a share"),
        ("..=0.5,test=0.5", "is not a part with a share"),
        ("train=0.5,train=0.5", "is there twice"),
        ("train=0.8,test=0.1", "are 0.9 together, not 1"),
    ],
)
def test_other_splits_are_refused(photos: Path, text: str, says: str) -> None:
    result = run(photos, "--split", text)
    assert result.exit_code == 2
    assert says in result.output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--columns", "path,class"), "--columns leaves out the parts of --split: add `split`"),
        (("--format", "doccano"), "--format doccano has no place for the parts of --split"),
    ],
)
def test_a_split_that_would_be_written_nowhere_is_refused(
    photos: Path, options: tuple[str, ...], says: str
) -> None:
    result = run(photos, "--split", "train=0.5,test=0.5", *options)
    assert (result.exit_code, says in result.output) == (2, True), result.output


def test_the_options_of_class_folders_are_refused_elsewhere(photos: Path) -> None:
    for options in (("--files", "copy"), ("--update",)):
        result = run(photos, *options)
        assert (result.exit_code, "add --format folders" in result.output) == (2, True)
