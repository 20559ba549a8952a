"""A write-ahead log, read without SQLite: also what lies behind a damaged place in it.

SQLite reads a log from its beginning to the first frame that is not whole, and takes all behind
that for what a power cut has left of one last transaction. Where a disk has damaged a frame in the
middle, whole transactions lie behind it, and the next one would be written over them. The format
is that of https://sqlite.org/fileformat2.html#the_write_ahead_log.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tuilabel.journal.pages import DEFAULT_PAGE_SIZE, LOG_MAGIC, event_rows, page_size_of

if TYPE_CHECKING:
    import numpy as np

HEADER_SIZE = 32
FRAME_HEADER_SIZE = 24

Data = bytes | bytearray


class Frame(NamedTuple):
    """A page in a log.

    Attributes
    ----------
    page : int
        Its number, counted from 1.
    start : int
        Where its content begins in the log.
    sound : bool
        Whether its checksum is right.
    """

    page: int
    start: int
    sound: bool


class Hidden(NamedTuple):
    """Frames of committed transactions of one round of the log that SQLite does not see.

    Attributes
    ----------
    frames : tuple of Frame
    commits : int
        How many transactions end among them.
    """

    frames: tuple[Frame, ...]
    commits: int


@dataclass(frozen=True)
class Log:
    """What a write-ahead log holds.

    Attributes
    ----------
    page_size : int
    header_sound : bool
    frames : tuple of Frame
        Those of transactions that were committed, in the order of the file.
    hidden : tuple of Hidden
        Those of them that SQLite does not see, round by round: left from before the log was
        begun anew, and then in the file already, or behind something damaged.
    """

    page_size: int
    header_sound: bool
    frames: tuple[Frame, ...]
    hidden: tuple[Hidden, ...]


def log_path(path: Path) -> Path:
    """Give the log that belongs to a session file."""
    real = path.resolve()
    return real.with_name(real.name + "-wal")


def cut_off(path: Path) -> set[str]:
    """Name the events that are in a session's log, but where SQLite does not look for them.

    What a power cut has left of the last transaction is none of them: that was never said to be
    saved. Events that are in the file itself as well may be among them.

    Parameters
    ----------
    path : Path
        The session file.

    Returns
    -------
    set of str
        Their uuids.

    Raises
    ------
    OSError
        The log cannot be read.
    """
    try:
        data = log_path(path).read_bytes()
    except FileNotFoundError:
        return set()
    log = read_log(data, DEFAULT_PAGE_SIZE)
    # Each transaction is on disk before the next begins, so that a power cut spoils only one; and
    # the header is on disk before any.
    spoilt = 1 if log.header_sound else 0
    found: set[str] = set()
    for hidden in log.hidden:
        if hidden.commits > spoilt:
            for frame in hidden.frames:
                if frame.sound:
                    page = data[frame.start : frame.start + log.page_size]
                    found.update(str(row[1]) for row in event_rows(page, lambda _: None))
    return found


def read_log(data: Data, page_size: int) -> Log:
    """Find the frames of committed transactions in a write-ahead log.

    Each frame has the two salts of its round and a checksum that goes on from the one before it,
    so that a frame can be checked wherever the header of the one before it is whole: also behind
    a damaged one.

    Parameters
    ----------
    data : bytes
        The log's content, all of it.
    page_size : int
        Of the file that it belongs to, where its own header is gone.
    """
    import numpy as np

    size = page_size_of(data) or page_size
    step = FRAME_HEADER_SIZE + size
    count = max(0, len(data) - HEADER_SIZE) // step
    if not count:
        return Log(size, True, (), ())
    raw = np.frombuffer(data, np.uint8, count * step, HEADER_SIZE).reshape(count, step)
    header = np.frombuffer(data, ">u4", HEADER_SIZE // 4).astype(np.uint32)
    heads = raw[:, :FRAME_HEADER_SIZE].copy().view(">u4").astype(np.uint32)
    salts, checksums, commits = heads[:, 2:4], heads[:, 4:6], heads[:, 1] != 0
    before = np.vstack([header[6:8], checksums[:-1]])
    magic = int(header[0])
    order = "><"[magic & 1 == 0] if magic & ~1 == LOG_MAGIC else "><"[sys.byteorder == "little"]
    sound = (_checksums(raw, before, order + "u4") == checksums).all(axis=1)
    header_sound = page_size_of(data) is not None and _header_checksum(
        data[:24], order + "u4"
    ) == tuple(header[6:8].tolist())
    own = header_sound & (salts == header[4:6]).all(axis=1)

    # SQLite reads from the first frame on while each goes on from the one before.
    seen_commits = np.flatnonzero((np.cumsum(~(own & sound)) == 0) & commits)
    seen = int(seen_commits[-1]) + 1 if len(seen_commits) else 0
    frames: list[Frame] = []
    hidden: list[Hidden] = []
    # One round of the log after the other: a frame is committed if one behind it, of its own
    # round, is sound and ends a transaction.
    starts = np.flatnonzero(np.r_[True, (salts[1:] != salts[:-1]).any(axis=1)]).tolist()
    for start, end in zip(starts, [*starts[1:], count], strict=True):
        ends = np.flatnonzero(sound[start:end] & commits[start:end])
        if not len(ends):
            continue
        last = start + int(ends[-1]) + 1
        found = [
            Frame(int(heads[n, 0]), HEADER_SIZE + n * step + FRAME_HEADER_SIZE, bool(sound[n]))
            for n in range(start, last)
        ]
        frames += found
        first = max(seen, start)
        if first < last:
            hidden.append(Hidden(tuple(found[first - start :]), int(commits[first:last].sum())))
    return Log(size, header_sound, tuple(frames), tuple(hidden))


def _checksums(raw: np.ndarray, before: np.ndarray, order: str) -> np.ndarray:
    """Compute the checksum of every frame, from the one that is written down before it.

    Over words x0, x1, x2, ...: ``s1 += x0 + s2; s2 += x1 + s1`` and so on, modulo 2**32. That is
    linear, so that each word has a factor of its own, and many frames are done at once.
    """
    import numpy as np

    pairs = (8 + raw.shape[1] - FRAME_HEADER_SIZE) // 8
    factors = np.empty((2, 2 * pairs), np.uint32)
    # What a unit of s1 and one of s2 have become by the end, from the last pair to the first.
    of_s1, of_s2 = (1, 0), (0, 1)
    for pair in range(pairs - 1, -1, -1):
        of_first = _sum(of_s1, of_s2)
        factors[:, 2 * pair], factors[:, 2 * pair + 1] = of_first, of_s2
        of_s1, of_s2 = of_first, _sum(of_first, of_s2)
    start = np.array([of_s1, of_s2], np.uint32)
    found = np.empty((len(raw), 2), np.uint32)
    for index in range(0, len(raw), 256):
        rows = slice(index, index + 256)
        covered = np.hstack([raw[rows, :8], raw[rows, FRAME_HEADER_SIZE:]])
        words = np.ascontiguousarray(covered).view(order).astype(np.uint32)
        for side in (0, 1):
            of_words = (words * factors[side]).sum(axis=1, dtype=np.uint32)
            of_start = (before[rows] * start[:, side]).sum(axis=1, dtype=np.uint32)
            found[rows, side] = of_words + of_start
    return found


def _sum(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    return (first[0] + second[0]) % 2**32, (first[1] + second[1]) % 2**32


def _header_checksum(head: Data, order: str) -> tuple[int, int]:
    import numpy as np

    s1 = s2 = 0
    words = np.frombuffer(head, order).tolist()
    for first, second in zip(words[::2], words[1::2], strict=True):
        s1 = (s1 + first + s2) % 2**32
        s2 = (s2 + second + s1) % 2**32
    return s1, s2
