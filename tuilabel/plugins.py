"""Extension points: what is built in, and what installed packages add through entry points.

Finding entry points takes tens of milliseconds. They are read only when a name is not built in, or
when all names are listed: never at the start, for ``--help``, or to complete a built-in name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache, wraps
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, NamedTuple

from tuilabel.errors import PluginError, SourceError, TuilabelError, UsageError
from tuilabel.text import inert, meant

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Group(NamedTuple):
    """An extension point.

    Attributes
    ----------
    noun : str
        What people call one of its entries.
    built_in : dict of str to str
        Each built-in name and its function. A word without one stands for no function:
        `tuilabel.learn.learner` decides what ``auto`` and ``raw`` stand for.
    """

    noun: str
    built_in: dict[str, str]


GROUPS: Mapping[str, Group] = {
    "sources": Group(
        "source",
        {"digits": "tuilabel.data.sources:digits", "mnist": "tuilabel.data.sources:mnist"},
    ),
    "features": Group(
        "feature",
        {
            "auto": "",
            "raw": "",
            "hog": "tuilabel.learn.transformers:Hog",
            "deskew-hog": "tuilabel.learn.transformers:deskew_hog",
        },
    ),
    "models": Group(
        "model",
        {
            "auto": "",
            "softmax": "tuilabel.learn.models:fit_softmax",
            "mlp": "tuilabel.learn.models:fit_mlp",
            # These see the label graph.
            "graph": "tuilabel.learn.models:fit_softmax",
            "hybrid": "tuilabel.learn.models:fit_softmax",
        },
    ),
    "strategies": Group(
        "strategy",
        {
            "auto": "",
            "least-confident": "tuilabel.learn.strategies:least_confident",
            "margin": "tuilabel.learn.strategies:margin",
            "entropy": "tuilabel.learn.strategies:entropy",
            "random": "tuilabel.learn.strategies:uniform",
            "committee": "tuilabel.learn.strategies:committee",
            "diverse-margin": "tuilabel.learn.batch_strategies:diverse_margin",
            "badge": "tuilabel.learn.batch_strategies:badge",
            "typiclust": "tuilabel.learn.batch_strategies:typiclust",
        },
    ),
    "readers": Group(
        "format",
        {
            "csv": "tuilabel.exchange.csv_reader:read_csv",
            "jsonl": "tuilabel.exchange.jsonl_reader:read_jsonl",
        },
    ),
    "writers": Group(
        "format",
        {
            "csv": "tuilabel.exchange.csv_format:write_csv",
            "jsonl": "tuilabel.exchange.jsonl_format:write_jsonl",
        },
    ),
}
"""Every extension point; its entry points are in the group ``tuilabel.`` and this name."""

_PREFIX = "tuilabel."
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_LONGEST = 300


class Plugin(NamedTuple):
    """An entry point of an installed package.

    Attributes
    ----------
    group : str
        A key of `GROUPS`.
    name : str
        As the package declares it, perhaps hostile.
    package : str
        Name and version of the package; inert.
    entry : EntryPoint
    """

    group: str
    name: str
    package: str
    entry: EntryPoint

    @property
    def problem(self) -> str | None:
        """Why it cannot be used, as a sentence; None if it can."""
        others = [p for p in _installed() if (p.group, p.name) == (self.group, self.name)]
        if self.name in GROUPS[self.group].built_in:
            return f"{self} is not used, since that name is built in: rename or uninstall it."
        if not _NAME.fullmatch(self.name):
            return (
                f"{self} is not used, since its name is invalid; expected lower-case letters, "
                "digits, '-', '_' and '.': rename or uninstall it."
            )
        if len(others) > 1:
            packages = " and ".join(sorted({plugin.package for plugin in others}))
            return (
                f"The {GROUPS[self.group].noun} {self.name!r} is in more than one package "
                f"({packages}): uninstall all but one."
            )
        return None

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Raise an error that names the package for any unexpected one in a ``with`` block."""
        try:
            yield
        except TuilabelError:
            raise
        except (Exception, SystemExit) as error:
            if self.group in ("readers", "writers") and isinstance(
                error, (OSError, UnicodeEncodeError)
            ):
                raise  # probably of the file, which is tuilabel's
            found = inert(" ".join(f"{type(error).__name__}: {error}".split()), _LONGEST)
            sentence = f"{self} failed ({found}): fix or uninstall it, or use another one."
            kind = SourceError if self.group == "sources" else PluginError
            raise kind(sentence) from error

    def __str__(self) -> str:
        return f"The {GROUPS[self.group].noun} {inert(self.name)!r} of the package {self.package}"


def names(group: str) -> tuple[str, ...]:
    """Return all names of a group: the built-in ones, then those of plug-ins, sorted."""
    added = {plugin.name for plugin in _installed() if plugin.group == group and not plugin.problem}
    return (*GROUPS[group].built_in, *sorted(added))


def exists(group: str, name: str) -> bool:
    """Return whether a group has a name.

    Raises
    ------
    PluginError
        It has, but that plug-in cannot be used.
    """
    return name in GROUPS[group].built_in or _find(group, name) is not None


def check(group: str, name: str) -> None:
    """Raise an error for a name that a group does not have.

    Raises
    ------
    UsageError
        There is none; the message lists those that there are.
    PluginError
        As `exists`.
    """
    if not exists(group, name):
        known = names(group)
        raise UsageError(
            f"There is no {GROUPS[group].noun} {inert(name)!r}: choose one of {', '.join(known)}."
            f"{meant(name, known)}"
        )


def load(group: str, name: str) -> Any:
    """Return the function of a name.

    A plug-in's function raises `PluginError` in place of any unexpected error, in one sentence
    that names the package; or `SourceError` if it is a source.

    Raises
    ------
    UsageError
        As `check`.
    PluginError, SourceError
        It cannot be imported, is no function, or cannot be used.
    """
    check(group, name)
    target = GROUPS[group].built_in.get(name)
    if target is not None:
        return resolve_name(target)
    plugin = _find(group, name)
    assert plugin is not None
    with plugin.blamed():
        function = plugin.entry.load()
        if not callable(function):
            raise TypeError(f"{plugin.entry.value} is {type(function).__name__}, not a function")

    @wraps(function, updated=())
    def call(*arguments: Any, **options: Any) -> Any:
        with plugin.blamed():
            return function(*arguments, **options)

    return call


def blame(group: str, name: str) -> AbstractContextManager[None]:
    """Return `Plugin.blamed` of a plug-in, for a block that calls what its function returned."""
    plugin = None if name in GROUPS[group].built_in else _find(group, name)
    return nullcontext() if plugin is None else plugin.blamed()


def package_of(group: str, name: str) -> str:
    """Return name and version of the package that a name comes from; empty if it is built in."""
    plugin = None if name in GROUPS[group].built_in else _find(group, name)
    return "" if plugin is None else plugin.package


def plugin_lines() -> Iterator[str]:
    """Yield a line about each plug-in; what needs attention starts with an exclamation mark."""
    for plugin in _installed():
        noun = GROUPS[plugin.group].noun
        usual = f"{'plug-in':<14}{noun} {plugin.name} ({plugin.package})"
        yield usual if plugin.problem is None else f"! {plugin.problem}"


def split_source(source: str) -> tuple[str, str | None]:
    """Return the name of a source, and its argument.

    Nothing is read but the names of entry points, and these only if a path looks like a name and
    an argument.

    Returns
    -------
    name : str
        A built-in one or, before a colon, one that a plug-in may have; empty for a path.
    argument : str or None
        What follows the colon, or the path; None for a built-in name without a colon.
    """
    name, colon, argument = source.partition(":")
    if name in GROUPS["sources"].built_in:
        return name, argument if colon else None
    if colon and _NAME.fullmatch(name) and (not _is_there(source) or exists("sources", name)):
        return name, argument
    return "", source


def named_source(source: str) -> str:
    """Return a source as sessions record it: a path is absolute, also after the name of a plug-in.

    An argument of a plug-in is a path if there is such a file or folder.
    """
    name, argument = split_source(source)
    if argument is None:
        return source
    with suppress(OSError, RuntimeError, ValueError):  # opening the source reports an invalid name
        path = Path(argument).expanduser()
        if name in ("", *GROUPS["sources"].built_in) or _is_there(str(path)):
            argument = str(path.resolve())
    return f"{name}:{argument}" if name else argument


def _is_there(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # a zero byte
        return False


def _find(group: str, name: str) -> Plugin | None:
    for plugin in _installed():
        if (plugin.group, plugin.name) == (group, name):
            if plugin.problem is not None:
                raise PluginError(plugin.problem)
            return plugin
    return None


@cache
def _installed() -> tuple[Plugin, ...]:
    """Read the entry points of all installed packages."""
    from importlib.metadata import distributions

    found: dict[str, list[Plugin]] = {}
    for distribution in distributions():
        try:
            entries = [e for e in distribution.entry_points if e.group.startswith(_PREFIX)]
            name = str(distribution.name) if entries else ""
            package = f"{inert(name)} {inert(str(distribution.version))}" if entries else ""
        except Exception:  # noqa: BLE001  (another package's metadata is damaged: it adds nothing)
            continue
        # Of a package that is installed twice, Python imports the first.
        if entries and name != "tuilabel" and name not in found:
            found[name] = [
                Plugin(group, entry.name, package, entry)
                for entry in entries
                if (group := entry.group.removeprefix(_PREFIX)) in GROUPS
            ]
    return tuple(plugin for plugins in found.values() for plugin in plugins)
