"""Download of MNIST into the cache: one request for each file, checked before it is written."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib import request

from tuilabel.data.arrays import replacing
from tuilabel.data.mnist import find_idx
from tuilabel.errors import DownloadError
from tuilabel.progress import Progress
from tuilabel.text import inert

ADDRESS = "https://storage.googleapis.com/cvdf-datasets/mnist/"
FILES = """\
train-images-idx3-ubyte.gz 9912422 440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609
train-labels-idx1-ubyte.gz 28881 3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c
t10k-images-idx3-ubyte.gz 1648877 8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6
t10k-labels-idx1-ubyte.gz 4542 f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6
"""  # Name, size in bytes and SHA-256 of each file, as published.
SECONDS = 600.0  # From the request for a file to its last byte.


def fetch_mnist(folder: Path, *, progress: Progress | None = None) -> None:
    """Download those of the four files that a folder does not have.

    Raises
    ------
    DownloadError
        If the published bytes of a file do not arrive within `SECONDS`.
    SourceError
        If the folder cannot be written.
    """
    for name, size, sha256 in map(str.split, FILES.splitlines()):
        if find_idx(folder, *name.removesuffix("-ubyte.gz").split("-", 1)) is None:
            content = bytearray()
            try:
                for chunk in _received(ADDRESS + name, int(size)):
                    content += chunk
                    if progress is not None:
                        progress(f"downloading {name}", len(content), int(size))
                if len(content) != int(size) or hashlib.sha256(content).hexdigest() != sha256:
                    raise ValueError(f"its {len(content)} bytes are not the {size} published ones")
            except (Empty, OSError, HTTPException, ValueError) as error:
                reason = inert(str(getattr(error, "reason", error))) or f"over {SECONDS:g} seconds"
                raise DownloadError(
                    f"Cannot download {ADDRESS}{name} ({reason}): check the network and try again,"
                    " or open mnist:DIR with a folder that has the four files."
                ) from error
            with replacing(folder / name) as file:
                file.write(content)


def _received(url: str, size: int) -> Iterator[bytes]:
    """Yield what a server sends until the deadline: at most one byte more than `size`."""
    queue: SimpleQueue[bytes | Exception] = SimpleQueue()

    def receive(left: int) -> None:
        try:
            with request.urlopen(url, timeout=20) as response:
                while chunk := response.read1(min(left, 2**16)):
                    left -= len(chunk)
                    queue.put(chunk)
            queue.put(b"")
        except Exception as error:  # noqa: BLE001
            queue.put(error)

    # A socket's timeout starts again with every byte: only another thread can keep the deadline.
    threading.Thread(target=receive, args=(size + 1,), daemon=True).start()
    deadline = time.monotonic() + SECONDS
    while chunk := queue.get(timeout=max(0.0, deadline - time.monotonic())):
        if isinstance(chunk, Exception):
            raise chunk
        yield chunk
