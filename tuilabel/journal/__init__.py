"""What was said: the append-only record of a session, and the only code that writes it."""

from tuilabel.journal.events import Draft, Event, Kind
from tuilabel.journal.filesystem import give_name
from tuilabel.journal.ledger import Ledger
from tuilabel.journal.reading import SessionInfo, read_session
from tuilabel.journal.store import Journal
from tuilabel.journal.summary import Summary, summarise

__all__ = [
    "Draft",
    "Event",
    "Journal",
    "Kind",
    "Ledger",
    "SessionInfo",
    "Summary",
    "give_name",
    "read_session",
    "summarise",
]
