"""Measure the screen on a real terminal, and print one table with the goals beside the results.

It measures label keys, start, memory, bytes, and slow and distant lines. For comparison it runs a
program of bare escape codes that writes only the cells that change, and one of plain Textual
widgets. The last byte of a key is the last one before 30 ms of silence; its time is when it is
read. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.terminal import keys, lines, rest, table
from benchmarks.terminal.bench import Bench

PARTS = {
    "keys": keys.calm_keys,
    "fits": keys.keys_during_fits,
    "rows": keys.rows,
    "burst": keys.keys_at_once,
    "status": rest.status_and_curve,
    "silence": rest.silence,
    "start": rest.start_up,
    "help": rest.help_text,
    "memory": rest.memory,
    "thin": lines.thin_line,
    "ssh": lines.over_ssh,
}


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.terminal", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--mnist", type=Path, metavar="DIR", help="folder of the IDX files")
    parser.add_argument("--runs", type=int, default=5, help="starts of each program (5)")
    parser.add_argument(
        "--only", action="append", choices=PARTS, metavar="PART", help=", ".join(PARTS)
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tuilabel-bench-") as folder:
        bench = Bench(Path(folder), arguments.mnist, arguments.runs)
        table.print_machine(bench.source)
        began = time.perf_counter()
        for name, measure in PARTS.items():
            if not arguments.only or name in arguments.only:
                measure(bench)
        print(f"\n{arguments.runs} runs, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
