"""Every action of the screens beside the labelling one, with its keys."""

from __future__ import annotations

from tuilabel.tui.keymap.actions import ACTIONS, PLACES, Action
from tuilabel.tui.keymap.resolved import Keymap

_BACK = Action("leave", ("escape", "q"), "back", "Go back.", footer=True)
_QUIT = Action("quit", ("ctrl+c",), "quit", "Leave the program.")

_UP_AND_DOWN = (
    Action("up", ("up",), "up", "Go up by one.", palette=False),
    Action("down", ("down",), "down", "Go down by one.", palette=False),
    Action("page_up", ("pageup",), "page up", "Go up by a page.", palette=False),
    Action("page_down", ("pagedown",), "page down", "Go down by a page.", palette=False),
    Action("first", ("home",), "first", "Go to the first."),
    Action("last", ("end",), "last", "Go to the last."),
)

_TO_THE_SIDES = (
    Action("left", ("left",), "left", "Go to the left by one.", palette=False),
    Action("right", ("right",), "right", "Go to the right by one.", palette=False),
)

_OWN: dict[str, tuple[Action, ...]] = {
    "curve": (
        Action("zoom", ("z",), "zoom", "Let the axis begin at 0.9, or at chance.", footer=True),
        Action("other", ("tab",), "the other", "Show accuracy by confidence, or by labels.", True),
    ),
    "confusion": (
        Action("open_cell", ("enter",), "images", "See the images of a cell.", footer=True),
        *_UP_AND_DOWN,
        *_TO_THE_SIDES,
    ),
    "classes": (
        Action("centres", ("c",), "typical images", "Work out what the pool looks like.", True),
        *_UP_AND_DOWN,
    ),
    "history": (
        Action("show", ("enter",), "image", "Show its image; once more, jump back to it.", True),
        Action("jump", ("j",), "jump", "Go back to where it was asked, or to what it is about."),
        Action("relabel", ("r",), "relabel", "Give its image another class.", footer=True),
        Action("filter", ("slash",), "filter", "Show what has certain words only.", footer=True),
        *_UP_AND_DOWN,
    ),
    "home": (
        Action("open", ("enter",), "open", "Open what is marked.", footer=True),
        *_UP_AND_DOWN,
    ),
    "cell": (*_UP_AND_DOWN, *_TO_THE_SIDES),
}
"""What the keys do on each of `PLACES`, and on the images of a cell of the confusion matrix."""


def side_actions(place: str, keymap: Keymap, *, alone: bool = False) -> tuple[Action, ...]:
    """Give the actions of a screen.

    Parameters
    ----------
    place : str
        One of `PLACES`, or ``"cell"``.
    keymap : Keymap
        Says by which keys the other places are reached; the screen's own keys go before them.
    alone : bool
        Whether there is no session, and so no other place.
    """
    own = (*_OWN[place], _BACK)
    taken = {key for action in (*own, _QUIT) for key in action.keys}
    there = {action.id for action in ACTIONS}
    common = ("help", "palette", "suspend")
    names = common if alone else (*PLACES, *common)
    shared = [keymap.action(name) for name in names if name in there]
    reached = [
        action._replace(keys=tuple(key for key in action.keys if key not in taken), footer=False)
        for action in shared
    ]
    return (*own, *reached, _QUIT)
