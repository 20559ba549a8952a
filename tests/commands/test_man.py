"""The manual page; `python tests/commands/test_man.py` brings it up to date."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click
import pytest

from tuilabel import __version__
from tuilabel.cli import COMMANDS, EXAMPLES, main
from tuilabel.commands.man import man_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tuilabel.1"


def page() -> str:
    return man_page(main, __version__, EXAMPLES)


def test_the_page_in_docs_is_the_one_that_the_commands_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"run `python {__file__}`"


def test_every_command_and_every_option_has_its_place() -> None:
    lines = page().splitlines()
    context = click.Context(main)
    for name in COMMANDS:
        section = lines.index(f".SS {name}")
        command = main.get_command(context, name)
        assert command is not None
        for option in command.params:
            if isinstance(option, click.Option):
                long = option.opts[-1].replace("-", "\\-")
                assert any(long in line for line in lines[section:]), (name, option.name)


def test_no_text_of_a_command_is_taken_for_an_instruction() -> None:
    @click.group("tool")
    def tool() -> None:
        """Do.

        .SH is no section, 'nor' this; a \\ stays.
        """

    lines = man_page(tool, "1", [(".x", "'y'")]).splitlines()
    assert "\\&.SH is no section, \\(aqnor\\(aq this; a \\e stays." in lines
    assert ".B \\&.x" in lines


def test_groff_has_no_complaint() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not here")
    done = subprocess.run(
        [groff, "-man", "-ww", "-z", "-Tutf8", str(PAGE)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
