"""Results as lines of text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence

from tuilabel.simulate.grid import SimulationProgress
from tuilabel.simulate.plan import RANDOM
from tuilabel.simulate.results import Needed, Results
from tuilabel.text import counted, inert

BASELINE_NAME = "random (baseline)"

_GAP = "  "
_CLOSE = 0.85
"""A column with more than this share of the last column's labels is left out."""


def result_lines(results: Results, targets: Sequence[float], width: int = 80) -> Iterator[str]:
    """Yield results as lines for a terminal: a row for each combination.

    Parameters
    ----------
    results : Results
        With at least one run.
    targets : sequence of float
        Accuracies, 0 to 1, for which the number of labels needed is shown.
    width : int
        The most columns to fill; a wider table continues below itself.

    Yields
    ------
    str
        One line without its end.
    """
    yield from _heading(results, width)
    names = _names(results)
    yield ""
    yield from _wrapped(
        f"Accuracy in per cent on the {inert(results.on.test_set)}, by number of labels"
        + (" (mean±sd):" if results.plan.seeds > 1 else ":"),
        width,
    )
    yield from _table(names, _accuracy_columns(results), width)
    yield ""
    yield from _needed_heading(results, targets, width)
    yield from _table(names, _needed_columns(results, targets), width)
    notes = list(_notes(results))
    if notes:
        yield ""
    for note in notes:
        yield from _wrapped(note, width)


def progress_line(progress: SimulationProgress) -> str:
    """Return the progress of a simulation in a few words."""
    if progress.preparing is not None:
        return f"preparing: {progress.preparing}"
    words = f"{progress.runs_done} of {counted(progress.runs, 'run')}, {progress.share:.0%}"
    if progress.seconds_left is not None:
        words += f", {duration(progress.seconds_left)} left"
    return words


def duration(seconds: float) -> str:
    """Return a duration with at most two units, such as "2 min 5 s"."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, whole = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {whole} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _heading(results: Results, width: int) -> Iterator[str]:
    on, plan = results.on, results.plan
    yield from _wrapped(
        f"{inert(on.source, 200)}: a pool of {counted(on.pool, 'image')}, "
        f"{counted(on.test, 'image')} to measure on ({inert(on.test_set)}).",
        width,
    )
    said = [
        counted(plan.seeds, "seed"),
        f"{counted(on.batch_size, 'label')} a round, up to {min(plan.budget, on.pool):,}",
    ]
    if plan.epsilon:
        said.append(f"{plan.epsilon:.0%} of each batch at random")
    said += [f"{kind} {names[0]}" for kind, names in _dimensions(results) if len(names) == 1]
    if len(plan.cold_starts) == 1 and plan.cold_starts != (RANDOM,):
        said[-1] += " (the baseline's is random)"
    yield from _wrapped(", ".join(said) + ".", width)
    if not results.is_complete:
        yield f"{len(results.runs)} of {counted(len(plan.runs()), 'run')}."


def _dimensions(results: Results) -> list[tuple[str, tuple[str, ...]]]:
    plan = results.plan
    return [
        ("model", plan.models),
        ("features", plan.features),
        ("cold start", plan.cold_starts),
    ]


def _names(results: Results) -> list[tuple[str, ...]]:
    """Return the names of each row, headings first, without the parts that all rows share."""
    shown = [len(names) > 1 for _, names in _dimensions(results)]

    def of(values: Sequence[str]) -> tuple[str, ...]:
        return (values[0], *(v for v, wanted in zip(values[1:], shown, strict=True) if wanted))

    rows = [of(("strategy", *(kind for kind, _ in _dimensions(results))))]
    for combination in results.combinations:
        values = list(combination)
        if combination.is_baseline:
            values[0] = BASELINE_NAME
        rows.append(of(values))
    return rows


Columns = list[list[str]]
"""Columns of cells, each from top to bottom, the heading first."""


def _accuracy_columns(results: Results) -> Columns:
    curves = [results.curve(combination) for combination in results.combinations]
    columns = []
    for place in chosen_places([point.labels for point in curves[0]]):
        points = [curve[place] for curve in curves]
        columns.append(
            [f"{points[0].labels:,}"]
            + [
                f"{100 * point.mean:.1f}" + ("" if point.sd is None else f"±{100 * point.sd:.1f}")
                for point in points
            ]
        )
    if any(len(results.of(c)) != results.plan.seeds for c in results.combinations):
        columns.append(["seeds"] + [str(len(results.of(c))) for c in results.combinations])
    return columns


def chosen_places(labels: Sequence[int]) -> list[int]:
    """Choose which points of a curve to show: near 10, 20, 50, 100, ..., and always the last.

    Parameters
    ----------
    labels : sequence of int
        Labels of each point, ascending.

    Returns
    -------
    list of int
        Positions in `labels`, ascending.
    """
    last = len(labels) - 1
    chosen = {0}
    for wanted in _round_numbers(labels[-1]):
        place = min(range(len(labels)), key=lambda place: abs(labels[place] - wanted))
        chosen.add(place)
    return [place for place in sorted(chosen) if labels[place] < _CLOSE * labels[last]] + [last]


def _round_numbers(most: int) -> Iterator[int]:
    unit = 10
    while unit <= most:
        yield from (number for number in (unit, 2 * unit, 5 * unit) if number <= most)
        unit *= 10


def _needed_heading(results: Results, targets: Sequence[float], width: int) -> Iterator[str]:
    if not targets:
        yield "Median seconds for a fit and its ranking:"
        return
    several = results.plan.seeds > 1
    yield from _wrapped(
        "Labels needed to reach an accuracy"
        + (" (median; seeds that reached it)" if several else "")
        + ", and median seconds for a fit and its ranking:",
        width,
    )


def _needed_columns(results: Results, targets: Sequence[float]) -> Columns:
    combinations = results.combinations
    last = min(results.plan.budget, results.on.pool)
    columns = [
        [_percent(target), *(_needed(results.needed(c, target), last) for c in combinations)]
        for target in targets
    ]
    return [*columns, ["s/round", *(f"{results.round_seconds(c):.3f}" for c in combinations)]]


def _needed(needed: Needed, last: int) -> str:
    if needed.median is None:
        labels = f"> {last:,}"
    else:
        labels = f"{needed.median:,.0f}" if needed.median % 1 == 0 else f"{needed.median:,.1f}"
    return labels if needed.runs == 1 else f"{labels} ({needed.reached}/{needed.runs})"


def _notes(results: Results) -> Iterator[str]:
    if results.is_pool_exhausted:
        yield (
            f"The pool has only {counted(results.on.pool, 'image')}, fewer than the budget of "
            f"{results.plan.budget:,} labels."
        )
    yield (
        "The baseline draws every image at random, in the same loop with the same model and "
        "features."
    )
    yield from _rarest(results)
    weighing = [results.weigh_seconds(c) for c in results.combinations if c.model == "auto"]
    if weighing and max(weighing) >= 0.1:
        yield (
            f"Between fits, auto compares its models: {max(weighing):.1f} s a run. Nobody waits "
            "for that."
        )
    if results.preparation_seconds >= 0.5:
        yield (
            f"Features and label graphs took {results.preparation_seconds:.1f} s, once for all "
            "runs."
        )
    yield from results.notices


def _rarest(results: Results) -> Iterator[str]:
    """Yield when the rarest class was met, where it has less than a half of an equal share."""
    on = results.on
    if not on.sizes or 2 * len(on.sizes) * min(on.sizes) >= on.pool:
        return
    rarest = on.sizes.index(min(on.sizes))
    yield (
        f"The rarest class is {inert(on.classes[rarest])}: {on.sizes[rarest]:,} of "
        f"{counted(on.pool, 'image')}. Labels until its first example (median), and the share "
        f"found with {results.plan.budget:,} labels:"
    )
    for combination, name in zip(results.combinations, _names(results)[1:], strict=True):
        met = results.met(combination, rarest)
        first = "not met" if met.first is None else f"{met.first:,.0f}"
        yield f"  {' '.join(part for part in name if part)}: {first}, {100 * met.found:.0f}%"


def _table(names: list[tuple[str, ...]], columns: Columns, width: int) -> Iterator[str]:
    """Yield a table; if it is too wide, columns continue below, beside the same names."""
    left = [_aligned([row[place] for row in names], str.ljust) for place in range(len(names[0]))]
    margin = sum(len(column[0]) + len(_GAP) for column in left)
    right = [_aligned(column, str.rjust) for column in columns]
    for number, part in enumerate(_parts(right, width - margin + len(_GAP))):
        if number:
            yield ""
        yield from (_GAP.join(cells).rstrip() for cells in zip(*left, *part, strict=True))


def _parts(columns: Columns, width: int) -> list[Columns]:
    """Return columns distributed evenly over as few tables as possible."""
    for count in range(1, len(columns)):
        parts = _shared_out(columns, count)
        if all(sum(len(cells[0]) + len(_GAP) for cells in part) <= width for part in parts):
            return parts
    return _shared_out(columns, len(columns))


def _shared_out(columns: Columns, count: int) -> list[Columns]:
    each = -(-len(columns) // count)
    return [columns[start : start + each] for start in range(0, len(columns), each)]


def _aligned(cells: list[str], align: Callable[[str, int], str]) -> list[str]:
    width = max(map(len, cells))
    return [align(cell, width) for cell in cells]


def _percent(share: float) -> str:
    return f"{100 * share:g}%"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False)
