"""What the kinds of faults share: a folder, random choices, and a process that may be started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from tests.faults.preload import Labeller, compiled, new_folder
from tests.faults.table import Tally


@dataclass
class Context:
    """What a kind of fault works with.

    Attributes
    ----------
    work : Path
        An empty folder.
    rng : numpy.random.Generator
    closing : ExitStack
        What is to be ended at the end.
    """

    work: Path
    rng: np.random.Generator
    closing: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def library(self) -> Path:
        """The library that lets system calls fail."""
        return compiled(self.work)

    @cached_property
    def labeller(self) -> Labeller:
        """A process whose system calls fail at a wish."""
        return self.closing.enter_context(Labeller(self.library))

    def folder(self) -> Path:
        """Make an empty folder."""
        return new_folder(self.work)

    def shuffled(self, count: int) -> list[int]:
        """Give 0 to count - 1 in random order."""
        return [int(place) for place in self.rng.permutation(count)]

    def below(self, count: int) -> int:
        """Give a random number below another."""
        return int(self.rng.integers(count))


Kind = Callable[[Context, Tally], Iterator[None]]
"""Injects one fault after the other, each when it is asked for the next; may end, or not."""
