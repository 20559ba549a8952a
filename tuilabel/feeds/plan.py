"""What a process of feeds is to do, as the process that labels hands it over."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class MirrorPlan:
    """A file that is kept like an export.

    Attributes
    ----------
    path : str
        Absolute.
    format : str
        A name of the group ``writers``.
    columns : dict of str to str or None
        As `tuilabel.exchange.choosing.parse_columns` returns them; None for all fields.
    paths : str
        One of `tuilabel.exchange.choosing.PATH_FORMS`.
    root : str or None
        The folder that references are relative to, where it is needed.
    replaces : tuple of int or None
        The mark of the file that may be replaced, see `tuilabel.feeds.mirror`; None where there is
        none.
    """

    path: str
    format: str
    columns: dict[str, str] | None = None
    paths: str = "relative"
    root: str | None = None
    replaces: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that a process of feeds needs.

    Attributes
    ----------
    session : str
        Its path.
    read : dict of str to int
        How far each log was read when labelling began, in bytes: what follows is new.
    mirror : MirrorPlan or None
    stream, descriptor : str and int or None
        The FIFO that changes are written to, and what it, or else standard output, is open as.
    command : str or None
        The program that changes are passed to.
    """

    session: str
    read: dict[str, int] = field(default_factory=dict)
    mirror: MirrorPlan | None = None
    stream: str | None = None
    descriptor: int | None = None
    command: str | None = None

    @property
    def options(self) -> list[str]:
        """The options that request it."""
        streams = self.stream is not None or self.descriptor is not None
        given = {"--mirror": self.mirror, "--stream": streams or None, "--on-label": self.command}
        return [option for option, value in given.items() if value is not None]

    def encode(self) -> bytes:
        """Return it as a line, in ASCII, which can express any file name."""
        return (json.dumps(asdict(self)) + "\n").encode("ascii")

    @classmethod
    def decode(cls, line: bytes) -> Plan:
        """Return the plan in a line of `encode`."""
        found: dict[str, Any] = json.loads(line)
        mirror = found.pop("mirror")
        if mirror is not None:
            replaces = mirror.pop("replaces")
            mirror = MirrorPlan(**mirror, replaces=None if replaces is None else tuple(replaces))
        return cls(**found, mirror=mirror)
