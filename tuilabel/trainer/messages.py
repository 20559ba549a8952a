"""The messages between the trainer's two processes.

A message is one line of JSON. It is readable in a log, and since JSON has no bare line breaks, the
end of a line is the end of a message. Arrays are not sent: both sides map the same file. Every
message is checked when it arrives, so its types can be trusted; sequences arrive as tuples.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import types
import typing
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from tuilabel.data import ArrayFile
from tuilabel.errors import TrainerError
from tuilabel.learn.metrics import Accuracy
from tuilabel.learn.requests import ColdStart, ColdStartFinished, Fit, FitFinished

MAX_LINE_BYTES = 16 * 2**20
"""The longest message: thousands of items with hundreds of classes each."""

LONG = 500
"""Longer sequences of numbers are sent packed: parsing ten thousand numbers as text would take
longer than the time for a key allows."""

_CODES = {int: "q", float: "d"}


@dataclass(frozen=True)
class OpenPool:
    """To the child, as the first message: the pool to work on.

    Attributes
    ----------
    pool
        All items: (n, ...) uint8 or float32.
    n_classes
        k, the number of classes.
    holdout
        Items that training never sees: (h, ...) of the pool's dtype.
    holdout_truth
        Their class indices: (h,) integers.
    holdout_name
        Name of the hold-out in an accuracy.
    cache_folder
        Folder for features and graphs; None to keep them in memory.
    """

    pool: ArrayFile
    n_classes: int
    holdout: ArrayFile | None = None
    holdout_truth: ArrayFile | None = None
    holdout_name: str = "hold-out"
    cache_folder: str | None = None

    def __post_init__(self) -> None:
        items, classes = (
            0 if array is None else array.shape[0] for array in (self.holdout, self.holdout_truth)
        )
        if items != classes:
            raise TrainerError(
                f"A hold-out of {items} items has {classes} true classes; expected one each."
            )


@dataclass(frozen=True)
class PoolOpened:
    """From the child: the pool is open and requests are taken."""

    items: int


@dataclass(frozen=True)
class Preparing:
    """From the child: progress of preparing features or a graph.

    Attributes
    ----------
    what
        ``"features"``, ``"neighbours"`` and so on.
    done, total
        Amount done, and the total amount.
    """

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class FeaturesPrepared:
    """From the child: requests are now answered with the features and model they name.

    Attributes
    ----------
    features
        Name of the prepared features: never ``auto``.
    seconds
        Duration.
    problem
        One line on what could not be prepared; None if everything was.
    late
        Whether a request may have been answered before. If not, the next answer already uses
        these features.
    """

    features: str
    seconds: float
    problem: str | None
    late: bool


@dataclass(frozen=True)
class Heartbeat:
    """From the child, about once a second while it works: a sign of life."""


@dataclass(frozen=True)
class RequestFailed:
    """From the child: a request failed, with the reason in one line.

    `generation` is None if the pool could not be opened.
    """

    generation: int | None
    message: str


LearnerRequest = Fit | ColdStart
ToChild = OpenPool | Fit | ColdStart
FromChild = (
    PoolOpened
    | Heartbeat
    | Preparing
    | FeaturesPrepared
    | FitFinished
    | ColdStartFinished
    | RequestFailed
)


def encode(message: ToChild | FromChild) -> bytes:
    """Return a message as one line, with its line break."""
    kind: Any = type(message)
    kinds = _long_numbers(kind)
    fields = {f.name: getattr(message, f.name) for f in dataclasses.fields(message)}
    for name, number in kinds.items():
        if len(fields[name]) > LONG:
            packed = array(_CODES[number], fields[name])
            fields[name] = {"packed": base64.b64encode(packed.tobytes()).decode("ascii")}
    line = json.dumps({"kind": type(message).__name__, **fields}, default=_plain)
    return line.encode("ascii") + b"\n"


def decode_to_child(line: bytes) -> ToChild:
    """Return the message in a line from the parent.

    Raises
    ------
    TrainerError
        If it is not such a message, whole and with the right types.
    """
    message: ToChild = _decode(line, OpenPool, Fit, ColdStart)
    return message


def decode_from_child(line: bytes) -> FromChild:
    """Return the message in a line from the child.

    Raises
    ------
    TrainerError
        If it is not such a message, whole and with the right types.
    """
    message: FromChild = _decode(
        line,
        PoolOpened,
        Heartbeat,
        Preparing,
        FeaturesPrepared,
        FitFinished,
        ColdStartFinished,
        RequestFailed,
    )
    return message


def _plain(value: object) -> dict[str, Any]:
    if isinstance(value, ArrayFile):
        return value.to_json()
    if isinstance(value, Accuracy):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be sent in a message.")


def _decode(line: bytes, *kinds: type[Any]) -> Any:
    try:
        fields = json.loads(line, parse_constant=_refuse)
        by_name = {kind.__name__: kind for kind in kinds}
        return _record(by_name[fields.pop("kind")])(fields)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise TrainerError(f"Not a message: {line[:60]!r} ({error!r}).") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not allowed in a message")


def _record(kind: type[Any]) -> Callable[[Any], Any]:
    """Return a function that makes a dataclass from a dict with exactly its fields."""
    hints = typing.get_type_hints(kind).items()
    readers = {name: _reader(hint) for name, hint in hints}

    def read(fields: Any) -> Any:
        if fields.keys() != readers.keys():
            raise ValueError(f"fields {sorted(fields)} where {sorted(readers)} were expected")
        return kind(**{name: readers[name](value) for name, value in fields.items()})

    return read


def _reader(hint: Any) -> Callable[[Any], Any]:
    """Return a function that checks a JSON value and converts it to a type."""
    if hint is ArrayFile:
        return ArrayFile.from_json
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record(hint)
    if typing.get_origin(hint) is types.UnionType:
        (present,) = (arm for arm in typing.get_args(hint) if arm is not types.NoneType)
        read = _reader(present)
        return lambda value: None if value is None else read(value)
    if typing.get_origin(hint) is Sequence:
        return _sequence(typing.get_args(hint)[0])
    return _scalar(hint)


def _sequence(element: Any) -> Callable[[Any], tuple[Any, ...]]:
    read = _reader(element)

    def read_all(value: Any) -> tuple[Any, ...]:
        if element in _CODES and type(value) is dict and value.keys() == {"packed"}:
            return _unpacked(value["packed"], element)
        if type(value) is not list:
            raise TypeError(f"{value!r:.40} where a list was expected")
        return tuple(map(read, value))

    return read_all


def _unpacked(text: Any, kind: type[int] | type[float]) -> tuple[Any, ...]:
    if type(text) is not str:
        raise TypeError(f"{text!r:.40} where packed numbers were expected")
    numbers = array(_CODES[kind])
    numbers.frombytes(base64.b64decode(text, validate=True))
    if kind is float and not math.isfinite(sum(numbers)):
        raise ValueError("packed numbers contain NaN or infinity")
    return tuple(numbers)


@cache
def _long_numbers(kind: Any) -> dict[str, type[int] | type[float]]:
    """Return the fields of a message that are sequences of numbers, with the type of each."""
    return {
        name: typing.get_args(hint)[0]
        for name, hint in typing.get_type_hints(kind).items()
        if typing.get_origin(hint) is Sequence and typing.get_args(hint)[0] in _CODES
    }


def _scalar(kind: type[Any]) -> Callable[[Any], Any]:
    # JSON's true is not an integer; a float without decimals may arrive as an integer.
    accepted = (int, float) if kind is float else (kind,)

    def read(value: Any) -> Any:
        if type(value) not in accepted:
            raise TypeError(f"{value!r:.40} where {kind.__name__} was expected")
        return kind(value)

    return read
