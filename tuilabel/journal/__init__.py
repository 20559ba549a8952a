"""What was said: the append-only record of a session, and the only code that writes it."""

from tuilabel.journal.events import Draft, Event, Kind
from tuilabel.journal.ledger import Ledger
from tuilabel.journal.store import Journal, SessionInfo, read_session
from tuilabel.journal.summary import Summary, summarise

__all__ = [
    "Draft",
    "Event",
    "Journal",
    "Kind",
    "Ledger",
    "SessionInfo",
    "Summary",
    "read_session",
    "summarise",
]
