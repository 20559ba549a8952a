"""The curve screen's values: charts in cells, the baseline, accuracy by confidence, sentences."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.learn.metrics import Accuracy
from tuilabel.session import CurvePoint
from tuilabel.tui.charts.alphabets import ASCII, BRAILLE, HALVES, Alphabet, alphabet_for
from tuilabel.tui.charts.axes import Axis, accuracy_axis, even_axis, nice_ticks
from tuilabel.tui.charts.drawing import GUTTER, Drawing, draw_chart, legend
from tuilabel.tui.terminal.capabilities import Blocks, Colours
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
    drawing = Drawing(*axes, line, band, line, newest="50.0%")
    drawn = draw_chart(drawing, width, height, alphabet)
    assert len(drawn) == height
    assert {len(row) for row in text_of(drawn)} <= {width}


def test_an_accuracy_below_chance_is_on_the_axis() -> None:
    axis, rows = accuracy_axis(0.1, 15, zoomed=False)
    drawing = Drawing(Axis(0, 10, ()), axis, [(0, 0.0), (10, 0.0)], rows=rows)
    assert cells_of(draw_chart(drawing, 40, 17, BRAILLE), "bar")


def test_the_axis_does_not_follow_the_data() -> None:
    y, rows = accuracy_axis(0.1, 12, zoomed=False)
    low = Drawing(Axis(0, 50, (0, 50)), y, [(10, 0.2)], rows=rows)
    high = Drawing(Axis(0, 50, (0, 50)), y, [(10, 0.9)], rows=rows)
    drawn = [draw_chart(drawing, 40, 14, BRAILLE) for drawing in (low, high)]
    labels = [[row[:GUTTER] for row in text_of(chart)] for chart in drawn]
    assert labels[0] == labels[1]
    assert cells_of(drawn[0], "accent") != cells_of(drawn[1], "accent")


@pytest.mark.parametrize("chance", [0.01, 1 / 14, 0.1, 0.25, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("zoomed", [False, True])
def test_numbers_of_the_upright_axis_stand_at_equal_distances(chance: float, zoomed: bool) -> None:
    for rows in range(2, 61):
        axis, used = accuracy_axis(chance, rows, zoomed=zoomed)
        begin = min(0.99, max(0.9, chance) if zoomed else chance if chance >= 0.25 else 0.0)
        assert axis.high == axis.ticks[-1] == 1
        assert 0 <= axis.low <= begin + 1e-9
        assert axis.low >= 1 - (1 - begin) * 1.12 - 1e-9 or rows < 7
        assert rows - 3 <= used <= rows
        places = [(1 - axis.share(tick)) * (used - 1) for tick in axis.ticks]
        assert places == pytest.approx([round(place) for place in places], abs=1e-6)
        assert len({round(a - b) for a, b in pairwise(places)}) <= 1
        assert len(axis.ticks) >= 3 or rows < 7


@given(st.integers(2, 40), st.data())
def test_a_value_that_has_a_number_stands_in_its_row(rows: int, data: st.DataObject) -> None:
    axis, used = even_axis(0.1, rows)
    tick = data.draw(st.sampled_from(axis.ticks))
    for alphabet in (BRAILLE, HALVES, ASCII):
        line = Drawing(Axis(0, 10, ()), axis, [(0, tick), (10, tick)], rows=used)
        drawn = draw_chart(line, GUTTER + 20, rows + 2, alphabet)
        ((_, y),) = {(0, y) for x, y in cells_of(drawn, "bar")}
        assert text_of(drawn)[y][: GUTTER - 1].strip() == f"{tick:.2f}"


@pytest.mark.parametrize("alphabet", [BRAILLE, HALVES, ASCII])
def test_line_interval_and_baseline_are_told_apart_without_colour(alphabet: Alphabet) -> None:
    drawing = by_labels(CURVE, BASELINE, 60, 16, labels=30, chance=0.1, zoomed=False)
    drawn = draw_chart(drawing, 66, 18, alphabet)
    text = "\n".join(text_of(drawn))
    assert text.count("90.0%") == 1
    dashed = {x for x, y in cells_of(drawn, "muted") if x > GUTTER and y < 16}
    assert dashed
    assert max(dashed) - min(dashed) + 1 > len(dashed)
    said = "".join(piece for piece, _ in legend(drawing, 60, alphabet))
    samples = (alphabet.measured, alphabet.random, alphabet.interval)
    assert len(set(samples)) == 3
    for sample, name in zip(samples, ("measured", "at random", "95 %"), strict=True):
        assert f"{sample} {name}" in said


@given(st.floats(0.12, 1), st.integers(1, 50))
def test_the_newest_is_marked_where_it_is(value: float, labels: int) -> None:
    y_axis, rows = even_axis(0.1, 16)
    drawing = Drawing(
        Axis(0, 50, ()), y_axis, [(0, 0.5), (labels, value)], newest="here", rows=rows
    )
    for alphabet in (BRAILLE, HALVES, ASCII):
        drawn = draw_chart(drawing, GUTTER + 60, 18, alphabet)
        ((x, y),) = cells_of(drawn, "accent")
        word = cells_of(drawn, "strong")
        depth = (1 - y_axis.share(value)) * (rows - 1) + 0.5
        assert abs(y + 0.5 - depth) <= 0.5 + 0.5 / alphabet.down + 1e-6
        assert abs((x - GUTTER) - labels / 50 * 59) <= 1
        assert not word or min(abs(y - other) for _, other in word) <= 1


def test_a_line_does_not_hide_the_one_beside_it() -> None:
    axis, rows = even_axis(0.0, 11)
    drawing = Drawing(Axis(0, 10, ()), axis, [(0, 0.52), (10, 0.52)], rows=rows)
    both = drawing._replace(beside=[(0, 0.48), (10, 0.48)])
    alone, beside = (text_of(draw_chart(d, 40, 13, BRAILLE))[5] for d in (drawing, both))
    cells = list(zip(alone[GUTTER:-1], beside[GUTTER:-1], strict=True))
    assert all(ord(one) & ord(two) == ord(one) for one, two in cells)
    assert [one != two for one, two in cells[:4]] == [True, False, True, False]


# The interval.


@pytest.mark.parametrize("alphabet", [BRAILLE, HALVES, ASCII])
@given(value=st.floats(0.3, 0.7), half=st.floats(0.08, 0.2))
def test_an_interval_has_a_lower_and_an_upper_line(
    alphabet: Alphabet, value: float, half: float
) -> None:
    y, rows = even_axis(0.0, 21)
    ends = (value - half, value + half)
    interval = [(x, *ends) for x in (0, 10)]
    drawing = Drawing(Axis(0, 10, ()), y, [(0, value), (10, value)], interval, rows=rows)
    cells = cells_of(draw_chart(drawing, GUTTER + 30, 23, alphabet), "area")
    drawn = sorted({y for _, y in cells})
    assert len(drawn) == 2
    for row, end in zip(drawn, reversed(ends), strict=True):
        assert abs(row + 0.5 - ((1 - y.share(end)) * (rows - 1) + 0.5)) <= 0.5 + 1e-6
        assert len({x for x, y in cells if y == row}) == 30


@pytest.mark.parametrize("alphabet", [BRAILLE, HALVES, ASCII])
def test_an_interval_that_is_thinner_than_a_dot_is_behind_its_line(alphabet: Alphabet) -> None:
    y, rows = even_axis(0.0, 21)
    line = Drawing(Axis(0, 10, ()), y, [(0, 0.5), (10, 0.5)], rows=rows)
    both = line._replace(interval=[(x, 0.5, 0.5) for x in (0, 10)])
    assert draw_chart(both, 40, 23, alphabet) == draw_chart(line, 40, 23, alphabet)
    assert "95 %" in "".join(text for text, _ in legend(both, 80, alphabet))


@given(st.integers(0, 90))
def test_nothing_of_the_legend_is_cut(room: int) -> None:
    drawing = by_labels(CURVE, BASELINE, 60, 16, labels=30, chance=0.1, zoomed=False)
    said = "".join(text for text, _ in legend(drawing, room, BRAILLE))
    assert len(said) <= room
    assert not said or said.endswith(("measured", "at random", "95 %"))


def test_what_is_below_the_axis_is_left_out() -> None:
    drawing = Drawing(Axis(0, 10, (0, 10)), Axis(0.9, 1.0, (0.9, 1)), [(0, 0.5), (10, 0.6)])
    for below in (drawing, drawing._replace(line=[], beside=drawing.line)):
        drawn = draw_chart(below._replace(newest="50.0%"), 40, 12, ASCII)
        assert not set("*o%") & set("".join(text_of(drawn)))


def test_the_alphabet_is_the_finest_that_the_terminal_draws() -> None:
    assert alphabet_for(Colours()) is BRAILLE
    assert alphabet_for(Colours(blocks=frozenset({Blocks.HALF}))) is HALVES
    assert alphabet_for(Colours(blocks=frozenset())) is ASCII
    drawing = by_labels(CURVE, BASELINE, 40, 10, labels=30, chance=0.1, zoomed=False)
    chart = draw_chart(drawing, 46, 12, ASCII)
    assert "".join(text_of([*chart, legend(drawing, 80, ASCII)])).isascii()


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
    drawing = by_confidence(found, 60, 12, chance=0.1, zoomed=False)
    said_so = "the curve begins at 30" in said(confidence_sentences(found, "x", waiting=""))
    assert said_so == (not drawing.line) == (n < LEAST)
    if drawing.line:
        assert drawing.line[0][0] * n >= LEAST - 1e-6
        assert drawing.line[-1] == (1, found.correct[-1] / n)
        for (x, y), (at, low, high) in zip(drawing.line, drawing.interval, strict=True):
            assert x == at
            assert low - 1e-9 <= y <= high + 1e-9


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
    assert "66.0%  at random (3 runs): +24.0 points; 50 labels to reach 90.0%" in text


def test_before_the_first_fit_it_is_said_why_there_is_nothing() -> None:
    text = said(labels_sentences([], "the audit set", None, ("", "muted"), waiting="soon"))
    assert "No accuracy yet: soon." in text
    assert "No predictions yet: soon." in said(confidence_sentences(None, "x", waiting="soon"))


def test_how_right_the_sure_are_is_said() -> None:
    found = counts_by_confidence([0.99] * 20 + [0.5] * 20, [True] * 18 + [False] * 22)
    text = said(confidence_sentences(found, "the hold-out", waiting=""))
    assert "45.0%  95 %: 30.7% to 60.2%  of all 40 are right (the hold-out)" in text
    assert "90.0%" in text
    assert "of 20 with a confidence of at least 95%" in text
    none = counts_by_confidence([0.5], [True])
    assert "No prediction has a confidence of at least 95%." in said(
        confidence_sentences(none, "x", waiting="")
    )
