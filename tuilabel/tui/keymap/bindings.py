"""Keys of actions as textual's bindings."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding
from textual.dom import DOMNode

from tuilabel.tui.keymap.actions import Action
from tuilabel.tui.keymap.keys import KEYPAD
from tuilabel.tui.terminal.textual_internals import set_bindings

EVERYWHERE = ("suspend", "quit")
"""Actions that a key with Ctrl does wherever it is pressed, also where text is typed."""


def only_with_ctrl(action: Action) -> Action:
    """Give an action with those of its keys that no text is typed with."""
    return action._replace(keys=tuple(key for key in action.keys if key.startswith("ctrl+")))


def bind(node: DOMNode, actions: Iterable[Action]) -> None:
    """Give a screen or an application the keys of these actions, in place of any it had.

    An action is the node's own where it has the method, else the application's.
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
