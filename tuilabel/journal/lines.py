from typing import NamedTuple
from tuilabel.journal.payloads import Payload


class Event(NamedTuple):
    id: str
    n: int
    t: int
    at: str
    by: str
    payload: Payload
    log: str = ""
