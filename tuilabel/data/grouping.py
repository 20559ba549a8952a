"""How the files of a source are put into groups, such as the frames of a burst.

``folder``: the files of one folder. ``regex:PATTERN``: the files in whose paths the groups of the
pattern match the same text. ``exif:10s``: files of one folder that follow each other by name, each
taken at most 10 seconds after the one before.
"""

from __future__ import annotations

import posixpath
import re
import subprocess
import sys
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from tuilabel.errors import UsageError
from tuilabel.plugins import source_options
from tuilabel.text import counted, inert

MOST_FRAMES = 5000
"""Files of a group at most: all of them are read before it is asked, and one answer names all."""

PATTERN_SECONDS = 10.0
"""How long a pattern may take on all paths."""

FOLDER, REGEX, EXIF = "folder", "regex", "exif"

_TIME = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_MEMORY = 2**30

# In a process of its own: a pattern may take for ever, and nothing else ends it. It prints what the
# groups have matched in each path, as JSON, and an empty line where the pattern does not match.
_MATCHING = f"""
import json, re, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({_MEMORY}, {_MEMORY}))
except (ImportError, OSError, ValueError):
    pass
read = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
pattern, *paths = read.split("\\0")
try:
    found = re.compile(pattern)
except (re.error, RecursionError, OverflowError, MemoryError) as error:
    sys.exit("E" + (str(error) or "too complex"))
if not found.groups:
    sys.exit("G")
for path in paths:
    match = found.search(path)
    print("" if match is None else json.dumps(match.groups()))
"""


class Grouping(NamedTuple):
    """A way to put files into groups.

    Attributes
    ----------
    kind : str
        `FOLDER`, `REGEX` or `EXIF`.
    pattern : str
    seconds : float
        The longest time from one frame to the next.
    """

    kind: str
    pattern: str = ""
    seconds: float = 0.0

    def buckets(self, paths: Sequence[str]) -> list[Hashable]:
        """Return what the paths of one group have in common, for each path.

        With `EXIF` it is their folder, which times divide further.

        Raises
        ------
        UsageError
            The pattern is invalid, or takes too long.
        """
        if self.kind == REGEX:
            texts = _matched(self.pattern, paths)
            return [text or (path,) for path, text in zip(paths, texts, strict=True)]
        return list(map(posixpath.dirname, paths))


def grouping_of(source: str) -> Grouping | None:
    """Return the groups that are part of a source; None if there are none."""
    text = source_options(source).get("group")
    return None if text is None else parse_grouping(text)


def parse_grouping(text: str) -> Grouping:
    """Return the groups that a text describes.

    Raises
    ------
    UsageError
        It is invalid.
    """
    kind, colon, rest = text.partition(":")
    if text == FOLDER:
        return Grouping(FOLDER)
    if kind == REGEX and rest:
        return Grouping(REGEX, rest)
    if kind == EXIF and colon:
        found = _TIME.fullmatch(rest)
        if found is None:
            raise UsageError(
                f"--group {inert(text, 60)!r} has no time; expected a number of ms, s, m or h, "
                "such as exif:10s."
            )
        return Grouping(EXIF, seconds=float(found[1]) * _UNITS[found[2]])
    raise UsageError(f"--group is {inert(text, 60)!r}; expected exif:10s, regex:PATTERN or folder.")


def check_size(count: int, first: str) -> None:
    """Raise an error for a group of too many files.

    Parameters
    ----------
    count : int
    first : str
        The path of its first file.

    Raises
    ------
    UsageError
    """
    if count > MOST_FRAMES:
        raise UsageError(f"{too_many(count, first)}: choose smaller groups with --group.")


def too_many(count: int, first: str) -> str:
    """Return the beginning of a sentence about a group of too many files."""
    return (
        f"The group of {inert(first, 200)} has {counted(count, 'file')}, more than {MOST_FRAMES:,}"
    )


def _matched(pattern: str, paths: Sequence[str]) -> list[str]:
    """Return what the groups of a pattern match in each path; empty where it does not match."""
    shown, names = inert(pattern, 60), counted(len(paths), "path")
    if "\0" in pattern:
        raise UsageError("The pattern of --group regex: has a NUL, which no path has.")
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _MATCHING],
            input="\0".join([pattern, *paths]).encode("utf-8", "surrogateescape"),
            capture_output=True,
            timeout=PATTERN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"The pattern {shown!r} of --group takes more than {PATTERN_SECONDS:g} s on {names}: "
            "use one without repetitions inside of repetitions, such as (a+)+."
        ) from error
    except OSError as error:
        raise UsageError(
            f"The process that matches the pattern of --group cannot be started "
            f"({error.strerror or error}): close other programs."
        ) from error
    said = done.stderr.decode("utf-8", "replace").strip()
    if said.startswith("E"):
        raise UsageError(
            f"The pattern {shown!r} of --group is invalid ({inert(said[1:], 120)}): expected a "
            "regular expression of Python, such as regex:(.*)_[0-9]+\\.jpg."
        )
    if said.startswith("G"):
        raise UsageError(
            f"The pattern {shown!r} of --group has no group: put what the frames of a group have "
            "in common into parentheses, such as regex:(.*)_[0-9]+\\.jpg."
        )
    if done.returncode:
        raise UsageError(
            f"The pattern {shown!r} of --group cannot be matched with {names}: use a simpler one."
        )
    texts = done.stdout.decode().split("\n")[:-1]
    if not any(texts):
        raise UsageError(
            f"The pattern {shown!r} of --group matches none of {names}, such as "
            f"{inert(paths[0], 100)}: change it."
        )
    return texts
