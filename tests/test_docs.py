"""README, docs and AGENTS.md are true; `python tests/test_docs.py` makes their generated parts."""

from __future__ import annotations

import ast
import json
import re
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from click.testing import CliRunner
from learn import test_strategies, test_transformers
from loop_fakes import ME
from screen_app import ScreenApp
from sessions import label_of, new_session

from tuilabel.cli import COMMANDS, main
from tuilabel.exchange import jsonl_format
from tuilabel.exchange.output import export_to
from tuilabel.exchange.rows import label_rows
from tuilabel.learn import strategies, transformers
from tuilabel.line.answers import Command
from tuilabel.plugins import GROUPS
from tuilabel.session.view import SessionView
from tuilabel.settings import KEYMAPS, Settings, resolve
from tuilabel.settings.report import settings_table
from tuilabel.tui import screens
from tuilabel.tui.keymap.actions import ACTIONS, PAUSE, PLACES, SIDE_ACTIONS
from tuilabel.tui.keymap.resolved import keymap_of
from tuilabel.tui.screens import places
from tuilabel.tui.screens.label import LabelScreen
from tuilabel.workspace.opening import SourceOptions, open_workspace

REPOSITORY = Path(__file__).resolve().parent.parent
README, AGENTS = REPOSITORY / "README.md", REPOSITORY / "AGENTS.md"
DOCS = sorted((REPOSITORY / "docs").glob("*.md"))
EXAMPLE = REPOSITORY / "tests" / "plugins" / "example"
PAGES = [README, AGENTS, REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "CHANGELOG.md", *DOCS]


# The parts that are made from the program.


def table(*rows: tuple[str, ...]) -> str:
    head, *rest = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|---" * len(rows[0]) + "|", *rest])


def coded(names: Any, between: str = " ") -> str:
    return between.join(f"`{name}`" for name in names)


def key_table() -> str:
    rows = [(coded(action.shown_keys, " or "), action.help) for action in ACTIONS]
    return table(("key", "what it does"), *rows)


def side_key_table() -> str:
    moves = {action.id for action in SIDE_ACTIONS["cell"]}
    rows = [
        (place, coded(action.shown_keys, " or "), action.help)
        for place in (*PLACES, "rest", "view")
        for action in SIDE_ACTIONS[place]
        if action.id not in moves
    ]
    return table(("screen", "key", "what it does"), *rows)


def keymap_table() -> str:
    keymaps = [keymap_of(Settings(keymap=name)) for name in KEYMAPS]
    rows = [
        (f"`{action.id}`", *(coded(keymap.action(action.id).shown_keys) for keymap in keymaps))
        for action in (*ACTIONS, PAUSE)
    ]
    return table(("action", *(f"`{name}`" for name in KEYMAPS)), *rows)


def line_table() -> str:
    forms = [[command.letter, f":{command.word}"] for command in Command]
    rows = [(coded(filter(None, f), " or "), c.help) for f, c in zip(forms, Command, strict=True)]
    return table(("answer", "what it does"), *rows)


def help_blocks() -> str:
    blocks = []
    for command in ("", *COMMANDS):
        arguments = [command, "--help"] if command else ["--help"]
        shown = CliRunner().invoke(main, arguments, prog_name="tuilabel", terminal_width=100)
        assert shown.exit_code == 0
        words = " ".join(["tuilabel", *arguments])
        blocks.append(f"```\n$ {words}\n{shown.output.rstrip()}\n```")
    return "\n\n".join(blocks)


def example(file: str) -> Callable[[], str]:
    """Return a function that returns a file of the example of a plug-in as a block."""
    kind = "python" if file.endswith(".py") else ""
    path = EXAMPLE / file
    return lambda: f"```{kind}\n{path.read_text(encoding='utf-8').rstrip()}\n```"


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "keys.md": {"keys": key_table, "side-keys": side_key_table, "keymaps": keymap_table},
    "terminals.md": {"line": line_table},
    "settings.md": {"settings": settings_table},
    "commands.md": {"help": help_blocks},
    "plugins.md": {
        "project": example("pyproject.toml"),
        "source": example("tuilabel_example/stripes.py"),
        "features": example("tuilabel_example/profile.py"),
        "model": example("tuilabel_example/nearest.py"),
        "strategy": example("tuilabel_example/gini.py"),
        "writer": example("tuilabel_example/json_array.py"),
        "store": example("tuilabel_example/database.py"),
    },
}


def marked(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name}: [^>]*-->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)


@pytest.mark.parametrize(("page", "name"), [(page, name) for page in PARTS for name in PARTS[page]])
def test_what_the_program_makes_is_what_the_page_says(page: str, name: str) -> None:
    found = marked(name).search((REPOSITORY / "docs" / page).read_text(encoding="utf-8"))
    assert found is not None
    made = PARTS[page][name]()
    # Versions of click break lines at different places.
    assert found[2].split() == made.split(), "run `python tests/test_docs.py`"


# What is written by hand.


def blocks(page: Path, kind: str = r"\w*") -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def test_the_readme_is_short_and_begins_with_two_commands() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    assert "pip install . && tuilabel " in text
    assert '\npip install ".[test]" && pytest ' in text, ".ci/run runs this line"


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    yield from re.findall(r"\]\(([^)]+)\)|(?:src|href)=\"([^\"]+)\"|^\[[^]]+\]: (\S+)", text)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in map("".join, links(page)):
        if link.startswith("https://"):
            continue
        assert page != README, f"{link}: a package index resolves no relative link"
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_found_from_the_readme() -> None:
    named = set(re.findall(r"`(docs/[\w/-]+\.md)`", README.read_text(encoding="utf-8")))
    assert named == {f"docs/{page.name}" for page in DOCS}


@pytest.mark.parametrize("page", [README, *DOCS], ids=lambda page: page.name)
def test_every_command_shown_has_the_options_it_is_given(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in COMMANDS:  # before there are more names, which their help would keep
        main.get_command(None, name)  # type: ignore[arg-type]
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for group, functions in project["entry-points"].items():
        for name, function in functions.items():
            built_in = GROUPS[group.removeprefix("tuilabel.")].built_in
            monkeypatch.setitem(built_in, name, function)
    shown = [line for block in blocks(page) for line in block.splitlines()]
    for line in shown:
        words = re.search(r"(?:^|\$ |\| )tuilabel( [^|]*)?$", line.partition("   #")[0])
        if words is None or page.name == "commands.md":
            continue
        arguments = [*takewhile(lambda word: word != ">", shlex.split(words[1] or ""))]
        name = arguments.pop(0) if arguments and arguments[0] in COMMANDS else "label"
        command = main.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        # The parent, because click keeps the names of the help option of the first context.
        command.make_context(name, arguments, parent=click.Context(main, **main.context_settings))


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_examples_of_settings_are_taken(page: Path, tmp_path: Path) -> None:
    for block in blocks(page, "toml"):
        file = tmp_path / "settings.toml"
        file.write_text(block, encoding="utf-8")
        keymap_of(resolve({}, environ={}, file=file))


def test_the_example_of_own_keys_does_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    (example,) = blocks(REPOSITORY / "docs" / "keys.md", "toml")
    file.write_text(example, encoding="utf-8")
    keymap = keymap_of(resolve({}, environ={}, file=file))
    assert keymap.name == "vim"
    assert keymap.keys["more_contrast"] == ("ctrl+up",)
    assert keymap.class_keys(["dog", "cat"]) == ("1", "c")


def test_the_example_of_a_simulation_finds_what_it_imports() -> None:
    (example,) = blocks(REPOSITORY / "docs" / "simulations.md", "python")
    exec(compile(example, "simulations.md", "exec"), {"__name__": "example"})


def test_every_test_and_file_that_is_named_exists() -> None:
    for page in (AGENTS, REPOSITORY / "CONTRIBUTING.md"):
        text = page.read_text(encoding="utf-8")
        for path, name in re.findall(r"`(?:pytest )?(tests/[\w/.]+)(?:::(\w+))?`", text):
            file = REPOSITORY / path
            assert file.exists(), path
            if name:
                functions = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
                assert name in {getattr(node, "name", None) for node in functions}, name
        for path in re.findall(r"`(tuilabel/[\w/.]+)`", text):
            assert (REPOSITORY / path).exists(), path


# The worked examples of AGENTS.md.


def run_example(word: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run the example that has a word in it among the names of a module; return all names."""
    (block,) = (block for block in blocks(AGENTS, "python") if word in block)
    exec(compile(block, "AGENTS.md", "exec"), names)
    return names


def contract(module: ModuleType, parameter: str) -> Iterator[Callable[..., None]]:
    """Yield the tests of a module that run for every value of one parameter and for no other."""
    for test in vars(module).values():
        marks = [m for m in getattr(test, "pytestmark", ()) if m.name == "parametrize"]
        if [mark.args[0] for mark in marks] == [parameter]:
            yield test


def test_the_example_of_a_strategy_keeps_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    gini = run_example("def gini", {**vars(strategies)})["gini"]
    monkeypatch.setattr(strategies, "gini", gini, raising=False)
    target = f"{strategies.__name__}:gini"
    monkeypatch.setitem(GROUPS["strategies"].built_in, "gini", target)
    tests = list(contract(test_strategies, "name"))
    assert len(tests) > 10
    for test in tests:
        test(name="gini")


def test_the_example_of_features_keeps_the_contract() -> None:
    profile = run_example("class Profile", {**vars(transformers)})["Profile"]
    tests = list(contract(test_transformers, "transformer"))
    assert len(tests) > 4
    for test in tests:
        test(transformer=profile())


def test_the_example_of_a_format_writes_what_a_label_has(tmp_path: Path) -> None:
    session = tmp_path / "s.tuilabel"
    new_session(session, label_of("id1", "cat"))
    rows = list(label_rows(SessionView(session).labelled()))
    assert [row["class"] for row in rows] == ["cat"]
    write = run_example("def write_json", {**vars(jsonl_format)})["write_json"]
    export_to(tmp_path / "out.json", rows, write)
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8")) == rows


async def test_the_example_of_a_screen_shows_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType(f"{screens.__name__}.skips")
    module.__file__ = str(Path(str(screens.__file__)).with_name("skips.py"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(SIDE_ACTIONS, "skips", ())
    monkeypatch.setitem(places._CLASSES, "skips", "SkipsScreen")
    run_example("class SkipsScreen", vars(module))
    flags = {"annotator": "me", "cold_start": "random"}
    path = tmp_path / "digits.tuilabel"
    with open_workspace(SourceOptions("digits"), flags, path=path) as workspace:
        loop = workspace.session
        loop.skip(str(loop.current_id), by=ME)
        app = ScreenApp(workspace, LabelScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            app.label_screen.visit("skips")
            await pilot.pause()
            assert app.screen._count.render_line(0).text.split() == ["1", "image", "skipped"]


def update() -> None:
    """Write the generated parts into their pages."""
    for page, parts in PARTS.items():
        path = REPOSITORY / "docs" / page
        text = path.read_text(encoding="utf-8")
        for name, make in parts.items():
            made = make()
            text = marked(name).sub(lambda found, made=made: f"{found[1]}{made}\n{found[3]}", text)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    update()
