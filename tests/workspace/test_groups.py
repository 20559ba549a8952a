"""Groups of files in a session on disk: asked, counted, exported, imported, auto-labelled."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from loop_fakes import ME
from PIL import Image

from tests.workspace.test_reading import read_all
from tuilabel.cli import main
from tuilabel.errors import UsageError
from tuilabel.events.payloads import Answer
from tuilabel.plugins import with_options
from tuilabel.session.view import SessionView
from tuilabel.workspace.fitting import request_of
from tuilabel.workspace.opening import SourceOptions, Workspace, open_dataset_of, open_workspace

pytestmark = pytest.mark.usefixtures("warm_decoders", "own_home")

BURSTS = 12
Open = Callable[..., Workspace]


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Return a folder with bursts of one to four photographs, named one after another."""
    folder, number = tmp_path / "card", 0
    folder.mkdir()
    for burst in range(BURSTS):
        for frame in range(burst % 4 + 1):
            exif = Image.Exif()
            taken = f"2024:05:01 {burst:02}:00:{3 * frame:02}"
            exif.get_ifd(0x8769)[0x9003] = taken
            Image.new("L", (8, 8), 5 * number).save(
                folder / f"IMG_{number:03}.jpg", "JPEG", exif=exif
            )
            number += 1
    return folder


@pytest.fixture
def opened(card: Path, tmp_path: Path) -> Open:
    def open_it(name: str = "s", *, reads_on: bool = True) -> Workspace:
        flags = {"batch_size": 3, "audit": 0.3, "cold_start": "random", "annotator": "me"}
        source = SourceOptions(with_options(str(card), group="exif:10s"), classes=("a", "b"))
        path = tmp_path / f"{name}.tuilabel"
        return open_workspace(source, flags, path=path, reads_on=reads_on)

    return open_it


def label_all(work: Workspace) -> list[tuple[tuple[str, ...], bool]]:
    """Label every group; return the paths of its frames, and whether it is of the audit set."""
    session, asked = work.session, []
    while session.current is not None:
        slot = session.current
        paths = tuple(work.dataset.references(row)[0] for row in session.frames(slot))
        asked.append((paths, slot.audit))
        session.label(str(session.current_id), len(asked) % 2, by=ME)
        session.go_on(by=ME)
        if work.reading is not None:
            while session.waits:
                work.reading.take_in(30)
                session.go_on(by=ME)
    return asked


def run(*arguments: object) -> str:
    result = CliRunner().invoke(main, list(map(str, arguments)), prog_name="tuilabel")
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_same_bursts_are_asked_however_the_folder_is_opened(opened: Open) -> None:
    orders = []
    for name, reads_on in (("a", True), ("b", True), ("c", False)):
        with opened(name, reads_on=reads_on) as work:
            orders.append(label_all(work))
            assert work.session.labels == BURSTS
    assert orders[0] == orders[1] == orders[2]
    assert sorted(len(paths) for paths, _ in orders[0]) == sorted(n % 4 + 1 for n in range(BURSTS))
    assert {audit for _, audit in orders[0]} == {True, False}


def test_an_export_has_a_row_for_each_frame_and_status_counts_both(
    opened: Open, tmp_path: Path
) -> None:
    with opened() as work:
        asked = label_all(work)
        path, count = work.path, len(work.dataset)
    run("export", path, "-o", tmp_path / "l.csv")
    with (tmp_path / "l.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    groups: dict[str, set[str]] = {}
    for row in rows:
        groups.setdefault(row["group"], set()).add(row["reference"])
    assert sorted(map(sorted, groups.values())) == sorted(sorted(paths) for paths, _ in asked)
    assert all(group in members for group, members in groups.items())
    run("export", path, "-o", tmp_path / "l.jsonl", "--no-source", "--all-answers")
    lines = (tmp_path / "l.jsonl").read_text().splitlines()
    assert {json.loads(line)["reference"] for line in lines} == {row["reference"] for row in rows}
    assert f"labels     {count} images in {BURSTS} groups, 0 left" in run("status", path)
    found = json.loads(run("status", path, "--json"))
    assert (found["labels"], found["groups"]) == (count, BURSTS)
    run("import", path, tmp_path / "l.csv", "--dry-run")


def test_a_session_without_groups_has_no_such_column(card: Path, tmp_path: Path) -> None:
    path = tmp_path / "plain.tuilabel"
    flags = {"batch_size": 3, "audit": 0.0, "cold_start": "random"}
    with open_workspace(SourceOptions(str(card), ("a", "b")), flags, path=path) as work:
        work.session.label(str(work.session.current_id), 0, by=ME)
    run("export", path, "-o", tmp_path / "l.csv")
    assert ",group" not in (tmp_path / "l.csv").read_text()


def test_imports_and_auto_labels_know_groups(opened: Open, tmp_path: Path) -> None:
    with opened() as work:
        asked = label_all(work)
        audit = {path for paths, is_audit in asked if is_audit for path in paths}
        names = [work.dataset.references(row)[0] for row in range(len(work.dataset))]
        path = work.path
    view = SessionView(path)
    request = request_of(view, open_dataset_of(view))
    of_audit = [paths for paths, is_audit in asked if is_audit]
    assert len(request.audit_items) == len(of_audit)
    assert len(request.items) + len(request.audit_items) == BURSTS
    with opened("other") as work:
        other = work.path
    table = tmp_path / "l.csv"
    table.write_text("\n".join(["path,class", *(f"{name},a" for name in names)]) + "\n")
    run("import", other, table)
    with opened("other") as work:
        lines = work.session.known.imported_items(next(iter(work.session.known._imports)))
        assert len(lines) == len(names)
        assert len(work.session.known.unmeasured) == len(audit)
        left = {paths for paths, _ in label_all(work)}
        assert left == set(of_audit), "what people measure is asked, group by group"


def test_files_that_arrive_are_asked_with_their_group(card: Path, tmp_path: Path) -> None:
    flags = {"batch_size": 2, "audit": 0.0, "cold_start": "random", "annotator": "me"}
    source = with_options(str(card), group=r"regex:^(IMG_00)")
    path = tmp_path / "w.tuilabel"
    with open_workspace(SourceOptions(source, ("a", "b")), flags, path=path, reads_on=True) as work:
        read_all(work)
        label_all(work)
        assert work.session.pool_left == 0
        assert work.reading is not None
        Image.new("L", (8, 8), 251).save(card / "IMG_00x.png")
        stat = (card / "IMG_00x.png").stat()
        key = work.dataset.keys[0]._replace(  # type: ignore[attr-defined]
            path="IMG_00x.png", size=stat.st_size, mtime_ns=stat.st_mtime_ns
        )
        work.dataset.grow([key], work.dataset.buckets_of([key]))  # type: ignore[attr-defined]
        work.session.items_added()
        work.session.items_read(work.dataset.learn(work.dataset.read([len(work.dataset) - 1])))  # type: ignore[attr-defined]
        work.session.go_on(by=ME)
        slot = work.session.current
        assert slot is not None
        assert len(work.session.frames(slot)) == 11
        work.session.label(str(work.session.current_id), 1, by=ME)
        answer = next(
            event.payload
            for event in reversed(work.session.events)
            if isinstance(event.payload, Answer)
        )
        assert len(answer.items) == 11, "all were labelled as one before"
        assert work.session.pool_left == 0


def test_a_pattern_is_checked_before_anything_else(card: Path, tmp_path: Path) -> None:
    source = with_options(str(card), group="regex:IMG")
    with pytest.raises(UsageError, match="has no group"):
        open_workspace(SourceOptions(source, ("a", "b")), {}, path=tmp_path / "n.tuilabel")
    assert not os.path.lexists(tmp_path / "n.tuilabel")
    arguments = ["label", str(card), "--line", "--group", "exif:1"]
    result = CliRunner().invoke(main, arguments, prog_name="tuilabel")
    assert result.exit_code == 2
    assert "such as exif:10s" in result.output
