"""What `tuilabel doctor` finds about the keyboard and the folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tuilabel.cli import main
from tuilabel.tui.terminal.doctor import keyboard_lines
from tuilabel.tui.terminal.probe import TerminalAnswers

WAIT = "keys wait 500 ms after each image (--key-delay)."


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        (TerminalAnswers(round_trip=0.0006), "answers       in 0.6 ms"),
        (TerminalAnswers(), f"! The terminal does not report its cursor: {WAIT}"),
        (
            TerminalAnswers(round_trip=0.0006, relay="mosh-server"),
            f"! mosh-server answers in place of the terminal, which may be far: {WAIT}",
        ),
        (
            TerminalAnswers(round_trip=0.0006, relay="unknown"),
            "! The terminal does not report its name, so that something else may answer in its "
            f"place: {WAIT}",
        ),
    ],
)
def test_doctor_says_when_keys_count(answers: TerminalAnswers, line: str) -> None:
    assert next(keyboard_lines(answers, 500, shell=True)) == line


@pytest.mark.parametrize(
    ("shell", "line"),
    [(True, "Ctrl-Z and fg"), (False, "none: there is no shell to go back to")],
)
def test_doctor_says_what_ctrl_z_does(shell: bool, line: str) -> None:
    *_, last = keyboard_lines(TerminalAnswers(round_trip=0.1), 500, shell=shell)
    assert last == f"job control   {line}"


def test_doctor_tries_whether_folders_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "home"))
    assert "No place for" not in CliRunner().invoke(main, ["doctor"]).stdout
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "home").touch()
    lines = CliRunner().invoke(main, ["doctor"]).stdout.splitlines()
    for what in ("sessions", "the cache", "logs"):
        assert (
            f"! No place for {what}: {tmp_path}/home cannot be written (Not a directory). "
            "Free space there, or make it writable."
        ) in lines
