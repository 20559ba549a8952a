"""The append-only record of a session, and the only code that writes it."""

from tuilabel.journal.auto import AutoLabel, auto_batch, revert
from tuilabel.journal.events import AUTO_ORIGIN, ORACLE, Annotator, Draft, Event, EventKind
from tuilabel.journal.filesystem import SIDE_SUFFIXES, give_name, refuse_side_name
from tuilabel.journal.ledger import AutoBatch, Ledger
from tuilabel.journal.reading import SessionInfo, read_session
from tuilabel.journal.store import Journal
from tuilabel.journal.summary import Summary, summarise

__all__ = [
    "AUTO_ORIGIN",
    "ORACLE",
    "SIDE_SUFFIXES",
    "Annotator",
    "AutoBatch",
    "AutoLabel",
    "Draft",
    "Event",
    "EventKind",
    "Journal",
    "Ledger",
    "SessionInfo",
    "Summary",
    "auto_batch",
    "give_name",
    "read_session",
    "refuse_side_name",
    "revert",
    "summarise",
]
