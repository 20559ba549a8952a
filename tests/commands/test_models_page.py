"""Every block of docs/models.md runs, one after another in one folder."""

from __future__ import annotations

import glob
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from loop_fakes import ME
from PIL import Image

from tuilabel.cli import main
from tuilabel.workspace.opening import SourceOptions, open_workspace

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"
CLASSES = ("red", "green", "blue")


def write_images(folder: Path, count: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        pixels = rng.integers(0, 60, (8, 8, 3), dtype=np.uint8)
        pixels[..., number % 3] += 150
        Image.fromarray(pixels).save(folder / f"{number}.png")


def test_every_block_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("onnx", "onnxruntime", "skops"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "photos", 30)
    write_images(tmp_path / "new", 6)
    flags = {"cold_start": "random", "features": "raw", "model": "softmax"}
    with open_workspace(SourceOptions("photos", classes=CLASSES), flags) as work:
        for _ in range(20):
            item, slot = work.session.current_id, work.session.current
            assert item is not None
            assert slot is not None
            name = work.dataset.references(slot.row)[0]
            work.session.label(item, int(Path(name).stem) % 3, by=ME)
    text = PAGE.read_text(encoding="utf-8")
    known: dict[str, Any] = {}
    pixels = [np.asarray(Image.open(f"new/{number}.png")) for number in range(6)]
    known["features"] = np.stack(pixels).reshape(6, -1).astype(np.float32) / 255
    for kind, block in re.findall(r"^```(sh|python)\n(.*?)^```", text, re.M | re.S):
        if kind == "python":
            exec(block, known)
            continue
        for line in block.splitlines():
            words = [
                each
                for word in shlex.split(line)[1:]
                for each in (sorted(glob.glob(word)) if "*" in word else [word])  # noqa: PTH207
            ]
            result = CliRunner().invoke(main, words, prog_name="tuilabel")
            assert result.exit_code == 0, f"{line}: {result.output}"
    assert known["probabilities"].shape == (6, 3)
    expected = [CLASSES[number % 3] for number in range(6)]
    assert known["names"].tolist() == expected
    rows = (tmp_path / "predictions.csv").read_text().splitlines()
    assert [row.split(",")[2] for row in rows[1:]] == expected
    assert capsys.readouterr().out.splitlines()[-1] == "green"
