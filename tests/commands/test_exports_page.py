"""Every block of docs/exports.md runs, one after another in one folder."""

from __future__ import annotations

import csv
import hashlib
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.workspace.places import session_path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "exports.md"


def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    photos = tmp_path / "photos"
    photos.mkdir()
    labels = []
    for number in range(12):
        name = f"{number}.png"
        Image.new("L", (8, 8), number).save(photos / name)
        digest = hashlib.blake2b((photos / name).read_bytes(), digest_size=16).hexdigest()
        labels.append(label_of(f"f1:{digest}", ("cat", "dog")[number % 2], name))
    for name in ("0.txt", "1.json"):
        (photos / name).write_text("beside")
    new_session(session_path(str(photos)), *labels, source=str(photos))
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    said = []
    for line in "".join(blocks).splitlines():
        result = CliRunner().invoke(main, shlex.split(line)[1:], prog_name="tuilabel")
        assert result.exit_code == 0, f"{line}: {result.output}"
        said.append(result.output)
    assert said[0].startswith("12 images and 2 files beside them copied to ")
    assert [path.name for path in sorted((tmp_path / "sorted").iterdir())][1:] == ["cat", "dog"]
    assert not (tmp_path / "linked").exists()
    assert not (tmp_path / "moved").exists()
    assert len(list(photos.iterdir())) == 14
    with (tmp_path / "train.csv").open(newline="") as file:
        assert next(csv.reader(file)) == ["filename", "label"]
    with (tmp_path / "parts.csv").open(newline="") as file:
        parts = {row["reference"]: row["split"] for row in csv.DictReader(file)}
    placed = (tmp_path / "parts").glob("*/*/*.png")
    assert {path.name for path in placed} == parts.keys()
