"""A block of the cache that stays on disk while any process uses it."""

from __future__ import annotations

import fcntl
import os
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuilabel.data.cache_files import Block, make_block, read_block


class LeasedBlock:
    """A block that is written if it is missing, and not deleted while this object lives.

    Another process may map the payload by its path, so the file must keep its name. A shared
    lock keeps other processes from deleting it; the kernel releases the lock however this
    process ends.

    Parameters
    ----------
    path : Path
        Unlocked blocks with the same suffix in the same folder are deleted when this one is
        written: they belong to an earlier state of the source.
    make : callable
        Returns the payload in pieces; called only if the block is missing or damaged.

    Attributes
    ----------
    payload : uint8 array of shape (bytes,)
        In memory if the cache cannot be written.
    problem : str or None
        Why the cache cannot be written, as a sentence.
    """

    def __init__(self, path: Path, make: Callable[[], Iterable[NDArray[np.uint8]]]) -> None:
        block, lease = _hold(path)
        while block is None:
            made = make_block(path, {}, make)
            if made.problem is not None:
                block = made
                break
            _delete_unused(path)
            block, lease = _hold(path)
        self.payload, self.problem = block.payload, block.problem
        if lease >= 0:
            weakref.finalize(self, os.close, lease)


def _hold(path: Path) -> tuple[Block | None, int]:
    """Lock the block and open it; None if it is missing, damaged or just being deleted."""
    try:
        lease = os.open(path, os.O_RDONLY)
    except OSError:
        return None, -1
    # On a file system without locks, no process gets the lock that deleting requires either.
    with suppress(OSError):
        fcntl.flock(lease, fcntl.LOCK_SH)
    block = read_block(path)
    if block is not None and block.is_intact() and _is_named(lease, path):
        return block, lease
    os.close(lease)
    return None, -1


def _is_named(lease: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lease), path.stat())
    except FileNotFoundError:
        return False


def _delete_unused(current: Path) -> None:
    for path in current.parent.glob(f"*{current.suffix}"):
        if path == current:
            continue
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except OSError:
            # In use, or no locks here.
            continue
        finally:
            os.close(descriptor)
