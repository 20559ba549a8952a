"""What the home screen shows, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tuilabel.data import inert
from tuilabel.recent import SessionFile, SessionState, Wish, is_same_file, short_name
from tuilabel.session import Session

_LONGEST = 400


class Entry(NamedTuple):
    """One thing that can be opened.

    Attributes
    ----------
    heading : str
        What stands above it; empty where it goes on with what is above.
    name : str
    labels, progress, accuracy, used : str
        Of a session; empty where there is nothing to say.
    share : float or None
        Of the items that are labelled.
    about : str
        A sentence or two, shown while it is marked.
    is_bad : bool
        Whether it cannot be read.
    wish : Wish or None
        What opening it means; None for the session that is open already.
    """

    heading: str
    name: str
    labels: str = ""
    share: float | None = None
    accuracy: str = ""
    used: str = ""
    about: str = ""
    is_bad: bool = False
    wish: Wish | None = None


def state_of(session: Session) -> SessionState:
    """Tell where the session stands that is open here: its file is not to be read."""
    newest = session.curve[-1].accuracy if session.curve else None
    return SessionState(
        session.info.source,
        session.labels,
        session.pool_left,
        newest.value if newest else None,
        newest.n if newest else 0,
    )


def entries(
    files: Sequence[SessionFile],
    states: Mapping[Path, SessionState],
    sources: Sequence[str],
    open_path: Path | None,
    now: datetime,
) -> list[Entry]:
    """List what can be opened: sessions, sources, the demo.

    Parameters
    ----------
    files : sequence of SessionFile
    states : mapping of Path to SessionState
        Of those files that have been read by now.
    sources : sequence of str
    open_path : Path or None
        The session that is open.
    now : datetime
    """
    listed = [
        _session(
            file,
            states.get(file.path),
            is_open=open_path is not None and is_same_file(file.path, open_path),
            now=now,
        )
        for file in files
    ]
    listed += [
        Entry("", inert(source, 200), about=_about_source(source), wish=Wish("source", source))
        for source in sources
    ]
    about = "The ground truth presses the keys; nothing is kept among your sessions."
    listed.append(Entry("", "digits", about=about, wish=Wish("demo", "digits")))
    counts = {0: "sessions", len(files): "sources", len(files) + len(sources): "demo"}
    return [entry._replace(heading=counts.get(place, "")) for place, entry in enumerate(listed)]


def _about_source(source: str) -> str:
    if source == "digits":
        return "1,797 handwritten digits of 8x8 pixels, which come with scikit-learn."
    if source == "mnist":
        return "70,000 handwritten digits of 28x28 pixels, from the cache."
    return "A source of one of your sessions: opens its own session."


def _session(
    file: SessionFile, state: SessionState | None, *, is_open: bool, now: datetime
) -> Entry:
    name = inert(file.path.stem, 60)
    used = "open now" if is_open else _ago(file.used, now)
    path = inert(str(file.path), _LONGEST)
    wish = None if is_open else Wish("session", str(file.path))
    if state is None:
        return Entry("", name, "…", used=used, about=path, wish=wish)
    if state.problem is not None:
        problem = inert(state.problem, _LONGEST)
        return Entry("", name, "! unreadable", used=used, about=problem, is_bad=True, wish=wish)
    share = None
    if state.left is not None and state.labels + state.left:
        share = state.labels / (state.labels + state.left)
    accuracy = "" if state.accuracy is None else f"{state.accuracy:.1%}"
    left = "" if state.left is None else f", {state.left:,} left"
    measured = "" if state.accuracy is None else f" Accuracy on n {state.n:,}."
    last = " `tuilabel` alone goes on with it." if file.is_last else ""
    source = inert(short_name(state.source), 60)
    about = f"{source}{left}.{measured}{last} {path}"
    labels = f"{state.labels:,} label" + ("" if state.labels == 1 else "s")
    return Entry("", name, labels, share, accuracy, used, about, False, wish)


def _ago(used: float, now: datetime) -> str:
    """Say when that was; clocks go backwards, and then it was just now."""
    try:
        then = datetime.fromtimestamp(used).astimezone(now.tzinfo)
    except (OverflowError, OSError, ValueError):
        return ""
    seconds = max(0.0, (now - then).total_seconds())
    for size, word in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count:
            return f"{count:,} {word}{'' if count == 1 else 's'} ago"
    return "just now"
