"""The messages about a session: the most serious first, and one line about them."""

from __future__ import annotations

from tuilabel.data.dataset import SkippedFile
from tuilabel.tui.text.pieces import cells_in
from tuilabel.tui.views.messages import Messages
from tuilabel.workspace.following import Health

DAMAGE = ("log/a.jsonl", "line 3: its checksum is wrong")


def test_without_messages_there_is_no_line() -> None:
    assert Messages([], [SkippedFile("a.txt", "no image")], 0).line(80, "F8") is None


def test_one_short_message_stands_alone() -> None:
    assert Messages(["2 files are equal."], [], 0).line(80, "F8") == (
        "2 files are equal.",
        "accent",
    )


def test_the_most_serious_comes_first_and_the_key_lists_all() -> None:
    messages = Messages(["2 files are equal."], [SkippedFile("a.txt", "no image")], 3)
    messages.take(Health((DAMAGE,)))
    line = messages.line(60, "F8")
    assert line is not None
    assert line[0].startswith("! log/a.jsonl: line 3: its checksum is")
    assert line[0].endswith(" F8: 3 messages")
    assert cells_in([line]) <= 60
    about = [message.about for message in messages.all()]
    assert about == ["log/a.jsonl", "source", "source", "a.txt"]
    assert "3 answered images are no longer in the source." in messages.all()[2].text


def test_news_is_what_was_not_known() -> None:
    messages = Messages([], [], 0)
    assert messages.take(Health()) is None
    news = messages.take(Health((DAMAGE,)))
    assert news is not None
    assert news.about == "log/a.jsonl"
    assert messages.take(Health((DAMAGE,))) is None
    lost = messages.take(Health((DAMAGE,), "The session is gone."))
    assert lost is not None
    assert lost.text.startswith("The session is gone. w on this screen writes")
    assert messages.all()[0] == lost
    assert messages.is_lost
    messages.copied("All of it was written to another folder.")
    assert messages.all()[0].text.startswith("All of it")
