"""Labels from comma-separated values (RFC 4180), with a header."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from operator import itemgetter

from tuilabel.exchange.csv_format import unmarked
from tuilabel.exchange.reading import LINES, BadLineError, Row, columns_of, is_column, repeated


def read_csv(lines: Iterable[str]) -> Iterator[Row | BadLineError]:
    """Yield each record after the header, by column; empty lines are passed over.

    Commas, semicolons or tabs separate the cells, whichever the header has most of. Apostrophes
    that an export has put before formulas are removed.
    """
    given = iter(lines)
    header = next((line for line in given if line.strip()), "")
    delimiter = max(",;\t", key=header.count)
    try:
        columns = [
            name.strip()
            for name in next(csv.reader([header], delimiter=delimiter, strict=True), [])
        ]
    except csv.Error as error:
        raise _invalid(error) from None
    twice = next(repeated(filter(None, columns)), None)
    if twice is not None:
        raise BadLineError(f"the header has the column {twice!r} twice")
    if columns:
        columns_of(dict.fromkeys(columns))
    # No other column is looked at.
    places = [place for place, name in enumerate(columns) if is_column(name)]
    names = [columns[place] for place in places]
    cells = itemgetter(*places) if places else tuple
    records = csv.reader(given, delimiter=delimiter, strict=True)
    width, before = len(columns), 0
    while True:
        try:
            for record in records:
                on, before = records.line_num - before, records.line_num
                if len(record) == width:
                    found = cells(record)
                    if "'" in "".join(found):
                        found = tuple(map(unmarked, found))
                    row: dict[str, object] = dict(zip(names, found, strict=True))
                    if on > 1:
                        row[LINES] = on
                    yield row
                elif record:
                    bad = BadLineError(f"it has {len(record)} cells; expected {width}")
                    bad.lines = on
                    yield bad
            return
        except csv.Error as error:
            bad, unread = _invalid(error), 0
        except BadLineError as error:
            bad, unread = error, 1  # the line that it is about, which is not counted
        bad.lines, before = records.line_num - before + unread, records.line_num
        yield bad


def _invalid(error: csv.Error) -> BadLineError:
    why = str(error)
    if "new-line character" in why:
        why = "a carriage return inside of a line: save it with the line ends of Unix"
    return BadLineError(f"it is not valid CSV ({why})")
