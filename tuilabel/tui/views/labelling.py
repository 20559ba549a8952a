"""The content of the labelling screen, as plain values; the session is only read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import islice, pairwise

from rich.cells import cell_len

from tuilabel.events.payloads import DOUBT, LATER
from tuilabel.learn import stopping
from tuilabel.learn.stopping import COMPARISONS
from tuilabel.session import Session, Slot
from tuilabel.session.rare import EndingNews
from tuilabel.session.recall import Recall, Recalls
from tuilabel.text import counted, disputed_text, inert, percent, set_name, unmeasured_text
from tuilabel.tui.keymap.resolved import Keymap
from tuilabel.tui.text.names import shown_name
from tuilabel.tui.text.pieces import Piece, cells_in, fitted
from tuilabel.tui.views.shown_classes import ShownClasses
from tuilabel.tui.views.values import ClassBar, Thumbnail, local_time

MOST_BARS = 5

_PACE = 20
"""Most and fewest answers that the pace is computed from."""
_PACE_FROM = 5

_LONGEST_PAUSE = 30.0
"""Seconds between two answers; a longer pause counts as this long."""

_SKIPPED, _DISPUTED = "–", "?"

_NAMED = 2
"""Most classes without a label that are named; the classes screen names all of them."""

_LONGEST_WORST = 10
"""Cells of the name of the class that is found least often."""


_LONGEST_NOTE = 24
"""Characters of a note in the header."""

_LONGEST_NAME, _MOST_PEOPLE = 16, 40
"""Cells of the name of an annotator, and of all names together."""


WAITS = "The next image is being read."


class Presenter:
    """A session in words, bars and marks.

    Parameters
    ----------
    session : Session
    keymap : Keymap
    holdout : str or None
        The name of the hold-out that accuracy is measured on; None where an audit set is.
    by : str
        Who labels.

    Attributes
    ----------
    classes : ShownClasses
    rare : EndingNews
    shown_item : callable
        Returns the id of what is shown: of a group, that of a frame.
    """

    def __init__(self, session: Session, keymap: Keymap, holdout: str | None, by: str) -> None:
        self.session = session
        self.keymap = keymap
        self.classes = ShownClasses(session, keymap, by)
        self.shown_item: Callable[[], str | None] = lambda: session.current_id
        self.rare = EndingNews(session, partial(shown_name, limit=16))
        self._recalls = Recalls(session.known)
        self._holdout = holdout

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes by index, as they are shown."""
        return self.classes.names

    def header(
        self, source: str, line: str = "", width: int = 80
    ) -> tuple[list[Piece], list[list[Piece]], Sequence[int]]:
        """Return the header: round, place in the batch, labels, pool left, and the pace.

        Where there is little room, the line to the terminal is worth more than the pool and the
        name of the source: it may say that keys wait. So is who else labels, and more than which
        program stands between.

        Parameters
        ----------
        source : str
        line : str
            A few words about the line to the terminal, or nothing.
        width : int
            Cells of the row.
        """
        session = self.session
        left: list[Piece] = [
            (" " + source, "strong"),
            (f"  round {session.round}", "plain"),
            (self._place(), "plain"),
            (f"  {counted(session.labels, 'label')}", "strong"),
            (f"  {session.pool_left:,} left", "plain"),
        ]
        left.insert(3, (self._remarks(width - cells_in(left)), "accent"))
        pace = self._answers_per_minute()
        right: list[list[Piece]] = []
        if pace is not None:
            right.append([(f"{pace:,.0f} labels/min ", "muted")])
        others, spare = session.others(), [len(left) - 1, 0]
        relay, colon, words = line.rpartition(": ")
        if others:
            least = cell_len(people(others, 0))
            room = width - cells_in(left) - cell_len("  with  ")
            room -= cell_len(f" {line} ") if line else 0
            if room < least:
                room += cell_len(relay + colon)
                relay = colon = ""
            if room < least:
                room += cells_in([left.pop(spare.pop(0))])
            right.append([(f" with {people(others, min(room, _MOST_PEOPLE))} ", "muted")])
        if not line:
            return left, right, ()
        right += [[(f" {relay}{colon}", "muted")], [(f"{words} ", "muted")]]
        return left, right, spare

    def _place(self) -> str:
        session = self.session
        if session.current is None:
            return "  reading" if session.waits else "  done"
        return f"  {session.cursor + 1:>2} of {len(session.batch)}"

    def _remarks(self, room: int) -> str:
        """Return why the image comes again, whether it is flagged, and its newest note.

        The text of the note is left out where there is no room for it.
        """
        session, item = self.session, self.shown_item()
        if item is None:
            return ""
        remarks, asked = session.known.remarks, session.desk.current
        note = remarks.noted.get(item)
        words = f"  {found}" if (found := self.rare.words()) else ""
        words += "  kept for later" if asked is not None and asked.reason == LATER else ""
        words += "  flagged" if item in remarks.flagged else ""
        if note is None:
            return words
        text = f"{words}  note: {inert(note.text or '', _LONGEST_NOTE)}"
        return text if cell_len(text) < room else f"{words}  noted"

    def _answers_per_minute(self) -> float | None:
        answers = (one for one in self.session.desk.newest_answers() if not one.is_out_of_turn)
        times = [local_time(answer.at) for answer in islice(answers, _PACE)]
        newest = [time for time in times if time is not None]
        if len(newest) < _PACE_FROM:
            return None
        # Long pauses do not count, and clocks may go back.
        between = [
            min(max((later - earlier).total_seconds(), 0.0), _LONGEST_PAUSE)
            for later, earlier in pairwise(newest)
        ]
        return 60 * len(between) / max(sum(between), 1e-3)

    def model_title(self) -> str:
        """Return the names of the model and the strategy."""
        session = self.session
        asked = session.desk.current
        if session.recipe is None and asked is not None and asked.reason == DOUBT:
            return "no model yet · doubtful suggestions first"
        if session.recipe is None:
            return f"no model yet · cold start {session.settings.cold_start}"
        return f"{session.recipe.model} on {session.recipe.features} · {session.recipe.strategy}"

    def bars(self, slot: Slot, chosen: int | None = None) -> list[ClassBar]:
        """Return the likeliest classes of an item, likeliest first.

        Parameters
        ----------
        slot : Slot
        chosen : int, optional
            The annotator's answer, which is always among the bars.
        """
        assert slot.probabilities is not None
        chances = slot.probabilities
        keys, names = self.classes.keys, self.classes.names
        order = sorted(self.classes.open, key=lambda index: -chances[index])[:MOST_BARS]
        if chosen is not None and chosen not in order:
            order[-1] = chosen
        width = max(1, *map(cell_len, keys))
        return [
            ClassBar(fitted(keys[index], width), names[index], chances[index], index == chosen)
            for index in order
        ]

    def guess(self) -> str:
        """Return the suggestion of another tool for the current item; nothing without one."""
        guess = self.session.guess()
        if guess is None:
            return ""
        share = "" if guess.probability is None else f" {percent(guess.probability)}"
        name = shown_name(self.session.known.classes.name(guess.class_id))
        return f"{name}{share}, suggested by {inert(guess.origin, 40)}"

    def usual_classes(self) -> list[int]:
        """Return the classes that have labels, the most frequent ones first."""
        place = {self.session.classes.ids[index]: index for index in self.classes.open}
        counts = self.session.known.by_class
        return [place[id_] for id_, _ in counts.most_common() if id_ in place]

    def without_example(self) -> str:
        """Return which classes have no label yet, once accuracy is measured; else nothing.

        The accuracy says nothing about these classes.
        """
        names = self.session.known.without_example()
        if not names or not self.session.curve:
            return ""
        return f"no example of {_some_classes(names)} yet"

    def recall(self) -> list[str] | None:
        """Return what the accuracy does not say, from the longest to the shortest form.

        These are the balanced accuracy and the class that is found least often. In place of both
        comes a class that the measured set does not contain: nothing is known about it. The list
        is empty while all that is known is in the accuracy; None where an image may have several
        classes.
        """
        if self.session.about.multi:
            return None
        found = self._recalls.newest()
        if found is None:
            return []
        balanced, missing, worst = found.balanced, self._missing(found), self._worst(found)
        if balanced is None:
            return [missing] if missing else []
        short = f"balanced {balanced.value:.1%}"
        long = f"{short} ({balanced.low:.1%} to {balanced.high:.1%})"
        other = missing or worst
        rest = f"  {other}" if other else ""
        return [long + rest, short + rest, other or short]

    def _missing(self, found: Recall) -> str:
        names = [self.session.known.classes.name(id_) for id_ in found.missing]
        return unmeasured_text(_some_classes(names), found.set) if names else ""

    def _worst(self, found: Recall) -> str:
        if found.worst is None:
            return ""
        rate = found.by_class[found.worst]
        name = shown_name(self.session.known.classes.name(found.worst), _LONGEST_WORST)
        return f"worst {name}: {rate.correct:,} of {rate.n:,}"

    def thumbnails(self) -> list[Thumbnail]:
        """Return the places of the batch with their answers."""
        session = self.session
        marks = []
        for place, slot in enumerate(session.batch):
            answer = session.answer(slot)
            if session.items.ids[slot.row] in session.known.disputed:
                mark = _DISPUTED
            elif answer is None:
                mark = ""
            elif answer.several is not None:
                mark = self.named(answer.several)
            elif answer.class_index is None:
                mark = _SKIPPED
            else:
                mark = self.classes.short[answer.class_index]
            marks.append(Thumbnail(slot.row, mark, place == session.cursor))
        return marks

    def named(self, classes: Collection[int]) -> str:
        """Return the names of several classes, or that there are none."""
        order = [index for index in self.classes.open if index in classes]
        order += sorted(set(classes) - set(order))
        return "+".join(self.classes.short[index] for index in order) or "none"

    def marked(self, classes: Collection[int]) -> str:
        """Return a sentence about what is marked, and what saves it."""
        enter = self.keymap.key("accept")
        what = self.named(classes) if classes else "none of the classes"
        return f"{enter} saves: {what}."

    @property
    def set_name(self) -> str:
        """The name of the set that accuracy is measured on."""
        return f"the {set_name(self._holdout or 'audit')}"

    @property
    def disputed(self) -> str:
        """How many audit images annotators disagree about, to follow an accuracy; or nothing."""
        return disputed_text(self.session.audit_disputes)

    def curve(self) -> tuple[str, list[float], str]:
        """Return the accuracy's title, values and caption."""
        what = "whole sets right" if self.session.about.multi else "accuracy"
        title = f"{what} on {self.set_name}"
        points = self.session.curve
        if not points:
            if self.session.current is None:
                return title, [], "nothing measured"
            waiting = "after the first batch" if self._holdout else "after the first audit images"
            return title, [], waiting
        newest = points[-1].accuracy
        caption = f"{newest.value:.1%}  ({newest.low:.1%} to {newest.high:.1%}), n {newest.n:,}"
        return title, [point.accuracy.value for point in points], caption + self.disputed

    def stopping(self) -> str:
        """Return whether more labels would change much, in words; nothing while that is unknown."""
        moves = self.session.moves[-COMPARISONS:]
        if len(moves) < COMPARISONS:
            return ""
        mean = sum(move.moved for move in moves) / len(moves)
        settled = stopping.settled([move.agreement for move in moves])
        verdict = "help little" if settled else "still help"
        return f"{mean:.1%} changed: more labels {verdict}"

    def ending(self) -> str:
        """Return a sentence for when no image is left to label, or none was read yet."""
        if self.session.waits:
            return WAITS
        return f"Every image is answered: {self._answers()}. {self._keys_at_the_end()}."

    def ending_lines(self) -> list[Piece]:
        """Return the same in lines, to be shown in place of the image."""
        if self.session.waits:
            return [(WAITS, "muted")]
        return [
            ("✓ Every image is answered.", "good"),
            (self._answers(), "strong"),
            ("", "plain"),
            (self._keys_at_the_end(), "plain"),
            ("export: `tuilabel export`", "plain"),
        ]

    def _answers(self) -> str:
        skipped = self.session.known.skips_held
        return counted(self.session.labels, "label") + (f", {skipped:,} skipped" if skipped else "")

    def _keys_at_the_end(self) -> str:
        return f"{self.keymap.key('undo')} undoes, {self.keymap.key('quit')} quits"


def _some_classes(names: Sequence[str]) -> str:
    """Return names of classes, or their number where there are many."""
    if len(names) > _NAMED:
        return f"{len(names):,} classes"
    return ", ".join(f"`{shown_name(name, 16)}`" for name in names)


def people(names: Sequence[str], width: int) -> str:
    """Return names in a width in cells: as many as fit, and how many there are besides.

    Where none fits, it is their number, whatever its width.
    """
    shown = [shown_name(name).strip() or "?" for name in names]
    shown = [fitted(name, min(cell_len(name), _LONGEST_NAME)) for name in shown]
    for count in range(len(shown), 0, -1):
        rest = f" and {len(shown) - count:,} more" if count < len(shown) else ""
        text = ", ".join(shown[:count]) + rest
        if cell_len(text) <= width:
            return text
    return counted(len(shown), "other")
