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
from pathlib import Path

from tuilabel.events.payloads import Batch, Begin, Ended, Fitted, Opened, Suggestion, Window
from tuilabel.feeds.mirror import Mirror
from tuilabel.feeds.plan import Plan
from tuilabel.session.view import SessionView

LOOK_SECONDS = 0.25
"""From one look at the logs to the next."""

_CHANGE_NO_LABEL = (Batch, Begin, Ended, Fitted, Opened, Suggestion, Window)


class Follower:
    """Follows a session, and feeds what is to be fed.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        self._view = SessionView(Path(plan.session))
        self._mirror = None if plan.mirror is None else Mirror(plan.mirror, self._view)

    def look(self, *, is_last: bool = False) -> None:
        """Read what was appended since the last look, and pass it on."""
        events = self._view.read_on()
        if self._mirror is not None:
            is_change = any(not isinstance(one.payload, _CHANGE_NO_LABEL) for one in events)
            self._mirror.is_stale |= is_change
            self._mirror.keep(at_once=is_last)

    @property
    def troubles(self) -> dict[str, str]:
        """What is wrong, as a sentence for each option."""
        found = {} if self._mirror is None else {"--mirror": self._mirror.trouble}
        return {option: trouble for option, trouble in found.items() if trouble}


def main() -> None:
    """Follow the session that the plan names until standard input ends."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    line = sys.stdin.buffer.readline()
    if not line:
        return
    follower = Follower(Plan.decode(line))
    reported = None
    is_last = False
    while not is_last:
        is_last = bool(select.select([sys.stdin], [], [], LOOK_SECONDS)[0])
        follower.look(is_last=is_last)
        if (found := follower.troubles) != reported or is_last:
            reported = found
            _report({"troubles": found, "done": is_last})
    os._exit(0)


def _report(what: dict[str, object]) -> None:
    try:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()
    except OSError:  # the process that labelled was killed
        return


if __name__ == "__main__":
    main()
