"""The downloader against a server on the loopback interface that does everything wrong."""

import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from tuilabel.data import download as module
from tuilabel.data import mnist_download, open_dataset
from tuilabel.data.download import PublishedFile, download
from tuilabel.data.mnist_download import fetch_mnist
from tuilabel.errors import DownloadError

CONTENT = bytes(np.random.default_rng(1).integers(0, 256, 200_000, dtype=np.uint8))
FILE = PublishedFile("data.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


class Handler(BaseHTTPRequestHandler):
    """The first folder of a path says how to behave; the rest is the file's name."""

    server: "Server"

    def do_GET(self) -> None:
        _, behaviour, name = self.path.split("/", 2)
        asked = self.headers.get("Range")
        self.server.requests.append((behaviour, asked))
        content = self.server.files[name]
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        getattr(self, behaviour.replace("-", "_"))(content, start)

    def answer(self, body: bytes, code: int = 200, **headers: str) -> None:
        self.send_response(code)
        headers.setdefault("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def good(self, content: bytes, start: int) -> None:
        if start:
            place = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.answer(content[start:], 206, Content_Range=place)
        else:
            self.answer(content)

    def ignores_range(self, content: bytes, start: int) -> None:
        self.answer(content)

    def wrong_range(self, content: bytes, start: int) -> None:
        if start:
            self.answer(content[5:], 206, Content_Range=f"bytes 5-{len(content) - 1}/*")
        else:
            self.answer(content)

    def refuses_range(self, content: bytes, start: int) -> None:
        self.answer(b"", 416) if start else self.answer(content)

    def truncates(self, content: bytes, start: int) -> None:
        end = start + (len(content) - start) // 2
        self.answer(
            content[start:end],
            206 if start else 200,
            Content_Length=str(len(content) - start),
            Content_Range=f"bytes {start}-{len(content) - 1}/{len(content)}",
        )

    def corrupts(self, content: bytes, start: int) -> None:
        self.good(bytes(len(content)), start)

    def announces_more(self, content: bytes, start: int) -> None:
        self.answer(content + b"more")

    def sends_more(self, content: bytes, start: int) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content + bytes(100_000))

    def unannounced(self, content: bytes, start: int) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)

    def missing(self, content: bytes, start: int) -> None:
        self.answer(b"not here", 404)

    def broken(self, content: bytes, start: int) -> None:
        self.answer(b"", 503)

    def hangs_up(self, content: bytes, start: int) -> None:
        self.close_connection = True

    def nonsense(self, content: bytes, start: int) -> None:
        self.wfile.write(b"\x1b[31mSSH-2.0-nothing\r\n\r\n")

    def stalls(self, content: bytes, start: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:1000])
        self.wfile.flush()
        self.server.released.wait(30)

    def to_file(self, content: bytes, start: int) -> None:
        self.answer(b"", 302, Location="file:///etc/passwd")

    def to_ftp(self, content: bytes, start: int) -> None:
        self.answer(b"", 302, Location="ftp://127.0.0.1/data.gz")

    def to_good(self, content: bytes, start: int) -> None:
        self.answer(b"", 302, Location="/good/data.gz")

    def round_and_round(self, content: bytes, start: int) -> None:
        self.answer(b"", 302, Location=self.path)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {FILE.name: CONTENT}
        self.requests: list[tuple[str, str | None]] = []
        self.released = threading.Event()

    def mirror(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{behaviour}/"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def get(server: Server, tmp_path: Path) -> Callable[..., Path]:
    def get_from(*behaviours: str, **options) -> Path:
        mirrors = [server.mirror(behaviour) for behaviour in behaviours]
        return download(FILE, mirrors, tmp_path, stall_seconds=0.3, **options)

    return get_from


def test_a_file_comes_whole_and_with_progress(get: Callable[..., Path], tmp_path: Path) -> None:
    calls: list[tuple[str, int, int | None]] = []
    path = get("good", progress=lambda *call: calls.append(call))
    assert path == tmp_path / "data.gz"
    assert path.read_bytes() == CONTENT
    assert [each.name for each in tmp_path.iterdir()] == ["data.gz"]
    assert {(what, total) for what, _, total in calls} == {("downloading data.gz", len(CONTENT))}
    done = [each for _, each, _ in calls]
    assert done == sorted(done)
    assert done[-1] == len(CONTENT)


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("truncates", "it sent 100000 of 200000 bytes"),
        ("corrupts", "SHA-256 is not the published one"),
        ("announces-more", "announced 200004 bytes where 200000 are expected"),
        ("sends-more", "sent more than the published 200000 bytes"),
        ("missing", "answered 404 Not Found"),
        ("broken", "answered 503"),
        ("hangs-up", "closed connection|disconnected|reset"),
        ("nonsense", "SSH-2.0"),
        ("stalls", r"sent nothing for 0\.3 s"),
        ("to-file", "file:///etc/passwd"),
        ("to-ftp", "ftp://127.0.0.1/data.gz, which is not http or https"),
        ("round-and-round", "302"),
    ],
)
def test_what_goes_wrong_is_said_and_the_next_mirror_tried(
    get: Callable[..., Path], tmp_path: Path, behaviour: str, message: str
) -> None:
    with pytest.raises(DownloadError, match=message) as caught:
        get(behaviour)
    assert "127.0.0.1" in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert not (tmp_path / "data.gz").exists()
    assert get(behaviour, "good").read_bytes() == CONTENT


def test_all_mirrors_that_failed_are_named(get: Callable[..., Path]) -> None:
    with pytest.raises(DownloadError) as caught:
        get("missing", "corrupts", "truncates")
    assert "404" in str(caught.value)
    assert "SHA-256" in str(caught.value)
    assert "of 200000 bytes" in str(caught.value)


def test_a_corrupt_file_does_not_stay(get: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(DownloadError):
        get("corrupts")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("behaviour", ["to-good", "unannounced"])
def test_unusual_but_sound_answers_will_do(get: Callable[..., Path], behaviour: str) -> None:
    assert get(behaviour).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("behaviour", "asked"),
    [
        ("good", ["bytes=70000-"]),
        ("ignores-range", ["bytes=70000-"]),
        ("wrong-range", ["bytes=70000-", None]),
        ("refuses-range", ["bytes=70000-", None]),
    ],
)
def test_an_interrupted_download_is_resumed_where_the_server_can(
    get: Callable[..., Path], server: Server, tmp_path: Path, behaviour: str, asked: list[object]
) -> None:
    (tmp_path / "data.gz.part").write_bytes(CONTENT[:70_000])
    calls: list[int] = []
    assert get(behaviour, progress=lambda *c: calls.append(c[1])).read_bytes() == CONTENT
    assert [each for _, each in server.requests] == asked
    assert (calls[0] > 70_000) == (behaviour == "good")


def test_what_one_mirror_cut_short_the_next_completes(
    get: Callable[..., Path], server: Server
) -> None:
    assert get("truncates", "good").read_bytes() == CONTENT
    assert server.requests == [("truncates", None), ("good", "bytes=100000-")]


def test_foreign_bytes_in_a_part_do_not_condemn_a_good_mirror(
    get: Callable[..., Path], server: Server, tmp_path: Path
) -> None:
    (tmp_path / "data.gz.part").write_bytes(bytes(70_000))
    assert get("good").read_bytes() == CONTENT
    assert [each for _, each in server.requests] == ["bytes=70000-", None]


@pytest.mark.parametrize("left", [CONTENT, bytes(len(CONTENT)), CONTENT + b"more"])
def test_a_part_of_full_size_is_verified(
    get: Callable[..., Path], server: Server, tmp_path: Path, left: bytes
) -> None:
    (tmp_path / "data.gz.part").write_bytes(left)
    assert get("good").read_bytes() == CONTENT
    assert len(server.requests) == (0 if left == CONTENT else 1)


def test_never_more_than_the_published_size_is_written(
    get: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    with pytest.raises(DownloadError):
        get("sends-more", progress=lambda *call: sizes.append(call[1]))
    assert max(sizes) == len(CONTENT)


def test_a_mirror_that_crawls_is_given_up(
    get: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10**9))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(module, "_CHUNK", 1000)
    with pytest.raises(DownloadError, match=r"sent only \d+ bytes in 1 s"):
        get("good")


def test_only_http_and_https_are_spoken(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "data.gz").write_bytes(CONTENT)
    with pytest.raises(DownloadError, match="not an address of http or https"):
        download(FILE, [f"file://{tmp_path}/there/"], tmp_path)


def test_a_folder_that_cannot_be_written_ends_it_at_once(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.gz.part").mkdir()
    with pytest.raises(DownloadError, match="cannot be written"):
        download(FILE, [server.mirror("good"), server.mirror("good")], tmp_path)
    assert server.requests == []


def test_no_server_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with Server() as closed:
        mirror = closed.mirror("good")
    with pytest.raises(DownloadError, match="refused"):
        download(FILE, [mirror], tmp_path, stall_seconds=1)


# All four files of MNIST's form.


@pytest.fixture
def published(
    server: Server,
    quartet: dict[str, NDArray[np.uint8]],
    as_idx: Callable[[NDArray[np.uint8]], bytes],
) -> list[PublishedFile]:
    for name, values in quartet.items():
        server.files[f"{name}-ubyte.gz"] = gzip.compress(as_idx(values))
    return [
        PublishedFile(name, len(content), hashlib.sha256(content).hexdigest())
        for name, content in server.files.items()
        if name != FILE.name
    ]


def test_mnist_is_downloaded_into_the_cache_once(
    server: Server,
    published: list[PublishedFile],
    quartet: dict[str, NDArray[np.uint8]],
    cache_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fetch(folder: Path, progress: object) -> None:
        fetch_mnist(folder, mirrors=[server.mirror("good")], published=published)

    monkeypatch.setattr(mnist_download, "fetch_mnist", fetch)
    dataset = open_dataset("mnist", cache_dir=cache_dir)
    assert dataset.source == "mnist"
    assert (dataset.pool == quartet["train-images-idx3"]).all()
    assert len(server.requests) == 4
    open_dataset("mnist", cache_dir=cache_dir)
    assert len(server.requests) == 4


def test_only_missing_files_are_fetched(
    server: Server, published: list[PublishedFile], tmp_path: Path
) -> None:
    name = published[2].name
    (tmp_path / name.removesuffix(".gz")).write_bytes(gzip.decompress(server.files[name]))
    fetch_mnist(tmp_path, mirrors=[server.mirror("good")], published=published)
    assert len(server.requests) == 3


def test_two_downloads_into_one_folder_do_not_mix(
    server: Server, published: list[PublishedFile], tmp_path: Path
) -> None:
    refused: list[DownloadError] = []

    def second(*_: object) -> None:
        with pytest.raises(DownloadError, match="Another process is downloading") as caught:
            fetch_mnist(tmp_path, mirrors=[server.mirror("good")], published=published)
        refused.append(caught.value)

    fetch_mnist(tmp_path, mirrors=[server.mirror("good")], published=published, progress=second)
    assert refused


def test_an_unwritable_cache_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch_mnist(tmp_path / "file" / "mnist")


def test_the_published_files_are_those_of_mnist() -> None:
    assert [file.name for file in mnist_download.PUBLISHED] == [
        f"{split}-{kind}-ubyte.gz"
        for split in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ]
    assert sum(file.size for file in mnist_download.PUBLISHED) == 11_594_722
    assert all(len(file.sha256) == 64 for file in mnist_download.PUBLISHED)
    assert all(mirror.startswith("https://") for mirror in mnist_download.MIRRORS)
    assert module.STALL_SECONDS > 0
