"""Measure labelling of photographs: `python -m benchmarks.photographs`.

Smooth photographs of 12 megapixels are made in TMPDIR, where they take at most 2 GB: a hundred
different ones, and copies of them with another comment inside, which are other files. On a real
terminal they are labelled at two labels a second. Printed are the milliseconds from a label key to
the last byte of the next image, for images that had been decoded ahead; how often one had not; and
the memory of the process that draws and of its children.
"""

from __future__ import annotations

import argparse
import statistics
import struct
import tempfile
import time
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.terminal import table
from benchmarks.terminal.bench import FIRST_FRAME, Bench
from benchmarks.terminal.program import QUIET, Program

WIDTH, HEIGHT = 4000, 3000
DIFFERENT = 100
MOST_BYTES = 400_000
MOST_MS, MOST_MB, MOST_MB_OF_CHILD = 50.0, 150.0, 600.0

_SIZES = ((80, 24), (140, 45))
_SHARPER = 0.25
"""A later repaint with this share of a label key's bytes is a picture that came late."""


def photograph(rng: np.random.Generator) -> bytes:
    """Return a smooth photograph as a JPEG of at most `MOST_BYTES`."""
    coarse = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = int(rng.integers(WIDTH)), int(rng.integers(HEIGHT))
        wide, high = rng.integers(60, 900, 2).tolist()
        colour = tuple(rng.integers(0, 256, 3).tolist())
        draw.ellipse((x - wide, y - high, x + wide, y + high), fill=colour)
    for quality in (85, 70, 50):
        file = BytesIO()
        image.save(file, "JPEG", quality=quality)
        if file.tell() <= MOST_BYTES:
            break
    return file.getvalue()


def with_comment(jpeg: bytes, text: bytes) -> bytes:
    """Return a JPEG with a comment segment behind its first marker."""
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + jpeg[2:]


def make_photographs(folder: Path, count: int) -> int:
    """Write photographs into a folder; return how many bytes they take."""
    rng = np.random.default_rng(0)
    made = [photograph(rng) for _ in range(min(count, DIFFERENT))]
    total = 0
    for number in range(count):
        data = with_comment(made[number % len(made)], b"%d" % number)
        (folder / f"IMG_{number:05d}.jpg").write_bytes(data)
        total += len(data)
    return total


def measure(bench: Bench, folder: Path, size: tuple[int, int], keys: int, rate: float) -> None:
    """Label photographs at a rate, and print what it took."""
    # Asked by doubt, equal photographs follow one another, and nothing is drawn.
    arguments = ["--classes", "plain,spotted", "--model", "softmax", "--strategy", "random"]
    session = str(bench.new_session())
    command = bench.tuilabel(str(folder), "--session", session, *arguments, "--color", "truecolor")
    program = Program(command, bench.env, size)
    program.read_until(FIRST_FRAME)
    program.wait_idle()
    ahead, late, memory = [], [], []
    peaks: dict[int, float] = {}
    used = program.cpu_seconds()
    for number in range(keys):
        before = len(program.output)
        pressed = program.write("12"[number % 2])
        last = program.read(QUIET, first=1.0)
        first = len(program.output) - before
        program.read(1.0 / rate, first=0.0)
        while (left := pressed + 1.0 / rate - time.perf_counter()) > 0:
            program.read(QUIET, first=left)
        later = len(program.output) - before - first
        milliseconds = 1000 * max(0.0, last - pressed)
        (late if later > _SHARPER * first else ahead).append((milliseconds, first))
        memory.append(program.megabytes()["Rss"])
        peaks.update(program.peaks_of_children())
    used = (program.cpu_seconds() - used) / keys
    program.end()
    name = f"{size[0]}x{size[1]}"
    times = sorted(each for each, _ in ahead)
    p95 = times[min(len(times) - 1, round(0.95 * len(times)))] if times else float("inf")
    middle = statistics.median(times) if times else float("inf")
    table.row(
        f"label key to the last byte, {name}, decoded ahead",
        f"p95 <= {MOST_MS:.0f} ms",
        f"p50 {middle:.1f}, p95 {p95:.1f}, most {max(times, default=0):.1f} ms",
        p95 <= MOST_MS,
    )
    table.row("  not decoded ahead", "", f"{len(late)} of {keys}")
    table.row("  kB of a label key", "", f"{statistics.median(b for _, b in ahead) / 1000:.1f}")
    table.row("  processor time of the drawing process, all of it", "", f"{1000 * used:.0f} ms")
    table.row(
        "  memory of the drawing process (Rss)",
        f"<= {MOST_MB:.0f} MB",
        f"{memory[0]:.0f} MB at first, {max(memory):.0f} MB at most",
        max(memory) <= MOST_MB,
    )
    table.row(
        "  memory of each child process (peak)",
        f"<= {MOST_MB_OF_CHILD:.0f} MB",
        ", ".join(f"{peak:.0f}" for peak in sorted(peaks.values())) + " MB",
        max(peaks.values()) <= MOST_MB_OF_CHILD,
    )


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.photographs", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--count", type=int, default=5000, help="photographs (5000)")
    parser.add_argument("--keys", type=int, default=100, help="label keys for each size (100)")
    parser.add_argument("--rate", type=float, default=2.0, help="labels a second (2)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tuilabel-photographs-") as name:
        folder = Path(name) / "photographs"
        folder.mkdir()
        total = make_photographs(folder, arguments.count)
        bench = Bench(Path(name), None, 1)
        table.print_machine(f"{arguments.count} photographs of 12 megapixels, {total / 1e6:.0f} MB")
        for size in _SIZES:
            measure(bench, folder, size, arguments.keys, arguments.rate)


if __name__ == "__main__":
    main()
