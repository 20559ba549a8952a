"""The boundary to Textual's internals: which of its private names are used, and where.

Textual may rename a private name in any release. Every use stands in `tui/terminal/` or `tui/app/`,
and in the table below, so that a release that takes one away fails here, by name.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest
import textual

import tuilabel.tui

USED = {
    "textual._compositor": "ChopsUpdate CompositorUpdate LayoutUpdate",
    "textual._time": "get_time",
    "textual._xterm_parser": "XTermParser",
    "textual._xterm_parser:XTermParser": "_sequence_to_key_events",
    "textual.app:App": """
        _batch_count _close_messages_no_wait _closed _current_mode _display _driver _exception
        _exception_event _exit _filters _handle_exception _loop _return_code _running
        _screen_stacks""",
    "textual.command:CommandList": "_lines",
    "textual.command:CommandPalette": "_placeholder",
    "textual.dom:DOMNode": "_bindings",
    "textual.drivers.linux_driver:LinuxDriver": """
        _app _disable_mouse_support _enable_mouse_support _file _get_terminal_size _key_thread
        _loop _query_in_band_window_resize _run_input_thread _writer_thread""",
    "textual.screen:Screen": "_on_timer_update _update_timer",
    "textual.widgets._input:Input": "_pause_blink",
}
"""A module or class of Textual, and the names in it that tuilabel uses though they are private."""

LISTED = {(home, name) for home, names in USED.items() for name in names.split()}
ROOMS = ("tuilabel.tui.terminal", "tuilabel.tui.app")
PRIVATE = re.compile(r"_[a-z]\w*")
ASSIGNED = re.compile(r"self\.(_[a-z]\w*)(?::[^=\n]+)? = ")


@cache
def private_names(kind: type) -> set[str]:
    """Return the private names of a class of Textual, its own and its bases'."""
    found: set[str] = set()
    for base in kind.__mro__:
        if is_of_textual(base):
            found |= {name for name in vars(base) if PRIVATE.fullmatch(name)}
            _, source = classes_of(base.__module__)[base.__qualname__]
            found |= set(ASSIGNED.findall(source))
    return found


@cache
def classes_of(module: str) -> dict[str, tuple[ast.ClassDef, str]]:
    """Return the syntax and the source of each class of a module, by name.

    `inspect.getsource` would parse the whole module again for each class.
    """
    source = inspect.getsource(importlib.import_module(module))
    lines = source.splitlines(keepends=True)
    found: dict[str, tuple[ast.ClassDef, str]] = {}

    def walk(node: ast.AST, prefix: str) -> None:
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.ClassDef):
                name = prefix + inner.name
                found[name] = inner, "".join(lines[inner.lineno - 1 : inner.end_lineno])
                walk(inner, f"{name}.")
            elif not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                walk(inner, prefix)

    walk(ast.parse(source), "")
    return found


def is_of_textual(kind: type) -> bool:
    return kind.__module__.startswith("textual.")


@cache
def all_private_names() -> set[str]:
    """Return every private name that any class of Textual has."""
    found: set[str] = set()
    for file in Path(textual.__file__).parent.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        found |= set(ASSIGNED.findall(text)) | set(re.findall(r"    def (_[a-z]\w*)\(", text))
    return found


def modules() -> Iterator[str]:
    for found in pkgutil.walk_packages(tuilabel.tui.__path__, "tuilabel.tui."):
        yield found.name


def names_of(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Yield the private attributes that are used, and whether they are `self`'s."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and PRIVATE.fullmatch(node.attr):
            yield node.attr, isinstance(node.value, ast.Name) and node.value.id == "self"
        elif isinstance(node, ast.FunctionDef) and PRIVATE.fullmatch(node.name):
            yield node.name, True


@cache
def uses() -> tuple[tuple[str, str, str], ...]:
    """Return module, class or module of Textual, and private name, for every use in tui/."""
    return tuple(_uses())


def _uses() -> Iterator[tuple[str, str, str]]:
    anywhere = all_private_names()
    for name in modules():
        module = importlib.import_module(name)
        tree = ast.parse(inspect.getsource(module))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual._"):
                for alias in node.names:
                    yield name, str(node.module), alias.name
        own = {attr for attr, of_self in names_of(tree) if of_self}
        for attr, of_self in names_of(tree):
            if not of_self and attr in anywhere - own:
                yield name, "textual", attr
        for kind in vars(module).values():
            if isinstance(kind, type) and kind.__module__ == name:
                inherited = private_names(kind)
                syntax, _ = classes_of(name)[kind.__qualname__]
                for attr, of_self in names_of(syntax):
                    if of_self and attr in inherited:
                        home = next(
                            base
                            for base in kind.__mro__
                            if base.__module__.startswith("textual.")
                            and attr in private_names(base)
                        )
                        yield name, f"{home.__module__}:{home.__qualname__}", attr


@pytest.mark.parametrize(("home", "name"), sorted(LISTED))
def test_textual_still_has_every_private_name_that_is_used(home: str, name: str) -> None:
    module_name, _, class_name = home.partition(":")
    module = importlib.import_module(module_name)
    there = private_names(getattr(module, class_name)) if class_name else set(vars(module))
    assert name in there, (
        f"Textual {version('textual')} no longer has {home}.{name}, which tuilabel.tui uses: "
        "find its replacement there, and keep older releases out of pyproject.toml if needed."
    )


def test_every_use_of_a_private_name_is_in_its_room_and_listed() -> None:
    listed = {name for _, name in LISTED}
    for module, home, name in uses():
        assert module.startswith(ROOMS), (
            f"{module} uses {name} of {home}: put that behind a function in "
            "tui/terminal/textual_internals.py."
        )
        known = (home, name) in LISTED or (home == "textual" and name in listed)
        assert known, f"{module} uses {name} of {home}: add it to USED in this file."


def test_nothing_is_listed_that_is_not_used() -> None:
    used = {name for _, _, name in uses()}
    assert {name for _, name in LISTED} <= used
