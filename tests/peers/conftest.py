"""A real SSH server and a line to it, which tests on one worker share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.peers.link import Link, SshServer, why_no_ssh
from tests.pty.conftest import home, pictures, pseudo_terminal, start

__all__ = ["home", "pictures", "pseudo_terminal", "start"]


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """Return an SSH server on this machine that lets the tests in."""
    reason = why_no_ssh()
    if reason is not None:
        pytest.skip(reason)
    with SshServer(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def line() -> Iterator[Callable[..., Link]]:
    """Return a function that lays a line to a port; at last all are cut."""
    links: list[Link] = []

    def lay(target: int, *, round_trip: float = 0.0, bytes_per_second: float | None = None) -> Link:
        links.append(Link(target, round_trip=round_trip, bytes_per_second=bytes_per_second))
        return links[-1]

    yield lay
    for link in links:
        link.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep them on one worker, beside the other terminals' and not among them."""
    here = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.xdist_group("peers"))
