"""A conversation in lines of text, with the trainer as a child process."""

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
from functools import partial
from typing import TYPE_CHECKING, Any

from tuilabel.line.channel import GUARD, LineChannel
from tuilabel.line.conversation import Conversation
from tuilabel.line.picture import ASCII, MOST_COLUMNS, MOST_ROWS, SHADES, Look
from tuilabel.line.wording import WIDTH
from tuilabel.process.signals import ENDING_SIGNALS
from tuilabel.session import ORACLE
from tuilabel.text import inert, source_name
from tuilabel.trainer.client import TrainerClient
from tuilabel.workspace.cache import bound_beside
from tuilabel.workspace.checking import damage_text
from tuilabel.workspace.guidelines import read_guidelines
from tuilabel.workspace.opening import Workspace
from tuilabel.workspace.places import cache_dir, log_file
from tuilabel.workspace.rest import plan_check

if TYPE_CHECKING:
    from tuilabel.feeds.parent import Feeds
    from tuilabel.trainer.runner import TrainerEvent

DROPPED = "Dropped what was typed before the image. Answer for the image above."

FAREWELL_SECONDS = 0.5
"""Longest time for the last line on a terminal that does not read."""


def run(
    workspace: Workspace,
    descriptors: tuple[int, int],
    *,
    pictures: bool = True,
    demo: float | None = None,
    demo_budget: int = 0,
    opening: Sequence[str] = (),
    is_far: Callable[[], bool] = bool,
    feeds: Feeds | None = None,
) -> int:
    """Label in lines of text until the annotator, the end of the input or a signal ends it.

    Parameters
    ----------
    workspace : Workspace
    descriptors : tuple of int
        What answers are read from, and what lines are written to.
    pictures : bool
        Whether images are drawn.
    demo : float, optional
        Labels per second from the ground truth; without it an annotator labels.
    demo_budget : int
        Number of labels after which the demo ends.
    opening : sequence of str
        Sentences at the start.
    is_far : callable
        Returns whether the terminal may be far.
    feeds : Feeds, optional
        What others follow meanwhile.

    Returns
    -------
    int
        The exit status: 0 after `q` or at the end of the input, 128 or more after a signal.
    """
    sys.stdout.flush()
    channel = LineChannel(*descriptors, sys.stdout.encoding)
    talk = Talk(workspace, channel, pictures, is_far=is_far, feeds=feeds)
    return asyncio.run(talk.run(opening, demo, demo_budget))


class Talk:
    """Runs a conversation: its lines, signals and the trainer.

    Parameters
    ----------
    workspace : Workspace
    channel : LineChannel
    pictures : bool
    clock : callable
        A monotonic clock, in seconds.
    is_far, feeds
        As for `run`.
    """

    def __init__(
        self,
        workspace: Workspace,
        channel: LineChannel,
        pictures: bool,
        clock: Callable[[], float] = time.monotonic,
        is_far: Callable[[], bool] = bool,
        feeds: Feeds | None = None,
    ) -> None:
        self._workspace = workspace
        self._feeds = feeds
        self._channel = channel
        self._clock = clock
        self._is_far = is_far
        self._guard = GUARD
        self._trainer = TrainerClient(
            workspace.dataset,
            cache_dir(),
            log_file(),
            self._handle_trainer,
            lambda: self._conversation,
        )
        columns, rows = shutil.get_terminal_size((WIDTH, 24))
        guidelines = workspace.settings.guidelines
        self._conversation = Conversation(
            workspace.session,
            workspace.dataset.image,
            self._trainer.submit,
            workspace.annotator,
            suggestions=workspace.settings.suggestions,
            look=look(workspace, columns, rows),
            pictures=pictures,
            width=min(WIDTH, max(20, columns)),
            guidelines=partial(read_guidelines, guidelines) if guidelines else None,
            plan=partial(plan_check, workspace),
        )
        self._trainer_runs = False
        self._trainer_came = asyncio.Event()
        self._at_prompt = False
        self._seen_since = clock()
        self._back: asyncio.Task[None] | None = None

    async def run(self, opening: Sequence[str], demo: float | None, budget: int) -> int:
        """Label until something ends it, and return the exit status."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()
        for number in ENDING_SIGNALS:
            loop.add_signal_handler(number, _end, ended, 128 + number)
        loop.add_signal_handler(signal.SIGCONT, self._come_back)
        if self._channel.typed:
            # Another size may be that of another terminal, which has taken over tmux or screen.
            loop.add_signal_handler(signal.SIGWINCH, self._measure)
            opening = [*opening, *self._measure()]
        talking = asyncio.ensure_future(self._talk(opening, demo, budget))
        try:
            either: set[asyncio.Future[Any]] = {talking, ended}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            status = ended.result() if ended.done() else _status(talking)
        finally:
            talking.cancel()
            await asyncio.wait({talking})
            await self._trainer.stop()
        farewell = ("\n" if self._at_prompt else "") + self._workspace.outcome() + "\n"
        # After a hang-up nobody reads it; the exit status is returned all the same.
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._channel.write(farewell), FAREWELL_SECONDS)
        return status

    def _measure(self) -> list[str]:
        """Decide how long answers wait, and return the sentence about it, if there is one."""
        delay = self._workspace.settings.key_delay
        self._guard = max(GUARD, delay / 1000) if self._is_far() else GUARD
        if self._guard == GUARD:
            return []
        return [
            f"The terminal may be far: an answer counts only if it comes {delay} ms or more after "
            "its prompt (--key-delay)."
        ]

    async def _talk(self, opening: Sequence[str], demo: float | None, budget: int) -> None:
        conversation, dataset = self._conversation, self._workspace.dataset
        lines = conversation.words.say(*opening)
        damage = damage_text(self._workspace.path, self._workspace.journal.problems)
        notices = [*filter(None, [damage]), *dataset.notices]
        lines += conversation.opening(source_name(dataset.source), notices)
        await self._say(lines)
        if demo is not None and not await self._demonstrate(demo, budget):
            return
        while not conversation.over:
            line = await self._answer()
            if line is None:
                if self._channel.cut:
                    await self._say(
                        ["", "The input ended within a line; that line does not count."]
                    )
                    self._at_prompt = False
                return
            since = int((self._clock() - self._seen_since) * 1000)
            await self._say(conversation.handle(line, since if self._channel.typed else None))

    async def _answer(self) -> str | None:
        """Return the next line that was typed for this prompt."""
        news = [] if self._feeds is None else self._feeds.news()
        await self._say([*self._conversation.words.say(*news), *self._conversation.ask()])
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
                # Input from a pipe is not on the screen, so it is repeated there.
                await self._say([inert(line.strip())])
            elif self._conversation.answers(line) and self._clock() - asked < self._guard:
                await self._say(self._conversation.words.say(DROPPED))
                continue
            return line

    async def _prompt(self) -> None:
        await self._channel.write(self._conversation.prompt)
        self._at_prompt = True
        if self._conversation.image_is_new:
            self._seen_since = self._clock()
        if not self._trainer_runs:
            # The first image does not wait for the trainer.
            self._trainer_runs = True
            self._trainer.start()
            bound_beside(self._workspace.settings.cache_size)
        self._conversation.asked()

    async def _say(self, lines: Sequence[str]) -> None:
        if lines:
            await self._channel.write("\n".join(lines) + "\n")

    def _come_back(self) -> None:
        """Show the prompt again when the program continues after Ctrl-Z."""
        if self._at_prompt:
            self._back = asyncio.ensure_future(self._channel.write(self._conversation.prompt))

    def _handle_trainer(self, event: TrainerEvent) -> None:
        self._trainer.handle(event)
        self._trainer_came.set()

    # The demo.

    async def _demonstrate(self, rate: float, budget: int) -> bool:
        """Answer with the ground truth; return whether an annotator takes over."""
        dataset, session = self._workspace.dataset, self._workspace.session
        conversation = self._conversation
        assert dataset.truth is not None
        conversation.by = ORACLE
        typed = None
        if self._channel.typed:
            typed = asyncio.ensure_future(self._channel.read_line())
            await self._say(["The ground truth answers. Press Enter to take over."])
        try:
            while session.labels < budget and session.current is not None:
                await self._say(conversation.ask())
                await self._prompt()
                if await _first(typed, asyncio.sleep(1 / rate)):
                    break
                truth = session.classes.of_truth(int(dataset.truth[session.current.row]))
                await self._channel.write(f"{inert(session.classes.names[truth], 40)}\n")
                self._at_prompt = False
                await self._say(conversation.label(truth))
            while conversation.busy and not (typed and typed.done()):
                self._trainer_came.clear()
                await _first(typed, self._trainer_came.wait())
            if typed is None or not typed.done() or typed.result() is None:
                await self._say(conversation.news())
                return False
        finally:
            if typed is not None:
                typed.cancel()
        conversation.by = self._workspace.annotator
        self._at_prompt = False
        conversation.image_is_new = True
        await self._say(["You take over. What you have typed so far does not count."])
        return True


async def _first(
    typed: asyncio.Future[str | None] | None, other: Coroutine[Any, Any, object]
) -> bool:
    """Wait for the first of two; return whether it was the typed line."""
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
    """Return the exit status of a conversation that no signal ended."""
    try:
        talking.result()
    except OSError as error:
        # Nothing reads the output any more: the pipe was closed, or the terminal is gone.
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
    """Return how images are drawn: with shades if the terminal has them, otherwise in ASCII.

    Parameters
    ----------
    workspace : Workspace
    columns, rows : int
        The size of the terminal; the picture leaves room for the lines about it.
    environ : mapping
    encoding : str, optional
        The encoding of the output; by default that of standard output.
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
