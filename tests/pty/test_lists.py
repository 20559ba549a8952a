"""A list of paths that another program writes, labelled or looked at."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
from PIL import Image

from tests.pty.labelling import Home, LabellingTerminal
from tests.pty.test_view import mark

pytestmark = pytest.mark.usefixtures("no_fits")

Start = Callable[..., LabellingTerminal]


@pytest.fixture
def photos(home: Home) -> None:
    (home.path / "photos").mkdir()
    for value in range(6):
        Image.new("L", (8, 8), 40 * value).save(home.path / "photos" / f"{value}.png")


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script.replace("tuilabel", f"{sys.executable} -m tuilabel"))


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("find", "options"), [("find photos -name '[123].png'", ""), ("find photos -print0", "-0")]
)
def test_what_find_finds_is_labelled_and_the_labels_go_on(
    start: Start, home: Home, find: str, options: str
) -> None:
    script = (
        f"(sleep 1; {find}) | tuilabel - {options} --classes 1,2 --batch-size 2 2>log | cat >out"
    )
    terminal = start(command=shell(script), cwd=home.path)
    terminal.wait_ready()
    terminal.answer("1")
    terminal.answer("2")
    terminal.quit()
    rows = [json.loads(line) for line in (home.path / "out").read_text().splitlines()]
    assert [row["class"] for row in rows] == ["1", "2"]
    assert {row["reference"] for row in rows} <= {f"photos/{value}.png" for value in range(6)}
    # Without arguments the session goes on, with the list that was kept.
    again = start(command=shell("tuilabel"), cwd="/")
    again.wait_ready()
    again.answer("1")
    again.quit()
    assert "3 labels; saved in" in again.after_screen


@pytest.mark.usefixtures("photos")
def test_a_list_that_names_nothing_ends_before_a_screen(start: Start) -> None:
    terminal = start(command=shell("true | tuilabel -; echo status $?"), cwd="/")
    terminal.wait_for(lambda: "status 2" in terminal.after_screen)
    assert "Standard input named no file" in " ".join(terminal.after_screen.split())


@pytest.mark.usefixtures("photos")
def test_a_list_is_looked_at_and_the_marked_paths_go_on(start: Start, home: Home) -> None:
    script = "find photos -name '*.png' | sort | tuilabel view - | cat >out"
    terminal = start(command=shell(script), cwd=home.path)
    terminal.wait_for("1 of 6, by name")
    mark(terminal, 1)
    terminal.press("q")
    terminal.wait_exit()
    assert (home.path / "out").read_text() == "photos/0.png\n"
