"""Files that no output replaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tuilabel.plugins import split_store
from tuilabel.settings import config_file
from tuilabel.workspace.places import cache_place, data_dir, last_session, log_file
from tuilabel.workspace.recent import known_sources, read_state, session_files


def guarded(source: str, session: Path | None = None) -> tuple[list[Path], Callable[[], list[str]]]:
    """Return tuilabel's own files and folders, and a function that returns all known sources.

    Parameters
    ----------
    source : str
        The source in use, known or not.
    session : Path, optional
        The session in use, wherever it is.
    """
    own = [data_dir(), cache_place().root, log_file().parent, config_file()]
    for path in (session, last_session()):
        if path is not None:
            # The argument of a store may be a file.
            own.append(Path((split_store(str(path)) or ("", path))[1]).resolve())
    return own, lambda: [source, *known_sources(read_state(file.path) for file in session_files())]
