"""What the screen costs on a real pseudo-terminal: milliseconds and bytes per key, start, idle.

Prints medians and tails, beside two other programs for scale: one that draws the same image with
bare escape codes and writes only the cells that change, and one made of plain Textual widgets. The
last byte is the last one before 30 ms of silence, stamped when it is read. Run it on an otherwise
idle machine: ``python benchmarks/terminal.py --mnist DIR``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pexpect
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import tuilabel

SIZES = ((80, 24), (120, 40), (200, 60))
QUIET = 0.03
"""Seconds of silence that end a repaint."""

PATIENCE = 30.0
FIRST_FRAME = r"\d labels?\b"
STROKES = 20_000
KEYS = 60
"""Label keys per run and size."""

HELLO = """
from textual.app import App
from textual.widgets import Static

class Hello(App):
    def compose(self):
        yield Static("hello 0 labels")

Hello().run()
"""

_QUERY = re.compile(rb"(?:\x1b\[(\d+);(\d+)H)?\x1b\[(?:6n|\?(\d+)\$p)")
_CODES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[\]])")

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Repaint:
    """What a key brought: milliseconds to its last byte, and how many bytes."""

    ms: float
    size: int


class Program:
    """A program on a pseudo-terminal that answers what terminals are asked."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (80, 24)
    ) -> None:
        columns, rows = size
        self.started = time.perf_counter()
        self._process = pexpect.spawn(
            command[0], list(command[1:]), env=dict(env), dimensions=(rows, columns), timeout=None
        )
        self._fd: int = self._process.child_fd
        self._tail = b""
        self.output = b""

    def read(self, quiet: float, first: float) -> float:
        """Read until nothing comes for `quiet` seconds, or for `first` seconds at the beginning.

        Gives the time at which the last byte was read, or 0 when nothing came.
        """
        last, wait = 0.0, first
        while select.select([self._fd], [], [], wait)[0]:
            try:
                data = os.read(self._fd, 2**16)
            except OSError:  # Linux says EIO when the program has ended
                break
            last, wait = time.perf_counter(), quiet
            self._answer(data)
            self.output += data
        return last

    def _answer(self, data: bytes) -> None:
        data = self._tail + data
        place = 0
        for query in _QUERY.finditer(data):
            place = query.end()
            row, column, mode = query.groups(default=b"1")
            known = 2 if mode == b"2026" else 0
            answer = b"\x1b[%b;%bR" % (row, column)
            os.write(self._fd, b"\x1b[?%b;%d$y" % (mode, known) if query[3] else answer)
        self._tail = data[max(place, len(data) - 16) :]

    def read_until(self, pattern: str) -> float:
        """Read until the text written so far has a pattern and silence follows."""
        end = time.perf_counter() + PATIENCE
        while time.perf_counter() < end:
            last = self.read(QUIET, first=1.0)
            if re.search(pattern, self.text):
                return last
        raise SystemExit(f"{pattern!r} never came; the program wrote:\n{self.text[-2000:]}")

    @property
    def text(self) -> str:
        """All that was written, without escape codes."""
        return _CODES.sub(b"", self.output).decode(errors="replace")

    def press(self, keys: str) -> Repaint:
        """Write keys at once and read what they bring."""
        before = len(self.output)
        pressed = time.perf_counter()
        os.write(self._fd, keys.encode())
        last = self.read(QUIET, first=1.0)
        return Repaint(max(0.0, last - pressed) * 1000, len(self.output) - before)

    def trainer_works(self) -> bool:
        """Tell whether the child process is computing at this moment."""
        tasks = Path(f"/proc/{self._process.pid}/task/{self._process.pid}")
        for child in (tasks / "children").read_text().split():
            with contextlib.suppress(OSError):  # it ended meanwhile
                stat = Path(f"/proc/{child}/stat").read_text()
                return stat.rpartition(")")[2].split()[0] == "R"
        return False

    def wait_idle(self) -> None:
        """Read until the trainer rests and nothing has come for a while."""
        calm = 0
        while calm < 3:
            came = self.read(QUIET, first=QUIET)
            calm = 0 if came or self.trainer_works() else calm + 1

    def end(self) -> None:
        """Press q and read to the end; what does not know that key is killed."""
        with contextlib.suppress(OSError):
            os.write(self._fd, b"q")
        self.read(1.0, first=1.0)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Bench:
    """The programs, the images and a folder for their sessions.

    Parameters
    ----------
    folder : Path
    mnist : Path, optional
        Where the IDX files are; without it strokes are drawn.
    runs : int
        How often everything is started.
    """

    def __init__(self, folder: Path, mnist: Path | None, runs: int) -> None:
        self.runs = runs
        self._folder = folder
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("TUILABEL_")},
            **{f"XDG_{kind}_HOME": str(folder / kind) for kind in ("DATA", "CACHE", "STATE")},
            "XDG_CONFIG_HOME": str(folder / "CONFIG"),
            "TMPDIR": str(folder),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "PYTHONPATH": str(Path(tuilabel.__file__).parent.parent),
        }
        self._strokes = folder / "strokes.npz"
        images, labels = strokes(np.random.default_rng(0), STROKES)
        np.savez(self._strokes, images=images, labels=labels)
        self.source = [str(self._strokes)]
        if mnist is not None:
            self.source = [f"mnist:{mnist}"]

    def tuilabel(self, *arguments: str) -> list[str]:
        """Give the command that runs `tuilabel`."""
        return [sys.executable, "-m", "tuilabel", *arguments]

    def bare(self, kind: str) -> list[str]:
        """Give the command that runs a program for scale, on the drawn strokes."""
        return [sys.executable, __file__, "--play", kind, str(self._strokes)]

    def new_session(self) -> Path:
        """Give a session file that does not exist yet."""
        return Path(tempfile.mkdtemp(dir=self._folder)) / "bench.tuilabel"

    def open(self, session: Path, *arguments: str, size: tuple[int, int] = (80, 24)) -> Program:
        """Start labelling and wait until everything rests."""
        command = self.tuilabel(*self.source, "--session", str(session), *arguments)
        program = Program(command, self.env, size)
        program.read_until(FIRST_FRAME)
        program.wait_idle()
        return program

    def labels(self, session: Path) -> int:
        """Give how many labels are in a session."""
        command = self.tuilabel("status", str(session), "--json")
        done = subprocess.run(command, env=self.env, stdout=subprocess.PIPE, check=True)
        return int(json.loads(done.stdout)["labels"])


def strokes(rng: np.random.Generator, count: int) -> tuple[Pictures, NDArray[np.int64]]:
    """Draw smooth strokes of ten kinds: (count, 28, 28) uint8, and their kinds."""
    kinds = rng.integers(0, 10, count)
    images = np.zeros((count, 28, 28), dtype=np.uint8)
    for image, kind in zip(images, kinds, strict=True):
        large = Image.new("L", (112, 112))
        bend = np.linspace(0, np.pi, 20)
        x = 56 + rng.uniform(30, 40) * np.cos(bend + kind * 0.63)
        y = 56 + rng.uniform(30, 40) * np.sin((1 + kind % 3) * bend)
        ImageDraw.Draw(large).line(list(zip(x, y, strict=True)), fill=255, width=10)
        image[:] = np.asarray(large.resize((28, 28), Image.Resampling.BILINEAR))
    return images, kinds


def label_keys(bench: Bench, size: tuple[int, int]) -> None:
    """Measure label keys, without fits and during long ones, and two programs for scale."""
    calm: list[Repaint] = []
    fitting: list[Repaint] = []
    for model, keys in (("softmax", KEYS), ("mlp", 2 * KEYS)) * bench.runs:
        session = bench.new_session()
        program = bench.open(session, "--model", model, size=size)
        for place in range(keys):
            if model == "softmax":
                program.wait_idle()
            working = program.trainer_works()
            repaint = program.press(str(place % 10))
            if model == "softmax":
                calm.append(repaint)
            elif working and program.trainer_works():
                fitting.append(repaint)
        held = held_in(program.text)
        program.end()
        if missing := keys - bench.labels(session):
            print(f"{size[0]:>3}x{size[1]} {model}: {held} keys held, {missing - held} lost")
    print_row(size, "label key", calm)
    print_row(size, "  the last of its batch", calm[9::10])
    print_row(size, "label key while an mlp is fitted", fitting)

    for kind, name in (("codes", "bare escape codes"), ("widgets", "plain Textual widgets")):
        repaints = []
        for _ in range(bench.runs):
            program = Program(bench.bare(kind), bench.env, size)
            program.read_until(FIRST_FRAME)
            program.read(0.3, first=0.3)
            repaints += [program.press(str(place % 10)) for place in range(KEYS)]
            program.end()
        print_row(size, f"for scale: {name}", repaints)


def held_in(text: str) -> int:
    """Give how many keys the screen said were held; its count starts anew with each image."""
    counts = [int(number) for number in re.findall(r"(\d+) w\w+ typed ahead", text)]
    return sum(a for a, b in zip(counts, [*counts[1:], 0], strict=False) if b <= a)


def keys_at_once(bench: Bench, count: int = 200) -> None:
    """Write keys in one piece; tell what became of each."""
    for _ in range(bench.runs):
        session = bench.new_session()
        program = bench.open(session)
        repaint = program.press("1" * count)
        program.read(0.5, first=0.5)
        held = held_in(program.text)
        program.end()
        applied = bench.labels(session)
        print(
            f"{count} keys at once: {applied} applied, {held} held, {count - applied - held} lost; "
            f"{repaint.ms:.1f} ms, {repaint.size:,} bytes"
        )


def start_up(bench: Bench) -> None:
    """Measure the first usable frame against a bare Textual program, pair by pair."""
    session = str(bench.new_session())
    command = bench.tuilabel("digits", "--session", session)
    programs = {"tuilabel digits": command, "hello in Textual": [sys.executable, "-c", HELLO]}
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    sizes: dict[str, list[int]] = {name: [] for name in programs}
    for run in range(bench.runs + 3):
        for name, start in programs.items():
            program = Program(start, bench.env)
            last = program.read_until(FIRST_FRAME)
            if run:  # the first pair warms the caches of the disk
                seconds[name].append(1000 * (last - program.started))
                sizes[name].append(len(program.output))
            program.end()
    for name in programs:
        print_numbers(f"start to first usable frame: {name}", seconds[name], "ms")
        print_numbers("  bytes of it", [float(size) for size in sizes[name]], "")
    ratios = [a / b for a, b in zip(*seconds.values(), strict=True)]
    print_numbers("  ratio, pair by pair", ratios, "", digits=2)


def help_text(bench: Bench) -> None:
    """Measure `--help` above what Python itself takes, pair by pair."""

    def seconds(command: Sequence[str]) -> float:
        began = time.perf_counter()
        subprocess.run(command, env=bench.env, stdout=subprocess.DEVNULL, check=True)
        return 1000 * (time.perf_counter() - began)

    python = [sys.executable, "-c", "pass"]
    pairs = [(seconds(bench.tuilabel("--help")), seconds(python)) for _ in range(bench.runs + 5)]
    print_numbers("--help", [whole for whole, _ in pairs[1:]], "ms")
    print_numbers("  above python -c pass", [whole - bare for whole, bare in pairs[1:]], "ms")


def silence(bench: Bench, seconds: float = 3.0) -> None:
    """Count the bytes of doing nothing, and of a key that does nothing."""
    program = bench.open(bench.new_session())
    program.read(1.0, first=1.0)
    before = len(program.output)
    program.read(seconds, first=seconds)
    idle = len(program.output) - before
    print(f"idle for {seconds:g} s: {idle} bytes; an unbound key: {program.press('Z').size} bytes")
    program.end()


# How it is printed.


def print_machine(source: Sequence[str]) -> None:
    """Say what this ran on."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    cpu = model[1] if model else platform.machine()
    print(f"{platform.platform()}; {cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}")
    print(
        f"python {platform.python_version()}, tuilabel {tuilabel.__version__}, "
        + ", ".join(f"{name} {version(name)}" for name in ("textual", "rich-pixels", "numpy"))
    )
    print(f"images: {' '.join(source)}\n")


def print_row(size: tuple[int, int], what: str, repaints: Sequence[Repaint]) -> None:
    """Print milliseconds to the last byte, and bytes."""
    if not repaints:
        raise SystemExit(f"{what}: there was no such moment")
    p50, p95, p99 = np.percentile([repaint.ms for repaint in repaints], (50, 95, 99))
    most = max(repaint.ms for repaint in repaints)
    b50, b95 = np.percentile([repaint.size for repaint in repaints], (50, 95))
    print(
        f"{size[0]:>3}x{size[1]} {what:34}{len(repaints):>5}"
        f"{p50:>8.1f}{p95:>8.1f}{p99:>8.1f}{most:>8.1f}{b50:>10,.0f}{b95:>10,.0f}",
        flush=True,
    )


def print_numbers(what: str, numbers: Sequence[float], unit: str, digits: int = 0) -> None:
    """Print the median, and the least and greatest."""
    shown = (statistics.median(numbers), min(numbers), max(numbers))
    median, least, most = (f"{number:,.{digits}f}" for number in shown)
    print(f"{what}: median {median} {unit} ({least} to {most}, n = {len(numbers)})", flush=True)


# The programs for scale.


def scale_of(columns: int, rows: int) -> int:
    """Give how many columns a pixel takes in the room that tuilabel has for its image."""
    return max(1, min((columns - 44) // 28, (rows - 8) * 2 // 28))


def play_codes(images: Pictures) -> None:
    """Draw an image per key with bare escape codes, writing only the cells that differ."""
    import termios
    import tty

    columns, rows = os.get_terminal_size()
    scale = scale_of(columns, rows)
    before = termios.tcgetattr(0)
    tty.setraw(0)
    shown: dict[tuple[int, int], tuple[int, int]] = {}
    labels, key = 0, b""
    while key != b"q":
        large = np.kron(images[labels % len(images)], np.ones((scale, scale), dtype=np.uint8))
        out, style, at = [], None, None
        for y in range(0, large.shape[0], 2):
            for x in range(large.shape[1]):
                cell = (int(large[y, x]), int(large[y + 1, x]))
                if shown.get((x, y)) == cell:
                    continue
                shown[x, y] = cell
                if at != (x, y):
                    out.append(f"\x1b[{y // 2 + 2};{x + 1}H")
                if style != cell:
                    (up, low), style = cell, cell
                    out.append(f"\x1b[38;2;{up};{up};{up};48;2;{low};{low};{low}m")
                out.append("▀")
                at = (x + 1, y)
        out.append(f"\x1b[m\x1b[{rows};1H{labels} labels")
        os.write(1, "".join(out).encode())
        key = os.read(0, 1)
        labels += 1
    termios.tcsetattr(0, termios.TCSANOW, before)


def play_widgets(images: Pictures) -> None:
    """Show an image per key, its neighbours, numbers and a curve with Textual's own widgets."""
    from rich.console import RenderableType
    from rich_pixels import Pixels
    from textual import events
    from textual.app import App, ComposeResult
    from textual.containers import Horizontal, Vertical
    from textual.widgets import Sparkline, Static

    columns, rows = os.get_terminal_size()
    scale = scale_of(columns, rows)

    def drawn(number: int, pixels: int) -> RenderableType:
        image = Image.fromarray(images[number % len(images)]).convert("RGB")
        large: RenderableType = Pixels.from_image(image.resize((pixels, pixels), 0))
        return large

    class Widgets(App[None]):
        CSS = "#main { height: 1fr; } #image { width: 1fr; } Vertical { width: 44; }"
        CSS += "#strip { height: 5; } #strip Static { width: 8; }"
        labels = 0

        def compose(self) -> ComposeResult:
            yield Static(id="header")
            with Horizontal(id="main"):
                yield Static(id="image")
                with Vertical():
                    yield Static(id="bars")
                    yield Sparkline([0.1, 0.5, 0.9])
            with Horizontal(id="strip"):
                for place in range(10):
                    yield Static(id=f"place{place}")
            yield Static(id="status")

        def on_mount(self) -> None:
            self.show()

        def show(self) -> None:
            number = self.labels
            shown: dict[str, RenderableType] = {
                "header": f"round {number // 10}  {number % 10 + 1} of 10",
                "image": drawn(number, 28 * scale),
                "bars": "\n".join(f"{c} {'█' * ((number + c) % 20)} {c}.0 %" for c in range(5)),
                "status": f"{number} labels",
            }
            shown |= {f"place{place}": drawn(number // 10 * 10 + place, 8) for place in range(10)}
            for name, content in shown.items():
                self.query_one(f"#{name}", Static).update(content)

        def on_key(self, event: events.Key) -> None:
            if event.key == "q":
                self.exit()
            self.labels += 1
            self.show()

    Widgets().run(mouse=False)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mnist", type=Path, metavar="DIR", help="folder of the IDX files")
    parser.add_argument("--runs", type=int, default=5, help="starts of each program (5)")
    parser.add_argument("--play", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.play:
        kind, path = arguments.play
        with np.load(path, allow_pickle=False) as archive:
            {"codes": play_codes, "widgets": play_widgets}[kind](archive["images"])
        return

    with tempfile.TemporaryDirectory(prefix="tuilabel-bench-") as folder:
        bench = Bench(Path(folder), arguments.mnist, arguments.runs)
        print_machine(bench.source)
        print(f"{'':41}{'n':>5}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}{'bytes':>10}{'p95':>10}")
        for size in SIZES:
            label_keys(bench, size)
        print()
        keys_at_once(bench)
        start_up(bench)
        help_text(bench)
        silence(bench)


if __name__ == "__main__":
    main()
