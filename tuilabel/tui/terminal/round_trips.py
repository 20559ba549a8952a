"""How quick the line to the terminal is, from when the terminal answers.

Behind what is written, the terminal is asked where its cursor is. It works in order, so its answer
says that all of it was painted. The cursor is put on another cell for each question: an answer
names its question, and one that was lost on the way leaves nothing behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import NamedTuple

PATIENCE = 2.0
"""Seconds without an answer after which a terminal that never gave one counts as one that never
will, and after which one that did is asked again; far longer than any round trip on which a person
would label."""

WINDOW = 4096
"""Bytes that may be under way, not yet painted, while another frame is drawn: about what a label
key brings at 80x24. What comes after waits for a free line, and is drawn as it is then."""

SLOW = 150_000
QUICK = 400_000
"""Bytes a second below which a line is slow, and above which a slow one is quick again: at 150 kB/s
a batch of new images takes more than a tenth of a second."""

BACKED_UP = 0.3
"""Seconds for which more than `WINDOW` is always left to take on a slow line."""

NOT_LOOKED = 0.2
"""Seconds between two looks beyond which it is not known what was left in between; a frame that
waits is tried again sooner."""

_FRAME = 500
"""Bytes of a frame from which the rate of the line is told; less says more of the system."""

_KEPT, _ENOUGH = 9, 4
"""Answers that are remembered, and from how many on they are judged."""

_LOST = 64
"""Forgotten questions whose answers may still come."""

NOTICED = 0.01
"""Seconds of a round trip from which it is shown."""


class _Question(NamedTuple):
    number: int
    place: tuple[int, int]
    time: float
    size: int


class RoundTrips:
    """Keeps the open questions, and what the last answers tell about the line.

    It has no clock: every method takes the time in seconds of a monotonic clock.

    Parameters
    ----------
    mode : str
        ``"fast"`` or ``"slow"`` for what is known of the line, ``"auto"`` to find out.
    round_trip : float, optional
        Seconds that an answer has taken already.
    is_owed : bool
        Whether the terminal still owes the answer to a question from before.

    Attributes
    ----------
    has_answered : bool
        Whether the terminal has ever answered.
    slow : bool
        Whether little is to be sent.
    """

    def __init__(
        self, mode: str = "auto", round_trip: float | None = None, *, is_owed: bool = False
    ) -> None:
        self._mode = mode
        self._is_owed = is_owed
        self._lost: deque[tuple[int, int]] = deque(maxlen=_LOST)
        self._open: deque[_Question] = deque()
        self._number = 0
        self._trips: deque[float] = deque(maxlen=_KEPT)
        self._rates: deque[float] = deque(maxlen=_KEPT)
        self._shortest = float("inf")
        self._backed_up_since: float | None = None
        self._looked = 0.0
        self.has_answered = round_trip is not None
        if round_trip is not None:
            self._trips.append(round_trip)
            self._shortest = round_trip
        self.slow = mode == "slow"

    def ask(self, now: float, size: int, columns: int, rows: int) -> tuple[int, str]:
        """Note that so many bytes were written, and that the terminal is asked behind them.

        Parameters
        ----------
        now : float
        size : int
            Bytes written since the last question.
        columns, rows : int
            Of the terminal.

        Returns
        -------
        int
            The number of the question.
        str
            What to write: CUP and DSR 6, "report the cursor position" (ECMA-48).
        """
        cells = max(1, columns * (rows - 1))
        for _ in range(cells):
            self._number += 1
            # Never on the first row: a modified F3 key looks like a report from there.
            row, column = divmod(self._number % cells, columns)
            place = (column, row + 1)
            # A late answer to another question must not look like one to this.
            if place not in self._lost and all(place != asked.place for asked in self._open):
                break
        self._open.append(_Question(self._number, place, now, size))
        return self._number, f"\x1b[{row + 2};{column + 1}H\x1b[6n"

    def answered(self, x: int, y: int, now: float) -> int | None:
        """Note an answer: the cell of the cursor, counted from 0.

        Returns
        -------
        int or None
            The number of the question; all before it are answered as well. None for what answers
            no open question.
        """
        if self._is_owed:
            self._is_owed, self.has_answered = False, True
            return None
        found = next((question for question in self._open if question.place == (x, y)), None)
        if found is None:
            return None
        self.has_answered = True
        size, since = 0, self._open[0].time
        while self._open and self._open[0].number <= found.number:
            size += self._open.popleft().size
        self._learn(now - found.time, size, now - since)
        return found.number

    def _learn(self, trip: float, size: int, under_way: float) -> None:
        """Note an answer: its round trip, and the bytes before it, which were so long under way."""
        self._trips.append(trip)
        if trip < self._shortest:
            # Of the bytes before it nothing is known: they took no longer than none.
            self._shortest = trip
        elif size >= _FRAME:
            self._rates.append(size / max(under_way - self._shortest, 1e-4))
        if self._mode == "auto" and self.rate is not None:
            self.slow = self.rate < (QUICK if self.slow else SLOW)

    @property
    def rate(self) -> float | None:
        """Bytes a second that the terminal takes; None while that is unknown.

        It is the highest of the last few. A terminal that is busy with something else is late now
        and then, whatever was sent; a slow line is never quicker than it is.
        """
        return max(self._rates) if len(self._rates) >= _ENOUGH else None

    def backed_up(self, backlog: int, now: float) -> None:
        """Note how many bytes the line has not taken yet: it need not answer to be found slow."""
        looked, self._looked = self._looked, now
        if backlog <= WINDOW:
            self._backed_up_since = None
        elif self._backed_up_since is None or now - looked > NOT_LOOKED:
            self._backed_up_since = now
        elif self._mode == "auto" and not self.slow and now - self._backed_up_since > BACKED_UP:
            self.slow = True
            # What was measured before the line backed up is no reason to call it quick.
            self._rates.clear()

    def forget(self) -> None:
        """Forget what is open: the terminal has another size, or was another's for a while."""
        self._lost.extend(question.place for question in self._open)
        self._open.clear()

    @property
    def round_trip(self) -> float | None:
        """Seconds that an answer takes, the median of the last few; None before the first."""
        return _median(self._trips) if self._trips else None

    @property
    def words(self) -> str:
        """How quick the line is, where one notices: empty for a terminal that is near."""
        trip = self.round_trip
        if trip is None or (trip < NOTICED and not self.slow):
            return ""
        # In steps, so that the numbers do not change all the time.
        words = f"link {_in_steps(1000 * trip)} ms"
        if not self.slow:
            return words
        rate = self.rate
        return f"slow {words}" + ("" if rate is None else f", {_in_steps(rate / 1000)} kB/s")

    @property
    def measured(self) -> str:
        """What a line was found slow or quick by, as a sentence without a full stop."""
        if self.rate is None:
            return f"The terminal was behind by more than {WINDOW // 1024} kB for {BACKED_UP:g} s"
        return f"The terminal takes {_in_steps(self.rate / 1000):,} kB/s"

    def waits_in_vain(self, now: float) -> bool:
        """Return whether a question is open for longer than answers take."""
        return bool(self._open) and now - self._open[0].time > PATIENCE

    def is_full(self, now: float) -> bool:
        """Return whether the next frame should wait until what was written is painted."""
        if not self.has_answered or self.waits_in_vain(now):
            return False
        return sum(question.size for question in self._open) > WINDOW


def _in_steps(number: float) -> int:
    """Return a number to two digits."""
    step = 10 ** max(0, len(str(round(number))) - 2)
    return int(round(number / step) * step)


def _median(values: Collection[float]) -> float:
    """Return the median. Importing `statistics` would add a millisecond to the start."""
    return sorted(values)[len(values) // 2]
