"""Parts such as train and test, into which the same image always falls."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tuilabel.errors import UsageError
from tuilabel.exchange.csv_format import BETWEEN
from tuilabel.text import inert, percent

_FORM = "--split takes parts and their shares, such as train=0.8,val=0.1,test=0.1"
_TOLERANCE = 1e-6


class Split:
    """Parts with their shares.

    The part of an image depends on its id alone, that of a frame on its group, and that of a box or
    page on the path of its file: images that are added later change nothing for the others.

    Parameters
    ----------
    text : str
        Such as ``train=0.8,val=0.1,test=0.1``.

    Attributes
    ----------
    names : list of str
    counts : Counter of (str, str)
        Number of rows by part and class.

    Raises
    ------
    UsageError
        It has another form, or the shares are not 1 together.
    """

    def __init__(self, text: str) -> None:
        self.names: list[str] = []
        self._ends: list[float] = []
        total = 0.0
        for part in text.split(","):
            name, equals, number = (piece.strip() for piece in part.partition("="))
            share = _share(number)
            if not equals or not name or not share or "/" in name or name.startswith("."):
                raise UsageError(f"{inert(part)!r} is not a part with a share: {_FORM}.")
            if name in self.names:
                raise UsageError(f"The part {inert(name)!r} is there twice: {_FORM}.")
            total += share
            self.names.append(name)
            self._ends.append(total)
        if not math.isclose(total, 1, abs_tol=_TOLERANCE):
            raise UsageError(f"The shares are {total:g} together, not 1: {_FORM}.")
        self._ends[-1] = math.inf
        self.counts: Counter[tuple[str, str]] = Counter()

    def part(self, row: Mapping[str, Any]) -> str:
        """Return the part of a row, and count it."""
        key = row.get("group") or row["item_id"]
        if key.startswith("p1:"):
            # The boxes and pages of one file are never in two parts.
            key = row["reference"].rpartition("#")[0] or key
        digest = hashlib.blake2b(
            key.encode(errors="surrogateescape"), digest_size=8, person=b"tuilabel split"
        ).digest()
        place = int.from_bytes(digest, "big") / 2**64
        name = next(name for name, end in zip(self.names, self._ends, strict=True) if place < end)
        found = row["class"]
        self.counts[name, found if isinstance(found, str) else BETWEEN.join(found)] += 1
        return name

    def lines(self) -> list[str]:
        """Return a line for each part: the number of images, and that of each class."""
        total = sum(self.counts.values()) or 1
        lines = []
        for name in self.names:
            own = {label: n for (part, label), n in self.counts.items() if part == name}
            count = sum(own.values())
            classes = ", ".join(
                f"{inert(label) or 'no class'} {n:,}" for label, n in sorted(own.items())
            )
            lines.append(f"{inert(name)}: {count:,} ({percent(count / total)})  {classes}".rstrip())
        return lines


def _share(text: str) -> float:
    """Return a share above 0; 0 for what is none."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if 0 < found <= 1 else 0.0
