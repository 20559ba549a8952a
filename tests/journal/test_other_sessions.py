"""Checking, merging and sharing sessions."""

from __future__ import annotations

import grp
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journal.folders import (
    OTHER,
    begin_line,
    everything,
    items,
    label,
    new_session,
    put,
    raw_line,
)
from tuilabel.errors import SessionFileError, UsageError
from tuilabel.journal.check import HEALING, check_session
from tuilabel.journal.journal import Journal
from tuilabel.journal.merging import merge
from tuilabel.journal.payloads import AUTO_ORIGIN, Bulk, BulkLine
from tuilabel.journal.sharing import share


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a session with two runs and a bulk file."""
    path = new_session(tmp_path / "s.tuilabel")
    with Journal(path, "anna") as anna:
        anna.append(label("f1:a"))
        header = Bulk(file="", sha256="", count=0, origin=AUTO_ORIGIN)
        anna.write_bulk([BulkLine(item="f1:b", class_id="cat")], header)
    Journal(path, "bob").append(label("f1:c"))
    return path


def contents(path: Path) -> dict[str, bytes]:
    """Return all files of a session."""
    files = (file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def test_a_good_session_is_checked(path: Path) -> None:
    before = contents(path)
    report = check_session(path)
    assert contents(path) == before
    assert report.kinds == {"begin": 2, "label": 2, "bulk": 1, "ended": 1}
    begun = [(run.begin.annotator, run.n, run.is_closed) for run in report.runs if run.begin]
    assert begun == [("anna", 4, True), ("bob", 2, False)]
    assert not report.problems
    (unjudged,) = report.unjudged
    assert "bob" in unjudged
    assert json.loads(json.dumps(report.as_dict()))["about"]["source"] == "digits"
    lines = report.lines()
    assert lines[0].endswith("6 events in 2 logs.")
    assert unjudged in lines[-1]
    assert HEALING not in lines


def remove_bulk(path: Path) -> None:
    next((path / "bulk").iterdir()).unlink()


def damage_log(path: Path) -> None:
    log = next((path / "log").glob("*anna*"))
    log.write_bytes(log.read_bytes().replace(b"f1:a", b"f1:x"))


def half_a_line(path: Path) -> None:
    with next((path / "log").glob("*bob*")).open("ab") as file:
        file.write(b'{"id":')


def foreign_files(path: Path) -> None:
    (path / "notes\x1b.txt").touch()
    (path / "log" / "x.jsonl.swp").touch()
    (path / "bulk" / "y.jsonl").touch()


def newer_events(path: Path) -> None:
    put(path, begin_line(), raw_line(2, 2, "holo\x1bgram"), raw_line(3, payload={"v": 9}))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (remove_bulk, r"bulk/.*jsonl cannot be used"),
        (damage_log, r"anna.*, line 2: the line is damaged\."),
        (half_a_line, r"bob.*, line 3: the last line is incomplete\."),
        (foreign_files, r"log/x.jsonl.swp is no part"),
        (newer_events, r"1 event of the kind holo␛gram are passed over"),
        (lambda path: (path / "session.json").unlink(), r"session\.json: it cannot be read"),
    ],
)
def test_damage_is_in_the_report(path: Path, damage: Callable[[Path], None], expected: str) -> None:
    damage(path)
    before = contents(path)
    report = check_session(path)
    assert contents(path) == before
    assert re.search(expected, "\n".join(report.lines()))
    assert (HEALING in report.lines()) == bool(report.problems)
    json.dumps(report.as_dict())


def test_a_merge_brings_logs_and_bulk_files(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "backup.tuilabel"
    shutil.copytree(path, other)
    for place, who in ((path, "cleo"), (other, "dora")):
        with Journal(place, who) as journal:
            journal.append(label(f"f1:{who}"))
    with next((other / "log").glob("*bob*")).open("ab") as file:
        file.write(raw_line(3))
    before = contents(other), contents(path)
    planned = merge(path, other, "anna", dry_run=True)
    assert (contents(other), contents(path)) == before
    merged = merge(path, other, "anna")
    assert merged == planned
    assert len(merged.copied) == 2
    assert len(merged.present) == 2
    assert contents(other) == before[0]
    assert before[1].items() <= contents(path).items(), "no file is changed"
    assert sorted(items(everything(path))) == ["f1:a", "f1:a", "f1:c", "f1:cleo", "f1:dora"]
    assert not check_session(path).problems
    again = merge(path, other, "anna")
    assert not again.copied
    assert again.adopted is None


def test_a_merge_adopts_another_session(path: Path, tmp_path: Path) -> None:
    other = new_session(tmp_path / "other.tuilabel", OTHER)
    with Journal(other, "eve") as journal:
        journal.append(label("f1:eve"))
    assert merge(path, other, "anna", dry_run=True).adopted == OTHER.uuid
    assert "f1:eve" not in items(everything(path))
    assert merge(path, other, "anna").adopted == OTHER.uuid
    found = everything(path)
    assert "f1:eve" in items(found)
    assert found == sorted(found, key=lambda event: (event.t, event.id))
    assert not check_session(path).problems
    assert merge(path, other, "anna").adopted is None
    with pytest.raises(SessionFileError, match="no session"):
        merge(path, tmp_path / "nothing", "anna")


def test_a_merge_passes_over_what_cannot_be_read(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "backup.tuilabel"
    shutil.copytree(path, other)
    (bulk,) = (path / "bulk").iterdir()
    bulk.write_bytes(b"x" + bulk.read_bytes()[1:])
    (other / "log" / "link.jsonl").symlink_to(tmp_path)
    merged = merge(path, other, "anna")
    assert not merged.copied
    assert merged.unread == {
        "log/link.jsonl": "it is a link",
        f"bulk/{bulk.name}": "the session has another file of this name: one is damaged",
    }


def modes(path: Path) -> set[tuple[bool, int, int]]:
    """Return the mode and the group of all files."""
    found = (file.lstat() for file in [path, *path.rglob("*")])
    return {(stat.S_ISDIR(one.st_mode), stat.S_IMODE(one.st_mode), one.st_gid) for one in found}


@pytest.fixture
def group() -> grp.struct_group:
    """Return a group that this user may give files to."""
    mine = os.getgrouplist("root", 0) if os.geteuid() == 0 else os.getgroups()
    for found in grp.getgrall():
        if found.gr_gid != os.getegid() and (os.geteuid() == 0 or found.gr_gid in mine):
            return found
    pytest.skip("this user is in one group only")


@pytest.mark.parametrize("umask", [0o077, 0o000])
def test_a_shared_session_stays_shared(path: Path, group: grp.struct_group, umask: int) -> None:
    outside = path.with_name("outside")
    outside.touch(0o600)
    (path / "link").symlink_to(outside)
    failed = share(path, group.gr_name)
    assert list(failed) == [str(path / "link")]
    (path / "link").unlink()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o600
    expected = {(True, 0o2770, group.gr_gid), (False, 0o640, group.gr_gid)}
    assert modes(path) == expected
    before = os.umask(umask)
    try:
        journal = Journal(path, "anna")
        journal.append(label())
        shutil.rmtree(path / "bulk")
        journal.write_bulk([], Bulk(file="", sha256="", count=0, origin=AUTO_ORIGIN))
    finally:
        os.umask(before)
    assert modes(path) == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_two_users_label_in_a_shared_session(group: grp.struct_group) -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        path = new_session(Path(name) / "s.tuilabel")
        groups = os.getgroups()
        mine = Journal(path, "root")
        mine.append(label("f1:mine"))

        def as_another_user() -> None:
            os.setgroups([group.gr_gid])
            os.setegid(65534)
            os.seteuid(65534)
            try:
                theirs = Journal(path, "nobody")
                assert items(list(theirs.read())) == ["f1:mine"]
                theirs.append(label("f1:theirs"))
            finally:
                os.seteuid(0)
                os.setegid(0)
                os.setgroups(groups)

        with pytest.raises(SessionFileError, match="Permission denied"):
            as_another_user()
        share(path, group.gr_name)
        as_another_user()
        assert items(list(mine.read())) == ["f1:theirs"]
        assert not mine.problems()


def test_a_group_that_is_not_there(path: Path) -> None:
    with pytest.raises(UsageError, match="no group 'no such␛group'"):
        share(path, "no such\x1bgroup")
