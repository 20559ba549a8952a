"""Looking for a rare class in line mode, and the check of the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.line.conftest import Talk
from tuilabel.events.payloads import SpotCheck
from tuilabel.session.spot_checks import draw

Begin = Callable[..., Talk]


def rare(talk: Begin) -> Talk:
    """Begin a conversation about the classes ok and rare, which can draw."""

    def plan(units: Sequence[Sequence[int]], sought: str, other: str, count: int) -> SpotCheck:
        ids = [it.session.items.ids[first] for first, *_ in units]
        items, size = draw(ids, count, seed=1), len(ids)
        return SpotCheck(
            file="f", sha256="", count=size, class_id=sought, units=size, seed=1, items=items
        )

    it = talk(("ok", "rare"), plan=plan)
    it.prompt()
    for line in ("ok", "rare", "ok", "ok"):
        it.say(line)
    return it


def test_a_check_is_begun_answered_and_what_it_shows_is_said(talk: Begin) -> None:
    it = rare(talk)
    assert it.say(":rest") == (
        "`:rest likely` asks first what is predicted to be rare. `:rest 26` asks all that are "
        "left, in a random order."
    )
    assert it.say(":rest 20") == "Drew 20 of 26 images at random."
    for place in range(1, 20):
        prompt = it.prompt()
        assert f"Random check {place} of 20." in prompt
        assert "No suggestion: this image was drawn at random for a check." in prompt
        assert it.say("ok") == "Saved: ok."
    it.prompt()
    assert it.say("ok") == (
        "Saved: ok. Of 6 images left, at most 2 are rare (95%): `:rest` goes on."
    )
    assert "20 of 26 images were drawn at random, 0 found." in it.say(":rest")
    assert it.say(":rest stop") == "The strategy chooses images again."
    assert "Random check" not in it.prompt()


def test_what_is_likely_is_asked_first(talk: Begin) -> None:
    it = rare(talk)
    assert it.say(":rest Likely") == "What is predicted to be rare is asked first."
    assert it.session.desk.sought == it.session.classes.ids[1]
    it.prompt()
    assert it.requests[-1].sought == 1  # type: ignore[union-attr]
    assert "`:rest stop`" in it.say(":rest")


@pytest.mark.parametrize("typed", ["0", "27", "x", "-3", "9" * 100, "\x1b[31m"])
def test_what_cannot_be_drawn_is_refused(talk: Begin, typed: str) -> None:
    it = rare(talk)
    assert "cannot be drawn: type `:rest likely`" in it.say(f":rest {typed}")
    assert "\x1b" not in it.say(f":rest {typed}")


def test_a_session_of_three_classes_has_no_rare_one(talk: Begin) -> None:
    it = talk()
    assert "needs a session of two classes" in it.say(":rest")
    assert "needs a session of two classes" in it.say(":rest 3")
