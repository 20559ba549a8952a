"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import shutil
import signal
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tuilabel.data.decoding import DecodeService

# Processes with numeric threads of their own would fight over the cores: a fit of a moment takes
# seconds then. numpy reads this when it is first imported, here and in every child.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# Nothing is garbage until the first test, and collecting takes a third of the time until then.
gc.disable()

# On a busy machine an example may take any time.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# Where a developer runs the tests on a terminal, no program that they start may draw on it.
with contextlib.suppress(OSError), Path("/dev/tty").open() as own_terminal:
    hung_up = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    fcntl.ioctl(own_terminal, termios.TIOCNOTTY)
    signal.signal(signal.SIGHUP, hung_up)

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile a share of the tests, so that each of pytest's workers need not compile them all.

    The names are pytest's own: where a release has others, all is compiled everywhere again.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is None or sys.dont_write_bytecode:
        return
    with contextlib.suppress(ImportError, AttributeError, TypeError, KeyError, OSError):
        from _pytest.assertion import rewrite

        share = slice(int(worker["workerid"].removeprefix("gw")), None, worker["workercount"])
        for file in sorted(REPOSITORY.glob("tests/**/test_*.py"))[share]:
            compiled = rewrite.get_cache_dir(file) / f"{file.stem}{rewrite.PYC_TAIL}"
            if not compiled.exists():
                state = session.config.stash[rewrite.assertstate_key]
                rewrite.try_makedirs(compiled.parent)
                source, code = rewrite._rewrite_test(file, session.config)[:2]
                rewrite._write_pyc(state, code, source, compiled)


def pytest_collection_finish() -> None:
    """Collect garbage from now on, without a look at the tests themselves each time."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """Return the folder with the four IDX files of MNIST, or skip with the reason."""
    default = REPOSITORY.parent / "shared" / "data" / "mnist"
    folder = Path(os.environ.get("TUILABEL_TEST_MNIST", default))
    if not (folder / "train-images-idx3-ubyte.gz").is_file():
        pytest.skip("real MNIST is not here: set TUILABEL_TEST_MNIST to a folder of its .gz files")
    return folder


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set a home of its own for every test, without the person's settings."""
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    for kind in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
    for name in list(os.environ):
        # A screen in an earlier test may have set variables of Textual, which programs read.
        if name.startswith(("TUILABEL_", "TEXTUAL")) and not name.startswith("TUILABEL_TEST_"):
            monkeypatch.delenv(name)
    return home


@pytest.fixture(scope="session")
def decoders() -> Iterator[DecodeService]:
    """Return processes that decode images, for all tests."""
    from tuilabel.data.decoding import DecodeService

    service = DecodeService()
    yield service
    service.close()


@pytest.fixture
def warm_decoders(decoders: DecodeService) -> Iterator[None]:
    """Decode images in processes that earlier tests have started: a process knows no folder."""
    from tuilabel.data import folder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder, "DecodeService", lambda: decoders)
        patch.setattr(decoders, "close", lambda: None)
        yield


@pytest.fixture
def bounded() -> Iterator[None]:
    """Let a test fail, instead of hanging, that waits for more than a minute."""
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it still waits after a minute"))
    signal.alarm(60)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def powerless_dir(tmp_path: Path) -> Iterator[Path]:
    """Return a directory; during the test, be a user to whom permissions apply."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    # numpy and Pillow import these when they are needed, and this user may not read where they lie.
    import numpy.testing  # noqa: F401
    from PIL import Image

    Image.init()

    nobody = 65534
    folder = Path(tempfile.mkdtemp())
    os.chown(folder, nobody, nobody)
    os.setresuid(nobody, nobody, 0)
    try:
        yield folder
    finally:
        os.setresuid(0, 0, 0)
        shutil.rmtree(folder)
