"""A whole conversation over a pseudo-terminal or pipes, without a trainer; and one with."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from loop_fakes import NoTrainer
from sessions import answer_events, answered

from tuilabel.commands.line import PlainProgress, line_mode
from tuilabel.errors import UsageError
from tuilabel.events.payloads import ORACLE_ORIGIN, Label
from tuilabel.line.channel import GUARD, LineChannel
from tuilabel.line.run import Talk
from tuilabel.session.view import SessionView
from tuilabel.workspace.opening import SourceOptions, Workspace, open_workspace
from tuilabel.workspace.places import session_path

PATIENCE = 60.0
"""Seconds after which a wait that is in vain fails."""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Open digits in a new session, without a trainer behind it."""
    monkeypatch.setattr("tuilabel.line.run.TrainerClient", NoTrainer)
    flags = {"annotator": "me", "cold_start": "random"}
    path = tmp_path / "digits.tuilabel"
    with open_workspace(SourceOptions("digits"), flags, path=path) as opened:
        yield opened


@dataclass
class Person:
    """Sits at the other end of a pseudo-terminal, with a watch of its own."""

    keyboard: int
    program: int
    now: float = 100.0
    seen: str = ""
    _unread: str = field(default="", repr=False)

    is_far: bool = False
    looks: int = 0

    def talk(self, workspace: Workspace) -> Talk:
        channel = LineChannel(self.program, self.program)
        return Talk(workspace, channel, False, lambda: self.now, self.look)

    def look(self) -> bool:
        self.looks += 1
        return self.is_far

    async def sees(self, text: str) -> None:
        """Read until a text comes that has not been looked for before."""
        loop = asyncio.get_running_loop()
        while text not in self._unread:
            came = loop.create_future()
            loop.add_reader(self.keyboard, lambda came=came: came.done() or came.set_result(None))
            try:
                await asyncio.wait_for(came, PATIENCE)
            except TimeoutError:
                raise AssertionError(f"There is no {text!r} in {self._unread!r}.") from None
            finally:
                loop.remove_reader(self.keyboard)
            data = os.read(self.keyboard, 2**16).decode()
            self.seen += data
            self._unread += data
        self._unread = self._unread.partition(text)[2]

    def types(self, keys: str) -> None:
        os.write(self.keyboard, keys.encode())


@pytest.fixture
async def person() -> AsyncIterator[Person]:
    """Return a person with a terminal."""
    person = Person(*os.openpty())
    yield person
    for end in (person.keyboard, person.program):
        os.close(end)


async def test_an_answer_that_comes_with_its_prompt_was_typed_before_it(
    workspace: Workspace, person: Person
) -> None:
    talking = asyncio.create_task(person.talk(workspace).run((), None, 0))
    await person.sees("class? ")
    person.now += GUARD / 2
    person.types("3\n")
    await person.sees("Dropped what was typed before the image.")
    await person.sees("class? ")
    assert answered(workspace.session) == []
    person.now += 1.5
    person.types("4\n")
    await person.sees("Saved: 4.")
    await person.sees("class? ")
    (event,) = answer_events(workspace.session)
    assert isinstance(event.payload, Label)
    assert workspace.session.class_name(event) == "4"
    # Since the image was shown, not since it was asked again.
    assert event.payload.ms == 1500 + GUARD / 2 * 1000
    # What is no answer need not wait.
    person.types("q\n")
    assert await asyncio.wait_for(talking, PATIENCE) == 0
    await person.sees("1 label; saved in")


async def test_what_fails_of_what_others_follow_is_said_once(
    workspace: Workspace, person: Person
) -> None:
    class Feeds:
        def __init__(self) -> None:
            self.texts = ["--mirror has stopped."]

        def news(self) -> list[str]:
            news, self.texts = self.texts, []
            return news

    channel = LineChannel(person.program, person.program)
    feeds: Any = Feeds()
    talk = Talk(workspace, channel, False, lambda: person.now, feeds=feeds)
    talking = asyncio.create_task(talk.run((), None, 0))
    await person.sees("--mirror has stopped.")
    await person.sees("class? ")
    person.now += 1.5
    person.types("4\n")
    await person.sees("class? ")
    person.types("q\n")
    assert await asyncio.wait_for(talking, PATIENCE) == 0
    assert person.seen.count("has stopped") == 1


async def test_what_is_damaged_is_said_before_the_first_prompt(
    workspace: Workspace, person: Person
) -> None:
    (workspace.path / "log" / "x.jsonl").write_bytes(b"?\n")
    workspace.journal.read()
    talking = asyncio.create_task(person.talk(workspace).run((), None, 0))
    await person.sees("incomplete")
    await person.sees("class? ")
    person.types("q\n")
    assert await asyncio.wait_for(talking, PATIENCE) == 0


async def test_where_the_terminal_may_be_far_answers_wait_as_long_as_on_the_screen(
    workspace: Workspace, person: Person
) -> None:
    person.is_far = True
    delay = workspace.settings.key_delay / 1000
    assert delay > GUARD
    talking = asyncio.create_task(person.talk(workspace).run((), None, 0))
    await person.sees("The terminal may be far")
    await person.sees("class? ")
    person.now += (GUARD + delay) / 2
    person.types("3\n")
    await person.sees("Dropped what was typed before the image.")
    await person.sees("class? ")
    # Another terminal takes the screen over: it has another size.
    person.is_far = False
    os.kill(os.getpid(), signal.SIGWINCH)
    while person.looks < 2:
        await asyncio.sleep(0)
    person.now += (GUARD + delay) / 2
    person.types("4\n")
    await person.sees("Saved: 4.")
    await person.sees("class? ")
    person.types("q\n")
    assert await asyncio.wait_for(talking, PATIENCE) == 0
    assert answered(workspace.session) == ["4"]


async def test_what_came_with_an_answer_is_not_taken_for_the_next_image(
    workspace: Workspace, person: Person
) -> None:
    talking = asyncio.create_task(person.talk(workspace).run((), None, 0))
    await person.sees("class? ")
    person.now += 1
    person.types("3\n4\n5")
    await person.sees("Saved: 3.")
    await person.sees("image 2 of 10")
    await person.sees("Dropped what was typed before the image.")
    await person.sees("class? ")
    assert answered(workspace.session) == ["3"]
    person.types("\x04")
    assert await asyncio.wait_for(talking, PATIENCE) == 0


async def test_a_demo_is_taken_over_by_enter(workspace: Workspace, person: Person) -> None:
    talking = asyncio.create_task(person.talk(workspace).run((), 0.1, 200))
    await person.sees("Press Enter to take over.")
    await person.sees("class? ")
    person.types("5\n")
    await person.sees("You take over. What you have typed so far does not count.")
    await person.sees("class? ")
    assert answered(workspace.session) == []
    person.now += 1
    person.types("6\n")
    await person.sees("Saved: 6.")
    await person.sees("class? ")
    (event,) = answer_events(workspace.session)
    assert isinstance(event.payload, Label)
    assert workspace.session.class_name(event) == "6"
    assert (event.payload.origin, event.by) == ("human", "me")
    person.types("q\n")
    assert await asyncio.wait_for(talking, PATIENCE) == 0


async def test_a_demo_without_a_person_labels_its_budget(workspace: Workspace) -> None:
    sink = os.open(os.devnull, os.O_WRONLY)
    source = os.open(os.devnull, os.O_RDONLY)
    try:
        status = await Talk(workspace, LineChannel(source, sink), True).run((), 1000, 8)
    finally:
        os.close(sink)
        os.close(source)
    assert status == 0
    truth = workspace.dataset.truth
    assert truth is not None
    given = answer_events(workspace.session)
    assert len(given) == 8
    for event in given:
        assert isinstance(event.payload, Label)
        row = workspace.dataset.row_of(event.payload.item)
        assert row is not None
        assert workspace.session.class_name(event) == str(truth[row])
        assert event.payload.origin == ORACLE_ORIGIN


def lines_of(*arguments: str, typed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tuilabel", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TERM": "dumb", "LC_ALL": "C.UTF-8"},
    )


def test_a_pipe_labels_in_order_and_its_end_is_the_end() -> None:
    done = lines_of("digits", "--line", "--no-image", typed="7\n3\nx\nu\n:skip\n9")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The input ended within a line; that line does not count." in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 label; saved in ")
    assert all(line.isprintable() and len(line) <= 80 for line in done.stdout.splitlines()[:-1])
    view = SessionView(session_path("digits"))
    name = view.known.classes.name
    labels = [event.payload for event in view.events if isinstance(event.payload, Label)]
    assert [name(label.class_id) for label in labels] == ["7", "3"]
    assert (view.known.labels_held, view.known.skips_held) == (1, 1)
    assert "class? 7\nSaved: 7.\nRound 1, image 2 of 10. 1 label, 1,296 left.\n" in done.stdout


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_a_closed_stream_is_said(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, stream, None)
    with pytest.raises(UsageError, match="is closed, and line mode needs it"):
        line_mode(True, True)


def test_without_a_terminal_line_mode_has_to_be_asked_for() -> None:
    done = lines_of("digits", typed="7\n")
    assert done.returncode == 2
    assert "`tuilabel label --line`" in done.stderr


def test_reading_a_source_is_told_in_whole_lines(capfd: pytest.CaptureFixture[str]) -> None:
    tell = PlainProgress()
    for what in ("reading images", "reducing images"):
        for done in range(0, 101, 10):
            tell(what, done, 100)
    assert capfd.readouterr().err.splitlines() == [
        "reading images: begun",
        "reading images: done",
        "reducing images: begun",
        "reducing images: done",
    ]
