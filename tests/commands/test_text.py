"""Sentences on a terminal are broken between words."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from tuilabel.commands.text import wrapped


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_lines_are_broken_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    text = "A sentence of several words about /a-path/longer-than/all-of-the-columns.\n  two words"
    assert wrapped(text, Terminal()).split("\n") == [
        "A sentence of",
        "several words about",
        "/a-path/longer-than/all-of-the-columns.",
        "  two words",
    ]
    assert wrapped("  in two lines, indented", Terminal()) == "  in two lines,\n  indented"
    for stream in (io.StringIO(), None):
        assert wrapped(text, stream) == text


def test_errors_are_broken_between_words_on_a_terminal() -> None:
    ours, theirs = os.openpty()
    subprocess.run(
        [sys.executable, "-m", "tuilabel", "status", "not-there"],
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "30"},
        check=False,
    )
    os.close(theirs)
    lines = os.read(ours, 4096).decode().splitlines()
    os.close(ours)
    assert lines[0] == "tuilabel: There is no session"
    assert max(map(len, lines)) <= 30
    assert " ".join(lines).startswith("tuilabel: There is no session 'not-there'. Name a session")
