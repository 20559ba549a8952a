"""The conversation: what is printed, what an answer does. No clock, no descriptor, no process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tuilabel.errors import SaveError, SourceError, TuilabelError, UsageError
from tuilabel.events.lines import Event
from tuilabel.events.payloads import LATER, UNSURE, UNUSABLE
from tuilabel.line.answers import (
    Ambiguous,
    Chosen,
    ChosenSet,
    Command,
    Meaning,
    NoteText,
    RestText,
    Unknown,
    Vocabulary,
)
from tuilabel.line.picture import Look, picture
from tuilabel.line.rest import Plan, Rest
from tuilabel.line.trainer import at_work, trouble
from tuilabel.line.wording import WIDTH, Wording
from tuilabel.session import Annotator, Ranking, Request, Session, Slot
from tuilabel.session.class_changes import ClassError
from tuilabel.session.undoing import skip_text, undone_text
from tuilabel.settings import SUGGESTIONS
from tuilabel.text import SUGGESTION_MODES, counted, inert
from tuilabel.trainer.reports import Idle, TrainerReport, Working

PROMPT = "class? "
PROMPT_AT_END = "undo or quit? "

_SKIPS = {
    Command.SKIP: "",
    Command.UNSURE: UNSURE,
    Command.UNUSABLE: UNUSABLE,
    Command.LATER: LATER,
}
"""The commands that pass an image over, each with the reason."""

ANSWERS = (Command.ACCEPT, Command.NONE, *_SKIPS, Command.FLAG)


class Conversation:
    """Presents the images, and does what is typed.

    `ask` returns the lines above a prompt, and `handle` the reply to what was typed at it. A label
    is on disk when `handle` returns.

    Parameters
    ----------
    session : Session
    image : callable
        Returns the image of a row; raises `SourceError` if it is damaged.
    submit : callable
        Passes a request to the trainer.
    by : Annotator
        Who answers; may be changed.
    suggestions : str
        When the model's classes are shown, one of `tuilabel.settings.SUGGESTIONS`.
    look : Look
        How images are drawn.
    pictures : bool
        Whether images are drawn; otherwise their names are printed.
    width : int
        Length of a line, in columns.
    guidelines : callable, optional
        Returns the guidelines; raises `UsageError` if they cannot be read.
    plan : Plan, optional
        Draws a check of the rest.
    """

    def __init__(
        self,
        session: Session,
        image: Callable[[int], NDArray[np.uint8]],
        submit: Callable[[Request], None],
        by: Annotator,
        *,
        suggestions: str = "before",
        look: Look = Look(),  # noqa: B008
        pictures: bool = True,
        width: int = WIDTH,
        guidelines: Callable[[], str] | None = None,
        plan: Plan | None = None,
    ) -> None:
        self._guidelines = guidelines
        self._rest = Rest(session, plan)
        self.session = session
        classes = session.classes
        names = [classes.names[index] for index in classes.open]
        keys = session.known.classes.keys_at_start(by.name)
        self.vocabulary = Vocabulary(names, keys, several=session.about.multi)
        self._classes = classes.open
        self.words = Wording(session, self.vocabulary, width)
        self.by = by
        self.over = False
        self.busy = False
        self.image_is_new = True
        self._image = image
        self._submit = submit
        self._suggestions = suggestions
        self._look = look
        self._pictures = pictures
        self._page = 0
        self._news: list[str] = []
        self._trainer: TrainerReport = Idle()
        self._unsaved: Ranking | None = None

    # Output.

    def opening(self, source: str, notices: Sequence[str] = ()) -> list[str]:
        """Return the lines at the start: what is labelled, and how."""
        words, session = self.words, self.session
        lines = words.say(
            f"Labelling {inert(source)}.", *(inert(notice, 300) for notice in notices)
        )
        if session.missing:
            gone = counted(session.missing, "answered image is", "answered images are")
            lines += words.say(f"{gone} no longer in the source.")
        lines += [*words.classes_at_start(), *words.say(words.how_to_answer())]
        return lines + (words.accuracy() if session.curve else words.model())

    @property
    def prompt(self) -> str:
        """The prompt, which the answer follows."""
        return PROMPT_AT_END if self.session.current is None else PROMPT

    def ask(self) -> list[str]:
        """Return the lines above the prompt: news, and the image unless it is the same."""
        lines = self.news()
        if self.image_is_new:
            lines += self._show()
        return lines

    def news(self) -> list[str]:
        """Return the news of the trainer since the last prompt."""
        news, self._news = self._news, []
        return news

    def asked(self) -> None:
        """Note that the prompt was printed, with the lines of `ask` above it."""
        self.image_is_new = False
        if self.session.request_is_due:
            self.hand_over()

    def _show(self) -> list[str]:
        slot = self.session.current
        if slot is None:
            return self.words.ending()
        about = self.words.say(self._rest.words())
        lines = self.words.where() + about + self.words.remarks() + self._draw(slot)
        return lines + (self.words.opinion(slot) if self._suggestions == "before" else [])

    def _draw(self, slot: Slot) -> list[str]:
        if not self._pictures:
            return self.words.files(slot.row)
        try:
            lines = picture(self._image(slot.row), self._look)
        except SourceError as error:
            skip = self.vocabulary.form(Command.SKIP)
            return self.words.say(
                f"This image cannot be shown: {inert(str(error), 300)}", f"{skip} skips it."
            )
        return lines or self.words.say("The image is black all over.")

    # Input.

    def answers(self, line: str) -> bool:
        """Return whether a line is an answer for the image."""
        meaning = self.vocabulary.meaning(line)
        return isinstance(meaning, Chosen | ChosenSet | NoteText) or meaning in ANSWERS

    def handle(self, line: str, ms: int | None = None) -> list[str]:
        """Handle a line typed at the prompt.

        Parameters
        ----------
        line : str
        ms : int, optional
            Milliseconds since the image was shown.

        Returns
        -------
        list of str
            The reply: what was done, or why nothing was.
        """
        meaning = self.vocabulary.meaning(line)
        page, self._page = self._page, 0
        match meaning:
            case Chosen(place):
                return self.label(self._classes[place], ms)
            case ChosenSet(places):
                return self.label([self._classes[place] for place in places], ms)
            case Command.NONE if self.vocabulary.several:
                return self.label([], ms)
            case Command.ACCEPT:
                return self._accept(ms)
            case Command() if meaning in _SKIPS:
                why = _SKIPS[meaning]
                return self._answer(
                    lambda item: self.session.skip(item, by=self.by, ms=ms, why=why)
                )
            case Command.FLAG:
                return self._remark(lambda item: self.session.flag(item, by=self.by))
            case NoteText(text):
                return self._remark(lambda item: self.session.note(item, text, by=self.by))
            case RestText(text):
                return self._look_for(text)
            case Command.UNDO:
                return self._undo()
            case Command.QUIT:
                self.over = True
                return []
            case Command.CLASSES:
                self._page = (page + 1) % self.words.pages
                return self.words.classes(page)
            case _:
                return self._reply(meaning, line)

    def _reply(self, meaning: Meaning, line: str) -> list[str]:
        """Return the reply to a line that changes nothing in the session."""
        words = self.words
        match meaning:
            case None:
                return words.say(words.how_to_answer())
            case Ambiguous(indices):
                return words.say(
                    f"Several classes begin like this: {words.named(indices)}. Type more."
                )
            case Unknown(nearest):
                return self._unknown(inert(line.strip(), 40), nearest)
            case Command.NONE:
                return words.say("Each image has one class here: skip it, or add a class.")
            case Command.NOTE:
                return words.say("Type the note behind it, such as `:note two birds`.")
            case Command.REST:
                return words.say(*self._rest.lines())
            case Command.GUIDELINES:
                return self._print_guidelines()
            case Command.ACCURACY:
                doing = at_work(self._trainer, fits=self.session.labels > 0) if self.busy else ""
                return [*words.accuracy(), *words.model(), *words.say(doing)]
            case Command.IMAGE:
                self._pictures = not self._pictures
                self.image_is_new = True
                return words.say(
                    "Images are drawn."
                    if self._pictures
                    else "Only the names of images are printed."
                )
            case Command.INVERT:
                self._look = self._look.inverted()
                self.image_is_new = True
                return words.say("Dark and light are swapped.")
            case Command.SUGGESTIONS:
                after = SUGGESTIONS.index(self._suggestions) + 1
                self._suggestions = SUGGESTIONS[after % len(SUGGESTIONS)]
                return words.say(f"{SUGGESTION_MODES[self._suggestions].capitalize()}.")
            case Command.SHOW:
                self.image_is_new = True
                return []
            case _:
                return words.help()

    def _look_for(self, typed: str) -> list[str]:
        """Ask other images first, as is typed after `:rest`."""
        try:
            done = self._rest.turn_to(typed, by=self.by)
        except SaveError as error:
            return self._not_saved(error)
        except TuilabelError as error:
            return self.words.say(inert(str(error), 400))
        return self._moved(done)

    def _print_guidelines(self) -> list[str]:
        if self._guidelines is None:
            return self.words.say(
                "There are no guidelines yet: start with --guidelines FILE to read them here."
            )
        try:
            return self.words.say(*self._guidelines().split("\n"))
        except UsageError as error:
            return self.words.say(str(error))

    def _remark(self, write: Callable[[str], Event]) -> list[str]:
        """Save a flag or a note; the image stays."""
        item = self.session.current_id
        if item is None:
            return self.words.ending()
        try:
            write(item)
        except SaveError as error:
            return self._not_saved(error)
        return self.words.remarks() or self.words.say("Saved: neither flagged nor noted.")

    def _unknown(self, typed: str, nearest: Sequence[int]) -> list[str]:
        form = self.vocabulary.form
        near = f" Did you mean {self.words.named(nearest)}?" if nearest else ""
        return self.words.say(
            f"There is no class {typed!r}.{near} {form(Command.CLASSES)} lists the classes, "
            f"{form(Command.HELP)} lists what else can be typed."
        )

    def label(self, index: int | Collection[int], ms: int | None = None) -> list[str]:
        """Label the image with a class, or with several where it may have them."""
        return self._answer(lambda item: self.session.label(item, index, by=self.by, ms=ms))

    def _accept(self, ms: int | None) -> list[str]:
        if self.session.current is not None:
            if self.vocabulary.several:
                return self.words.say("Nothing to accept: type the classes of the image.")
            if self._suggestions != "before":
                return self.words.say(f"Nothing to accept: {SUGGESTION_MODES[self._suggestions]}.")
            if self.session.suggestion() is None:
                return self.words.say("This image has no suggestion to accept.")
        return self._answer(lambda item: self.session.accept_suggestion(item, by=self.by, ms=ms))

    def _answer(self, write: Callable[[str], Event | None]) -> list[str]:
        item, slot = self.session.current_id, self.session.current
        if item is None or slot is None:
            return self.words.ending()
        try:
            event = write(item)
        except ClassError as error:
            return self.words.say(inert(str(error), 400))
        except SaveError as error:
            return self._not_saved(error)
        name = self.session.class_name(event)
        if name is None:
            done = "skipped" if event is None else skip_text(event.payload, "skipped")
            return self._moved(f"{done.capitalize()}.")
        lines = self._moved(f"Saved: {inert(name, 40)}.")
        if self._suggestions == "after":
            lines += self.words.opinion(slot, past=True)
        return lines

    def _undo(self) -> list[str]:
        try:
            event = self.session.undo(by=self.by)
        except SaveError as error:
            return self._not_saved(error)
        if event is None:
            return self.words.say("There is nothing to undo.")
        assert self.session.taken_back is not None
        return self._moved(
            undone_text(self.session.taken_back, self.session.known, partial(inert, limit=40))
        )

    def _not_saved(self, error: SaveError) -> list[str]:
        again = (
            "" if self.session.current is None else "This is still the same image: answer again."
        )
        return self.words.say(inert(str(error), 400), again)

    def _moved(self, done: str) -> list[str]:
        """Go to another image after something was saved."""
        self.image_is_new = True
        if self._unsaved is not None:
            self.ranking_arrived(self._unsaved)
        try:
            # At the end, what was skipped for later is asked again.
            self.session.go_on(by=self.by)
        except SaveError as error:
            return self.words.say(done, inert(str(error), 400))
        return self.words.say(done, self._rest.news())

    # The trainer.

    def hand_over(self) -> None:
        """Pass the session's request to the trainer."""
        request = self.session.take_request()
        if request is not None:
            self.busy, self._trainer = True, Working()
            self._submit(request)

    def ranking_arrived(self, ranking: Ranking) -> None:
        """Use a ranking for the next images; the image above the prompt stays."""
        self._unsaved = None
        before = self.session.curve[-1:]
        try:
            event = self.session.accept_ranking(ranking, by=self.by)
        except SaveError as error:
            # It is tried again after the next answer that is saved.
            self._unsaved = ranking
            self._news += self.words.say(f"The ranking of the model is not saved: {error}")
            return
        if event is not None and self.session.curve[-1:] != before:
            self._news += self.words.accuracy()
        self._news += self.words.say(self._rest.news())

    def learner_prepared(self) -> None:
        """Request another fit: the trainer can now do better with the same labels."""
        self.session.learn_again()
        self.hand_over()

    def trainer_reported(self, report: TrainerReport, *, busy: bool) -> None:
        """Keep the trainer's state; show what went wrong before the next prompt."""
        self._trainer, self.busy = report, busy
        self._news += self.words.say(trouble(report) or "")
