"""Every block of the pages about Python, and about reading exports, runs where its library is."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.data.item_ids import file_digest
from tuilabel.session.view import SessionView
from tuilabel.workspace.places import session_path

pytestmark = pytest.mark.usefixtures("warm_decoders", "own_home")

DOCS = Path(__file__).parents[1] / "docs"
NAMES = [f"{number}.png" for number in range(40)]


def blocks(page: str, heading: str = "") -> dict[str, str]:
    """Return the blocks below a heading of a page, or before the first one, by their language."""
    text = (DOCS / page).read_text(encoding="utf-8")
    section = re.split(r"^## ", text, flags=re.M)
    (own,) = (part for part in section if part.startswith(heading or "# "))
    found = re.findall(r"^```(\w+)\n(.*?)^```", own, re.M | re.S)
    assert found
    return dict(found)


def item_of(path: Path) -> str:
    with path.open("rb") as file:
        return f"f1:{file_digest(file).hex()}"


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the current one: the brightness of an image is its class, 32 of 40 labelled."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    labels = []
    for number, name in enumerate(NAMES):
        pixels = np.full((8, 8), 150 * (number % 2) + number, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
        if number < 32:
            item, is_audit = item_of(folder / name), number % 8 < 2
            labels.append(label_of(item, ("cat", "dog")[number % 2], name, audit=is_audit))
    new_session(session_path(str(folder)), *labels, source=str(folder))
    return folder


def export(heading: str) -> None:
    for line in blocks("training.md", heading)["sh"].splitlines():
        result = CliRunner().invoke(main, shlex.split(line)[1:], prog_name="tuilabel")
        assert result.exit_code == 0, result.output


def run(code: str) -> dict[str, object]:
    names: dict[str, object] = {}
    exec(compile(code, "page", "exec"), names)
    return names


def test_the_notebook_runs(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("paths.npy", NAMES)
    np.save("embeddings.npy", [[number % 2, number / 40] for number in range(40)])
    run(blocks("python.md")["python"])
    accuracy, asked = capsys.readouterr().out.splitlines()
    assert accuracy == "1.0 on 8 unseen images"
    assert {*re.findall(r"[\w.]+", asked)} == {*NAMES[32:]}
    known = SessionView(session_path(str(photos))).known
    assert known.suggestion(item_of(photos / NAMES[39])) is not None


def test_scikit_learn(photos: Path) -> None:
    export("scikit-learn")
    names = run(blocks("training.md", "scikit-learn")["python"])
    assert names["model"].score(names["X"] / 255, [row["class"] for row in names["rows"]]) == 1  # type: ignore[attr-defined, operator, index]


def test_pytorch(photos: Path) -> None:
    pytest.importorskip("torchvision")
    export("PyTorch")
    names = run(blocks("training.md", "PyTorch")["python"])
    assert len(names["train"]) + len(names["valid"]) == 32  # type: ignore[arg-type]


def test_a_loader(photos: Path) -> None:
    torch = pytest.importorskip("torch")
    code = blocks("python.md", "Images for PyTorch")["python"]
    names = run(
        "import numpy as np, torch, tuilabel\n"
        "transform = lambda image: torch.from_numpy(np.array(image))\n" + code
    )
    assert names["images"].shape[1:] == (8, 8, 3)  # type: ignore[attr-defined]
    assert names["targets"].dtype == torch.int64  # type: ignore[attr-defined]


def test_hugging_face(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("datasets")
    export("Hugging Face")
    names = run(blocks("training.md", "Hugging Face")["python"])
    assert {*names["images"]} == {"train", "test"}  # type: ignore[misc]
    assert capsys.readouterr().out.startswith("['cat', 'dog']")


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r(photos: Path) -> None:
    export("scikit-learn")
    code = blocks("training.md", "R\n")["r"]
    done = subprocess.run(
        ["Rscript", "-e", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert re.search(r"cat +16", done.stdout)
