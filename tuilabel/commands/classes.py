"""The command `classes`."""

from __future__ import annotations

from pathlib import Path

import click

from tuilabel.commands.completion import complete_sessions
from tuilabel.commands.options import one_of
from tuilabel.commands.text import say

NAMES = {"list": 0, "add": -1, "rename": 2, "merge": 2, "retire": 1, "undo": 0}
"""What can be done with classes, and how many names that takes; -1 for one or more."""

_USAGE = {
    "list": "list",
    "add": "add NAME...",
    "rename": "rename OLD NEW",
    "merge": "merge NAME INTO",
    "retire": "retire NAME",
    "undo": "undo",
}


@click.command("classes")
@click.argument("session", type=click.Path(), metavar="F", shell_complete=complete_sessions)
@click.argument("action", required=False, default="list", **one_of(list(NAMES)))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: all classes.")
def classes_(session: str, action: str, names: tuple[str, ...], as_json: bool) -> None:
    """List or change the classes of a session.

    F is a session or the source it was made for. `add NAME...` adds classes. `rename OLD NEW` keeps
    the labels. `merge NAME INTO` makes the labels of one class count for another. `retire NAME`
    lets a class no longer be chosen; its labels still count. `undo` takes the last change back.
    People who are labelling see a change within seconds.
    """
    import json

    from tuilabel.commands.text import class_lines
    from tuilabel.errors import UsageError
    from tuilabel.session.view import SessionView
    from tuilabel.text import inert, meant
    from tuilabel.workspace.classes import class_summaries
    from tuilabel.workspace.places import find_session

    if action not in NAMES:
        raise UsageError(
            f"`{inert(action, 40)}` is not an action: choose one of {', '.join(NAMES)}."
            f"{meant(action, NAMES)}"
        )
    if (len(names) != NAMES[action]) if NAMES[action] >= 0 else not names:
        wanted = {-1: "at least one name", 0: "no name", 1: "one name", 2: "two names"}
        raise UsageError(
            f"`{action}` takes {wanted[NAMES[action]]}, not {len(names)}: "
            f"`tuilabel classes F {_USAGE[action]}`."
        )
    path = find_session(session)
    done = _done(path, action, names)
    if done and not as_json:
        say(done)
        return
    view = SessionView(path)
    if as_json:
        problems = view.known.classes.problems
        click.echo(json.dumps({"classes": list(class_summaries(view)), "problems": problems}))
    else:
        say(*class_lines(class_summaries(view), view.known.classes))


def _done(path: Path, action: str, names: tuple[str, ...]) -> str:
    """Change the classes; return a sentence, or nothing where they are only listed."""
    from tuilabel.text import inert
    from tuilabel.workspace import classes

    shown = [f"`{inert(name.strip(), 40)}`" for name in names]
    match action:
        case "add":
            classes.add(path, names)
            return f"Added {', '.join(shown)}."
        case "rename":
            classes.rename(path, *names)
            return f"{shown[0]} is called {shown[1]} now."
        case "merge":
            classes.merge(path, *names)
            return f"The labels of {shown[0]} count for {shown[1]} now."
        case "retire":
            classes.retire(path, *names)
            return f"{shown[0]} can no longer be chosen; its labels still count."
        case "undo":
            return f"Undone: {classes.undo(path)}."
    return ""
