"""What is explored and sought beside a strategy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.learn.exploring import BOTH, ONE, Explorer, Terrain, plan_hunt
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.feature_view import View
from tuilabel.learn.requests import EXPLORE, HUNT, SEEK, Fit

EVEN = np.array([0.5, 0.5])


def a_fit(classes: tuple[int, ...], k: int = 2, **changes: object) -> Fit:
    request = Fit(
        generation=1,
        items=tuple(range(len(classes))),
        classes=classes,
        columns=tuple("abcdefghij"[:k]),
        truth=(),
        excluded=(),
        audit_items=(),
        audit_classes=(),
        model="auto",
        features="auto",
        strategy="auto",
        cold_start="auto",
        cold_start_size=0,
        batch_size=10,
        epsilon=0.0,
        limit=50,
        seed=(1, 2, 3),
    )
    return replace(request, **changes)  # type: ignore[arg-type]


def hunted(*labels: int, why: str = EXPLORE) -> tuple[tuple[int, str], ...]:
    return tuple((label, why) for label in labels)


def a_pool(rng: np.random.Generator, spread: float = 8) -> tuple[Explorer, View, np.ndarray]:
    """Return 300 items near one place and 6 near another, as rows and as their terrain."""
    kinds = np.repeat([0, 1], [300, 6])
    around = rng.normal(0, 1, (306, 6)) * np.where(kinds, spread, 8)[:, None]
    rows = (100 + around + 90 * kinds[:, None]).clip(0, 255).astype(np.uint8)
    places = rows.astype(np.float32)
    return Explorer(Terrain(places, places[:, :2])), View(pixels(rows)), kinds


def test_with_fewer_than_two_classes_all_of_a_batch_is_explored() -> None:
    for classes in ((), (1,), (1,) * 40):
        assert plan_hunt(a_fit(classes), EVEN).explored == 10


def test_less_is_explored_the_longer_nothing_new_is_met() -> None:
    known = (0, 1) * 20
    found = []
    for dry in (0, BOTH - 1, BOTH, ONE - 1, ONE):
        met = hunted(0, 1, *[0] * dry)
        found.append(plan_hunt(a_fit(known, hunted=met), EVEN).explored)
    assert found == [2, 2, 1, 1, 0]


def test_while_a_named_class_has_no_label_exploring_does_not_end() -> None:
    met = hunted(0, 1, *[0] * 2 * ONE)
    request = a_fit((0, 1) * 20, 3, hunted=met)
    assert plan_hunt(request, np.full(3, 1 / 3)).explored == 2


def test_an_example_of_a_thin_class_sets_exploring_off_again() -> None:
    labels = (0,) * 60 + (1,) * 60 + (2,) * 3
    request = a_fit(labels, 3, hunted=hunted(0, 1, 2, *[0] * ONE))
    shares = np.full(3, 1 / 3)
    assert plan_hunt(request, shares).explored == 0
    again = replace(request, hunted=(*request.hunted, (2, EXPLORE)))
    assert plan_hunt(again, shares).explored == 2


def test_thin_classes_are_sought_the_thinnest_first() -> None:
    labels = (0,) * 60 + (1,) * 4 + (2,) * 2
    hunt = plan_hunt(a_fit(labels, 4), np.full(4, 0.25))
    assert (hunt.thin, hunt.sought) == ((2, 1), 5), "a class without an example cannot be sought"
    assert plan_hunt(a_fit(labels, 4, strategy=HUNT), np.full(4, 0.25)).sought == 8
    assert plan_hunt(a_fit((0, 1, 2) * 9, 3), np.full(3, 1 / 3)).sought == 0


def test_of_two_classes_one_is_thin_only_while_the_model_predicts_little_of_it() -> None:
    labels = (0,) * 20 + (1,) * 15
    assert plan_hunt(a_fit(labels), np.array([0.9, 0.1])).thin == (1,)
    assert plan_hunt(a_fit(labels), np.array([0.6, 0.4])).thin == ()


def test_a_class_is_not_sought_in_vain_for_ever() -> None:
    labels = (0,) * 60 + (1,) * 3
    shares = np.array([0.99, 0.01])
    missed = hunted(1, *[0] * 9, why=f"{SEEK} b")
    assert plan_hunt(a_fit(labels, hunted=missed), shares).thin == ()
    for others in (missed[1:], hunted(1, 1, *[0] * 8, why=f"{SEEK} b"), hunted(*[0] * 30)):
        assert plan_hunt(a_fit(labels, hunted=others), shares).thin == (1,)


@pytest.mark.parametrize("seed", range(5))
def test_a_small_cluster_far_from_all_labels_is_explored_at_once(seed: int) -> None:
    explorer, _, kinds = a_pool(np.random.default_rng(seed))
    chosen = explorer.explore(
        np.array([0, 1, 2]), np.ones(306, bool), 2, 0, np.random.default_rng(0)
    )
    assert 1 in kinds[chosen]


def test_near_copies_of_what_is_labelled_are_not_explored() -> None:
    explorer, _, kinds = a_pool(np.random.default_rng(0), spread=1)
    free = np.ones(306, bool)
    chosen = explorer.explore(np.array([0, 305]), free, 20, 0, np.random.default_rng(0))
    assert not kinds[chosen].any()


@pytest.mark.parametrize("seed", range(3))
def test_others_of_a_class_with_one_example_are_sought(seed: int) -> None:
    explorer, view, kinds = a_pool(np.random.default_rng(seed))
    request = a_fit((0,) * 12 + (1,), items=(*range(12), 300))
    candidates = np.setdiff1d(np.arange(306), request.items)
    rows, why = explorer.mix(request, view, candidates[:50], candidates, np.array([0.98, 0.02]))
    assert len(rows) == 50 == len(set(rows.tolist()))
    assert {why.get(row, "")[:7] for row in rows[:7].tolist()} == {"explore", "seek b"}
    sought = [row for row, reason in why.items() if reason == "seek b"]
    assert kinds[sought].sum() == 5, "all that are left"


def test_of_many_thin_classes_only_as_many_are_sought_as_have_places() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (520, 6), np.uint8)
    terrain = Terrain(rows.astype(np.float32), rows.astype(np.float32))
    columns = tuple(f"c{number}" for number in range(21))
    request = a_fit((*[0] * 400, *range(1, 21)), columns=columns)
    shares = np.full(21, 1 / 21)
    assert len(plan_hunt(request, shares).thin) == 20
    candidates = np.arange(420, 520)
    _, why = Explorer(terrain).mix(request, View(pixels(rows)), candidates, candidates, shares)
    sought = [reason for reason in why.values() if reason != EXPLORE]
    assert (len(sought), len(set(sought))) == (10, 5)


def test_taking_back_a_label_is_as_if_it_had_not_been() -> None:
    explorer, _, _ = a_pool(np.random.default_rng(0))
    fresh, _, _ = a_pool(np.random.default_rng(0))
    free = np.ones(306, bool)
    explorer.explore(np.arange(20), free, 3, 0, np.random.default_rng(0))
    some = [
        each.explore(np.arange(9), free, 5, 0, np.random.default_rng(0))
        for each in (explorer, fresh)
    ]
    assert some[0] == some[1]


@given(
    labels=st.lists(st.integers(0, 4), max_size=25),
    k=st.integers(5, 7),
    batch=st.integers(1, 30),
    limit=st.integers(1, 60),
    strategy=st.sampled_from(["auto", HUNT]),
    alike=st.booleans(),
)
def test_any_state_has_a_ranking_without_repetition(
    labels: list[int], k: int, batch: int, limit: int, strategy: str, alike: bool
) -> None:
    rng = np.random.default_rng(0)
    rows = np.full((40, 4), 7, np.uint8) if alike else rng.integers(0, 256, (40, 4), np.uint8)
    terrain = Terrain(rows.astype(np.float32), rows.astype(np.float32))
    request = a_fit(tuple(labels), k, batch_size=batch, limit=limit, strategy=strategy)
    candidates = np.setdiff1d(np.arange(40), request.items)
    shares = np.full(k, 1 / k)
    ranked = candidates[:limit]
    found, why = Explorer(terrain).mix(request, View(pixels(rows)), ranked, candidates, shares)
    again, _ = Explorer(terrain).mix(request, View(pixels(rows)), ranked, candidates, shares)
    assert found.tolist() == again.tolist()
    assert len(found) == min(limit, len(candidates)) == len(set(found.tolist()))
    assert set(found.tolist()) <= set(candidates.tolist()) >= set(why)
