"""Who can read the files that the program makes.

What it keeps for itself (sessions, caches, logs, crash reports) is private, whatever the umask. A
file that a person asked for, such as an export, follows the person's umask.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

PRIVATE = 0o077


class Umask:
    """The umask of this process: private while a command runs, but for files a person asked for."""

    def __init__(self) -> None:
        self._of_person: int | None = None

    @contextmanager
    def private(self) -> Iterator[None]:
        """Make new files private; processes that are started meanwhile do so too."""
        self._of_person = os.umask(PRIVATE)
        try:
            yield
        finally:
            os.umask(self._of_person)
            self._of_person = None

    @property
    def given(self) -> int:
        """The umask that the command was started with, for another process; -1 for this one's."""
        return -1 if self._of_person is None else self._of_person

    @contextmanager
    def of_person(self) -> Iterator[None]:
        """Make new files with the umask that the command was started with."""
        if self._of_person is None:
            yield
            return
        before = os.umask(self._of_person)
        try:
            yield
        finally:
            os.umask(before)


UMASK = Umask()
"""The umask of this process."""
