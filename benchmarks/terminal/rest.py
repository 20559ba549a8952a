"""Start, memory, and the output and processor time while nothing happens."""

from __future__ import annotations

import sys
import time

from benchmarks.terminal import table
from benchmarks.terminal.bench import FIRST_FRAME, Bench, seconds_of
from benchmarks.terminal.program import Program

_HELLO = """
from textual.app import App
from textual.widgets import Static

class Hello(App):
    def compose(self):
        yield Static("hello 0 labels")

Hello().run()
"""

_IDLE = 10.0
"""Seconds without any key."""


def start_up(bench: Bench) -> None:
    """Measure the first usable frame against a bare Textual program, pair by pair."""
    session = str(bench.new_session())
    programs = {
        "tuilabel digits": bench.tuilabel("digits", "--session", session),
        "a line of text in Textual": [sys.executable, "-c", _HELLO],
    }
    ms: dict[str, list[float]] = {name: [] for name in programs}
    sizes: dict[str, list[float]] = {name: [] for name in programs}
    for run in range(bench.runs + 3):
        for name, command in programs.items():
            program = Program(command, bench.env)
            last = program.read_until(FIRST_FRAME)
            if run:  # the first pair warms the disk caches
                ms[name].append(1000 * (last - program.started))
                sizes[name].append(len(program.output))
            program.end()
    ratios = [one / other for one, other in zip(*ms.values(), strict=True)]
    table.numbers("start to first usable frame, to Textual's", ratios, "x", most=1.5, digits=2)
    for name in programs:
        table.numbers(f"  {name}", ms[name], " ms")
        table.numbers("    bytes", sizes[name], "")


def help_text(bench: Bench) -> None:
    """Measure the processor time of `--help` above that of Python itself, pair by pair."""
    python = [sys.executable, "-c", "pass"]
    above = [
        1000 * (seconds_of(bench.tuilabel("--help"), bench.env) - seconds_of(python, bench.env))
        for _ in range(bench.runs + 5)
    ]
    table.numbers("--help above `python -c pass`, processor time", above, " ms")


def memory(bench: Bench) -> None:
    """Measure the memory of the app after 30 labels; the goal is for MNIST's 60,000 images."""
    found = []
    for _ in range(min(bench.runs, 3)):
        program = bench.open(bench.new_session())
        for place in range(30):
            program.press(str(place % 10))
        program.wait_idle()
        found.append(program.megabytes())
        program.end()
    most = 90 if bench.is_mnist else None
    resident = [megabytes["Rss"] for megabytes in found]
    table.numbers("resident memory of the app's process", resident, " MB", most=most)
    table.numbers("  with its share of shared pages (PSS)", [one["Pss"] for one in found], " MB")


def silence(bench: Bench) -> None:
    """Measure output and processor time while nothing happens, and the output of an unbound key."""
    idle, unbound, cpu = [], [], []
    for _ in range(min(bench.runs, 3)):
        # Everything for digits is prepared within a second or two, so the program is idle then.
        program = bench.open(bench.new_session(), source="digits")
        program.press("1")
        program.wait_idle()
        program.read(_IDLE, first=3.0)
        before, used, began = len(program.output), program.cpu_seconds(), time.perf_counter()
        program.read(_IDLE, first=_IDLE)
        idle.append(float(len(program.output) - before))
        cpu.append(100 * (program.cpu_seconds() - used) / max(time.perf_counter() - began, 1e-3))
        unbound.append(float(program.press("Z").size))
        program.end()
    table.numbers(f"bytes written while idle for {_IDLE:g} s", idle, "", most=0)
    table.numbers("bytes written for an unbound key", unbound, "", most=0)
    table.numbers("processor while idle", cpu, " %", most=0.5, digits=2)


def status_and_curve(bench: Bench) -> None:
    """Measure the bytes of a fit that changes no image, with batches of one."""
    found = []
    for _ in range(bench.runs):
        program = bench.open(bench.new_session(), "--batch-size", "1", "--model", "softmax")
        for place in range(10):
            program.press(str(place % 10))
            before = len(program.output)
            program.wait_idle()
            if place > 3:  # there is a curve by then
                found.append(float(len(program.output) - before))
        program.end()
    table.numbers("bytes of status and curve when a fit arrives", found, "", most=600)
