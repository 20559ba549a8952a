"""The messages between the trainer's two processes.

A message is one line of JSON. It is readable in a log, and since JSON has no bare line breaks, the
end of a line is the end of a message. Large arrays are not sent: both sides map the same file.
Every message is checked when it arrives, so its types can be trusted. JSON has no NaN and no
infinity: where a number is expected, they are refused.
"""

from __future__ import annotations

import math
import typing
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec
import numpy as np

from tuilabel.data import ArrayFile
from tuilabel.errors import TrainerError
from tuilabel.text import inert
from tuilabel.trainer.jobs import Answer, Job, Message

MAX_LINE_BYTES = 16 * 2**20
"""The longest message: thousands of items with hundreds of classes each."""


# To the child.


class OpenPool(Message):
    """The first message: the pool to work on.

    Attributes
    ----------
    pool
        All items, in files whose rows follow one another: (n_i, ...) uint8 or float32, of one dtype
        and shape.
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

    pool: tuple[ArrayFile, ...]
    n_classes: int
    holdout: ArrayFile | None = None
    holdout_truth: ArrayFile | None = None
    holdout_name: str = "hold-out"
    cache_folder: Path | None = None

    def __post_init__(self) -> None:
        kinds = {(part.dtype, part.shape[1:]) for part in self.pool}
        if len(kinds) != 1:
            raise TrainerError(
                f"The pool's files have items of {len(kinds)} kinds; expected one dtype and shape."
            )
        items, classes = (
            0 if array is None else array.shape[0] for array in (self.holdout, self.holdout_truth)
        )
        if items != classes:
            raise TrainerError(
                f"A hold-out of {items} items has {classes} true classes; expected one each."
            )


class Do(Message):
    """Do a job."""

    id: int
    job: Job


class Cancel(Message):
    """End a job at its next step; a single fit cannot be interrupted."""

    id: int


# From the child.


class PoolOpened(Message):
    """The pool is open and jobs are taken."""

    items: int


class PoolFailed(Message):
    """The pool could not be opened, with the reason in one line."""

    message: str


class Heartbeat(Message):
    """A sign of life, about once a second during work."""


class Progress(Message):
    """The progress of a job.

    Attributes
    ----------
    id
    what
        ``"features"``, ``"neighbours"``, ``"fits"`` and so on.
    done, total
        Amount done, and the total amount.
    """

    id: int
    what: str
    done: int
    total: int


class Finished(Message):
    """A job is done."""

    id: int
    answer: Answer


class Failed(Message):
    """A job failed, with the reason in one line."""

    id: int
    message: str


ToChild = OpenPool | Do | Cancel
FromChild = PoolOpened | PoolFailed | Heartbeat | Progress | Finished | Failed


def encode(message: ToChild | FromChild) -> bytes:
    """Return a message as one line, with its line break.

    Raises
    ------
    TrainerError
        It is longer than `MAX_LINE_BYTES`.
    """
    line = _ENCODER.encode(message) + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise TrainerError(
            f"{type(message).__name__} of {len(line):,} bytes is too long: at most "
            f"{MAX_LINE_BYTES:,} are sent."
        )
    return line


def decode_to_child(line: bytes) -> ToChild:
    """Return the message in a line from the parent.

    Raises
    ------
    TrainerError
        If it is not such a message, whole and with the right types.
    """
    message: ToChild = _decode(_TO_CHILD, line)
    return message


def decode_from_child(line: bytes) -> FromChild:
    """Return the message in a line from the child.

    Raises
    ------
    TrainerError
        If it is not such a message, whole and with the right types.
    """
    message: FromChild = _decode(_FROM_CHILD, line)
    return message


def _decode(decoder: msgspec.json.Decoder[Any], line: bytes) -> Any:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise TrainerError(f"Not a message: {line[:60]!r} ({inert(str(error))}).") from error


def _plain(value: object) -> Any:
    """Return what is sent of a value that JSON does not have."""
    if isinstance(value, Path):
        # A file name may be any bytes.
        return quote_from_bytes(bytes(value))
    if isinstance(value, np.ndarray):
        packed = b64encode(value.tobytes()).decode("ascii")
        return {"dtype": value.dtype.str, "shape": value.shape, "packed": packed}
    raise NotImplementedError(f"{type(value).__name__} cannot be sent in a message.")


def _from_plain(kind: Any, value: Any) -> Any:
    """Return the value that `_plain` made something of."""
    if kind is Path:
        return Path(
            unquote_to_bytes(msgspec.convert(value, str)).decode("utf-8", "surrogateescape")
        )
    if typing.get_origin(kind) is np.ndarray:
        (number,) = typing.get_args(typing.get_args(kind)[1])
        return msgspec.convert(value, _Packed).array(typing.get_origin(number) or number)
    raise NotImplementedError(f"{kind} cannot arrive in a message.")


class _Packed(msgspec.Struct, forbid_unknown_fields=True):
    dtype: str
    shape: tuple[int, ...]
    packed: str

    def array(self, expected: type[np.generic]) -> np.ndarray[Any, Any]:
        """Return the array; its numbers are finite."""
        try:
            dtype = np.dtype(self.dtype)
        except TypeError as error:
            raise ValueError(str(error)) from error
        if dtype.kind not in "iuf" or not issubclass(dtype.type, expected):
            raise ValueError(f"{self.dtype} where {expected.__name__} was expected")
        data = b64decode(self.packed, validate=True)
        if min(self.shape, default=0) < 0 or len(data) != math.prod(self.shape) * dtype.itemsize:
            raise ValueError(f"{len(data)} bytes where the shape is {self.shape}")
        array = np.frombuffer(data, dtype).reshape(self.shape)
        if not np.isfinite(array).all():
            raise ValueError("packed numbers contain NaN or infinity")
        return array


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
_TO_CHILD = msgspec.json.Decoder(ToChild, dec_hook=_from_plain)
_FROM_CHILD = msgspec.json.Decoder(FromChild, dec_hook=_from_plain)
