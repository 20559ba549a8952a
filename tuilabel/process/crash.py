"""A report of what went wrong inside, which may be shown to anybody.

It has places in code, kinds of errors, versions and what the terminal is. It has no values: no
labels, class names, paths, or words of an error that do not stand in the program's own text.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType, TracebackType

from tuilabel import __version__

EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h: the program is at fault, and not what it was given."""

KEPT = 10
"""Reports that are kept; older ones make room for new ones."""

LIBRARIES = ("textual", "rich", "rich-pixels", "numpy", "scikit-learn", "scipy", "pillow", "click")

_HEAD, _TAIL = 15, 25
"""Places that are told of a very long way through the code: its beginning and its end."""

_SHORTEST = 8
"""Characters from which on a text in the code, of several words, says something in a message."""

_PUBLIC = sys.stdlib_module_names | {
    *("tuilabel", "textual", "rich", "numpy", "sklearn", "scipy", "PIL", "click"),
    *("platformdirs", "joblib", "threadpoolctl", "faiss"),
}
"""Modules whose names tell nothing about whoever runs the program."""

_HARMLESS = re.compile(r"[A-Za-z0-9.:+_-]{1,40}")


def write_report(error: BaseException, folder: Path, facts: Mapping[str, object]) -> Path:
    """Write a report for the owner alone to read, and remove the oldest of many.

    Parameters
    ----------
    error : BaseException
    folder : Path
        Made if it is not there.
    facts : mapping
        What else is known, by name; of a text only what is harmless is written.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}.txt"
    path = folder / name
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(line + "\n" for line in report_lines(error, facts))
    for old in sorted(reports(folder), key=_age)[: -KEPT or None]:
        if old != path:
            with contextlib.suppress(OSError):  # another process has removed it
                old.unlink()
    return path


def reports(folder: Path) -> list[Path]:
    """Give the reports in a folder, the newest last."""
    return sorted(folder.glob("crash-*.txt"), key=_age)


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
    yield f"sqlite        {sqlite3.sqlite_version}"
    for name, fact in {**_surroundings(), **facts}.items():
        yield f"{name:<14}{fact if isinstance(fact, bool | int) else _harmless(str(fact))}"
    yield ""
    yield from describe(error)


def report_crash(
    error: BaseException, folder: Path, facts: Mapping[str, object]
) -> Path | list[str]:
    """Write a report; give its path, or its lines where it cannot be written."""
    try:
        return write_report(error, folder, facts)
    except OSError:
        return list(report_lines(error, facts))


def sentences(error: BaseException, report: Path | list[str], saved: str) -> Iterator[str]:
    """Yield what to say on the terminal.

    Parameters
    ----------
    error : BaseException
    report : Path or list of str
        What `report_crash` gave.
    saved : str
        A sentence on what is not lost; it may be empty.
    """
    yield f"tuilabel: its own fault ended it ({_kind(error)} in {where(error)}). {saved}".rstrip()
    if isinstance(report, Path):
        yield f"A report of it, without labels, names or paths of images: {report}"
    else:
        yield "No report of it could be written; it would say, without labels, names or paths:"
        yield from report


def describe(error: BaseException) -> Iterator[str]:
    """Yield what went wrong and where, the first cause first, and without any values."""
    chain: list[tuple[BaseException, str]] = []
    link, seen = "", set[int]()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        chain.append((current, link))
        seen.add(id(current))
        if current.__cause__ is not None:
            current, link = current.__cause__, "which led to"
        else:
            current = None if current.__suppress_context__ else current.__context__
            link = "during which came"
    for found, to_the_next in reversed(chain):
        yield from _places(found.__traceback__)
        yield f"{_kind(found)}{_message(found)}"
        if isinstance(found, BaseExceptionGroup):
            for number, part in enumerate(found.exceptions[:KEPT], 1):
                yield f"part {number} of {len(found.exceptions)}:"
                yield from (f"  {line}" for line in describe(part))
        if to_the_next:
            yield f"-- {to_the_next}"


def where(error: BaseException) -> str:
    """Give the last place in tuilabel's own code that an error came through."""
    ours = [place for place in _places(error.__traceback__) if place.startswith("  tuilabel.")]
    return ours[-1].strip().partition(" ")[0] if ours else "code that is not its own"


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
    left_out = len(places) - _HEAD - _TAIL
    if left_out > 0:
        places[_HEAD:-_TAIL] = [f"  ... {left_out} more"]
    yield from places


def _age(report: Path) -> str:
    return report.name


def _kind(error: BaseException) -> str:
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return module + kind.__qualname__


def _message(error: BaseException) -> str:
    """Give of an error's message what is code's own and not data: all else is left out."""
    if isinstance(error, OSError) and error.errno is not None:
        return f" {errno.errorcode.get(error.errno, error.errno)}"
    if isinstance(error, sqlite3.Error):
        return f" {getattr(error, 'sqlite_errorname', '')}".rstrip()
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = None if traceback is None else traceback.tb_frame.f_code
    known = set[str]() if code is None else set(_texts(code))
    if isinstance(error, AttributeError | NameError) and code is not None:
        return f": {error.name if error.name in (*code.co_names, *code.co_varnames) else '…'}"
    text = " ".join(argument for argument in error.args if isinstance(argument, str))
    return f": {_known_words(text, known)}" if error.args else ""


def _known_words(text: str, known: set[str]) -> str:
    """Keep the parts of a text that are known, and put an ellipsis for the others."""
    kept, at = "", 0
    while at < len(text):
        part = max((word for word in known if text.startswith(word, at)), key=len, default="")
        if part:
            kept += part
        elif not kept.endswith("…"):
            kept += "…"
        at += len(part) or 1
    return kept.replace("\n", " ").strip()


def _texts(code: CodeType) -> Iterator[str]:
    """Yield the texts of several words that stand in a function."""
    for constant in code.co_consts:
        if isinstance(constant, str) and len(constant) >= _SHORTEST and " " in constant.strip():
            yield constant


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


def _harmless(text: str) -> str:
    return text if _HARMLESS.fullmatch(text) else "(withheld)"
