"""What the terminal tells of itself before the screen is drawn."""

from __future__ import annotations

import _thread
import os
import termios
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.tui.terminal import probe
from tuilabel.tui.terminal.probe import Probe, TerminalAnswers, _understood


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Return the two ends of a pseudo-terminal: the emulator's and the program's."""
    ours, theirs = os.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def asked(ours: int) -> bytes:
    data = b""
    while not data.endswith(b"6n"):
        data += os.read(ours, 100)
    return data


def test_the_answers_are_told_apart_from_what_is_typed(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    before = termios.tcgetattr(theirs)
    started = Probe("xterm-256color", theirs, theirs).ask()
    assert asked(ours) == b"\x1b]11;?\x1b\\\x1b[>0q\x1b[6n"
    os.write(ours, b"7\x1b]11;rgb:ffff/8000/00")
    os.write(ours, b"00\x1b\\q\x1bP>|foot(1.20.0)\x1b\\\x1b[12;1R")
    found = started.finish()
    assert found.background == (255, 128, 0)
    assert found.version == "foot(1.20.0)"
    assert found.typed == "7q"
    assert found.round_trip is not None
    assert 0 < found.round_trip < probe.PATIENCE
    assert termios.tcgetattr(theirs) == before
    assert started.finish() is found


@pytest.mark.parametrize("term", ["linux", "vt100"])
def test_a_terminal_that_might_print_questions_is_asked_for_its_cursor_only(
    terminal: tuple[int, int], term: str
) -> None:
    ours, theirs = terminal
    started = Probe(term, theirs, theirs).ask()
    assert asked(ours) == b"\x1b[6n"
    os.write(ours, b"\x1b[1;1R")
    assert started.finish().background is None


def test_a_terminal_that_does_not_answer_is_put_back_all_the_same(
    terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "PATIENCE", 0.02)
    _, theirs = terminal
    before = termios.tcgetattr(theirs)
    with Probe("xterm", theirs, theirs) as started:
        assert termios.tcgetattr(theirs) != before
    found = started.finish()
    assert found == TerminalAnswers(is_owed=True, relay=found.relay)
    assert termios.tcgetattr(theirs) == before


@pytest.mark.parametrize("has_started", [True, False])
def test_a_signal_while_it_begins_to_listen_hangs_nothing(
    terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch, has_started: bool
) -> None:
    ours, theirs = terminal
    before = termios.tcgetattr(theirs)

    class Interrupted(threading.Thread):
        def start(self) -> None:
            if has_started:  # and nobody has noted it yet
                _thread.start_new_thread(self.run, ())
            threading.Timer(0.2, os.write, (ours, b"\x1b[1;1R")).start()
            raise KeyboardInterrupt

    monkeypatch.setattr(threading, "Thread", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        Probe("xterm-256color", theirs, theirs).ask()
    assert termios.tcgetattr(theirs) == before
    os.set_blocking(theirs, False)
    with pytest.raises(BlockingIOError):
        os.read(theirs, 100)


def test_what_is_no_terminal_is_not_asked() -> None:
    reading, writing = os.pipe()
    assert Probe("xterm", reading, writing).ask().finish() == TerminalAnswers()
    assert Probe("dumb", reading, writing).ask().finish() == TerminalAnswers()
    os.close(writing)
    assert os.read(reading, 10) == b""
    os.close(reading)


@pytest.mark.parametrize(
    ("answer", "colour"),
    [
        (b"\x1b]11;rgb:0000/0000/0000\x07", (0, 0, 0)),
        (b"\x1b]11;rgb:f/f/f\x1b\\", (255, 255, 255)),
        (b"\x1b]11;rgba:1e1e/1e1e/2e2e/ffff\x1b\\", (30, 30, 46)),
        (b"\x1b]11;?\x1b\\", None),
        (b"\x1b]10;rgb:ff/ff/ff\x1b\\", None),
    ],
)
def test_colours_are_read_as_terminals_write_them(
    answer: bytes, colour: tuple[int, int, int] | None
) -> None:
    assert _understood(answer, None).background == colour


@given(st.binary(max_size=200))
def test_anything_may_come(received: bytes) -> None:
    found = _understood(received, None)
    assert "\x1b[1;1R" not in found.typed
