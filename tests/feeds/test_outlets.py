"""Readers that are slow, late, gone or broken: nobody waits for them, and what is lost is told."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuilabel.commands.feeds import check_feeds
from tuilabel.errors import TuilabelError
from tuilabel.feeds import outlets
from tuilabel.feeds.outlets import MOST_LINES, Fifo, Lines, Outlet, Program

PATIENCE = 60.0


def numbered(start: int, stop: int) -> list[bytes]:
    return [b"%d\n" % number for number in range(start, stop)]


def wait_for(is_true: Callable[[], object]) -> None:
    event = threading.Event()
    for _ in range(int(PATIENCE * 100)):
        if is_true():
            return
        event.wait(0.01)
    pytest.fail("it did not come")


def read_all(descriptor: int) -> list[bytes]:
    with os.fdopen(descriptor, "rb") as file:
        return file.read().splitlines(keepends=True)


def test_what_does_not_fit_is_counted_until_all_is_read() -> None:
    lines = Lines()
    lines.put(numbered(0, MOST_LINES + 3))
    assert [lines.take() for _ in range(5)] == numbered(0, 5)
    lines.put(numbered(0, 2))  # still behind: no hole may be in what was promised
    rest = [lines.take() for _ in range(MOST_LINES - 5)]
    assert rest == numbered(5, MOST_LINES)
    assert json.loads(lines.take() or b"") == {"kind": "gap", "count": 5}
    lines.put([b"x\n"])
    lines.end()
    assert [lines.take(), lines.take()] == [b"x\n", None]
    assert lines.dropped == 5


def test_a_slow_reader_keeps_nobody_waiting_and_learns_how_much_it_has_missed() -> None:
    reader, descriptor = os.pipe()
    outlet = Outlet(descriptor)
    outlet.start()
    outlet.put(numbered(0, 200_000))
    outlet.end()
    assert not outlet.join(0)
    assert "is slow: " in outlet.trouble
    found = read_all(reader)
    assert outlet.join(PATIENCE)
    count = json.loads(found.pop())["count"]
    assert found == numbered(0, len(found))
    assert len(found) + count == 200_000
    assert len(found) >= MOST_LINES


def test_a_reader_that_has_gone_is_reported() -> None:
    reader, descriptor = os.pipe()
    os.close(reader)
    outlet = Outlet(descriptor)
    outlet.start()
    outlet.put([b"x\n"])
    assert outlet.join(PATIENCE)
    assert outlet.trouble == "ended, because the reader has gone."


def test_a_full_disk_is_reported() -> None:
    outlet = Outlet(os.open("/dev/full", os.O_WRONLY))
    outlet.start()
    outlet.put([b"x\n"])
    assert outlet.join(PATIENCE)
    assert outlet.trouble == "ended (No space left on device)."


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(outlets, "LOOK_SECONDS", 0.01)
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_fifo_waits_for_its_readers_one_after_another(pipe: Path) -> None:
    outlet = Fifo(pipe)
    outlet.start()
    outlet.put([b"1\n"])
    assert outlet.trouble == ""
    reader = os.open(pipe, os.O_RDONLY)
    assert os.read(reader, 2) == b"1\n"
    os.close(reader)
    outlet.put([b"2\n", b"3\n"])
    assert os.read(another := os.open(pipe, os.O_RDONLY), 2) == b"2\n"
    outlet.end()
    assert read_all(another) == [b"3\n"]
    assert outlet.join(PATIENCE)


def test_a_fifo_that_nobody_reads_keeps_nothing_from_ending(pipe: Path) -> None:
    outlet = Fifo(pipe)
    outlet.start()
    outlet.put([b"1\n"])
    outlet.end()
    assert outlet.join(PATIENCE)


def test_a_fifo_that_was_removed_is_reported(pipe: Path) -> None:
    pipe.unlink()
    outlet = Fifo(pipe)
    outlet.start()
    wait_for(lambda: outlet.trouble)
    assert "cannot be opened (No such file or directory)" in outlet.trouble


def test_a_program_reads_every_line_and_then_the_end(tmp_path: Path) -> None:
    outlet = Program(f"cat > {tmp_path}/got; echo done > {tmp_path}/ended", tmp_path / "log")
    outlet.start()
    outlet.put(numbered(0, 1000))
    outlet.end()
    assert outlet.join(PATIENCE)
    wait_for(lambda: (tmp_path / "ended").exists())
    assert (tmp_path / "got").read_bytes() == b"".join(numbered(0, 1000))
    assert outlet.trouble == ""


def test_a_program_that_fails_is_started_again_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlets, "FIRST_PAUSE", 0.01)
    got = tmp_path / "got"
    outlet = Program(f"head -n 1 >> {got}; echo sorry; exit 3", tmp_path / "log")
    outlet.start()
    for number in range(3):
        outlet.put([b"%d\n" % number])
        wait_for(lambda number=number: got.exists() and got.read_bytes()[-2:-1] == b"%d" % number)
        wait_for(lambda number=number: outlet._failures > number)
    assert "ended with status 3, 3 times so far; what it printed is in" in outlet.trouble
    assert got.read_bytes() == b"0\n1\n2\n"
    assert (tmp_path / "log").read_text() == "sorry\n" * 3


def test_each_pause_is_twice_the_one_before_until_it_is_calm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, pauses = 1000.0, []
    outlet = Program("exit 1", tmp_path / "log", lambda: now)
    monkeypatch.setattr(outlet._ends, "wait", lambda seconds: bool(pauses.append(seconds)))
    for _ in range(9):
        os.close(outlet.connect() or -1)
    assert pauses == [0, 1, 2, 4, 8, 16, 32, 60, 60]
    now += 61
    os.close(outlet.connect() or -1)
    assert pauses[-1] == 0


def test_a_program_that_cannot_be_found_is_reported(tmp_path: Path) -> None:
    outlet = Program("no-such-program --x", tmp_path / "log")
    outlet.start()
    wait_for(lambda: outlet.trouble)
    assert "`no-such-program --x` ended with status 127" in outlet.trouble
    assert "not found" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"stream": "nowhere"}, "make it with `mkfifo nowhere`"),
        ({"stream": "/"}, "is not a FIFO"),
        ({"stream": "a\0b"}, "cannot be opened"),
        ({"stream": __file__}, "is not a FIFO"),
        ({"on_label": " "}, "has no command"),
        ({"stream": "/dev/null"}, "is not a FIFO"),
    ],
)
def test_what_cannot_be_followed_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(TuilabelError, match=words):
        check_feeds({"source": "digits", **given})


def test_standard_output_has_to_lead_somewhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(TuilabelError, match="which is this terminal: redirect it"):
        check_feeds({"source": "digits", "stream": "-"})


def test_a_fifo_with_a_reader_is_opened_where_its_name_has_a_meaning(pipe: Path) -> None:
    feeding = check_feeds({"source": "digits", "stream": str(pipe)})
    assert feeding is not None
    assert (feeding.plan.stream, feeding.plan.descriptor) == (str(pipe), None)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    feeding = check_feeds({"source": "digits", "stream": f"/dev/fd/{reader}"})
    assert feeding is not None
    assert feeding.plan.descriptor is not None
    assert not feeding.takes_stdout
    os.close(feeding.plan.descriptor)
    os.close(reader)
