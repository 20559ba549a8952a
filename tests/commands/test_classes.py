"""The command `classes`, and what other commands say about classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from loop_fakes import ME
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.events.payloads import ClassAdded, ClassMerged, ClassRenamed
from tuilabel.journal.journal import Journal
from tuilabel.session.classes import class_id_of
from tuilabel.session.view import SessionView
from tuilabel.workspace.opening import SourceOptions, open_workspace


def tuilabel(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def refused(result: Result) -> str:
    """Return the sentence of an error, which is one line."""
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("tuilabel: ")
    return line.removeprefix("tuilabel: ")


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Return a session with three labels: two cats and a dog."""
    path = tmp_path / "animals.tuilabel"
    labels = [label_of("a", "cat"), label_of("b", "cat"), label_of("c", "dog")]
    new_session(path, *labels)
    return path


def counts(path: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads(done(tuilabel("status", path, "--json")))["by_class"]
    return found


def test_classes_are_listed_with_their_labels(session: Path) -> None:
    assert done(tuilabel("classes", session)).split() == ["2", "cat", "1", "dog"]
    found = json.loads(done(tuilabel("classes", session, "list", "--json")))
    assert [(one["name"], one["labels"]) for one in found["classes"]] == [("cat", 2), ("dog", 1)]
    assert found["problems"] == []


def test_they_are_added_renamed_merged_retired_and_undone(session: Path) -> None:
    assert done(tuilabel("classes", session, "add", "crack", "dent")) == "Added `crack`, `dent`."
    assert counts(session) == {"cat": 2, "dog": 1, "crack": 0, "dent": 0}
    assert "no example of `crack`, `dent` yet" in done(tuilabel("status", session))
    status = json.loads(done(tuilabel("status", session, "--json")))
    assert status["without_example"] == ["crack", "dent"]
    assert done(tuilabel("classes", session, "rename", "cat", "feline")) == (
        "`cat` is called `feline` now."
    )
    done(tuilabel("classes", session, "merge", "feline", "dog"))
    assert counts(session) == {"dog": 3, "crack": 0, "dent": 0}
    assert "merged into dog" in done(tuilabel("classes", session))
    assert done(tuilabel("classes", session, "undo")) == (
        "Undone: the merge of `feline` into `dog`."
    )
    assert counts(session) == {"feline": 2, "dog": 1, "crack": 0, "dent": 0}
    done(tuilabel("classes", session, "retire", "dog"))
    assert "retired" in done(tuilabel("classes", session))
    exported = done(tuilabel("export", session, "--no-source", "--format", "jsonl"))
    rows = [json.loads(line)["class"] for line in exported.splitlines()]
    assert rows == ["feline", "feline", "dog"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["ad", "x"],
            "`ad` is not an action: choose one of list, add, rename, merge, retire, undo. Did you",
        ),
        (["add"], "`add` takes at least one name, not 0: `tuilabel classes F add NAME...`."),
        (
            ["rename", "cat"],
            "`rename` takes two names, not 1: `tuilabel classes F rename OLD NEW`.",
        ),
        (["rename", "cta", "x"], "There is no class `cta`. Did you mean 'cat'?"),
        (["rename", "cat", "dog"], "There is a class `dog` already: merge `cat` into it, or use"),
        (["add", "cat"], "There is a class `cat` already."),
        (["add", "x", "x"], "A name is given twice: give each class once."),
        (["add", "a/../b"], "The name a/../b reads as a path: use a name such as owl or bird/owl"),
        (["add", "a\x1b[2Jb"], "The name a␛[2Jb has characters that cannot be shown: leave them"),
        (["add", "x" * 4096], "characters: use at most 80."),
        (["merge", "cat", "cat"], "`cat` cannot be merged into itself: name another class."),
        (["retire", "owl"], "There is no class `owl`. The classes are `cat`, `dog`."),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    session: Path, arguments: list[str], sentence: str
) -> None:
    assert sentence in refused(tuilabel("classes", session, *arguments))
    assert counts(session) == {"cat": 2, "dog": 1}
    assert len(list((session / "log").iterdir())) == 1


def test_two_classes_with_one_name_are_listed_and_exported_by_id(session: Path) -> None:
    cat, dog = class_id_of("cat"), class_id_of("dog")
    with Journal(session, "bob", "digits") as journal:
        journal.read()
        rename = ClassRenamed(class_id=cat, name="dog")
        journal.append([rename, ClassMerged(class_id=cat, into=cat)], "bob")
    problem = "2 classes have the name dog"
    checked = tuilabel("check", session)
    assert checked.exit_code == 0, "no file is damaged"
    assert problem in checked.stdout
    assert "they are one class" in checked.stdout
    found = json.loads(tuilabel("check", session, "--json").stdout)
    assert any(problem in text for text in found["classes"])
    assert problem in done(tuilabel("classes", session))
    assert counts(session) == {cat: 2, dog: 1}
    exported = done(tuilabel("export", session, "--no-source", "--format", "jsonl"))
    assert [json.loads(line)["class"] for line in exported.splitlines()] == [cat, cat, dog]
    assert f"give an id, {cat} or {dog}" in refused(tuilabel("classes", session, "retire", "dog"))
    done(tuilabel("classes", session, "rename", cat, "cat"))
    assert counts(session) == {"cat": 2, "dog": 1}


def test_it_works_while_somebody_labels(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (30, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images)
    options = SourceOptions(str(tmp_path / "a.npz"), classes=("cat", "dog"))
    with open_workspace(options, {"annotator": "me"}, path=tmp_path / "a.tuilabel") as work:
        work.session.label(str(work.session.current_id), 0, by=ME)
        done(tuilabel("classes", work.path, "add", "crack"))
        work.session.take_in(work.journal.read())
        assert work.session.classes.names == ("cat", "dog", "crack")
        work.session.label(str(work.session.current_id), 2, by=ME)
    assert counts(work.path) == {"cat": 1, "dog": 0, "crack": 1}


def opened(source: str, path: Path, **options: Any) -> Any:
    return open_workspace(SourceOptions(source, **options), {"annotator": "me"}, path=path)


def test_more_classes_than_the_session_has_are_added(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (30, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images)
    source, path = str(tmp_path / "a.npz"), tmp_path / "a.tuilabel"
    opened(source, path, classes=("cat", "dog")).close()
    with opened(source, path, classes=("cat", "crack", "dog", "dent")) as work:
        assert work.session.classes.names == ("cat", "dog", "crack", "dent")
        work.session.retire_class(class_id_of("dent"), by=ME)
    # The same command again changes nothing: a retired class does not come back.
    with opened(source, path, classes=("cat", "crack", "dog", "dent")) as work:
        assert [work.session.classes.names[i] for i in work.session.classes.open] == [
            "cat",
            "dog",
            "crack",
        ]
    added = [e for e in SessionView(path).events if isinstance(e.payload, ClassAdded)]
    assert len(added) == 4


def test_other_classes_say_which_command_renames_or_merges(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (30, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images)
    source, path = str(tmp_path / "a.npz"), tmp_path / "a.tuilabel"
    opened(source, path, classes=("cat", "big dog")).close()
    again = ("label", source, "--line", "--session", path, "--classes")
    sentence = refused(tuilabel(*again, "cat,wolf"))
    assert "has the class `big dog`, which --classes lacks" in sentence
    assert f"`tuilabel classes {path} rename 'big dog' wolf`" in sentence
    assert f"`tuilabel classes {path} merge 'big dog' OTHER`" in sentence
    sentence = refused(tuilabel(*again, "cat"))
    assert f"`tuilabel classes {path} retire 'big dog'`" in sentence
    assert "../b" in refused(tuilabel(*again, "cat,big dog,../b"))


def test_a_source_with_classes_of_its_own_may_get_more(tmp_path: Path) -> None:
    path = tmp_path / "digits.tuilabel"
    names = ("zero", *map(str, range(1, 10)), "smudge")
    with opened("digits", path, classes=names) as work:
        assert work.session.classes.names == names
        work.session.add_class("blot", by=ME)
        work.session.rename_class(class_id_of("1"), "one", by=ME)
        work.session.merge_classes(class_id_of("2"), class_id_of("3"), by=ME)
    with opened(None, path) as work:  # type: ignore[arg-type]
        session = work.session
        assert session.classes.names[:2] == ("zero", "one")
        assert session.classes.names[-2:] == ("smudge", "blot")
        assert work.dataset.truth is not None
        assert int(work.dataset.truth.max()) == 9
        material = session.material()
        meant = [material.columns[column] for column in material.truth][:4]
        assert [session.known.classes.name(id_) for id_ in meant] == ["zero", "one", "3", "3"]
