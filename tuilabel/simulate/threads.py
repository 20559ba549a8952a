"""One numerical thread, here or in processes to come."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tuilabel.learn.models import warm_up

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""Read by numerical libraries when they are loaded."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Let numerical libraries use one thread meanwhile.

    Sums that several threads share come out in another order each time, and a fit of a few
    hundred rows is no faster for them.
    """
    from threadpoolctl import threadpool_limits

    # What is loaded later would not be limited.
    warm_up()
    with threadpool_limits(limits=1):
        yield


@contextmanager
def quiet_children() -> Iterator[None]:
    """Let processes that are started meanwhile use one thread and ignore Ctrl-C.

    A terminal sends Ctrl-C to all of them; the one that started the others tells them.
    """
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if is_main:
            signal.signal(signal.SIGINT, handler or signal.SIG_DFL)
