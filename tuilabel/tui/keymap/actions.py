"""The registry of actions: the keys, the label and the help of each.

The bindings, the footer, the help screen, the command palette, the tables in the documentation and
the letters that are left for classes are all made from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tuilabel.tui.keymap.keys import shown_key


class Action(NamedTuple):
    """Something that a key does.

    Attributes
    ----------
    id : str
        The method of the screen or of the application is ``action_<id>``.
    keys : tuple of str
        In textual's names; the first is the one that is shown. The registry has the keys of the
        keymap `default`.
    label : str
        A word for the footer.
    help : str
        A sentence for the help screen, the palette and the documentation.
    footer : bool
        Whether the footer shows it.
    palette : bool
        Whether the palette offers it.
    yields : bool
        Whether its keys are left to another action or to a class if the user has set them for
        that: what was set before the action existed stays as it was.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    footer: bool = False
    palette: bool = True
    yields: bool = False

    @property
    def shown_keys(self) -> tuple[str, ...]:
        """The keys under the names that people know."""
        return tuple(map(shown_key, self.keys))


def _look(id: str, keys: tuple[str, ...], label: str, help: str) -> Action:
    return Action(id, keys, label, help, yields=True)


ACTIONS = (
    Action("accept", ("enter",), "accept", "Label with the model's first choice.", footer=True),
    Action(
        "skip", ("space",), "skip", "Skip this image; it is not asked about again.", footer=True
    ),
    Action("unsure", ("tab u",), "unsure", "Skip this image because its class is unclear."),
    Action("unusable", ("tab x",), "unusable", "Skip this image because it shows too little."),
    Action("later", ("tab l",), "later", "Skip this image until no other image is left."),
    Action("flag", ("tab f",), "flag", "Flag this image for a second opinion, or unflag it."),
    Action("note", ("tab n",), "note", "Write a note about this image."),
    Action("guidelines", ("tab g",), "guide", "Show the guidelines for labelling."),
    Action("undo", ("backspace", "u"), "undo", "Undo the last answer, however old.", footer=True),
    Action("name", ("slash",), "name", "Label by typing part of a name, or add a class."),
    Action("back", ("left",), "back", "Go to the previous image of this batch."),
    Action("forward", ("right",), "forward", "Go to the next image of this batch."),
    Action("above", ("up",), "above", "Go to the image above, if the batch is shown in rows."),
    Action("below", ("down",), "below", "Go to the image below."),
    Action("view", ("v",), "view", "Show the whole batch, or one image at a time."),
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
    Action("palette", ("f2",), "palette", "Find an action by part of its name.", palette=False),
    Action("curve", ("f3",), "curve", "Show accuracy by labels and by confidence."),
    Action("confusion", ("f4",), "confusion", "Show the confusion matrix."),
    Action("classes", ("f5",), "classes", "Show every class with its count and examples."),
    Action("history", ("f6",), "history", "Show all events of this session."),
    Action("home", ("f7",), "home", "Show recent sessions and sources."),
    Action("messages", ("f8",), "messages", "Show what is damaged, missing or cannot be read."),
    Action(
        "carry",
        ("tab k",),
        "keep labels",
        "Keep labels where only a file's metadata changed.",
        yields=True,
    ),
    Action("alike", ("tab m",), "alike", "Ask images next that look like this one.", yields=True),
    Action(
        "rest",
        ("tab e",),
        "rare class",
        "Look for the rarer of two classes, and check the rest.",
        yields=True,
    ),
    _look("top_left", ("home", "tab 7"), "zoom", "Zoom into the top left quarter, or out again."),
    _look("top_right", ("pageup", "tab 8"), "zoom", "Zoom into the top right quarter."),
    _look("bottom_left", ("end", "tab 4"), "zoom", "Zoom into the bottom left quarter."),
    _look("bottom_right", ("pagedown", "tab 5"), "zoom", "Zoom into the bottom right quarter."),
    _look("closer", ("tab z",), "closer", "Zoom into the same quarter of what is seen."),
    _look("whole", ("escape",), "whole", "Show the whole image to label again."),
    _look("previous_file", ("comma",), "file before", "Look at the file, or frame, before this."),
    _look("next_file", ("full_stop",), "file after", "Look at the file, or frame, after this."),
    _look("play", ("tab p",), "play", "Play the frames of this group; any key stops."),
    _look("this_frame", ("tab 1",), "this frame", "Let the next class be for this frame alone."),
    _look("facts", ("tab i",), "facts", "Show path, size and EXIF of the image, or no longer."),
    _look("open_file", ("tab o",), "open", "Open the file with the program in `TUILABEL_OPEN`."),
    _look("copy_path", ("tab c",), "copy", "Copy the path of the file to the clipboard (OSC 52)."),
    _look("narrow_window", ("tab w",), "window", "Narrow the window of more than 8 bits."),
    _look("widen_window", ("tab W",), "window", "Widen the window of more than 8 bits."),
    _look("brighter", ("tab b",), "level", "Show lower values of more than 8 bits."),
    _look("darker", ("tab B",), "level", "Show higher values of more than 8 bits."),
    Action("redraw", ("ctrl+l",), "redraw", "Redraw the screen, if another program wrote on it."),
    Action("suspend", ("ctrl+z",), "suspend", "Return to the shell; `fg` brings tuilabel back."),
    Action("quit", ("q", "ctrl+c"), "quit", "Quit; the next start resumes here.", footer=True),
)
"""The actions of the labelling screen."""

PAUSE = Action("pause", ("p",), "pause", "Pause or resume the demo.", footer=True)
"""In the demo it replaces the action for suggestions, whose keys it may share."""

_OF_SETS = {
    "accept": ("confirm", "Save the classes that are marked for this image, or none of them."),
    "skip": ("skip", "Skip this image; it is not asked about again. Its marks are not saved."),
    "name": ("name", "Mark a class by typing part of its name, or add a class."),
}
"""Labels and sentences of actions where an image may have several classes."""


def actions_of(actions: Sequence[Action], *, multi: bool) -> tuple[Action, ...]:
    """Return the actions of a labelling screen in the words of its session."""
    if not multi:
        return tuple(actions)
    usual = {action.id: (action.label, action.help) for action in actions}
    said = usual | _OF_SETS
    return tuple(
        action._replace(label=said[action.id][0], help=said[action.id][1]) for action in actions
    )


REGISTRY = {action.id: action for action in (*ACTIONS, PAUSE)}
"""The actions whose keys a keymap can change, by id."""

PLACES = ("curve", "confusion", "classes", "history", "home", "messages")
"""The screens beside the labelling one: the key of each leads there from all others."""

READ_FROM_DISK = ("history",)
"""Of these, what shows events, which are read from their files."""

MORE_CLASSES = ("help", "classes")
"""The actions that show all classes, where not all of them fit."""

_UP_AND_DOWN = (
    Action("up", ("up",), "up", "Move up.", palette=False),
    Action("down", ("down",), "down", "Move down.", palette=False),
    Action("page_up", ("pageup",), "page up", "Move up a page.", palette=False),
    Action("page_down", ("pagedown",), "page down", "Move down a page.", palette=False),
    Action("first", ("home",), "first", "Go to the first entry."),
    Action("last", ("end",), "last", "Go to the last entry."),
)

_TO_THE_SIDES = (
    Action("left", ("left",), "left", "Move left.", palette=False),
    Action("right", ("right",), "right", "Move right.", palette=False),
)

LEAVE = Action("leave", ("escape", "q"), "back", "Go back.", footer=True)
QUIT = Action("quit", ("ctrl+c",), "quit", "Quit tuilabel.")
"""The last two actions of every screen beside the labelling one."""

SIDE_ACTIONS: dict[str, tuple[Action, ...]] = {
    "curve": (
        Action("zoom", ("z",), "zoom", "Zoom the accuracy axis in or out.", footer=True),
        Action("other", ("tab",), "other curve", "Show the other curve.", footer=True),
    ),
    "confusion": (
        Action("open_cell", ("enter",), "images", "Show the images of a cell.", footer=True),
        *_UP_AND_DOWN,
        *_TO_THE_SIDES,
    ),
    "tallies": _UP_AND_DOWN,
    "classes": (
        Action("new_class", ("a",), "add", "Add a class.", footer=True),
        Action("rename_class", ("r",), "rename", "Rename the class; its labels stay.", True),
        Action("merge_class", ("m",), "merge", "Count the labels of the class for another.", True),
        Action("retire_class", ("x",), "retire", "Let the class no longer be chosen.", True),
        Action("class_key", ("k",), "key", "Give the class another key.", footer=True),
        Action("undo_class", ("u", "backspace"), "undo", "Undo the last change to classes.", True),
        Action("centres", ("c",), "typical images", "Find typical images of the pool."),
        *_UP_AND_DOWN,
    ),
    "history": (
        Action("show", ("enter",), "image", "Show the image; press again to jump to it.", True),
        Action("jump", ("j",), "jump", "Jump to the image in its batch, or to the related event."),
        Action("relabel", ("r",), "relabel", "Give the image another class.", footer=True),
        Action("filter", ("slash",), "filter", "Show only events with certain words.", True),
        Action("disputes", ("tab",), "disputes", "Show disputed images, or all events.", True),
        Action("take_back", ("delete",), "take back", "Take the marked event back."),
        *_UP_AND_DOWN,
    ),
    "home": (
        Action("open", ("enter",), "open", "Open the marked entry.", footer=True),
        *_UP_AND_DOWN,
    ),
    "messages": (
        Action("save_copy", ("w",), "copy", "Write the session to another folder.", True),
        *_UP_AND_DOWN,
    ),
    "cell": (*_UP_AND_DOWN, *_TO_THE_SIDES),
    "rest": (
        Action("begin", ("enter",), "begin", "Ask what the marked line says.", footer=True),
        Action("other_class", ("c",), "other class", "Look for the other class.", footer=True),
        *_UP_AND_DOWN,
    ),
    "view": (
        Action("mark", ("space", "m"), "mark", "Mark the image, or take its mark away.", True),
        Action("leave", ("q",), "done", "Write the paths of the marked images, and quit.", True),
        Action("large", ("enter", "v"), "large", "Show the image alone, or among others.", True),
        Action("marked", ("tab",), "marked", "Show the marked images only, or all.", footer=True),
        Action("by_name", ("n",), "by name", "Sort by name."),
        Action("by_time", ("t",), "by time", "Sort by the time of the files, oldest first."),
        Action("by_likeness", ("l",), "alike", "Sort by likeness to this image.", footer=True),
        Action("by_oddness", ("o",), "odd", "Sort by oddness, most unusual first.", footer=True),
        *_UP_AND_DOWN,
        *_TO_THE_SIDES,
        Action("close", ("escape",), "close", "Show the image among others.", palette=False),
        Action("quit", ("ctrl+c",), "quit", "Quit, and write nothing."),
    ),
}
"""The own actions of each of `PLACES`, of the images of a cell of the confusion matrix, of the
screen in its place where an image may have several classes, of that for a rare class, and of that
of `tuilabel view`."""

ALSO = {"history": ("undo",), "view": ("invert", "more_contrast", "less_contrast")}
"""Actions of the labelling screen that one of these has too, with the same keys."""
