"""The child's side: its messages, its heartbeat and its end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tuilabel.learn.requests import ColdStart, ColdStartFinished
from tuilabel.trainer.jobs import Start, Started
from tuilabel.trainer.messages import (
    Cancel,
    Do,
    Finished,
    Heartbeat,
    PoolFailed,
    PoolOpened,
    decode_from_child,
    encode,
)
from tuilabel.trainer.worker import WorkerChannel

COLD_START = Do(1, Start(ColdStart(1, "random", "softmax", "raw", (), (), 3, (0,))))


def run_worker(line: bytes, *, input_ends: bool) -> subprocess.CompletedProcess[bytes]:
    """Run a worker on this input to its end, which is its own unless its input ends."""
    read, write = os.pipe()
    os.write(write, line)
    with os.fdopen(read, "rb") as requests, os.fdopen(write, "wb") as sender:
        if input_ends:
            sender.close()
        return subprocess.run(
            [sys.executable, "-m", "tuilabel.trainer.worker"],
            stdin=requests,
            capture_output=True,
            cwd=Path(__file__).resolve().parents[2],
            timeout=120,
        )


@pytest.fixture
def pipe() -> Any:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as receiver, os.fdopen(write, "wb") as sender:
        yield receiver, sender


def test_the_heart_beats_while_it_works_and_not_before(pipe: Any) -> None:
    receiver, sender = pipe
    channel = WorkerChannel(sender)
    channel.send(PoolOpened(3))
    with channel.working():
        assert decode_from_child(receiver.readline()) == PoolOpened(3)
        assert decode_from_child(receiver.readline()) == Heartbeat()


def test_messages_of_several_threads_stay_whole(pipe: Any) -> None:
    receiver, sender = pipe
    channel = WorkerChannel(sender)
    # Longer than a pipe takes at once.
    long = [
        Finished(number, Started(ColdStartFinished(number, (number,) * 30_000)))
        for number in range(4)
    ]
    threads = [threading.Thread(target=channel.send, args=(message,)) for message in long]
    for thread in threads:
        thread.start()
    found = [decode_from_child(receiver.readline()) for _ in long]
    for thread in threads:
        thread.join()
    assert sorted(found, key=lambda message: message.id) == long


def test_it_ends_with_its_input() -> None:
    ended = run_worker(b"", input_ends=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (encode(COLD_START), b"Do arrived before OpenPool"),
        (encode(Cancel(1)), b"Cancel arrived before OpenPool"),
        (b"hello\n", b"Not a message: b'hello\\n'"),
    ],
)
def test_what_is_no_request_ends_it_with_a_traceback(line: bytes, reason: bytes) -> None:
    ended = run_worker(line, input_ends=False)
    assert ended.returncode == 1
    assert ended.stdout == b""
    assert b"Traceback" in ended.stderr
    assert reason in ended.stderr


def test_a_pool_that_cannot_be_opened_is_said_before_the_end(toy: Any) -> None:
    path = toy.opened.pool[0].path
    path.write_bytes(b"short")
    ended = run_worker(encode(toy.opened), input_ends=False)
    assert ended.returncode == 1
    said = decode_from_child(ended.stdout)
    assert isinstance(said, PoolFailed)
    assert str(path) in said.message
