"""The printed table: measurement, goal and result."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

import tuilabel
from benchmarks.terminal.program import Repaint

_WHAT, _GOAL = 48, 28


def print_machine(source: str) -> None:
    """Print machine and versions, and the heading of the table."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    cpu = model[1] if model else platform.machine()
    print(f"{platform.platform()}; {cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}")
    print(
        f"python {platform.python_version()}, tuilabel {tuilabel.__version__}, "
        + ", ".join(f"{name} {version(name)}" for name in ("textual", "rich", "numpy"))
    )
    print(f"images: {source}\n")
    row("", "goal", "result")


def row(what: str, goal: str, result: str, met: bool | None = None) -> None:
    """Print a row; `met` is None for a row without a goal."""
    mark = {True: "  met", False: "  MISSED", None: ""}[met]
    print(f"{what:{_WHAT}}{goal:{_GOAL}}{result}{mark}".rstrip(), flush=True)


def note(text: str) -> None:
    """Print a note on the row above."""
    print(f"  {text}", flush=True)


def times(
    what: str,
    repaints: Sequence[Repaint],
    *,
    p95: float | None = None,
    p99: float | None = None,
) -> None:
    """Print milliseconds to the last byte, with goals for their percentiles."""
    found = np.percentile([repaint.ms for repaint in repaints], (50, 95, 99))
    goals = [(95, p95, found[1]), (99, p99, found[2])]
    wanted = [(name, most, value) for name, most, value in goals if most is not None]
    row(
        what,
        ", ".join(f"p{name} <= {most:g} ms" for name, most, _ in wanted),
        "p50 {:.1f}, p95 {:.1f}, p99 {:.1f} ms".format(*found) + f", n {len(repaints)}",
        all(value <= most for _, most, value in wanted) if wanted else None,
    )


def sizes(what: str, repaints: Sequence[Repaint]) -> None:
    """Print bytes: median, 95th percentile and mean."""
    row(what, "", _bytes(repaints))


def sizes_beside(
    what: str, repaints: Sequence[Repaint], bare: Sequence[Repaint], most: float
) -> None:
    """Print bytes, with a goal for the ratio of their mean to that of another program."""
    ratio = _mean(repaints) / _mean(bare)
    row(what, f"<= {most:g}x bare", f"{ratio:.2f}x: {_bytes(repaints)}", ratio <= most)


def numbers(
    what: str,
    found: Sequence[float],
    unit: str,
    *,
    most: float | None = None,
    digits: int = 0,
) -> None:
    """Print the median, which has to meet the goal, and the 95th percentile."""
    median, p95 = np.percentile(found, (50, 95))
    goal = "" if most is None else f"<= {most:g}{unit}"
    shown = f"{median:,.{digits}f}{unit} (p95 {p95:,.{digits}f}, n {len(found)})"
    row(what, goal, shown, None if most is None else bool(median <= most))


def _mean(repaints: Sequence[Repaint]) -> float:
    return float(np.mean([repaint.size for repaint in repaints]))


def _bytes(repaints: Sequence[Repaint]) -> str:
    p50, p95 = np.percentile([repaint.size for repaint in repaints], (50, 95))
    return f"p50 {p50:,.0f}, p95 {p95:,.0f}, mean {_mean(repaints):,.0f} bytes"
