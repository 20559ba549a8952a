"""Sentences that commands print."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from tuilabel.process.signals import SIGNALS
from tuilabel.text import (
    accuracy_text,
    counted,
    disputed_text,
    inert,
    share_text,
    shown_path,
    unmeasured_text,
)

if TYPE_CHECKING:
    from tuilabel.data import Dataset
    from tuilabel.session.classes import Classes
    from tuilabel.session.summary import (
        AnnotatorSummary,
        DisputeSummary,
        RemarkSummary,
        Summary,
    )
    from tuilabel.workspace.checking import CheckReport
    from tuilabel.workspace.classes import ClassSummary

_MOST_LISTED = 5
"""Disputes, checks of the rest and damaged parts that `status` names."""

_LONGEST_NAME = 40

_FILTERS = {"flagged": "is:flagged", "notes": "is:noted"}


def wrapped(text: str, stream: TextIO | None) -> str:
    """Return lines broken between words, where a terminal would break them inside of words."""
    if stream is None or not stream.isatty():
        return text
    width = shutil.get_terminal_size(_size_of(stream)).columns
    return "\n".join(
        textwrap.fill(
            line,
            width,
            subsequent_indent=line[: len(line) - len(line.lstrip())],
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.split("\n")
    )


def _size_of(stream: TextIO) -> tuple[int, int]:
    """Return the size of the terminal that a stream is, where standard output is none."""
    with contextlib.suppress(OSError):
        return os.get_terminal_size(stream.fileno())
    return 80, 24


def say(*lines: str, stream: TextIO | None = None) -> None:
    """Print lines; after a hang-up there is no terminal, and the exit status must be the same."""
    with contextlib.suppress(OSError):
        for line in lines:
            click.echo(wrapped(line, stream or sys.stdout), stream)


def say_after_screen(*lines: str) -> None:
    """Print lines on the terminal that a screen has left, in place of keys that it echoed since."""
    from tuilabel.tui.terminal.tty import TTY

    stream = TTY.shown(sys.stdout)
    if lines and stream.isatty():
        first, lines = lines[0], lines[1:]
        with contextlib.suppress(OSError):
            # EL, "erase to the end of the line"; in one piece, so that no key comes between.
            click.echo(f"\r\x1b[K{wrapped(first, stream)}", stream)
    say(*lines, stream=stream)


@contextlib.contextmanager
def data_output() -> Iterator[None]:
    """Let signals end the program while the reader of standard output keeps it waiting."""
    late = SIGNALS.late
    SIGNALS.resume()
    if late is not None:
        raise SystemExit(late)
    try:
        yield
    except SystemExit:
        # What is left to write would be written at the exit, and wait again.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        raise


def write_labels(path: Path) -> None:
    """Write the labels of a session to standard output, as JSON Lines, where that is redirected.

    Raises
    ------
    ExportError
        Standard output cannot be written, or would be appended to a file that is never changed.
    """
    from tuilabel.tui.terminal.tty import TTY

    if not TTY.frees_output:
        return
    from tuilabel.exchange import writer
    from tuilabel.exchange.guard import guard
    from tuilabel.exchange.output import export_to_stdout
    from tuilabel.exchange.rows import label_rows
    from tuilabel.session.view import SessionView
    from tuilabel.workspace.outputs import guarded

    view = SessionView(path)
    keep = guard(*guarded(view.source, path))
    with data_output():
        export_to_stdout(label_rows(view.labelled()), writer("jsonl"), keep)


def cannot_draw() -> str | None:
    """Return the reason why this terminal can only show lines; None if it can show a screen."""
    term = os.environ.get("TERM", "")
    if term not in ("", "dumb", "unknown"):
        return None
    found = f"TERM is {term!r}" if term else "TERM is not set"
    return f"{found}, so the terminal may not be able to draw: this is line mode, as with --line."


def status_lines(path: Path, summary: Summary) -> Iterator[str]:
    """Yield the summary of a session as aligned lines."""
    from tuilabel.learn.stopping import advice

    left = summary["pool_left"]
    yield f"session    {shown_path(path)}"
    yield f"source     {shown_path(summary['source'])}"
    if summary["window"] is not None:
        low, high = summary["window"]
        yield f"window     {low:,g} is shown as black, {high:,g} as white"
    of_groups = summary["groups"]
    groups = "" if of_groups is None else f" images in {counted(of_groups, 'group')}"
    yield (
        f"labels     {summary['labels']:,}{groups}"
        + ("" if left is None else f", {left:,} left to ask")
    )
    yield f"skipped    {summary['skipped']:,}" + _reasons(summary["skip_reasons"])
    yield from _remark_lines("flagged", summary["flagged"])
    yield from _remark_lines("notes", summary["notes"])
    yield from _dispute_lines(summary["disputes"])
    for check in summary["checks"][-_MOST_LISTED:]:
        yield f"rest       {check['text']}"
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
            + disputed_text(accuracy["disputed"])
            + ("" if summary["tallies"] is None else " (of whole sets of classes)")
        )
        yield from _recall_lines(summary)
    moved = summary["stopping"]
    if moved is not None:
        sentence = advice(moved["moved"], moved["agreement"], moved["n"])
        if sentence is not None:
            yield f"stopping   {sentence}"
    for name, count in summary["by_class"].items():
        yield f"  {count:>6,}   {inert(name)}{_tally_text(summary, name)}"
    yield from _example_lines(summary)
    for name, found in summary["annotators"].items():
        if found["labels"] or found["per_minute"] or found["here"]:
            yield f"by         {inert(name, _LONGEST_NAME)}: {_work_of(found)}"
    agreed = summary["agreement"]
    if agreed is not None:
        share = agreed["agreeing"] / agreed["items"]
        images = counted(
            agreed["items"],
            "image that several people labelled",
            "images that several people labelled",
        )
        yield f"agreement  {share:.1%}: {agreed['agreeing']:,} of {images}"
    problems = summary["problems"]
    for problem in problems[:_MOST_LISTED]:
        yield f"damaged    {problem}"
    if problems:
        more = len(problems) - _MOST_LISTED
        also = f"{more:,} more problems; " if more > 0 else ""
        yield f"           {also}`tuilabel check {shown_path(path)}` says how to heal the session"


def _tally_text(summary: Summary, name: str) -> str:
    """Return how well a class is predicted where an image may have several; or nothing."""
    found = (summary["tallies"] or {}).get(name)
    if found is None:
        return ""
    return (
        f": found for {found['found']:,} of {found['has']:,}, "
        f"wrongly for {found['wrong']:,} of {found['has_not']:,}"
    )


def _reasons(reasons: Mapping[str, int]) -> str:
    """Return how many skips have which reason, to follow their number; or nothing."""
    shown = [f"{count:,} {inert(why, 20)}" for why, count in [*reasons.items()][:_MOST_LISTED]]
    return f" ({', '.join(shown)})" if shown else ""


def _remark_lines(word: str, remarks: Sequence[RemarkSummary]) -> Iterator[str]:
    """Yield the images that somebody flagged, or wrote a note about."""
    if not remarks:
        return
    yield f"{word:<11}{counted(len({one['item'] for one in remarks}), 'image')}:"
    for one in remarks[:_MOST_LISTED]:
        text = "" if one["text"] is None else f": {inert(one['text'], 200)}"
        yield f"  {inert(one['reference'], 200)} (by {inert(one['by'], _LONGEST_NAME)}){text}"
    more = len(remarks) - _MOST_LISTED
    if more > 0:
        yield f"           {more:,} more; the filter {_FILTERS[word]} of the history (F6) lists all"


def _example_lines(summary: Summary) -> Iterator[str]:
    """Yield which classes have no label: accuracy says nothing about them."""
    names = summary["without_example"]
    if names and summary["labels"]:
        yield f"examples   no example of {_some(names)} yet"


def _recall_lines(summary: Summary) -> Iterator[str]:
    """Yield what the accuracy does not say: the balanced one, the worst class, those not there."""
    recall = summary["recall"]
    if recall is None:
        return
    balanced, worst = recall["balanced"], recall["worst"]
    if balanced is not None:
        share = share_text(balanced["value"], balanced["low"], balanced["high"])
        classes = counted(balanced["classes"], "class", "classes")
        yield f"balanced   {share}, the mean recall of {classes}, n = {balanced['n']:,}"
    if worst is not None:
        rate = recall["by_class"][worst]
        share = share_text(rate["value"], rate["low"], rate["high"])
        yield (
            f"worst      {inert(worst)}: {share}, {rate['found']:,} of {rate['n']:,} images found"
        )
    if recall["missing"]:
        yield f"unmeasured {unmeasured_text(_some(recall['missing']), recall['set'])}"


def _some(names: Sequence[str]) -> str:
    """Return names of classes, the first few where there are many."""
    shown = ", ".join(f"`{inert(name)}`" for name in names[:_MOST_LISTED])
    more = len(names) - _MOST_LISTED
    return shown + (f" and {counted(more, 'other')}" if more > 0 else "")


def class_lines(classes: Iterable[ClassSummary], known: Classes) -> Iterator[str]:
    """Yield the classes of a session as aligned lines, then what is wrong with them."""
    every = list(classes)
    if not every:
        yield "There are no classes."
    for found in every:
        state = ""
        if found["merged_into"] is not None:
            state = f"   merged into {inert(known.name(found['id']))}"
        elif known.get(found["id"]) is None:
            state = "   nobody has added this class"
        elif found["is_retired"]:
            state = "   retired"
        elif not found["labels"]:
            state = "   no example yet"
        yield f"{found['labels']:>8,}   {inert(found['name'])}{state}"
    for problem in known.problems:
        yield inert(problem, 400)


def _dispute_lines(disputes: Sequence[DisputeSummary]) -> Iterator[str]:
    if not disputes:
        return
    images = counted(len(disputes), "image")
    yield f"disputed   {images}, with as many answers for one class as another:"
    for dispute in disputes[:_MOST_LISTED]:
        said = ", ".join(
            f"{inert(by, _LONGEST_NAME)}: {inert(name, _LONGEST_NAME)}"
            for by, name in dispute["answers"].items()
        )
        audit = ", in the audit set" if dispute["audit"] else ""
        yield f"  {inert(said, 200)} ({inert(dispute['reference'], 200)}{audit})"
    more = len(disputes) - _MOST_LISTED
    also = f"{more:,} more; " if more > 0 else ""
    yield f"           {also}the history (F6) lists them all, and a class key settles one"


def _work_of(found: AnnotatorSummary) -> str:
    from tuilabel.tui.views.values import shown_time

    parts = [counted(found["labels"], "label")]
    if found["per_minute"]:
        parts.append(f"{found['per_minute']:,.0f} answers a minute")
    if found["here"]:
        parts.append("here now")
    elif found["last_seen"]:
        parts.append(f"last seen {shown_time(found['last_seen'])}")
    return ", ".join(parts)


def unreadable_lines(dataset: Dataset) -> Iterator[str]:
    """Yield the files of a source that cannot be read, one in each line."""
    files = dataset.skipped
    source = shown_path(dataset.source)
    yield f"{counted(len(files), 'file')} of {source} cannot be read" + (":" if files else ".")
    for path, reason in files:
        yield f"  {shown_path(path)} ({inert(reason, 200)})"


def check_lines(found: CheckReport, of_classes: Sequence[str]) -> Iterator[str]:
    """Yield a report on the files of a session in sentences, and what is wrong with its classes."""
    from tuilabel.journal.reader import Problem

    path = shown_path(found["session"])
    logs = counted(len(found["logs"]), "log")
    yield f"{path}: {logs}, {counted(found['events'], 'event')}."
    for log in found["logs"]:
        state = "ended" if log["has_ended"] else "open" if log["is_open"] else "not ended in order"
        who = f"{inert(log['annotator'] or '?')} on {inert(log['host'] or '?')}"
        yield f"  {shown_path(log['file'])}: {who}, {counted(log['events'], 'event')}, {state}"
    problems = [Problem(*problem) for problem in found["problems"]]
    for problem in problems:
        yield f"  {problem}"
    for text in of_classes:
        yield f"  classes: {inert(text, 400)}"
    for text in found["spot_checks"]:
        yield f"  {text}"
    if found["unjudged"]:
        names = ", ".join(map(shown_path, found["unjudged"]))
        yield f"Unknown: whether events are missing at the end of {names}."
    if problems and found["is_healed"]:
        yield (
            "Nothing is lost. Damaged logs may be deleted: an undamaged copy stands in for each."
        )
    elif problems:
        yield (
            "To heal the session, put an undamaged copy of a damaged or missing log into its "
            "folder `log`, beside the damaged one."
        )
    else:
        yield "Nothing is damaged or missing."
