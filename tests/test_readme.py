"""The README says what the program does; `python tests/test_readme.py` brings it up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tuilabel.cli import main
from tuilabel.settings import KEYMAPS, SETTINGS, Settings, resolve
from tuilabel.tui.keymap.actions import ACTIONS, PAUSE
from tuilabel.tui.keymap.resolved import keymap_of

README = Path(__file__).resolve().parent.parent / "README.md"
COMMANDS = (
    "",
    "label",
    "demo",
    "home",
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


def keymap_table() -> str:
    keymaps = [keymap_of(Settings(keymap=name)) for name in KEYMAPS]
    rows = [f"| action | {' | '.join(f'`{name}`' for name in KEYMAPS)} |", "|---" * 6 + "|"]
    for action_id, *_ in [*ACTIONS, PAUSE]:
        cells = [
            " ".join(f"`{key}`" for key in keymap.action(action_id).shown_keys)
            for keymap in keymaps
        ]
        rows.append(f"| `{action_id}` | {' | '.join(cells)} |")
    return "\n".join(rows)


def settings_list() -> str:
    names = (name for name, setting in SETTINGS.items() if not setting.is_table)
    return ", ".join(f"`{name}`" for name in names) + "; tables `[keys]`, `[class_keys]`."


PARTS = {
    "keys": key_table,
    "keymaps": keymap_table,
    "help": help_blocks,
    "settings": settings_list,
}


def part(name: str) -> str:
    text = README.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name}: [^>]*-->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert found is not None
    return found[1].strip()


@pytest.mark.parametrize("name", PARTS)
def test_what_the_program_makes_is_what_it_says(name: str) -> None:
    # How click breaks lines is its own affair.
    assert part(name).split() == PARTS[name]().split()


def test_the_keys_that_are_shown_for_settings_toml_hold(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    found = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert found is not None
    file = tmp_path / "settings.toml"
    file.write_text(found[1])
    keymap = keymap_of(resolve({}, environ={}, file=file))
    assert keymap.name == "vim"
    assert keymap.keys["more_contrast"] == ("ctrl+up",)
    assert keymap.class_keys(["dog", "cat"]) == ("1", "c")


def test_every_picture_and_file_that_is_linked_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert (README.parent / link).is_file(), link


def update() -> None:
    text = README.read_text(encoding="utf-8")
    for name, make in PARTS.items():
        text = re.sub(
            rf"(<!-- {name}: [^>]*-->\n).*?(<!-- /{name} -->)",
            lambda found, make=make: f"{found[1]}{make()}\n{found[2]}",
            text,
            flags=re.DOTALL,
        )
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    update()
