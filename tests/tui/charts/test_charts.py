"""Charts in cells: axes, lines, intervals, the newest value and the legend."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.tui.charts.alphabets import ASCII, BRAILLE, HALVES, Alphabet, alphabet_for
from tuilabel.tui.charts.axes import Axis, accuracy_axis, even_axis, nice_ticks
from tuilabel.tui.charts.chart import GUTTER, Chart, draw_chart, legend
from tuilabel.tui.terminal.capabilities import Blocks, Colours

AXIS, ROWS = accuracy_axis(0.1, 16, zoomed=False)
CHART = Chart(
    Axis(0, 50, (0, 25, 50)),
    AXIS,
    [(10, 0.6), (20, 0.8), (30, 0.9)],
    [(10, 0.5, 0.69), (20, 0.71, 0.87), (30, 0.83, 0.94)],
    [(10, 0.4), (50, 0.92)],
    newest="90.0%",
    rows=ROWS,
)


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


# Axes and lines.


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
    chart = Chart(*axes, line, band, line, newest="50.0%")
    drawn = draw_chart(chart, width, height, alphabet)
    assert len(drawn) == height
    assert {len(row) for row in text_of(drawn)} <= {width}


def test_an_accuracy_below_chance_is_on_the_axis() -> None:
    axis, rows = accuracy_axis(0.1, 15, zoomed=False)
    chart = Chart(Axis(0, 10, ()), axis, [(0, 0.0), (10, 0.0)], rows=rows)
    assert cells_of(draw_chart(chart, 40, 17, BRAILLE), "bar")


def test_the_axis_does_not_follow_the_data() -> None:
    y, rows = accuracy_axis(0.1, 12, zoomed=False)
    low = Chart(Axis(0, 50, (0, 50)), y, [(10, 0.2)], rows=rows)
    high = Chart(Axis(0, 50, (0, 50)), y, [(10, 0.9)], rows=rows)
    drawn = [draw_chart(chart, 40, 14, BRAILLE) for chart in (low, high)]
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
        line = Chart(Axis(0, 10, ()), axis, [(0, tick), (10, tick)], rows=used)
        drawn = draw_chart(line, GUTTER + 20, rows + 2, alphabet)
        ((_, y),) = {(0, y) for x, y in cells_of(drawn, "bar")}
        assert text_of(drawn)[y][: GUTTER - 1].strip() == f"{tick:.2f}"


@pytest.mark.parametrize("alphabet", [BRAILLE, HALVES, ASCII])
def test_line_interval_and_baseline_are_told_apart_without_colour(alphabet: Alphabet) -> None:
    drawn = draw_chart(CHART, 66, 18, alphabet)
    text = "\n".join(text_of(drawn))
    assert text.count("90.0%") == 1
    dashed = {x for x, y in cells_of(drawn, "muted") if x > GUTTER and y < 16}
    assert dashed
    assert max(dashed) - min(dashed) + 1 > len(dashed)
    said = "".join(piece for piece, _ in legend(CHART, 60, alphabet))
    samples = (alphabet.measured, alphabet.random, alphabet.interval)
    assert len(set(samples)) == 3
    for sample, name in zip(samples, ("measured", "at random", "95%"), strict=True):
        assert f"{sample} {name}" in said


@given(st.floats(0.12, 1), st.integers(1, 50))
def test_the_newest_is_marked_where_it_is(value: float, labels: int) -> None:
    y_axis, rows = even_axis(0.1, 16)
    chart = Chart(Axis(0, 50, ()), y_axis, [(0, 0.5), (labels, value)], newest="here", rows=rows)
    for alphabet in (BRAILLE, HALVES, ASCII):
        drawn = draw_chart(chart, GUTTER + 60, 18, alphabet)
        ((x, y),) = cells_of(drawn, "accent")
        word = cells_of(drawn, "strong")
        depth = (1 - y_axis.share(value)) * (rows - 1) + 0.5
        assert abs(y + 0.5 - depth) <= 0.5 + 0.5 / alphabet.down + 1e-6
        assert abs((x - GUTTER) - labels / 50 * 59) <= 1
        assert not word or min(abs(y - other) for _, other in word) <= 1


def test_a_line_does_not_hide_the_one_beside_it() -> None:
    axis, rows = even_axis(0.0, 11)
    chart = Chart(Axis(0, 10, ()), axis, [(0, 0.52), (10, 0.52)], rows=rows)
    both = chart._replace(beside=[(0, 0.48), (10, 0.48)])
    alone, beside = (text_of(draw_chart(d, 40, 13, BRAILLE))[5] for d in (chart, both))
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
    chart = Chart(Axis(0, 10, ()), y, interval=interval, rows=rows)
    cells = cells_of(draw_chart(chart, GUTTER + 30, 23, alphabet), "bar")
    drawn = sorted({y for _, y in cells})
    assert len(drawn) == 2
    for row, end in zip(drawn, reversed(ends), strict=True):
        assert abs(row + 0.5 - ((1 - y.share(end)) * (rows - 1) + 0.5)) <= 0.5 + 1e-6
        assert len({x for x, y in cells if y == row}) == 30


@pytest.mark.parametrize("alphabet", [BRAILLE, HALVES, ASCII])
def test_an_interval_that_is_thinner_than_a_dot_is_behind_its_line(alphabet: Alphabet) -> None:
    y, rows = even_axis(0.0, 21)
    line = Chart(Axis(0, 10, ()), y, [(0, 0.5), (10, 0.5)], rows=rows)
    both = line._replace(interval=[(x, 0.5, 0.5) for x in (0, 10)])
    assert draw_chart(both, 40, 23, alphabet) == draw_chart(line, 40, 23, alphabet)
    assert "95%" in "".join(text for text, _ in legend(both, 80, alphabet))


@given(st.integers(0, 90))
def test_nothing_of_the_legend_is_cut(room: int) -> None:
    said = "".join(text for text, _ in legend(CHART, room, BRAILLE))
    assert len(said) <= room
    assert not said or said.endswith(("measured", "at random", "95%"))


def test_what_is_below_the_axis_is_left_out() -> None:
    chart = Chart(Axis(0, 10, (0, 10)), Axis(0.9, 1.0, (0.9, 1)), [(0, 0.5), (10, 0.6)])
    for below in (chart, chart._replace(line=[], beside=chart.line)):
        drawn = draw_chart(below._replace(newest="50.0%"), 40, 12, ASCII)
        assert not set("*o%") & set("".join(text_of(drawn)))


def test_the_alphabet_is_the_finest_that_the_terminal_draws() -> None:
    assert alphabet_for(Colours()) is BRAILLE
    assert alphabet_for(Colours(blocks=frozenset({Blocks.HALF}))) is HALVES
    assert alphabet_for(Colours(blocks=frozenset())) is ASCII
    chart = draw_chart(CHART, 46, 12, ASCII)
    assert "".join(text_of([*chart, legend(CHART, 80, ASCII)])).isascii()


@given(st.floats(0, 10_000), st.floats(0.01, 10_000), st.integers(2, 12))
def test_ticks_are_few_and_within(low: float, span: float, most: int) -> None:
    ticks = nice_ticks(low, low + span, most)
    assert len(ticks) <= most
    assert all(low - span * 0.01 <= tick <= (low + span) * 1.000001 + span * 0.01 for tick in ticks)
