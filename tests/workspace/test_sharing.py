"""`tuilabel share`: a group of Unix users reads a session and labels in it."""

from __future__ import annotations

import grp
import os
import shutil
import stat
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sessions import label_of, new_session

from tuilabel.cli import main
from tuilabel.errors import SessionFileError, UsageError
from tuilabel.events.payloads import AUTO_ORIGIN, Bulk, BulkLine
from tuilabel.journal.journal import Journal
from tuilabel.session.view import SessionView
from tuilabel.workspace.sharing import share

OWNER, COLLEAGUE, STRANGER = 54321, 54322, 54323

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be other users")


@pytest.fixture
def group() -> grp.struct_group:
    """Return a group of users that is not root's own."""
    return next(found for found in grp.getgrall() if found.gr_gid not in os.getgroups())


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder that every user may write to."""
    path = Path(tempfile.mkdtemp(prefix="tuilabel-shared-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


def as_user(uid: int, group: int | None, work: Callable[[], object]) -> None:
    """Do some work as another user, in a child, with the strictest umask."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([] if group is None else [group])
            os.setgid(uid)
            os.setuid(uid)
            os.umask(0o077)
            work()
            status = 0
        except BaseException:  # noqa: BLE001 - it ends the child
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def labels(path: Path, by: str, item: str) -> None:
    """Label an item, and another one by a model."""
    with Journal(path, by, "digits") as journal:
        journal.read()
        line = BulkLine(item=f"{item}-auto", class_id="c1:0")
        name, sha256, count = journal.write_bulk([line])
        bulk = Bulk(file=name, sha256=sha256, count=count, origin=AUTO_ORIGIN)
        journal.append([label_of(item, "cat"), bulk], by)


def check(path: Path, held: int) -> None:
    """Check that all labels of a session can be read."""
    view = SessionView(path)
    assert view.problems == []
    assert (view.known.labels_held, view.known.auto_labels_held) == (held, held)


@needs_root
def test_two_users_label_in_a_shared_session_and_a_third_cannot(
    place: Path, group: grp.struct_group
) -> None:
    path, gid = place / "s.tuilabel", group.gr_gid

    def begin() -> None:
        new_session(path)
        labels(path, "anna", "i1")

    as_user(OWNER, gid, begin)

    def refused() -> None:
        with pytest.raises(SessionFileError):
            SessionView(path)

    as_user(COLLEAGUE, gid, refused)
    as_user(OWNER, gid, lambda: share(path, group.gr_name))
    as_user(COLLEAGUE, gid, lambda: labels(path, "bob", "i2"))
    as_user(OWNER, gid, lambda: check(path, 2))
    as_user(OWNER, gid, lambda: labels(path, "anna", "i3"))
    as_user(COLLEAGUE, gid, lambda: check(path, 3))
    as_user(STRANGER, None, refused)
    for found in (path, *path.rglob("*")):
        mode = stat.S_IMODE(found.stat().st_mode)
        assert mode == (0o2770 if found.is_dir() else 0o640), found
        assert found.stat().st_gid == gid


@needs_root
def test_nobody_can_change_what_another_has_written(place: Path, group: grp.struct_group) -> None:
    path = place / "s.tuilabel"
    as_user(OWNER, group.gr_gid, lambda: new_session(path))
    as_user(OWNER, group.gr_gid, lambda: share(path, group.gr_name))
    (log,) = (path / "log").iterdir()

    def write() -> None:
        with pytest.raises(PermissionError), log.open("ab") as file:
            file.write(b"x")
        failed = share(path, group.gr_name)
        assert failed == {}, "all is shared already"

    as_user(COLLEAGUE, group.gr_gid, write)


@needs_root
def test_what_cannot_be_shared_is_named(place: Path, group: grp.struct_group) -> None:
    path = place / "s.tuilabel"
    new_session(path)
    secret = place / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    (path / "log" / "link.jsonl").symlink_to(secret)
    os.link(secret, path / "log" / "hard.jsonl")
    result = CliRunner().invoke(main, ["share", str(path), "--group", group.gr_name])
    assert result.exit_code != 0
    assert "link.jsonl" in str(result.output)
    assert "hard.jsonl" in str(result.output)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_a_group_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    new_session(tmp_path / "s.tuilabel")
    for name in ("no-such-group", "", "a\0b", "\x1b[31m"):
        with pytest.raises(UsageError, match="There is no group"):
            share(tmp_path / "s.tuilabel", name)
