"""What a source says about its items, as suggestions and as lines of a bulk file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tuilabel.data import Dataset
from tuilabel.events.payloads import IMPORT, SUGGESTED, Bulk, BulkLine, Suggestion, stored_names
from tuilabel.session.bulk_files import OF_SOURCE, is_of_source
from tuilabel.session.candidates import Candidates
from tuilabel.session.classes import class_id_of
from tuilabel.session.labels import Labels


def suggestion_of(items: Dataset, row: int) -> Suggestion | None:
    """Return what the source suggests for an item, if it does."""
    guesses = items.guesses
    guess = None if guesses is None else guesses.of(items.references(row))
    if guesses is None or guess is None or guesses.are_labels:
        return None
    return Suggestion(
        item=items.ids[row],
        class_id=class_id_of(guess.class_name),
        probability=guess.probability,
        origin=guesses.origin,
    )


def lines_of(items: Dataset, audit: float, seed: int) -> Iterator[BulkLine]:
    """Yield what the source says about each item, once all of it was read.

    Parameters
    ----------
    items : Dataset
    audit : float
        The share of the audit set.
    seed : int
        That of the session.
    """
    guesses, reading = items.guesses, items.reading
    if guesses is None:
        return
    rows = np.arange(len(items))
    if reading is not None:
        rows = rows[~reading.refused & (reading.first == rows)]
    paths = [items.references(row) for row in range(len(items))]
    share = 0.0 if items.holdout is not None else audit
    reserved = Candidates(paths, share, seed).reserved
    for row in rows.tolist():
        guess = guesses.of(paths[row])
        if guess is not None:
            yield BulkLine(
                item=items.ids[row],
                class_id=class_id_of(guess.class_name),
                probability=guess.probability,
                names=stored_names(paths[row]),
                audit=guesses.are_labels and bool(reserved[row]),
            )


def bulk_of(items: Dataset, file: tuple[str, str, int]) -> Bulk:
    """Return the event that names the bulk file with these lines.

    Parameters
    ----------
    items : Dataset
    file : (str, str, int)
        Its name, the SHA-256 of its bytes, and the number of its lines.
    """
    guesses = items.guesses
    assert guesses is not None
    name, sha256, count = file
    return Bulk(
        file=name,
        sha256=sha256,
        count=count,
        origin=IMPORT if guesses.are_labels else SUGGESTED,
        method=guesses.origin,
        settings=dict(OF_SOURCE),
    )


def are_recorded(known: Labels) -> bool:
    """Return whether a session has what its source says, also if it was taken back."""
    bulks = (event.payload for event in known.bulk_events())
    return any(isinstance(bulk, Bulk) and is_of_source(bulk) for bulk in bulks)
