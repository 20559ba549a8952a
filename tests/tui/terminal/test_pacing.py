"""Who answers for the terminal is found out again when its size changes."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest
from textual.app import App

from tuilabel.settings import resolve
from tuilabel.tui.app.home import HomeApp
from tuilabel.tui.terminal.capabilities import Colours
from tuilabel.tui.terminal.pacing import Terminal
from tuilabel.tui.terminal.probe import TerminalAnswers
from tuilabel.tui.terminal.relays import UNKNOWN
from tuilabel.tui.terminal.round_trips import RoundTrips


@pytest.fixture(autouse=True)
def there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a terminal be there, though nothing draws on it."""
    monkeypatch.setattr(Terminal, "is_there", True)


async def found(terminal: Terminal) -> str:
    """Wait until it is known again what answers, and return that."""
    while terminal.relay == UNKNOWN:
        await asyncio.sleep(0)
    return terminal.relay


async def test_until_it_is_known_who_looks_now_it_is_unknown() -> None:
    go, shown = threading.Event(), []
    relays = iter(["tmux", "tmux", ""])

    def look() -> str:
        go.wait()
        return next(relays)

    terminal: Terminal = Terminal(
        App[None](),
        RoundTrips(),
        key_delay=500,
        look=look,
        on_relay=lambda: shown.append(terminal.words),
    )
    assert terminal.relay == ""
    terminal.size_changed()
    assert terminal.relay == UNKNOWN
    go.set()
    assert await found(terminal) == "tmux"
    assert shown == ["tmux: keys wait 500 ms"]
    terminal.size_changed()
    assert await found(terminal) == "tmux"
    assert len(shown) == 1, "it is no news"
    terminal.size_changed()
    assert await found(terminal) == ""
    assert shown[1:] == [""]


async def test_a_change_of_size_asks_who_looks_and_shows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay, asked = "", []

    def find(environ: object, version: str) -> str:
        assert environ is os.environ
        asked.append(version)
        return relay

    monkeypatch.setattr("tuilabel.tui.app.base.find_relay", find)
    app = HomeApp(resolve({}), Colours(), TerminalAnswers(version="tmux 3.4"))
    changes: list[str] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        monkeypatch.setattr(app.screen, "relay_changed", lambda: changes.append(app.terminal.relay))
        await found(app.terminal)
        before, relay = len(asked), "tmux"
        await pilot.resize_terminal(90, 30)
        assert len(asked) == before + 1
        assert set(asked) == {"tmux 3.4"}
        while not changes:
            await pilot.pause()
    assert changes == ["tmux"]
