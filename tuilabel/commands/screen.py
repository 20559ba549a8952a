"""What the command line does before a full screen starts, and after it has ended."""

from __future__ import annotations

import gc
import os
import resource
import sys
from collections.abc import Sequence
from typing import Any

import click

from tuilabel.errors import UsageError
from tuilabel.process.signals import SIGNALS

_OPEN_FILES = 64
"""Files and pipes of a session, a screen, a trainer and processes that decode images."""


def check_keys(dataset: Any, settings: Any, *, yesno: bool = False) -> None:
    """Raise if keys are invalid, before a session is made or opened."""
    from tuilabel.tui.keymap.resolved import keymap_of

    keymap = keymap_of(settings)
    keymap.check_classes(dataset.class_names)
    if yesno:
        keymap.check_yesno(settings.yesno_keys)


def check_limits() -> None:
    """Allow this process enough open files, or raise an error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _OPEN_FILES:
        if hard != resource.RLIM_INFINITY and hard < _OPEN_FILES:
            raise UsageError(
                f"Only {hard} files may be open at once, but tuilabel needs {_OPEN_FILES}: raise "
                f"the limit, such as with `ulimit -n {_OPEN_FILES}`."
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, hard))


def terminal_for(settings: Any, answers: Any) -> dict[str, Any]:
    """Return what the terminal can show, and pass it on to textual before that is imported."""
    from tuilabel.tui.terminal.capabilities import prepare

    graphics = None
    if settings.graphics != "off":
        from tuilabel.tui.images.protocols.support import graphics_for

        graphics = graphics_for(settings.graphics, os.environ)
    colours = prepare(
        os.environ,
        color=settings.color,
        background=settings.background,
        blocks=settings.blocks,
        answered=answers.background,
        version=answers.version,
    )
    return {"colours": colours, "answers": answers, "graphics": graphics}


def prepare_screen() -> Any:
    """Return a probe that asks the terminal for its capabilities; start quickly.

    Until the first frame nothing is garbage, and collecting takes a tenth of the start: the
    application turns the collector on again. Numerical threads, which this process does not need,
    double the time that numpy takes to import. asyncio would load TLS, which only downloads need;
    they load it themselves.

    textual draws a frame at the next of its 60 ticks a second, which takes as long as everything
    else that a key causes: hence 500. Frames that the line cannot
    carry are held back by `tui/terminal/pacing.py`.
    """
    from tuilabel.tui.terminal.probe import Probe
    from tuilabel.tui.terminal.tty import TTY

    SIGNALS.listen(TTY.keys)
    gc.disable()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TEXTUAL_FPS", "500")
    without = sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]
    import asyncio  # noqa: F401

    if without is None:
        del sys.modules["ssl"]
    return Probe(os.environ["TERM"], TTY.keys, TTY.drawing)


def ask_open(host: str, probe: Any) -> bool:
    """Ask the annotator whether their window on another host is still open."""
    from tuilabel.text import inert
    from tuilabel.tui.terminal.tty import TTY

    probe.finish()
    with TTY.asking():
        return click.confirm(f"Your window on {inert(host, 80)} was not closed. Is it still open?")


def ask_folders(folders: Sequence[str], probe: Any = None) -> str | None:
    """Ask the annotator what the names of folders are; None if they are no classes."""
    from tuilabel.commands.options import FOLDERS
    from tuilabel.data.dataset import names_text
    from tuilabel.tui.terminal.tty import TTY

    if probe is not None:
        probe.finish()
    answers = (*FOLDERS, "none")
    with TTY.asking():
        answer = click.prompt(
            f"Are the names of the {len(folders)} folders ({names_text(folders)}) labels to "
            "continue from, suggestions to check, the truth, or none of these?",
            type=click.Choice([*answers, *(word[0] for word in answers)]),
            show_choices=False,
            prompt_suffix=f" [{'|'.join(answers)}] ",
            err=probe is not None,
        )
    found = next(word for word in answers if word.startswith(answer))
    return None if found == "none" else found


def outcome_of(ending: Any, status: int) -> tuple[str, ...]:
    """Return the sentences about the session at the end.

    After a crash, which has its own, there is none unless something is lost.
    """
    from tuilabel.process.crash import EXIT_CODE

    return () if status == EXIT_CODE and not ending.failed else ending.sentences


def report_failure(error: Exception) -> int:
    """Report an unexpected error, print where the report is, and return the exit status."""
    from tuilabel.process.crash import EXIT_CODE, report_crash, sentences
    from tuilabel.workspace.places import log_file

    report = report_crash(error, log_file().parent, {})
    for line in sentences(error, report, ""):
        click.echo(line, err=True)
    return EXIT_CODE
