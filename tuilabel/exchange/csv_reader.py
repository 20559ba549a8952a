"""Labels from comma-separated values (RFC 4180), with a header."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from tuilabel.exchange.csv_format import unmarked
from tuilabel.exchange.reading import BadLineError, Row


def read_csv(lines: Iterable[str]) -> Iterator[Row]:
    """Yield each record after the header, by column; empty lines are passed over.

    Commas, semicolons or tabs separate the cells, whichever the header has most of. Apostrophes
    that an export has put before formulas are removed.
    """
    given = iter(lines)
    header = next(given, "")
    delimiter = max(",;\t", key=header.count)
    try:
        names = next(csv.reader([header], delimiter=delimiter, strict=True), [])
        columns = [name.strip() for name in names]
        twice = {name for name in columns if columns.count(name) > 1 and name}
        if twice:
            raise BadLineError(f"the header has the column {min(twice)!r} twice")
        for record in csv.reader(given, delimiter=delimiter, strict=True):
            if not record:
                continue
            if len(record) != len(columns):
                raise BadLineError(f"it has {len(record)} cells; expected {len(columns)}")
            yield dict(zip(columns, map(unmarked, record), strict=True))
    except csv.Error as error:
        raise BadLineError(f"it is no CSV ({error})") from None
