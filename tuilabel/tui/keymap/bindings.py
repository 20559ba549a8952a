"""Keys of actions as textual's bindings."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding
from textual.dom import DOMNode

from tuilabel.tui.keymap.actions import Action
from tuilabel.tui.keymap.keys import KEYPAD
from tuilabel.tui.terminal.textual_internals import set_bindings

EVERYWHERE = ("suspend", "quit")
"""Actions whose keys with Ctrl work everywhere, even where text is typed."""


def only_with_ctrl(action: Action) -> Action:
    """Return an action with only those of its keys that type no text."""
    return action._replace(keys=tuple(key for key in action.keys if key.startswith("ctrl+")))


def bind(node: DOMNode, actions: Iterable[Action]) -> None:
    """Bind the keys of actions on a screen or an application, replacing all its bindings.

    An action is the node's own if the node has a method for it, else the application's.
    """
    set_bindings(
        node,
        [
            Binding(
                key,
                _target(node, action.id),
                action.label,
                show=False,
                priority=action.id in EVERYWHERE and key.startswith("ctrl+"),
            )
            for action in actions
            for name in action.keys
            for key in ([name, KEYPAD[name]] if name in KEYPAD else [name])
        ],
    )


def _target(node: DOMNode, action_id: str) -> str:
    return action_id if hasattr(node, f"action_{action_id}") else f"app.{action_id}"
