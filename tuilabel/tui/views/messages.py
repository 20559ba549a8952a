"""What the annotator should know about the session and its source, the most serious first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tuilabel.data.dataset import SkippedFile
from tuilabel.text import carry_text, changed_text, counted, inert
from tuilabel.tui.text.pieces import Piece, cells_in, fitted
from tuilabel.workspace.following import Health

LONGEST = 300

_COPY = "w on this screen writes all of it to another folder."


class Message(NamedTuple):
    """A sentence, what it is about, and how serious that is: `bad` or `accent`."""

    about: str
    text: str
    style: str = "accent"


class Messages:
    """All messages of an open session.

    Parameters
    ----------
    notices : sequence of str
        About the source.
    skipped : sequence of SkippedFile
        Files of the source that cannot be read; the notices count them.
    missing : int
        Number of answered images that are no longer in the source.
    changed : int
        Number of files that have changed since they were labelled.
    same : int
        Of how many of them only metadata changed.
    key : str
        The key that keeps their labels.

    Attributes
    ----------
    reading : callable
        Returns how far the source was read, while it is.
    feeds : list of Message
        What fails of what others follow.
    """

    def __init__(
        self,
        notices: Sequence[str],
        skipped: Sequence[SkippedFile],
        missing: int,
        changed: int = 0,
        same: int = 0,
        key: str = "",
    ) -> None:
        self.about_source(notices, skipped, missing, changed, same, key)
        self.reading: Callable[[], Message | None] = lambda: None
        self.feeds: list[Message] = []
        self._health = Health()
        self._copied: list[Message] = []

    def about_source(
        self,
        notices: Sequence[str],
        skipped: Sequence[SkippedFile],
        missing: int,
        changed: int = 0,
        same: int = 0,
        key: str = "",
    ) -> None:
        """Take in what is known of the source now."""
        gone = counted(missing, "answered image is", "answered images are")
        sentences = [carry_text(same, key)] if same else []
        sentences += [changed_text(changed - same)] if changed > same else []
        sentences += [*notices, *([f"{gone} no longer in the source."] if missing else [])]
        self._of_source = [Message("source", inert(text, LONGEST)) for text in sentences]
        self._files = [
            Message(inert(path), inert(reason, LONGEST), "muted") for path, reason in skipped
        ]

    @property
    def is_lost(self) -> bool:
        """Whether the session is no longer there."""
        return self._health.lost is not None

    def copied(self, text: str) -> None:
        """Add what became of a copy of the session, above everything else."""
        self._copied = [Message("copy", inert(text, 2 * LONGEST))]

    def take(self, health: Health) -> Message | None:
        """Take in what was noticed about the session; return the most serious news in it."""
        known = set(self._of_session())
        self._health = health
        return next((message for message in self._of_session() if message not in known), None)

    def _of_session(self) -> list[Message]:
        lost = self._health.lost
        found = [Message("session", f"{lost} {_COPY}", "bad")] if lost else []
        return found + [
            Message(inert(file), inert(text, LONGEST), "bad")
            for file, text in self._health.problems
        ]

    def all(self) -> list[Message]:
        """Return every message, the most serious first."""
        reading = self.reading()
        of_source = [*([reading] if reading else []), *self._of_source]
        return [*self._copied, *self._of_session(), *self.feeds, *of_source, *self._files]

    def line(self, width: int, key: str, first: Message | None = None) -> Piece | None:
        """Return one line about the first message, and where the others are; None without any.

        Parameters
        ----------
        width : int
            Number of cells.
        key : str
            The key that lists all.
        first : Message, optional
            By default the most serious.
        """
        sentences = [*self._of_session(), *self.feeds, *self._of_source]
        if not sentences:
            return None
        first = first or sentences[0]
        text = f"! {first.about}: {first.text}" if first.style == "bad" else first.text
        text = inert(text, LONGEST)
        end = f" {key}: {counted(len(sentences), 'message')}"
        if len(sentences) == 1 and cells_in([(text, "")]) <= width:
            return text, first.style
        return fitted(text, max(10, width - len(end))).rstrip() + end, first.style
