"""Signals that come while the interpreter itself ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tuilabel

PROGRAM = """
import signal, sys
from tuilabel.process.signals import SIGNALS

class Late:
    def __del__(self):
        # Modules are taken apart by now, after signals were given back.
        self.kill(self.pid, self.number)

late = Late()
late.kill, late.pid, late.number = os_kill, os_getpid(), int(sys.argv[1])
SIGNALS.listen()
with SIGNALS.passed_to(print):
    pass
sys.exit(7)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_at_the_very_end_changes_no_status(number: signal.Signals) -> None:
    program = "from os import getpid as os_getpid, kill as os_kill\n" + PROGRAM
    done = subprocess.run(
        [sys.executable, "-c", program, str(int(number))],
        env={**os.environ, "PYTHONPATH": str(Path(tuilabel.__file__).parent.parent)},
        check=False,
        timeout=120,
    )
    assert done.returncode == 7


def test_a_screen_after_another_receives_signals() -> None:
    from tuilabel.process.signals import SignalListener

    listener, heard = SignalListener(), list[int]()
    with listener.passed_to(heard.append):
        pass
    listener._receive(signal.SIGTERM, None)
    assert heard == []
    listener.resume()
    with listener.passed_to(heard.append):
        listener._receive(signal.SIGTERM, None)
    assert heard == [143]


def test_a_signal_that_python_swallowed_ends_the_program_before_the_screen() -> None:
    from tuilabel.process.signals import SignalListener

    listener, heard = SignalListener(), list[int]()

    with contextlib.suppress(SystemExit):
        listener._receive(signal.SIGINT, None)
    with pytest.raises(SystemExit) as ended, listener.passed_to(heard.append):
        pass
    assert ended.value.code == 130
    assert heard == []
