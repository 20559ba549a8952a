"""A whole run on generated images: what is drawn from the generator, and what is not."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tuilabel.errors import UsageError
from tuilabel.simulate.article import ARTICLE, ArticleReport, Protocol, published, run_article
from tuilabel.simulate.article.loop import ArticleLearner, ask_least_confident
from tuilabel.simulate.article.report import AutoRow, ReportRow, spread


def run(small: Protocol, data: Any, *, perturb: int = 0, seed: int = 0) -> ArticleReport:
    rng = np.random.default_rng(seed)
    return run_article(*data.arrays(), perturb=perturb, rng=rng, progress=None, protocol=small)


def every_row(report: ArticleReport) -> list[ReportRow]:
    auto: list[AutoRow] = [report.naive, *report.ordered]
    drawn = [*report.random_fit.runs, *report.random_loop.runs]
    return [report.everything, report.first, *report.curve, *drawn, *(found.row for found in auto)]


def test_every_row_is_there(small: Protocol, report: ArticleReport) -> None:
    assert [row.labels for row in report.curve] == [4, 8, 12, 16, 20]
    assert [found.row.labels for found in report.ordered] == list(range(24, 61, 4))
    assert (report.everything.labels, report.first.labels) == (60, 20)
    assert (report.naive.auto, report.naive.row.labels) == (40, 60)
    assert len(report.random_fit.runs) == len(report.random_loop.runs) == small.draws
    assert {run.labels for run in report.random_loop.runs} == {small.budget}


def test_each_column_has_its_own_images(report: ArticleReport) -> None:
    for row in every_row(report):
        assert (row.picked.n, row.others.n, row.unpicked.n) == (20, 30, 50)


def test_columns_are_those_of_learners_run_by_hand(
    small: Protocol, data: Any, report: ArticleReport
) -> None:
    images = data.images(small)
    picked, unpicked = (ArticleLearner(small, images, on_test=on_test) for on_test in (True, False))
    rows = [picked.right() for _ in ask_least_confident(picked, small)]
    alone = [sum(unpicked.right()) for _ in ask_least_confident(unpicked, small)]
    assert [(row.picked.correct, row.others.correct) for row in report.curve] == rows
    assert [row.unpicked.correct for row in report.curve] == alone
    assert alone != [sum(row) for row in rows], "the two must differ for this to show anything"
    # What is left is sorted, so a tenth is the next few of it.
    hits = [int(np.count_nonzero(part)) for part in np.array_split(picked.hits(), 10)]
    assert [tenth.right for tenth in report.confidence[-1].tenths] == hits
    for learner in (picked, unpicked):
        learner.auto_label(len(learner.left))
        learner.fit()
    naive = report.naive
    assert (naive.right, naive.unpicked_right) == (picked.auto_right, unpicked.auto_right)
    assert naive.row.unpicked.correct == sum(unpicked.right())
    assert naive.right != naive.unpicked_right


def test_picking_never_loses_on_the_images_picked_on(report: ArticleReport) -> None:
    counts = [row.picked.correct for row in report.curve]
    counts += [found.row.picked.correct for found in report.ordered]
    assert counts == sorted(counts)


def test_auto_labels_that_are_true(report: ArticleReport) -> None:
    assert [found.auto for found in report.ordered] == list(range(4, 41, 4))
    rights = [found.right for found in report.ordered]
    assert rights == sorted(rights)
    assert all(found.right <= found.auto for found in (report.naive, *report.ordered))
    # At once, they are the classes that the model of the last row of the curve gives.
    assert report.naive.right == sum(tenth.right for tenth in report.confidence[-1].tenths)


def test_confidence_is_sorted_and_split_in_ten(report: ArticleReport) -> None:
    assert [found.labels for found in report.confidence] == [4, 20]
    for found in report.confidence:
        assert list(found.curve) == sorted(found.curve)
        assert found.n == sum(tenth.n for tenth in found.tenths) == 60 - found.labels
        assert len(found.tenths) == 10
        ends = [end for tenth in found.tenths for end in (tenth.low, tenth.high)]
        assert ends == sorted(ends)
        assert (found.curve[0], found.curve[-1]) == (ends[0], ends[-1])


def test_same_seed_same_report(small: Protocol, data: Any, report: ArticleReport) -> None:
    assert run(small, data, perturb=2) == report


def test_the_seed_moves_only_what_is_drawn(
    small: Protocol, data: Any, report: ArticleReport
) -> None:
    other = run(small, data, seed=7)
    for name in ("everything", "first", "curve", "naive", "ordered", "confidence"):
        assert getattr(other, name) == getattr(report, name)
    assert other.random_loop != report.random_loop


def test_perturbed_runs_move_nothing_else(
    small: Protocol, data: Any, report: ArticleReport
) -> None:
    assert run(small, data) == replace(report, band=None)


def test_the_band_is_of_the_runs(small: Protocol, data: Any, report: ArticleReport) -> None:
    one, three = (run(small, data, perturb=runs).band for runs in (1, 3))
    assert one
    assert three
    assert report.band
    assert (one.runs, three.runs) == (1, 3)
    for row, alone in zip(three.rows, one.rows, strict=True):
        assert row.labels == alone.labels
        assert alone.low == alone.mean == alone.high
        assert alone.sd == 0
        # The first of three runs is the single one.
        assert row.low <= alone.mean <= row.high
        assert row.low <= row.mean <= row.high
        assert row.above is None


def test_noise_large_enough_to_matter_spreads_the_runs(small: Protocol, data: Any) -> None:
    band = run(replace(small, noise=3.0), data, perturb=4).band
    assert band
    assert max(row.sd for row in band.rows) > 0
    assert any(row.low < row.high for row in band.rows)


def test_a_negative_number_of_runs(small: Protocol, data: Any) -> None:
    with pytest.raises(UsageError, match="perturb is -1"):
        run(small, data, perturb=-1)


def test_a_pool_that_is_labelled_whole(small: Protocol, data: Any) -> None:
    report = run(replace(small, budget=60), data)
    assert report.ordered == ()
    assert report.naive.auto == 0
    assert report.confidence[-1].n == 0


def test_inputs_are_left_alone(small: Protocol, data: Any) -> None:
    frozen = [array.copy() for array in data.arrays()]
    for array in frozen:
        array.flags.writeable = False
    rng = np.random.default_rng(0)
    run_article(*frozen, perturb=1, rng=rng, progress=None, protocol=small)


def test_progress_counts_up_to_each_total(small: Protocol, data: Any) -> None:
    told: dict[str, list[tuple[int, int]]] = {}
    run_article(
        *data.arrays(),
        perturb=3,
        rng=np.random.default_rng(0),
        progress=lambda part, done, total: told.setdefault(part, []).append((done, total)),
        protocol=small,
    )
    assert list(told) == [
        "single fits",
        "least confident",
        "auto-labels at once",
        "auto-labels in order",
        "k-means",
        "random baselines",
        "perturbed runs",
    ]
    for steps in told.values():
        assert [done for done, _ in steps] == sorted(done for done, _ in steps)
        assert len({total for _, total in steps}) == 1
        assert steps[-1][0] == steps[-1][1]


def test_it_becomes_json(report: ArticleReport) -> None:
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert found["protocol"]["pool"] == 60
    row = report.curve[-1]
    assert found["curve"][-1]["labels"] == 20
    assert found["curve"][-1]["picked"]["accuracy"] == row.picked.value
    assert found["curve"][-1]["others"]["n"] == 30
    assert found["random_loop"]["unpicked"]["mean"] == report.random_loop.mean("unpicked")
    assert found["ordered"][0]["right"] == report.ordered[0].right
    assert len(found["centres"][0]["pixels"]) == 4
    assert found["band"]["rows"][0]["sd"] >= 0
    assert json.loads(json.dumps(replace(report, band=None).to_json()))["band"] is None


def test_other_numbers_stand_beside_no_published_ones(report: ArticleReport) -> None:
    assert {row.published for row in every_row(report)} == {None}
    assert {row.met for row in every_row(report)} == {None}


def test_published_figures_are_of_400_images() -> None:
    assert list(published.PUBLISHED_LEAST_CONFIDENT) == list(range(10, ARTICLE.budget + 1, 10))
    assert list(published.PUBLISHED_ORDERED) == list(range(410, ARTICLE.pool + 1, 10))
    for figures in (published.PUBLISHED_LEAST_CONFIDENT, published.PUBLISHED_ORDERED):
        assert list(figures.values()) == sorted(figures.values())
        assert all((4 * figure).is_integer() for figure in figures.values())


def test_importing_it_loads_neither_screen_nor_learning() -> None:
    code = "import sys, tuilabel.simulate.article; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"textual", "rich", "sklearn", "scipy"} & set(done.stdout.split())


def test_the_spread_is_that_of_a_sample() -> None:
    assert spread([1.0, 3.0]) == pytest.approx(2**0.5)
    assert spread([5.0]) == 0
