"""Who answers for the terminal, by what processes there are."""

from __future__ import annotations

import os

import pytest

from tuilabel.tui.terminal.relays import UNKNOWN, Process, find_relay, holder_of, process_of

HERE = os.getpid()
SHELL = {HERE: Process("python", 2, 7), 2: Process("bash", 3, 7)}
UP = {9: Process("systemd", 0, 0)}

TREES = {
    "a terminal": ("", {3: Process("st", 9, 0)}),
    "a terminal started from another": ("", {3: Process("st", 4, 5), 4: Process("xterm", 9, 0)}),
    "sudo on a terminal": ("", {3: Process("sudo", 4, 5), 4: Process("xterm", 9, 0)}),
    # There may be mosh before it, which answers for the terminal and does not report its name.
    "ssh": (UNKNOWN, {3: Process("sshd", 9, 0)}),
    "newer ssh": (UNKNOWN, {3: Process("sshd-session", 9, 0)}),
    "another ssh": (UNKNOWN, {3: Process("dropbear", 9, 0)}),
    "telnet": (UNKNOWN, {3: Process("in.telnetd", 9, 0)}),
    "a browser": (UNKNOWN, {3: Process("ttyd", 9, 0)}),
    "sudo over ssh": (UNKNOWN, {3: Process("sudo", 4, 5), 4: Process("sshd", 9, 0)}),
    "mosh": ("mosh-server", {3: Process("mosh-server", 9, 0)}),
    "screen": ("screen", {3: Process("screen", 9, 0)}),
    "zellij": ("zellij", {3: Process("zellij", 9, 0)}),
    "tmux and nobody": ("tmux", {3: Process("tmux: server", 9, 0)}),
    "an editor": ("nvim", {3: Process("nvim", 4, 5), 4: Process("xterm", 9, 0)}),
    "sudo in mosh": ("mosh-server", {3: Process("sudo", 4, 5), 4: Process("mosh-server", 9, 0)}),
    "a container": (UNKNOWN, {3: Process("init", 0, 7)}),
    "nothing to be seen": (UNKNOWN, {}),
}


@pytest.mark.parametrize(("relay", "tree"), TREES.values(), ids=TREES)
def test_the_other_end_of_the_terminal_tells(relay: str, tree: dict[int, Process]) -> None:
    process = {**SHELL, **UP, **tree}.get
    assert find_relay({"TERM": "xterm"}, process=process, clients=list) == relay


@pytest.mark.parametrize(
    ("relay", "tree"),
    [
        ("", {3: Process("sshd", 9, 0)}),
        ("", {3: Process("sudo", 4, 5), 4: Process("sshd", 9, 0)}),
        ("", {3: Process("init", 0, 7)}),
        ("", {3: Process("xterm", 4, 5), 4: Process("tmux: server", 9, 0)}),
        ("mosh-server", {3: Process("mosh-server", 9, 0)}),
        ("mosh-server", {3: Process("sudo", 4, 5), 4: Process("mosh-server", 9, 0)}),
        ("nvim", {3: Process("nvim", 4, 5), 4: Process("xterm", 9, 0)}),
        ("tmux", {3: Process("tmux: server", 9, 0)}),
    ],
)
def test_a_name_is_trusted_unless_a_relay_is_before_it(
    relay: str, tree: dict[int, Process]
) -> None:
    process = {**SHELL, **UP, **tree}.get
    assert find_relay({"TERM": "xterm"}, "XTerm(390)", process=process, clients=list) == relay


@pytest.mark.parametrize(
    ("relay", "end"),
    [("", "xterm"), ("tmux", "sshd"), ("tmux", "mosh-server"), ("tmux", "screen"), ("tmux", None)],
)
def test_tmux_is_as_far_as_who_looks_into_it(relay: str, end: str | None) -> None:
    tree = {**SHELL, **UP, 3: Process("tmux: server", 9, 0)}
    tree |= {5: Process("tmux: client", 6, 8), 6: Process("bash", 10, 8)}
    if end is not None:
        tree[10] = Process(end, 9, 0)
    tree |= {11: Process("tmux: client", 12, 14), 12: Process("xterm", 9, 0)}
    environ = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux"}
    assert find_relay(environ, process=tree.get, clients=lambda: [11, 5]) == relay


@pytest.mark.parametrize(
    ("version", "environ", "relay"),
    [
        ("foot(1.20.0)", {"TERM": "foot"}, ""),
        ("XTerm(390)", {"TERM": "xterm", "TMUX": "/tmp/inherited"}, ""),
        ("tmux 3.4", {"TERM": "xterm"}, "tmux"),
        ("", {"TERM": "screen.xterm-256color"}, "screen"),
        ("", {"TERM": "xterm", "ZELLIJ": "0"}, "zellij"),
    ],
)
def test_names_count_where_the_relay_is_on_another_machine(
    version: str, environ: dict[str, str], relay: str
) -> None:
    tree = {**SHELL, **UP, 3: Process("sshd", 9, 0)}
    assert find_relay(environ, version, process=tree.get) == relay


def test_processes_that_are_their_own_ancestors_end_the_search() -> None:
    assert holder_of(1, {1: Process("a", 2, 7), 2: Process("b", 1, 7)}.get) == UNKNOWN


def test_this_process_is_known() -> None:
    own = process_of(HERE)
    assert own is not None
    assert own.parent == os.getppid()
    assert process_of(2**30) is None
