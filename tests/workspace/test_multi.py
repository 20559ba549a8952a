"""Sessions of several classes for an image: made, exported, and refused where they do not fit."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from tuilabel.cli import main
from tuilabel.errors import SessionFileError, SourceError, UsageError
from tuilabel.journal import description
from tuilabel.line.conversation import Conversation
from tuilabel.session.class_changes import ClassError
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace

NAMES = ("car", "bird", "bird/owl")


@pytest.fixture
def source(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", images=rng.integers(0, 256, (20, 8, 8), dtype=np.uint8))
    return str(tmp_path / "a.npz")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.tuilabel"


def opened(source: str, path: Path, **of: Any) -> Workspace:
    return open_workspace(SourceOptions(source, **of), {"cold_start": "random"}, path=path)


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*arguments: str | Path) -> str:
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == 2, done.output
    (line,) = done.stderr.splitlines()
    return line


def test_it_is_made_with_several_classes_and_stays_so(
    source: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(source, path, classes=NAMES, multi=True) as work:
        assert work.session.about.multi
    for multi in (False, True):
        with opened(source, path, multi=multi) as work:
            assert work.session.about.multi
    assert msgspec.json.decode((path / "session.json").read_bytes())["format"] == 2
    monkeypatch.setattr(description, "FORMAT", 1)
    with pytest.raises(SessionFileError, match="Open it with a newer tuilabel"):
        opened(source, path)
    monkeypatch.undo()
    other = path.with_name("o.tuilabel")
    opened(source, other, classes=NAMES).close()
    with pytest.raises(SessionFileError, match=r"was made without --multi, .* Leave out --multi"):
        opened(source, other, multi=True)
    assert "so nothing is merged. Merge sessions of one kind" in refused("merge", path, other)


def test_what_does_not_fit_is_refused_in_one_sentence(source: str, path: Path) -> None:
    with pytest.raises(SourceError, match="digits has a ground truth of one class for each image"):
        opened("digits", path, multi=True)
    with pytest.raises(UsageError, match="--yesno is for one of two classes, and --multi for sev"):
        opened(source, path, multi=True, yesno=True)
    with pytest.raises(ClassError, match=r"The name a\|b has a \|, which separates classes"):
        opened(source, path, classes=("a|b", "c"), multi=True)
    assert not path.exists()
    opened(source, path, classes=NAMES, multi=True).close()
    assert "Auto-labels are for one class for each image" in refused("autolabel", path)
    assert "which separates classes in exports" in refused("classes", path, "add", "x|y")


def test_an_export_has_every_class_and_says_which_are_unknown(source: str, path: Path) -> None:
    with opened(source, path, classes=NAMES, multi=True) as work:
        by = work.annotator
        for chosen in ((0, 2), (), (1,)):
            work.session.label(str(work.session.current_id), chosen, by=by)
        work.session.add_class("=plane", by=by)
        work.session.skip(str(work.session.current_id), by=by)
    rows = [json.loads(line) for line in run("export", path, "--format", "jsonl").splitlines()]
    assert [row["class"] for row in rows] == [["bird", "bird/owl", "car"], [], ["bird"]]
    assert [row["unknown"] for row in rows] == [["=plane"], ["=plane"], ["bird/owl", "=plane"]]
    table = list(csv.DictReader(run("export", path, "--format", "csv").splitlines()))
    assert [row["class"] for row in table] == ["bird|bird/owl|car", "", "bird"]
    assert [row["unknown"] for row in table] == ["'=plane", "'=plane", "bird/owl|'=plane"]
    every = run("export", path, "--format", "jsonl", "--all-answers").splitlines()
    skipped = json.loads(every[-1])
    assert (skipped["class"], len(skipped["unknown"])) == ("", 4)
    status = json.loads(run("status", path, "--json"))
    assert status["by_class"] == {"car": 1, "bird": 2, "bird/owl": 1, "=plane": 0}
    assert (status["labels"], status["skipped"], status["tallies"]) == (3, 1, {})


def sets(path: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Return the classes of each image in an export, and those that are not known."""
    rows = map(json.loads, run("export", path, "--format", "jsonl").splitlines())
    return {row["reference"]: (row["class"], row["unknown"]) for row in rows}


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_an_export_is_imported_as_it_was(source: str, path: Path, ending: str) -> None:
    with opened(source, path, classes=NAMES, multi=True) as work:
        by = work.annotator
        for chosen in ((0, 2), (), (1,)):
            work.session.label(str(work.session.current_id), chosen, by=by)
        work.session.add_class("=plane", by=by)
        work.session.skip(str(work.session.current_id), by=by)
    other = path.with_name("o.tuilabel")
    opened(source, other, classes=(*NAMES, "=plane"), multi=True).close()
    run("export", path, "-o", table := path.with_name(f"t.{ending}"))
    assert "Imported 3 labels" in run("import", other, table)
    run("export", other, "-o", again := path.with_name(f"o.{ending}"))
    assert again.read_bytes() == table.read_bytes()
    every = path.with_name(f"e.{ending}")
    run("export", path, "-o", every, "--all-answers")
    assert "without a class: 1 row" in run("import", other, every), "the skip says nothing"
    single = path.with_name("single.tuilabel")
    opened(source, single, classes=NAMES).close()
    assert "Left out, with several classes" in run("import", single, table) or ending == "csv"


def test_lists_from_other_tools_say_what_an_image_is_not(source: str, path: Path) -> None:
    opened(source, path, classes=(*NAMES, "wet"), multi=True).close()

    def imported(*rows: dict[str, Any], format_: str = "auto") -> str:
        (path.with_name("l.jsonl")).write_text("".join(json.dumps(row) + "\n" for row in rows))
        return run("import", path, path.with_name("l.jsonl"), "--format", format_)

    imported(
        {"filename": "images[0]", "label": ["car", "bird"]},
        {"filename": "images[1]", "label": []},
        {"filename": "images[2]", "label": "car"},
    )
    # `bird` alone says nothing about `bird/owl`, and `wet` is in no list of the file.
    assert sets(path) == {
        "images[0]": (["bird", "car"], ["bird/owl", "wet"]),
        "images[1]": ([], ["bird/owl", "wet"]),
        "images[2]": (["car"], ["bird", "bird/owl", "wet"]),
    }
    run("import", path, "--revert")
    common = {"answer": "accept"}
    said = imported(
        {"image": "images[0]", "label": "car", **common},
        {"image": "images[0]", "label": "wet", **common},
        {"image": "images[1]", "label": "car", "answer": "reject"},
        {"image": "images[2]", "label": "car", **common},
        {"image": "images[2]", "label": "car", "answer": "reject"},
        {
            "image": "images[3]",
            "options": [{"id": "car"}, {"id": "wet"}],
            "accept": ["wet"],
            **common,
        },
        {"image": "images[4]", "label": "car", "answer": "ignore"},
    )
    assert "In conflict and left out" in said
    assert "without a class: 1 row" in said
    assert sets(path) == {
        "images[0]": (["car", "wet"], ["bird", "bird/owl"]),
        "images[1]": ([], ["bird", "bird/owl", "wet"]),
        "images[3]": (["wet"], ["bird", "bird/owl"]),
    }


def test_in_lines_several_classes_are_typed_with_commas(source: str, path: Path) -> None:
    with opened(source, path, classes=NAMES, multi=True) as work:
        session = work.session
        talk = Conversation(session, work.dataset.image, lambda _: None, work.annotator)
        assert ":none saves that it has none" in " ".join(talk.opening("a.npz"))
        items = []
        for line, saved in (
            ("car, owl", "Saved: bird/owl + car."),
            (":none", "Saved: none."),
            ("2", "Saved: bird."),
        ):
            items.append(str(session.current_id))
            assert talk.answers(line), "it waits for the image, as a single class does"
            assert talk.handle(line) == [saved]
        assert [session.classes_of(item) for item in items] == [(0, 1, 2), (), (1,)]
        for line in ("car, plane", "car, s", ",", "="):
            assert session.labels == 3
            assert talk.handle(line)
