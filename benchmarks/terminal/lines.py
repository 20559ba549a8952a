"""Slow and distant lines: 100 KB a second, and an SSH server at a round trip of 150 ms."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.terminal import table
from benchmarks.terminal.bench import FIRST_FRAME, Bench
from benchmarks.terminal.program import QUIET, Program
from tests.peers.link import Link, SshServer, why_no_ssh

_RATE = 100_000
_KEYS = 40
_KEYS_A_SECOND = 8
_ROUND_TRIP = 0.15
_SETTLED = 0.1
"""Seconds of silence that end the repaint of the last key; the output of a fit comes later."""


def thin_line(bench: Bench) -> None:
    """Measure how long output goes on after the last of 8 keys a second over 100 KB a second."""
    for mode in ("auto", "slow"):
        late, held, sizes = [], 0, []
        for _ in range(bench.runs):
            session = bench.new_session()
            program = bench.open(session, "--link", mode, bytes_per_second=_RATE)
            before = len(program.output)
            began = time.perf_counter()
            for place in range(_KEYS):
                _read_to(program, began + place / _KEYS_A_SECOND)
                pressed = program.write(str(place % 10))
            late.append(max(0.0, program.read(_SETTLED, first=1.0) - pressed))
            sizes.append((len(program.output) - before) / _KEYS)
            program.end()
            held += _KEYS - bench.labels(session)
        what = f"{_KEYS} keys at 8 a second, 100 KB/s, --link {mode}"
        table.numbers(what, late, " s after the last", most=0.3, digits=2)
        table.numbers("  bytes per key", sizes, "")
        if held:
            keys = f"{held} of {_KEYS * bench.runs} keys"
            table.note(f"{keys} were held, as their image was not there yet")


def _read_to(program: Program, end: float) -> None:
    while (left := end - time.perf_counter()) > 0:
        program.read(min(left, 0.005), first=min(left, 0.005))


def over_ssh(bench: Bench) -> None:
    """Measure the round trips from a key to its image over SSH with a round trip of 150 ms."""
    reason = why_no_ssh()
    if reason is not None:
        table.row("over SSH, round trip of 150 ms", "", f"not measured: {reason}")
        return
    trips: list[float] = []
    batches: list[float] = []
    landed = 0
    folder = bench.folder / "sshd"
    folder.mkdir()
    with (
        SshServer(folder) as server,
        Link(server.port, round_trip=_ROUND_TRIP) as line,
    ):
        for _ in range(bench.runs):
            program = _ssh(bench, server, line, bench.new_session())
            for place in range(9):  # a batch without its end
                program.read(3 * _ROUND_TRIP, first=3 * _ROUND_TRIP)
                frames, pressed = len(program.asked), time.perf_counter()
                program.press(str(place % 10), quiet=2 * _ROUND_TRIP)
                # The image is in the first frame; news of the trainer come in later ones.
                trips.append((program.asked[frames] - pressed) / _ROUND_TRIP)
            program.end()
            session = bench.new_session()
            program = _ssh(bench, server, line, session, "--view", "row")
            for _ in range(2):
                repaint = program.press("0123456789", quiet=2 * _ROUND_TRIP)
                batches.append(repaint.ms / 1000 / _ROUND_TRIP)
                program.read(1.0, first=1.0)
            program.end()
            landed += bench.labels(session)
    table.numbers("key to image over SSH at 150 ms, round trips", trips, "", most=1.5, digits=2)
    typed = 20 * bench.runs
    what = "row mode over SSH, ten keys in one write"
    table.row(what, "all label", f"{landed} of {typed} labels", landed == typed)
    table.numbers("  to the last byte of all ten, round trips", batches, "", digits=2)


def _ssh(bench: Bench, server: SshServer, line: Link, session: Path, *options: str) -> Program:
    words = bench.tuilabel(bench.source, "--session", str(session), *options)
    kept = ("XDG_", "TMPDIR", "PYTHONPATH", "LANG")
    env = {key: value for key, value in bench.env.items() if key.startswith(kept)}
    program = Program(server.client(*words, env=env, port=line.port), bench.env)
    program.read_until(FIRST_FRAME)
    program.read(1.0 + QUIET, first=1.0)
    return program
