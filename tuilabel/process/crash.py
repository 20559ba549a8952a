"""A report of a crash, which may be shown to anybody.

It has versions, what the terminal is, kinds of errors and places in code. The text of an error is
left out, since it may contain labels, class names or paths.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from tuilabel import __version__

EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h: the program is wrong, not its input."""

KEPT = 10
"""Number of reports that are kept; the oldest are removed."""

LIBRARIES = ("textual", "rich", "rich-pixels", "numpy", "scikit-learn", "scipy", "pillow", "click")

_PLACES = 40
"""Number of places shown of a long traceback: its last ones."""

_PUBLIC = sys.stdlib_module_names | {
    *("tuilabel", "textual", "rich", "numpy", "sklearn", "scipy", "PIL", "click"),
    *("platformdirs", "joblib", "threadpoolctl", "faiss"),
}
"""Modules whose names reveal nothing about the user."""

_HARMLESS = re.compile(r"[A-Za-z0-9.:+_-]{1,40}")


def write_report(error: BaseException, folder: Path, facts: Mapping[str, object]) -> Path:
    """Write a report that only its owner can read, and remove the oldest reports.

    Parameters
    ----------
    error : BaseException
    folder : Path
        Created if it does not exist.
    facts : mapping
        Further lines of the report, by name.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    OSError
        The report cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}.txt"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(line + "\n" for line in report_lines(error, facts))
    except OSError:
        path.unlink(missing_ok=True)
        raise
    for old in reports(folder)[:-KEPT]:
        with contextlib.suppress(OSError):  # another process has removed it
            old.unlink()
    return path


def reports(folder: Path) -> list[Path]:
    """Return the reports in a folder, the newest last."""
    return sorted(folder.glob("crash-*.txt"))


def report_lines(error: BaseException, facts: Mapping[str, object]) -> Iterator[str]:
    """Yield the lines of a report."""
    import platform

    yield "A crash of tuilabel. No labels, class names, paths or other values are in this report."
    yield ""
    yield f"time          {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    yield f"tuilabel      {__version__}"
    yield f"python        {platform.python_implementation()} {platform.python_version()}"
    yield f"system        {platform.system()} {platform.release()} {platform.machine()}"
    for library in LIBRARIES:
        yield f"{library:<14}{_version(library)}"
    for name, fact in {**_surroundings(), **facts}.items():
        text = str(fact)
        yield f"{name:<14}{text if _HARMLESS.fullmatch(text) else '(withheld)'}"
    yield ""
    yield from describe(error)


def report_crash(
    error: BaseException, folder: Path, facts: Mapping[str, object]
) -> Path | list[str]:
    """Write a report; return its path, or its lines if it cannot be written."""
    try:
        return write_report(error, folder, facts)
    except OSError:
        return list(report_lines(error, facts))


def sentences(error: BaseException, report: Path | list[str], saved: str) -> Iterator[str]:
    """Yield what the terminal shows after a crash.

    Parameters
    ----------
    error : BaseException
    report : Path or list of str
        What `report_crash` returned.
    saved : str
        A sentence about the labels that are saved; may be empty.
    """
    yield f"tuilabel crashed. This is a bug ({_kind(error)} in {where(error)}). {saved}".rstrip()
    if isinstance(report, Path):
        yield f"The crash report contains no labels, class names or image paths: {report}"
    else:
        yield "The crash report could not be written. It contains no labels, names or paths:"
        yield from report


def describe(error: BaseException) -> Iterator[str]:
    """Yield the kinds of errors and the places in code, the first cause first."""
    chain: list[tuple[BaseException, str]] = []
    link, seen = "", set[int]()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        chain.append((current, link))
        seen.add(id(current))
        if current.__cause__ is not None:
            current, link = current.__cause__, "which caused"
        else:
            current = None if current.__suppress_context__ else current.__context__
            link = "while handling it"
    for found, to_the_next in reversed(chain):
        yield from _places(found.__traceback__)
        yield f"{_kind(found)} {_code(found)}".rstrip()
        if isinstance(found, BaseExceptionGroup):
            for number, part in enumerate(found.exceptions[:KEPT], 1):
                yield f"part {number} of {len(found.exceptions)}:"
                yield from (f"  {line}" for line in describe(part))
        if to_the_next:
            yield f"-- {to_the_next}"


def where(error: BaseException) -> str:
    """Return the last place in tuilabel's own code that an error came through."""
    ours = [place for place in _places(error.__traceback__) if place.startswith("  tuilabel.")]
    return ours[-1].split()[0] if ours else "other code"


def _places(traceback: TracebackType | None) -> Iterator[str]:
    places = []
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__"))
        if module.partition(".")[0] in _PUBLIC:
            function = traceback.tb_frame.f_code.co_qualname
            places.append(f"  {module}:{traceback.tb_lineno} in {function}")
        else:
            places.append("  (other code)")
        traceback = traceback.tb_next
    if len(places) > _PLACES:
        yield f"  ... {len(places) - _PLACES} more"
    yield from places[-_PLACES:]


def _kind(error: BaseException) -> str:
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return module + kind.__qualname__


def _code(error: BaseException) -> str:
    """Return the name of the error's code, such as ENOSPC; empty where it has none."""
    return errno.errorcode.get(error.errno or 0, "") if isinstance(error, OSError) else ""


def _version(library: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def _surroundings() -> dict[str, object]:
    return {
        "TERM": os.environ.get("TERM", "not-set"),
        "COLORTERM": os.environ.get("COLORTERM", "not-set"),
        "NO_COLOR": "NO_COLOR" in os.environ,
        "tmux": "TMUX" in os.environ,
        "ssh": "SSH_CONNECTION" in os.environ,
    }
