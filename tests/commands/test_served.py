"""What textual-serve is told, which starts a program with pipes in place of a terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SERVED = {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver", "TERM": "xterm-256color"}


@pytest.mark.parametrize("arguments", [["digits"], ["home"], ["demo"], ["--line"], ["status"]])
def test_the_page_shows_one_sentence_and_the_program_ends(arguments: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tuilabel", *arguments],
        env=os.environ | SERVED,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        # Nothing is typed, and the input does not end.
        began, _, packet = running.stdout.read().partition(b"\n")
        complaint = running.stderr.read().decode()
        assert running.wait() == 2
    assert began == b"__GANGLION__"
    kind, size, text = packet[:1], int.from_bytes(packet[1:5], "big"), packet[5:]
    assert (kind, size) == (b"D", len(text))
    assert text.startswith(b"\x1b[Htuilabel needs a terminal, and textual-serve has none for it.")
    assert complaint.count("needs a terminal") == 1


@pytest.mark.parametrize("driver", ["", "textual.drivers.headless_driver:HeadlessDriver"])
def test_other_programs_with_pipes_are_not_served(driver: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tuilabel", "digits"],
        env=os.environ | {"TEXTUAL_DRIVER": driver, "TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stdout == ""
    assert "standard input is not a terminal" in done.stderr
