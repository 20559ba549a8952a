"""What is printed: it fits, says whose figures they are, and claims only what was found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tuilabel.learn.metrics import Accuracy
from tuilabel.simulate.article import ArticleReport, article_lines
from tuilabel.simulate.article.lines import NARROWEST
from tuilabel.simulate.article.report import ALL, OTHERS, PICKED, ReportRow


def abreast(images: Sequence[tuple[NDArray[np.uint8], str]], columns: int) -> list[str]:
    """Draw each image as blocks over the whole of its columns."""
    captions = [text.ljust(columns) for _, text in images]
    return [" ".join(["█" * columns] * len(images)), " ".join(captions).rstrip()]


def text_of(report: ArticleReport, width: int = 80) -> str:
    """Return the lines as one, so that a sentence may be looked for across them."""
    return " ".join(" ".join(article_lines(report, width, abreast)).split())


def row(labels: int, published: float | None, picked: int, others: int, unpicked: int) -> ReportRow:
    return ReportRow(
        labels,
        published,
        Accuracy(picked, 400, PICKED),
        Accuracy(others, 9600, OTHERS),
        Accuracy(unpicked, 10000, ALL),
    )


@pytest.mark.parametrize("width", [1, NARROWEST, 61, 72, 80, 99, 133, 200, 400])
def test_every_line_fits(report: ArticleReport, width: int) -> None:
    for line in article_lines(report, width, abreast):
        assert len(line) <= max(width, NARROWEST)
        assert "\n" not in line


def test_centres_are_drawn_with_their_greys(report: ArticleReport) -> None:
    drawn = []

    def remember(tiles: Sequence[tuple[NDArray[np.uint8], str]], columns: int) -> list[str]:
        drawn.extend(tiles)
        return [f"{len(tiles)} images of {columns} columns"]

    lines = list(article_lines(report, 80, remember))
    assert f"{len(report.centres)} images of 15 columns" in lines
    for (image, text), centre in zip(drawn, report.centres, strict=True):
        assert image.tolist() == [list(row) for row in centre.pixels]
        assert text == f"{centre.digit}: {centre.count / centre.size:.0%}"


def test_a_narrow_terminal_gets_the_narrowest_lines(report: ArticleReport) -> None:
    assert list(article_lines(report, 3, abreast)) == list(
        article_lines(report, NARROWEST, abreast)
    )


def test_every_column_of_a_row(report: ArticleReport) -> None:
    shown = replace(report, curve=(row(10, 38.0, 152, 3817, 3969), row(20, None, 1, 96, 50)))
    lines = list(article_lines(shown, 80, abreast))
    assert any(re.fullmatch(r"10 labels +38\.00 +38\.00 +39\.76 +39\.69", line) for line in lines)
    assert any(re.fullmatch(r"20 labels +– +0\.25 +1\.00 +0\.50", line) for line in lines)


def test_published_figures_met_are_counted_to_the_image(report: ArticleReport) -> None:
    rows = (row(10, 38.0, 152, 1, 1), row(20, 49.75, 199, 1, 1), row(30, 53.5, 215, 1, 1))
    assert "2 of the 3 published figures are met" in text_of(replace(report, curve=rows))
    assert "published figures are met" not in text_of(report)


def test_the_leak_is_what_picked_is_above_others(report: ArticleReport) -> None:
    curve, first = (row(400, 89.75, 359, 8280, 8372),), row(400, 83.75, 335, 7809, 8106)
    shown = replace(report, curve=curve, first=first)
    said = text_of(shown)
    assert (
        "the leak is +3.50 points: 89.75% on the images the weights are picked on, 86.25%" in said
    )
    assert "the first 400, one fit +6.00 +6.00 +4.91 +2.66" in said


def test_the_hint_to_perturb_is_for_those_who_did_not(report: ArticleReport) -> None:
    assert "--perturb" not in text_of(report)
    assert "--perturb" in text_of(replace(report, band=None))
    assert "Perturbed:" not in text_of(replace(report, band=None))


@pytest.mark.parametrize(
    ("above", "said"),
    [
        (0, "89.75 is above all of them"),
        (1, "1 of them reaches the published"),
        (2, "2 of them reach the published 89.75"),
    ],
)
def test_the_band_beside_the_published_figure(report: ArticleReport, above: int, said: str) -> None:
    assert report.band
    last = replace(
        report.band.rows[-1],
        labels=400,
        published=89.75,
        mean=0.869,
        sd=0.013,
        low=0.84,
        high=0.89,
        others_mean=0.8466,
        others_sd=0.009,
        unpicked_mean=0.8445,
        unpicked_sd=0.008,
        above=above,
    )
    shown = text_of(replace(report, band=replace(report.band, rows=(last,))))
    assert said in shown
    assert "400 89.75 86.90 1.30 84.00 89.00" in shown
    assert "86.90% ± 1.3" in shown
    assert "84.66% ± 0.9 on the others; unpicked 84.45% ± 0.8" in shown


def test_standing_still_is_said_only_where_it_was_seen(report: ArticleReport) -> None:
    still = tuple(
        replace(found, row=replace(found.row, unpicked=report.curve[-1].unpicked))
        for found in report.ordered
    )
    assert "Unpicked does not change" in text_of(replace(report, ordered=still))
    n = report.curve[-1].unpicked.n
    moved = replace(still[-1], row=replace(still[-1].row, unpicked=Accuracy(0, n, ALL)))
    assert "Unpicked does not change" not in text_of(replace(report, ordered=(*still[:-1], moved)))


def test_auto_labels_that_are_true_are_told(report: ArticleReport) -> None:
    last = report.ordered[-1]
    assert f"{last.right} of 40 auto-labels are true" in text_of(report)
    at_once = f"60 at once: {report.naive.right / 40:.1%} true"
    assert at_once in text_of(report)


def test_a_pool_labelled_whole_has_nothing_to_tell(report: ArticleReport) -> None:
    none = replace(report, ordered=(), naive=replace(report.naive, auto=0, right=0))
    assert "No image is left to label." in text_of(none)


def test_centres_stand_five_in_a_row(report: ArticleReport) -> None:
    centre = replace(report.centres[0], digit=7, size=10, count=6)
    shown = replace(report, centres=(centre,) * 10)
    captions = [line for line in article_lines(shown, 80, abreast) if line.count("7: 60%") > 1]
    assert [line.count("7: 60%") for line in captions] == [5, 5]
    assert "60 of 100 would be right (60.0%)" in text_of(shown)


def test_the_confidence_curve_has_its_axis_and_its_errors(report: ArticleReport) -> None:
    lines = list(article_lines(report, 80, abreast))
    heads = [place for place, line in enumerate(lines) if re.match(r"After \d+ labels: ", line)]
    assert len(heads) == 2
    for head, found in zip(heads, report.confidence, strict=True):
        plot = lines[head + 1 : head + 9]
        assert plot[0].startswith("100 ┤")
        assert plot[-1].startswith("  0 ┤")
        assert lines[head + 9].count("┬") == 10
        shares = [f"{100 * tenth.right / tenth.n:.0f}" for tenth in found.tenths]
        assert lines[head + 10].split() == shares
