"""The content of the home screen, as plain values."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tuilabel.plugins import GROUPS, split_source
from tuilabel.session import Session
from tuilabel.text import counted, inert, shown_path
from tuilabel.tui.views.values import Detail
from tuilabel.workspace.recent import OpenRequest, SessionFile, SessionState

_LONGEST = 400


class Entry(NamedTuple):
    """A session, a source or the demo, which can be opened.

    Attributes
    ----------
    heading : str
        The heading above it; empty where the heading further up still applies.
    name : str
    note : str
        A description, where the name is not enough.
    source, labels, left, accuracy, used : str
        Facts about a session; empty where there are none.
    share : float or None
        Share of the items that are labelled.
    details : tuple of (str, str)
        Details, shown while it is marked.
    is_bad : bool
        Whether it cannot be read.
    request : OpenRequest or None
        How to open it; None for the session that is open already.
    """

    heading: str
    name: str
    note: str = ""
    source: str = ""
    labels: str = ""
    left: str = ""
    share: float | None = None
    accuracy: str = ""
    used: str = ""
    details: tuple[Detail, ...] = ()
    is_bad: bool = False
    request: OpenRequest | None = None


def state_of(session: Session) -> SessionState:
    """Return the state of the session that is open, whose file must not be read."""
    newest = session.curve[-1].accuracy if session.curve else None
    return SessionState(
        session.items.source,
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
    """Return what can be opened: sessions, sources, the demo.

    Parameters
    ----------
    files : sequence of SessionFile
    states : mapping of Path to SessionState
        States of the files that have been read so far.
    sources : sequence of str
    open_path : Path or None
        The session that is open, by the path under which it is listed.
    now : datetime
    """
    names = _names([file.path.stem for file in files])
    listed = [
        _session(
            name,
            file,
            states.get(file.path),
            is_open=file.path == open_path,
            now=now,
        )
        for name, file in zip(names, files, strict=True)
    ]
    for source in sources:
        note, more = _what_is(source)
        details = (("source", inert(source, _LONGEST)), ("about", more))
        request = OpenRequest("source", source)
        listed.append(Entry("", inert(source, 200), note, details=details, request=request))
    about = "The ground truth presses the keys. It is not kept among your sessions."
    note, request = "watch the ground truth label it", OpenRequest("demo", "digits")
    listed.append(Entry("", "digits", note, details=(("about", about),), request=request))
    counts = {0: "sessions", len(files): "sources", len(files) + len(sources): "demo"}
    return [entry._replace(heading=counts.get(place, "")) for place, entry in enumerate(listed)]


_DIGEST = re.compile(r"-[0-9a-f]{8}(?=$|-pool\d|-test\d)")
"""The part that makes a file name unique, see `tuilabel.workspace.places.session_path`."""


def _names(stems: Sequence[str]) -> list[str]:
    """Return short names of sessions; those that would share one keep the names of their files."""
    short = [_DIGEST.sub("", stem) for stem in stems]
    short = [re.sub(r"^mnist-mnist(?=$|-)", "mnist", name) for name in short]
    count = Counter(short)
    names = zip(stems, short, strict=True)
    return [inert(name if count[name] == 1 else stem, 60) for stem, name in names]


def _what_is(source: str) -> tuple[str, str]:
    """Return a few words and a sentence about a source."""
    if source == "digits":
        return (
            "1,797 handwritten digits, 8x8",
            "They come with scikit-learn. Opening them uses a session of their own.",
        )
    if source == "mnist":
        return (
            "70,000 handwritten digits, 28x28",
            "They are in the cache. Opening them uses a session of their own.",
        )
    name = split_source(source)[0]
    own = name in ("", *GROUPS["sources"].built_in)
    kind = "images of your own" if own else "images of a plug-in"
    kind = "handwritten digits, 28x28" if name == "mnist" else kind
    return kind, "The source of one of your sessions. Opening it uses a session of its own."


def _session(
    name: str, file: SessionFile, state: SessionState | None, *, is_open: bool, now: datetime
) -> Entry:
    used = "open now" if is_open else _ago(file.used, now)
    path = ("file", shown_path(file.path))
    request = None if is_open else OpenRequest("session", str(file.path))
    if state is None:
        return Entry("", name, labels="…", used=used, details=(path,), request=request)
    if state.problem is not None:
        # The folder of the file would take the room of the advice.
        problem = state.problem.replace(str(file.path), file.path.name, 1)
        details = (("problem", inert(problem, _LONGEST)),)
        return Entry(
            "",
            name,
            labels="! unreadable",
            used=used,
            details=details,
            is_bad=True,
            request=request,
        )
    labels = counted(state.labels, "label")
    left = "" if state.left is None else f"{state.left:,} left"
    share = None
    if state.left is not None and state.labels + state.left:
        share = state.labels / (state.labels + state.left)
    known: tuple[Detail, ...] = (
        ("source", inert(state.source, _LONGEST)),
        ("progress", f"{labels}, {left}" if left else labels),
    )
    accuracy = "" if state.accuracy is None else f"{state.accuracy:.1%}"
    if accuracy:
        seen = f"{accuracy} right of {counted(state.n, 'image')} that training never sees"
        known += (("accuracy", seen),)
    known += (path,)
    if file.is_last:
        known += (("next", "`tuilabel` without arguments opens it."),)
    source = inert(state.source, 200)
    if state.is_gone:
        labels = "! source gone"
        command = shlex.join(["tuilabel", "label", "NEW", "--session", str(file.path)])
        advice = f"The source is gone. If it has a new name, run `{shown_path(command)}`."
        known = (("problem", advice), *known)
    return Entry("", name, "", source, labels, left, share, accuracy, used, known, False, request)


def _ago(used: float, now: datetime) -> str:
    """Return how long ago that was; a time in the future is just now, because clocks go back.

    Nothing is returned for 0, where the time cannot be read.
    """
    if not used:
        return ""
    try:
        then = datetime.fromtimestamp(used).astimezone(now.tzinfo)
    except (OverflowError, OSError, ValueError):
        return ""
    seconds = max(0.0, (now - then).total_seconds())
    for size, word in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count:
            return f"{counted(count, word)} ago"
    return "just now"
