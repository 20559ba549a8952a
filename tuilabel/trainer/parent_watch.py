"""Run a module for a parent process, and end when the parent is gone.

``python -m tuilabel.trainer.parent_watch MODULE ARGUMENTS`` runs the module as a script. The
parent holds the other end of standard input. When it closes, this process and those it started
end at once.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Run the module named by the first argument, with the remaining arguments."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_the_parent() -> None:
    # Not sys.stdin: the interpreter aborts if it exits while another thread reads from it.
    while os.read(0, 4096):
        pass
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
