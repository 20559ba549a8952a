"""What a crash report contains, and what it never contains."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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


def recurse() -> None:
    recurse()


class SpeakingError(Exception):
    """An error whose text cannot be made."""

    def __str__(self) -> str:
        raise RuntimeError(SECRET)


def speak() -> None:
    raise SpeakingError(SECRET, {SECRET: SECRET})


BREAKS = [raise_chain, raise_group, open_file, recurse, speak]


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


def test_kinds_causes_and_error_codes_are_named() -> None:
    lines = list(crash.describe(caught(raise_chain)))
    assert [line for line in lines if not line.startswith("  ")] == [
        "KeyError",
        "-- which caused",
        "ValueError",
    ]
    assert list(crash.describe(caught(open_file)))[-1] == "FileNotFoundError ENOENT"
    assert list(crash.describe(caught(raise_group)))[-3:-1] == ["  OSError ENOSPC", "part 2 of 2:"]


def test_of_a_long_traceback_the_end_is_shown() -> None:
    lines = list(crash.describe(caught(recurse)))
    assert lines[-1] == "RecursionError"
    assert len(lines) < 50


def test_places_in_tuilabel_are_named_and_other_code_is_not() -> None:
    from tuilabel.text import inert

    error = caught(lambda: inert(5))  # type: ignore[arg-type]
    lines = list(crash.describe(error))
    assert any(line.startswith("  tuilabel.text:") and " in inert" in line for line in lines)
    assert any(line == "  (other code)" for line in lines)
    assert crash.where(error).startswith("tuilabel.text:")


def test_the_newest_ten_are_kept(tmp_path: Path) -> None:
    error = caught(raise_chain)
    (tmp_path / "trainer.log").write_text("stays")
    written = [crash.write_report(error, tmp_path, {}) for _ in range(13)]
    assert crash.reports(tmp_path) == written[-10:]
    assert (tmp_path / "trainer.log").exists()


def test_a_report_that_cannot_be_written_is_printed(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.write_text("a file where the folder should be")
    error = caught(raise_chain)
    report = crash.report_crash(error, folder, {})
    said = "\n".join(crash.sentences(error, report, "All 3 labels are saved in F."))
    assert "All 3 labels are saved in F." in said
    assert "could not be written" in said
    assert "ValueError" in said
    assert SECRET not in said


def test_no_part_of_a_report_is_left_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = crash.report_lines

    def until_the_disk_is_full(error: BaseException, facts: dict[str, object]) -> Iterator[str]:
        yield next(lines(error, facts))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(crash, "report_lines", until_the_disk_is_full)
    with pytest.raises(OSError, match="No space left"):
        crash.write_report(caught(raise_chain), tmp_path, {})
    assert crash.reports(tmp_path) == []
