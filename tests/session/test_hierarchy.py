"""Classes at several levels: `bird` and `bird/owl` do not contradict each other."""

from __future__ import annotations

import pytest
from loop_fakes import ME, FakeItems, FakeLog

from tuilabel.session import Annotator, LoopSettings, Session
from tuilabel.session.annotators import agreement
from tuilabel.session.hierarchy import above_each, agree, parents_of, settled

NAMES = {
    name: name for name in ("bird", "bird/owl", "bird/owl/barn", "bird/hawk", "cat", "dog/pug")
}
ABOVE = above_each(NAMES)


def test_a_class_lies_below_those_whose_names_begin_its_own() -> None:
    assert ABOVE == {
        "bird/owl": ("bird",),
        "bird/owl/barn": ("bird", "bird/owl"),
        "bird/hawk": ("bird",),
    }
    columns = ("cat", "bird/owl/barn", "bird")
    assert parents_of(columns, ABOVE) == (-1, 2, -1), "the nearest that has a column"
    assert parents_of(("cat", "bird/owl"), ABOVE) == ()


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ("bird bird bird/owl", "bird/owl"),
        ("bird/owl bird/hawk", None),
        ("bird cat", None),
        ("bird bird/owl cat", "bird/owl"),
        ("bird/owl bird/hawk cat", None),
        ("bird/owl bird/owl bird/hawk bird/hawk cat cat cat", None),
        ("bird/owl bird/owl bird/hawk cat cat", "bird/owl"),
        ("bird/owl/barn bird bird/hawk bird/owl", "bird/owl/barn"),
        ("cat", "cat"),
    ],
)
def test_the_majority_decides_from_the_top_and_the_more_specific_vote_counts(
    votes: str, expected: str | None
) -> None:
    assert settled(votes.split(), ABOVE) == expected
    assert settled(votes.split()[::-1], ABOVE) == expected


def test_votes_agree_where_one_says_more_than_the_other() -> None:
    assert agree(["bird", "bird/owl/barn", "bird/owl"], ABOVE)
    assert not agree(["bird/owl", "bird/hawk", "bird"], ABOVE)


def test_a_new_name_settles_a_dispute_and_an_undo_brings_it_back() -> None:
    log = FakeLog(audit=0.0)
    items = FakeItems(20, holdout=False, classes=("bird", "owl", "cat"))
    session = Session(items, log, LoopSettings(cold_start="random", batch_size=4), ME)
    bob, item = Annotator("bob"), str(session.current_id)
    session.label(item, 0, by=ME)
    session.relabel(item, 1, by=bob)
    bird, owl, cat = session.classes.ids
    assert list(session.known.disputed) == [item]
    session.rename_class(owl, "bird/owl", by=ME)
    assert session.known.training == {item: owl}
    assert dict(session.known.by_annotator) == {"me": 1, "bob": 1}, "bird is no other answer"
    assert agreement(session.known) == (1, 1)
    assert session.material().parents == (-1, 0, -1)
    again = Session(items, log.reopened(), session.settings, ME)
    assert again.known.training == session.known.training
    session.undo_class_change(by=ME)
    assert list(session.known.disputed) == [item]
    assert session.material().parents == ()
    session.merge_classes(owl, cat, by=ME)
    session.rename_class(cat, "bird/cat", by=ME)
    assert session.known.training == {item: cat}, "the votes of a merged class move with it"
    assert dict(session.known.by_class) == {cat: 1}
    assert bird not in session.known.by_class
