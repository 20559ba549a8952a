"""Milliseconds and bytes from a label key to the last byte: idle, during fits, in row mode."""

from __future__ import annotations

import time

from benchmarks.terminal import table
from benchmarks.terminal.bench import FIRST_FRAME, Bench, held_on
from benchmarks.terminal.program import PATIENCE, Program, Repaint

SIZES = ((80, 24), (120, 40), (200, 60))
MOST_MS = {(80, 24): 12.0, (120, 40): 16.0, (200, 60): 16.0}
MOST_MS_P99 = 20.0
MOST_BYTES = 1.3
"""As a multiple of the bytes of bare escape codes."""

_KEYS = 40
"""Label keys per run and size, four batches."""


def calm_keys(bench: Bench) -> None:
    """Measure label keys while nothing else happens, and two programs for comparison."""
    for size in SIZES:
        name = "{}x{}".format(*size)
        repaints, cpu = _label(bench, size, ("--model", "softmax"), calm=True)
        bare, widgets = (_play(bench, kind, size) for kind in ("codes", "widgets"))
        table.times(f"label key, {name}", repaints, p95=MOST_MS[size], p99=MOST_MS_P99)
        table.times("  the last of its batch", repaints[9::10])
        table.numbers("  processor time, with the work that follows", cpu, " ms", digits=1)
        table.times("  for comparison: bare escape codes", bare)
        table.times("  for comparison: plain Textual widgets", widgets)
        table.sizes_beside(f"bytes of a label key, {name}", repaints, bare, MOST_BYTES)
        table.sizes("  the last of its batch", repaints[9::10])
        table.sizes("  for comparison: bare escape codes", bare)
        table.sizes("  for comparison: plain Textual widgets", widgets)


def keys_during_fits(bench: Bench) -> None:
    """Measure label keys while a slow model is fitted, and while features are computed too."""
    first, _ = _label(bench, SIZES[0], ("--model", "mlp"), calm=False, empty_cache=True)
    _make_features(bench)
    for size in SIZES:
        repaints, _ = _label(bench, size, ("--model", "mlp"), calm=False)
        _while_fitting("label key while an mlp is fitted, {}x{}".format(*size), repaints, size)
    _while_fitting("  and features are computed, 80x24", first, SIZES[0])


def _while_fitting(what: str, repaints: list[Repaint], size: tuple[int, int]) -> None:
    if repaints:
        table.times(what, repaints, p95=MOST_MS[size], p99=MOST_MS_P99)
    else:
        table.row(what, "", "there was no such moment")


def _make_features(bench: Bench) -> None:
    """Let the trainer compute the features of the pool, which stay in the cache."""
    program = bench.open(bench.new_session(), "--model", "mlp")
    for place in range(10):
        program.press(str(place % 10))
    calm, end = 0, time.perf_counter() + PATIENCE
    while calm < 20 and time.perf_counter() < end:
        program.read(0.05, first=0.05)
        calm = 0 if program.trainer_works() else calm + 1
    program.end()


def keys_at_once(bench: Bench, count: int = 200) -> None:
    """Write keys in one piece, and count those that were applied, held and lost."""
    for _ in range(bench.runs):
        session = bench.new_session()
        program = bench.open(session)
        program.press("1" * count)
        program.read(0.5, first=0.5)
        held = held_on(program.screen)
        program.end()
        applied = bench.labels(session)
        lost = count - applied - held
        result = f"{applied} applied, {held} held, {lost} lost"
        met = (applied, lost) == (1, 0)
        table.row(f"{count} keys at once", "1 applied, none lost", result, met)


def rows(bench: Bench) -> None:
    """Measure whole batches in row mode, ten keys in one write, and check that every key labels."""
    repaints, landed = [], 0
    for _ in range(bench.runs):
        session = bench.new_session()
        program = bench.open(session, "--model", "softmax", "--view", "row")
        for _ in range(_KEYS // 10):
            program.wait_idle()
            repaints.append(program.press("0123456789"))
        program.wait_idle()
        program.end()
        landed += bench.labels(session)
    typed = _KEYS * bench.runs
    met = landed == typed
    table.row("row mode, ten keys in one write", "all label", f"{landed} of {typed} labels", met)
    table.times("  to the last byte of all ten", repaints)
    table.sizes("  bytes of all ten", repaints)


def _label(
    bench: Bench,
    size: tuple[int, int],
    arguments: tuple[str, ...],
    *,
    calm: bool,
    empty_cache: bool = False,
) -> tuple[list[Repaint], list[float]]:
    """Press label keys; return their repaints, and each run's mean ms of processor time per key.

    With `calm`, each key waits until the trainer is idle. Without it, only keys that were pressed
    while the trainer was working count.
    """
    repaints, cpu = [], []
    for _ in range(bench.runs):
        session = bench.new_session()
        program = bench.open(session, *arguments, size=size, empty_cache=empty_cache)
        used = program.cpu_seconds()
        for place in range(_KEYS):
            if calm:
                program.wait_idle()
            working = program.trainer_works()
            repaint = program.press(str(place % 10))
            if calm or (working and program.trainer_works()):
                repaints.append(repaint)
        program.wait_idle()
        cpu.append(1000 * (program.cpu_seconds() - used) / _KEYS)
        program.end()
        missing = _KEYS - bench.labels(session)
        if missing:
            table.note(f"{missing} of {_KEYS} keys were held, as their image was not there yet")
    return repaints, cpu


def _play(bench: Bench, kind: str, size: tuple[int, int]) -> list[Repaint]:
    repaints = []
    for _ in range(bench.runs):
        program = Program(bench.for_scale(kind), bench.env, size)
        program.read_until(FIRST_FRAME)
        program.read(0.3, first=0.3)
        repaints += [program.press(str(place % 10)) for place in range(_KEYS)]
        program.end()
    return repaints
