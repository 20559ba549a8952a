"""Values of the confusion matrix, the classes and the home screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loop_fakes import ME
from rich.cells import cell_len
from sessions import new_session

from tuilabel.session import Predictions
from tuilabel.settings import Settings, resolve
from tuilabel.tui.keymap.actions import PLACES
from tuilabel.tui.keymap.presets import PRESETS
from tuilabel.tui.keymap.resolved import keymap_of
from tuilabel.tui.screens.page import AROUND
from tuilabel.tui.views.classes import class_rows, newest_of_class
from tuilabel.tui.views.confusion import (
    Confusion,
    cell_sentence,
    items_of_cell,
    newest_confusion,
    rates_sentences,
)
from tuilabel.tui.views.help import help_rows
from tuilabel.tui.views.home import entries
from tuilabel.tui.views.shown_classes import ShownClasses
from tuilabel.tui.widgets.details import cut_in_the_middle
from tuilabel.workspace import recent
from tuilabel.workspace.opening import Workspace
from tuilabel.workspace.places import data_dir, remember, session_path
from tuilabel.workspace.recent import (
    OpenRequest,
    SessionFile,
    SessionState,
    known_sources,
    read_state,
    session_files,
)

FOUND = Confusion(((8, 2, 0), (0, 5, 0), (1, 0, 0)), 30, (0, 1, 2))
NAMES = ("cat", "dog", "owl")


# The confusion matrix.


def test_cells_are_said_with_their_share_and_rates_with_their_intervals() -> None:
    assert FOUND.n == 16
    assert cell_sentence(FOUND, 0, 1, NAMES) == "cat taken for dog: 2 of 10 (20%)"
    assert cell_sentence(FOUND, 1, 1, NAMES) == "dog recognised: 5 of 5 (100%)"
    assert rates_sentences(FOUND, 0, 1, NAMES) == (
        "cat: 80.0% found (49.0% to 94.3%)",
        "taken for dog: 71.4% right (35.9% to 91.8%)",
    )
    assert rates_sentences(FOUND, 2, 2, NAMES)[1] == "taken for owl: none"


def test_the_largest_mistake_is_marked_first() -> None:
    assert FOUND.worst() == (0, 1)
    assert Confusion(((3, 0), (0, 3)), 10, (0, 1)).worst() == (0, 0)
    assert Confusion(((3,),), 10, (0,)).worst() == (0, 0)
    assert FOUND.darkness(0, 2) == 0 < FOUND.darkness(2, 1) + FOUND.darkness(0, 1) < 1


def test_items_of_a_cell_come_the_surest_first() -> None:
    predictions = Predictions([4, 5, 6, 7], None, ["b", "b", "a", "b"], [0.5, 0.9, 0.8, 0.7])
    found = items_of_cell(predictions, [0, 0, 0, 1], [1, 1, 0, 1], (0, 1))
    assert [(item.row, item.confidence) for item in found] == [(5, 0.9), (4, 0.5)]


def test_a_matrix_of_labels_that_were_taken_back_is_not_shown(workspace: Workspace) -> None:
    session = workspace.session
    assert newest_confusion(session) is None


# Classes.


def test_classes_have_their_counts_and_newest_items(workspace: Workspace) -> None:
    session = workspace.session
    rows = []
    for index in (3, 3, 4):
        assert session.current is not None
        rows.append(session.current.row)
        session.label(str(session.current_id), index, by=ME)
    session.relabel(workspace.dataset.ids[rows[0]], 4, by=ME)
    shown = ShownClasses(session, keymap_of(resolve({})), "me")
    assert [row.labels for row in class_rows(session, shown)] == [0, 0, 0, 1, 2, 0, 0, 0, 0, 0]
    three, four = session.classes.ids[3:5]
    assert newest_of_class(session, workspace.dataset, four) == [rows[0], rows[2]]
    assert newest_of_class(session, workspace.dataset, three) == [rows[1]]
    session.relabel(workspace.dataset.ids[rows[2]], 3, by=ME)
    session.undo(by=ME)
    assert newest_of_class(session, workspace.dataset, four) == [rows[0], rows[2]]


# Home.

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def listed(state: SessionState | None, *, open_path: Path | None = None) -> str:
    path = Path("/nowhere/a\x1bb.tuilabel")
    file = SessionFile(path, (NOW - timedelta(hours=3)).timestamp(), is_last=True)
    states = {} if state is None else {path: state}
    (first, *_) = entries([file], states, ["digits"], open_path, NOW)
    return " | ".join(map(str, first))


def test_a_session_is_told_with_progress_and_age() -> None:
    text = listed(SessionState("mnist:/data", 25, 75, 0.912, 400))
    assert " | mnist:/data | 25 labels | 75 left | 0.25 | 91.2% | 3 hours ago | " in text
    assert "91.2% right of 400 images that training never sees" in text
    assert "/data" in text
    assert "\x1b" not in text
    assert "without arguments opens it" in text


def test_a_damaged_session_is_shown_with_its_reason() -> None:
    never = SessionFile(Path("/nowhere/x.tuilabel"), 0.0, is_last=False)
    (first, *_) = entries([never], {}, ["digits"], None, NOW)
    assert first.used == "", "its time cannot be read"
    text = listed(SessionState(problem="It is damaged: go back to a copy."))
    assert "! unreadable" in text
    assert "It is damaged: go back to a copy." in text
    text = listed(SessionState(problem="/nowhere/a\x1bb.tuilabel is damaged: do this."))
    assert "b.tuilabel is damaged" in text
    assert "/nowhere" not in text.partition("do this.")[0]


def test_a_session_whose_folder_is_gone_says_so(tmp_path: Path) -> None:
    text = listed(SessionState("/old", 25, 75, is_gone=True))
    assert " | /old | ! source gone | 75 left | " in text
    assert "25 labels, 75 left" in text
    assert "run `tuilabel label NEW --session" in text
    for name, is_gone in (("here", False), ("gone", True)):
        (tmp_path / name).mkdir()
        path = tmp_path / f"{name}.tuilabel"
        new_session(path, source=str(tmp_path / name))
        if is_gone:
            (tmp_path / name).rmdir()
        assert read_state(path).is_gone == is_gone


def test_sessions_that_are_not_read_yet_have_their_place() -> None:
    assert "…" in listed(None)


def test_sources_and_the_demo_follow_the_sessions_under_headings() -> None:
    file = SessionFile(Path("/a.tuilabel"), 0.0, is_last=False)
    found = entries([file], {}, ["digits", "/x"], None, NOW)
    assert [entry.heading for entry in found] == ["sessions", "sources", "", "demo"]
    assert [entry.request for entry in found] == [
        OpenRequest("session", "/a.tuilabel"),
        OpenRequest("source", "digits"),
        OpenRequest("source", "/x"),
        OpenRequest("demo", "digits"),
    ]


def test_files_are_found_newest_first_and_read_or_refused_in_one_sentence(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = data_dir() / "sessions"
    (folder / "broken.tuilabel" / "log").mkdir(parents=True)
    (folder / "broken.tuilabel" / "session.json").write_bytes(b"x" * 500)
    (folder / "earlier.tuilabel").write_bytes(b"SQLite format 3\0" + b"x" * 500)
    workspace.session.label(str(workspace.session.current_id), 1, by=ME)
    workspace.close()
    remember(workspace.path)
    files = session_files()
    names = {file.path.name for file in files}
    assert names == {"broken.tuilabel", "earlier.tuilabel", workspace.path.name}
    assert [file.path.name for file in files if file.is_last] == [workspace.path.name]
    states = {file.path.name: read_state(file.path) for file in files}
    assert states[workspace.path.name][:3] == ("digits", 1, 1296)
    for name, reason in (("broken", "is invalid"), ("earlier", "made by an earlier tuilabel")):
        problem = states[f"{name}.tuilabel"].problem
        assert problem is not None
        assert reason in problem
    assert known_sources(states.values()) == ["digits"]
    assert known_sources([SessionState(str(tmp_path)), SessionState("/gone")]) == [
        "digits",
        str(tmp_path),
    ]


def test_no_error_in_one_session_ends_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(view: object) -> None:
        raise RecursionError

    path = tmp_path / "s.tuilabel"
    new_session(path)
    monkeypatch.setattr(recent, "summarise", fail)
    problem = read_state(path).problem or ""
    assert problem.startswith(f"{path} cannot be read. This is a bug in tuilabel (RecursionError")


def test_sessions_have_short_names_unless_two_would_share_one() -> None:
    def names(*stems: str) -> list[str]:
        files = [SessionFile(Path(f"/{stem}.tuilabel"), 0.0, is_last=False) for stem in stems]
        return [entry.name for entry in entries(files, {}, [], None, NOW)][: len(stems)]

    assert names("mnist-mnist-e53dc52d", "cats-0123abcd-pool50") == ["mnist", "cats-pool50"]
    assert names("mnist", "mnist-mnist-e53dc52d") == ["mnist", "mnist-mnist-e53dc52d"]
    assert names("a-0123abcd", "a-0123abce") == ["a-0123abcd", "a-0123abce"]
    assert names("my-own-name") == ["my-own-name"]
    for source in ("mnist:/some/mnist", "/some/cats"):
        stem = session_path(source).stem
        assert names(stem) == [stem.split("-")[0]]


@given(st.text("ab/猫é-", min_size=1, max_size=40), st.integers(1, 30))
def test_of_a_path_that_is_too_long_both_ends_stay(text: str, width: int) -> None:
    cut = cut_in_the_middle(text, width)
    assert cell_len(cut) <= width
    if cell_len(text) <= width:
        assert cut == text
    else:
        start, end = cut.split("…")
        assert text.startswith(start.rstrip())
        assert text.endswith(end)


# Keys.


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("place", [*PLACES, "cell"])
@pytest.mark.parametrize("alone", [True, False])
def test_no_key_means_two_things_and_each_place_is_reached(
    name: str, place: str, alone: bool
) -> None:
    actions = keymap_of(Settings(keymap=name)).side_actions(place, alone=alone)
    keys = [key for action in actions for key in action.keys]
    assert len(keys) == len(set(keys))
    reached = {action.id for action in actions if action.keys}
    assert {"leave", "quit", "help"} <= reached
    assert alone or set(PLACES) <= reached


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("place", ["label", *PLACES, "cell"])
def test_on_80_columns_every_key_has_one_row_of_help(name: str, place: str) -> None:
    keymap = keymap_of(Settings(keymap=name))
    actions = keymap.actions if place == "label" else keymap.side_actions(place)
    rows = help_rows(keymap, actions, [], 80 - AROUND)
    assert rows.index([]) == 1 + len(actions)
    assert all(cell_len("".join(text for text, _ in row)) <= 80 - AROUND for row in rows)


def test_where_nothing_is_open_the_help_has_no_classes() -> None:
    keymap = keymap_of(Settings())
    pages = [
        "".join(text for row in help_rows(keymap, (), classes, 74) for text, _ in row)
        for classes in ([], [("1", "cat")])
    ]
    assert ["Classes" in page for page in pages] == [False, True]
