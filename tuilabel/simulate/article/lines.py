"""The result of the article's experiment, as lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tuilabel.simulate.article.curve import braille_curve
from tuilabel.simulate.article.loop import Protocol
from tuilabel.simulate.article.report import (
    MEASURES,
    ArticleReport,
    AutoRow,
    Band,
    Centre,
    Confidence,
    ReportRow,
)

NARROWEST = 60
"""The least width of the lines, in columns."""

DrawAbreast = Callable[[Sequence[tuple[NDArray[np.uint8], str]], int], Iterable[str]]
"""Draws grey images (H, W) side by side, with a text below each.

It takes the images with their texts and the columns that each may have, and returns lines.
"""

_COLUMN = 10
_HEADS = ("published", "picked", "others", "unpicked")
_CENTRES_ABREAST = 5
_PLOT_HEIGHT = 8
_AXIS = 6
_LABELS_SHOWN = (400, 500, 1000, 1500, 2000, 2500, 3000, 3500, 3550, 3800, 3880, 4000)


def article_lines(report: ArticleReport, width: int, draw: DrawAbreast) -> Iterator[str]:
    """Yield a report as lines for a terminal.

    Parameters
    ----------
    report : ArticleReport
    width : int
        Columns of the terminal; at least `NARROWEST` are used.
    draw : callable
        Draws the centres: see `DrawAbreast`.

    Yields
    ------
    str
        One line without its end.
    """
    width = max(width, NARROWEST)
    parts = (
        _introduction(report, width),
        _everything(report, width),
        _curve(report, width),
        _gain(report, width),
        _band(report.band, report.protocol, width) if report.band else None,
        _confidence(report, width),
        _auto_labels(report, width),
        _centres(report.centres, width, draw),
    )
    for place, part in enumerate(part for part in parts if part is not None):
        if place:
            yield ""
        yield from part


def _introduction(report: ArticleReport, width: int) -> Iterator[str]:
    protocol = report.protocol
    test, others = report.everything.picked.n, report.everything.others.n
    yield from _wrapped(
        f"The article's protocol: a softmax on pixels, {protocol.pool:,} images to ask for, "
        f"{test:,} to test on, {protocol.batch} labels between two fits. Per cent right:",
        width,
    )
    meanings = {
        "published": "the article's figure",
        "picked": f"measured here on {test:,} test images; as in the article, each fit keeps the "
        "weights that are best on these same images",
        "others": f"the same weights on the other {others:,} test images, which the fit never uses",
        "unpicked": "another run, in which each fit stops and keeps weights by the same rule on "
        f"the labelled images alone; measured on all {test + others:,} test images",
    }
    for head in _HEADS:
        yield from _wrapped(f"{head:<{_COLUMN}} {meanings[head]}", width, hanging=_COLUMN + 1)
    yield from _wrapped(
        "The difference between `picked` and `others` is the leak: it comes from picking, not from "
        "learning.",
        width,
    )


def _everything(report: ArticleReport, width: int) -> Iterator[str]:
    protocol, table = report.protocol, _Table(width)
    budget = protocol.budget
    yield from table.head("One fit, and random baselines")
    yield from table.row(f"all {protocol.pool:,} labels", *_cells(report.everything))
    yield from table.row(f"the first {budget:,}, one fit", *_cells(report.first))
    for title, draws in (("one fit", report.random_fit), ("in the loop", report.random_loop)):
        means = [100 * draws.mean(column) for column in MEASURES]
        yield from table.row(f"random {budget:,}, {title}", None, means)
    fits = -(-budget // protocol.batch)
    yield from _wrapped(
        f"The article's random baseline is the first {budget:,} images in file order, in one fit. "
        f"Those drawn at random are the mean of {protocol.draws} draws; in the loop they go "
        f"through {fits} continued fits, as the least confident ones do.",
        width,
    )


def _curve(report: ArticleReport, width: int) -> Iterator[str]:
    table = _Table(width)
    yield from table.head(f"Least confident, {report.protocol.batch} at a time")
    for row in report.curve:
        yield from table.row(f"{row.labels:,} labels", *_cells(row))
    known, met = _met(report.curve)
    if known:
        yield from _wrapped(
            f"{met} of the {known} published figures are met exactly. Up to about 100 labels they "
            "do not depend on rounding. After that the last digits decide which images are asked "
            "for, so results may differ between machines.",
            width,
        )


def _gain(report: ArticleReport, width: int) -> Iterator[str]:
    last, first, table = report.curve[-1], report.first, _Table(width)
    yield from table.head(f"Gain over random at {last.labels:,} labels, in points")
    figure = None
    if last.published is not None and first.published is not None:
        figure = last.published - first.published
    gains = [100 * (_share(last, name) - _share(first, name)) for name in MEASURES]
    yield from table.row(f"the first {first.labels:,}, one fit", figure, gains, sign="+")
    for title, draws in (("one fit", report.random_fit), ("in the loop", report.random_loop)):
        gains = [100 * (_share(last, name) - draws.mean(name)) for name in MEASURES]
        yield from table.row(f"random, {title}", None, gains, sign="+")
    spreads = [100 * report.random_loop.sd(name) for name in MEASURES]
    yield from table.row("sd of random, in the loop", None, spreads)
    if report.band:
        end = report.band.rows[-1]
        reached = dict(zip(MEASURES, (end.mean, end.others_mean, end.unpicked_mean), strict=True))
        yield from _wrapped(f"The mean of {_runs(report.band)}, perturbed, over", width)
        for title, draws in (("one fit", report.random_fit), ("in the loop", report.random_loop)):
            gains = [100 * (reached[name] - draws.mean(name)) for name in MEASURES]
            yield from table.row(f"random, {title}", None, gains, sign="+")
    leak = 100 * (last.picked.value - last.others.value)
    yield from _wrapped(
        f"At {last.labels:,} labels the leak is {leak:+.2f} points: {_percent(last.picked.value)} "
        f"on the images the weights are picked on, {_percent(last.others.value)} on the others. "
        + ("" if report.band else "This is one run: `--perturb K` shows how much such runs vary."),
        width,
    )


def _band(band: Band, protocol: Protocol, width: int) -> Iterator[str]:
    yield from _wrapped(
        f"Perturbed: {_runs(band)} from initial weights that differ by {band.noise:g}, picked",
        width,
    )
    heads = ("published", "mean", "sd", "lowest", "highest")
    yield " " * 10 + "".join(f"{head:>10}" for head in heads)
    shown = {10, 20, 50, 100, 150, 200, 300, 400, band.rows[0].labels, band.rows[-1].labels}
    for row in band.rows:
        if row.labels not in shown:
            continue
        shares = (row.mean, row.sd, row.low, row.high)
        figures = "".join(f"{100 * share:>10.2f}" for share in shares)
        published = f"{'–' if row.published is None else format(row.published, '.2f'):>10}"
        yield f"{row.labels:>10,}{published}{figures}"
    last = band.rows[-1]
    said = (
        f"At {last.labels:,} labels {_percent(last.mean)} ± {100 * last.sd:.1f} on the "
        f"{protocol.test:,} images the weights are picked on, {_percent(last.others_mean)} ± "
        f"{100 * last.others_sd:.1f} on the others; unpicked {_percent(last.unpicked_mean)} ± "
        f"{100 * last.unpicked_sd:.1f}."
    )
    if last.above is not None and last.published is not None:
        said += (
            f" The published {last.published:.2f} is above all of them."
            if not last.above
            else f" {last.above} of them reach{'es' * (last.above == 1)} the published "
            f"{last.published:.2f}."
        )
    yield from _wrapped(said, width)


def _confidence(report: ArticleReport, width: int) -> Iterator[str]:
    yield from _wrapped(
        "Confidence of the images without a label, sorted, least confident on the left; below, the "
        "per cent right in each tenth",
        width,
    )
    for found in report.confidence:
        if found.n:
            yield from _plot(found, width)


def _plot(found: Confidence, width: int) -> Iterator[str]:
    columns = width - _AXIS
    right = sum(tenth.right for tenth in found.tenths)
    yield f"After {found.labels:,} labels: {right:,} of {found.n:,} right ({right / found.n:.1%})"
    marks = {0: "100 ┤", _PLOT_HEIGHT // 2: " 50 ┤", _PLOT_HEIGHT - 1: "  0 ┤"}
    for y, line in enumerate(braille_curve(found.curve, columns, _PLOT_HEIGHT)):
        yield f"{marks.get(y, '    │')} {line}".rstrip()
    edges = [round(columns * part / len(found.tenths)) for part in range(len(found.tenths) + 1)]
    cells = [end - start for start, end in pairwise(edges)]
    yield "    └" + "".join("┬".rjust(cell, "─") for cell in cells)
    shares = [f"{100 * tenth.right / tenth.n:.0f}" for tenth in found.tenths]
    said = "".join(share.center(cell) for share, cell in zip(shares, cells, strict=True))
    yield (" " * (_AXIS - 1) + said).rstrip()


def _auto_labels(report: ArticleReport, width: int) -> Iterator[str]:
    protocol, naive, table = report.protocol, report.naive, _Table(width)
    yield from table.head(f"Auto-labels after {protocol.budget:,} labels, and how many are true")
    if not naive.auto:
        yield from _wrapped("No image is left to label.", width)
        return
    yield from table.row(_auto_name(naive, " at once"), *_cells(naive.row))
    points = {*_LABELS_SHOWN, report.ordered[0].row.labels, report.ordered[-1].row.labels}
    for found in report.ordered:
        if found.row.labels in points:
            yield from table.row(_auto_name(found), *_cells(found.row))
    last, before = report.ordered[-1], report.curve[-1]
    moved = [100 * (_share(last.row, name) - _share(before, name)) for name in MEASURES]
    yield from _wrapped(
        f"The {protocol.batch} most confident at a time, {len(report.ordered)} fits: "
        f"{last.right:,} of {last.auto:,} auto-labels are true ({last.right / last.auto:.1%}; "
        f"unpicked {last.unpicked_right / last.auto:.1%}), and the accuracy moves by "
        f"{moved[0]:+.2f} picked, {moved[1]:+.2f} others, {moved[2]:+.2f} unpicked.",
        width,
    )
    known, met = _met([found.row for found in report.ordered])
    if known:
        yield from _wrapped(f"{met} of the {known} published figures are met exactly.", width)
    if {found.row.unpicked.correct for found in report.ordered} == {before.unpicked.correct}:
        yield from _wrapped(
            "Unpicked does not change, because a model agrees with its own labels: on them, no "
            "weights are better than those that assigned them.",
            width,
        )


def _centres(centres: Sequence[Centre], width: int, draw: DrawAbreast) -> Iterator[str]:
    yield from _wrapped(
        f"The {len(centres)} k-means centres of the pool: the digit of most images, and its share",
        width,
    )
    columns = (width - _CENTRES_ABREAST + 1) // _CENTRES_ABREAST
    for start in range(0, len(centres), _CENTRES_ABREAST):
        yield from draw(
            [
                (
                    np.asarray(centre.pixels, dtype=np.uint8),
                    f"{centre.digit}: {centre.count / centre.size:.0%}",
                )
                for centre in centres[start : start + _CENTRES_ABREAST]
            ],
            columns,
        )
    total = sum(centre.size for centre in centres)
    right = sum(centre.count for centre in centres)
    digits = len({centre.digit for centre in centres})
    yield from _wrapped(
        f"They represent {digits} different digits. If every image were labelled as its centre, "
        f"{right:,} of {total:,} would be right ({right / total:.1%}).",
        width,
    )


def _share(row: ReportRow, column: str) -> float:
    share: float = getattr(row, column).value
    return share


def _percent(share: float) -> str:
    return f"{share:.2%}"


def _runs(band: Band) -> str:
    return "1 run" if band.runs == 1 else f"{band.runs} runs"


def _met(rows: Sequence[ReportRow]) -> tuple[int, int]:
    """Return the number of published figures, and of those that are met here."""
    known = [row for row in rows if row.published is not None]
    return len(known), sum(row.met is True for row in known)


def _auto_name(found: AutoRow, how: str = "") -> str:
    share = f"{found.right / found.auto:.1%}"
    return f"{found.row.labels:,}{how}: {share} true"


def _cells(row: ReportRow) -> tuple[float | None, list[float]]:
    """Return the published figure of a row and the measured ones, in per cent."""
    return row.published, [100 * _share(row, column) for column in MEASURES]


class _Table:
    """Lines of a name and four figures; a name too long for its column gets its own line."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._name = min(28, width - len(_HEADS) * _COLUMN)

    def head(self, title: str) -> Iterator[str]:
        yield from self._line(title, "".join(f"{head:>{_COLUMN}}" for head in _HEADS))

    def row(
        self, name: str, figure: float | None, values: Sequence[float], *, sign: str = ""
    ) -> Iterator[str]:
        cells = "".join(
            f"{'–':>{_COLUMN}}" if value is None else f"{value:>{sign}{_COLUMN}.2f}"
            for value in (figure, *values)
        )
        yield from self._line(name, cells)

    def _line(self, name: str, cells: str) -> Iterator[str]:
        if len(name) > self._name:
            yield from _wrapped(name, self._width)
            name = ""
        yield f"{name:<{self._name}}{cells}"


def _wrapped(text: str, width: int, hanging: int = 0) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=" " * hanging, break_on_hyphens=False)
