"""The jobs of docs/workflows.md: each block runs, two of them in a real terminal."""

from __future__ import annotations

import csv
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from loop_fakes import ME
from PIL import Image

from tests.pty.labelling import Home, LabellingTerminal
from tests.pty.test_view import mark
from tuilabel.cli import COMMANDS, main
from tuilabel.commands import label

PAGE = Path(__file__).resolve().parents[2] / "docs" / "workflows.md"

Start = Callable[..., LabellingTerminal]


pytestmark = pytest.mark.usefixtures("warm_decoders")


@pytest.fixture(autouse=True)
def photos(home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the current one."""
    for name, value in home.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(home.path)
    folder = home.path / "photos"
    folder.mkdir()
    for number in range(12):
        pixels = np.full((8, 8), 150 * (number % 2) + number, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "0.txt").touch()
    return folder


def commands(heading: str) -> list[str]:
    """Return the lines of the blocks below a heading."""
    (section,) = re.findall(
        rf"^## {heading}(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S
    )
    found = "".join(re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S)).splitlines()
    assert found
    return found


def run(line: str, answers: int = 8) -> str:
    """Run a command in this process; where it labels, give answers. Return what it prints."""
    words = shlex.split(line)[1:]
    if words[0] in COMMANDS:
        result = CliRunner().invoke(main, words, prog_name="tuilabel")
        assert result.exit_code == 0, result.output
        return result.output
    options = label.label.make_context("label", words, click.Context(main)).params
    with label._open(options) as work:
        loop = work.session
        for _ in range(answers):
            item = str(loop.current_id)
            is_bright = "13579".find(loop.items.references(loop.items.row_of(item))[0][-5]) >= 0
            loop.label(item, int(is_bright), by=ME)
    return ""


def table(name: str) -> list[dict[str, str]]:
    with Path(name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_class_folders(photos: Path) -> None:
    first, export, update, undo = commands("I have a folder, and want class folders")
    run(first)
    assert "8 images" in run(export)
    run(shlex.join(shlex.split(first)[:2]), answers=2)
    assert "2 images" in run(update)
    copies = {path.relative_to("sorted") for path in Path("sorted").glob("*/*.png")}
    assert {path.parts[0] for path in copies} == {"cat", "dog"}
    assert len(copies) == 10
    run(undo)
    assert not Path("sorted").exists()
    assert len(list(photos.iterdir())) == 13


@pytest.mark.usefixtures("no_fits")
def test_a_csv_for_a_script_in_a_terminal(start: Start) -> None:
    first, export = commands("My training script reads a CSV")
    words = shlex.split(first)[1:]
    terminal = start(*words)
    terminal.wait_ready()
    for _ in range(3):
        terminal.answer("1")
    terminal.quit()
    rows = table("train.csv")
    assert [*rows[0]] == ["file", "label"]
    assert [row["label"] for row in rows] == ["cat"] * 3
    run(export)
    parts = table("parts.csv")
    assert [*parts[0]] == ["file", "label", "split"]
    assert {row["file"] for row in parts} == {row["file"] for row in rows}


def test_two_answers_one_of_them_rare() -> None:
    first, status, export = commands("Thousands of images, two answers, one of them rare")
    run(first)
    assert "8" in run(status)
    run(export)
    assert {row["label"] for row in table("animals.csv")} <= {"empty", "animal"}


def test_predictions_that_are_corrected() -> None:
    rows = [f"{number}.png,{('cat', 'dog')[number % 2]},0.9" for number in range(12)]
    Path("predictions.csv").write_text("\n".join(["file,label,probability", *rows, ""]))
    import_, label, export = commands("A model has guessed, and I want it right")
    assert "12 suggestions" in run(import_)
    run(label, answers=4)
    run(export)
    assert len(table("corrected.csv")) == 4


def test_marked_images_are_moved_in_a_terminal(start: Start, photos: Path) -> None:
    (line,) = commands("I want to look, mark some, and do something with them")
    Path("picked").mkdir()
    command = line.replace("tuilabel", f"{sys.executable} -m tuilabel")
    terminal = start(command=("sh", "-c", command))
    terminal.wait_for("by name")
    mark(terminal, 1)
    terminal.press("q")
    assert terminal.wait_exit() == 0
    (moved,) = Path("picked").iterdir()
    assert not (photos / moved.name).exists()
