"""`tuilabel simulate`: what it prints, writes and keeps, and with which exit status."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tuilabel.cli import main
from tuilabel.simulate import SimulationProgress
from tuilabel.simulate.article import ARTICLE, ArticleReport
from tuilabel.workspace.places import data_dir

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = ("digits", "--pool", "120", "--test", "60", "--budget", "20", "--seeds", "2")
QUICK = (*SMALL, "--model", "softmax", "--features", "raw", "--strategy", "margin")


@pytest.fixture(autouse=True)
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back afterwards what the command sets for its process."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")


def simulate(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(main, ["simulate", *arguments], prog_name="tuilabel", **options)


def refused(*arguments: str) -> str:
    """Check that nothing was run, and that there is one sentence; give it."""
    result = simulate(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("tuilabel: ")
    assert result.stderr.count("\n") == 1
    assert kept_files() == []
    return result.stderr.removeprefix("tuilabel: ").rstrip("\n")


def kept_files() -> list[Path]:
    return sorted((data_dir() / "simulations").glob("*"))


def npz(path: Path, images: np.ndarray, **labels: Any) -> str:
    np.savez(path, images=images, **labels)
    return str(path)


NOISE = np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8)


def test_a_table_with_the_baseline_is_printed_and_nothing_is_left() -> None:
    result = simulate(*QUICK)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0] == "digits: a pool of 120 images, 60 images to measure on (hold-out)."
    assert sum(line.startswith("margin ") for line in lines) == 2
    assert sum(line.startswith("random (baseline) ") for line in lines) == 2
    assert all(len(line) <= 80 for line in lines)
    assert kept_files() == []


def test_the_files_are_written(tmp_path: Path) -> None:
    json_, csv_ = tmp_path / "runs.json", tmp_path / "runs.csv"
    result = simulate(*QUICK, "--json", str(json_), "--csv", str(csv_), "--target", "0.5")
    assert result.exit_code == 0, result.output
    found = json.loads(json_.read_text())
    settings, runs = found["settings"], found["runs"]
    assert (settings["pool"], settings["test"], settings["seeds"]) == (120, 60, 2)
    assert (settings["strategy"], settings["cold_start"]) == (["margin"], ["auto"])
    assert (settings["target"], settings["budget"], settings["batch_size"]) == ([0.5], 20, 10)
    assert [(run["strategy"], run["cold_start"], run["seed"]) for run in runs] == [
        ("margin", "auto", 0),
        ("margin", "auto", 1),
        ("random", "random", 0),
        ("random", "random", 1),
    ]
    for run in runs:
        assert run["labels"] == [10, 20]
        assert len(run["accuracy"]) == len(run["round_seconds"]) == 2
    rows = list(csv.DictReader(io.StringIO(csv_.read_text(), newline="")))
    assert [float(row["accuracy"]) for row in rows] == [a for run in runs for a in run["accuracy"]]
    assert [int(row["labels"]) for row in rows] == [10, 20] * 4
    assert sorted(tmp_path.glob("*.new")) == []


def test_a_plot_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "curve.svg"
    assert simulate(*QUICK, "--plot", str(picture)).exit_code == 0
    assert b"random (baseline)" in picture.read_bytes()


def test_an_existing_file_is_refused_before_anything_is_run(tmp_path: Path) -> None:
    for option, name in (("--json", "a"), ("--csv", "b"), ("--plot", "c.svg")):
        out = tmp_path / name
        out.write_text("precious")
        for force in ((), ("--force",)):
            assert "no output of tuilabel" in refused(*QUICK, option, str(out), *force)
        assert out.read_text() == "precious"
        out.write_bytes(b"")
        assert "exists already; use --force" in refused(*QUICK, option, str(out))
    out = tmp_path / "a"
    for _ in range(2):
        assert simulate(*QUICK, "--json", str(out), "--force").exit_code == 0
        assert json.loads(out.read_text())["runs"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--strategy", "best"), "no strategy 'best': choose one of auto, least-confident"),
        (("--strategy", "margin,"), "no strategy ''"),
        (("--model", "softmax,forest"), "no model 'forest': choose one of"),
        (("--features", "sift"), "no feature 'sift': choose one of"),
        (("--cold-start", "warm"), "no cold start 'warm': choose one of"),
        (("--budget", "0"), "--budget is 0; expected a whole number of 1 or more"),
        (("--seeds", "-1"), "--seeds is -1"),
        (("--jobs", "0"), "--jobs is 0; expected a whole number of 1 or more"),
        (("--batch-size", "0"), "--batch-size is '0'; expected a whole number from 1 to 1,000"),
        (("--batch-size", "121", "--budget", "400"), "larger than the pool of 120 items"),
        (("--batch-size", "21"), "larger than the budget of 20 labels"),
        (("--epsilon", "2"), "--epsilon is '2'; expected a share from 0 to 1"),
        (("--target", "90"), "--target is '90'; expected shares above 0 and up to 1"),
        (("--json", "missing/a"), "missing/a cannot be written (No such file or directory)"),
        (("--csv", "."), "is a directory; name a file in it"),
        (("--json", "x", "--csv", "x"), "x is given twice"),
        (("--json", "/dev/null"), "not an ordinary file; give another name"),
        (("--plot", "curve.pdf"), "ends in .svg or .png"),
        (("--perturb", "3"), "--perturb needs --protocol article"),
        (("--protocol", "article"), "--pool cannot be used with --protocol article"),
        (("--pool", "5000"), "--pool 5000 is out of range"),
    ],
)
def test_bad_options_are_one_sentence(
    arguments: tuple[str, ...], found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert found in refused(*SMALL, *arguments)
    assert list(tmp_path.glob("*[!home]")) == []


def test_bad_sources_are_one_sentence(tmp_path: Path) -> None:
    labels = np.arange(50) % 3
    no_truth = npz(tmp_path / "unlabelled.npz", NOISE)
    assert "has no ground truth to answer with" in refused(no_truth, "--classes", "a,b")
    words = npz(tmp_path / "words.npz", np.full((50, 8, 8), "a"), labels=labels)
    assert "values of type <U1, but numbers are expected" in refused(words)
    same = npz(tmp_path / "same.npz", np.zeros((50, 8, 8), np.uint8), labels=labels)
    assert "has no hold-out: accuracy is measured on images" in refused(same)
    assert "is not a source" in refused("nowhere")
    small = npz(tmp_path / "small.npz", NOISE[:20], labels=labels[:20])
    assert "--model graph cannot be simulated" in refused(small, "--model", "graph")


def test_odd_sources_are_ordinary(tmp_path: Path) -> None:
    one = npz(tmp_path / "one.npz", NOISE, labels=np.zeros(50, int))
    result = simulate(one, "--model", "softmax", "--budget", "10", "--seeds", "1")
    assert "100.0" in result.stdout
    few = npz(tmp_path / "few.npz", NOISE, labels=np.arange(50) % 25)
    result = simulate(few, "--model", "softmax", "--seeds", "1")
    assert result.exit_code == 0
    assert "The pool has only 40 images, fewer than the budget of 400 labels" in result.stdout


def test_after_ctrl_c_the_same_command_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulate(*QUICK).stdout

    def stop(progress: SimulationProgress) -> str:
        if progress.runs_done == 3:
            raise KeyboardInterrupt
        return ""

    with monkeypatch.context() as patched:
        patched.setattr("tuilabel.simulate.table.progress_line", stop)
        result = simulate(*QUICK)
    assert result.exit_code == 130
    assert result.stderr == (
        "Interrupted: 3 of 4 runs are done; the same command continues there.\n"
    )
    assert "3 of 4 runs." in result.stdout
    (kept,) = kept_files()
    assert len(kept.read_text().split("\n\n")) == 3
    again = simulate(*QUICK)
    assert again.exit_code == 0
    assert again.stderr == "3 of 4 runs were done before.\n"
    assert accuracies(again.stdout) == accuracies(whole)
    assert kept_files() == []


def accuracies(output: str) -> list[str]:
    return [line for line in output.splitlines() if "±" in line]


def test_before_the_first_run_there_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(progress: SimulationProgress) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("tuilabel.simulate.table.progress_line", stop)
    result = simulate(*QUICK)
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.startswith("Interrupted: 0 of 4 runs are done")


def test_files_that_cannot_be_written_in_the_end_cost_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "runs.json"

    def taken(progress: SimulationProgress) -> str:
        out.write_text("precious")
        return ""

    with monkeypatch.context() as patched:
        patched.setattr("tuilabel.simulate.table.progress_line", taken)
        result = simulate(*QUICK, "--json", str(out))
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert out.read_text() == "precious"
    out.unlink()
    assert len(kept_files()) == 1
    again = simulate(*QUICK, "--json", str(out), "--force")
    assert again.exit_code == 0
    assert again.stderr == "4 of 4 runs were done before.\n"


def test_settings_files_take_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUILABEL_BATCH_SIZE", "5")
    assert "10 labels a round" in simulate(*QUICK, "--seeds", "1").stdout


# The article.


def test_the_article_takes_mnist_alone() -> None:
    assert "give mnist or mnist:DIR" in refused("digits", "--protocol", "article")
    for option, value in (
        ("--strategy", "margin"),
        ("--seeds", "2"),
        ("--jobs", "2"),
        ("--csv", "x"),
        ("--target", "0.9"),
        ("--classes", "a,b"),
    ):
        message = refused("mnist", "--protocol", "article", option, value)
        assert message.startswith(f"{option} cannot be used with --protocol article")


def test_the_article_is_run_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tuilabel.simulate.article import run_article as real

    asked: dict[str, Any] = {}

    def small(*arrays: np.ndarray, **options: Any) -> ArticleReport:
        asked.update(options)
        fewer = type(ARTICLE)(
            pool=60, test=20, budget=20, classes=10, clusters=10, draws=2, patience=2
        )
        return real(*arrays, **options, protocol=fewer)

    def opened(source: str, **options: Any) -> Any:
        from tuilabel.data import open_dataset

        assert source == "mnist"
        return open_dataset("digits")

    monkeypatch.setattr("tuilabel.simulate.article.run_article", small)
    monkeypatch.setattr("tuilabel.commands.simulate._open", lambda source, *_: opened(source))
    out = tmp_path / "article.json"
    command = ("mnist", "--protocol", "article", "--perturb", "2", "--json", str(out))
    result = simulate(*command)
    assert result.exit_code == 0, result.output
    assert asked["perturb"] == 2
    assert result.stdout.startswith("The article's protocol: ")
    assert "\x1b" not in result.stdout
    coloured = simulate(*command, "--force", env={"FORCE_COLOR": "3", "TERM": "xterm"}).stdout
    assert "\x1b[48;2;" in coloured
    letters, colours = result.stdout.split("\n"), coloured.split("\n")
    # Only the pictures of the centres differ.
    assert len(letters) == len(colours)
    differ = [after for before, after in zip(letters, colours, strict=True) if before != after]
    assert differ
    assert all("\x1b" in line for line in differ)
    report = json.loads(out.read_text())
    assert len(report["curve"]) == 2
    assert report["band"]["runs"] == 2
    assert "exists already" in refused(*command)


# What only a fresh process shows.


def fresh(code: str) -> set[str]:
    report = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", report],
        cwd=REPOSITORY,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_simulating_loads_no_screen_and_a_picture_only_when_drawn() -> None:
    loaded = fresh("import tuilabel.simulate, tuilabel.simulate.plot, tuilabel.commands.simulate")
    assert "tuilabel.session" in loaded
    assert not {"textual", "rich", "matplotlib", "sklearn", "scipy"} & loaded
    assert not {"tuilabel.tui", "tuilabel.trainer"} & loaded


def test_help_loads_no_numbers() -> None:
    code = "from tuilabel.cli import main\ntry: main(['simulate', '--help'])\nexcept SystemExit: 0"
    assert not {"numpy", "textual", "sklearn"} & fresh(code)


def test_names_are_completed_after_each_comma() -> None:
    environ = {"COMP_WORDS": "tuilabel simulate --strategy margin,ba", "COMP_CWORD": "3"}
    environ["_TUILABEL_COMPLETE"] = "bash_complete"
    completed = CliRunner().invoke(main, [], prog_name="tuilabel", env=environ)
    assert completed.output == "plain,margin,badge\n"
