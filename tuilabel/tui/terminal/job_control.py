"""Job control: which process has the terminal, which is stopped, which can be continued."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tuilabel.tui.terminal.tty import TTY


def has_job_control() -> bool:
    """Return whether a shell would see this process stop, and could continue it.

    The kernel does not stop a process whose group has no member with a parent outside the group
    and within the session: nobody would wake it.
    """
    group, session, parent = os.getpgrp(), os.getsid(0), os.getppid()
    while parent > 0:
        try:
            if os.getsid(parent) != session:
                return False
            if os.getpgid(parent) != group:
                return True
            stat = Path(f"/proc/{parent}/stat").read_text()
        except ProcessLookupError:
            return False
        except OSError:  # no /proc: any member of the group counts as part of a shell's job
            return True
        # The name, in parentheses, may hold anything.
        parent = int(stat.rpartition(")")[2].split()[1])
    return False


def stop_group(number: signal.Signals) -> None:
    """Stop this process and those that share its group, as the terminal would; return when woken.

    Parameters
    ----------
    number : signal.Signals
        SIGTSTP or SIGTTOU; it does what it does by default.
    """
    handler = signal.signal(number, signal.SIG_DFL)
    try:
        os.killpg(0, number)
    finally:
        signal.signal(number, handler)


def is_in_foreground(descriptor: int) -> bool:
    """Return whether this process may use a terminal: it is in the foreground, or has no shell."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:  # the shell is gone, or never was
        return True


def forsake_terminal() -> None:
    """Redirect what writes to the terminal to nowhere: the terminal is gone or stuck.

    Without this the last lines of the program would fail or wait for ever.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in TTY.outputs:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
