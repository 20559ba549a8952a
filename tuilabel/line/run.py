"""A conversation over standard input and output, with the trainer's child beside it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from tuilabel.journal import ORACLE
from tuilabel.line.channel import GUARD, LineChannel
from tuilabel.line.conversation import Conversation
from tuilabel.line.picture import ASCII, MOST_COLUMNS, MOST_ROWS, SHADES, Look
from tuilabel.line.wording import WIDTH
from tuilabel.process.signals import ENDING_SIGNALS
from tuilabel.text import inert, source_name
from tuilabel.trainer import TrainerEvent
from tuilabel.trainer.client import TrainerClient
from tuilabel.workspace.opening import Workspace
from tuilabel.workspace.places import cache_dir, log_file

DROPPED = "Typed ahead: dropped. Answer for the image above."

FAREWELL_SECONDS = 0.5
"""How long the last word may take on a terminal that takes nothing."""


def run(
    workspace: Workspace,
    *,
    pictures: bool = True,
    demo: float | None = None,
    demo_budget: int = 0,
    opening: Sequence[str] = (),
) -> int:
    """Label in lines until the person, the end of the input or a signal ends it.

    Parameters
    ----------
    workspace : Workspace
    pictures : bool
        Whether images are drawn.
    demo : float, optional
        Labels per second that the ground truth gives; without it a person labels.
    demo_budget : int
        After how many labels the demo ends.
    opening : sequence of str
        Sentences to begin with.

    Returns
    -------
    int
        The exit status: 0 after `q` and at the end of the input, 128 and more after a signal.
    """
    sys.stdout.flush()
    channel = LineChannel(sys.stdin.fileno(), sys.stdout.fileno(), sys.stdout.encoding)
    return asyncio.run(Talk(workspace, channel, pictures).run(opening, demo, demo_budget))


class Talk:
    """Carries a conversation's lines, its signals, and what the trainer says.

    Parameters
    ----------
    workspace : Workspace
    channel : LineChannel
    pictures : bool
    clock : callable
        A monotonic clock, in seconds.
    """

    def __init__(
        self,
        workspace: Workspace,
        channel: LineChannel,
        pictures: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspace = workspace
        self._channel = channel
        self._clock = clock
        self._link = TrainerClient(
            workspace.dataset,
            cache_dir(),
            log_file(),
            self._trainer_spoke,
            lambda: self._conversation,
        )
        columns, rows = shutil.get_terminal_size((WIDTH, 24))
        self._conversation = Conversation(
            workspace.session,
            workspace.dataset.image,
            self._link.submit,
            workspace.annotator,
            suggestions=workspace.settings.suggestions,
            look=look(workspace, columns, rows),
            pictures=pictures,
            width=min(WIDTH, max(20, columns)),
        )
        self._trainer_runs = False
        self._heard = asyncio.Event()
        self._at_prompt = False
        self._seen_since = clock()
        self._back: asyncio.Task[None] | None = None

    async def run(self, opening: Sequence[str], demo: float | None, budget: int) -> int:
        """Talk until something ends it; give the exit status."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()
        for number in ENDING_SIGNALS:
            loop.add_signal_handler(number, _end, ended, 128 + number)
        loop.add_signal_handler(signal.SIGCONT, self._come_back)
        talking = asyncio.ensure_future(self._talk(opening, demo, budget))
        try:
            either: set[asyncio.Future[Any]] = {talking, ended}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            status = ended.result() if ended.done() else _status(talking)
        finally:
            talking.cancel()
            await asyncio.wait({talking})
            await self._link.stop()
        farewell = ("\n" if self._at_prompt else "") + self._workspace.outcome() + "\n"
        # After a hang-up nobody is there to be told, and the exit status is still to be given.
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._channel.write(farewell), FAREWELL_SECONDS)
        return status

    async def _talk(self, opening: Sequence[str], demo: float | None, budget: int) -> None:
        conversation, dataset = self._conversation, self._workspace.dataset
        lines = conversation.words.say(*opening)
        lines += conversation.opening(source_name(dataset.source), dataset.notices)
        await self._say(lines)
        if demo is not None and not await self._demonstrate(demo, budget):
            return
        while not conversation.over:
            line = await self._answer()
            if line is None:
                if self._channel.cut:
                    await self._say(["", "The input ended within a line, which does not count."])
                    self._at_prompt = False
                return
            since = int((self._clock() - self._seen_since) * 1000)
            await self._say(conversation.hear(line, since if self._channel.typed else None))

    async def _answer(self) -> str | None:
        """Ask until something is typed that was typed for this prompt."""
        await self._say(self._conversation.ask())
        while True:
            await self._channel.drain()
            if self._channel.typed and self._channel.drop_typed():
                await self._say(self._conversation.words.say(DROPPED))
            await self._prompt()
            asked = self._clock()
            line = await self._channel.read_line()
            self._at_prompt = line is None
            if line is None:
                return None
            if not self._channel.typed:
                # Nobody's typing shows where each answer stands, so that it is repeated.
                await self._say([inert(line.strip())])
            elif self._conversation.answers(line) and self._clock() - asked < GUARD:
                await self._say(self._conversation.words.say(DROPPED))
                continue
            return line

    async def _prompt(self) -> None:
        await self._channel.write(self._conversation.prompt)
        self._at_prompt = True
        if self._conversation.image_is_new:
            self._seen_since = self._clock()
        if not self._trainer_runs:
            # The first image waits for nothing.
            self._trainer_runs = True
            self._link.start()
        self._conversation.asked()

    async def _say(self, lines: Sequence[str]) -> None:
        if lines:
            await self._channel.write("\n".join(lines) + "\n")

    def _come_back(self) -> None:
        """Show the prompt once more when the program goes on after Ctrl-Z."""
        if self._at_prompt:
            self._back = asyncio.ensure_future(self._channel.write(self._conversation.prompt))

    def _trainer_spoke(self, event: TrainerEvent) -> None:
        self._link.handle(event)
        self._heard.set()

    # The demo.

    async def _demonstrate(self, rate: float, budget: int) -> bool:
        """Let the ground truth answer; tell whether a person takes over."""
        dataset, session = self._workspace.dataset, self._workspace.session
        conversation = self._conversation
        assert dataset.truth is not None
        conversation.by = ORACLE
        typed = None
        if self._channel.typed:
            typed = asyncio.ensure_future(self._channel.read_line())
            await self._say(["The ground truth answers; Enter takes over."])
        try:
            while session.labels < budget and session.current is not None:
                await self._say(conversation.ask())
                await self._prompt()
                if await _first(typed, asyncio.sleep(1 / rate)):
                    break
                truth = int(dataset.truth[session.current.row])
                await self._channel.write(f"{conversation.words.name(truth)}\n")
                self._at_prompt = False
                await self._say(conversation.label(truth))
            while conversation.busy and not (typed and typed.done()):
                self._heard.clear()
                await _first(typed, self._heard.wait())
            if typed is None or not typed.done() or typed.result() is None:
                await self._say(conversation.news())
                return False
        finally:
            if typed is not None:
                typed.cancel()
        conversation.by = self._workspace.annotator
        self._at_prompt = False
        conversation.image_is_new = True
        await self._say(["You take over; what you typed until now is no answer."])
        return True


async def _first(
    typed: asyncio.Future[str | None] | None, other: Coroutine[Any, Any, object]
) -> bool:
    """Wait for the first of two; tell whether it was what is typed."""
    waiting = asyncio.ensure_future(other)
    try:
        either: set[asyncio.Future[Any]] = {waiting} if typed is None else {typed, waiting}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    return typed is not None and typed.done()


def _end(ended: asyncio.Future[int], status: int) -> None:
    if not ended.done():
        ended.set_result(status)


def _status(talking: asyncio.Future[None]) -> int:
    """Give the exit status of a conversation that ended by itself."""
    try:
        talking.result()
    except OSError as error:
        # Nobody reads it any more: a pipe that was closed, or a terminal that is gone.
        if error.errno == errno.EPIPE:
            return 128 + signal.SIGPIPE
        if error.errno in (errno.EIO, errno.ENXIO, errno.ENOTTY, errno.EBADF):
            return 128 + signal.SIGHUP
        raise
    return 0


def look(
    workspace: Workspace,
    columns: int,
    rows: int,
    *,
    environ: Mapping[str, str] = os.environ,
    encoding: str | None = None,
) -> Look:
    """Decide how images are drawn: shades where the terminal surely has them, else ASCII.

    Parameters
    ----------
    workspace : Workspace
    columns, rows : int
        Of the terminal; the picture is to leave room for what is said of it.
    environ : mapping
    encoding : str, optional
        Of the text that is written; by default standard output's.
    """
    settings = workspace.settings
    locale = next((environ[n] for n in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(n)), "")
    encoded = sys.stdout.encoding if encoding is None else encoding
    shades = "utf8" in locale.lower().replace("-", "") and encoded.lower() in ("utf-8", "utf8")
    if settings.blocks == "auto":
        shades = shades and environ.get("TERM", "") not in ("", "dumb", "unknown")
    else:
        shades = settings.blocks != "ascii"
    ramp = SHADES if shades else ASCII
    drawn = Look(min(MOST_COLUMNS, columns - 1), min(MOST_ROWS, max(4, rows - 4)), ramp)
    return drawn.inverted() if settings.background == "light" else drawn
