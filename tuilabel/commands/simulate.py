"""What `tuilabel simulate` does: open a source, run, write files, print."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from tuilabel.commands.options import comma_separated, count_options, some_of
from tuilabel.commands.progress import ProgressLine
from tuilabel.errors import UsageError
from tuilabel.exchange.output import check_output, write_whole
from tuilabel.learn.names import COLD_START_NAMES, FEATURE_NAMES, MODEL_NAMES, STRATEGY_NAMES

if TYPE_CHECKING:
    from tuilabel.data import Dataset
    from tuilabel.simulate import Results

TARGETS = ("0.9", "0.95")
INTERRUPTED = 130

_USUAL_WIDTH = 80
_OUTPUTS = ("json_", "csv_", "plot")
_PLAN = {
    "strategy": "strategies",
    "model": "models",
    "features": "features",
    "cold_start": "cold_starts",
    "budget": "budget",
    "batch_size": "batch_size",
    "seeds": "seeds",
    "epsilon": "epsilon",
}
"""Which part of a `tuilabel.simulate.Plan` each option gives."""


@click.command("simulate")
@click.argument("source", type=click.Path())
@count_options
@click.option("--strategy", **some_of(STRATEGY_NAMES), help="What is asked next.")
@click.option("--model", **some_of(MODEL_NAMES), help="What learns.")
@click.option("--features", **some_of(FEATURE_NAMES), help="What it sees.")
@click.option("--cold-start", **some_of(COLD_START_NAMES), help="What is asked first.")
@click.option(
    "--epsilon",
    type=float,
    metavar="SHARE",
    help="Share of each batch to draw at random.  [default: 0]",
)
@click.option("--budget", type=int, metavar="N", help="Labels in each run.  [default: 400]")
@click.option("--batch-size", type=int, metavar="N", help="Labels between two fits.  [default: 10]")
@click.option(
    "--seeds", type=int, metavar="N", help="Runs of each, with seeds 0 to N - 1.  [default: 5]"
)
@click.option(
    "--target",
    metavar="SHARE,...",
    callback=comma_separated,
    help="Accuracies to count the labels for.  [default: 0.9,0.95]",
)
@click.option("--jobs", type=int, metavar="N", help="Processes to run in.  [default: 1]")
@click.option("--json", "json_", type=click.Path(), metavar="F", help="Write all runs as JSON.")
@click.option("--csv", "csv_", type=click.Path(), metavar="F", help="Write all runs as CSV.")
@click.option("--plot", type=click.Path(), metavar="F.svg|F.png", help="Draw the learning curves.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option(
    "--progress",
    is_flag=True,
    help="Tell how far it is where standard error is no terminal, too.",
)
@click.option(
    "--protocol",
    type=click.Choice(["article"]),
    help="Run another experiment: the article's, on MNIST.",
)
@click.option(
    "--perturb",
    type=int,
    metavar="K",
    help="With --protocol article: the band of K runs that differ in the last digits.",
)
def simulate(
    source: str, progress: bool, protocol: str | None, perturb: int | None, **options: Any
) -> None:
    """Compare strategies, with the ground truth as annotator.

    SOURCE needs ground truth, such as digits or mnist. Options that take several names, such as
    `--strategy margin,badge`, are run in every combination; `auto`, the default of each, is what
    `label` does by itself. The random baseline is always run too. After Ctrl-C the same command
    goes on from there.
    """
    from tuilabel.commands.simulate import (
        INTERRUPTED,
        compare,
        run_the_article,
        use_one_thread,
    )

    use_one_thread()
    if protocol is None and perturb is not None:
        raise UsageError("--perturb belongs to --protocol article: give both or neither.")
    line = ProgressLine(everywhere=progress)
    try:
        if protocol is None:
            status = compare(source, options, line)
        else:
            status = run_the_article(source, perturb or 0, options, line)
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        status = INTERRUPTED
    sys.exit(status)


def use_one_thread() -> None:
    """Make what is computed the same every time, before numerical libraries are loaded."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def compare(source: str, options: Mapping[str, Any], told: ProgressLine) -> int:
    """Simulate every combination of what the options name.

    Parameters
    ----------
    source : str
    options : mapping
        From the names of the command's parameters to their values, None where not given.
    told : ProgressLine
        Where it is told how far all is.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    TuilabelError
        Whatever is wrong with the options or the source, before anything is run.
    """
    from tuilabel.simulate import InterruptedSimulation, KeptRuns, Plan, simulate
    from tuilabel.simulate.plot import check_plot
    from tuilabel.simulate.results import shares
    from tuilabel.simulate.table import progress_line, result_lines
    from tuilabel.workspace.places import cache_dir, data_dir

    outputs = Outputs(options)
    targets = shares("--target", options["target"] or TARGETS)
    given = {part: options[name] for name, part in _PLAN.items() if options[name] is not None}
    plan = Plan(**given)
    if options["plot"] is not None:
        check_plot(Path(options["plot"]))
    with closing(told) as progress:
        dataset = _open(source, options, progress)
        kept = KeptRuns(data_dir() / "simulations", dataset, plan)
        found = len(kept.load())
        if found:
            click.echo(f"{found} of {len(plan.runs())} runs are there from before.", err=True)
        interrupted = False
        try:
            results = simulate(
                dataset,
                plan,
                jobs=1 if options["jobs"] is None else options["jobs"],
                progress=lambda done: progress.line(progress_line(done)),
                kept=kept,
                cache_folder=cache_dir() / "features",
            )
        except InterruptedSimulation as interruption:
            results, interrupted = interruption.results, True
    if not interrupted:
        outputs.write(_contents(results, targets, options["plot"]))
    if results.runs:
        for line in result_lines(results, targets, _width()):
            click.echo(line)
    if not interrupted:
        # Only now has somebody got what the runs were for.
        kept.remove()
    else:
        done = f"{len(results.runs)} of {len(plan.runs())} runs are done"
        hint = "; the same command goes on from there" if kept.problem is None else ""
        click.echo(f"Interrupted: {done}{hint}.", err=True)
    return INTERRUPTED if interrupted else 0


def run_the_article(
    source: str, perturb: int, options: Mapping[str, Any], told: ProgressLine
) -> int:
    """Run the article's protocol; parameters and errors as for `compare`."""
    for name, value in options.items():
        if value is not None and name not in ("json_", "force"):
            raise UsageError(
                f"--{name.strip('_').replace('_', '-')} has no meaning with --protocol article, "
                "which fixes all but --perturb and --json. Leave it out."
            )
    if source != "mnist" and not source.startswith("mnist:"):
        raise UsageError("--protocol article is about MNIST: give mnist or mnist:DIR as SOURCE.")
    import numpy as np

    from tuilabel.commands.printing import PicturePrinter, SheetLayout, SheetTile, echo
    from tuilabel.simulate.article import article_lines, run_article

    outputs = Outputs(options)
    with closing(told) as progress:
        dataset = _open(source, options, progress)
        if dataset.truth is None or dataset.holdout is None:
            raise UsageError("--protocol article needs ground truth, which this source has not.")
        report = run_article(
            dataset.pool,
            dataset.truth,
            dataset.holdout.images,
            dataset.holdout.truth,
            perturb=perturb,
            rng=np.random.default_rng(0),
            progress=progress,
        )
    outputs.write({"json_": lambda: json.dumps(report.to_json()).encode() + b"\n"})
    printer = PicturePrinter({})

    def draw(tiles: Sequence[SheetTile], columns: int) -> Iterator[str]:
        height, width = tiles[0][0].shape
        columns = min(columns, width)
        rows = max(1, round(columns * height / width / 2))
        return printer.sheet(tiles, SheetLayout(columns, rows, len(tiles)))

    echo(article_lines(report, _width(), draw))
    return 0


class Outputs:
    """Files to write in the end, refused at once where they could not be.

    Parameters
    ----------
    options : mapping
        As for `compare`.

    Raises
    ------
    UsageError
        Two outputs have one name.
    ExportError
        A file exists and is not to be replaced, or cannot be written.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._force: bool = options["force"]
        self._paths: dict[str, Path] = {}
        for name in _OUTPUTS:
            if options[name] is None:
                continue
            path = Path(options[name])
            if path in self._paths.values():
                raise UsageError(f"{path} is named twice: give each output a file of its own.")
            check_output(path, force=self._force)
            self._paths[name] = path

    def write(self, contents: Mapping[str, Callable[[], bytes]]) -> None:
        """Write those that are wanted; raises as `write_whole` does."""
        for name, path in self._paths.items():
            content = contents[name]()

            def write(file: BinaryIO, content: bytes = content) -> None:
                file.write(content)

            write_whole(path, write, force=self._force)


def _contents(
    results: Results, targets: tuple[float, ...], plot: str | None
) -> dict[str, Callable[[], bytes]]:
    from tuilabel.simulate.plot import draw_plot
    from tuilabel.simulate.results import as_csv, as_json

    return {
        "json_": lambda: as_json(results, targets),
        "csv_": lambda: as_csv(results),
        "plot": lambda: draw_plot(results, Path(plot or "").suffix),
    }


def _open(source: str, options: Mapping[str, Any], progress: ProgressLine) -> Dataset:
    from tuilabel.data import open_dataset
    from tuilabel.workspace.places import cache_dir

    return open_dataset(
        source,
        classes=options["classes"],
        pool=options["pool"],
        test=options["test"],
        cache_dir=cache_dir(),
        progress=progress,
    )


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _USUAL_WIDTH
