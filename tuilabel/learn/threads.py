"""The number of threads that numerical libraries may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""Environment variables that numerical libraries read when they are loaded."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit numerical libraries to one thread within a ``with`` block.

    Threads that share a sum add it up in another order each time, and they make a fit of a few
    hundred rows no faster.
    """
    from threadpoolctl import threadpool_limits

    from tuilabel.learn.models import warm_up

    # The limit applies only to libraries that are loaded already.
    warm_up()
    with threadpool_limits(limits=1):
        yield
