"""What results say: means, labels needed, JSON, CSV, the table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from simulate_fakes import ON, PLAN, RESULTS, run

from tuilabel import __version__
from tuilabel.errors import UsageError
from tuilabel.exchange.guard import is_output
from tuilabel.simulate import (
    Combination,
    Description,
    MeanPoint,
    Needed,
    Plan,
    Results,
    Run,
    SimulationProgress,
)
from tuilabel.simulate.results import CSV_COLUMNS, Met, as_csv, as_json, shares
from tuilabel.simulate.table import (
    BASELINE_NAME,
    chosen_places,
    duration,
    progress_line,
    result_lines,
)

MARGIN, RANDOM = PLAN.combinations()


def lines(results: Results, targets: Sequence[float] = (0.9, 0.95), width: int = 80) -> list[str]:
    return list(result_lines(results, targets, width))


# Numbers.


def test_a_curve_is_mean_and_sample_sd() -> None:
    points = RESULTS.curve(MARGIN)
    assert [point.labels for point in points] == [10, 20, 30]
    assert points[0].mean == pytest.approx(0.6)
    assert points[0].sd == pytest.approx(0.1)
    assert RESULTS.curve(RANDOM)[0] == MeanPoint(10, pytest.approx(0.1), pytest.approx(0.0))


def test_a_single_run_has_no_spread() -> None:
    alone = Results(PLAN, ON, RESULTS.runs[:1], 0.0)
    assert alone.curve(MARGIN)[0] == MeanPoint(10, 0.5, None)
    assert alone.combinations == [MARGIN]
    assert not alone.is_complete


def test_labels_needed_are_a_median_in_which_never_is_the_most() -> None:
    assert RESULTS.needed(MARGIN, 0.9) == Needed(30, 3, 3)
    assert RESULTS.needed(MARGIN, 0.8) == Needed(20, 3, 3)
    assert RESULTS.needed(MARGIN, 0.95) == Needed(None, 1, 3)
    # One seed comes down again: it got there all the same.
    assert RESULTS.needed(RANDOM, 0.95) == Needed(30, 2, 3)
    assert RESULTS.needed(RANDOM, 1.0) == Needed(None, 0, 3)
    two = Results(PLAN, ON, RESULTS.runs[:2], 0.0)
    assert two.needed(MARGIN, 0.9) == Needed(25, 2, 2)


def test_seconds_are_a_median_over_all_rounds() -> None:
    assert RESULTS.round_seconds(MARGIN) == pytest.approx(0.2)
    assert RESULTS.weigh_seconds(MARGIN) == 2.5


@pytest.mark.parametrize(
    ("given", "found"), [(("0.9",), (0.9,)), (("1", ".5", "0.50"), (1.0, 0.5)), ((), ())]
)
def test_targets_are_shares(given: Sequence[str], found: tuple[float, ...]) -> None:
    assert shares("--target", given) == found


@pytest.mark.parametrize("wrong", ["90", "0", "-0.5", "1.01", "x", "", "nan", "inf", "90%"])
def test_what_is_no_share_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match=r"expected shares above 0 and up to 1, such as 0.9,0.95"):
        shares("--target", ("0.9", wrong))


# Files.


def test_the_json_has_the_promised_fields() -> None:
    found = json.loads(as_json(RESULTS, (0.9, 0.95)))
    assert set(found) == {"settings", "runs"}
    assert found["settings"] == {
        "version": __version__,
        "source": "digits",
        "classes": ["a", "b"],
        "pool": 500,
        "class_sizes": [250, 250],
        "test": 1000,
        "test_set": "hold-out",
        "strategy": ["margin"],
        "model": ["softmax"],
        "features": ["raw"],
        "cold_start": ["kmeans"],
        "baseline": {"strategy": "random", "cold_start": "random"},
        "budget": 30,
        "batch_size": 10,
        "epsilon": 0.0,
        "seeds": 3,
        "target": [0.9, 0.95],
    }
    assert len(found["runs"]) == 6
    assert found["runs"][1] == {
        "strategy": "margin",
        "model": "softmax",
        "features": "raw",
        "cold_start": "kmeans",
        "seed": 1,
        "labels": [10, 20, 30],
        "accuracy": [0.7, 0.8, 0.96],
        "round_seconds": [0.1, 0.2, 0.3],
        "asked": [int(place % 9 == 3) for place in range(30)],
    }


def test_the_csv_has_a_row_for_each_fit() -> None:
    rows = list(csv.reader(io.StringIO(as_csv(RESULTS).decode(), newline="")))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert rows[0] == [*Combination._fields, "seed", "labels", "accuracy", "round_seconds"]
    assert len(rows) == 1 + 18
    assert rows[5] == ["margin", "softmax", "raw", "kmeans", "1", "20", "0.8", "0.2"]


# The table.


def test_files_are_known_by_their_beginnings() -> None:
    assert is_output(as_json(RESULTS, ()))
    assert is_output(as_csv(RESULTS))


def test_the_table_says_it_all() -> None:
    assert lines(RESULTS) == [
        "digits: a pool of 500 images, 1,000 images to measure on (hold-out).",
        "3 seeds, 10 labels a round, up to 30, model softmax, features raw, cold start",
        "kmeans (the baseline's is random).",
        "",
        "Accuracy in per cent on the hold-out, by number of labels (mean±sd):",
        "strategy                  10         20         30",
        "margin             60.0±10.0   85.0±5.0   93.0±2.6",
        "random (baseline)   10.0±0.0  45.0±43.3  51.7±37.5",
        "",
        "Labels needed to reach an accuracy (median; seeds that reached it), and median",
        "seconds for a fit and its ranking:",
        "strategy                90%         95%  s/round",
        "margin             30 (3/3)  > 30 (1/3)    0.200",
        "random (baseline)  30 (2/3)    30 (2/3)    0.200",
        "",
        "The baseline draws every image at random, in the same loop with the same model",
        "and features.",
        "Features and label graphs took 7.3 s, once for all runs.",
        "Two were merged.",
    ]


def test_one_seed_has_no_spread_and_no_median() -> None:
    plan = Plan(("margin",), ("softmax",), ("raw",), ("random",), budget=30, seeds=1)
    margin, random = plan.combinations()
    results = Results(plan, ON, (run(margin, 0, 0.5, 0.9, 0.92), run(random, 0, 0.1, 0.2, 0.3)), 0)
    found = lines(results, (0.9,))
    assert "1 seed, 10 labels a round, up to 30, model softmax, features raw, cold start" in found
    assert "random." in found
    assert "Accuracy in per cent on the hold-out, by number of labels:" in found
    assert "margin             50.0  90.0  92.0" in found
    assert "random (baseline)  > 30    0.200" in found


def test_what_differs_between_rows_is_a_column() -> None:
    plan = Plan(
        ("margin", "badge"), ("softmax", "mlp"), ("raw",), ("kmeans", "random"), 20, seeds=1
    )
    results = Results(plan, ON, tuple(run(c, 0, 0.5, 0.9) for c in plan.combinations()), 0)
    found = lines(results)
    (heading,) = [line for line in found if line.startswith("strategy") and " 20" in line]
    assert heading.split() == ["strategy", "model", "cold", "start", "10", "20"]
    assert sum(line.startswith("badge") and " mlp " in line for line in found) == 4
    assert sum(line.startswith(BASELINE_NAME) for line in found) == 4
    assert not any("model" in line for line in found[:3])


def test_too_wide_a_table_goes_on_below() -> None:
    plan = Plan(("least-confident",), ("softmax",), ("raw",), ("kmeans",), 1000, seeds=2)
    runs = [run(c, s, *[0.5 + 0.1 * s] * 100) for c in plan.combinations() for s in (0, 1)]
    on = Description("digits", ("a",), 5000, 1000, "hold-out", 10)
    results = Results(plan, on, tuple(runs), 0)
    for width in (40, 60, 80, 120):
        found = lines(results, width=width)
        assert all(len(line) <= width for line in found)
        text = " ".join(found)
        for heading in ("10", "20", "50", "100", "200", "500", "1,000", "90%", "95%", "s/round"):
            assert f" {heading} " in f" {text} "
    rows = [line for line in lines(results) if line.startswith("least-confident")]
    # Four and three columns rather than six and one, then those of the labels needed.
    assert [line.count("±") for line in rows] == [4, 3, 0]
    assert [line.count("±") for line in lines(results, width=120) if "least" in line] == [7, 0]


def test_a_part_says_how_many_seeds_it_is_of() -> None:
    found = lines(Results(PLAN, ON, RESULTS.runs[:4], 0.0))
    assert "4 of 6 runs." in found
    table = [line.split() for line in found[5:9]]
    assert [row[-1] for row in table if row and row[0] in ("strategy", "margin", "random")] == [
        "seeds",
        "3",
        "1",
    ]


def test_an_exhausted_pool_and_a_share_of_random_draws_are_said() -> None:
    plan = Plan(("margin",), ("softmax",), budget=400, seeds=1, epsilon=0.25)
    on = Description("digits", ("a",), 30, 1, "hold-out", 10)
    results = Results(plan, on, (run(plan.combinations()[0], 0, 0.5, 0.6, 0.7),), 0)
    text = " ".join(lines(results, ()))
    assert "The pool has only 30 images, fewer than the budget of 400 labels" in text
    assert "25% of each batch at random" in text
    assert "Median seconds for a fit" in text


def test_the_rarest_class_is_named_with_its_first_example_and_its_share() -> None:
    combination = PLAN.combinations()[0]
    runs = tuple(
        Run(combination, seed, (30,), (0.9,), (0.1,), 0.0, asked)
        for seed, asked in enumerate([(0, 1) + (0,) * 28, (0,) * 3 + (1,) * 27, (0,) * 30])
    )
    results = replace(RESULTS, runs=runs, on=replace(ON, sizes=(480, 20)))
    assert results.met(combination, 1) == Met(4, (1 + 27 + 0) / 3 / 20)
    assert results.met(combination, 0).first == 1
    text = "\n".join(result_lines(results, ()))
    assert "The rarest class is b: 20 of 500 images." in text
    assert "margin: 4, 47%" in text
    assert "rarest" not in "\n".join(lines(RESULTS))


def test_a_source_with_escape_codes_is_harmless() -> None:
    on = Description("\x1b[31mred\n", ("a",), 500, 1000, "\x1b[0m", 10)
    assert not any("\x1b" in line for line in lines(Results(PLAN, on, RESULTS.runs, 0.0)))


@pytest.mark.parametrize(
    ("last", "wanted"),
    [
        (400, [10, 20, 50, 100, 200, 400]),
        (1000, [10, 20, 50, 100, 200, 500, 1000]),
        (60, [10, 20, 50, 60]),
        (110, [10, 20, 50, 110]),
        (10, [10]),
        (20, [10, 20]),
    ],
)
def test_round_numbers_and_the_last_are_shown(last: int, wanted: list[int]) -> None:
    labels = list(range(10, last + 1, 10))
    assert [labels[place] for place in chosen_places(labels)] == wanted


def test_other_batches_are_shown_by_their_own_numbers() -> None:
    labels = [*range(7, 100, 7), 100]
    assert [labels[place] for place in chosen_places(labels)] == [7, 21, 49, 100]
    assert chosen_places([3]) == [0]
    assert chosen_places([250, 500]) == [0, 1]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.2, "1 s"),
        (59, "59 s"),
        (59.5, "1 min 0 s"),
        (80, "1 min 20 s"),
        (3599.9, "1 h 0 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_time_left_is_told_in_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_how_far_it_is_fits_a_line() -> None:
    assert progress_line(SimulationProgress(0, 1)) == "0 of 1 run, 0%"
    assert progress_line(SimulationProgress(3, 12, 0.3, 80)) == "3 of 12 runs, 30%, 1 min 20 s left"
    assert progress_line(SimulationProgress(0, 12, preparing="features")) == "preparing: features"
