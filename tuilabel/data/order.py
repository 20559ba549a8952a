"""The random order of a seed, in which items are asked: it depends on their relative paths alone.

So it is known before a file is read, it is the same on every host, and files that join or leave
change nothing for the others.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from operator import methodcaller

import numpy as np
from numpy.typing import NDArray

_AS_BYTES = methodcaller("encode", "utf-8", "surrogateescape")


def seeded_order(keys: NDArray[np.uint64], seed: int) -> NDArray[np.intp]:
    """Return the rows in the random order of a seed, equal keys in the order of the rows."""
    return np.argsort(mixed(keys, salts(seed)[0]), kind="stable")


def salts(seed: int) -> NDArray[np.uint64]:
    """Return the numbers that the order and the audit reserve of a seed depend on."""
    return np.random.default_rng([seed, 0]).integers(2**64, size=2, dtype=np.uint64)


def name_keys(names: Iterable[str]) -> NDArray[np.uint64]:
    """Return a number for each relative path: a uint64 array.

    A start waits for this: CRC-32 is fast, and `mixed` makes it uniform.
    """
    return np.fromiter(map(zlib.crc32, map(_AS_BYTES, names)), np.uint64)


def mixed(keys: NDArray[np.uint64], salt: np.uint64) -> NDArray[np.uint64]:
    """Return a number for each key, uniform from 0 to 2**64 - 1, that depends on the salt.

    The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", OOPSLA 2014). A key has different numbers for different salts.
    """
    found = keys ^ salt
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        found = (found ^ (found >> np.uint64(shift))) * np.uint64(factor)
    return found ^ (found >> np.uint64(31))
