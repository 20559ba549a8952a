"""Results as a plot of learning curves; matplotlib is the extra ``plot``."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuilabel.errors import UsageError
from tuilabel.simulate.plan import Combination
from tuilabel.simulate.results import Results
from tuilabel.text import inert, shown_path, source_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOT_FORMATS = (".svg", ".png")

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, which suit every colour vision; without yellow, too pale for a line."""

_MARKERS = "osD^vP*X"
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
_BASELINE_COLOUR = "#666666"
_BASELINE_DASHES = (0, (4, 2))

_MANY_TIMES = 10
"""The axis is logarithmic if the last fit has at least this many times the labels of the first."""

_MOST_MARKERS = 12


def check_plot(path: Path) -> None:
    """Raise an error if a plot cannot be drawn, before anything is computed for it.

    Raises
    ------
    UsageError
        The file name has no known format, or matplotlib is missing.
    """
    if path.suffix.lower() not in PLOT_FORMATS:
        raise UsageError(
            f"--plot {shown_path(path)} has no known format: give a name that ends in .svg or .png."
        )
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise UsageError(
            "--plot needs matplotlib, which is not installed: pip install matplotlib."
        ) from None


def draw_plot(results: Results, suffix: str) -> bytes:
    """Draw mean learning curves with bands of one standard deviation.

    Parameters
    ----------
    results : Results
        With at least one run.
    suffix : str
        One of `PLOT_FORMATS`.

    Returns
    -------
    bytes
        The content of a file, identical for identical results.
    """
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        # Personal settings of matplotlib do not apply. A name may have characters that the font
        # lacks, which causes a warning.
        matplotlib.rcdefaults()
        warnings.simplefilter("ignore", UserWarning)
        matplotlib.rcParams.update(
            {"svg.hashsalt": "tuilabel", "text.parse_math": False, "font.size": 10}
        )
        return _draw(results, suffix)


def _draw(results: Results, suffix: str) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    drawn = 0
    for combination in results.combinations:
        if not combination.is_baseline:
            _line(axes, results, combination, **_style(drawn))
            drawn += 1
    baselines = [combination for combination in results.combinations if combination.is_baseline]
    for number, combination in enumerate(baselines):
        style = {"marker": _MARKERS[number % len(_MARKERS)]} if len(baselines) > 1 else {}
        _line(
            axes,
            results,
            combination,
            color=_BASELINE_COLOUR,
            linestyle=_BASELINE_DASHES,
            zorder=1.5,
            **style,
        )
    _dress(axes, results)
    file = io.BytesIO()
    is_svg = suffix.lower() == ".svg"
    metadata = {"Date": None, "Creator": "tuilabel"} if is_svg else {"Software": "tuilabel"}
    figure.savefig(file, format=suffix.lower().removeprefix("."), dpi=150, metadata=metadata)
    return file.getvalue()


def _style(place: int) -> dict[str, Any]:
    """Return the colour, marker and dashes of a line; each alone distinguishes a few lines."""
    return {
        "color": _COLOURS[place % len(_COLOURS)],
        "marker": _MARKERS[place % len(_MARKERS)],
        "linestyle": _DASHES[place % len(_DASHES)],
    }


def _line(axes: Axes, results: Results, combination: Combination, **style: Any) -> None:
    curve = results.curve(combination)
    labels, means = [point.labels for point in curve], [point.mean for point in curve]
    axes.plot(
        labels,
        means,
        label=_name(results, combination),
        linewidth=1.6,
        markersize=4.5,
        markevery=max(1, len(labels) // _MOST_MARKERS),
        **style,
    )
    spreads = [point.sd or 0.0 for point in curve]
    if any(spreads):
        axes.fill_between(
            labels,
            [max(0.0, mean - sd) for mean, sd in zip(means, spreads, strict=True)],
            [min(1.0, mean + sd) for mean, sd in zip(means, spreads, strict=True)],
            color=style["color"],
            alpha=0.15,
            linewidth=0,
        )


def _name(results: Results, combination: Combination) -> str:
    """Return the name of a line, without the parts that all lines share."""
    plan = results.plan
    parts = ["random (baseline)" if combination.is_baseline else combination.strategy]
    if len(plan.models) > 1:
        parts.append(combination.model)
    if len(plan.features) > 1:
        parts.append(combination.features)
    if len(plan.cold_starts) > 1 and not combination.is_baseline:
        parts.append(f"{combination.cold_start} start")
    return ", ".join(parts)


def _dress(axes: Axes, results: Results) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

    on = results.on
    labels = [point.labels for point in results.curve(results.combinations[0])]
    if labels[-1] >= _MANY_TIMES * labels[0]:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(_ticks(labels[0], labels[-1])))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    lowest, highest = axes.get_ylim()
    axes.set_ylim(max(0.0, lowest), min(1.0, highest))
    axes.set_xlabel("labels")
    axes.set_ylabel(f"accuracy on the {inert(on.test_set)} (n = {on.test:,})")
    seeds = {len(results.of(combination)) for combination in results.combinations}
    many = f"{min(seeds)} to {max(seeds)}" if len(seeds) > 1 else f"{max(seeds)}"
    band = ", bands ±1 sd" if max(seeds) > 1 else ""
    source = inert(source_name(on.source), 60)
    axes.set_title(
        f"{source}: pool {on.pool:,}, {many} seed{'s' * (many != '1')}{band}",
        loc="left",
        fontsize=10,
    )
    axes.grid(alpha=0.3, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False, handlelength=3.2, fontsize=9)


def _ticks(first: int, last: int) -> list[int]:
    """Return 1, 2 and 5 times the powers of ten between two numbers, and the second number."""
    numbers = [digit * 10**power for power in range(10) for digit in (1, 2, 5)]
    return [number for number in numbers if first <= number < 0.85 * last] + [last]
