"""What is loaded when: a deferred import is seen only in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sessions import new_session

REPOSITORY = Path(__file__).resolve().parent.parent

SCREEN = {"textual", "rich"}
LEARNING = {"sklearn", "scipy"}


def loaded_by(code: str) -> set[str]:
    """Run code in a fresh process; give the modules that it has loaded."""
    report = "import json, sys; before = set(sys.modules)\ntry:\n"
    report += "".join(f"    {line}\n" for line in code.splitlines())
    report += "except SystemExit as end:\n    assert not end.code, end.code\n"
    report += "print(); print(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run(
        [sys.executable, "-c", report],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def run(*arguments: str) -> str:
    return f"from tuilabel.cli import main\nmain({list(arguments)!r})"


def test_the_package_alone_loads_nearly_nothing() -> None:
    assert loaded_by("import tuilabel") <= {"tuilabel", "__future__"}


def test_a_public_name_is_imported_when_it_is_used() -> None:
    heavy = {*SCREEN, *LEARNING, "PIL"}
    loaded = loaded_by("import tuilabel\ntuilabel.open_session\ntuilabel.query")
    assert {"tuilabel.api", "tuilabel.learn.query"} <= loaded
    assert not heavy & loaded


def test_help_loads_no_numbers_and_no_screen() -> None:
    heavy = {*SCREEN, *LEARNING, "numpy", "PIL", "sqlite3", "msgspec"}
    assert not heavy & loaded_by(run("--help"))
    assert not heavy & loaded_by(run("label", "--help"))


@pytest.mark.parametrize(
    "arguments", [("status",), ("status", "--json"), ("export",), ("settings",)]
)
def test_status_and_export_load_no_learning_and_no_screen(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "s.tuilabel"
    new_session(path)
    loaded = loaded_by(run(arguments[0], str(path), *arguments[1:]))
    assert "tuilabel.journal" in loaded
    assert not (SCREEN | LEARNING | {"rich_pixels", "PIL"}) & loaded


@pytest.mark.parametrize("arguments", [("show", "--session"), ("status", "--pictures")])
def test_pictures_are_printed_without_textual_and_without_learning(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "s.tuilabel"
    new_session(path, classes=tuple("0123456789"))
    loaded = loaded_by(run(*arguments, str(path)))
    assert "rich_pixels" in loaded
    assert not ({"textual"} | LEARNING) & loaded


def test_the_screen_loads_no_learning() -> None:
    loaded = loaded_by("import tuilabel.tui.app.labelling")
    assert "textual" in loaded
    assert not LEARNING & loaded


def test_what_is_not_the_screen_loads_neither_screen_nor_learning() -> None:
    modules = ("data", "journal", "learn", "session", "trainer", "exchange", "settings")
    code = "".join(
        f"import tuilabel.{name}\n" for name in (*modules, "workspace", "line.run", "feeds.child")
    )
    assert not (SCREEN | LEARNING) & loaded_by(f"{code}import tuilabel.workspace.opening")


def test_the_trainers_codec_waits_until_the_trainer_starts() -> None:
    assert "msgspec" not in loaded_by("import tuilabel.trainer.client")
    loaded = loaded_by("import tuilabel.trainer.runner")
    assert "msgspec" in loaded
    # What is sent needs no learner in the process that draws.
    assert not (LEARNING | {"tuilabel.learn.learner"}) & loaded


def test_the_leaves_load_none_of_each_other() -> None:
    leaves = {"data", "learn", "journal"}
    for leaf in leaves:
        others = {f"tuilabel.{other}" for other in leaves - {leaf}}
        assert not others & loaded_by(f"import tuilabel.{leaf}")


def test_a_whole_session_without_a_screen_loads_no_learning() -> None:
    code = "from tuilabel.workspace.opening import *\n"
    code += "with open_workspace(SourceOptions('digits'), {}) as work:\n"
    code += "    work.session.label(work.session.current_id, 0, by=work.annotator)\n"
    assert not (SCREEN | LEARNING) & loaded_by(code)


def test_the_first_frame_waits_for_no_other_screen_and_no_picture_files() -> None:
    loaded = loaded_by(
        "import tuilabel.workspace.opening, tuilabel.tui.app.labelling, tuilabel.data.digits"
    )
    later = {f"tuilabel.tui.{name}" for name in ("app.palette", "views.curve", "views.confusion")}
    later |= {f"tuilabel.tui.screens.{name}" for name in ("curve", "confusion", "demo")}
    later |= {"PIL", "rich_pixels", "textual.widgets._markdown", "tuilabel.trainer.runner"}
    assert not later & loaded
