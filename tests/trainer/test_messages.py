"""Messages survive the pipe, and nothing else is taken for one."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.data import ArrayFile
from tuilabel.errors import TrainerError
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished
from tuilabel.trainer.messages import (
    LONG,
    FeaturesPrepared,
    Heartbeat,
    OpenPool,
    PoolOpened,
    Preparing,
    RequestFailed,
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
    probabilities=((0.25, 0.75), (1.0, 0.0)),
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

TO_CHILD = [
    OpenPool(POOL, 2),
    OpenPool(POOL, 2, HOLDOUT, TRUTH, "t10k", cache_folder="/caché/features"),
    FIT,
    ColdStart(5, "kmeans", "hybrid", "hog", (4,), (), 10, (7, 2, 0)),
]
FROM_CHILD = [
    PoolOpened(7),
    Heartbeat(),
    FINISHED,
    replace(
        FINISHED,
        items=(),
        probabilities=(),
        accuracy=None,
        confusion=None,
        predicted=(),
        confidence=(),
        moved=None,
        agreement=None,
    ),
    Preparing("neighbours", 2048, 60_000),
    FeaturesPrepared("deskew-hog", 7.5, None, late=True),
    FeaturesPrepared("hog", 0.0, "A pool of 3 images is too small.\nreally", late=False),
    ColdStartFinished(5, (3, 1)),
    RequestFailed(4, "two\nlines and é"),
    RequestFailed(None, ""),
]


@pytest.mark.parametrize("message", TO_CHILD)
def test_requests_arrive_as_they_were_sent(message: Any) -> None:
    assert decode_to_child(encode(message)) == message


@pytest.mark.parametrize("message", FROM_CHILD)
def test_answers_arrive_as_they_were_sent(message: Any) -> None:
    assert decode_from_child(encode(message)) == message


@pytest.mark.parametrize("message", TO_CHILD + FROM_CHILD)
def test_a_message_is_one_line(message: Any) -> None:
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


def test_lists_arrive_as_tuples() -> None:
    assert decode_from_child(encode(ColdStartFinished(5, [3, 1]))) == ColdStartFinished(5, (3, 1))


@pytest.mark.parametrize("message", FROM_CHILD)
def test_the_child_cannot_send_what_the_parent_sends(message: Any) -> None:
    with pytest.raises(TrainerError, match="Not a message"):
        decode_to_child(encode(message))


def broken(whole: Any, /, **changes: Any) -> bytes:
    return json.dumps(json.loads(encode(whole)) | changes).encode()


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
        b'{"kind": "Quit"}',
        b'{"kind": ["Heartbeat"]}',
        b'{"kind": "ColdStartFinished", "generation": 1}',
        broken(Heartbeat(), more=1),
        broken(PoolOpened(7), items="7"),
        broken(PoolOpened(7), items=True),
        broken(PoolOpened(7), items=7.0),
        broken(PoolOpened(7), items=None),
        broken(RequestFailed(4, "x"), message=4),
        broken(FINISHED, items=3),
        broken(FINISHED, items="60"),
        broken(FINISHED, items=[6, "0"]),
        broken(FINISHED, items=[6]),
        broken(FINISHED, probabilities=[[0.5, 0.5], 1]),
        broken(FINISHED, fit_seconds=float("nan")),
        broken(FINISHED, accuracy={"correct": 2, "n": 3}),
        broken(FINISHED, accuracy={"correct": 4, "n": 3, "name": "t10k"}),
        broken(FINISHED, accuracy=[]),
        broken(FINISHED, moved="much"),
        broken(FINISHED, model=None),
        broken(Preparing("features", 1, 2), total=2.5),
        broken(Preparing("features", 1, 2), what=None),
        broken(FeaturesPrepared("hog", 1.0, None, late=True), seconds=None),
        broken(FeaturesPrepared("hog", 1.0, None, late=True), problem=7),
    ],
)
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(TrainerError):
        decode_from_child(line)


@pytest.mark.parametrize("pool", [None, {}, {"path": 1, "dtype": "|u1", "shape": [1], "offset": 0}])
def test_a_pool_that_is_no_array_file_is_refused(pool: Any) -> None:
    with pytest.raises(TrainerError, match="Not a message"):
        decode_to_child(broken(OpenPool(POOL, 2), pool=pool))


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(line: bytes) -> None:
    with pytest.raises(TrainerError, match="Not a message"):
        decode_from_child(line)


def test_a_refusal_shows_no_control_characters() -> None:
    with pytest.raises(TrainerError) as refusal:
        decode_from_child(b"\x1b]0;title\x07\n")
    assert str(refusal.value).isprintable()


def test_a_holdout_needs_one_class_for_each_item() -> None:
    with pytest.raises(TrainerError, match="hold-out of 3 items has 0 true classes"):
        OpenPool(POOL, 2, HOLDOUT)


def test_many_numbers_travel_packed_and_arrive_as_they_were() -> None:
    many = replace(
        FINISHED,
        predicted=tuple(range(LONG + 1)),
        confidence=tuple(place / 7 for place in range(LONG + 1)),
    )
    line = encode(many)
    assert b"packed" in line
    assert decode_from_child(line) == many
    assert b"packed" not in encode(FINISHED)


@pytest.mark.parametrize(
    "packed",
    [b"7", b'"no base64!"', b'"AAAA"', b"null", b'"' + base64.b64encode(b"\xff" * 8) + b'"'],
)
def test_packed_numbers_are_checked(packed: bytes) -> None:
    many = replace(FINISHED, confidence=(0.5,) * (LONG + 1))
    head, _, rest = encode(many).partition(b'"packed": ')
    spoilt = head + b'"packed": ' + packed + rest[rest.index(b"}") :]
    with pytest.raises(TrainerError, match="Not a message"):
        decode_from_child(spoilt)
