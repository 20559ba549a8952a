"""Labels from comma-separated values (RFC 4180), with a header."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from operator import itemgetter

from tuilabel.exchange.csv_format import unmarked
from tuilabel.exchange.reading import BadLineError, Row, going_on, is_column, repeated


def read_csv(lines: Iterable[str]) -> Iterator[Row | BadLineError]:
    """Yield each record after the header, by column; empty lines are passed over.

    Commas, semicolons or tabs separate the cells, whichever the header has most of. Apostrophes
    that an export has put before formulas are removed.
    """
    given = iter(lines)
    header = next(given, "")
    delimiter = max(",;\t", key=header.count)
    columns = [name.strip() for name in next(_records([header], delimiter), [])]
    twice = next(repeated(filter(None, columns)), None)
    if twice is not None:
        raise BadLineError(f"the header has the column {twice!r} twice")
    # Of a table that has what is needed, no other column is looked at.
    places = [place for place, name in enumerate(columns) if is_column(name)]
    names = [columns[place] for place in places] if len(places) > 1 else columns
    cells = itemgetter(*places) if len(places) > 1 else tuple
    for record in going_on(_records(given, delimiter)):
        if isinstance(record, BadLineError):
            yield record
        elif len(record) == len(columns):
            found = cells(record)
            if "'" in "".join(found):
                found = tuple(map(unmarked, found))
            yield dict(zip(names, found, strict=True))
        elif record:
            yield BadLineError(f"it has {len(record)} cells; expected {len(columns)}")


class _records:  # noqa: N801 - an iterator, so that reading goes on after an error
    def __init__(self, lines: Iterable[str], delimiter: str) -> None:
        self._records = csv.reader(lines, delimiter=delimiter, strict=True)

    def __iter__(self) -> _records:
        return self

    def __next__(self) -> list[str]:
        try:
            return next(self._records)
        except csv.Error as error:
            why = str(error)
            if "new-line character" in why:
                why = "a carriage return inside of a line: save it with the line ends of Unix"
            raise BadLineError(f"it is not valid CSV ({why})") from None
