"""The child's side of decoding: reads requests from a socket on standard input, one at a time.

A request is a line of JSON with the paths of files, and which part of each is asked for. So is the
answer for each: an empty object if the file takes more memory than is allowed, a reason, or what
the file is, followed by the bytes of its pixels. Another request is for what a table file has, or
for the classes of its rows.
"""

from __future__ import annotations

import json
import os
import resource
import select
import socket
import threading
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from tuilabel.data.decoding.cells import describe_table, forget_large, labels_of_table
from tuilabel.data.decoding.decoder import OpenImage, set_up
from tuilabel.data.decoding.values import (
    BUFFER_BYTES,
    LARGE_MEMORY,
    MEMORY,
    NeedsMoreMemory,
    Refused,
    TableInfo,
)
from tuilabel.data.region import Region


def main() -> None:
    """Answer requests until the parent closes its end."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    set_up()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parent = socket.socket(fileno=0)
    parent.sendall(b"\n")
    answers = parent.makefile("wb", BUFFER_BYTES)
    for line in parent.makefile("rb"):
        request = json.loads(line)
        if not request["large"]:
            forget_large()
        _limit_memory(LARGE_MEMORY if request["large"] else MEMORY)
        if "table" in request:
            answers.writelines(_about_table(request["table"], request["label"]))
            answers.flush()
            continue
        region = None if request["region"] is None else Region(*request["region"])
        box = request["box"] and tuple(request["box"])
        how = box, region, request["large"]
        for path, parts in groupby(request["parts"], itemgetter(0)):
            with OpenImage(path) as image:
                for _, part in parts:
                    answers.writelines(_answer(image, part, *how))
        answers.flush()


def _answer(
    image: OpenImage,
    part: str,
    box: tuple[int, int] | None,
    region: Region | None,
    may_be_large: bool,
) -> Sequence[bytes | memoryview]:
    try:
        found = image.decode(part, box, region, may_be_large=may_be_large)
    except NeedsMoreMemory:
        return [b"{}\n"]
    if isinstance(found, Refused):
        return [_line(reason=found.reason, lasting=found.lasting)]
    pixels = np.ascontiguousarray(found.pixels)
    head = _line(
        digest=found.digest.hex(),
        format=found.format,
        size=found.size,
        frames=found.frames,
        dtype=pixels.dtype.str,
        shape=pixels.shape,
        facts=found.facts,
        taken=found.taken,
        pixels=found.pixel_hash.hex(),
        orientation=found.orientation,
    )
    return [head, pixels.reshape(-1).view(np.uint8).data]


def _about_table(path: str, label: str | None) -> Sequence[bytes | memoryview]:
    found = describe_table(path) if label is None else labels_of_table(path, label)
    if isinstance(found, Refused):
        return [_line(reason=found.reason, lasting=found.lasting)]
    if isinstance(found, TableInfo):
        return [_line(**found._asdict())]
    return [_line(shape=found.shape, dtype=found.dtype.str), found.view(np.uint8).data]


def _line(**answer: Any) -> bytes:
    return json.dumps(answer).encode() + b"\n"


def _limit_memory(most: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    except (OSError, ValueError):
        # Not every system has this limit; images are still checked for their size.
        return


def _end_with_the_parent() -> None:
    # A decoder may run for long, so that the end of the input would be seen late.
    ended = select.poll()
    ended.register(0, 0)
    ended.poll()
    os._exit(1)
