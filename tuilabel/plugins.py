"""Extension points: what is built in, and what installed packages add through entry points.

Finding entry points takes tens of milliseconds. They are read only when a name is not built in, or
when all names are listed: never at the start, for ``--help``, or to complete a built-in name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache, partial, wraps
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, NamedTuple

from tuilabel.errors import PluginError, SourceError, StoreError, TuilabelError, UsageError
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
        {
            "digits": "tuilabel.data.sources:digits",
            "mnist": "tuilabel.data.sources:mnist",
            "folder": "tuilabel.data.folder:open_named",
            "array": "tuilabel.data.npz:open_array",
            "list": "tuilabel.data.path_list:open_list",
            "glob": "tuilabel.data.glob_pattern:open_glob",
            "table": "tuilabel.data.table:open_table",
            "detections": "tuilabel.data.detections:open_detections",
            "hf": "tuilabel.data.hf:open_cells",
        },
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
            # What is neither explored nor sought.
            "hunt": "tuilabel.learn.batch_strategies:diverse_margin",
        },
    ),
    "readers": Group(
        "import format",
        {
            "csv": "tuilabel.exchange.csv_reader:read_csv",
            "jsonl": "tuilabel.exchange.jsonl_reader:read_jsonl",
            "prodigy": "tuilabel.exchange.prodigy_reader:read_prodigy",
            "label-studio": "tuilabel.exchange.label_studio_reader:read_label_studio",
            "doccano": "tuilabel.exchange.jsonl_reader:read_jsonl",
            "labelme": "tuilabel.exchange.labelme_reader:read_labelme",
            "folders": "tuilabel.exchange.folders_reader:read_folders",
            "parquet": "tuilabel.exchange.parquet_reader:read_parquet",
            "coco": "tuilabel.exchange.coco_reader:read_coco",
            "tuilabel-0.1": "tuilabel.exchange.former_session:read_former_session",
        },
    ),
    "writers": Group(
        "export format",
        {
            "csv": "tuilabel.exchange.csv_format:write_csv",
            "jsonl": "tuilabel.exchange.jsonl_format:write_jsonl",
            "parquet": "tuilabel.exchange.parquet_format:write_parquet",
            "prodigy": "tuilabel.exchange.prodigy:write_prodigy",
            "label-studio": "tuilabel.exchange.label_studio:write_label_studio",
            "doccano": "tuilabel.exchange.doccano:write_doccano",
            "coco": "tuilabel.exchange.coco:write_coco",
            "labelme": "tuilabel.exchange.labelme:write_labelme",
            "camtrap-dp": "tuilabel.exchange.camtrap_dp:write_camtrap_dp",
            "hf": "tuilabel.exchange.hf_folder:write_hf",
        },
    ),
    "stores": Group("store", {"folder": "tuilabel.journal.store:FolderStore"}),
}
"""Every extension point; its entry points are in the group ``tuilabel.`` and this name."""

BARE_SOURCES = ("digits", "mnist")
"""The built-in sources that are names without a path."""

PATH_SOURCES = ("folder", "array", "list", "glob", "table", "detections", "hf")
"""The built-in sources that are paths; the name is not needed where the path shows which."""

ARRAY_FILES, TABLE_FILES = (".npz", ".npy"), (".csv", ".tsv")
DETECTION_FILES, CELL_FILES = (".json",), (".parquet", ".arrow")
"""Endings of the files that are sources of these kinds; any other file is a list of paths."""

_PREFIX = "tuilabel."
_LEGIBLE = "/ =!,()[]'\""
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://")
_WILDCARDS = re.compile(r"[*?[]")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_LONGEST = 300
_FILE_ERRORS = (OSError, UnicodeEncodeError)
_PASSED = {"readers": _FILE_ERRORS, "writers": _FILE_ERRORS, "stores": (OSError,)}


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
            # Probably of the file, which is tuilabel's, or of the disk that a store is on.
            if isinstance(error, _PASSED.get(self.group, ())):
                raise
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


def check(group: str, name: str, *others: str) -> None:
    """Raise an error for a name that a group does not have; others may be chosen beside them.

    Raises
    ------
    UsageError
        There is none; the message lists those that there are.
    PluginError
        As `exists`.
    """
    if not exists(group, name):
        known = (*names(group), *others)
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


class Guarded:
    """A store that a plug-in's class makes; an unexpected error of a method is a `StoreError`.

    Parameters
    ----------
    group, name : str
        Of the function.
    argument : str
        What it is called with.
    returned : dict of str to type
        What methods return, where that is checked; a list is one of texts. ``name()`` is for the
        function that the method ``name`` returns.

    Raises
    ------
    UsageError, PluginError, OSError
        The function cannot be loaded, or has failed.
    """

    def __init__(self, group: str, name: str, argument: str, returned: Mapping[str, type]) -> None:
        self._blamed, self._returned = partial(blame, group, name), returned
        self._object = load(group, name)(argument)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return self._guarded(method, lambda: getattr(self._object, method))

    def _guarded(self, name: str, function: Callable[[], Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            try:
                with self._blamed():
                    found = function()(*arguments)
                    texts = found if isinstance(found, list) else ()
                    is_expected = isinstance(found, self._returned.get(name, object))
                    if not is_expected or any(type(text) is not str for text in texts):
                        raise TypeError(f"{name} returned {inert(repr(found), 40)}")
            except PluginError as error:
                raise StoreError(str(error)) from error
            return self._guarded(f"{name}()", lambda: found) if callable(found) else found

        return call


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
    """Return the name of a source, without its options, and its argument.

    Nothing is read but the names of entry points, and these only if a path looks like a name and
    an argument.

    Returns
    -------
    name : str
        A built-in one or, before a colon, one that a plug-in may have; empty for a path.
    argument : str or None
        What follows the colon, or the path; None for a built-in name without a colon.
    """
    head, colon, argument = source.partition(":")
    if head in BARE_SOURCES:
        return head, argument if colon else None
    name = head.partition("?")[0]
    if colon and name in PATH_SOURCES:
        return name, argument
    if colon and _NAME.fullmatch(head) and (not _is_there(source) or exists("sources", head)):
        return head, argument
    return "", source


def split_store(path: str) -> tuple[str, str] | None:
    """Return the name of a store and its argument; None for the path of a folder.

    Names of entry points are read only if nothing is at a path that looks like a name and an
    argument.

    Raises
    ------
    PluginError
        The plug-in cannot be used.
    """
    name, colon, argument = path.partition(":")
    if not colon or not _NAME.fullmatch(name) or name in GROUPS["sources"].built_in:
        return None
    return None if _is_there(path) or not exists("stores", name) else (name, argument)


def named_store(path: str) -> str:
    """Return the path of a session as it is found from any folder, see `named_source`."""
    name, argument = split_store(path) or ("", path)
    if not name or _is_there(argument):
        argument = str(Path(argument).absolute())
    return f"{name}:{argument}" if name else argument


def named_source(source: str) -> str:
    """Return a source as sessions record it: with the name of its kind, and an absolute path.

    The path of a folder or an array file has no name before it. An argument of a plug-in is a path
    if there is such a file or folder.
    """
    name, argument = split_source(source)
    if argument is None:
        return source
    head = source.partition(":")[0] if name else ""
    with suppress(OSError, RuntimeError, ValueError):  # opening the source reports an invalid name
        path = Path(argument).expanduser()
        if name in ("", *GROUPS["sources"].built_in) or _is_there(str(path)):
            argument = str(path.resolve())
            head = head or _kind_of(Path(argument))
    return f"{head}:{argument}" if head else argument


def _kind_of(path: Path) -> str:
    """Return the kind of a source by its path; empty for a folder, an array file or nothing."""
    if path.is_file():
        ending = path.suffix.lower()
        kinds = {
            "": ARRAY_FILES,
            "table": TABLE_FILES,
            "detections": DETECTION_FILES,
            "hf": CELL_FILES,
        }
        return next((kind for kind, endings in kinds.items() if ending in endings), "list")
    if path.is_dir():
        return "hf" if _is_hf_folder(path) else ""
    return "glob" if wildcard(str(path)) and not os.path.lexists(path) else ""


def _is_hf_folder(folder: Path) -> bool:
    """Return whether a folder is one of a Hugging Face dataset, by what it is known to have."""
    with suppress(OSError):
        if any((folder / name).is_file() for name in ("dataset_dict.json", "dataset_info.json")):
            return any(folder.glob("*.arrow")) or any(folder.glob("*/*.arrow"))
        return any((folder / "data").glob("*.parquet"))
    return False


def is_url(source: str) -> bool:
    """Return whether a source is a URL such as ``s3://bucket/photos``, and nothing else."""
    found = _URL.match(source)
    return found is not None and not _is_there(source) and not exists("sources", found[1])


def wildcard(path: str) -> bool:
    """Return whether a path has a character that stands for others."""
    return _WILDCARDS.search(path) is not None


def source_options(source: str) -> dict[str, str]:
    """Return the options of a source, such as ``where``, as `with_options` wrote them into it."""
    from urllib.parse import parse_qsl

    query = source.partition(":")[0].partition("?")[2] if split_source(source)[0] else ""
    return dict(parse_qsl(query, errors="surrogateescape"))


def with_options(source: str, **options: str) -> str:
    """Return a source with options in it, so that a session opens it with the same ones.

    Parameters
    ----------
    source : str
    **options : str
        Of a built-in source that takes them. Without any, the source is returned as it is.
    """
    if not options:
        return source
    from urllib.parse import quote, urlencode

    named = named_source(source)
    name, argument = split_source(named)
    every = {**source_options(named), **options}
    # All but colons and what the query needs stays legible.
    query = urlencode(every, safe=_LEGIBLE, errors="surrogateescape", quote_via=quote)
    return f"{name or 'folder'}?{query}:{argument}"


def place_of(source: str) -> str:
    """Return the file or folder that a source, as sessions record it, is read from; "" without one.

    Of a pattern, it is the folder above the first wildcard.
    """
    name, argument = split_source(source)
    if name == "glob":
        return pattern_parts(argument or "")[0]
    return argument or ""


def root_of(source: str) -> str | None:
    """Return the folder that paths in a source are relative to; None of one without paths.

    Parameters
    ----------
    source : str
        As sessions record it.
    """
    name, argument = split_source(source)
    if name == "glob":
        return place_of(source)
    if name in ("list", "table", "detections"):
        return source_options(source).get("root") or str(Path(argument or "").parent)
    return None


def pattern_parts(pattern: str) -> tuple[str, tuple[str, ...]]:
    """Return the folder above the first wildcard of a pattern, and the parts below it."""
    parts = Path(pattern).parts
    first = next((place for place, part in enumerate(parts) if wildcard(part)), len(parts) - 1)
    return str(Path(*parts[:first])), parts[first:]


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
