"""What the command line does for every screen before there is one, and after it."""

from __future__ import annotations

import gc
import os
import sys
from typing import Any

import click

from tuilabel.process.signals import SIGNALS


def check_keys(dataset: Any, settings: Any) -> None:
    """Refuse keys that cannot be, before a session is made or opened."""
    from tuilabel.tui.keymap.resolved import keymap_of

    keymap_of(settings).check_classes(dataset.class_names)


def terminal_for(settings: Any, answers: Any) -> dict[str, Any]:
    """Find out what the terminal can show, and let textual know before it is imported."""
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
    """Ask the terminal what it is, and make the start and the frames quick.

    Until the first frame nothing is garbage, and looking for it takes a tenth of the start: the
    application turns the collector on again. Numerical threads, of which this process needs none,
    double the time that numpy takes to import. asyncio would load TLS, which downloads load
    themselves and nothing else needs.

    A frame waits for the next beat after the last one: at textual's 60 a second, that is as long
    as all else that a key takes. What the line cannot carry is held back by `tui/screens/paced.py`.
    """
    from tuilabel.tui.terminal.probe import Probe

    SIGNALS.listen()
    gc.disable()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TEXTUAL_FPS", "500")
    without = sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]
    import asyncio  # noqa: F401

    if without is None:
        del sys.modules["ssl"]
    return Probe(os.environ["TERM"])


def outcome_of(work: Any, status: int) -> tuple[str, ...]:
    """Give what there is now; after a crash that was said already."""
    from tuilabel.process.crash import EXIT_CODE

    return () if status == EXIT_CODE else (work.outcome(),)


def say_crashed(error: Exception) -> int:
    """Report what nobody foresaw, and say where; give the status to end with."""
    from tuilabel.process.crash import EXIT_CODE, report_crash, sentences
    from tuilabel.workspace.places import log_file

    report = report_crash(error, log_file().parent, {})
    for line in sentences(error, report, ""):
        click.echo(line, err=True)
    return EXIT_CODE
