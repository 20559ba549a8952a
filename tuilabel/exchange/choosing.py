"""Which rows and columns of an export are written, and what is left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from tuilabel.errors import UsageError
from tuilabel.exchange.rows import LabelRow
from tuilabel.progress import Progress
from tuilabel.text import inert, meant

if TYPE_CHECKING:
    from tuilabel.exchange.splitting import Split

PATH_FORMS = ("relative", "absolute", "name")
"""How a reference is written: from the folder of the source, from the root, or without folders."""

SPLIT = "split"
"""The column of the part of a split."""

_ONLY_WITH = {
    SPLIT: "an export with --split",
    "group": "a session whose images are in groups",
    "unknown": "a session that was made with --multi",
}
"""What has a field that not every export has."""

_MOST_NAMED = 10

_ALIASES = {"path": "reference", "label": "class"}


class About(NamedTuple):
    """What is known of an export without a row.

    Attributes
    ----------
    name : str
        That of the session.
    classes : sequence of str
        Those of the session, in its order.
    several : bool
        Whether an image has several classes.
    parts : sequence of str
        Those of a split.
    paths : str
        One of `PATH_FORMS`.
    package : Path or None
        A folder that describes a camera trap project.
    progress : Progress or None
        Called while image files are read.
    """

    name: str = ""
    classes: Sequence[str] = ()
    several: bool = False
    parts: Sequence[str] = ()
    paths: str = PATH_FORMS[0]
    package: Path | None = None
    progress: Progress | None = None


class Rows(Iterable[LabelRow]):
    """Rows to write, and what is known without a row.

    Parameters
    ----------
    rows : iterable of dict
        All with the same columns.
    columns : mapping of str to str
        The field in each column.
    about : About
    """

    def __init__(
        self, rows: Iterable[Any], columns: Mapping[str, str], about: About | None = None
    ) -> None:
        self._rows, self.fields, self.about = rows, dict(columns), about or About()
        self.columns = tuple(columns)

    def __iter__(self) -> Iterator[LabelRow]:
        """Yield the rows."""
        return cast(Iterator[LabelRow], iter(self._rows))


class Filter(NamedTuple):
    """Which labels are exported.

    Attributes
    ----------
    origins, annotators : container of str or None
        None for all.
    least : float
        The least probability of a label that has one.
    """

    origins: Container[str] | None = None
    annotators: Container[str] | None = None
    least: float = 0.0


@dataclass
class Counts:
    """What is noticed while rows are written.

    Attributes
    ----------
    rows : int
    left_out : Counter of str
        Rows that are not written, by the option that leaves them out.
    gone, disputed : set of str
        Items that are no longer in the source, and those that annotators disagree about.
    names : set of int
        Hashes of the names of images, where names alone are written.
    equal_names : int
        Number of rows whose name an earlier row has.
    """

    rows: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    gone: set[str] = field(default_factory=set)
    disputed: set[str] = field(default_factory=set)
    names: set[int] = field(default_factory=set)
    equal_names: int = 0


def chosen(rows: Iterable[LabelRow], which: Filter, counts: Counts) -> Iterator[LabelRow]:
    """Yield the rows that are exported, and count what there is to report."""
    for row in rows:
        probability = row["probability"]
        if which.origins is not None and row["origin"] not in which.origins:
            counts.left_out["--origin"] += 1
        elif which.annotators is not None and row["annotator"] not in which.annotators:
            counts.left_out["--annotator"] += 1
        elif probability is not None and probability < which.least:
            counts.left_out["--min-probability"] += 1
        else:
            counts.rows += 1
            if row["status"] == "gone":
                counts.gone.add(row["item_id"])
            if row["disputed"]:
                counts.disputed.add(row["item_id"])
            yield row


def parse_columns(text: str, known: Iterable[str], option: str = "--columns") -> dict[str, str]:
    """Return the names of the columns to write by the fields that they have.

    Parameters
    ----------
    text : str
        Such as ``path=filename,class=label``; a field without a name keeps its own. ``path`` is
        another word for ``reference``, ``label`` for ``class``.
    known : iterable of str
        The fields that there are.
    option : str
        What the text was given with; errors name it.

    Raises
    ------
    UsageError
        There is no such field, or a name is empty or there twice.
    """
    known = tuple(known)
    found: dict[str, str] = {}
    for part in text.split(","):
        word, equals, name = (piece.strip() for piece in part.partition("="))
        name = name if equals else word
        own = word if word in known else _ALIASES.get(word, word)
        if own not in known and own in _ONLY_WITH:
            raise UsageError(
                f"{option} has {own!r}, which only {_ONLY_WITH[own]} has: leave it out"
                f"{', or add --split' if own == SPLIT and option == '--columns' else ''}."
            )
        if own not in known:
            shown = ", ".join(("path", *known))
            raise UsageError(
                f"{option} has {inert(word)!r}, which is not a field of an export."
                f"{meant(word, [*known, *_ALIASES])} There are {shown}."
            )
        if not name or own in found or name in found.values():
            raise UsageError(
                f"{option} has {inert(part)!r}, which is empty or there twice: use each field and "
                "each name once, as in path=filename,class=label."
            )
        found[own] = name
    return found


def check_annotators(wanted: Sequence[str], annotators: Callable[[], Sequence[str]]) -> None:
    """Raise an error if a session has no such annotator.

    Parameters
    ----------
    wanted : sequence of str
    annotators : callable
        Returns those of the session; called only if any is wanted, since it reads all events.

    Raises
    ------
    UsageError
        The message lists those that there are.
    """
    known = annotators() if wanted else ()
    for name in wanted:
        if name not in known:
            shown = [inert(one) for one in known[:_MOST_NAMED]]
            rest = len(known) - len(shown)
            shown += [f"{rest:,} more"] if rest else []
            raise UsageError(
                f"The session has no annotator {inert(name)!r}.{meant(name, known)} It has "
                f"{', '.join(shown) or 'none yet'}."
            )


def shaped(
    rows: Iterable[LabelRow],
    counts: Counts,
    *,
    fields: Sequence[str],
    columns: dict[str, str] | None = None,
    paths: str = "relative",
    root: Path | None = None,
    split: Split | None = None,
    about: About | None = None,
    with_files: bool = False,
) -> Rows:
    """Return rows as they are written.

    Parameters
    ----------
    rows : iterable of LabelRow
    counts : Counts
    fields : sequence of str
        Those that rows have, with that of a split.
    columns : dict of str to str, optional
        As `parse_columns` returns them; by default all under their own names.
    paths : str
        One of `PATH_FORMS`.
    root : Path, optional
        The folder that references are relative to.
    split : Split, optional
        Adds a column.
    about : About, optional
    with_files : bool
        Add the absolute path of each image, as ``file``.
    """
    named = {name: name for name in fields}
    if columns is not None:
        named = {name: own for own, name in columns.items()}
    if columns is None and paths == PATH_FORMS[0] and split is None and not with_files:
        return Rows(rows, named, about)

    def each() -> Iterator[dict[str, Any]]:
        for row in rows:
            values: dict[str, Any] = dict(row)
            if split is not None:
                values[SPLIT] = split.part(values)
            if with_files and root is not None:
                values["file"] = os.path.join(root, row["reference"])  # noqa: PTH118
            if paths == "absolute" and root is not None:
                values["reference"] = os.path.join(root, row["reference"])  # noqa: PTH118
            elif paths == "name":
                name = values["reference"] = PurePath(row["reference"]).name
                counts.equal_names += hash(name) in counts.names
                counts.names.add(hash(name))
            if columns is None:
                yield values
            else:
                yield {name: values.get(own) for own, name in columns.items()}

    return Rows(each(), named, about)
