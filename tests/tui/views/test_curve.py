"""The curve screen's values: the baseline, accuracy by confidence, sentences."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.learn.metrics import Accuracy
from tuilabel.session import CurvePoint
from tuilabel.tui.views.baseline import Baseline, BaselinePoint, budget_for, read_baseline
from tuilabel.tui.views.confidence import (
    LEAST,
    by_confidence,
    confidence_sentences,
    counts_by_confidence,
)
from tuilabel.tui.views.curve import by_labels, labels_sentences

CURVE = [
    CurvePoint(10, Accuracy(60, 100, "hold-out")),
    CurvePoint(20, Accuracy(80, 100, "hold-out")),
    CurvePoint(30, Accuracy(90, 100, "hold-out")),
]
BASELINE = Baseline((BaselinePoint(10, 0.4, 0.3, 0.5), BaselinePoint(50, 0.92, 0.9, 0.94)), runs=3)


def text_of(drawn: list[list[tuple[str, str]]]) -> list[str]:
    return ["".join(text for text, _ in row) for row in drawn]


# Curves.


def test_accuracy_by_labels_comes_with_its_interval_and_the_baseline_so_far() -> None:
    chart = by_labels(CURVE, BASELINE, 60, 16, labels=30, chance=0.1, zoomed=False)
    assert chart.line == [(10, 0.6), (20, 0.8), (30, 0.9)]
    assert chart.newest == "90.0%"
    for (labels, value), (at, low, high) in zip(chart.line, chart.interval, strict=True):
        assert labels == at
        assert low < value < high
    assert chart.beside == [(10, 0.4), (50, 0.92)]
    assert chart.x.high == 50


# The baseline.


def kept(*runs: list[float]) -> str:
    return json.dumps({"labels": [10, 20], "runs": runs})


def test_a_baseline_is_the_mean_of_the_random_runs() -> None:
    baseline = read_baseline(kept([0.2, 0.6], [0.4, 0.8]))
    assert baseline.runs == 2
    assert [point.labels for point in baseline.points] == [10, 20]
    assert baseline.points[0][1:] == pytest.approx((0.3, 0.2, 0.4))
    assert baseline.at(15) == pytest.approx(0.5)
    assert baseline.at(5) is None
    assert baseline.at(21) is None
    assert baseline.labels_for(0.69) == 20
    assert baseline.labels_for(0.71) is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"runs": []}', kept(), kept([0.5]), kept([0.5, 1.5]), kept(["a", "b"])],
)
def test_what_is_no_baseline_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no kept|no run|Expecting|zip"):
        read_baseline(text)


@pytest.mark.parametrize(
    ("labels", "budget"), [(0, 50), (50, 50), (51, 100), (101, 200), (201, 500), (999, 1000)]
)
def test_the_budget_is_rounded_up(labels: int, budget: int) -> None:
    assert budget_for(labels, 10**6) == budget
    assert budget_for(labels, 70) <= 70


# Confidence.


def test_the_surest_come_first_and_equal_ones_together() -> None:
    found = counts_by_confidence([0.99, 0.5, 0.99, 0.7], [True, False, False, True])
    assert found.counts == (2, 3, 4)
    assert found.correct == (1, 2, 2)
    assert (found.sure, found.sure_correct) == (2, 1)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=700))
def test_all_predictions_are_in_the_last_point(pairs: list[tuple[float, bool]]) -> None:
    found = counts_by_confidence([c for c, _ in pairs], [r for _, r in pairs])
    assert found.counts[-1] == len(pairs)
    assert found.correct[-1] == sum(right for _, right in pairs)
    assert list(found.counts) == sorted(set(found.counts))
    assert len(found.counts) <= 402


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=300))
def test_the_curve_begins_where_a_share_means_something(pairs: list[tuple[float, bool]]) -> None:
    n = len(pairs)
    found = counts_by_confidence([c for c, _ in pairs], [r for _, r in pairs])
    chart = by_confidence(found, 60, 12, chance=0.1, zoomed=False)
    said_so = "the curve needs 30 images" in said(confidence_sentences(found, "x", waiting=""))
    assert said_so == (not chart.line) == (n < LEAST)
    if chart.line:
        assert chart.line[0][0] * n >= LEAST - 1e-6
        assert chart.line[-1] == (1, found.correct[-1] / n)
        for (x, y), (at, low, high) in zip(chart.line, chart.interval, strict=True):
            assert x == at
            assert low - 1e-9 <= y <= high + 1e-9


# Sentences.


def said(sentences: list[list[tuple[str, str]]]) -> str:
    return "\n".join(text_of(sentences))


def test_the_newest_is_said_with_interval_n_and_set() -> None:
    text = said(labels_sentences(CURVE, "hold-out t10k", None, ("why not", "muted"), waiting=""))
    assert "90.0%" in text
    assert "95%: 82.6% to 94.5%" in text
    assert "n 100 (hold-out t10k), after 30 labels" in text
    assert "why not" in text


def test_the_baseline_is_said_in_points_and_labels() -> None:
    text = said(labels_sentences(CURVE, "the hold-out", BASELINE, ("", "muted"), waiting=""))
    assert "66.0%  at random (3 runs): +24.0 points; 50 labels to reach 90.0%" in text


def test_before_the_first_fit_it_is_said_why_there_is_nothing() -> None:
    text = said(labels_sentences([], "the audit set", None, ("", "muted"), waiting="soon"))
    assert "No accuracy yet: soon." in text
    assert "No predictions yet: soon." in said(confidence_sentences(None, "x", waiting="soon"))


def test_how_right_the_sure_are_is_said() -> None:
    found = counts_by_confidence([0.99] * 20 + [0.5] * 20, [True] * 18 + [False] * 22)
    text = said(confidence_sentences(found, "the hold-out", waiting=""))
    assert "45.0%  95%: 30.7% to 60.2%  of all 40 are right (the hold-out)" in text
    assert "90.0%" in text
    assert "of 20 with a confidence of at least 95%" in text
    none = counts_by_confidence([0.5], [True])
    assert "No prediction has a confidence of at least 95%." in said(
        confidence_sentences(none, "x", waiting="")
    )
