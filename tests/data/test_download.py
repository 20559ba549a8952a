"""The MNIST download against a server on the loopback interface that does everything wrong."""

import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tuilabel.data import mnist_download, open_dataset
from tuilabel.data.mnist_download import fetch_mnist
from tuilabel.errors import DownloadError, SourceError


class Handler(BaseHTTPRequestHandler):
    """The first folder of a path says how to behave; the rest is the file's name."""

    server: "Server"

    def do_GET(self) -> None:
        _, behaviour, name = self.path.split("/", 2)
        self.server.requests.append(name)
        getattr(self, behaviour.replace("-", "_"))(self.server.files[name])

    def answer(self, body: bytes, code: int = 200, **headers: str) -> None:
        self.send_response(code)
        headers.setdefault("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def repeat(self, body: bytes, pause: float) -> None:
        """Send the same bytes until the test is over or the client has hung up."""
        try:
            while not self.server.released.wait(pause):
                self.wfile.write(body)
        except OSError:
            self.server.hung_up.set()

    def good(self, content: bytes) -> None:
        self.answer(content)

    def unannounced(self, content: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)

    def truncates(self, content: bytes) -> None:
        self.answer(content[:-7], Content_Length=str(len(content)))

    def corrupts(self, content: bytes) -> None:
        self.answer(bytes(len(content)))

    def sends_more(self, content: bytes) -> None:
        self.answer(content + b"more")

    def never_ends(self, content: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.repeat(content, pause=0)

    def missing(self, content: bytes) -> None:
        self.answer(b"not here", 404)

    def broken(self, content: bytes) -> None:
        self.answer(b"", 503)

    def hangs_up(self, content: bytes) -> None:
        self.close_connection = True

    def nonsense(self, content: bytes) -> None:
        self.wfile.write(b"\x1b[31mSSH-2.0-nothing\r\n\r\n")

    def silent(self, content: bytes) -> None:
        self.server.released.wait(30)

    def drips_its_header(self, content: bytes) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Drip: ")
        self.repeat(b"x", pause=0.01)

    def drips_its_body(self, content: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.repeat(content[:1], pause=0.01)

    def to_file(self, content: bytes) -> None:
        self.answer(b"", 302, Location="file:///etc/passwd")

    def round_and_round(self, content: bytes) -> None:
        self.answer(b"", 302, Location=self.path)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.requests: list[str] = []
        self.released = threading.Event()
        self.hung_up = threading.Event()

    def address(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{behaviour}/"


@pytest.fixture
def server(
    quartet: dict[str, NDArray[np.uint8]],
    as_idx: Callable[[NDArray[np.uint8]], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Server]:
    """Serve four small files, which the program takes for the published ones."""
    files = {f"{name}-ubyte.gz": gzip.compress(as_idx(quartet[name])) for name in quartet}
    published = [f"{n} {len(c)} {hashlib.sha256(c).hexdigest()}" for n, c in files.items()]
    monkeypatch.setattr(mnist_download, "FILES", "\n".join(published))
    monkeypatch.setenv("no_proxy", "*")
    with Server(files) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def fetch(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, bytes]]:
    """Download from a server of the given behaviour, and return what lies in the folder then."""

    def fetch_from(behaviour: str, **options) -> dict[str, bytes]:
        monkeypatch.setattr(mnist_download, "ADDRESS", server.address(behaviour))
        fetch_mnist(tmp_path / "mnist", **options)
        return {path.name: path.read_bytes() for path in (tmp_path / "mnist").iterdir()}

    return fetch_from


Fetch = Callable[..., dict[str, bytes]]


@pytest.mark.parametrize("behaviour", ["good", "unannounced"])
def test_all_files_come_whole(fetch: Fetch, server: Server, behaviour: str) -> None:
    assert fetch(behaviour) == server.files


def test_progress_counts_the_bytes_of_each_file(fetch: Fetch, server: Server) -> None:
    calls: list[tuple[str, int, int | None]] = []
    fetch("good", progress=lambda *call: calls.append(call))
    for name, content in server.files.items():
        done = [(each, total) for what, each, total in calls if what == f"downloading {name}"]
        assert done == sorted(done)
        assert done[-1] == (len(content), len(content))


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("truncates", "published"),
        ("corrupts", "published"),
        ("sends-more", "published"),
        ("never-ends", "published"),
        ("missing", "Not Found"),
        ("broken", "Service Unavailable"),
        ("hangs-up", "closed connection|disconnected|reset"),
        ("nonsense", "SSH-2.0"),
        ("to-file", "file:///etc/passwd"),
        ("round-and-round", "redirect"),
    ],
)
def test_a_server_that_fails_is_one_sentence_and_leaves_nothing(
    fetch: Fetch, server: Server, tmp_path: Path, behaviour: str, message: str
) -> None:
    with pytest.raises(DownloadError, match=message) as caught:
        fetch(behaviour)
    assert f"{server.address(behaviour)}train-images-idx3-ubyte.gz" in str(caught.value)
    assert str(caught.value).isprintable()
    assert not list(tmp_path.rglob("*"))
    assert fetch("good") == server.files


@pytest.mark.parametrize("behaviour", ["silent", "drips-its-header", "drips-its-body"])
def test_one_deadline_covers_header_and_body(
    fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    monkeypatch.setattr(mnist_download, "SECONDS", 0.3)
    with pytest.raises(DownloadError, match=r"over 0\.3 seconds"):
        fetch(behaviour)
    assert not list(tmp_path.rglob("*"))


def test_an_endless_body_is_read_one_byte_too_far_and_no_further(
    fetch: Fetch, server: Server
) -> None:
    sizes: list[int] = []
    with pytest.raises(DownloadError):
        fetch("never-ends", progress=lambda *call: sizes.append(call[1]))
    assert max(sizes) == len(server.files["train-images-idx3-ubyte.gz"]) + 1
    assert server.hung_up.wait(30)


def test_ctrl_c_leaves_no_part_of_a_file(fetch: Fetch, server: Server, tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("good", progress=interrupt)
    assert not list(tmp_path.rglob("*"))


def test_a_link_is_replaced_and_not_written_through(
    fetch: Fetch, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "mnist").mkdir()
    for name in server.files:
        (tmp_path / "mnist" / name).symlink_to(tmp_path / "elsewhere")
    assert fetch("good") == server.files
    assert not (tmp_path / "elsewhere").exists()
    assert not any(path.is_symlink() for path in (tmp_path / "mnist").iterdir())


def test_an_unwritable_folder_is_named(fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "mnist").write_text("")
    with pytest.raises(SourceError, match=r"mnist cannot be written"):
        fetch("good")


def test_no_server_at_all_is_reported(fetch: Fetch, server: Server) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError, match="refused"):
        fetch("good")


def test_mnist_is_downloaded_into_the_cache_once(
    server: Server,
    quartet: dict[str, NDArray[np.uint8]],
    cache_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mnist_download, "ADDRESS", server.address("good"))
    dataset = open_dataset("mnist", cache_dir=cache_dir)
    assert dataset.source == "mnist"
    assert (dataset.pool == quartet["train-images-idx3"]).all()
    open_dataset("mnist", cache_dir=cache_dir)
    assert server.requests == list(server.files)


def test_only_missing_files_are_fetched(fetch: Fetch, server: Server, tmp_path: Path) -> None:
    first, second, *others = server.files
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / first).write_bytes(server.files[first])
    plain = tmp_path / "mnist" / second.removesuffix(".gz")
    plain.write_bytes(gzip.decompress(server.files[second]))
    fetch("good")
    assert server.requests == others


def test_a_second_download_into_the_folder_does_no_harm(fetch: Fetch, server: Server) -> None:
    def second(*_: object) -> None:
        assert fetch("good") == server.files

    assert fetch("good", progress=second) == server.files


def test_the_published_files_are_those_of_mnist() -> None:
    published = [line.split() for line in mnist_download.FILES.splitlines()]
    assert [name for name, _, _ in published] == [
        f"{split}-{kind}-ubyte.gz"
        for split in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ]
    assert sum(int(size) for _, size, _ in published) == 11_594_722
    assert all(len(bytes.fromhex(sha256)) == 32 for _, _, sha256 in published)
    assert mnist_download.ADDRESS.startswith("https://")
