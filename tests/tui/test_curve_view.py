"""The curve screen's values: charts in cells, the baseline, accuracy by confidence, sentences."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.learn.metrics import Accuracy
from tuilabel.session import CurvePoint
from tuilabel.tui.chart import (
    ASCII,
    BRAILLE,
    GUTTER,
    HALVES,
    Alphabet,
    Axis,
    Drawing,
    alphabet_for,
    draw_chart,
    nice_ticks,
)
from tuilabel.tui.colours import Blocks, Colours
from tuilabel.tui.curve_view import (
    Baseline,
    BaselinePoint,
    accuracy_axis,
    budget_for,
    by_confidence,
    by_labels,
    confidence_sentences,
    confident,
    labels_sentences,
    read_baseline,
)

CURVE = [
    CurvePoint(10, Accuracy(60, 100, "hold-out")),
    CurvePoint(20, Accuracy(80, 100, "hold-out")),
    CurvePoint(30, Accuracy(90, 100, "hold-out")),
]
BASELINE = Baseline((BaselinePoint(10, 0.4, 0.3, 0.5), BaselinePoint(50, 0.92, 0.9, 0.94)), runs=3)


def text_of(drawn: list[list[tuple[str, str]]]) -> list[str]:
    return ["".join(text for text, _ in row) for row in drawn]


def cells_of(drawn: list[list[tuple[str, str]]], style: str) -> set[tuple[int, int]]:
    found = set()
    for y, row in enumerate(drawn):
        x = 0
        for text, name in row:
            if name == style:
                found |= {(x + i, y) for i in range(len(text))}
            x += len(text)
    return found


# Charts.


@pytest.mark.parametrize("alphabet", [BRAILLE, HALVES, ASCII])
@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1)), max_size=12).map(sorted),
    st.integers(GUTTER + 2, 90),
    st.integers(4, 40),
)
def test_every_row_of_a_chart_has_the_width_of_its_box(
    alphabet: Alphabet, line: list[tuple[float, float]], width: int, height: int
) -> None:
    axes = Axis(0, 100, nice_ticks(0, 100, 5)), Axis(0.1, 1, nice_ticks(0.1, 1, 4))
    band = [(x, max(0, y - 0.1), min(1, y + 0.1)) for x, y in line]
    drawn = draw_chart(Drawing(*axes, line, band, line), width, height, alphabet)
    assert len(drawn) == height
    assert {len(row) for row in text_of(drawn)} <= {width}


def test_the_axis_does_not_follow_the_data() -> None:
    low = Drawing(Axis(0, 50, (0, 50)), accuracy_axis(0.1, 12, zoomed=False), [(10, 0.2)])
    high = Drawing(Axis(0, 50, (0, 50)), accuracy_axis(0.1, 12, zoomed=False), [(10, 0.9)])
    drawn = [draw_chart(drawing, 40, 14, BRAILLE) for drawing in (low, high)]
    labels = [[row[:GUTTER] for row in text_of(chart)] for chart in drawn]
    assert labels[0] == labels[1]
    assert cells_of(drawn[0], "accent") != cells_of(drawn[1], "accent")


def test_zoomed_the_axis_begins_at_nine_tenths_or_at_chance_above_it() -> None:
    assert accuracy_axis(0.1, 20, zoomed=True)[:2] == (0.9, 1.0)
    assert accuracy_axis(0.1, 20, zoomed=False)[:2] == (0.1, 1.0)
    assert accuracy_axis(1.0, 20, zoomed=False).low < 1


@pytest.mark.parametrize("alphabet", [BRAILLE, HALVES, ASCII])
def test_newest_band_and_baseline_are_told_apart_without_colour(alphabet: Alphabet) -> None:
    drawing = by_labels(CURVE, BASELINE, 60, 16, labels=30, chance=0.1, zoomed=False)
    drawn = draw_chart(drawing, 66, 18, alphabet)
    text = "\n".join(text_of(drawn))
    assert text.count(alphabet.newest) == 1
    assert alphabet.band in text
    dashed = {x for x, y in cells_of(drawn, "muted") if x > GUTTER and y < 16}
    assert dashed
    assert max(dashed) - min(dashed) + 1 > len(dashed)
    # The newest stands at the row of its value, at the column of its labels.
    ((x, y),) = cells_of(drawn, "accent")
    assert abs((x - GUTTER) / 59 - 30 / 50) < 0.02
    assert abs((1 - y / 15) - (0.9 - 0.1) / 0.9) < 0.1


def test_what_is_below_the_axis_is_left_out() -> None:
    drawing = Drawing(Axis(0, 10, (0, 10)), Axis(0.9, 1.0, (0.9, 1)), [(0, 0.5), (10, 0.6)])
    drawn = draw_chart(drawing._replace(line=[], beside=drawing.line), 40, 12, ASCII)
    assert "*" not in "".join(text_of(drawn))


def test_the_alphabet_is_the_finest_that_the_terminal_draws() -> None:
    assert alphabet_for(Colours()) is BRAILLE
    assert alphabet_for(Colours(blocks=frozenset({Blocks.HALF}))) is HALVES
    assert alphabet_for(Colours(blocks=frozenset())) is ASCII
    assert "".join(
        text_of(
            draw_chart(
                by_labels(CURVE, None, 40, 10, labels=30, chance=0.1, zoomed=False), 46, 12, ASCII
            )
        )
    ).isascii()


@given(st.floats(0, 10_000), st.floats(0.01, 10_000), st.integers(2, 12))
def test_ticks_are_few_and_within(low: float, span: float, most: int) -> None:
    ticks = nice_ticks(low, low + span, most)
    assert len(ticks) <= most
    assert all(low - span * 0.01 <= tick <= (low + span) * 1.000001 + span * 0.01 for tick in ticks)


# The baseline.


def results(*runs: tuple[str, list[float]]) -> str:
    return json.dumps(
        {
            "runs": [
                {"strategy": s, "cold_start": s, "labels": [10, 20], "accuracy": accuracy}
                for s, accuracy in runs
            ]
        }
    )


def test_a_baseline_is_the_mean_of_the_random_runs() -> None:
    text = results(("random", [0.2, 0.6]), ("margin", [0.9, 0.9]), ("random", [0.4, 0.8]))
    baseline = read_baseline(text)
    assert baseline.runs == 2
    assert [point.labels for point in baseline.points] == [10, 20]
    assert baseline.points[0][1:] == pytest.approx((0.3, 0.2, 0.4))
    assert baseline.at(15) == pytest.approx(0.5)
    assert baseline.at(5) is None
    assert baseline.at(21) is None
    assert baseline.labels_for(0.69) == 20
    assert baseline.labels_for(0.71) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"runs": []}', results(("margin", [1, 1]))])
def test_what_is_no_baseline_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no results|no run|Expecting"):
        read_baseline(text)


@pytest.mark.parametrize(
    ("labels", "budget"), [(0, 50), (50, 50), (51, 100), (101, 200), (201, 500), (999, 1000)]
)
def test_the_budget_is_rounded_up(labels: int, budget: int) -> None:
    assert budget_for(labels, 10**6) == budget
    assert budget_for(labels, 70) <= 70


# Confidence.


def test_the_surest_come_first_and_equal_ones_together() -> None:
    found = confident([0.99, 0.5, 0.99, 0.7], [True, False, False, True])
    assert found.counts == (2, 3, 4)
    assert found.correct == (1, 2, 2)
    assert (found.sure, found.sure_correct) == (2, 1)
    drawing = by_confidence(found, 60, 12, chance=0.1, zoomed=False)
    assert drawing.line[-1] == (1.0, 0.5)
    assert all(
        low <= y <= high for (_, y), (_, low, high) in zip(drawing.line, drawing.band, strict=True)
    )


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=700))
def test_all_predictions_are_in_the_last_point(pairs: list[tuple[float, bool]]) -> None:
    found = confident([c for c, _ in pairs], [r for _, r in pairs])
    assert found.counts[-1] == len(pairs)
    assert found.correct[-1] == sum(right for _, right in pairs)
    assert list(found.counts) == sorted(set(found.counts))
    assert len(found.counts) <= 402


# Sentences.


def said(sentences: list[list[tuple[str, str]]]) -> str:
    return "\n".join(text_of(sentences))


def test_the_newest_is_said_with_interval_n_and_set() -> None:
    text = said(labels_sentences(CURVE, "hold-out t10k", None, ("why not", "muted"), waiting=""))
    assert "90.0%" in text
    assert "95 %: 82.6% to 94.5%" in text
    assert "n 100 (hold-out t10k), after 30 labels" in text
    assert "why not" in text


def test_the_baseline_is_said_in_points_and_labels() -> None:
    text = said(labels_sentences(CURVE, "the hold-out", BASELINE, ("", "muted"), waiting=""))
    assert "66.0%  at random (3 runs): +24.0 points; the same takes 50 labels" in text


def test_before_the_first_fit_it_is_said_why_there_is_nothing() -> None:
    text = said(labels_sentences([], "the audit set", None, ("", "muted"), waiting="soon"))
    assert "No accuracy yet: soon." in text
    assert "No predictions yet: soon." in said(confidence_sentences(None, "x", waiting="soon"))


def test_how_right_the_sure_are_is_said() -> None:
    found = confident([0.99] * 10 + [0.5] * 10, [True] * 9 + [False] * 11)
    text = said(confidence_sentences(found, "the hold-out", waiting=""))
    assert "45.0%  of all 20 are right (the hold-out)" in text
    assert "90.0%" in text
    assert "of the 10 that are surer than 95% (50%)" in text
    none = confident([0.5], [True])
    assert "None is surer than 95%." in said(confidence_sentences(none, "x", waiting=""))
