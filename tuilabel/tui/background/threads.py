"""Work in a thread of its own that a disk may keep for any time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from tuilabel.workspace.writing import Task

T = TypeVar("T")


async def beside(work: Callable[[], T]) -> T:
    """Return what a function returns, called beside the event loop.

    The thread is a daemon, unlike those of `asyncio.to_thread`, which are waited for at the end.
    """
    task = Task(work)
    threading.Thread(target=task.run, name="beside", daemon=True).start()
    return await task.done()
