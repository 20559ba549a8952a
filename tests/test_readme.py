"""The README says what the program does; `python tests/test_readme.py` brings it up to date."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from tuilabel.cli import main
from tuilabel.tui.actions import ACTIONS

README = Path(__file__).resolve().parent.parent / "README.md"
COMMANDS = (
    "",
    "label",
    "demo",
    "status",
    "export",
    "repair",
    "autolabel",
    "simulate",
    "settings",
    "doctor",
)


def key_table() -> str:
    rows = ["| key | what it does |", "|---|---|"]
    for action in ACTIONS:
        keys = " or ".join(f"`{key}`" for key in action.shown_keys)
        rows.append(f"| {keys} | {action.help} |")
    return "\n".join(rows)


def help_blocks() -> str:
    blocks = []
    for command in COMMANDS:
        arguments = [command, "--help"] if command else ["--help"]
        shown = CliRunner().invoke(main, arguments, prog_name="tuilabel", terminal_width=100)
        assert shown.exit_code == 0
        words = " ".join(["tuilabel", *arguments])
        blocks.append(f"```\n$ {words}\n{shown.output.rstrip()}\n```")
    return "\n\n".join(blocks)


def part(name: str) -> str:
    text = README.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name}: [^>]*-->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert found is not None
    return found[1].strip()


def test_the_key_table_is_the_registry() -> None:
    assert part("keys") == key_table()


def test_the_commands_are_what_help_says() -> None:
    # How click breaks lines is its own affair.
    assert part("help").split() == help_blocks().split()


def test_every_picture_and_file_that_is_linked_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert (README.parent / link).is_file(), link


def update() -> None:
    text = README.read_text(encoding="utf-8")
    for name, content in {"keys": key_table(), "help": help_blocks()}.items():
        text = re.sub(
            rf"(<!-- {name}: [^>]*-->\n).*?(<!-- /{name} -->)",
            lambda found, content=content: f"{found[1]}{content}\n{found[2]}",
            text,
            flags=re.DOTALL,
        )
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    update()
