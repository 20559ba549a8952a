"""Annotators on two sshfs mounts of one folder, each with a server and a line of its own.

`TUILABEL_STILL=20 pytest tests/peers/test_sshfs.py` makes the server stand still for longer.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.faults.preload import ImpossibleError
from tests.faults.sshfs import Mount
from tests.peers.link import why_no_ssh
from tests.pty.labelling import NOT_SAVED, TYPED_AHEAD, UNBOUND_KEY, Home, LabellingTerminal
from tuilabel.cli import main
from tuilabel.data.file_cache import FileCache
from tuilabel.events.lines import Event
from tuilabel.events.payloads import Label
from tuilabel.session.view import SessionView

STILL_SECONDS = float(os.environ.get("TUILABEL_STILL", "2"))
"""Seconds for which the server of a mount does not answer."""

LONG = pytest.mark.skipif("TUILABEL_STILL" not in os.environ, reason="TUILABEL_STILL is not set")

SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")

SAVING = r"saving… (\d+) s"
A_MESSAGE = "F8: [0-9]+ message"
NOT_CONFIRMED = r"Not confirmed: the label of"
START = ("digits", "--model", "softmax")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Mount]]]:
    """Give a folder and two mounts of it."""
    reason = why_no_ssh() or (None if shutil.which("sshfs") else "there is no sshfs")
    if reason is not None:
        pytest.skip(reason)
    real, mounts = tmp_path_factory.mktemp("real"), []
    try:
        for _ in range(2):
            mounts.append(Mount(real, tmp_path_factory.mktemp("mount")))
        yield real, mounts
    except ImpossibleError as error:
        pytest.skip(str(error))
    finally:
        for mount in mounts:
            mount.close()


@pytest.fixture
def label_at(tmp_path: Path) -> Iterator[Callable[[Path, str], LabellingTerminal]]:
    """Give a function that labels a session on a terminal, at a home of the annotator's own."""
    started: list[LabellingTerminal] = []

    def start(session: Path, name: str) -> LabellingTerminal:
        (tmp_path / name).mkdir()
        home = Home.under(tmp_path / name)
        home.never_fit()
        words = ("-m", "tuilabel", *START, "--session", str(session), "--annotator", name)
        terminal = LabellingTerminal(
            [sys.executable, *words],
            env={**home.env, "TUILABEL_LINK": "fast"},
            cwd=home.path,
            size=(100, 30),
        )
        started.append(terminal)
        return terminal

    yield start
    for terminal in started:
        terminal.close()


def press_until(terminal: LabellingTerminal, key: str, said: str) -> float:
    """Press a key again until something is said; return how long the last key took.

    A key that came before its image, or whose answer is not saved, may be pressed again.
    """
    again = rf"{NOT_SAVED}|{TYPED_AHEAD.format('[0-9]+')}"
    while True:
        pressed = time.monotonic()
        terminal.press(key)
        terminal.wait_for(rf"{said}|{again}|{A_MESSAGE}")
        while not re.search(rf"{said}|{again}", terminal.text):
            # A file that cannot be read is reported in place of the number of answers.
            terminal.press(UNBOUND_KEY)
            terminal.wait_for(lambda: not re.search(A_MESSAGE, terminal.text))
            terminal.wait_for(rf"{said}|{again}|{A_MESSAGE}")
        if re.search(said, terminal.text):
            return time.monotonic() - pressed
        # The sentence goes with the next key, so that it is not read twice.
        terminal.press(UNBOUND_KEY)
        terminal.wait_for(lambda: not re.search(again, terminal.text))


def answer(terminal: LabellingTerminal, key: str, number: int) -> None:
    """Give the n-th answer."""
    press_until(terminal, key, rf"✓ {number} saved")


def labels(session: Path) -> list[Event]:
    return [event for event in SessionView(session).events if isinstance(event.payload, Label)]


@pytest.mark.parametrize("way", ["q", *(pytest.param(name, marks=LONG) for name in SIGNALS)])
def test_two_annotators_label_through_a_server_that_stops_and_a_line_that_is_cut(
    shared: tuple[Path, list[Mount]],
    label_at: Callable[[Path, str], LabellingTerminal],
    way: str,
) -> None:
    real, (first, second) = shared
    name = f"two-{way}.tuilabel"
    anna = label_at(first.path / name, "anna")
    anna.wait_ready()
    bob = label_at(second.path / name, "bob")
    bob.wait_ready()
    for number, key in enumerate("123", 1):
        answer(anna, key, number)
        answer(bob, key, number)

    with first.stopped():
        began = time.monotonic()
        assert press_until(anna, "4", SAVING) < 1.0, "it says so within a second"
        anna.press("567")
        anna.wait_for(r"3 keys held back: the disk does not answer")
        answer(bob, "4", 4)
        anna.press("?")
        anna.wait_for("Show the keys and classes")
        anna.press("\x1b")
        anna.wait_for(SAVING)
        anna.pump(max(0.0, began + STILL_SECONDS - time.monotonic()))
    anna.wait_for("✓ 4 saved")

    first.link.cut()
    for number, key in enumerate("89", 5):
        answer(anna, key, number)
        answer(bob, key, number)
    bob.quit()
    _leave(anna, first, way)
    found = labels(real / name)
    given = Counter(event.by for event in found)
    assert (given["anna"] in (6, 7), given["bob"]) == (True, 6), "the last may have been saved"
    items = Counter((event.by, event.payload.item) for event in found)
    assert max(items.values()) == 1, "no key is two events"


def _leave(terminal: LabellingTerminal, mount: Mount, way: str) -> None:
    """Leave while the server stands still."""
    with mount.stopped():
        press_until(terminal, "2", SAVING)
        left = time.monotonic()
        if way == "q":
            terminal.press("q")
        else:
            terminal.send_signal(signal.Signals[way])
        terminal.wait_for(NOT_CONFIRMED)
        assert time.monotonic() - left < 1.0, "it is left within a second"
        terminal.wait_for("labels; saved in")
        assert terminal.left_behind() == []
    # The kernel keeps a process until a request that was sent is answered.
    assert terminal.wait_exit() == (1 if way == "q" else 128 + signal.Signals[way])


def test_of_three_who_label_through_two_mounts_one_is_killed_and_one_cut_off(
    shared: tuple[Path, list[Mount]], label_at: Callable[[Path, str], LabellingTerminal]
) -> None:
    real, (first, second) = shared
    name = "three.tuilabel"
    anna, bob, carl = terminals = [
        label_at(mount.path / name, by)
        for mount, by in ((first, "anna"), (first, "bob"), (second, "carl"))
    ]
    for terminal in terminals:
        terminal.wait_ready()
    for number, key in enumerate("123", 1):
        for terminal in terminals:
            answer(terminal, key, number)
    carl.press("4")
    carl.send_signal(signal.SIGKILL)
    first.link.cut()
    for number, key in enumerate("567", 4):
        for terminal in (anna, bob):
            answer(terminal, key, number)
    for terminal in (anna, bob):
        terminal.quit()
    assert carl.wait_exit() == -signal.SIGKILL
    found = labels(real / name)
    given = Counter(event.by for event in found)
    assert (given["anna"], given["bob"]) == (6, 6), "what was saved is there, and no key is two"
    assert given["carl"] in (3, 4), "the last may have been saved"
    items = Counter((event.by, event.payload.item) for event in found)
    assert max(items.values()) == 1
    checked = CliRunner().invoke(main, ["check", str(real / name)])
    assert checked.exit_code == 0, checked.output
    assert "Nothing is damaged or missing." in checked.output


def test_the_cache_of_a_home_on_sshfs_is_local(
    shared: tuple[Path, list[Mount]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (mount, _) = shared
    monkeypatch.setenv("XDG_CACHE_HOME", str(mount.path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    own = tmp_path / f"tuilabel-{os.getuid()}"
    lines = CliRunner().invoke(main, ["doctor"]).stdout.splitlines()
    assert any(f"(fuse.sshfs), which has no reliable locks: {own} is used" in one for one in lines)
    assert CliRunner().invoke(main, ["cache"]).stdout.startswith(f"path          {own}/host-")
    cache = FileCache(mount.path / "cache", "name", "v1")
    assert "it is on fuse.sshfs" in (cache.problem or "")
    cache.close()
    assert not (mount.path / "cache").exists()
