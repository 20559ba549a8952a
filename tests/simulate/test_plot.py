"""The picture: what is drawn, in which formats, and that it is the same each time."""

from __future__ import annotations

import sys
import xml.etree.ElementTree
from pathlib import Path

import pytest
from simulate_fakes import ON, RESULTS, run

from tuilabel.errors import UsageError
from tuilabel.exchange.guard import is_output
from tuilabel.simulate import Description, Plan, Results
from tuilabel.simulate.plot import check_plot, draw_plot


def many(points: int, seeds: int = 2) -> Results:
    plan = Plan(("margin", "badge", "entropy"), ("softmax", "mlp"), budget=10 * points, seeds=seeds)
    runs = [
        run(combination, seed, *[0.5 + 0.05 * place + 0.02 * seed] * points)
        for place, combination in enumerate(plan.combinations())
        for seed in range(seeds)
    ]
    on = Description("digits", ("a",), 5000, 1000, "hold-out", 10)
    return Results(plan, on, tuple(runs), 0)


def test_the_svg_has_every_line_and_its_name() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    with matplotlib.rc_context({"text.usetex": True, "svg.fonttype": "path"}):
        picture = draw_plot(many(40), ".SVG")
    root = xml.etree.ElementTree.fromstring(picture)
    comments = picture.decode()
    assert root.tag.endswith("svg")
    # A name that is drawn as paths is there as a comment.
    for name in ("margin, softmax", "badge, mlp", "random (baseline), mlp", "labels"):
        assert f"<!-- {name} -->" in comments
    for colour in ("#0072b2", "#d55e00", "#009e73", "#666666"):
        assert f"stroke: {colour}" in comments.lower()
    assert "<!-- digits: pool 5,000, 2 seeds, bands ±1 sd -->" in comments
    assert "<dc:date>" not in comments
    # From 10 to 400 labels: logarithmic, with round numbers.
    for tick in ("10", "20", "50", "100", "200", "400"):
        assert f"<!-- {tick} -->" in comments


def test_a_picture_is_the_same_each_time() -> None:
    pytest.importorskip("matplotlib")
    for suffix, start in ((".svg", b"<?xml"), (".png", b"\x89PNG")):
        pictures = {draw_plot(RESULTS, suffix) for _ in range(2)}
        assert len(pictures) == 1
        assert pictures.pop().startswith(start)


@pytest.mark.parametrize("suffix", [".svg", ".PNG"])
def test_a_plot_is_known_as_ours_by_its_beginning(suffix: str) -> None:
    pytest.importorskip("matplotlib")
    assert is_output(draw_plot(RESULTS, suffix)[:4096])


def test_few_labels_are_on_a_linear_axis() -> None:
    pytest.importorskip("matplotlib")
    picture = draw_plot(RESULTS, ".svg").decode()
    assert "<!-- 15 -->" in picture or "<!-- 12.5 -->" in picture


def test_one_seed_has_no_band_and_one_point_is_drawn() -> None:
    pytest.importorskip("matplotlib")
    picture = draw_plot(many(1, seeds=1), ".svg").decode()
    assert "FillBetween" not in picture
    assert "<!-- digits: pool 5,000, 1 seed -->" in picture
    assert "FillBetween" in draw_plot(RESULTS, ".svg").decode()


def test_a_part_says_how_many_seeds_it_is_of() -> None:
    pytest.importorskip("matplotlib")
    part = Results(RESULTS.plan, ON, RESULTS.runs[:4], 0)
    assert "1 to 3 seeds" in draw_plot(part, ".svg").decode()


@pytest.mark.parametrize("source", ["a $\\frac{$ b", "\x1b[31m<&>--", "猫", "$x$"])
def test_any_name_of_a_source_is_drawn_as_it_is(
    source: str, recwarn: pytest.WarningsRecorder
) -> None:
    pytest.importorskip("matplotlib")
    on = Description(source, ("a",), 5000, 1000, source, 10)
    xml.etree.ElementTree.fromstring(draw_plot(Results(RESULTS.plan, on, RESULTS.runs, 0), ".svg"))
    assert not recwarn


@pytest.mark.parametrize("name", ["curve", "curve.pdf", "svg", "a.svg.gz"])
def test_a_name_without_a_format_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"ends in \.svg or \.png"):
        check_plot(Path(name))


def test_without_matplotlib_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match="pip install matplotlib"):
        check_plot(Path("curve.svg"))


def test_with_matplotlib_nothing_is_said() -> None:
    pytest.importorskip("matplotlib")
    check_plot(Path("curve.SVG"))
    check_plot(Path("curve.png"))
