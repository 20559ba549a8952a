"""The line that the other tests hang on: it carries everything, in order, and late."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.peers.link import Link

Line = Callable[..., Link]

DATA = bytes(range(256)) * 400


@contextmanager
def echo() -> Iterator[int]:
    """Return the port of a server that sends one connection back what it hears."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    while data := connection.recv(2**16):
                        connection.sendall(data)
                except ConnectionError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(20)
        assert not thread.is_alive()


def hear(connection: socket.socket, size: int) -> bytes:
    heard = b""
    while len(heard) < size and (data := connection.recv(2**16)):
        heard += data
    return heard


def is_broken(connection: socket.socket) -> bool:
    """Wait for the end of a connection; it counts as still there after 20 seconds."""
    try:
        return not connection.recv(1)
    except ConnectionError:
        return True


def call(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


@pytest.mark.parametrize("limits", [{}, {"round_trip": 0.02, "bytes_per_second": 1e6}])
def test_everything_arrives_in_order(line: Line, limits: dict[str, float]) -> None:
    with echo() as port:
        link = line(port, **limits)
        with call(link.port) as connection:
            connection.sendall(DATA)
            assert hear(connection, len(DATA)) == DATA
        assert sum(link.sizes("up")) == sum(link.sizes("down")) == len(DATA)


def test_it_takes_its_time_in_each_direction(line: Line) -> None:
    with echo() as port:
        link = line(port, round_trip=0.05)
        with call(link.port) as connection:
            connection.sendall(b"x")
            assert hear(connection, 1) == b"x"
        up, down = link.chunks
        assert up.delivered - up.sent == pytest.approx(0.025)
        assert down.sent >= up.delivered
        assert down.delivered - down.sent == pytest.approx(0.025)


def test_a_thin_line_carries_what_it_can(line: Line) -> None:
    with echo() as port:
        link = line(port, bytes_per_second=500_000)
        with call(link.port) as connection:
            connection.sendall(DATA)
            assert hear(connection, len(DATA)) == DATA
        down = [chunk for chunk in link.chunks if chunk.direction == "down"]
        assert down[-1].delivered - down[0].sent >= len(DATA) / 500_000


def test_both_ends_hear_of_a_cut(line: Line) -> None:
    with echo() as port:  # which ends only when its connection does
        link = line(port)
        with call(link.port) as connection:
            connection.sendall(b"x")
            assert hear(connection, 1) == b"x"
            link.cut()
            assert is_broken(connection)


def test_nobody_at_the_other_end_is_a_broken_connection(line: Line) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    link = line(port)
    with call(link.port) as connection:
        assert is_broken(connection)
