"""One process at a time labels in a session; a second one is refused with the holder's name."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import resource
import stat
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from loop_fakes import ME

from tuilabel.errors import SessionFileError, SessionLockedError
from tuilabel.journal import Draft, EventKind, Journal, SessionInfo, read_session
from tuilabel.journal.lock import held_by_living

Holder = Callable[[Path], "contextlib.AbstractContextManager[subprocess.Popen[str]]"]


def lock_file(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def test_a_second_process_is_told_who_holds_it_since_when(
    small_session: Path, held_by_another: Holder
) -> None:
    with held_by_another(small_session) as holder:
        since = datetime.fromisoformat(json.loads(lock_file(small_session).read_text())["since"])
        with pytest.raises(SessionLockedError) as caught:
            Journal(small_session)
        message = str(caught.value)
        assert f"process {holder.pid} of {getpass.getuser()} on " in message
        assert f"since {since:%Y-%m-%d %H:%M:%S}" in message
        assert caught.value.exit_code == 2
        assert len(read_session(small_session)[1]) == 24


def test_it_is_free_once_the_holder_has_quit(small_session: Path, held_by_another: Holder) -> None:
    with held_by_another(small_session) as holder:
        holder.communicate("")
        assert not lock_file(small_session).exists()
        Journal(small_session).close()


def test_it_is_free_once_the_holder_is_killed(small_session: Path, held_by_another: Holder) -> None:
    with held_by_another(small_session) as holder:
        holder.kill()
        holder.wait()
        assert lock_file(small_session).exists()
        with Journal(small_session) as journal:
            assert json.loads(lock_file(small_session).read_text())["pid"] == os.getpid()
            journal.append(Draft(EventKind.SKIP, "item"), ME)
    assert not lock_file(small_session).exists()


@pytest.mark.parametrize("content", ["", "{}", '{"pid": 1}', "[" * 4000, "\0\xff", "x" * 9999])
def test_a_file_left_behind_is_taken_over(small_session: Path, content: str) -> None:
    lock_file(small_session).write_text(content, encoding="latin-1")
    with Journal(small_session):
        assert json.loads(lock_file(small_session).read_text())["pid"] == os.getpid()
    assert not lock_file(small_session).exists()


@pytest.mark.parametrize("content", ["", "{}", "[" * 4000, "\0\xff", '{"since": 5}'])
def test_a_holder_that_says_nothing_sensible_still_holds_it(
    small_session: Path, held_by_another: Holder, content: str
) -> None:
    with held_by_another(small_session):
        lock_file(small_session).write_text(content, encoding="latin-1")
        with pytest.raises(SessionLockedError, match="labelling by another process"):
            Journal(small_session)


def test_the_holder_is_named_in_harmless_text(small_session: Path, held_by_another: Holder) -> None:
    with held_by_another(small_session):
        holder = {"pid": 1, "user": "\x1b]0;owned\x07", "host": "\x9b2J\u202e" * 90}
        since = "2030-01-01T00:00:00+00:00"
        lock_file(small_session).write_text(json.dumps({**holder, "since": since}))
        with pytest.raises(SessionLockedError, match="by process 1 of ␛]0;owned␇ on ") as caught:
            Journal(small_session)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o644])
def test_the_files_beside_a_session_are_as_private_as_the_session(
    path: Path, info: SessionInfo, mode: int
) -> None:
    umask = os.umask(0o022)
    try:
        Journal.create(path, info).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(mode)
        with Journal(path) as journal:
            journal.append(Draft(EventKind.SKIP, "item"), ME)
            beside = [path.with_name(path.name + suffix) for suffix in (".lock", "-wal", "-shm")]
            assert {stat.S_IMODE(file.stat().st_mode) for file in beside} == {mode}
    finally:
        os.umask(umask)


def test_a_pipe_beside_a_session_is_not_waited_for(small_session: Path) -> None:
    for side in (lock_file(small_session), small_session.with_name(small_session.name + "-wal")):
        os.mkfifo(side)
        assert not held_by_living(small_session)
        assert len(read_session(small_session)[1]) == 24
        with pytest.raises(SessionFileError, match=f"while .*{side.name} lies beside it"):
            Journal(small_session)
        side.unlink()


def test_a_link_to_the_session_is_the_same_session(
    small_session: Path, tmp_path: Path, held_by_another: Holder
) -> None:
    link = tmp_path / "elsewhere" / "other.tuilabel"
    link.parent.mkdir()
    link.symlink_to(small_session)
    with held_by_another(small_session), pytest.raises(SessionLockedError):
        Journal(link)


def test_a_link_in_the_place_of_the_lock_is_not_followed(
    small_session: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("content")
    lock_file(small_session).symlink_to(precious)
    with pytest.raises(SessionFileError, match=r"s\.tuilabel\.lock lies beside it"):
        Journal(small_session)
    assert precious.read_text() == "content"


def test_a_directory_in_the_place_of_the_lock_is_reported(small_session: Path) -> None:
    lock_file(small_session).mkdir()
    with pytest.raises(SessionFileError, match=r"s\.tuilabel\.lock lies beside it"):
        Journal(small_session)


def test_a_lock_that_cannot_be_written_is_given_up(small_session: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(SessionFileError, match="cannot be written"):
            Journal(small_session)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not lock_file(small_session).exists()
    Journal(small_session).close()


def test_a_failed_opening_gives_the_lock_up(small_session: Path) -> None:
    whole = small_session.read_bytes()
    small_session.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SessionFileError, match="damaged"):
        Journal(small_session)
    assert not lock_file(small_session).exists()
    small_session.write_bytes(whole)
    Journal(small_session).close()


def test_closing_leaves_the_lock_of_another_session_alone(
    small_session: Path, tmp_path: Path
) -> None:
    journal = Journal(small_session)
    away = tmp_path / "away"
    away.mkdir()
    for file in list(tmp_path.glob("s.tuilabel*")):
        file.rename(away / file.name)
    lock_file(small_session).write_text("another's")
    journal.close()
    assert lock_file(small_session).read_text() == "another's"


def test_a_user_without_a_name_holds_it_by_number(
    small_session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", unknown)
    with Journal(small_session):
        assert json.loads(lock_file(small_session).read_text())["user"] == str(os.getuid())
