"""The sessions that exist, and the sources that they name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from tuilabel.errors import PluginError, TuilabelError
from tuilabel.plugins import GROUPS, exists, place_of, split_source
from tuilabel.process.crash import where
from tuilabel.session.summary import summarise
from tuilabel.session.view import SessionView
from tuilabel.workspace.places import (
    FIRST_SOURCE,
    cache_dir,
    is_gone,
    is_same_file,
    last_session,
    last_written,
    session_paths,
)


class OpenRequest(NamedTuple):
    """A request to open a session, a source, or a source for the demo."""

    kind: Literal["session", "source", "demo"]
    name: str


class SessionFile(NamedTuple):
    """A session, unread.

    Attributes
    ----------
    path : Path
    used : float
        When it was last written to, in seconds since 1970.
    is_last : bool
        Whether `tuilabel` without arguments opens it.
    """

    path: Path
    used: float
    is_last: bool


class SessionState(NamedTuple):
    """The state of a session, or why it cannot be read.

    Attributes
    ----------
    source : str
        Empty if it cannot be read.
    labels : int
    left : int or None
        Number of items without an answer.
    accuracy : float or None
        0 to 1.
    n : int
        Number of items that accuracy was measured on.
    problem : str or None
        Why the session cannot be read, as a sentence; then the other values mean nothing.
    is_gone : bool
        Whether the source is a folder or file that does not exist any more.
    """

    source: str = ""
    labels: int = 0
    left: int | None = None
    accuracy: float | None = None
    n: int = 0
    problem: str | None = None
    is_gone: bool = False


def session_files() -> list[SessionFile]:
    """Return the known sessions, the one used last first."""
    last = last_session()
    return [
        SessionFile(path, last_written(path), last is not None and is_same_file(last, path))
        for path in session_paths()
    ]


def read_state(path: Path) -> SessionState:
    """Return the state of a session."""
    try:
        summary = summarise(SessionView(path))
    except TuilabelError as error:
        return SessionState(problem=str(error))
    except OSError as error:
        return SessionState(problem=f"{path} cannot be read ({error.strerror or error}).")
    except Exception as error:  # noqa: BLE001  (one session must not end the list of all)
        bug = f"{type(error).__name__} in {where(error)}"
        return SessionState(problem=f"{path} cannot be read. This is a bug in tuilabel ({bug}).")
    accuracy = summary["accuracy"]
    return SessionState(
        summary["source"],
        summary["labels"],
        summary["pool_left"],
        accuracy["value"] if accuracy else None,
        accuracy["n"] if accuracy else 0,
        is_gone=is_gone(summary["source"]),
    )


def known_sources(states: Iterable[SessionState]) -> list[str]:
    """Return the sources that can be opened: the built-in ones, and those that sessions name."""
    sources = [FIRST_SOURCE]
    folder = cache_dir() / "mnist"
    try:
        if any(folder.glob("*-ubyte*")):
            sources.append("mnist")
    except OSError:
        pass
    named = [state.source for state in states if state.problem is None]
    sources += [source for source in named if source == "mnist" or _is_there(source)]
    return list(dict.fromkeys(sources))


def _is_there(source: str) -> bool:
    name, place = split_source(source)[0], place_of(source)
    try:
        if name not in ("", *GROUPS["sources"].built_in):
            return exists("sources", name)
        return Path(place or source).exists()
    except (OSError, ValueError, PluginError):
        return False
