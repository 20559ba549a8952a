"""The blocks of docs/rare-things.md run, and its figures are those that the program computes."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tuilabel.cli import main
from tuilabel.learn.bounds import most_in_set
from tuilabel.session.spot_checks import error_of
from tuilabel.workspace.opening import SourceOptions, open_workspace
from tuilabel.workspace.rest import plan_check

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rare-things.md"


def test_every_block_runs(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    for number in range(12):
        pixels = np.full((8, 8), number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "parts" / f"{number}.png")
    options = SourceOptions("parts", ("ok", "defect"), yesno=True)
    with open_workspace(options, {}) as work:
        loop, by = work.session, work.annotator
        ok, defect = loop.classes.ids
        loop.begin_check(plan_check(work, loop.rest(), defect, ok, 8), by=by)
        for _ in range(8):
            loop.label(str(loop.current_id), 0, by=by)
    text = PAGE.read_text(encoding="utf-8")
    said = []
    for line in "".join(re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)).splitlines():
        result = CliRunner().invoke(main, shlex.split(line)[1:], prog_name="tuilabel")
        assert result.exit_code == 0, f"{line}: {result.output}"
        said.append(result.output)
    sentence = "Of 4 images left, at most 2 are defect (95%): 8 of 12 images were drawn at random"
    assert sentence in said[0]
    assert "4 images without an answer would be labelled ok" in said[2]
    with (tmp_path / "parts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["origin"] for row in rows) == ["auto"] * 4 + ["human"] * 8
    assert "8 items drawn as its seed says" in said[-1]
    CliRunner().invoke(main, ["classes", "parts", "add", "scratch"])
    result = CliRunner().invoke(main, ["autolabel", "parts", "--method", "rest"])
    assert result.exit_code == 2
    assert "no longer has the two classes of the check" in result.output


def test_its_figures_are_right() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\d+) of ([\d,]+) \(.*?\) \| (\d+) \| (\d+) \|$", text, re.M)
    assert len(rows) == 4
    for row in rows:
        drawn, none, left, one, three = (int(number.replace(",", "")) for number in row)
        assert drawn + left == 4812
        for found, most in ((0, none), (1, one), (3, three)):
            assert most_in_set(4812, drawn, found, error_of(1)) - found == most
