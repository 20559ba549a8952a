"""What Textual has no public way to do, behind public functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.app import App
from textual.binding import Binding, BindingsMap
from textual.dom import DOMNode
from textual.filter import LineFilter


def set_bindings(node: DOMNode, bindings: Iterable[Binding]) -> None:
    """Replace all bindings of a screen or an application.

    Textual's own keymaps are applied again at every key, and lose keys that two actions exchange.
    """
    node._bindings = BindingsMap(list(bindings))


def actions_of_key(node: DOMNode, key: str) -> list[str]:
    """Return the actions that a key is bound to on a screen or an application."""
    return [binding.action for binding in node._bindings.key_to_bindings.get(key, ())]


def set_filters(app: App[Any], filters: Iterable[LineFilter]) -> None:
    """Replace all filters that lines go through before they are written."""
    app._filters = list(filters)


def is_leaving(app: App[Any]) -> bool:
    """Return whether the application is about to end, so that keys typed later are not for it."""
    return app._exit
