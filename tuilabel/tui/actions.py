"""Every action of the labelling screen, once: its keys, its name and what it does.

From this registry come the bindings, the footer, the help screen, the command palette and the
key table of the README, and the letters that are left for classes.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding

KEY_NAMES = {
    "enter": "Enter",
    "space": "Space",
    "backspace": "Backspace",
    "left": "←",
    "right": "→",
    "question_mark": "?",
    "plus": "+",
    "minus": "-",
    "ctrl+c": "Ctrl-C",
    "f1": "F1",
    "f2": "F2",
}


class Action(NamedTuple):
    """One thing that a key does on the labelling screen.

    Attributes
    ----------
    id : str
        The screen's method is ``action_<id>``.
    keys : tuple of str
        In textual's names; the first is the one that is shown.
    label : str
        A word for the footer.
    help : str
        A sentence for the help screen, the palette and the README.
    footer : bool
        Whether the footer shows it.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    footer: bool = False

    @property
    def shown_keys(self) -> tuple[str, ...]:
        """The keys as a person knows them."""
        return tuple(KEY_NAMES.get(key, key) for key in self.keys)

    def binding(self) -> Binding:
        """Give textual's form of this action."""
        return Binding(",".join(self.keys), self.id, self.label, show=False)


ACTIONS = (
    Action("accept", ("enter",), "agree", "Label with the model's first choice.", footer=True),
    Action("skip", ("space",), "skip", "Pass this image over; it is not asked again.", footer=True),
    Action(
        "undo",
        ("backspace", "u"),
        "undo",
        "Take the last answer back, however long ago it was given.",
        footer=True,
    ),
    Action("back", ("left",), "back", "Look at the image before in this batch."),
    Action("forward", ("right",), "forward", "Look at the next image in this batch."),
    Action(
        "suggestions",
        ("p",),
        "suggestions",
        "Show the model's classes before the label, after it, or never.",
    ),
    Action("invert", ("i",), "invert", "Swap dark and light in the image."),
    Action("more_contrast", ("plus",), "contrast", "Raise the contrast of the image."),
    Action("less_contrast", ("minus",), "contrast", "Lower the contrast of the image."),
    Action("help", ("question_mark", "f1"), "help", "Show the keys and classes.", footer=True),
    Action("palette", ("f2",), "palette", "Find an action by typing a part of its name."),
    Action(
        "quit", ("q", "ctrl+c"), "quit", "Leave; the next start goes on from here.", footer=True
    ),
)

DEMO_ACTIONS = (Action("pause", ("p",), "pause", "Pause the demo, or let it go on.", footer=True),)
"""What takes the place of an action with the same key while the demo runs."""


def actions_for(*, demo: bool) -> tuple[Action, ...]:
    """Give the actions that hold on a labelling screen."""
    if not demo:
        return ACTIONS
    taken = {key for action in DEMO_ACTIONS for key in action.keys}
    return tuple(action for action in ACTIONS if not taken & set(action.keys)) + DEMO_ACTIONS
