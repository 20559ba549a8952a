"""Lines over a pseudo-terminal and over pipes."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator

import pytest

from tuilabel.line.channel import LONGEST_LINE, LineChannel


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Open a pseudo-terminal and return both ends: the keyboard's and the program's."""
    ends = os.openpty()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Return the descriptors to read from and to write to."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:  # closed by the test already
            continue


def press(keyboard: int, keys: str) -> None:
    """Type, and wait for the echo: then the keys have arrived."""
    os.write(keyboard, keys.encode())
    echo = b""
    while len(echo) < len(keys.replace("\n", "\r\n")):
        echo += os.read(keyboard, 100)


@pytest.mark.parametrize("keys", ["7\n", "7", "7\n3", "\n"])
async def test_what_was_typed_is_dropped_whole(terminal: tuple[int, int], keys: str) -> None:
    keyboard, program = terminal
    channel = LineChannel(program, program)
    before = termios.tcgetattr(program)
    assert channel.typed
    assert not channel.drop_typed()
    press(keyboard, keys)
    assert channel.drop_typed()
    assert not channel.drop_typed()
    assert termios.tcgetattr(program) == before
    press(keyboard, "4\n")
    assert await channel.read_line() == "4"


async def test_a_second_line_that_came_with_the_first_is_dropped_too(
    terminal: tuple[int, int],
) -> None:
    keyboard, program = terminal
    channel = LineChannel(program, program)
    press(keyboard, "7\n3\n")
    assert await channel.read_line() == "7"
    assert channel.drop_typed()
    press(keyboard, "4\n")
    assert await channel.read_line() == "4"


async def test_the_end_of_typing_is_the_end(terminal: tuple[int, int]) -> None:
    keyboard, program = terminal
    channel = LineChannel(program, program)
    os.write(keyboard, b"\x04")
    assert await channel.read_line() is None
    assert not channel.cut


async def test_lines_of_a_pipe_come_in_their_order(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    channel = LineChannel(source, 1)
    assert not channel.typed
    os.write(sink, b"7\n\nc\xe4\r\n3")
    os.close(sink)
    assert [await channel.read_line() for _ in range(4)] == ["7", "", "c�\r", None]
    assert channel.cut


async def test_a_line_without_an_end_takes_no_memory(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    channel = LineChannel(source, 1)
    for _ in range(3):
        os.write(sink, b"x" * LONGEST_LINE)
    os.write(sink, b"\n7\n")
    line = await channel.read_line()
    assert line is not None
    assert 200 < len(line) < 2**16 + LONGEST_LINE
    assert await channel.read_line() == "7"


async def test_what_nobody_reads_is_an_error(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    os.close(source)
    with pytest.raises(BrokenPipeError):
        await LineChannel(0, sink).write("text")


async def test_what_an_encoding_lacks_becomes_a_question_mark(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    await LineChannel(0, sink, "ascii").write("caf\xe9 \udce9" + "x" * 1000)
    assert os.read(source, 2000) == b"caf? ?" + b"x" * 1000
