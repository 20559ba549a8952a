"""`tuilabel` over SSH, on lines of several lengths."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.peers.link import Link, SshServer
from tests.pty.labelling import LABELS, TYPED_AHEAD, Home, LabellingTerminal
from tests.pty.terminal import PATIENCE, children, is_gone
from tests.pty.test_guard import key_for, misplaced

Start = Callable[..., LabellingTerminal]
Line = Callable[..., Link]

FAR = 0.15
"""Seconds there and back: another continent."""

GALLERY = ("--classes", "day,night", "--cold-start", "random")


@pytest.fixture
def far(start: Start, home: Home, line: Line, ssh_server: SshServer) -> Callable[..., Far]:
    """Return a function that starts `tuilabel` at the other end of a line."""

    def begin(*arguments: str, round_trip: float = FAR, **options: Any) -> Far:
        link = line(ssh_server.port, round_trip=round_trip)
        names = ("XDG_", "TMPDIR", "LANG", "PYTHONPATH")
        env = {name: value for name, value in home.env.items() if name.startswith(names)}
        command = ssh_server.client(
            *(sys.executable, "-m", "tuilabel", *arguments), env=env, port=link.port
        )
        before = set(descendants(ssh_server.pid))
        terminal = start(command=command, **options)
        terminal.wait_for(terminal.sees_image)
        # One as it starts, and one behind the first image.
        terminal.wait_for(lambda: terminal.cursor_reports > 1)
        return Far(terminal, link, set(descendants(ssh_server.pid)) - before)

    return begin


class Far:
    """A terminal, the line, and the processes at the other end that were started for it."""

    def __init__(self, terminal: LabellingTerminal, link: Link, processes: set[int]) -> None:
        self.terminal = terminal
        self.link = link
        self.processes = processes


def descendants(pid: int) -> list[int]:
    return [pid for child in children(pid) for pid in (child, *descendants(child))]


@pytest.mark.parametrize("round_trip", [0, 0.05, FAR])
def test_a_batch_is_labelled_and_the_terminal_restored(
    far: Callable[..., Far], home: Home, round_trip: float
) -> None:
    there = far("digits", round_trip=round_trip)
    terminal = there.terminal
    for key in "3141592653":
        terminal.answer(key)
    terminal.wait_for(lambda: terminal.where() == (2, 1, 10))
    assert "2;" not in " ".join(colours_in(terminal.transcript)), "COLORTERM is not passed on"
    terminal.quit()
    assert "10 labels" in terminal.after_screen
    assert [row["class"] for row in home.export()] == list("3141592653")
    assert all(is_gone(pid, PATIENCE) for pid in there.processes)


def test_a_terminal_without_a_name_may_be_mosh_and_keys_wait(far: Callable[..., Far]) -> None:
    assert "keys wait" not in far("digits", round_trip=0).terminal.text
    there = far("digits", "--session", "other", round_trip=0, version="")
    there.terminal.wait_for("keys wait 500 ms")


def colours_in(transcript: str) -> set[str]:
    """Return how colours are named: `2;` of three numbers, `5;` of the palette."""
    return {
        kind
        for kind in ("2;", "5;")
        if any(f"{layer};{kind}" in transcript for layer in ("38", "48"))
    }


def test_200_keys_typed_ahead_never_land_on_an_unseen_image(
    far: Callable[..., Far], home: Home, pictures: Path
) -> None:
    terminal = far(str(pictures), *GALLERY).terminal
    for burst in (1, 2):
        terminal.wait_for(terminal.sees_image)
        terminal.settle(2 * FAR)
        terminal.press(key_for(terminal) * 200)
        terminal.wait_for(rf"\b{burst} label(?s:.*){TYPED_AHEAD.format(199)}")
    terminal.quit()
    assert len(home.export()) == 2
    assert misplaced(home) == []


def test_from_key_to_picture_it_is_one_round_trip(far: Callable[..., Far], home: Home) -> None:
    """The terminal says nothing but the key, and the next picture comes all the same."""
    there = far("digits")
    terminal = there.terminal
    terminal.answer("1")
    terminal.settle(2 * FAR)
    picture = terminal.picture()
    there.link.chunks.clear()
    terminal.answers = False
    terminal.press("2")
    terminal.wait_for(lambda: terminal.saved == 2 and terminal.picture() != picture)
    assert terminal.sees_image()
    assert len(there.link.sizes("up")) == 1, "more was asked than the key"
    terminal.answers = True
    terminal.quit()
    assert [row["class"] for row in home.export()] == ["1", "2"]


def test_ten_keys_in_one_piece_label_their_own_images_in_rows(
    far: Callable[..., Far], home: Home, pictures: Path
) -> None:
    there = far(str(pictures), *GALLERY)
    terminal = there.terminal
    terminal.settle(2 * FAR)
    terminal.press("v")
    terminal.wait_for(lambda: all(level >= 0 for level in levels(terminal)))
    terminal.settle(2 * FAR)
    keys = "".join("1" if level > 128 else "2" for level in levels(terminal))
    assert set(keys) == {"1", "2"}
    terminal.press(keys)
    terminal.wait_for(lambda: terminal.number(LABELS) == 10)
    terminal.settle(2 * FAR)
    terminal.quit()
    assert len(home.export()) == 10
    assert misplaced(home) == []


def levels(terminal: LabellingTerminal) -> list[float]:
    """Return the brightness, 0 to 255, of the middle of each of two rows of five; -1 for none."""
    found = []
    for top in (3, 11):
        for left in range(8, 80, 15):
            cells = terminal.colours(range(left, left + 5), range(top, top + 3))
            values = [int(ground[:2], 16) for *_, ground in cells if ground != "default"]
            found.append(sum(values) / len(values) if values else -1.0)
    return found


def test_a_line_that_breaks_leaves_nothing_behind_and_loses_nothing(
    far: Callable[..., Far], home: Home
) -> None:
    there = far("digits", round_trip=0.05)
    there.terminal.answer("1")
    there.terminal.answer("2")
    there.processes |= {pid for one in there.processes for pid in descendants(one)}
    there.link.cut()
    assert there.terminal.wait_exit() == 255
    assert there.terminal.saved == 2
    assert all(is_gone(pid, PATIENCE) for pid in there.processes)
    assert [row["class"] for row in home.export()] == ["1", "2"]
    assert home.damage() == []
