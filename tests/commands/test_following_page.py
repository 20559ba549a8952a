"""Every block of docs/following.md runs; other events come from a journal in place of a screen."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.commands.feeds import check_feeds, start_feeds
from tuilabel.journal.journal import Journal
from tuilabel.workspace.places import session_path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "following.md"


def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `tuilabel label` save two labels without a screen, and end."""
    path = session_path(str(tmp_path / "photos"))
    new_session(path, source=str(tmp_path / "photos"))

    def label(opener: Callable[..., Any], options: dict[str, Any], *_: Any, **__: Any) -> None:
        feeding = check_feeds(options)
        with Journal(path, "me", str(tmp_path / "photos")) as journal:
            journal.read()
            about = SimpleNamespace(uuid="test")
            dataset = SimpleNamespace(source=str(tmp_path / "photos"))
            session = SimpleNamespace(about=about)
            work: Any = SimpleNamespace(
                path=path, journal=journal, dataset=dataset, session=session
            )
            with start_feeds(feeding, work) as feeds:
                assert feeds is not None
                journal.append([label_of("a", "cat", "1.png"), label_of("b", "dog", "2.png")], "me")
                assert feeds.finish() == []

    monkeypatch.setattr("tuilabel.commands.label._label", label)
    monkeypatch.chdir(tmp_path)


def run(line: str) -> None:
    words = shlex.split(line)
    assert words.pop(0) == "tuilabel"
    with contextlib.ExitStack() as stack:
        if ">" in words:
            file = stack.enter_context(Path(words.pop()).open("w"))
            words.remove(">")
            stack.enter_context(contextlib.redirect_stdout(file))
        main(words, prog_name="tuilabel", standalone_mode=False)


def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(tmp_path, monkeypatch)
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, colour in enumerate(("red", "blue"), 1):
        Image.new("RGB", (9, 9), colour).save(photos / f"{number}.png")
    text = PAGE.read_text(encoding="utf-8")
    (script,) = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    (tmp_path / "learn.py").write_text(script)
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    reader = None
    for line in "".join(blocks).splitlines():
        if line.endswith(" &"):
            reader = subprocess.Popen(["sh", "-c", f"exec {line[:-2]}"])
        elif line.startswith("mkfifo"):
            subprocess.run(shlex.split(line), check=True)
        else:
            run(line.replace("'python ", f"'{sys.executable} "))
    assert reader is not None
    assert reader.wait(60) == 0
    with (tmp_path / "labels.csv").open(newline="") as file:
        assert {row["filename"]: row["label"] for row in csv.DictReader(file)} == {
            "1.png": "cat",
            "2.png": "dog",
        }
    for name in ("changes.jsonl", "copy.jsonl"):
        lines = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        assert [line["now"] for line in lines] == ["cat", "dog"], name
    end = time.monotonic() + 60
    while "fitted to 2 labels\n" not in (tmp_path / "learn.log").read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
