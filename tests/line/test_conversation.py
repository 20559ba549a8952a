"""The replies of line mode, and the effect of an answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from loop_fakes import fit_finished

from tests.line.conftest import DAMAGED, Talk
from tuilabel.errors import UsageError
from tuilabel.events.payloads import Label, Skip, Suggestion
from tuilabel.learn.metrics import Accuracy
from tuilabel.line.conversation import PROMPT_AT_END
from tuilabel.trainer.reports import Down

Begin = Callable[..., Talk]


def test_an_answer_is_on_disk_before_it_is_said(talk: Begin) -> None:
    it = talk()
    assert it.prompt().startswith("Round 1, image 1 of 5. 0 labels, 30 left. @@@@")
    assert it.say("cat") == "Saved: cat."
    assert it.session.class_name(it.log.written[-1]) == "cat"
    assert "image 2 of 5. 1 label, 29 left." in it.prompt()
    assert it.say("s") == "Skipped."
    assert isinstance(it.log.written[-1].payload, Skip)


@pytest.mark.parametrize("line", ["", "  ", "ctt", "9", "?", "c", "a", "p", "r", "i", "v"])
def test_what_is_no_answer_answers_nothing(talk: Begin, line: str) -> None:
    it = talk()
    it.prompt()
    item = it.session.current_id
    assert not it.conversation.answers(line)
    it.say(line)
    it.prompt()
    assert it.session.current_id == item
    assert it.labels() == []


@pytest.mark.parametrize("why", ["unsure", "unusable", "later"])
def test_an_image_is_passed_over_for_a_reason(talk: Begin, why: str) -> None:
    it = talk()
    it.prompt()
    assert it.conversation.answers(f":{why}")
    assert it.say(f":{why}") == f"Skipped ({why})."
    assert dict(it.session.known.skipped) == {why: 1}
    assert it.say("u") == f"Undone: a skip ({why})."
    assert it.say(why).startswith("There is no class"), "only with a colon"


def test_what_is_for_later_comes_back_at_the_end(talk: Begin) -> None:
    it = talk(count=2)
    it.prompt()
    item = it.session.current_id
    it.say(":later")
    it.say("cat")
    assert it.session.current_id == item
    assert "It was kept for later." in it.prompt()
    it.say(":later")
    assert it.session.current_id == item
    it.say("dog")
    assert it.prompt().startswith("Every image is answered: 2 labels.")
    assert it.say(":flag").startswith("Every image is answered")


def test_flags_and_notes_are_words_and_no_answers(talk: Begin) -> None:
    it = talk()
    it.prompt()
    item = it.session.current_id
    assert it.say(":flag") == "It is flagged for a second opinion."
    assert it.say(":note two\x1b[31m birds").endswith("Note by me: two[31m birds")
    assert it.say(":note") == "Type the note behind it, such as `:note two birds`."
    assert it.session.current_id == item
    assert it.say("u") == "Undone: the note."
    assert it.say(":FLAG") == "Saved: neither flagged nor noted."
    it.log.fails = True
    assert "Not saved" in it.say(":note x")
    assert it.labels() == []
    assert it.conversation.answers(":note x")


def test_guidelines_are_printed(talk: Begin) -> None:
    it = talk(guidelines=lambda: "# Birds\n\nLabel the ␛[2J largest.")
    assert it.say(":guidelines") == "# Birds Label the ␛[2J largest."

    def fail() -> str:
        raise UsageError("The guidelines cannot be read.")

    assert talk(guidelines=fail).say(":guidelines") == "The guidelines cannot be read."
    assert "--guidelines FILE" in talk().say(":guidelines")


def test_the_image_is_not_read_out_again_without_need(talk: Begin) -> None:
    it = talk()
    assert "@" in it.prompt()
    assert it.say("ctt").startswith("There is no class 'ctt'. Did you mean 1 cat?")
    assert it.prompt() == ""
    it.say("r")
    assert "@" in it.prompt()
    it.say("i")
    assert "@" not in it.prompt()
    assert "The image is file" in " ".join(it.conversation.words.files(3))


def test_a_save_that_fails_is_said_and_the_image_stays(talk: Begin) -> None:
    it = talk()
    it.prompt()
    item = it.session.current_id
    it.log.fails = True
    for line in ("cat", "s"):
        assert "Not saved: the test says so. This is still the same image" in it.say(line)
        assert it.session.current_id == item
    it.log.fails = False
    assert it.say("cat") == "Saved: cat."


def test_undo_works_across_restarts(talk: Begin) -> None:
    it = talk()
    item = it.session.current_id
    it.say("owl")
    again = talk(log=it.log)
    assert again.say("u") == "Undone: owl."
    assert again.session.current_id == item
    assert "image 1 of 5" in again.prompt()
    assert again.say("u") == "There is nothing to undo."


def test_a_batch_is_handed_over_once_the_next_prompt_stands(talk: Begin) -> None:
    it = talk()
    for _ in range(5):
        it.say("dog")
    assert it.requests == []
    it.prompt()
    assert len(it.requests) == 1
    assert "The model is at work: fitting" in it.say("a")
    assert it.prompt() == ""
    assert len(it.requests) == 1


def test_what_the_model_learned_comes_before_the_next_prompt(talk: Begin) -> None:
    it = talk()
    for _ in range(5):
        it.say("dog")
    it.prompt()
    rows = [row for row in range(30) if not it.session._rows.answered[row]][:10]
    fit = fit_finished(
        it.requests[0].generation,
        rows,
        [[0.0001, 0.002, 0.9979]] * 10,
        Accuracy(45, 50, "hold-out"),
    )
    it.conversation.ranking_arrived(fit)
    it.say("dog")
    said = it.prompt()
    assert said.startswith("Accuracy 90.0% (")
    assert "on the hold-out, n = 50, with 5 labels. Round 2, image 2 of 5." in said
    assert said.endswith("The model says owl at 99.8%, dog at 0.2%, cat at <0.1%.")
    assert it.say("=") == "Saved: owl."
    (*_, label) = it.log.answers
    assert isinstance(label, Label)
    assert label.accepted


def test_a_tools_suggestion_is_printed_where_the_model_has_none(talk: Begin) -> None:
    it = talk()
    session = it.session
    guess = Suggestion(
        item=str(session.current_id), class_id=session.classes.ids[2], origin="x", probability=0.9
    )
    session.take_in(it.log.append([guess], "x"))
    assert it.prompt().endswith("x suggests owl at 90%.")
    assert it.say("=") == "Saved: owl."


def test_suggestions_come_after_or_not_at_all_when_wished(talk: Begin) -> None:
    it = talk(suggestions="after")
    for _ in range(5):
        it.say("dog")
    it.prompt()
    it.fit()
    it.say("dog")
    assert "The model says" not in it.prompt()
    assert it.say("=").startswith("Nothing to accept: ")
    assert "The model said" in it.say("cat")
    assert it.say("p") == "Suggestions are off."
    assert "The model" not in it.say("cat")


def test_images_to_measure_on_get_no_suggestion(talk: Begin) -> None:
    it = talk(holdout=False, count=60)
    audits = 0
    for _ in range(40):
        said = it.prompt()
        if it.requests:
            it.fit()
            it.requests.clear()
        slot = it.session.current
        assert slot is not None
        assert slot.audit == ("drawn at random to measure accuracy" in said)
        if slot.audit:
            audits += 1
            assert it.say("=") == "This image has no suggestion to accept."
        it.say("cat")
    assert audits


def test_at_the_end_there_is_undo_and_quit(talk: Begin) -> None:
    it = talk(count=5)
    for _ in range(5):
        it.say("cat")
    assert it.prompt().startswith("Every image is answered: 5 labels. u undoes, q quits;")
    assert it.conversation.prompt == PROMPT_AT_END
    for line in ("cat", "s", "="):
        assert it.say(line).startswith("Every image is answered: 5 labels.")
    assert it.say("u") == "Undone: cat."
    assert "image 5 of 5" in it.prompt()
    it.say("q")
    assert it.conversation.over


def test_a_damaged_image_is_said_and_can_be_skipped(talk: Begin) -> None:
    it = talk()
    said = ""
    while it.session.current is not None and it.session.current.row != DAMAGED:
        it.say("cat")
    said = it.prompt()
    assert "This image cannot be shown: file5.png is damaged. s skips it." in said
    assert it.say("s") == "Skipped."


def test_trouble_with_the_trainer_is_said_once_before_the_next_image(talk: Begin) -> None:
    it = talk()
    it.prompt()
    it.conversation.trainer_reported(Down("the trainer died (signal 9)"), busy=True)
    assert it.prompt() == "The model: the trainer died (signal 9)."
    assert it.prompt() == ""


def test_many_classes_are_listed_page_by_page(talk: Begin) -> None:
    it = talk(classes=[f"class {number:02}" for number in range(45)])
    assert "There are 45 classes; c lists them." in " ".join(it.conversation.opening("fake"))
    pages = [it.say("c") for _ in range(4)]
    assert pages[0].startswith("Classes 1 to 20 of 45; c lists the next ones:   1 class 00")
    assert pages[2].startswith("Classes 41 to 45 of 45; c starts again:")
    assert pages[3] == pages[0]
    it.say("?")
    assert it.say("c") == pages[0]
    assert it.say("class").startswith("Several classes begin like this: 1 class 00, 2 class 01")


def test_nothing_but_text_is_ever_printed(talk: Begin) -> None:
    it = talk(classes=["\x1b[31mred", "a\nb\r\x07", "[bold]x[/]"])
    lines = it.conversation.opening("evil\x1b]0;x", ["no\x9btice"])
    for typed in ("\x1b[2J", "1", "2", "3", "?", "c", "a", "u", "no\x00thing", "p", "\x9b"):
        lines += it.conversation.ask()
        it.conversation.asked()
        lines += it.conversation.handle(typed)
    assert all(line.isprintable() and len(line) <= 80 for line in lines), lines
    assert "␛[31mred" in " ".join(lines)
