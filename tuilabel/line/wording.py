"""The sentences of a conversation: a session in words, no widget and no state of its own."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.stopping import advice
from tuilabel.line.answers import Command, Vocabulary
from tuilabel.session import Session, Slot
from tuilabel.text import counted, inert

WIDTH = 80

LISTED_AT_ONCE = 20
"""Classes on a page of the list, and so many that it is printed at the start."""

_SUGGESTED = 3
"""Classes that the model's opinion is told of."""

_LONGEST_NAME = 40

SHOWN_WHEN = {
    "before": "The model's classes are told before the label.",
    "after": "The model's classes are told after the label.",
    "off": "The model's classes are not told.",
}


class Wording:
    """Puts a session into sentences, each a list of lines that fit.

    Parameters
    ----------
    session : Session
    vocabulary : Vocabulary
    width : int
        Columns of a line.
    """

    def __init__(self, session: Session, vocabulary: Vocabulary, width: int = WIDTH) -> None:
        self._session = session
        self._vocabulary = vocabulary
        self._width = width

    def say(self, *sentences: str) -> list[str]:
        """Break each sentence into lines that fit."""
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
        """Give a class as it is read out."""
        return inert(self._vocabulary.names[index], _LONGEST_NAME)

    def named(self, indices: Sequence[int]) -> str:
        """Give classes as they can be typed, with numbers where they have some."""
        numbered = self._vocabulary.numbered
        shown = [
            f"{index + 1} {self.name(index)}" if numbered else self.name(index)
            for index in indices[:LISTED_AT_ONCE]
        ]
        return ", ".join(shown) + (", and others" if len(indices) > LISTED_AT_ONCE else "")

    def where(self) -> list[str]:
        """Say where one is."""
        session = self._session
        return self.say(
            f"Round {session.round}, image {session.cursor + 1} of {len(session.batch)}. "
            f"{counted(session.labels, 'label')}, {session.pool_left:,} left."
        )

    def files(self, row: int) -> list[str]:
        """Say which image it is, for who looks at it elsewhere."""
        first, *others = self._session.items.references(row)
        also = f" and {len(others)} of the same pixels" if others else ""
        return self.say(f"The image is {inert(first, 200)}{also}.")

    def opinion(self, slot: Slot, *, past: bool = False) -> list[str]:
        """Say what the model thinks of an image, or why it is not told, once there is a model."""
        if slot.audit:
            return self.say("No suggestion: this image was drawn at random, to measure accuracy.")
        if slot.probabilities is None:
            if self._session.recipe is None:
                return []
            return self.say("No suggestion: picked before the model learned.")
        chances = slot.probabilities
        order = sorted(range(len(chances)), key=lambda index: -chances[index])[:_SUGGESTED]
        shown = [f"{self.name(index)} at {chances[index]:.0%}" for index in order]
        return self.say(f"The model {'had said' if past else 'says'} {', '.join(shown)}.")

    def accuracy(self) -> list[str]:
        """Say how good the model is, with the interval, and what it is measured on."""
        points = self._session.curve
        if not points:
            return self.say("Accuracy is not measured yet.")
        return self.say(
            f"{_accuracy(points[-1].accuracy)}, with {counted(points[-1].labels, 'label')}."
        )

    def model(self) -> list[str]:
        """Say which model asks, and what its last fits have moved."""
        session = self._session
        if session.recipe is None:
            return self.say("There is no model yet: it learns after the first batch.")
        model, features, strategy = session.recipe
        moves = session.moves
        moved = moves and advice(
            [move.moved for move in moves], [move.agreement for move in moves], moves[-1].stop_set
        )
        lines = self.say(f"The model is {model} on {features}, and asks by {strategy}.")
        return lines + (self.say(moved) if moved else [])

    def classes(self, page: int) -> list[str]:
        """List a page of the classes, one on a line."""
        names = self._vocabulary.names
        first = page * LISTED_AT_ONCE
        here = range(first, min(first + LISTED_AT_ONCE, len(names)))
        then = "goes on" if page + 1 < self.pages else "begins again"
        more = f"; {self._vocabulary.form(Command.CLASSES)} {then}" if self.pages > 1 else ""
        head = f"Classes {first + 1} to {here[-1] + 1} of {len(names):,}{more}:"
        return [*self.say(head), *(f"  {self.named([index])}" for index in here)]

    @property
    def pages(self) -> int:
        """How many pages of classes there are."""
        return -(-len(self._vocabulary.names) // LISTED_AT_ONCE)

    def classes_at_start(self) -> list[str]:
        """Name the classes, where they are not too many."""
        count = len(self._vocabulary.names)
        if count <= LISTED_AT_ONCE:
            return self.say(f"Classes: {self.named(range(count))}.")
        return self.say(
            f"There are {count:,} classes; {self._vocabulary.form(Command.CLASSES)} lists them."
        )

    def how_to_answer(self) -> str:
        """Say in a sentence what can be typed."""
        form = self._vocabulary.form
        parts = ", or enough of its beginning" if self._longer else ""
        parts += ", or its number" if self._vocabulary.numbered else ""
        return (
            f"Type a class{parts}{',' if parts else ''} and Enter; "
            f"{form(Command.ACCEPT)} agrees, {form(Command.SKIP)} skips, {form(Command.UNDO)} "
            f"undoes, {form(Command.QUIT)} quits, {form(Command.HELP)} tells all."
        )

    @property
    def _longer(self) -> bool:
        return any(len(name) > 1 for name in self._vocabulary.names)

    def help(self) -> list[str]:
        """Tell all that can be typed."""
        lines = self.say(
            "A class by its name"
            + (", by enough of its beginning" if self._longer else "")
            + (", or by its number in the list." if self._vocabulary.numbered else "."),
            "Besides classes, by letter, or by word, which works whatever the classes are called:",
        )
        for command in Command:
            form = self._vocabulary.form(command)
            letter = "" if form.startswith(":") else f"{form} or "
            lines += self._wrapped(f"  {letter}:{command.word}  {command.help}", " " * 4)
        return lines

    def ending(self) -> list[str]:
        """Say why nothing is asked any more."""
        skipped = self._session.ledger.skips_held
        rest = f", {skipped:,} skipped" if skipped else ""
        form = self._vocabulary.form
        return self.say(
            f"Everything is answered: {counted(self._session.labels, 'label')}{rest}. "
            f"{form(Command.UNDO)} undoes, {form(Command.QUIT)} leaves; "
            "`tuilabel export` writes the labels."
        )


def _accuracy(found: Accuracy) -> str:
    return f"Accuracy {found.text}"
