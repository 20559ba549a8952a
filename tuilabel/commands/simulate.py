"""The command `simulate`: open a source, run, write files, print."""

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

from tuilabel.commands.completion import complete_sources
from tuilabel.commands.options import comma_separated, count_options, setting_options, some_of
from tuilabel.commands.progress import ProgressLine
from tuilabel.commands.sources import choose_source
from tuilabel.errors import UnnamedClassesError, UsageError
from tuilabel.plugins import split_source
from tuilabel.settings import SETTINGS

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
"""The field of a `tuilabel.simulate.Plan` that each option sets."""


def _several(name: str) -> Callable[..., Any]:
    """Return an option with several values of a setting."""
    setting = SETTINGS[name]
    named = some_of(setting.values.choices, setting.values.group)
    return click.option(setting.option, **named, help=setting.help)


@click.command("simulate")
@click.argument("source", type=click.Path(), shell_complete=complete_sources)
@count_options
@_several("model")
@_several("features")
@_several("strategy")
@_several("cold_start")
@setting_options("epsilon", "batch_size")
@click.option("--budget", type=int, metavar="N", help="Labels in each run.  [default: 400]")
@click.option(
    "--seeds",
    type=int,
    metavar="N",
    help="Runs of each combination, with seeds 0 to N - 1.  [default: 5]",
)
@click.option(
    "--target",
    metavar="SHARE,...",
    callback=comma_separated,
    help="Accuracies to report the number of labels for.  [default: 0.9,0.95]",
)
@click.option("--jobs", type=int, metavar="N", help="Number of processes.  [default: 1]")
@click.option("--json", "json_", type=click.Path(), metavar="F", help="Write all runs as JSON.")
@click.option("--csv", "csv_", type=click.Path(), metavar="F", help="Write all runs as CSV.")
@click.option("--plot", type=click.Path(), metavar="F.svg|F.png", help="Draw the learning curves.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option(
    "--progress",
    is_flag=True,
    help="Report progress even if standard error is not a terminal.",
)
@click.option(
    "--protocol",
    type=click.Choice(["article"]),
    help="Run the experiment of the article, on MNIST.",
)
@click.option(
    "--perturb",
    type=int,
    metavar="K",
    help="With --protocol article: show the band of K runs that differ in the last digits.",
)
def simulate(
    source: str, progress: bool, protocol: str | None, perturb: int | None, **options: Any
) -> None:
    """Compare strategies, with ground truth as the annotator.

    SOURCE needs ground truth, such as digits or mnist. Options that take several names, such as
    `--strategy margin,badge`, are run in every combination; their default is `auto`, as in `label`.
    The random baseline is always included. After Ctrl-C, the same command continues.
    """
    make_reproducible()
    options["source"] = source
    choose_source(options, is_kept=False)
    source = options.pop("source")
    if protocol is None and perturb is not None:
        raise UsageError("--perturb needs --protocol article: use both, or neither.")
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


def make_reproducible() -> None:
    """Make every run compute the same numbers; call it before numpy is imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def compare(source: str, options: Mapping[str, Any], shown: ProgressLine) -> int:
    """Simulate every combination of the names in the options.

    Parameters
    ----------
    source : str
    options : mapping
        From the names of the command's parameters to their values, None where not given.
    shown : ProgressLine
        Shows the progress.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    TuilabelError
        An option or the source is invalid; nothing was run.
    """
    from tuilabel.simulate import InterruptedSimulation, KeptRuns, Plan, simulate
    from tuilabel.simulate.plot import check_plot
    from tuilabel.simulate.results import shares
    from tuilabel.simulate.table import progress_line, result_lines
    from tuilabel.workspace.places import cache_dir, data_dir

    outputs = Outputs(source, options)
    targets = shares("--target", options["target"] or TARGETS)
    given = {part: options[name] for name, part in _PLAN.items() if options[name] is not None}
    plan = Plan(**given)
    if options["plot"] is not None:
        check_plot(Path(options["plot"]))
    with closing(shown) as progress:
        dataset = _open(source, options, progress)
        kept = KeptRuns(data_dir() / "simulations", dataset, plan)
        found = len(kept.load())
        if found:
            click.echo(f"{found} of {len(plan.runs())} runs were done before.", err=True)
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
        # Only now have their results been shown.
        kept.remove()
    else:
        done = f"{len(results.runs)} of {len(plan.runs())} runs are done"
        hint = "; the same command continues there" if kept.problem is None else ""
        click.echo(f"Interrupted: {done}{hint}.", err=True)
    return INTERRUPTED if interrupted else 0


def run_the_article(
    source: str, perturb: int, options: Mapping[str, Any], shown: ProgressLine
) -> int:
    """Run the article's protocol; for parameters and errors see `compare`."""
    for name, value in options.items():
        if value is not None and name not in ("json_", "force"):
            raise UsageError(
                f"--{name.strip('_').replace('_', '-')} cannot be used with --protocol "
                "article, which fixes everything but --perturb and --json. Leave it out."
            )
    if split_source(source)[0] != "mnist":
        raise UsageError("--protocol article needs MNIST: give mnist or mnist:DIR as SOURCE.")
    import numpy as np

    from tuilabel.commands.printing import PicturePrinter, SheetLayout, SheetTile, echo
    from tuilabel.simulate.article import article_lines, run_article

    outputs = Outputs(source, options)
    with closing(shown) as progress:
        dataset = _open(source, options, progress)
        if dataset.truth is None or dataset.holdout is None:
            raise UsageError("--protocol article needs ground truth, and this source has none.")
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
    """Files to write in the end, checked at once.

    Parameters
    ----------
    source, options
        As in `compare`.

    Raises
    ------
    UsageError
        Two outputs have the same name.
    ExportError
        A file exists and is not to be replaced, or cannot be written.
    """

    def __init__(self, source: str, options: Mapping[str, Any]) -> None:
        from tuilabel.exchange.guard import guard
        from tuilabel.exchange.output import check_output
        from tuilabel.plugins import named_source
        from tuilabel.workspace.outputs import guarded

        self._how = {"force": options["force"], "guard": guard(*guarded(named_source(source)))}
        self._paths: dict[str, Path] = {}
        for name in _OUTPUTS:
            if options[name] is None:
                continue
            path = Path(os.path.realpath(options[name]))
            if path in self._paths.values():
                raise UsageError(f"{path} is given twice: give each output a file of its own.")
            check_output(path, **self._how)
            self._paths[name] = path

    def write(self, contents: Mapping[str, Callable[[], bytes]]) -> None:
        """Write those that were requested; for errors see `write_whole`."""
        from tuilabel.exchange.output import write_whole

        for name, path in self._paths.items():
            content = contents[name]()

            def write(file: BinaryIO, content: bytes = content) -> None:
                file.write(content)

            write_whole(path, write, **self._how)


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
    from tuilabel.simulate.grid import no_ground_truth
    from tuilabel.workspace.places import cache_dir

    try:
        return open_dataset(
            source,
            classes=options["classes"],
            pool=options["pool"],
            test=options["test"],
            cache_dir=cache_dir(),
            progress=progress,
        )
    except UnnamedClassesError:
        raise no_ground_truth(source) from None


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _USUAL_WIDTH
