"""Every block of docs/imports.md runs, one after another in one folder."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sessions import new_session

from tuilabel.cli import main
from tuilabel.workspace.places import session_path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "imports.md"


def task(image: str, name: str) -> dict[str, object]:
    value = {"choices": [name]}
    result = {"from_name": "choice", "to_name": "image", "type": "choices", "value": value}
    return {"data": {"image": image}, "annotations": [{"result": [result]}]}


@pytest.mark.usefixtures("warm_decoders", "own_home")
def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 255, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(photos / f"{number}.png")
    new_session(session_path(str(photos)), source=str(photos), audit=0.0)
    tasks = [task(f"/x/photos/{n}.png", ("cat", "dog", "bird")[n // 3 + n // 5]) for n in range(6)]
    (tmp_path / "tasks.json").write_text(json.dumps([*tasks, task("99.png", "cat")]))
    rows = ["path,class,annotator", "/mnt/old/photos/6.png,cat,bo", r"C:\pictures\7.png,dog,bo"]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    (tmp_path / "broken.jsonl").write_text('{"path": "1.png", "class": "cat"}\n{"path": "2.p\n')
    (tmp_path / "guesses.csv").write_text("path,class,probability\n0.png,cat,0.5\n1.png,dog,0.75\n")
    (tmp_path / "sorted" / "cat").mkdir(parents=True)
    (tmp_path / "sorted" / "cat" / "any.png").write_bytes((photos / "5.png").read_bytes())
    text = PAGE.read_text(encoding="utf-8")
    said = []
    for line in "".join(re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)).splitlines():
        result = CliRunner().invoke(main, shlex.split(line)[1:], prog_name="tuilabel")
        assert result.exit_code == 0, f"{line}: {result.output}"
        said.append(result.output)
    report = re.search(r"--dry-run\n```\n\n```\n(.*?)^```", text, re.M | re.S)
    assert report is not None
    assert said[0] == report[1]
    assert "Imported 6 labels" in said[2]
    assert "Undone: 6 imported labels" in said[3]
    assert "Matched: 2 by path" in said[4]
    assert "cannot be read: 1 line (line 2" in said[5]
    assert "Matched: 1 by content" in said[6]
    assert "Imported 2 suggestions" in said[7]
