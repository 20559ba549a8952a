"""Each example of a source in docs/formats.md is run, and labels an image."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.pty.labelling import Home, LabellingTerminal

pytestmark = pytest.mark.usefixtures("no_fits")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
EXAMPLES = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
SHOWN = {
    "photos/train.txt": ("1", 3),
    "find photos": ("1", 3),
    "'photos/*s/": ("2", 3),
    "photos.csv": ("2", 2),
    "digits.csv": ("1", 3),
    "tuilabel photos --classes": ("1", 4),
    "--group folder": ("1", 3),
    "boxes.csv": ("2", 3),
    "md.json": ("1", 2),
    "stack.tif": ("1", 8),
    "--folders labels": ("1", 1),
    "--folders truth": ("1", 3),
    "scans.npz": ("1", 20),
    ".heic": ("1", 3),
    "tuilabel scans --classes": ("1", 2),
    "tuilabel sky": ("1", 4),
    "photos.parquet": ("1", 3),
    "file://": ("1", 4),
}
"""A word of each example, a key of a class, and one more than the number of images left then."""

NEEDED = {
    ".heic": ("pillow_heif", "heic"),
    "tuilabel scans --classes": ("pydicom", "dicom"),
    "tuilabel sky": ("astropy", "fits"),
    "photos.parquet": ("pyarrow", "hf"),
    "file://": ("fsspec", "remote"),
}
"""The module that an example needs, and the extra that has it."""


@pytest.fixture
def photos(home: Home) -> None:
    """Make the images of the examples, after a file that is older."""
    (home.path / "photos").mkdir()
    (home.path / "since").touch()
    for value, name in enumerate(("cats/1.png", "cats/2.png", "dogs/1.png", "dogs/old.PNG")):
        path = home.path / "photos" / name
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8), 60 * value).save(path)


def test_there_is_an_example_of_each() -> None:
    assert len(EXAMPLES) == len(SHOWN)
    assert all(sum(word in example for example in EXAMPLES) == 1 for word in SHOWN)


@pytest.mark.usefixtures("photos")
def test_without_classes_the_annotator_is_asked_what_the_folders_are(
    start: Callable[..., LabellingTerminal], home: Home
) -> None:
    for answer, word in (("n", r"has no class\s+names,\s+but"), ("s", "suggested by folders")):
        terminal = start("photos", cwd=home.path)
        terminal.wait_for(r"Are the names of the 2 folders .cats, dogs. labels to")
        terminal.press(f"{answer}\r")
        terminal.wait_for(word)
    terminal.quit()
    assert home.status()["labels"] == 0


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize("word", SHOWN)
def test_an_example_labels_its_images(
    start: Callable[..., LabellingTerminal], home: Home, word: str
) -> None:
    if word in NEEDED:
        module, extra = NEEDED[word]
        pytest.importorskip(module, reason=f"needs {module}: pip install -e '.[{extra}]'")
    (example,) = (example for example in EXAMPLES if word in example)
    programs = {"tuilabel": f"{sys.executable} -m tuilabel", "python3": sys.executable}
    script = re.sub(r"\b(tuilabel|python3)(?= \S)", lambda found: programs[found[0]], example)
    terminal = start(command=("sh", "-c", script), cwd=home.path)
    terminal.wait_ready()
    key, count = SHOWN[word]
    terminal.answer(key)
    terminal.quit()
    imported = 3 if "--folders labels" in example else 0
    labels = f"{1 + imported} label{'s' * bool(imported)}; saved in"
    assert labels in terminal.after_screen
    assert home.status()["pool_left"] == count - 1
