"""A mirror is what an export would be, and never takes the place of another file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sessions import label_of, new_session

from tuilabel.commands.feeds import check_feeds
from tuilabel.errors import TuilabelError
from tuilabel.events.payloads import (
    ClassAdded,
    ClassMerged,
    ClassRenamed,
    Decided,
    Payload,
    Skip,
    Undo,
)
from tuilabel.exchange import writer
from tuilabel.exchange.output import export_to
from tuilabel.exchange.rows import label_rows
from tuilabel.feeds.child import Follower
from tuilabel.feeds.mirror import LEAST_SECONDS, Mirror, is_mirror, mark_of
from tuilabel.feeds.parent import Feeds
from tuilabel.feeds.plan import MirrorPlan, Plan
from tuilabel.journal.journal import Journal
from tuilabel.session.classes import class_id_of
from tuilabel.session.view import SessionView
from tuilabel.workspace.places import session_path

CAT, DOG = class_id_of("cat"), class_id_of("dog")


@pytest.fixture
def session(tmp_path: Path) -> Path:
    path = tmp_path / "photos.tuilabel"
    new_session(path, label_of("a", "cat", "1.png"), source="nowhere")
    return path


def append(path: Path, by: str, *payloads: Payload) -> list[str]:
    """Append events as another desk would; return their ids."""
    with Journal(path, by, "nowhere") as journal:
        journal.read()
        return [event.id for event in journal.append(list(payloads), by)]


def exported(path: Path, folder: Path) -> bytes:
    out = folder / "exported"
    out.unlink(missing_ok=True)
    export_to(out, label_rows(SessionView(path).labelled()), writer("csv"))
    return out.read_bytes()


def test_whatever_is_done_at_any_desk_it_is_what_an_export_would_be(
    tmp_path: Path, session: Path
) -> None:
    mirror = tmp_path / "mirror"
    follower = Follower(Plan(str(session), mirror=MirrorPlan(str(mirror), "csv")))
    follower.look(is_last=True)
    assert mirror.read_bytes() == exported(session, tmp_path)
    ids: list[str] = []
    acts: list[Callable[[], list[Payload]]] = [
        lambda: [label_of("b", "dog", "2.png")],
        lambda: [label_of("b", "cat", "2.png", relabel=True)],
        lambda: [Undo(event=ids[-1], item="b")],
        lambda: [Skip(item="c", names=("3.png",))],
        lambda: [ClassAdded(class_id=class_id_of("owl"), name="owl")],
        lambda: [label_of("d", "owl", "4.png")],
        lambda: [ClassRenamed(class_id=CAT, name="=kitten")],
        lambda: [ClassMerged(class_id=class_id_of("owl"), into=DOG)],
        lambda: [Undo(event=ids[-1])],
    ]
    for act in acts:
        ids += append(session, "me", *act())
        follower.look(is_last=True)
        assert mirror.read_bytes() == exported(session, tmp_path)
        ids += append(session, "you", label_of("a", "dog", "1.png"), label_of("e", "cat", "5.png"))
        follower.look(is_last=True)
        assert mirror.read_bytes() == exported(session, tmp_path)
    append(session, "me", Decided(item="a", class_id=DOG))
    follower.look(is_last=True)
    assert mirror.read_bytes() == exported(session, tmp_path)
    assert follower.troubles == {}


def test_it_is_written_at_most_once_in_two_seconds_and_when_something_has_changed(
    tmp_path: Path, session: Path
) -> None:
    now, path = 100.0, tmp_path / "m.csv"
    mirror = Mirror(MirrorPlan(str(path), "csv"), SessionView(session), lambda: now)
    marks = []

    def keep(seconds: float, *, is_stale: bool = True, at_once: bool = False) -> bool:
        nonlocal now
        now += seconds
        mirror.is_stale |= is_stale
        mirror.keep(at_once=at_once)
        marks.append(mark_of(path))
        return marks[-1] != marks[-2:][0]

    keep(0)
    assert not keep(LEAST_SECONDS / 2)
    assert keep(LEAST_SECONDS / 2)
    assert not keep(60, is_stale=False)
    assert keep(0)
    assert keep(0, at_once=True)


def test_a_file_that_is_not_the_mirror_any_more_stays_until_it_is_removed(
    tmp_path: Path, session: Path
) -> None:
    path = tmp_path / "m.csv"
    mirror = Mirror(MirrorPlan(str(path), "csv"), SessionView(session))
    mirror.keep()
    path.write_text("mine\n")
    for _ in range(2):
        mirror.is_stale = True
        mirror.keep(at_once=True)
        assert "m.csv was changed by another program" in mirror.trouble
        assert path.read_text() == "mine\n"
    assert list(tmp_path.glob(".tuilabel-*")) == []
    path.unlink()
    mirror.keep(at_once=True)
    assert mirror.trouble == ""
    assert path.read_bytes() == exported(session, tmp_path)


def test_two_windows_of_a_session_keep_one_file(tmp_path: Path, session: Path) -> None:
    plan = MirrorPlan(str(tmp_path / "m.csv"), "csv")
    mirrors = [Mirror(plan, SessionView(session)) for _ in range(2)]
    for mirror in mirrors * 2:
        mirror.is_stale = True
        mirror.keep(at_once=True)
        assert mirror.trouble == ""


def test_what_cannot_be_written_is_reported_and_written_once_it_can_be(
    tmp_path: Path, session: Path
) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    mirror = Mirror(MirrorPlan(str(folder / "m.csv"), "csv"), SessionView(session))
    folder.rmdir()
    mirror.keep()
    assert mirror.trouble.endswith("cannot be written (No such file or directory).")
    mirror.keep()
    folder.mkdir()
    mirror.keep(at_once=True)
    assert (mirror.trouble, len((folder / "m.csv").read_text().splitlines())) == ("", 2)


def checked(path: object, **given: Any) -> object:
    return check_feeds({"source": "digits", "mirror": str(path), **given})


def test_an_existing_file_is_replaced_if_it_is_an_earlier_mirror_or_by_force(
    tmp_path: Path, session: Path
) -> None:
    path = tmp_path / "m.csv"
    Mirror(MirrorPlan(str(path), "csv"), SessionView(session)).keep()
    uuid = SessionView(session).about.uuid
    assert (is_mirror(path), is_mirror(path, uuid), is_mirror(path, "another")) == (1, 1, 0)
    assert checked(path)
    assert checked(path, mirror_columns="path=file,class")
    path.write_text(path.read_text() + "x\n")
    with pytest.raises(TuilabelError, match=r"exists already; use --force to replace it"):
        checked(path)
    assert checked(path, force=True)
    path.write_text("a line of mine\n")
    with pytest.raises(TuilabelError, match="is no output of tuilabel"):
        checked(path, force=True)


def test_nothing_that_people_need_is_a_mirror(tmp_path: Path, session: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    source = tmp_path / "list.csv"
    source.write_text("path\n")
    log = next((session / "log").iterdir())
    (tmp_path / "link.jsonl").symlink_to(log)
    own = session_path("digits")
    new_session(own)
    for path, words in {
        tmp_path: "no known format|is a directory",
        tmp_path / "pipe.csv": "is not an ordinary file",
        tmp_path / "nowhere" / "m.csv": "cannot be written",
        tmp_path / "link.jsonl": "belongs to a session",
        next((own / "log").iterdir()): "belongs to a session",
        source: "is a file of the source",
        tmp_path / "m.xyz": "--mirror-format",
        "-": "needs the name of a file",
    }.items():
        with pytest.raises(TuilabelError, match=words):
            checked(path, source=str(source), force=True)


@pytest.mark.parametrize(
    "given",
    [
        {"mirror": None, "force": True},
        {"mirror": None, "mirror_columns": "path"},
        {"mirror_columns": "paths"},
        {"mirror_format": "prodigy", "mirror_columns": "path"},
        {"mirror_format": "folders"},
        {"mirror_format": "coco"},
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(TuilabelError):
        check_feeds({"source": "digits", "mirror": str(tmp_path / "m.csv"), **given})


def test_a_plan_is_the_same_after_its_way() -> None:
    mirror = MirrorPlan("/a\udcff", "csv", {"class": "ä"}, "absolute", "/r", replaces=(1, 2, 3))
    whole = Plan("/s", {"a.jsonl": 5}, mirror, "/f\udcff", 7, "cat")
    for plan in (whole, Plan("/s")):
        assert Plan.decode(plan.encode()) == plan
    assert whole.options == ["--mirror", "--stream", "--on-label"]


def test_its_process_writes_the_last_state_when_labelling_ends_however_it_ends(
    tmp_path: Path, session: Path
) -> None:
    path = tmp_path / "m.csv"
    plan = Plan(str(session), mirror=MirrorPlan(str(path), "csv"))
    feeds = Feeds(plan, tmp_path / "feeds.log")
    append(session, "me", *(label_of(f"i{n}", "dog", f"{n}.png") for n in range(50)))
    assert feeds.finish() == []
    assert path.read_bytes() == exported(session, tmp_path)
    assert (path.stat().st_mode & 0o777, feeds.is_behind) == (0o666 & ~_umask(), False)
    lost = Feeds(replace(plan, session=str(tmp_path / "gone")), tmp_path / "feeds.log")
    assert "--mirror: stopped, because its process has ended" in lost.finish()[0]
    assert lost.is_behind


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
