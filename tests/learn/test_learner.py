"""The learner: what it needs, what it answers before and after, and how it makes up its mind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_pools import blobs, glyphs

from tuilabel.data import HoldOut
from tuilabel.data.arrays import Arrays
from tuilabel.errors import UsageError
from tuilabel.learn import learner as learner_module
from tuilabel.learn.feature_sources import pixels
from tuilabel.learn.graph import NoGraphError
from tuilabel.learn.learner import AUTO_STRATEGY, QUICK_ROWS, Learner, Needs
from tuilabel.learn.model_choice import LEAST_WEIGHED
from tuilabel.learn.names import (
    AUTO,
    COLD_START_NAMES,
    GRAPH_MODELS,
)
from tuilabel.learn.requests import ColdStart, Fit, FitFinished
from tuilabel.plugins import GROUPS

POOL, KIND = glyphs(120)
HOLDOUT = HoldOut("hold-out", *glyphs(45, seed=1))


def a_fit(rows: Any = range(12), kind: np.ndarray = KIND, **changes: Any) -> Fit:
    items = tuple(int(row) for row in rows)
    fit = Fit(
        generation=1,
        items=items,
        classes=tuple(int(kind[row]) for row in items),
        columns=("a", "b", "c"),
        truth=(0, 1, 2),
        excluded=(),
        audit_items=(),
        audit_classes=(),
        model="hybrid",
        features="hog",
        strategy="margin",
        cold_start="random",
        cold_start_size=0,
        batch_size=5,
        epsilon=0.0,
        limit=20,
        seed=(0, 2, 1),
    )
    return replace(fit, **changes)


def a_cold_start(**changes: Any) -> ColdStart:
    start = ColdStart(
        generation=1,
        method="spectral",
        model="hybrid",
        features="hog",
        items=(),
        excluded=(),
        size=6,
        seed=(0, 2, 0),
    )
    return replace(start, **changes)


def ready(request: Fit | ColdStart, learner: Learner | None = None, **options: Any) -> Learner:
    """Return a learner that has prepared what a request needs."""
    options = {"holdout": HOLDOUT} | options
    learner = learner or Learner(pixels(options.pop("pool", POOL)), 3, **options)
    learner.prepare(learner.needs(request))
    return learner


def plain(answer: FitFinished) -> FitFinished:
    """Leave out what no two runs have in common."""
    return replace(answer, fit_seconds=0.0, rank_seconds=0.0)


def reflected(learner: Learner) -> Learner:
    for _ in learner.reflect():
        pass
    return learner


# What is needed, and what there is until then.


@pytest.mark.parametrize("model", GROUPS["models"].built_in)
@pytest.mark.parametrize("features", GROUPS["features"].built_in)
def test_every_model_on_every_feature_is_fitted_as_it_was_asked(model: str, features: str) -> None:
    request = a_fit(model=model, features=features)
    learner = ready(request)
    assert learner.is_ready(learner.needs(request))
    assert learner.needs(request).graph == (model in GRAPH_MODELS)
    answer = learner.fit(request)
    assert answer.model == ("hybrid" if model == AUTO else model)
    assert answer.features == ("deskew-hog" if features == AUTO else features)
    assert len(answer.items) == len(answer.probabilities) == 20
    assert answer.accuracy is not None
    assert answer.accuracy.value > (0.7 if answer.features == "raw" else 0.9)


@pytest.mark.parametrize("strategy", GROUPS["strategies"].built_in)
def test_every_strategy_ranks_what_is_left(strategy: str) -> None:
    request = a_fit(strategy=strategy, excluded=(50, 51), limit=1000)
    answer = ready(request).fit(request)
    assert sorted(answer.items) == sorted({*range(12, 120)} - {50, 51})
    assert answer.strategy == (AUTO_STRATEGY if strategy == AUTO else strategy)


def test_a_pool_in_parts_is_answered_as_one() -> None:
    request = a_fit(model="hybrid", features="hog")
    parts = Learner(pixels(POOL[:50], POOL[50:]), 3, holdout=HOLDOUT)
    assert plain(ready(request, parts).fit(request)) == plain(ready(request).fit(request))


@pytest.mark.parametrize("method", COLD_START_NAMES)
def test_every_cold_start_chooses_as_many_as_asked(method: str) -> None:
    request = a_cold_start(method=method, items=(3,), excluded=(50, 51))
    answer = ready(request).cold_start(request)
    assert len(set(answer.items)) == 5
    assert not {3, 50, 51} & set(answer.items)


@pytest.mark.parametrize("model", GROUPS["models"].built_in)
def test_until_it_is_prepared_the_pixels_answer(model: str) -> None:
    learner = Learner(pixels(POOL), 3, holdout=HOLDOUT)
    request = a_fit(model=model, features="deskew-hog")
    assert not learner.is_ready(learner.needs(request))
    answer = learner.fit(request)
    assert (answer.model, answer.features) == ("mlp" if model == "mlp" else "softmax", "raw")
    assert answer.accuracy is not None
    assert len(learner.cold_start(a_cold_start(method="auto")).items) == 6
    ready(request, learner)
    after = learner.fit(request)
    assert after.features == "deskew-hog"


def test_features_without_a_graph_yet_are_seen_by_a_softmax() -> None:
    learner = Learner(pixels(POOL), 3)
    learner.prepare(Needs("hog", graph=False))
    answer = learner.fit(a_fit())
    assert (answer.model, answer.features) == ("softmax", "hog")
    assert not learner.is_ready(Needs("hog", graph=True))


def test_a_graph_that_comes_while_a_fit_begins_is_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = Learner(pixels(POOL), 3)
    request = a_fit()
    needs = learner.needs(request)

    class Late(dict[str, Any]):
        """Says that features are not there, and lets everything be prepared right after."""

        asked = False

        def __contains__(self, key: object) -> bool:
            found = super().__contains__(key)
            if not self.asked:
                self.asked = True
                learner.prepare(needs)
            return found

    monkeypatch.setattr(learner, "_features", Late(learner._features))
    monkeypatch.setattr(learner, "needs", lambda _: needs)
    answer = learner.fit(request)
    assert (answer.model, answer.features) in {("softmax", "raw"), ("hybrid", "hog")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "forest"}, r"no model 'forest': choose one of auto, softmax, mlp, graph"),
        ({"features": "sift"}, r"no feature 'sift': choose one of auto, raw, hog, deskew-hog"),
        ({"strategy": "best"}, r"no strategy 'best': choose one of auto, least-confident"),
        ({"cold_start": "warm"}, r"no cold start 'warm': choose one of auto, random, kmeans"),
    ],
)
def test_an_unknown_name_is_answered_with_those_there_are(
    change: dict[str, str], message: str
) -> None:
    learner = Learner(pixels(POOL), 3)
    for ask in (learner.needs, learner.fit):
        with pytest.raises(UsageError, match=message):
            ask(a_fit(**change))


def test_quick_is_what_nobody_would_wait_for() -> None:
    assert Learner(pixels(POOL), 3).is_quick()
    assert not Learner(pixels(np.zeros((QUICK_ROWS + 1, 1), dtype=np.uint8)), 3).is_quick()


# The same again.


@pytest.mark.parametrize("model", ["softmax", "mlp", "graph", "hybrid"])
def test_same_seed_same_result(model: str) -> None:
    request = a_fit(model=model, strategy="committee", epsilon=0.5)
    one, two = (plain(ready(request).fit(request)) for _ in range(2))
    assert one == two
    start = a_cold_start()
    assert ready(start).cold_start(start) == ready(start).cold_start(start)
    assert ready(start).cold_start(replace(start, seed=(1, 2, 0))) != ready(start).cold_start(start)


def test_a_learner_with_a_cached_store_equals_a_fresh_one(tmp_path: Path) -> None:
    request = a_fit(model=AUTO, features=AUTO, strategy=AUTO, cold_start=AUTO, cold_start_size=20)
    fresh = plain(ready(request).fit(request))
    for _ in range(2):
        assert plain(ready(request, store=Arrays(tmp_path)).fit(request)) == fresh
    (tmp_path / "file").write_text("no folder")
    unwritable = Arrays(tmp_path / "file")
    assert plain(ready(request, store=unwritable).fit(request)) == fresh


def test_the_holdout_changes_no_answer() -> None:
    request = a_fit(model=AUTO, features=AUTO, strategy=AUTO, cold_start=AUTO, cold_start_size=20)
    with_, without = ready(request).fit(request), ready(request, holdout=None).fit(request)
    assert with_.accuracy is not None
    assert without.accuracy is None
    assert plain(
        replace(with_, accuracy=None, confusion=None, predicted=(), confidence=())
    ) == plain(without)


def test_a_learner_for_a_new_session_has_heard_nothing() -> None:
    pool, dark = dark_and_bright(120)

    def ask(count: int) -> Fit:
        return a_fit(range(count), dark, model=AUTO, features=AUTO)

    learner = ready(ask(60), Learner(pixels(pool), 2))
    learner.fit(ask(60))
    reflected(learner)
    for count in (40, 60, 65):
        fresh = ready(ask(count), Learner(pixels(pool), 2)).fit(ask(count))
        assert fresh.model == "softmax"
        answer = learner.for_new_session().fit(ask(count))
        assert plain(answer) == plain(fresh)
        assert answer.moved is None
    # Nor does the first one hear of the others.
    assert learner.fit(ask(80)).moved is not None


# Cold starts.


def test_a_spectral_cold_start_finds_one_per_blob() -> None:
    rows, cluster = blobs((60,) * 7, width=9)
    request = a_cold_start(features="raw", size=7)
    learner = ready(request, pool=rows, holdout=None)
    assert sorted(cluster[list(learner.cold_start(request).items)]) == list(range(7))


def test_auto_takes_the_graph_where_there_is_one() -> None:
    spectral, auto, kmeans, no_graph = (
        a_cold_start(method="spectral"),
        a_cold_start(method=AUTO),
        a_cold_start(method="kmeans"),
        a_cold_start(method=AUTO, model="softmax"),
    )
    learner = ready(spectral)
    assert learner.cold_start(auto).items == learner.cold_start(spectral).items
    assert learner.cold_start(no_graph).items == learner.cold_start(kmeans).items
    assert learner.cold_start(spectral).items != learner.cold_start(kmeans).items


@pytest.mark.parametrize("method", COLD_START_NAMES)
def test_batches_of_a_cold_start_go_on_where_the_last_one_ended(method: str) -> None:
    start = a_cold_start(method=method, size=20)
    learner = ready(start)
    at_once = learner.cold_start(start).items
    for known in (1, 5, 10, 19):
        request = a_fit(at_once[:known], cold_start=method, cold_start_size=20, seed=(0, 2, known))
        answer = learner.fit(request)
        assert answer.items[: 20 - known] == at_once[known:]
        assert len(answer.items) == 20
    done = a_fit(at_once, cold_start=method, cold_start_size=20)
    assert learner.fit(done).items == learner.fit(replace(done, cold_start_size=0)).items


# Pools that are no good.


def test_a_pool_too_small_for_a_graph_is_learnt_without() -> None:
    request = a_fit(range(6), model=AUTO, features=AUTO, cold_start=AUTO, cold_start_size=20)
    learner = ready(request, pool=POOL[:25])
    assert learner.why_no_graph(learner.needs(request)) is None, "nobody asked for a graph"
    answer = learner.fit(request)
    assert (answer.model, answer.features) == ("softmax", "deskew-hog")
    assert len(answer.items) == 19
    assert len(learner.cold_start(a_cold_start(method=AUTO, model=AUTO)).items) == 6
    for explicit in (a_fit(range(6)), a_fit(range(6), model="graph")):
        ready(explicit, learner)
        with pytest.raises(NoGraphError, match=r"too few.* Use --model softmax\.$"):
            learner.fit(explicit)
    with pytest.raises(NoGraphError, match=r"too few.* Use --cold-start kmeans\.$"):
        learner.cold_start(a_cold_start())


@pytest.mark.parametrize("pool", [np.full((60, 8, 8), 9, np.uint8), np.zeros((60, 5), np.float32)])
def test_constant_images_are_an_ordinary_pool(pool: np.ndarray) -> None:
    request = a_fit(model=AUTO, features=AUTO, cold_start=AUTO, cold_start_size=20, strategy=AUTO)
    learner = ready(request, pool=pool, holdout=None)
    assert "look alike" in str(learner.why_no_graph(learner.needs(request)))
    answer = learner.fit(request)
    assert answer.model == "softmax"
    assert len(set(answer.items)) == 20
    reflected(learner)
    assert len(set(learner.cold_start(a_cold_start(method=AUTO, model=AUTO)).items)) == 6


@pytest.mark.parametrize(("distinct", "model"), [(40, "hybrid"), (3, "softmax")])
def test_duplicates_are_an_ordinary_pool(distinct: int, model: str) -> None:
    pool, kind = (array[np.arange(120) % distinct] for array in (POOL, KIND))
    request = a_fit(range(29), kind, model=AUTO, features=AUTO, strategy=AUTO)
    learner = ready(request, pool=pool, holdout=None)
    reason = learner.why_no_graph(learner.needs(request))
    assert (reason is None) == (model == "hybrid")
    assert reason is None or "Only 3 of 120 images differ" in reason
    answer = learner.fit(request)
    assert answer.model == model
    assert len(set(answer.items)) == 20
    assert np.isfinite(answer.probabilities).all()
    learner.fit(a_fit(range(50), kind, model=AUTO, features=AUTO, strategy=AUTO))
    reflected(learner)


@pytest.mark.parametrize("n_classes", [1, 2, 12])
@pytest.mark.parametrize("labels", [0, 1, 2])
def test_fewer_labels_than_classes_are_an_ordinary_state(n_classes: int, labels: int) -> None:
    request = a_fit(
        range(labels),
        np.arange(120) % n_classes,
        model=AUTO,
        features=AUTO,
        strategy=AUTO,
        cold_start=AUTO,
        cold_start_size=20,
    )
    learner = Learner(pixels(POOL), n_classes)
    ready(request, learner)
    answer = learner.fit(request)
    assert len(answer.items) == 20
    np.testing.assert_allclose(np.sum(answer.probabilities, axis=1), 1, atol=1e-5)


def test_one_class_only_is_an_ordinary_state_also_when_it_is_weighed() -> None:
    learner = Learner(pixels(POOL), 1)
    request = a_fit(
        range(40), np.zeros(120, int), columns=("a",), model=AUTO, features=AUTO, strategy=AUTO
    )
    ready(request, learner)
    for _ in range(2):
        assert learner.fit(request).probabilities == ((1.0,),) * 20
        reflected(learner)


def test_a_pool_smaller_than_what_is_asked_gives_what_it_has() -> None:
    request = a_fit(range(118), strategy=AUTO, limit=50, batch_size=10)
    learner = ready(request)
    assert sorted(learner.fit(request).items) == [118, 119]
    nothing = a_fit(range(120), strategy=AUTO)
    assert learner.fit(nothing).items == ()
    assert len(learner.cold_start(a_cold_start(size=1000)).items) == 120


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_a_clear_sentence(value: float) -> None:
    broken = POOL.astype(np.float32) / 255
    broken[77, 3, 3] = value
    sentence = r"^The pool has NaN or infinite numbers in item 77: replace them, or leave"
    with pytest.raises(UsageError, match=sentence):
        Learner(pixels(broken), 3)
    with pytest.raises(UsageError, match=r"^The hold-out has NaN.* in item 77"):
        Learner(pixels(POOL), 3, holdout=HoldOut("t10k", broken, KIND))


def test_a_class_of_the_holdout_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="Classes of the hold-out run from 0 to 2"):
        Learner(pixels(POOL), 2, holdout=HOLDOUT)


def test_an_empty_holdout_measures_nothing() -> None:
    request = a_fit(features=AUTO)
    answer = ready(request, holdout=HoldOut("t10k", HOLDOUT.images[:0], HOLDOUT.truth[:0])).fit(
        request
    )
    assert answer.accuracy is None


# Which model auto is.


def dark_and_bright(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Return glyphs whose class depends on their darkness, which no gradient shows."""
    pool, _ = glyphs(n)
    dark = np.random.default_rng(4).permutation(np.arange(n) % 2)
    return np.where(dark[:, None, None] == 1, pool // 2, pool), dark


def test_auto_goes_over_to_what_the_labels_speak_for() -> None:
    pool, dark = dark_and_bright()
    request = a_fit(range(60), dark, model=AUTO, features=AUTO)
    learner = Learner(pixels(pool), 2)
    ready(request, learner)
    few = a_fit(range(LEAST_WEIGHED - 1), dark, model=AUTO, features=AUTO)
    assert learner.fit(few).model == "hybrid"
    reflected(learner)
    answer = learner.fit(request)
    assert (answer.model, answer.features) == ("hybrid", "deskew-hog")
    reflected(learner)
    more = learner.fit(a_fit(range(70), dark, model=AUTO, features=AUTO))
    assert (more.model, more.features) == ("softmax", "raw")
    named = learner.for_new_session().fit(a_fit(range(70), dark, model=AUTO, features="deskew-hog"))
    assert named.features == "deskew-hog"


def test_auto_stays_with_the_graph_where_labels_are_clusters() -> None:
    learner = None
    for count in (20, 40, 60, 80):
        request = a_fit(range(count), model=AUTO, features=AUTO)
        learner = ready(request, learner)
        assert learner.fit(request).model in ("hybrid", "graph")
        reflected(learner)


def test_who_resumes_with_labels_hears_them_first() -> None:
    pool, dark = dark_and_bright()
    learner = Learner(pixels(pool), 2)
    request = a_fit(range(80), dark, model=AUTO, features=AUTO)
    ready(request, learner)
    assert learner.fit(request).model == "softmax"


def test_what_was_named_is_not_weighed() -> None:
    for model in ("hybrid", "softmax"):
        request = a_fit(range(60), model=model)
        learner = ready(request)
        learner.fit(request)
        assert list(learner.reflect()) == []


def test_labels_are_weighed_again_only_when_they_have_grown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weighed: list[int] = []
    real = learner_module.cross_validate

    def noted(rows: Any, labels: Any, **options: Any) -> Any:
        weighed.append(len(labels))
        return real(rows, labels, **options)

    monkeypatch.setattr(learner_module, "cross_validate", noted)
    learner = None
    for count in (20, 30, 32, 35, 36, 40, 44, 30, 31):
        request = a_fit(range(count), model=AUTO, features=AUTO)
        learner = ready(request, learner)
        learner.fit(request)
        reflected(learner)
    # 30 once more as labels were taken back.
    assert weighed == [30, 36, 44, 30]


def test_a_reflection_that_is_broken_off_changes_nothing() -> None:
    pool, dark = dark_and_bright()
    request = a_fit(range(29), dark, model=AUTO, features=AUTO)
    learner = Learner(pixels(pool), 2)
    ready(request, learner)
    learner.fit(request)
    request = a_fit(range(60), dark, model=AUTO, features=AUTO)
    learner.fit(request)
    steps = learner.reflect()
    assert next(steps, "end") is None
    steps.close()
    assert learner.fit(request).model == "hybrid"
    # Nor is anything lost: this fit's labels are weighed.
    reflected(learner)
    assert learner.fit(request).model == "softmax"


# The stop set.


def test_moves_are_counted_from_fit_to_fit() -> None:
    learner = ready(a_fit())
    first = learner.fit(a_fit(range(3)))
    assert (first.stop_set, first.moved, first.agreement) == (120, None, None)
    second = learner.fit(a_fit(range(12)))
    assert second.moved is not None
    assert 0 <= second.moved <= 1
    # The same labels once more, or fewer, are no progress to speak of.
    assert learner.fit(a_fit(range(12))).moved is None
    assert learner.fit(a_fit(range(9))).moved is None
    settled = [learner.fit(a_fit(range(count))) for count in (60, 80)][-1]
    assert settled.moved is not None
    assert settled.moved < 0.05
    assert settled.agreement is not None
    assert settled.agreement > 0.9


# Real handwriting.


def test_twenty_labels_tell_mnist(mnist_dir: Path) -> None:
    from tuilabel.data import open_dataset

    mnist = open_dataset(f"mnist:{mnist_dir}", pool=1500, test=2000)
    assert mnist.holdout is not None
    assert mnist.truth is not None
    learner = Learner(pixels(mnist.pool), 10, holdout=mnist.holdout)
    start = a_cold_start(model="hybrid", features=AUTO, size=20)
    ready(start, learner)
    asked = learner.cold_start(start).items
    digits: dict[str, Any] = {"columns": tuple("0123456789"), "truth": tuple(range(10))}
    assert set(mnist.truth[list(asked)]) == set(range(10))
    answer = learner.fit(a_fit(asked, mnist.truth, features=AUTO, **digits))
    assert (answer.model, answer.features) == ("hybrid", "deskew-hog")
    assert answer.accuracy is not None
    assert answer.accuracy.n == 2000
    assert answer.accuracy.value >= 0.93
    plain = learner.fit(a_fit(asked, mnist.truth, features="raw", model="softmax", **digits))
    assert plain.accuracy is not None
    assert plain.accuracy.value < answer.accuracy.value - 0.05


def test_a_class_without_a_label_has_probability_0_and_the_list_may_grow() -> None:
    learner = ready(a_fit(model="softmax", features="raw"))
    three = learner.fit(a_fit(range(12), model="softmax", features="raw"))
    more = a_fit(range(20), model="softmax", features="raw", columns=("a", "b", "c", "d"))
    four = learner.fit(more)
    assert four.columns == ("a", "b", "c", "d")
    assert {row[3] for row in four.probabilities} == {0.0}
    assert {len(row) for row in three.probabilities} == {3}
    # As without the class: it changes no prediction, so that fits are still compared.
    alone = ready(a_fit(model="softmax", features="raw"))
    alone.fit(a_fit(range(12), model="softmax", features="raw"))
    same = alone.fit(a_fit(range(20), model="softmax", features="raw"))
    assert (four.moved, four.agreement) == (same.moved, same.agreement)
    assert four.moved is not None
    assert [row[:3] for row in four.probabilities] == list(same.probabilities)


def test_predictions_are_compared_by_class_ids_not_by_columns() -> None:
    learner = ready(a_fit(model="softmax", features="raw"))
    plain = learner.apart()
    first = a_fit(range(12), model="softmax", features="raw")
    turned = {0: 2, 1: 0, 2: 1}
    second = a_fit(range(20), model="softmax", features="raw")
    other = replace(
        second,
        columns=("b", "c", "a"),
        classes=tuple(turned[class_] for class_ in second.classes),
        truth=(2, 0, 1),
    )
    plain.fit(first)
    learner.fit(first)
    expected, found = plain.fit(second), learner.fit(other)
    assert found.moved == pytest.approx(expected.moved, abs=0.02)
    assert found.accuracy is not None
    assert expected.accuracy is not None
    assert found.accuracy.value == pytest.approx(expected.accuracy.value, abs=0.05)


def test_after_a_class_is_gone_predictions_are_not_compared() -> None:
    learner = ready(a_fit(model="softmax", features="raw"))
    learner.fit(a_fit(range(12), model="softmax", features="raw"))
    merged = {0: 0, 1: 1, 2: 1}
    second = a_fit(range(20), model="softmax", features="raw")
    found = learner.fit(
        replace(
            second,
            columns=("a", "b"),
            classes=tuple(merged[class_] for class_ in second.classes),
            truth=(0, 1, 1),
        )
    )
    assert (found.moved, found.agreement) == (None, None)
    assert found.confusion is not None
    assert [len(row) for row in found.confusion] == [2, 2]
    assert sum(map(sum, found.confusion)) == len(HOLDOUT)
    assert found.accuracy is not None
    assert found.accuracy.value > 0.5, "the truth is merged as the labels are"


def test_a_truth_without_a_column_is_an_error_and_no_wrong_accuracy() -> None:
    learner = ready(a_fit(model="softmax", features="raw"))
    with pytest.raises(
        ValueError, match="Classes of the hold-out run from 0 to 2; expected 0 to 1"
    ):
        learner.fit(a_fit(model="softmax", features="raw", truth=(0, 1)))
