"""The lines of an import before it is known which of them are written."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from tuilabel.events.payloads import BulkLine

_NO_SHARE = -1.0
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(BulkLine).decode


class Drafts:
    """Lines in a temporary file, and in memory only what decides which of them count.

    Attributes
    ----------
    places : intp array
        The rows of the dataset that the lines that count are about; see `settle`.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - needed until the lines are written
        self._places, self._numbers = array("q"), array("q")
        self._people, self._codes, self._shares = array("i"), array("i"), array("d")
        self._by: dict[str | None, int] = {}
        self._number_of: dict[str, int] = {}
        self.places: NDArray[np.intp] = np.zeros(0, np.intp)
        self._kept: NDArray[np.intp] = np.zeros(0, np.intp)
        self._changed: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._places)

    def add(self, place: int, code: str, number: int, line: BulkLine) -> None:
        """Add a line.

        Parameters
        ----------
        place : int
            The row of the dataset.
        code : str
            The class, or the set of classes.
        number : int
            Its number in its file.
        line : BulkLine
            `by` says whose it is.
        """
        self._file.write(_encode(line) + b"\n")
        self._places.append(place)
        self._numbers.append(number)
        self._people.append(self._by.setdefault(line.by, len(self._by)))
        self._codes.append(self._number_of.setdefault(code, len(self._number_of)))
        share = line.probability
        self._shares.append(_NO_SHARE if share is None else share)

    def settle(
        self, joined: Callable[[str, str], str | None], *, by_share: bool
    ) -> list[tuple[int, int]]:
        """Decide which lines count: one for each image and annotator.

        Parameters
        ----------
        joined : callable
            Returns what two differing lines say together; None if they contradict each other.
        by_share : bool
            Whether the line with the highest probability counts, whatever the others say.

        Returns
        -------
        list of (int, int)
            The number of the line that contradicts, and the row that it is about, for each image
            and annotator where one does. None of these lines counts.
        """
        places, people, codes = (
            np.frombuffer(each, f"i{each.itemsize}")
            for each in (self._places, self._people, self._codes)
        )
        shares = np.frombuffer(self._shares) if by_share else np.zeros(len(places))
        order = np.lexsort((-shares, people, places))
        is_first = np.ones(len(order), bool)
        is_first[1:] = (np.diff(places[order]) != 0) | (np.diff(people[order]) != 0)
        starts = np.flatnonzero(is_first)
        first = order[starts[np.cumsum(is_first) - 1]] if len(order) else order
        differs = (codes[order] != codes[first]) & (shares[order] == shares[first])
        names = list(self._number_of)
        contradicted: dict[int, int] = {}
        for line, head in zip(order[differs].tolist(), first[differs].tolist(), strict=True):
            if head in contradicted:
                continue
            both = joined(self._changed.get(head, names[codes[head]]), names[codes[line]])
            if both is None:
                contradicted[head] = line
            else:
                self._changed[head] = both
        kept = order[starts]
        self._kept = np.sort(kept[~np.isin(kept, list(contradicted))])
        self.places = places[self._kept].astype(np.intp)
        return sorted((self._numbers[one], self._places[one]) for one in contradicted.values())

    def codes(self) -> Iterator[str]:
        """Yield what each line that counts says."""
        names = list(self._number_of)
        for line in self._kept.tolist():
            yield self._changed.get(line) or names[self._codes[line]]

    def lines(self, with_code: Callable[[BulkLine, str], BulkLine]) -> Iterator[bytes]:
        """Yield the lines that count, encoded.

        Parameters
        ----------
        with_code : callable
            Returns a line that says something else.
        """
        self._file.seek(0)
        kept = iter(self._kept.tolist())
        wanted = next(kept, -1)
        for number, line in enumerate(self._file):
            if number == wanted:
                if number in self._changed:
                    line = _encode(with_code(_decode(line), self._changed[number])) + b"\n"
                yield line[:-1]
                wanted = next(kept, -1)
