"""A write-ahead log, read without SQLite, including the events after a damaged place.

SQLite reads a log up to the first damaged frame, and takes the rest for an interrupted transaction.
If the disk damaged that frame, intact events may follow it, and the next event would overwrite
them. The format is that of https://sqlite.org/fileformat2.html#the_write_ahead_log.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tuilabel.journal.pages import DEFAULT_PAGE_SIZE, LOG_MAGIC, Value, event_rows, page_size_of

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
        The offset of its content in the log, in bytes.
    sound : bool
        Whether its checksum is right.
    """

    page: int
    start: int
    sound: bool


@dataclass(frozen=True)
class Log:
    """The content of a write-ahead log.

    Attributes
    ----------
    page_size : int
    frames : tuple of Frame
        The frames of committed transactions, in the order of the log.
    hidden : tuple of Frame
        Those of them that SQLite does not see. They are older than the log's last restart, and
        then in the file already, or they follow a damaged place.
    """

    page_size: int
    frames: tuple[Frame, ...]
    hidden: tuple[Frame, ...]


def log_path(path: Path) -> Path:
    """Return the log that belongs to a session file."""
    real = path.resolve()
    return real.with_name(real.name + "-wal")


def cut_off(path: Path) -> list[tuple[Value, ...]]:
    """Return the events in a session's log that SQLite does not see.

    They follow a damaged place, or belong to a transaction that was interrupted. Some may also be
    in the file itself.

    Parameters
    ----------
    path : Path
        The session file.

    Returns
    -------
    list of tuple
        The likely rows of the table `event`.

    Raises
    ------
    OSError
        The log cannot be read.
    """
    if not log_path(path).is_file():  # also a pipe, which nobody writes to
        return []
    data = log_path(path).read_bytes()
    log = read_log(data, DEFAULT_PAGE_SIZE)
    found: list[tuple[Value, ...]] = []
    # Also frames with a wrong checksum: it depends on the previous frame, which may be lost.
    for frame in log.hidden:
        page = data[frame.start : frame.start + log.page_size]
        found += event_rows(page, lambda _: None)
    return found


def read_log(data: Data, page_size: int) -> Log:
    """Find the frames of committed transactions in a write-ahead log.

    Each frame has the two salts of its round and a checksum that continues that of the previous
    frame. So a frame can be checked if the previous frame's header is intact, even after a damaged
    place.

    Parameters
    ----------
    data : bytes
        The content of the log.
    page_size : int
        The page size of the session file, in bytes, for a log whose header is lost.
    """
    import numpy as np

    size = page_size_of(data) or page_size
    step = FRAME_HEADER_SIZE + size
    count = max(0, len(data) - HEADER_SIZE) // step
    if not count:
        return Log(size, (), ())
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

    # SQLite reads from the first frame while each continues the previous one.
    seen_commits = np.flatnonzero((np.cumsum(~(own & sound)) == 0) & commits)
    seen = int(seen_commits[-1]) + 1 if len(seen_commits) else 0
    frames: dict[int, Frame] = {}
    # Each round of the log has its own salts. A frame is committed if a later frame of the same
    # round is sound and ends a transaction.
    _, rounds = np.unique(salts, axis=0, return_inverse=True)
    ends = np.flatnonzero(sound & commits)
    for round_ in dict.fromkeys(rounds.ravel()[ends].tolist()):
        of_round = np.flatnonzero(rounds.ravel() == round_)
        last = ends[rounds.ravel()[ends] == round_][-1]
        for n in of_round[of_round <= last].tolist():
            start = HEADER_SIZE + n * step + FRAME_HEADER_SIZE
            frames[n] = Frame(int(heads[n, 0]), start, bool(sound[n]))
    in_order = sorted(frames)
    return Log(
        size,
        tuple(frames[n] for n in in_order),
        tuple(frames[n] for n in in_order if n >= seen),
    )


def _checksums(raw: np.ndarray, before: np.ndarray, order: str) -> np.ndarray:
    """Return the checksum of every frame, from the recorded one before it.

    Over words x0, x1, x2, ...: ``s1 += x0 + s2; s2 += x1 + s1`` and so on, modulo 2**32. This is
    linear: each word has a factor, and many frames are computed at once.
    """
    import numpy as np

    pairs = (8 + raw.shape[1] - FRAME_HEADER_SIZE) // 8
    factors = np.empty((2, 2 * pairs), np.uint32)
    # The final effect of one unit of s1 and one of s2, from the last pair to the first.
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
