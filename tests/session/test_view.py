"""What a session's logs say, as exports and `status` show it."""

from __future__ import annotations

from pathlib import Path

from sessions import label_of, new_session

from tuilabel.events.payloads import Flag, Note, Skip
from tuilabel.journal.journal import Journal
from tuilabel.session.summary import summarise
from tuilabel.session.view import SessionView


def test_rows_have_the_reason_of_a_skip_the_flag_and_the_notes(tmp_path: Path) -> None:
    path = tmp_path / "s.tuilabel"
    new_session(path, label_of("i1", "cat", "1.png"), Note(item="i1", text="wet"), Flag(item="i2"))
    with Journal(path, "bob", "digits") as journal:
        journal.read()
        skips = [Skip(item="i1", why="unsure"), Skip(item="i2", why="later", names=("2.png",))]
        journal.append([*skips, Note(item="i1", text="torn")], "bob")
    view = SessionView(path)
    (row,) = view.labelled()
    assert (row.item, row.why, row.is_flagged, row.note) == ("i1", "", False, "me: wet; bob: torn")
    rows = [
        (row.item, row.annotator, row.class_name, row.why, row.is_flagged, row.note)
        for row in view.labelled(all_answers=True)
    ]
    assert sorted(rows) == [
        ("i1", "bob", "", "unsure", False, "torn"),
        ("i1", "me", "cat", "", False, "wet"),
        ("i2", "bob", "", "later", True, ""),
    ]
    summary = summarise(view)
    assert (summary["skipped"], summary["skip_reasons"]) == (1, {"later": 1})
    assert [(one["item"], one["by"]) for one in summary["flagged"]] == [("i2", "me")]
    assert [(one["by"], one["text"]) for one in summary["notes"]] == [
        ("me", "wet"),
        ("bob", "torn"),
    ]
