"""Messages survive the pipe, and nothing else is taken for one."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.autolabel.job import AutolabelOptions, AutoLabels
from tuilabel.autolabel.rules import Estimate
from tuilabel.data import ArrayFile
from tuilabel.errors import TrainerError
from tuilabel.learn.baseline import RandomCurves
from tuilabel.learn.calibration import Calibration
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished
from tuilabel.trainer import messages
from tuilabel.trainer.jobs import (
    Autolabel,
    Autolabelled,
    Baseline,
    BaselineFound,
    Centres,
    CentresKept,
    Prepare,
    Prepared,
    Rank,
    Ranked,
    Score,
    Scored,
    Sort,
    Sorted,
    Start,
    Started,
)
from tuilabel.trainer.messages import (
    Cancel,
    Do,
    Failed,
    Finished,
    Heartbeat,
    OpenPool,
    PoolFailed,
    PoolOpened,
    Progress,
    decode_from_child,
    decode_to_child,
    encode,
)

POOL = ArrayFile(Path("/p/\udcff\n.npy"), "|u1", (7, 2, 2), 128)
HOLDOUT = ArrayFile(Path("/h.npy"), "|u1", (3, 2, 2), 0)
TRUTH = ArrayFile(Path("/t.npy"), "<i2", (3,), 64)
FIT = Fit(
    generation=4,
    items=(1, 2),
    classes=(0, 1),
    columns=("a", "b"),
    truth=(0, 1),
    excluded=(3,),
    audit_items=(5,),
    audit_classes=(0,),
    model="softmax",
    features="hog",
    strategy="margin",
    cold_start="spectral",
    cold_start_size=20,
    batch_size=5,
    epsilon=0.25,
    limit=10,
    seed=(7, 2, 0),
)
FINISHED = FitFinished(
    generation=4,
    items=(6, 0),
    columns=("a", "b"),
    probabilities=((0.25, 0.75), (1.0, 0.0)),
    draws=(None, 0.125),
    reasons=("cold start", ""),
    fit_seconds=0.5,
    rank_seconds=0.25,
    accuracy=Accuracy(2, 3, "t10k"),
    confusion=((1, 0), (1, 1)),
    predicted=(0, 0, 1),
    confidence=(0.75, 0.5, 1.0),
    model="hybrid",
    features="deskew-hog",
    strategy="diverse-margin",
    stop_set=2000,
    moved=0.125,
    agreement=0.75,
)

FOUND = AutoLabels(
    model="softmax",
    features="raw",
    trained_on=2,
    unanswered=5,
    rows=np.array([3, 4]),
    classes=np.array([0, 1]),
    probabilities=np.array([0.75, 1.0], np.float32),
    calibration=Calibration(1.0, 3, None, None, None, "too few"),
    estimate=Estimate(2, 1.75, Accuracy(2, 3, "audit")),
    taught=None,
    untaught=Accuracy(1, 3, "audit"),
)
BASELINE = Baseline(np.array([0, 1, 1], np.int16), "auto", "auto", 10, 50, 3)
SCORED = Scored("softmax", "raw", np.array([[0.25, 0.75]], np.float32))

TO_CHILD = [
    OpenPool((POOL,), 2),
    OpenPool((POOL,), 2, HOLDOUT, TRUTH, "t10k", cache_folder=Path("/cach\udcff %41/features")),
    Do(1, Rank(FIT)),
    Do(2, Start(ColdStart(5, "kmeans", "hybrid", "hog", (4,), (), 10, (7, 2, 0)))),
    Do(3, Prepare("auto", "hog", "kmeans")),
    Do(4, Score(FIT, (1, 5))),
    Do(5, Centres(10, 0, Path("/a b.npz"))),
    Do(6, BASELINE),
    Do(7, Autolabel(FIT, (3,), AutolabelOptions("ordered", 0.5, 3, "mlp"), (7, 3, 2))),
    Cancel(4),
    Do(8, Sort(None)),
    Do(9, Sort(3)),
]
FROM_CHILD = [
    PoolOpened(7),
    PoolFailed("two\nlines and é"),
    Heartbeat(),
    Progress(3, "neighbours", 2048, 60_000),
    Finished(1, Ranked(FINISHED)),
    Finished(
        1,
        Ranked(
            replace(
                FINISHED,
                items=(),
                probabilities=(),
                draws=(),
                reasons=(),
                accuracy=None,
                confusion=None,
                predicted=(),
                confidence=(),
                moved=None,
                agreement=None,
            )
        ),
    ),
    Finished(2, Started(ColdStartFinished(5, (3, 1)))),
    Finished(3, Prepared("deskew-hog", 7.5, None, late=True)),
    Finished(3, Prepared("hog", 0.0, "A pool of 3 images is too small.\nreally", late=False)),
    Finished(4, SCORED),
    Finished(5, CentresKept()),
    Finished(6, BaselineFound(RandomCurves((10, 20), ((0.5, 0.75), (0.25, 1.0))))),
    Finished(7, Autolabelled(FOUND)),
    Failed(4, ""),
    Finished(8, Sorted(np.array([2, 0, 1], np.int32))),
]


@pytest.mark.parametrize("message", TO_CHILD)
def test_what_is_sent_to_the_child_arrives_as_it_was(message: Any) -> None:
    # As text: an array is not equal to another one.
    assert repr(decode_to_child(encode(message))) == repr(message)


@pytest.mark.parametrize("message", FROM_CHILD)
def test_what_the_child_sends_arrives_as_it_was(message: Any) -> None:
    assert repr(decode_from_child(encode(message))) == repr(message)


@pytest.mark.parametrize("message", TO_CHILD + FROM_CHILD)
def test_a_message_is_one_line(message: Any) -> None:
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


def test_every_kind_of_job_and_answer_is_tried_here() -> None:
    jobs = {type(message.job) for message in TO_CHILD if isinstance(message, Do)}
    answers = {type(message.answer) for message in FROM_CHILD if isinstance(message, Finished)}
    assert jobs == set(messages.Job.__args__)
    assert answers == set(messages.Answer.__args__) == {job.answer for job in jobs}


def test_lists_arrive_as_tuples() -> None:
    sent: Any = ColdStartFinished(5, [3, 1])  # type: ignore[arg-type]
    found = decode_from_child(encode(Finished(1, Started(sent))))
    assert found == Finished(1, Started(ColdStartFinished(5, (3, 1))))


@pytest.mark.parametrize("message", FROM_CHILD)
def test_the_child_cannot_send_what_the_parent_sends(message: Any) -> None:
    with pytest.raises(TrainerError, match="Not a message"):
        decode_to_child(encode(message))


def broken(whole: Any, /, *path: str, **changes: Any) -> bytes:
    """Return a message with other fields: of itself, or of what is at a path in it."""
    fields = target = json.loads(encode(whole))
    for name in path:
        target = target[name]
    target |= changes
    return json.dumps(fields).encode()


RANKED, AT = Finished(1, Ranked(FINISHED)), ("answer", "ranking")
PREPARED = Finished(3, Prepared("hog", 1.0, None, late=True))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"hello\n",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"kind": "Quit"}',
        b'{"kind": ["Heartbeat"]}',
        b'{"kind": "Heartbeat"} {"kind": "Heartbeat"}',
        b'{"kind": "Finished", "id": 1}',
        b'{"kind": "Finished", "id": 1, "answer": {"kind": "Rank"}}',
        b'{"kind": "Finished", "id": 1, "answer": {"kind": "Certified"}}',
        encode(RANKED)[:-40],
        broken(Heartbeat(), more=1),
        broken(PoolOpened(7), items="7"),
        broken(PoolOpened(7), items=True),
        broken(PoolOpened(7), items=7.5),
        broken(PoolOpened(7), items=None),
        broken(Failed(4, "x"), message=4),
        broken(Failed(4, "x"), id="4"),
        broken(RANKED, *AT, items=3),
        broken(RANKED, *AT, items="60"),
        broken(RANKED, *AT, items=[6, "0"]),
        broken(RANKED, *AT, items=[6]),
        broken(RANKED, *AT, probabilities=[[0.5, 0.5], 1]),
        broken(RANKED, *AT, fit_seconds=float("nan")),
        broken(RANKED, *AT, fit_seconds=float("inf")),
        broken(RANKED, *AT, fit_seconds=None),
        broken(RANKED, *AT, confidence=[None, 0.5, 1.0]),
        broken(RANKED, *AT, accuracy={"correct": 2, "n": 3}),
        broken(RANKED, *AT, accuracy={"correct": 4, "n": 3, "name": "t10k"}),
        broken(RANKED, *AT, accuracy=[]),
        broken(RANKED, *AT, moved="much"),
        broken(RANKED, *AT, model=None),
        broken(Progress(1, "features", 1, 2), total=2.5),
        broken(Progress(1, "features", 1, 2), what=None),
        broken(PREPARED, "answer", seconds=None),
        broken(PREPARED, "answer", problem=7),
        broken(Finished(6, FROM_CHILD[11].answer), "answer", "curves", labels=[10]),
        broken(Finished(6, FROM_CHILD[11].answer), "answer", "curves", runs=[[0.5, 1.5]]),
    ],
)
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(TrainerError, match="Not a message"):
        decode_from_child(line)


@pytest.mark.parametrize("pool", [None, {}, {"path": 1, "dtype": "|u1", "shape": [1], "offset": 0}])
def test_a_pool_that_is_no_array_file_is_refused(pool: Any) -> None:
    with pytest.raises(TrainerError, match="Not a message"):
        decode_to_child(broken(OpenPool((POOL,), 2), pool=pool))


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(line: bytes) -> None:
    with pytest.raises(TrainerError, match="Not a message"):
        decode_from_child(line)


@given(st.sampled_from(TO_CHILD + FROM_CHILD), st.data())
def test_a_damaged_message_is_refused_or_still_a_message(message: Any, data: st.DataObject) -> None:
    line = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 3))):
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    for decode in (decode_from_child, decode_to_child):
        try:
            found = decode(bytes(line))
        except TrainerError:
            continue
        # Its types are right, or it could not be sent again.
        assert repr(decode(encode(found))) == repr(found)


numbers = st.integers(-(2**63), 2**64 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(numbers), st.lists(floats), texts, st.integers(0, 3))
def test_numbers_and_texts_arrive_exactly(
    items: list[int], confidence: list[float], text: str, classes: int
) -> None:
    sent = replace(
        FINISHED,
        items=tuple(items),
        columns=tuple("abc"[:classes]),
        confusion=None,
        predicted=(),
        probabilities=((0.1,) * classes,) * len(items),
        draws=(0.1,) * len(items),
        reasons=(text,) * len(items),
        confidence=tuple(confidence),
        model=text,
    )
    assert decode_from_child(encode(Finished(9, Ranked(sent)))) == Finished(9, Ranked(sent))


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_an_array_arrives_with_its_dtype_and_shape(number: float) -> None:
    sent = np.full((2, 0, 3) if number > 0 else (3, 1), number, np.float32)
    found: Any = decode_from_child(encode(Finished(4, Scored("m", "f", sent))))
    assert found.answer.probabilities.dtype == np.float32
    np.testing.assert_array_equal(found.answer.probabilities, sent)


@pytest.mark.parametrize(
    "packed",
    [
        7,
        None,
        [0.5, 0.5],
        {"dtype": "<f4", "shape": [1, 2]},
        {"dtype": "<f4", "shape": [1, 2], "packed": "no base64!"},
        {"dtype": "<f4", "shape": [1, 2], "packed": "AAAA"},
        {"dtype": "<f4", "shape": [-1, -2], "packed": b64encode(bytes(8)).decode()},
        {"dtype": "<f4", "shape": [10**18, 10**18], "packed": ""},
        {"dtype": "<f4", "shape": [2], "packed": b64encode(b"\xff" * 8).decode()},
        {"dtype": "<i4", "shape": [2], "packed": b64encode(bytes(8)).decode()},
        {"dtype": "<f8", "shape": [1], "packed": b64encode(bytes(8)).decode()},
        {"dtype": "O", "shape": [1], "packed": b64encode(bytes(8)).decode()},
        {"dtype": "no type", "shape": [1], "packed": b64encode(bytes(8)).decode()},
        {"dtype": "<f4,<f4", "shape": [1], "packed": b64encode(bytes(8)).decode()},
    ],
)
def test_arrays_are_checked(packed: Any) -> None:
    with pytest.raises(TrainerError, match="Not a message"):
        decode_from_child(broken(Finished(4, SCORED), "answer", probabilities=packed))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_do_not_arrive(number: float) -> None:
    # They are sent as null.
    line = encode(Finished(1, Ranked(replace(FINISHED, confidence=(0.5, number, 1.0)))))
    with pytest.raises(TrainerError, match="Not a message"):
        decode_from_child(line)
    unknown = decode_from_child(encode(Finished(1, Ranked(replace(FINISHED, moved=number)))))
    assert unknown == Finished(1, Ranked(replace(FINISHED, moved=None)))


def test_a_message_has_a_greatest_length(monkeypatch: pytest.MonkeyPatch) -> None:
    line = encode(RANKED)
    monkeypatch.setattr(messages, "MAX_LINE_BYTES", len(line))
    assert encode(RANKED) == line
    monkeypatch.setattr(messages, "MAX_LINE_BYTES", len(line) - 1)
    with pytest.raises(TrainerError, match=f"Finished of {len(line)} bytes is too long"):
        encode(RANKED)


@pytest.mark.parametrize("line", [b"\x1b]0;title\x07\n", b'{"kind": "\\u001b]0;title\\u0007"}'])
def test_a_refusal_shows_no_control_characters(line: bytes) -> None:
    with pytest.raises(TrainerError) as refusal:
        decode_from_child(line)
    assert str(refusal.value).isprintable()


def test_a_holdout_needs_one_class_for_each_item() -> None:
    with pytest.raises(TrainerError, match="hold-out of 3 items has 0 true classes"):
        OpenPool((POOL,), 2, HOLDOUT)
