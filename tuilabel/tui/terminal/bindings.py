"""Textual's bindings of one screen, behind two public functions: it has none to change them."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingsMap
from textual.dom import DOMNode


def set_bindings(node: DOMNode, bindings: Iterable[Binding]) -> None:
    """Replace all bindings of a screen or an application.

    Textual's own keymaps are applied again at every key, and lose keys that two actions exchange.
    """
    node._bindings = BindingsMap(list(bindings))


def actions_of_key(node: DOMNode, key: str) -> list[str]:
    """Return the actions that a key is bound to on a screen or an application."""
    return [binding.action for binding in node._bindings.key_to_bindings.get(key, ())]
