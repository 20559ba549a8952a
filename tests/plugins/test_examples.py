"""The example package and plug-ins that fail, through the command line."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from plugins.conftest import Install
from sessions import label_of, new_session

from tests import forks
from tuilabel.cli import main
from tuilabel.data import open_dataset
from tuilabel.data.arrays import Arrays
from tuilabel.errors import ImportFileError, PluginError, SourceError
from tuilabel.events.payloads import Opened
from tuilabel.exchange.reading import read_labels
from tuilabel.journal.journal import Journal
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.preparation import Images, prepare_features
from tuilabel.simulate.kept_runs import fingerprint
from tuilabel.simulate.plan import Plan
from tuilabel.workspace.recent import SessionState, known_sources

NAMES = ("--features", "profile", "--model", "nearest", "--strategy", "gini")


def tuilabel(site: Path, *arguments: str, status: int = 0) -> str:
    """Run a command in a fresh process that finds the packages in a folder."""
    done = forks.run(arguments, env={**os.environ, "PYTHONPATH": str(site)})
    assert done.returncode == status, done.stderr
    return done.stdout


def label(site: Path, *arguments: str, until: str) -> None:
    """Label in lines, one each time that a class is asked for, until something is said."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "tuilabel", "label", *arguments, "--line", "--no-image"],
        env={**os.environ, "PYTHONPATH": str(site)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as labelling:
        assert labelling.stdin is not None
        assert labelling.stdout is not None
        said = ""
        for count, answer in enumerate(cycle(b"12")):
            while not said.endswith("class? "):
                output = labelling.stdout.read(65536)
                assert output, f"It ended without {until!r}: {said}"
                said += output.decode()
            if until in said:
                break
            # What became of a batch is reported with the next answer, but the images have an end.
            if count >= 10:
                select.select([labelling.stdout], [], [], 0.2)
            labelling.stdin.write(b"%c\n" % answer)
            said += "\n"
        labelling.communicate(b":quit\n", timeout=60)
    assert labelling.returncode == 0


def test_every_example_takes_part_in_a_simulation(example: Path, tmp_path: Path) -> None:
    output = tmp_path / "runs.json"
    options = ("--budget", "20", "--seeds", "1", "--json", str(output))
    shown = tuilabel(example, "simulate", "stripes:200", *NAMES, *options)
    assert "stripes:200: a pool of 160 images, 40 images to measure on" in shown
    assert "gini               100.0" in shown
    first = json.loads(output.read_text())["runs"][0]
    found = {name: first[name] for name in ("strategy", "model", "features")}
    assert found == {"strategy": "gini", "model": "nearest", "features": "profile"}


def test_examples_label_in_the_child_process_and_export(example: Path, tmp_path: Path) -> None:
    label(example, "stripes:1000", *NAMES, until="Accuracy ")
    assert '"features": "profile"' in tuilabel(example, "status", "--json")
    assert "nearest" in tuilabel(example, "status", "stripes:1000")
    rows = json.loads(tuilabel(example, "export", "stripes:1000", "--format", "json"))
    assert len(rows) >= 10
    assert {row["status"] for row in rows} == {"found"}
    # The ending names the format too, and the session of the source is found from any folder.
    tuilabel(example, "export", "stripes:1000", "-o", str(tmp_path / "labels.json"))
    assert json.loads((tmp_path / "labels.json").read_text()) == rows
    said = tuilabel(example, "import", "stripes:1000", str(tmp_path / "labels.json"))
    assert "labels.json, read as json" in said
    assert f"{len(rows)} images have the same label already" in said


def test_a_session_lies_in_the_store_of_an_example(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stored = "sqlite:labels.db"
    tuilabel(example, "status", stored, status=2)
    assert not (tmp_path / "labels.db").exists()
    label(example, "stripes:1000", *NAMES, "--session", stored, until="Accuracy ")
    assert (tmp_path / "labels.db").read_bytes().startswith(b"SQLite format 3")
    assert not (tmp_path / stored).exists()
    rows = json.loads(tuilabel(example, "export", stored, "--format", "json"))
    assert len(rows) >= 10
    found = json.loads(tuilabel(example, "check", stored, "--json"))
    assert (found["session"], found["problems"]) == (stored, [])
    # It is the last session, from any folder, and the next run continues it.
    monkeypatch.chdir("/")
    assert json.loads(tuilabel(example, "export", "--format", "json")) == rows
    monkeypatch.chdir(tmp_path)
    label(example, "--session", stored, until="Saved")
    assert len(json.loads(tuilabel(example, "export", stored, "--format", "json"))) > len(rows)
    # The database is the session, so no export replaces it; a group cannot be given a database.
    replacing = ("--format", "csv", "-o", "labels.db", "--force")
    tuilabel(example, "export", stored, *replacing, status=2)
    tuilabel(example, "share", stored, "--group", "root", status=2)


def test_a_session_is_merged_from_one_store_into_another(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    label(example, "stripes:1000", *NAMES, "--session", "sqlite:a.db", until="Saved")
    label(example, "stripes:1000", *NAMES, "--session", "b.tuilabel", until="Saved")
    tuilabel(example, "merge", "b.tuilabel", "sqlite:a.db")
    tuilabel(example, "merge", "sqlite:a.db", "b.tuilabel")
    for session in ("sqlite:a.db", "b.tuilabel"):
        found = json.loads(tuilabel(example, "check", session, "--json"))
        assert found["problems"] == []
        assert {log["events"] > 1 for log in found["logs"]} == {True}
        assert len(found["logs"]) >= 2


def test_doctor_lists_the_examples(example: Path) -> None:
    lines = [line for line in tuilabel(example, "doctor").splitlines() if "plug-in" in line]
    assert len(set(lines)) == 7
    assert all(line.endswith("(tuilabel-example 1.0)") for line in lines)


def test_without_the_package_its_names_are_refused(site: Path) -> None:
    for arguments in (("label", "stripes:1000"), ("label", "digits", "--model", "nearest")):
        tuilabel(site, *arguments, status=2)


def test_a_session_of_a_package_that_is_gone_is_read_without_it(tmp_path: Path) -> None:
    path = str(tmp_path / "s.tuilabel")
    settings = {"model": "nearest", "features": "profile", "strategy": "gini"}
    label = label_of(open_dataset("digits").ids[0], "0")
    classes = [str(digit) for digit in range(10)]
    new_session(Path(path), Opened(settings=settings, items=1797), label, classes=classes)
    for command in ("status", "export", "check"):
        assert run(command, path).exit_code == 0
    for command in (
        ("autolabel", path),
        ("settings", path),
        ("label", "--line", "--session", path),
    ):
        result = run(*command)
        assert result.exit_code == 2
        assert "not installed here" in result.stderr
        assert "--model auto --features auto --strategy auto" in result.stderr


# Failing plug-ins: one sentence.

GOOD = """
from tuilabel_example import stripes
def fit(rows, classes, rng): return Model(classes.max() + 1)
class Model:
    def __init__(self, k): self.k = k
    def probabilities(self, features): return {answer}
def strategy(probabilities, rng): return {answer}
from tuilabel.learn.batch_strategies import batch_strategy
@batch_strategy
def batch(context, size, rng): return {answer}
class features:
    def fit(self, X): pass
    def transform(self, X): return {answer}
def write(rows, file): {answer}
def read(lines): {answer}
def source(source, **options): {answer}
import numpy as np
"""
ENTRIES = {
    "tuilabel.models": {"fit": "faulty:fit"},
    "tuilabel.strategies": {"ask": "faulty:strategy", "together": "faulty:batch"},
    "tuilabel.features": {"see": "faulty:features"},
    "tuilabel.writers": {"out": "faulty:write"},
    "tuilabel.readers": {"in": "faulty:read"},
    "tuilabel.sources": {"from": "faulty:source"},
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, prog_name="tuilabel")


def one_sentence(result: Result, status: int = 1) -> str:
    assert result.exit_code == status, result.output
    assert result.stderr.count("\n") == 1
    assert "of the package faulty 1.0 failed (" in result.stderr
    assert result.stderr.rstrip("\n").isprintable()
    return result.stderr


@pytest.mark.parametrize(
    ("option", "answer", "reason"),
    [
        ("--model=fit", "1 / 0", "ZeroDivisionError: division by zero"),
        ("--model=fit", "None", "expected ("),
        ("--model=fit", "np.ones((len(features), self.k + 1))", "expected ("),
        ("--model=fit", "np.full((len(features), self.k), np.nan)", "rows are not probabilities"),
        ("--model=fit", "np.full((len(features), self.k), 'x')", "ValueError: could not convert"),
        ("--strategy=ask", "1 / 0", "ZeroDivisionError"),
        ("--strategy=ask", "0.5", "shape (); expected ("),
        ("--strategy=ask", "np.full(len(probabilities), np.nan)", "utilities are NaN"),
        ("--strategy=ask", "probabilities", "expected ("),
        ("--strategy=together", "1 / 0", "ZeroDivisionError"),
        ("--strategy=together", "np.arange(3)", "shape (3,); expected (10,)"),
        ("--strategy=together", "np.zeros(10, int)", "9 of 50 positions are repeated"),
        ("--strategy=together", "np.arange(10) - 1", "run from -1 to "),
        ("--strategy=together", "np.arange(10) / 2", "IndexError: "),
        ("--features=see", "1 / 0", "ZeroDivisionError"),
        ("--features=see", "X.sum(axis=(1, 2))", "features have shape (1,)"),
        ("--features=see", "X[:0]", "features have shape (0,"),
        ("--features=see", "np.full((len(X), 2), np.inf)", "NaN or infinite"),
        ("--features=see", "np.ones((len(X), len(X)))", "features have shape (1024, 1024)"),
    ],
)
def test_a_plug_in_that_fails_is_one_sentence(
    install: Install, example: Path, option: str, answer: str, reason: str
) -> None:
    install("faulty", ENTRIES, GOOD.format(answer=answer))
    usual = ("--model=softmax", "--features=raw", "--cold-start=random")
    given = [word for word in usual if word.partition("=")[0] != option.partition("=")[0]]
    result = run("simulate", "digits", *given, option, "--budget", "30", "--seeds", "1")
    assert reason in one_sentence(result)


ARRAY = (
    "return stripes.ArrayDataset(source, ('a', 'b'), stripes.item_ids.ItemIds("
    "'a1', stripes.digests({pixels})), {pixels}, lambda row: {places}{more})"
)
PIXELS = "np.arange(400, dtype=np.uint8).reshape(100, 2, 2)"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("return None", "it returned NoneType, not an ArrayDataset"),
        (
            "o = dict.fromkeys(('classes', 'pool', 'test'))\n"
            "    return stripes.open_stripes('stripes:', argument='', **o)",
            "its source is 'stripes:'; expected 'from:x'",
        ),
        (ARRAY.format(pixels="np.zeros((9, 2, 2))", places="('a',)", more=""), "are float64"),
        (
            ARRAY.format(pixels="np.zeros((9, 2), np.uint8)", places="('a',)", more=""),
            "(9, 2); exp",
        ),
        (ARRAY.format(pixels=PIXELS, places="1 / 0", more=""), "ZeroDivisionError"),
        (ARRAY.format(pixels=PIXELS, places="('a',)", more=", truth=np.zeros(3, int)"), "True cla"),
        (
            ARRAY.format(pixels=PIXELS, places="('a',)", more=", truth=np.full(100, 2)"),
            "run from 2",
        ),
    ],
)
def test_a_source_that_fails_is_one_sentence(
    install: Install, example: Path, answer: str, reason: str
) -> None:
    code = GOOD.replace("def source(source, **options): {answer}", "")
    code = code.format(answer="None") + f"def source(source, **options):\n    {answer}\n"
    install("faulty", ENTRIES, "from tuilabel.data import item_ids, ArrayDataset\n" + code)
    stripes = example / "tuilabel_example" / "stripes.py"
    stripes.write_text(stripes.read_text() + "from tuilabel.data import ArrayDataset, item_ids\n")
    assert reason in one_sentence(run("demo", "from:x", "--line"), status=2)


def test_an_own_error_of_a_source_is_shown_as_it_is(example: Path, install: Install) -> None:
    result = run("simulate", "stripes:three")
    assert result.exit_code == 2
    assert result.stderr == (
        "tuilabel: stripes:three is no number of images: use stripes:10 to stripes:10000.\n"
    )


def test_an_export_that_fails_leaves_the_file_as_it_was(
    example: Path, install: Install, tmp_path: Path
) -> None:
    install("faulty", ENTRIES, GOOD.format(answer="file.write('half'); 1 / 0"))
    label(example, "digits", "--model=softmax", "--features=raw", until="Saved")
    output = tmp_path / "labels.out"
    output.write_text("item_id,reference,class,before")
    one_sentence(run("export", "digits", "-o", str(output), "--force"))
    assert output.read_text() == "item_id,reference,class,before"
    assert [path.name for path in tmp_path.iterdir() if ".new" in path.name] == []


STORE = """
from tuilabel.journal.store import Store, FolderStore
class Faulty(FolderStore):
    {code}
"""


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def __init__(self, path): raise KeyError(3)", "KeyError: 3"),
        ("def has_session(self): return 'yes'", "TypeError: has_session returned 'yes'"),
        ("has_session = 3", "TypeError: 'int' object is not callable"),
        ("def read(self, name, offset, size): return 1 / 0", "ZeroDivisionError"),
        ("def read(self, name, offset, size): return None", "TypeError: read returned None"),
        ("def write(self, name, content): raise SystemExit(3)", "SystemExit: 3"),
        ("def create(self, name): return 1 / 0", "Not saved: The store 'at' of the package"),
        ("def append(self, name, content): return 1 / 0", "Not saved: The store 'at' of the"),
    ],
)
def test_a_store_that_fails_is_one_sentence(
    install: Install, tmp_path: Path, code: str, reason: str
) -> None:
    install("faulty", {"tuilabel.stores": {"at": "faulty:Faulty"}}, STORE.format(code=code))
    result = run("digits", "--line", "--no-image", "--session", f"at:{tmp_path}/s")
    assert reason in one_sentence(result)


@pytest.mark.parametrize(
    "code",
    ["def size(self, name): return 1 / 0", "def names(self, folder): return [b'x']"],
)
def test_labelling_goes_on_while_a_store_cannot_be_read(
    install: Install, tmp_path: Path, code: str
) -> None:
    site = install("faulty", {"tuilabel.stores": {"at": "faulty:Faulty"}}, STORE.format(code=code))
    session = f"at:{tmp_path}/s"
    label(site, "digits", "--session", session, until="Saved")
    problems = json.loads(tuilabel(site, "check", session, "--json", status=1))["problems"]
    assert "The store 'at' of the package faulty 1.0 failed (" in problems[0][2]


@pytest.mark.parametrize("answer", ["1 / 0", "'text'"])
def test_what_a_store_has_not_kept_is_missing_in_a_copy(
    install: Install, tmp_path: Path, answer: str
) -> None:
    code = STORE.format(code=f"def keep(self, name): return lambda: {answer}")
    install("faulty", {"tuilabel.stores": {"at": "faulty:Faulty"}}, code)
    path = Path(f"at:{tmp_path}/s")
    new_session(path, by="anna")
    journal = Journal(path, "bob", "digits")
    journal.read()
    (missing,) = journal.save_copy(tmp_path / "copy.tuilabel")
    assert "-anna-" in missing


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("return 3", "TypeError: 'int' object is not iterable"),
        ("yield 1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_reader_that_fails_is_one_sentence(
    example: Path, install: Install, tmp_path: Path, answer: str, reason: str
) -> None:
    install("faulty", ENTRIES, GOOD.format(answer="None") + f"def read(lines): {answer}\n")
    path = tmp_path / "labels.in"
    path.write_text("a line")
    with pytest.raises(PluginError) as caught:
        list(read_labels(path, "in"))
    assert "of the package faulty 1.0 failed (" in str(caught.value)
    assert reason in str(caught.value)


def test_a_reader_of_nonsense_is_one_sentence(install: Install, tmp_path: Path) -> None:
    path = tmp_path / "labels.in"
    path.write_text("a line")
    for number, answer in enumerate(("[3]", "[{3: 4}]", "[{'class': lines, 'path': ''}]")):
        entries = {"tuilabel.readers": {f"in{number}": f"odd{number}:read"}}
        install(f"odd{number}", entries, f"def read(lines): return {answer}")
        with pytest.raises(ImportFileError, match="Line "):
            list(read_labels(path, f"in{number}"))


def test_labelling_goes_on_while_a_model_fails(example: Path, install: Install) -> None:
    install("faulty", ENTRIES, GOOD.format(answer="1 / 0"))
    sentence = "could not be fitted: The model 'fit' of the package faulty 1.0 failed"
    label(example, "digits", "--model=fit", "--features=raw", until=sentence)


DRAWN = """
from dataclasses import replace
from tuilabel_example.stripes import open_stripes
def source(source, **options):
    def full(row):
        if row == 3: raise OSError("gone")
        return dataset.pool[row][: -row or None]
    dataset = open_stripes(source, **{**options, "argument": ""})
    return replace(dataset, full=full)
"""


def test_an_image_that_fails_is_damaged_and_the_others_are_not(
    example: Path, install: Install, tmp_path: Path
) -> None:
    install("faulty", ENTRIES, DRAWN)
    dataset = open_dataset("from:", cache_dir=tmp_path)
    assert dataset.image(0).shape == (12, 12)
    assert dataset.full_image(2).shape == (10, 12)
    for draw in (dataset.image, dataset.full_image):
        with pytest.raises(SourceError, match=r"package faulty 1\.0 failed \(OSError: gone\)"):
            draw(3)
        with pytest.raises(SourceError, match=r"Images have shape \(0, 12\)"):
            draw(12)


def test_a_source_with_a_file_gets_its_path_and_the_file_is_never_replaced(
    example: Path, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("faulty", ENTRIES, DRAWN)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text("a list")
    dataset = open_dataset("from:list.csv", cache_dir=tmp_path)
    assert dataset.source == f"from:{tmp_path}/list.csv"
    label(example, "from:list.csv", "--model=softmax", "--features=raw", until="Saved")
    refused = run("export", "from:list.csv", "-o", "list.csv", "--force")
    assert f"list.csv is a file of the source from:{tmp_path}/list.csv" in refused.stderr
    assert run("export", "from:list.csv", "-o", "labels.csv").exit_code == 0
    # The list of sources at home has it, as long as the package is installed.
    assert known_sources([SessionState(dataset.source)])[-1] == dataset.source
    assert known_sources([SessionState("gone:7")]) == ["digits"]


def test_another_version_of_a_package_shares_no_kept_runs_and_no_cached_features(
    install: Install, tmp_path: Path
) -> None:
    names = {"tuilabel.features": {"see": "own:See"}, "tuilabel.strategies": {"ask": "own:ask"}}
    code = "class See:\n    def fit(self, X): pass\n    def transform(self, X): return X[:, 0]\n"
    dataset = open_dataset("digits", cache_dir=tmp_path)
    images = Images(pixels(dataset.pool[:5]), None)
    found = set()
    for version in ("1.0", "2.0", "2.0"):
        shutil.rmtree(tmp_path / "site" / "own-1.0.dist-info", ignore_errors=True)
        shutil.rmtree(tmp_path / "site" / "own-2.0.dist-info", ignore_errors=True)
        install("own", names, code, version=version)
        prepare_features("see", images, Arrays(tmp_path / "features"))
        found.add(fingerprint(dataset, Plan(strategies=("ask",))))
    assert len(found) == 2
    assert len(list((tmp_path / "features").iterdir())) == 2
