"""The sentences of a conversation, made from a session; no state of its own."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tuilabel.events.payloads import LATER
from tuilabel.learn.stopping import advice
from tuilabel.line.answers import Command, Vocabulary
from tuilabel.session import Session, Slot
from tuilabel.text import counted, disputed_text, inert, percent

WIDTH = 80

LISTED_AT_ONCE = 20
"""Number of classes on a page of the list; a list of one page is printed at the start."""

_SUGGESTED = 3
"""Number of classes in a suggestion."""

_LONGEST_NAME = 40


class Wording:
    """Describes a session in sentences; each is a list of lines that fit.

    Parameters
    ----------
    session : Session
    vocabulary : Vocabulary
    width : int
        Length of a line, in columns.
    """

    def __init__(self, session: Session, vocabulary: Vocabulary, width: int = WIDTH) -> None:
        self._session = session
        self._vocabulary = vocabulary
        self._width = width

    def say(self, *sentences: str) -> list[str]:
        """Return sentences as lines that fit."""
        return [line for sentence in sentences for line in self._wrapped(sentence)]

    def _wrapped(self, sentence: str, indent: str = "") -> list[str]:
        return textwrap.wrap(
            sentence,
            self._width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def name(self, index: int) -> str:
        """Return the name of a class as it is printed."""
        return inert(self._vocabulary.names[index], _LONGEST_NAME)

    def named(self, indices: Sequence[int]) -> str:
        """Return classes as they can be typed, with their numbers if they have some."""
        words = self._vocabulary
        forms = {place: key for key, place in words.keys.items()}
        shown = [
            f"{forms.get(index, index + 1 if words.numbered else '')} {self.name(index)}".lstrip()
            for index in indices[:LISTED_AT_ONCE]
        ]
        return ", ".join(shown) + (", and others" if len(indices) > LISTED_AT_ONCE else "")

    def where(self) -> list[str]:
        """Return the place in the round, and the number of labels."""
        session = self._session
        return self.say(
            f"Round {session.round}, image {session.cursor + 1} of {len(session.batch)}. "
            f"{counted(session.labels, 'label')}, {session.pool_left:,} left."
        )

    def remarks(self) -> list[str]:
        """Return why the image comes again, whether it is flagged, and its notes."""
        session, item = self._session, self._session.current_id
        asked, remarks = session.desk.current, session.known.remarks
        if item is None or asked is None:
            return []
        sentences = ["It was kept for later."] if asked.reason == LATER else []
        if item in remarks.flagged:
            sentences.append("It is flagged for a second opinion.")
        for note in remarks.notes(item):
            sentences.append(f"Note by {inert(note.by, 40)}: {inert(note.text or '', 500)}")
        return self.say(*sentences)

    def files(self, row: int) -> list[str]:
        """Return the name of the image, to look at it elsewhere."""
        first, *others = self._session.items.references(row)
        also = f" and {counted(len(others), 'file')} with the same pixels" if others else ""
        said = self.say(f"The image is {inert(first, 200)}{also}.")
        frames = len(self._session.frames(Slot(row)))
        if frames > 1:
            said += self.say(f"It is one of {frames:,} frames, which are labelled as one.")
        return said

    def opinion(self, slot: Slot, *, past: bool = False) -> list[str]:
        """Return the model's suggestion for an image, or why there is none."""
        if slot.audit:
            return self.say("No suggestion: this image was drawn at random to measure accuracy.")
        if not past and self._session.is_check:
            return self.say("No suggestion: this image was drawn at random for a check.")
        guess = self._session.guess()
        if not past and guess is not None:
            name = inert(self._session.known.classes.name(guess.class_id), _LONGEST_NAME)
            share = "" if guess.probability is None else f" at {percent(guess.probability)}"
            return self.say(f"{inert(guess.origin, 40)} suggests {name}{share}.")
        if slot.probabilities is None:
            if self._session.recipe is None:
                return []
            return self.say("No suggestion: the image was chosen before the first fit.")
        chances = slot.probabilities
        classes = self._session.classes
        order = sorted(classes.open, key=lambda index: -chances[index])[:_SUGGESTED]
        names = [inert(classes.names[index], _LONGEST_NAME) for index in order]
        shown = [f"{name} at {percent(chances[i])}" for name, i in zip(names, order, strict=True)]
        return self.say(f"The model {'said' if past else 'says'} {', '.join(shown)}.")

    def accuracy(self) -> list[str]:
        """Return the accuracy, with its interval and what it is measured on."""
        points = self._session.curve
        if not points:
            return self.say("Accuracy is not measured yet.")
        found = points[-1]
        measured = found.accuracy.text + disputed_text(self._session.audit_disputes)
        return self.say(f"Accuracy {measured}, with {counted(found.labels, 'label')}.")

    def model(self) -> list[str]:
        """Return the model in use, and how much its last fits have moved."""
        session = self._session
        if session.recipe is None:
            return self.say("There is no model yet. It is fitted after the first batch.")
        model, features, strategy = session.recipe
        moves = session.moves
        moved = moves and advice(
            [move.moved for move in moves], [move.agreement for move in moves], moves[-1].stop_set
        )
        lines = self.say(f"The model is {model} on {features}, with the strategy {strategy}.")
        return lines + (self.say(moved) if moved else [])

    def classes(self, page: int) -> list[str]:
        """Return a page of the list of classes, one on a line."""
        names = self._vocabulary.names
        first = page * LISTED_AT_ONCE
        here = range(first, min(first + LISTED_AT_ONCE, len(names)))
        then = "lists the next ones" if page + 1 < self.pages else "starts again"
        more = f"; {self._vocabulary.form(Command.CLASSES)} {then}" if self.pages > 1 else ""
        head = f"Classes {first + 1} to {here[-1] + 1} of {len(names):,}{more}:"
        return [*self.say(head), *(f"  {self.named([index])}" for index in here)]

    @property
    def pages(self) -> int:
        """Number of pages of the list of classes."""
        return -(-len(self._vocabulary.names) // LISTED_AT_ONCE)

    def classes_at_start(self) -> list[str]:
        """Return the names of the classes if they fit on a page."""
        count = len(self._vocabulary.names)
        if count <= LISTED_AT_ONCE:
            return self.say(f"Classes: {self.named(range(count))}.")
        return self.say(
            f"There are {count:,} classes; {self._vocabulary.form(Command.CLASSES)} lists them."
        )

    def how_to_answer(self) -> str:
        """Return a sentence about what can be typed."""
        form = self._vocabulary.form
        parts = ", or enough of its beginning" if self._longer else ""
        own = "key" if self._vocabulary.keys else "number"
        parts += f", or its {own}" if self._vocabulary.keys or self._vocabulary.numbered else ""
        what, taken = "a class", f"{form(Command.ACCEPT)} accepts the suggestion"
        if self._vocabulary.several:
            what = "the classes of the image, with commas between"
            taken = f"{form(Command.NONE)} saves that it has none"
            parts = ""
        return (
            f"Type {what}{parts}{',' if parts else ''} and Enter; "
            f"{taken}, {form(Command.SKIP)} skips, "
            f"{form(Command.UNDO)} undoes, {form(Command.QUIT)} quits, {form(Command.HELP)} helps."
        )

    @property
    def _longer(self) -> bool:
        return any(len(name) > 1 for name in self._vocabulary.names)

    def help(self) -> list[str]:
        """Return a list of all that can be typed."""
        lines = self.say(
            "A class by its name"
            + (", by enough of its beginning" if self._longer else "")
            + (
                ", or by its key."
                if self._vocabulary.keys
                else ", or by its number in the list."
                if self._vocabulary.numbered
                else "."
            ),
            "A command by its letter, or by its word, which works whatever the classes are called:",
        )
        for command in Command:
            form = self._vocabulary.form(command)
            letter = "" if form.startswith(":") else f"{form} or "
            lines += self._wrapped(f"  {letter}:{command.word}  {command.help}", " " * 4)
        return lines

    def ending(self) -> list[str]:
        """Return why no image is asked."""
        skipped = self._session.known.skips_held
        rest = f", {skipped:,} skipped" if skipped else ""
        form = self._vocabulary.form
        return self.say(
            f"Every image is answered: {counted(self._session.labels, 'label')}{rest}. "
            f"{form(Command.UNDO)} undoes, {form(Command.QUIT)} quits; "
            "`tuilabel export` writes the labels."
        )
