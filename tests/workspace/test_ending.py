"""The end of a run: its exit status tells whether what was saved is there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tuilabel.errors import UsageError
from tuilabel.events.payloads import AUTO_ORIGIN, Bulk, BulkLine
from tuilabel.session.view import SessionView
from tuilabel.workspace.ending import end_run
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace

CLASSES = ("cat", "dog")


@pytest.fixture
def source(tmp_path: Path) -> str:
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images)
    return str(tmp_path / "images.npz")


def label_one(work: Workspace) -> None:
    work.session.label(str(work.session.current_id), 0, by=work.annotator)


def test_a_session_that_is_lost_fails_and_all_of_it_is_written_elsewhere(
    tmp_path: Path, source: str
) -> None:
    path = tmp_path / "s.tuilabel"
    with open_workspace(SourceOptions(source, CLASSES), {}, path=path) as work:
        label_one(work)
        line = BulkLine(item="of no image", class_id=work.session.classes.ids[0])
        name, sha256, count = work.journal.write_bulk([line])
        bulk = Bulk(file=name, sha256=sha256, count=count, origin=AUTO_ORIGIN)
        work.journal.append([bulk], work.annotator.name)
    assert not end_run(open_workspace(SourceOptions(), {}, path=path)).failed
    work = open_workspace(SourceOptions(), {}, path=path)
    label_one(work)
    shutil.rmtree(path)
    ending = end_run(work)
    assert ending.failed
    assert "no longer there" in ending.sentences[0]
    (copy,) = tmp_path.glob("s-*.tuilabel")
    known = SessionView(copy).known
    assert (known.labels_held, known.auto_labels_held) == (2, 1)


def test_a_name_that_cannot_be_used_adds_none_of_the_classes(tmp_path: Path, source: str) -> None:
    path = tmp_path / "s.tuilabel"
    open_workspace(SourceOptions(source, CLASSES), {}, path=path).close()
    with pytest.raises(UsageError, match="reads as a path"):
        open_workspace(SourceOptions(None, (*CLASSES, "owl", "../b")), {}, path=path)
    assert [info.name for info in SessionView(path).known.classes] == list(CLASSES)
