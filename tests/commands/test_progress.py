"""The line that says how far something is."""

from __future__ import annotations

import io
import sys

import pytest

from tuilabel.commands.progress import ProgressLine


class Terminal(io.StringIO):
    """Standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Take standard error's place; in a fixture, pytest would take it back before the test."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def test_a_line_takes_the_place_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    progress = ProgressLine()
    for line in ("1 of 3", "1 of 3", "2 of 3"):
        progress.line(line)
    assert shown.getvalue() == "\r\x1b[K1 of 3\r\x1b[K2 of 3"
    progress.close()
    progress.close()
    assert shown.getvalue().endswith("2 of 3\r\x1b[K")
    assert shown.getvalue().count("\x1b[K") == 3


def test_the_last_line_of_a_part_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    progress = ProgressLine()
    progress("reading", 1, 2)
    progress("reading", 2, 2)
    progress("reading", 2, 2)
    progress.close()
    assert shown.getvalue() == ("\r\x1b[Kreading: 1 of 2 (50%)\r\x1b[Kreading: 2 of 2 (100%)\n")


def test_without_an_end_there_is_no_share(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    ProgressLine()("bytes", 12345, None)
    assert shown.getvalue() == "\r\x1b[Kbytes: 12,345"


def test_where_there_is_no_terminal_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    progress = ProgressLine()
    progress.line("1 of 3")
    progress("reading", 2, 2)
    progress.close()
    assert stream.getvalue() == ""
