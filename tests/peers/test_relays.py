"""`tuilabel` in mosh, also far away, and in GNU screen: programs that answer for the terminal."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.peers.link import Datagrams, SshServer
from tests.pty.labelling import LABELS, TYPED_AHEAD, Home, LabellingTerminal
from tests.pty.terminal import PATIENCE
from tests.pty.test_guard import key_for, misplaced

Start = Callable[..., LabellingTerminal]

FAR = 0.4
"""Seconds in each direction."""

SAFE = str(int(1000 * (2 * FAR + 0.7)))
"""Milliseconds for keys to wait: a round trip, the pace of mosh's frames, and a busy machine."""


@pytest.fixture
def mosh(start: Start, home: Home) -> Iterator[Callable[..., LabellingTerminal]]:
    """Return a function that starts a command in mosh, at the other end of a line."""
    if shutil.which("mosh-server") is None or shutil.which("mosh-client") is None:
        pytest.skip("no mosh here: install mosh")
    lines: list[Datagrams] = []
    servers: list[int] = []

    def begin(
        command: list[str], *, delay: float = 0.0, size: tuple[int, int] = (80, 24), **more: str
    ) -> LabellingTerminal:
        env = {name: text for name, text in home.env.items() if name != "TUILABEL_KEY_DELAY"}
        done = subprocess.run(
            ["mosh-server", "new", "-i", "127.0.0.1", "-c", "256", "--", *command],
            env={**env, **more, "LANG": "C.UTF-8"},
            cwd=home.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        found = re.search(r"MOSH CONNECT (\d+) (\S+)", done.stdout)
        server = re.search(r"detached, pid = (\d+)", done.stdout + done.stderr)
        assert found is not None
        assert server is not None
        servers.append(int(server[1]))
        lines.append(Datagrams(int(found[1]), delay))
        client = {**env, "MOSH_KEY": found[2], "MOSH_PREDICTION_DISPLAY": "never"}
        command = ["mosh-client", "127.0.0.1", str(lines[-1].port)]
        return start(command=command, env=client, size=size)

    yield begin
    for line in lines:
        line.close()
    for server in servers:
        subprocess.run(["kill", str(server)], check=False, capture_output=True)


def tuilabel(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tuilabel", *arguments]


def one_of_many(terminal: LabellingTerminal) -> None:
    """Press twenty keys at once, until one of them labels: the rest are for an image too new."""
    terminal.wait_for(LABELS)
    while terminal.number(LABELS) == 0:
        terminal.settle(0.6)
        terminal.press("7" * 20)
        terminal.wait_for(TYPED_AHEAD.format(r"\d+"))
        terminal.settle(0.3)
    assert terminal.number(LABELS) == 1


@pytest.fixture
def screen(start: Start, home: Home, tmp_path: Path) -> Iterator[Callable[..., LabellingTerminal]]:
    """Return a function that starts a command in a GNU screen of its own, without altscreen."""
    if shutil.which("screen") is None:
        pytest.skip("no GNU screen here: install screen")
    name = f"tuilabel-{tmp_path.name[:40]}"
    config = tmp_path / "screenrc"
    config.write_text("startup_message off\naltscreen off\ndefutf8 on\n")
    env = {key: text for key, text in home.env.items() if key not in ("STY", "TUILABEL_KEY_DELAY")}

    def begin(command: list[str]) -> LabellingTerminal:
        terminal = start(command=["screen", "-c", str(config), "-S", name, *command], env=env)
        return terminal

    yield begin
    subprocess.run(["screen", "-S", name, "-X", "quit"], env=env, check=False, capture_output=True)


def test_far_away_in_mosh_no_key_labels_an_image_that_was_not_seen(
    mosh: Callable[..., LabellingTerminal], home: Home, pictures: Path
) -> None:
    """Press without pause what the screen shows at that moment; each label fits its image."""
    command = tuilabel(str(pictures), "--classes", "day,night", "--key-delay", SAFE)
    terminal = mosh(command, delay=FAR)
    terminal.wait_for(LABELS)
    terminal.wait_for(terminal.sees_image)
    for _ in range(600):
        if terminal.sees_image():
            terminal.press(key_for(terminal))
        terminal.pump(0.02)
        if terminal.number(LABELS) >= 4:
            break
    terminal.settle(4 * FAR)
    terminal.press("q")
    terminal.wait_exit()
    assert len(home.export()) >= 3
    assert misplaced(home) == []


def test_in_mosh_keys_wait_and_the_screen_and_doctor_say_how_long(
    mosh: Callable[..., LabellingTerminal], home: Home
) -> None:
    terminal = mosh(["sh", "-c", f"{' '.join(tuilabel('digits'))}; exec cat"])
    terminal.wait_for("mosh-server: keys wait 500 ms")
    one_of_many(terminal)
    terminal.press("q")
    terminal.wait_for("saved in")
    assert "round" not in terminal.text, "the prompt is on top of the picture"
    # Long paths take many rows.
    checked = mosh([*tuilabel("doctor")], size=(80, 100))
    checked.wait_for("mosh-server answers in place of")


def test_in_mosh_and_ssh_from_there_keys_wait_as_what_answers_is_unknown(
    mosh: Callable[..., LabellingTerminal], home: Home, ssh_server: SshServer
) -> None:
    names = ("XDG_", "TMPDIR", "LANG", "PYTHONPATH")
    env = {name: value for name, value in home.env.items() if name.startswith(names)}
    terminal = mosh(ssh_server.client(*tuilabel("digits"), env=env))
    terminal.wait_for("keys wait 500 ms")
    one_of_many(terminal)


def test_in_mosh_line_mode_waits_as_well(mosh: Callable[..., LabellingTerminal]) -> None:
    terminal = mosh(tuilabel("digits", "--line", "--no-image"), TUILABEL_KEY_DELAY="10000")
    terminal.wait_for("The terminal may be far: an answer counts only if it comes 10000 ms or more")
    terminal.wait_for(r"class\?")
    terminal.press("7\r")
    terminal.wait_for("Dropped what was typed before the image.")


def test_no_delay_on_request(mosh: Callable[..., LabellingTerminal]) -> None:
    terminal = mosh(tuilabel("digits", "--key-delay", "0"))
    terminal.wait_for(terminal.sees_image)
    terminal.wait_for(LABELS)
    assert "keys wait" not in terminal.text


def test_in_screen_keys_wait_and_nothing_is_left_of_the_picture(
    screen: Callable[..., LabellingTerminal], home: Home
) -> None:
    terminal = screen(["sh", "-c", f"{' '.join(tuilabel('digits'))}; exec cat"])
    terminal.wait_for("screen: keys wait 500 ms")
    one_of_many(terminal)
    terminal.press("q")
    terminal.wait_for("saved in")
    assert "round" not in terminal.text, "the prompt is on top of the picture"
    assert [row["class"] for row in home.export()] == ["7"]
