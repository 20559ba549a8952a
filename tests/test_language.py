"""Plain English: phrases that no user reads, and words that no docstring begins with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tuilabel.cli import COMMANDS, EXAMPLES, main

PACKAGE = Path(__file__).resolve().parent.parent / "tuilabel"
ROOMS = sorted(
    path.name
    for path in PACKAGE.iterdir()
    if path.suffix == ".py" or (path / "__init__.py").is_file()
)

BANNED = re.compile(
    r"\b(?:what holds|(?:labels?|answers?) (?:that )?holds?|no longer holds?|by wish|wish(?:ed|es)?"
    r"|(?:is|are|was) said|whoever|makes? no sense|mend(?:s|ed)?|own fault|anew|by itself"
    r"|has left the source|what learns|tell what|say so|cannot be meant|there from before)\b",
    re.IGNORECASE,
)
"""Write instead: in effect, on request, reported, anyone who, invalid, fix, a bug, continues."""

FIRST_WORDS = re.compile(r"(?:Give|Tell|Say|Hear|Mend)s?\b")
"""Write instead: Return, Show, Report, Record, Handle, Raise."""


def trees(room: str) -> Iterator[tuple[Path, ast.Module]]:
    """Yield the files of a room of the package, parsed."""
    path = PACKAGE / room
    for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
        yield file.relative_to(PACKAGE), ast.parse(file.read_text(encoding="utf-8"))


def is_documentation(statement: ast.AST) -> bool:
    """Whether a statement is a string alone: a docstring, or what follows a constant."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every string but docstrings, with {} for what is filled in."""
    for node in ast.iter_child_nodes(tree):
        if is_documentation(node):
            continue
        if isinstance(node, ast.JoinedStr):
            parts = (str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        if not isinstance(node, ast.JoinedStr):
            yield from strings(node)
        else:
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    yield from strings(part)


def documentation(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every docstring, those of constants too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value)


def help_texts() -> Iterator[tuple[str, str]]:
    """Yield everything that `--help` shows, with its place."""
    context = click.Context(main)
    yield "tuilabel", str(main.help)
    yield "tuilabel", " ".join(meaning for _, meaning in EXAMPLES)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        yield name, str(command.help)
        for option in command.params:
            if isinstance(option, click.Option):
                yield f"{name} {option.opts[0]}", str(option.help)


@pytest.mark.parametrize("room", ROOMS)
def test_no_string_has_a_banned_phrase(room: str) -> None:
    found = [
        f"{file}:{line}: {banned[0]!r} in {text!r}"
        for file, tree in trees(room)
        for line, text in strings(tree)
        if (banned := BANNED.search(text))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("room", ROOMS)
def test_no_docstring_begins_with_a_banned_word(room: str) -> None:
    found = [
        f"{file}:{line}: {text.splitlines()[0]}"
        for file, tree in trees(room)
        for line, text in documentation(tree)
        if FIRST_WORDS.match(text)
    ]
    assert not found, "\n".join(found)


def test_no_help_has_a_banned_phrase_and_every_help_is_a_sentence() -> None:
    for place, text in help_texts():
        sentence = re.sub(r" \[default: .*\]$", "", " ".join(text.split()))
        assert not BANNED.search(text), place
        assert sentence[0].isupper(), place
        assert sentence.endswith("."), place


def test_the_search_sees_strings_in_any_place_and_no_docstring() -> None:
    code = '"""Mend."""\nX = f"a {f(\'mend it\')} {1} mend"\n"""Mend."""\nraise E("me" "nd")\n'
    tree = ast.parse(code)
    assert [text for _, text in strings(tree)] == ["a {} {} mend", "mend it", "mend"]
    assert [text for _, text in documentation(tree)] == ["Mend.", "Mend."]
