"""Run a module for a parent, and end when the parent is gone.

``python -m tuilabel.trainer.parent_watch MODULE ARGUMENTS`` runs the module as a script.
The parent holds the other end of standard input. When that closes, whatever runs here ends at
once, with all that it started.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Run the module that the arguments name, with the rest of them as its own."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_the_parent() -> None:
    # Not sys.stdin: an interpreter that exits aborts when another thread is reading from that.
    while os.read(0, 4096):
        pass
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
