"""Every action of the labelling screen, once: its keys, its name and what it does.

From this registry, and from the keys that the keymap in use has for it, come the bindings, the
footer, the help screen, the command palette and the key table of the README, and the letters that
are left for classes.
"""

from __future__ import annotations

from typing import NamedTuple

from tuilabel.tui.keymap.keys import shown_key


class Action(NamedTuple):
    """One thing that a key does on the labelling screen.

    Attributes
    ----------
    id : str
        The method of the screen or of the application is ``action_<id>``.
    keys : tuple of str
        In textual's names; the first is the one that is shown. Those of the registry are the
        keymap `default`'s.
    label : str
        A word for the footer.
    help : str
        A sentence for the help screen, the palette and the README.
    footer : bool
        Whether the footer shows it.
    palette : bool
        Whether the palette offers it.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    footer: bool = False
    palette: bool = True

    @property
    def shown_keys(self) -> tuple[str, ...]:
        """The keys as a person knows them."""
        return tuple(map(shown_key, self.keys))


ACTIONS = (
    Action("accept", ("enter",), "agree", "Label with the model's first choice.", footer=True),
    Action("skip", ("space",), "skip", "Pass this image over; it is not asked again.", footer=True),
    Action(
        "undo",
        ("backspace", "u"),
        "undo",
        "Take the last answer back, however long ago.",
        footer=True,
    ),
    Action("name", ("slash",), "name", "Label by typing a part of the class's name."),
    Action("back", ("left",), "back", "Look at the image before in this batch."),
    Action("forward", ("right",), "forward", "Look at the next image in this batch."),
    Action("above", ("up",), "above", "Look at the image above, if the batch stands in rows."),
    Action("below", ("down",), "below", "Look at the image below."),
    Action("view", ("v",), "view", "Show the whole batch at once, or one image at a time."),
    Action(
        "suggestions",
        ("p",),
        "suggestions",
        "Show suggestions before the label, after it, or never.",
    ),
    Action("invert", ("i",), "invert", "Swap dark and light in the image."),
    Action("more_contrast", ("plus",), "contrast", "Raise the contrast of the image."),
    Action("less_contrast", ("minus",), "contrast", "Lower the contrast of the image."),
    Action("help", ("question_mark", "f1"), "help", "Show the keys and classes.", footer=True),
    Action(
        "palette",
        ("f2",),
        "palette",
        "Find an action by typing a part of its name.",
        palette=False,
    ),
    Action("curve", ("f3",), "curve", "Show accuracy and confidence by labels."),
    Action("confusion", ("f4",), "confusion", "Show which classes are taken for which."),
    Action("classes", ("f5",), "classes", "Show every class with its count and examples."),
    Action("history", ("f6",), "history", "Show all that was done in this session."),
    Action("home", ("f7",), "home", "Show recent sessions and sources."),
    Action(
        "redraw",
        ("ctrl+l",),
        "redraw",
        "Draw the screen again, if another program wrote on it.",
    ),
    Action("suspend", ("ctrl+z",), "suspend", "Go back to the shell; `fg` leads here again."),
    Action(
        "quit", ("q", "ctrl+c"), "quit", "Leave; the next start goes on from here.", footer=True
    ),
)

PAUSE = Action("pause", ("p",), "pause", "Pause the demo, or let it go on.", footer=True)
"""While the demo runs it takes the place of the suggestions, whose keys it may share."""

PLACES = ("curve", "confusion", "classes", "history", "home")
"""The screens beside the labelling one: on each of them, the key of any other leads there."""

REGISTRY = {action.id: action for action in (*ACTIONS, PAUSE)}
"""Every action by its id."""

MORE_CLASSES = ("help", "classes")
"""The actions that show all classes, where not all of them fit."""
