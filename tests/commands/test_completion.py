"""Shell completion, through click's own protocol."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tuilabel.cli import COMMANDS, main
from tuilabel.commands.completion import SOURCES
from tuilabel.workspace.places import data_dir


def complete(words: str, shell: str = "bash") -> list[str]:
    """Complete the last of these words; an empty one is a trailing space."""
    environ = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    environ["_TUILABEL_COMPLETE"] = f"{shell}_complete"
    result = CliRunner().invoke(main, [], prog_name="tuilabel", env=environ)
    assert result.exit_code == 0, result.output
    return result.stdout.split("\n")[:-1]


def plain(*values: str) -> list[str]:
    return [f"plain,{value}" for value in values]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with sources, a session, and files that are neither."""
    folder = tmp_path / "work"
    folder.mkdir()
    for name in ("photos", "samples", ".samples", "s\nplain,rm", "s caf\udce9"):
        (folder / name).mkdir()
    for name in ("s.npz", "s.npy", "s.txt", "s.csv", "s.doc"):
        (folder / name).touch()
    (folder / "s.tuilabel").mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def sessions() -> None:
    """Make folders that are named as sessions are."""
    (data_dir() / "sessions").mkdir(parents=True)
    for name in (
        "digits.tuilabel",
        "dogs-12345678.tuilabel",
        "digits.tuilabel-wal",
        "d\x1b.tuilabel",
    ):
        (data_dir() / "sessions" / name).mkdir()


def test_the_script_for_a_shell_is_clicks() -> None:
    environ = {"_TUILABEL_COMPLETE": "bash_source"}
    result = CliRunner().invoke(main, [], prog_name="tuilabel", env=environ)
    assert "_tuilabel_completion" in result.stdout


@pytest.mark.usefixtures("folder")
def test_the_first_word_may_be_a_command_a_source_or_a_path() -> None:
    commands = [name for name in COMMANDS if name.startswith("s")]
    assert complete("tuilabel s") == plain(
        *commands, "s.csv", "s.npy", "s.npz", "s.txt", "samples/"
    )
    assert complete("tuilabel dig") == plain("digits")
    assert complete("tuilabel pho") == ["file,pho"]
    assert complete("tuilabel samples/") == ["file,samples/"]
    everything = complete("tuilabel ")
    assert everything[: len(COMMANDS) + len(SOURCES)] == plain(*COMMANDS, *SOURCES)
    assert "plain,photos/" in everything
    assert not [line for line in everything if "rm" in line or "caf" in line or ",." in line]


@pytest.mark.usefixtures("folder")
def test_zsh_is_told_what_a_command_does() -> None:
    lines = complete("tuilabel sta", "zsh")
    assert lines == ["plain", "status", COMMANDS["status"][2]]
    assert complete("tuilabel pho", "zsh")[:2] == ["file", "pho"]


def test_options_of_label_are_offered_without_its_name() -> None:
    assert complete("tuilabel --mod") == plain("--model")
    assert complete("tuilabel --") == plain(
        *("--version", "--help"),
        *(line.removeprefix("plain,") for line in complete("tuilabel label --")[:-1]),
    )
    for begun in ("tuilabel", "tuilabel label", "tuilabel photos", "tuilabel --seed 1"):
        assert complete(f"{begun} --model ml") == plain("mlp")
    assert complete("tuilabel label --strategy mar") == plain("margin")
    assert complete("tuilabel export --format cs") == plain("csv")
    assert complete("tuilabel export --origin ") == plain("human", "oracle", "import", "auto")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", ["label", "demo", "simulate"])
def test_a_source_is_a_name_or_a_path(command: str) -> None:
    assert complete(f"tuilabel {command} m") == plain("mnist")
    assert complete(f"tuilabel {command} sa") == ["file,sa"]


@pytest.mark.usefixtures("folder", "sessions")
@pytest.mark.parametrize(
    "begun",
    [
        "status",
        "export",
        "import",
        "check",
        "autolabel",
        "settings",
        "label --session",
        "show --session",
    ],
)
def test_a_session_is_a_name_or_a_path(begun: str) -> None:
    assert complete(f"tuilabel {begun} d") == plain("digits", "dogs-12345678")
    assert complete(f"tuilabel {begun} s") == ["file,s"]
    everything = complete(f"tuilabel {begun} ")
    expected = plain("digits", "dogs-12345678", "photos/", "s.tuilabel", "samples/")
    assert everything == expected


@pytest.mark.usefixtures("folder")
def test_without_any_session_paths_are_left() -> None:
    assert complete("tuilabel status ") == ["file,"]
