"""The process of feeds: ``python -P -m tuilabel.feeds.child``.

It reads its plan from its standard input, follows the logs of the session as any other reader, and
reports on its standard output. When its input ends, labelling has ended, in order or not: it reads
the logs once more, writes what is due, and ends.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from pathlib import Path

from tuilabel.events.lines import Event, order_of
from tuilabel.events.payloads import Batch, Begin, Ended, Fitted, Opened, Suggestion, Window
from tuilabel.feeds.changes import lines_of
from tuilabel.feeds.mirror import Mirror
from tuilabel.feeds.outlets import Fifo, Outlet, Program
from tuilabel.feeds.plan import Plan
from tuilabel.journal.reader import Reader, split_place
from tuilabel.session.view import SessionView
from tuilabel.workspace.places import log_file

LOOK_SECONDS = 0.25
"""From one look at the logs to the next."""

AT_ONCE_SECONDS, LINGER_SECONDS = 0.5, 60.0
"""For lines that are still to be read at the end: until the end is reported, and after that."""

_CHANGE_NO_LABEL = (Batch, Begin, Ended, Fitted, Opened, Suggestion, Window)


class Follower:
    """Follows a session, and feeds what is to be fed.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._outlets: list[Outlet] = []
        if plan.stream is not None:
            self._outlets.append(Fifo(Path(plan.stream), plan.descriptor))
        elif plan.descriptor is not None:
            self._outlets.append(Outlet(plan.descriptor))
        if plan.command is not None:
            log_path = log_file().with_name("on-label.log")
            self._outlets.append(Program(plan.command, log_path))
        for outlet in self._outlets:
            outlet.start()
        self._first: dict[str, Event] = {}
        note = self._note if self._outlets else None
        self._view = SessionView(Path(plan.session), note)
        self._mirror = None if plan.mirror is None else Mirror(plan.mirror, self._view)

    def _note(self, reader: Reader, event: Event) -> None:
        """Keep an event that was written since labelling began."""
        index, offset = split_place(event.place)
        if offset >= self._plan.read.get(reader.files()[index].path.name, 0):
            self._first.setdefault(event.id, event)

    def look(self, *, is_last: bool = False) -> None:
        """Read what was appended since the last look, and pass it on."""
        events = self._view.read_on()
        if self._outlets:
            new = sorted((*self._first.values(), *events), key=order_of)
            self._first = {}
            lines = [*lines_of(new, self._view)]
            for outlet in self._outlets:
                outlet.put(lines)
        if self._mirror is not None:
            is_change = any(not isinstance(one.payload, _CHANGE_NO_LABEL) for one in events)
            self._mirror.is_stale |= is_change
            self._mirror.keep(at_once=is_last)
        if is_last:
            for outlet in self._outlets:
                outlet.end()

    def linger(self, seconds: float) -> None:
        """Wait until all lines are read, but no longer than so many seconds."""
        end = time.monotonic() + seconds
        for outlet in self._outlets:
            outlet.join(max(0.0, end - time.monotonic()))

    @property
    def troubles(self) -> dict[str, str]:
        """What is wrong, as a sentence to follow the name of each option."""
        found = {} if self._mirror is None else {"--mirror": self._mirror.trouble}
        found |= {outlet.name: outlet.trouble for outlet in self._outlets}
        return {option: trouble for option, trouble in found.items() if trouble}


def main() -> None:
    """Follow the session that the plan names until standard input ends."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    line = sys.stdin.buffer.readline()
    if not line:
        return
    follower = Follower(Plan.decode(line))
    reported: dict[str, str] = {}
    is_last = False
    while not is_last:
        is_last = bool(select.select([sys.stdin], [], [], LOOK_SECONDS)[0])
        follower.look(is_last=is_last)
        if is_last:
            follower.linger(AT_ONCE_SECONDS)
        if (found := follower.troubles) != reported or is_last:
            reported = found
            _report({"troubles": found, "done": is_last})
    follower.linger(LINGER_SECONDS)
    # A reader that does not read keeps a thread.
    os._exit(0)


def _report(what: dict[str, object]) -> None:
    try:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()
    except OSError:  # the process that labelled was killed
        return


if __name__ == "__main__":
    main()
