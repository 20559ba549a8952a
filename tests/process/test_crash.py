"""What a report of a crash tells, and what it never does."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.process import crash

SECRET = "umbrella-of-aunt-agatha"


def caught(break_it: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as found:  # noqa: PT011  (any kind is a crash)
        break_it()
    return found.value


def raise_chain() -> None:
    secret = SECRET
    try:
        {}[secret]
    except KeyError as error:
        raise ValueError(f"there is no class named {secret} in this session") from error


def raise_group() -> None:
    raise ExceptionGroup(SECRET, [OSError(28, SECRET, f"/home/{SECRET}/x.png"), KeyError(SECRET)])


def open_file() -> None:
    Path(f"/{SECRET}/image.png").read_bytes()


def query() -> None:
    sqlite3.connect(":memory:").execute(f"SELECT * FROM '{SECRET}'")


def recurse() -> None:
    recurse()


class SpeakingError(Exception):
    """An error whose very text goes wrong."""

    def __str__(self) -> str:
        raise RuntimeError(SECRET)


def speak() -> None:
    raise SpeakingError(SECRET, {SECRET: SECRET})


BREAKS = [raise_chain, raise_group, open_file, query, recurse, speak]


@pytest.mark.parametrize("break_it", BREAKS)
def test_no_value_is_in_a_report(
    break_it: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", f"{SECRET} x")
    monkeypatch.setenv("COLORTERM", f"/{SECRET}")
    error = caught(break_it)
    error.add_note(SECRET)
    path = crash.write_report(error, tmp_path / "log", {"screen": f"{SECRET} /", "columns": 80})
    text = path.read_text()
    assert SECRET not in text
    assert str(Path.home()) not in text
    assert os.fspath(tmp_path) not in text
    assert "columns       80" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_kinds_places_and_the_program_s_own_words_are_told() -> None:
    error = caught(raise_chain)
    lines = list(crash.describe(error))
    assert lines[1:] == [
        "KeyError: …",
        "-- which led to",
        *lines[3:-1],
        "ValueError: there is no class named … in this session",
    ]
    assert list(crash.describe(caught(open_file)))[-1] == "FileNotFoundError ENOENT"
    assert list(crash.describe(caught(query)))[-1] == "sqlite3.OperationalError SQLITE_ERROR"


def test_a_missing_name_is_told_if_it_is_the_code_s_own() -> None:
    own = caught(lambda: Path.no_such_thing)  # type: ignore[attr-defined]
    assert list(crash.describe(own))[-1] == "AttributeError: no_such_thing"
    foreign = caught(lambda: getattr(Path, SECRET))
    assert list(crash.describe(foreign))[-1] == "AttributeError: …"


def test_the_way_through_the_program_is_told_and_other_code_is_not() -> None:
    from tuilabel.text import inert

    error = caught(lambda: inert(5))  # type: ignore[arg-type]
    lines = list(crash.describe(error))
    assert any(line.startswith("  tuilabel.text:") and " in inert" in line for line in lines)
    assert any(line == "  (other code)" for line in lines)
    assert crash.where(error).startswith("tuilabel.text:")


@given(text=st.text(), known=st.sets(st.text(min_size=8)))
def test_of_a_message_only_known_words_remain(text: str, known: set[str]) -> None:
    kept = crash._known_words(text, known)
    allowed = "".join(known) + "… "
    assert set(kept) <= set(allowed)


def test_the_newest_ten_are_kept(tmp_path: Path) -> None:
    error = caught(raise_chain)
    (tmp_path / "trainer.log").write_text("stays")
    written = [crash.write_report(error, tmp_path, {}) for _ in range(13)]
    assert crash.reports(tmp_path) == written[-10:]
    assert (tmp_path / "trainer.log").exists()


def test_a_report_that_cannot_be_written_is_said_whole(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.write_text("a file where the folder should be")
    error = caught(raise_chain)
    report = crash.report_crash(error, folder, {})
    said = "\n".join(crash.sentences(error, report, "All 3 labels are saved in F."))
    assert "All 3 labels are saved in F." in said
    assert "could be written" in said
    assert "ValueError: there is no class named … in this session" in said
    assert SECRET not in said
