"""What a source says about its items, in a session: recorded once, as one event."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image

from tuilabel.data import file_reader
from tuilabel.data.folder_items import FolderItems, Found
from tuilabel.errors import SourceError
from tuilabel.events.payloads import IMPORT, SUGGESTED, Bulk, BulkLine, Undo
from tuilabel.plugins import with_options
from tuilabel.session.values import Annotator
from tuilabel.session.view import SessionView
from tuilabel.workspace import reading
from tuilabel.workspace.importing import undo_import
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace

pytestmark = pytest.mark.usefixtures("warm_decoders")

ME = Annotator("me")
Open = Callable[..., Workspace]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(12):
        path = tmp_path / "photos" / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (6, 4), number).save(path)
    Image.new("L", (6, 4), 200).save(tmp_path / "photos" / "new.png")
    return tmp_path / "photos"


@pytest.fixture
def opened(root: Path, tmp_path: Path) -> Iterator[Open]:
    works: list[Workspace] = []

    def opened(kind: str, *, reads_on: bool = True, **options: object) -> Workspace:
        source = SourceOptions(with_options(str(root), folders=kind), **options)  # type: ignore[arg-type]
        flags = {"annotator": "me", "audit": 0.3, "batch_size": 4}
        path = tmp_path / "s.tuilabel"
        works.append(open_workspace(source, flags, path=path, reads_on=reads_on))
        return works[-1]

    yield opened
    for work in works:
        work.close()


def bulks(work: Workspace) -> list[Bulk]:
    return [event.payload for event in work.session.events if isinstance(event.payload, Bulk)]


def read_all(work: Workspace) -> None:
    assert work.reading is not None
    while work.reading.left or not bulks(work):
        work.reading.take_in(30)


def held(work: Workspace) -> dict[str, str]:
    """Return the class in effect of each path."""
    known, dataset = work.session.known, work.dataset
    standing = {dataset.references(row)[0]: known.standing(dataset.ids[row]) for row in range(13)}
    return {
        name: known.classes.name(one.class_id)
        for name, one in standing.items()
        if one is not None and one.class_id is not None
    }


def test_labels_of_folders_are_an_import_that_is_undone_as_one(opened: Open) -> None:
    with opened("labels") as work:
        found = held(work)
        assert len(found) == 12
        assert all(name.startswith(f"{class_name}/") for name, class_name in found.items())
        (bulk,) = bulks(work)
        assert (bulk.origin, bulk.count, bulk.method) == (IMPORT, 12, "folders")
        known = work.session.known
        reserved = {line.item for line in work.journal.bulk_lines(bulk) if line.audit}
        assert reserved
        assert reserved.isdisjoint(known.training)
        assert len(known.training) == 12 - len(reserved)
        assert work.session.current is not None
        assert work.session.guess() is None, "labels are no suggestions"
    with opened("labels") as work:
        assert len(bulks(work)) == 1
        assert len(held(work)) == 12
    assert undo_import(work.path) is not None
    with opened("labels") as work:
        assert [type(event.payload) for event in work.session.events].count(Undo) == 1
        assert len(bulks(work)) == 1, "what was taken back is not written again"
        assert not held(work)


@pytest.mark.parametrize("reads_on", [True, False])
def test_suggestions_of_folders_are_no_labels(opened: Open, reads_on: bool) -> None:
    with opened("suggestions", reads_on=reads_on, classes=("cat", "owl")) as work:
        assert work.dataset.notices == (
            "Left out: 6 suggestions in folders of other classes (dog).",
        )
        if reads_on:
            read_all(work)
        (bulk,) = bulks(work)
        assert (bulk.origin, bulk.count) == (SUGGESTED, 6)
        assert not held(work)
        session, suggested = work.session, 0
        while (slot := session.current) is not None:
            guess = session.guess()
            name = work.dataset.references(slot.row)[0]
            assert (guess is not None) == (name.startswith("cat/") and not slot.audit)
            if guess is not None:
                suggested += 1
                assert guess.origin == "folders"
                assert session.accept_suggestion(str(session.current_id), by=ME) is not None
            else:
                session.label(str(session.current_id), 1, by=ME)
        assert suggested
        assert len(held(work)) == 13
    with opened("suggestions", reads_on=reads_on) as work:
        assert len(bulks(work)) == 1


def test_a_suggestion_is_shown_before_it_is_recorded(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_reader, "_FILES", 1)
    monkeypatch.setattr(file_reader, "_WANTED_FILES", 1)
    monkeypatch.setattr(file_reader, "_THREADS", 1)
    monkeypatch.setattr(reading, "FIRST_SECONDS", 0.0)
    gate, read = threading.Semaphore(0), FolderItems.read

    def gated(items: FolderItems, rows: Sequence[int]) -> list[tuple[int, Found]]:
        gate.acquire()
        return read(items, rows)

    monkeypatch.setattr(FolderItems, "read", gated)
    with opened("suggestions") as work:
        assert work.reading is not None
        session = work.session
        while session.current is None:
            gate.release()
            work.reading.take_in(30)
            session.go_on(by=ME)
        guesses = 0
        while session.current is not None:
            guesses += session.guess() is not None
            session.label(str(session.current_id), 0, by=ME)
        assert work.reading.left
        assert not bulks(work)
        assert guesses
        gate.release(20)
        read_all(work)
        assert len(bulks(work)) == 1
        assert held(work)
    view = SessionView(work.path)
    (event,) = view.known.bulk_events()
    assert event.by == "me"
    assert isinstance(event.payload, Bulk)
    lines = list(view.reader.bulk_lines(event.payload))
    assert {line.names[0] for line in lines} == {
        f"{('cat', 'dog')[number % 2]}/{number}.png" for number in range(12)
    }
    assert all(isinstance(line, BulkLine) and not line.audit for line in lines)


def test_equal_files_in_two_folders_have_no_label(opened: Open, root: Path) -> None:
    (root / "dog" / "copy.png").write_bytes((root / "cat" / "0.png").read_bytes())
    (root / "cat" / "copy.png").write_bytes((root / "cat" / "2.png").read_bytes())
    with opened("labels") as work:
        known, dataset = work.session.known, work.dataset
        names = {
            name: known.standing(dataset.ids[row]) is not None
            for row in range(len(dataset))
            for name in dataset.references(row)
        }
        assert [name for name, has_label in names.items() if not has_label and "/" in name] == [
            *("cat/0.png", "dog/copy.png")
        ]


def test_two_who_open_it_at_once_record_it_without_harm(opened: Open) -> None:
    with opened("suggestions") as first, opened("suggestions") as second:
        read_all(first)
        read_all(second)
        second.session.take_in(second.journal.read())
        assert all(bulk.count == 12 for bulk in bulks(second))
        assert second.session.labels == 0


def test_with_several_classes_folders_may_suggest_and_not_label(opened: Open) -> None:
    with pytest.raises(SourceError, match=r"the other classes would stay unknown with --multi"):
        opened("labels", multi=True)
    with opened("suggestions", multi=True) as work:
        assert work.session.about.multi


def test_yesno_keeps_its_keys_for_classes_of_folders(opened: Open) -> None:
    with opened("labels", yesno=True) as work:
        assert work.session.known.classes.keys_at_start("me") == {"f": 0, "j": 1}
