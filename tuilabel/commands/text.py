"""Sentences that commands print."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuilabel.text import accuracy_text, counted, inert, shown_path

if TYPE_CHECKING:
    from tuilabel.data import Dataset
    from tuilabel.journal import Summary
    from tuilabel.journal.repair import Repaired


def say(*lines: str) -> None:
    """Print lines; after a hang-up there is no terminal, and the exit status must be the same."""
    with contextlib.suppress(OSError):
        for line in lines:
            click.echo(line)


def terminal_problem() -> str | None:
    """Return the reason why no full screen can be drawn here; None if it can."""
    for stream, name in ((sys.stdin, "input"), (sys.stdout, "output"), (sys.stderr, "error")):
        if stream is None or not stream.isatty():
            return (
                f"Labelling needs a terminal, and standard {name} is not a terminal. "
                "`tuilabel label --line`, `tuilabel status` and `tuilabel export` work without; "
                "`tuilabel demo --help` describes the demo."
            )
    return None


def cannot_draw() -> str | None:
    """Return the reason why this terminal can only show lines; None if it can show a screen."""
    term = os.environ.get("TERM", "")
    if term not in ("", "dumb", "unknown"):
        return None
    found = f"TERM is {term!r}" if term else "TERM is not set"
    return f"{found}, so the terminal may not be able to draw: this is line mode, as with --line."


def status_lines(path: Path, summary: Summary) -> Iterator[str]:
    """Yield the summary of a session file as aligned lines."""
    from tuilabel.learn.stopping import advice

    left = summary["pool_left"]
    yield f"session    {shown_path(path)}"
    yield f"source     {shown_path(summary['source'])}"
    if summary["window"] is not None:
        low, high = summary["window"]
        yield f"window     {low:,g} is shown as black, {high:,g} as white"
    yield f"labels     {summary['labels']:,}" + ("" if left is None else f", {left:,} left to ask")
    yield f"skipped    {summary['skipped']:,}"
    if summary["auto_labels"]:
        yield f"auto       {summary['auto_labels']:,} labels assigned by a model"
    yield f"rounds     {summary['rounds']:,}"
    if summary["model"]:
        yield f"model      {summary['model']}, images chosen by {summary['strategy']}"
    if summary["fitted"]:
        fitted = summary["fitted"]
        yield (
            f"fitted     {inert(fitted['model'])} on {inert(fitted['features'])}, "
            f"images chosen by {inert(fitted['strategy'])}"
        )
    accuracy = summary["accuracy"]
    if accuracy is None:
        yield "accuracy   not measured yet"
    else:
        yield (
            "accuracy   "
            + accuracy_text(
                accuracy["value"],
                accuracy["low"],
                accuracy["high"],
                accuracy["n"],
                accuracy["set"],
            )
        )
    moved = summary["stopping"]
    if moved is not None:
        sentence = advice(moved["moved"], moved["agreement"], moved["n"])
        if sentence is not None:
            yield f"stopping   {sentence}"
    for name, count in summary["by_class"].items():
        yield f"  {count:>6,}   {inert(name)}"
    for name, count in summary["annotators"].items():
        yield f"by         {inert(name)}: {count:,}"


def skipped_lines(dataset: Dataset) -> Iterator[str]:
    """Yield the files of a source that cannot be read, one in each line."""
    files = dataset.skipped
    source = shown_path(dataset.source)
    yield f"{counted(len(files), 'file')} of {source} cannot be read" + (":" if files else ".")
    for path, reason in files:
        yield f"  {shown_path(path)} ({inert(reason, 200)})"


def repair_lines(done: Repaired) -> Iterator[str]:
    """Yield what a repair has found and done, in sentences."""
    from tuilabel.journal import Ledger
    from tuilabel.journal.repair import describe_gaps

    path = shown_path(done.path)
    ledger = Ledger.of(done.events)
    auto = counted(ledger.auto_labels_held, "auto-label")
    events = counted(len(done.events), "event")
    found = f"{events}, {counted(ledger.labels_held, 'label')}"
    found += f" and {auto}" if ledger.auto_labels_held else ""
    if done.problem is None:
        yield f"{path} is not damaged, and nothing was changed: {found}."
        return
    yield f"{path} is damaged: {inert(done.problem, 300)}."
    yield f"Found: {found}."
    missing = done.last - len(done.events)
    if missing:
        numbers = describe_gaps(done.gaps)
        yield f"Lost: {missing:,} of {counted(done.last, 'event')}, numbered {numbers}."
    else:
        yield f"Lost: none of {counted(done.last, 'event')}."
    if done.dropped:
        yield f"Left out: {counted(done.dropped, 'invalid event')}."
    yield f"Unknown: whether there were events after number {done.last:,}."
    if done.unchecked:
        yield (
            f"Unknown: whether {counted(done.unchecked, 'event')} from pages without a checksum "
            "are unchanged."
        )
    if done.written is None:
        yield "Nothing was written."
    else:
        yield f"Written: {shown_path(done.written)}."
    if done.kept is not None:
        yield f"The damaged file is kept as {shown_path(done.kept)}."
