"""What this terminal and this installation can do."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from tuilabel import __version__
from tuilabel.errors import TuilabelError
from tuilabel.file_systems import file_system_type, is_network_type
from tuilabel.process.crash import LIBRARIES, reports
from tuilabel.settings import Settings, config_file, resolve
from tuilabel.small_files import why_not_writable
from tuilabel.text import inert, shown_path
from tuilabel.tui.terminal.capabilities import Blocks, Colours, Depth, decide_colours, is_mlterm
from tuilabel.tui.terminal.job_control import has_job_control
from tuilabel.tui.terminal.probe import Probe, TerminalAnswers
from tuilabel.tui.terminal.relays import UNKNOWN
from tuilabel.tui.terminal.size import SMALLEST
from tuilabel.workspace.places import CachePlace, cache_place, data_dir, last_session, log_file

_DEPTHS = {
    Depth.TRUECOLOR: "all (truecolor)",
    Depth.PALETTE: "256",
    Depth.SIXTEEN: "16",
    Depth.NONE: "none",
}
_BLOCKS = {
    Blocks.OCTANT: "octants, two by four blocks",
    Blocks.BRAILLE: "quarter blocks and braille",
    Blocks.HALF: "half blocks and shades",
}
_LONGEST = 300


ThemeFor = Callable[[Colours, str], str]


def doctor_lines(theme_for: ThemeFor, protocols: Callable[[], Sequence[str]]) -> Iterator[str]:
    """Yield findings, one per line; what needs attention starts with an exclamation mark.

    Parameters
    ----------
    theme_for : callable
        From colours and the theme that is set to the theme in effect.
    protocols : callable
        Asks the terminal which graphics protocols it has.
    """
    yield f"tuilabel      {__version__}"
    yield f"python        {platform.python_version()} ({sys.executable})"
    yield f"system        {platform.system()} {platform.release()} {platform.machine()}"
    for library in LIBRARIES:
        try:
            yield f"{library:<14}{version(library)}"
        except PackageNotFoundError:
            yield f"! {library} is not installed: install tuilabel again."
    yield from _terminal(theme_for, protocols)
    cache = cache_place()
    for name, path in {
        "sessions": data_dir() / "sessions",
        "cache": cache.folder,
        "settings": config_file(),
        "log": log_file(),
        "last": last_session(),
    }.items():
        note = "" if path is None or path.exists() else " (not created yet)"
        yield f"{name:<14}{'none' if path is None else shown_path(path)}{note}"
    yield from cache_lines(cache)
    for what, folder in (
        ("sessions", data_dir()),
        ("the cache", cache.folder),
        ("logs", log_file().parent),
    ):
        problem = why_not_writable(folder)
        if problem is not None:
            yield f"! No place for {what}: {problem}. Free space there, or make it writable."
    for path in reports(log_file().parent)[-1:]:
        yield f"! Newest crash report: {shown_path(path)}"


def cache_lines(cache: CachePlace) -> Iterator[str]:
    """Yield the file system of the cache, and why it does not lie in the usual folder."""
    kind = file_system_type(cache.root)
    if kind is not None:
        yield f"cache disk    {inert(kind)}"
    if cache.network is not None:
        yield (
            "! The usual folder for the cache is on a network file system "
            f"({inert(cache.network)}), which has no reliable locks: {shown_path(cache.root)} is "
            "used. Set XDG_CACHE_HOME to a folder on a local disk to keep the cache when temporary "
            "files are removed."
        )
    elif is_network_type(kind):
        yield (
            "! The cache is on a network file system, and no local folder for temporary files "
            "can be written: set TMPDIR to one."
        )


def _terminal(theme_for: ThemeFor, protocols: Callable[[], Sequence[str]]) -> Iterator[str]:
    term = os.environ.get("TERM", "")
    yield f"TERM          {inert(term) or 'not set'}"
    yield f"COLORTERM     {inert(os.environ.get('COLORTERM', '')) or 'not set'}"
    if not sys.stdout.isatty():
        yield "terminal      standard output is not a terminal"
        return
    settings = Settings()
    try:
        settings = resolve({})
    except TuilabelError as error:
        yield f"! {inert(str(error), _LONGEST)}"
    can_answer = sys.stdin.isatty()
    answers = Probe(term, 0, 1).ask().finish() if can_answer else TerminalAnswers()
    yield from colour_lines(os.environ, settings, answers, theme_for)
    if can_answer:
        yield from keyboard_lines(answers, settings.key_delay, shell=has_job_control())
    if answers.round_trip is not None:
        yield f"graphics      {', '.join(protocols()) or 'none'}"
    columns, rows = shutil.get_terminal_size()
    yield f"size          {columns}x{rows}"
    if columns < SMALLEST[0] or rows < SMALLEST[1]:
        yield f"! tuilabel needs {SMALLEST[0]}x{SMALLEST[1]}: enlarge the terminal."


def keyboard_lines(answers: TerminalAnswers, key_delay: int, *, shell: bool) -> Iterator[str]:
    """Yield how soon a key counts after an image, and whether there is a shell to go back to.

    Parameters
    ----------
    answers : TerminalAnswers
        What the terminal reported about itself.
    key_delay : int
        Milliseconds.
    shell : bool
    """
    wait = f"keys wait {key_delay} ms after each image (--key-delay)"
    if answers.round_trip is None:
        yield f"! The terminal does not report its cursor: {wait}."
    elif answers.relay == UNKNOWN:
        yield (
            "! The terminal does not report its name, so that something else may answer in its "
            f"place: {wait}."
        )
    elif answers.relay:
        yield f"! {answers.relay} answers in place of the terminal, which may be far: {wait}."
    else:
        yield f"answers       in {1000 * answers.round_trip:.1f} ms"
    yield f"job control   {'Ctrl-Z and fg' if shell else 'none: there is no shell to go back to'}"


def colour_lines(
    environ: Mapping[str, str],
    settings: Settings,
    answers: TerminalAnswers,
    theme_for: ThemeFor,
) -> Iterator[str]:
    """Yield what images and text are drawn with, and why.

    Parameters
    ----------
    environ : mapping
    settings : Settings
    answers : TerminalAnswers
        What the terminal reported about itself.
    """
    colours = decide_colours(
        environ,
        color=settings.color,
        background=settings.background,
        blocks=settings.blocks,
        answered=answers.background,
        version=answers.version,
    )
    yield f"name          {inert(answers.version, _LONGEST) or 'not reported by the terminal'}"
    yield f"colours       {_DEPTHS[colours.depth]}"
    if settings.color == "auto" and colours.depth is Depth.NONE and environ.get("NO_COLOR"):
        yield "! NO_COLOR is set: images are drawn with shades. --color overrides it."
    elif settings.color == "auto" and is_mlterm(environ):
        yield "! mlterm keeps 240 colours of 24 bits, too few for images: 256 colours are used."
    elif settings.color == "auto" and colours.depth is not Depth.TRUECOLOR:
        yield (
            "! No more colours are known: SSH does not forward COLORTERM, which would name them. "
            "If the terminal shows 24-bit colour, use --color truecolor."
        )
    if settings.background != "auto":
        why = "as set"
    elif answers.background is not None:
        why = "reported by the terminal"
    else:
        why = "by COLORFGBG" if colours.is_told else "assumed; set it with --background"
    yield f"background    {'dark' if colours.dark else 'light'} ({why})"
    finest = next((name for block, name in _BLOCKS.items() if block in colours.blocks), "ASCII")
    yield f"characters    {finest}"
    theme = theme_for(colours, settings.theme)
    yield f"theme         {theme}"
    if settings.theme not in ("auto", theme):
        yield f"! The theme {settings.theme} needs more colours: {theme} is used."
