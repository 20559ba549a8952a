import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hostile_images import bloated, huge, ico, png
from PIL import Image

from tuilabel.data.decoding import Decoded, DecodeService, Refused, service
from tuilabel.data.region import WHOLE
from tuilabel.errors import SourceError

_BOMB = "more than 100 megapixels"
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def decoding() -> Iterator[DecodeService]:
    with_service = DecodeService()
    yield with_service
    with_service.close()


def image(path: Path, value: int = 7, shape: tuple[int, ...] = (4, 6, 3)) -> Path:
    pixels = np.full(shape, value, np.uint8)
    pixels[0, 0] = 0
    Image.fromarray(pixels).save(path)
    return path


def resident(decoding: DecodeService, kind: str) -> int:
    """Return the memory of the only process in kilobytes; 0 where it is not known."""
    (child,) = decoding._idle
    status = Path(f"/proc/{child._process.pid}/status")
    return int(status.read_text().split(f"{kind}:")[1].split()[0]) if status.exists() else 0


def stand_in(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Let the children decode with a function of this body, for files named `bad`."""
    program = (
        "import sys, os, time; sys.path[:] = {!r}\n"
        "from tuilabel.data.decoding import worker\n"
        "original = worker.OpenImage.decode\n"
        "def decode(image, part, box, region, *, may_be_large):\n"
        "    if 'bad' in image.path:\n"
        f"        {body}\n"
        "    return original(image, part, box, region, may_be_large=may_be_large)\n"
        "worker.OpenImage.decode = decode\n"
        "worker.main()\n"
    )
    monkeypatch.setattr(service, "_PROGRAM", program)


def test_files_are_decoded_in_several_processes_at_once(
    tmp_path: Path, decoding: DecodeService
) -> None:
    paths = [image(tmp_path / f"{i}.png", i) for i in range(1, 60)]
    paths.append(image(tmp_path / os.fsdecode(b"caf\xe9 \n.png"), 60))
    with ThreadPoolExecutor(3) as executor:
        found = list(executor.map(decoding.decode, paths))
    assert [int(each.pixels[1, 1]) for each in found] == list(range(1, 61))
    pixels = np.random.default_rng(0).integers(0, 2**16, (50, 40), dtype=np.uint16)
    Image.fromarray(pixels).save(tmp_path / "deep.png")
    assert (decoding.decode(tmp_path / "deep.png").pixels == pixels).all()
    assert decoding.decode(tmp_path / "deep.png", box=(20, 20)).pixels.shape == (20, 16)
    assert decoding.decode(tmp_path / "missing.png") == Refused(
        "No such file or directory", lasting=False
    )


def test_many_files_are_decoded_with_one_message(
    tmp_path: Path, decoding: DecodeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "os.abort()")
    paths = [image(tmp_path / f"{'bad' if i in (3, 7) else i}{i}.png", i + 1) for i in range(9)]
    (tmp_path / "large.png").write_bytes(png(5000, 4000))
    every = [*paths, tmp_path / "large.png"]
    found = decoding.decode_all([(path, "") for path in every], box=(50, 50))
    crashed = Refused("too large or damaged: its decoder crashed", lasting=False)
    assert [each if each == crashed else each.pixels.max() for each in found] == [
        *(1, 2, 3, crashed, 5, 6, 7, crashed, 9, 128)
    ]


@pytest.mark.parametrize("body", ["os.abort()", "os._exit(0)", "raise ZeroDivisionError"])
def test_a_decoder_that_crashes_costs_one_file(
    tmp_path: Path, decoding: DecodeService, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    stand_in(monkeypatch, body)
    image(tmp_path / "bad.png")
    found = decoding.decode(tmp_path / "bad.png")
    assert found == Refused("too large or damaged: its decoder crashed", lasting=False)
    assert isinstance(decoding.decode(image(tmp_path / "x.png")), Decoded)


def test_a_decoder_that_hangs_is_ended(
    tmp_path: Path, decoding: DecodeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "time.sleep(1000)")
    image(tmp_path / "bad.png")
    monkeypatch.setattr(decoding, "_deadline", 0.2)
    found = decoding.decode(tmp_path / "bad.png")
    assert found == Refused("decoding takes longer than 0.2 s", lasting=False)
    monkeypatch.undo()
    assert isinstance(decoding.decode(image(tmp_path / "x.png")), Decoded)


def test_a_decoder_that_takes_all_memory_is_stopped(
    tmp_path: Path, decoding: DecodeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "from PIL import Image; Image.open = lambda *_, **__: bytearray(3 << 30)")
    image(tmp_path / "bad.png")
    assert decoding.decode(tmp_path / "bad.png") == Refused(
        "too large: decoding it takes more than the limit of 2 GB of memory", lasting=False
    )


def test_an_icon_with_a_bomb_inside_is_too_large(tmp_path: Path, decoding: DecodeService) -> None:
    (tmp_path / "x.ico").write_bytes(ico(png(14_000, 14_000)))
    assert decoding.decode(tmp_path / "x.ico") == Refused("more than 100 megapixels")


def test_no_header_makes_room_for_the_pixels_that_it_claims(
    tmp_path: Path, decoding: DecodeService
) -> None:
    files = huge()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = decoding.decode_all([(tmp_path / name, "") for name in files], box=(96, 96))
    reasons = dict(zip(files, found, strict=True))
    # Their libraries have limits of their own, which depend on the version.
    for name in ("avif", "webp", "webp2"):
        assert isinstance(reasons.pop(name, Refused("")), Refused)
    assert len(reasons) >= 23
    assert {name: each for name, each in reasons.items() if each != Refused(_BOMB)} == {}
    assert resident(decoding, "VmHWM") < 200_000


def test_no_metadata_makes_room_for_what_it_unpacks_to(
    tmp_path: Path, decoding: DecodeService
) -> None:
    files = bloated()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = decoding.decode_all([(tmp_path / name, "") for name in files], region=WHOLE)
    for name, each in zip(files, found, strict=True):
        if isinstance(each, Refused):
            assert each.reason.startswith("damaged PNG image (Decompressed data too large"), name
        else:
            assert each.pixels.shape[0] in (4, 8)
    assert resident(decoding, "VmHWM") < 200_000


def test_nothing_keeps_the_pixels_of_what_could_not_be_decoded(
    tmp_path: Path, decoding: DecodeService
) -> None:
    for i in range(8):
        (tmp_path / f"{i}.png").write_bytes(png(9900, 9999, share=0.05))
    found = [decoding.decode(tmp_path / f"{i}.png") for i in range(8)]
    assert set(found) == {Refused("PNG image, cut short")}
    assert resident(decoding, "VmRSS") < 200_000


def test_an_image_at_the_limit_is_decoded(tmp_path: Path, decoding: DecodeService) -> None:
    (tmp_path / "x.png").write_bytes(png(10_000, 10_000))
    found = decoding.decode(tmp_path / "x.png", box=(96, 96))
    assert isinstance(found, Decoded)
    assert found.pixels.shape == (96, 96)


def test_the_children_end_with_their_parent(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from tuilabel.data.decoding import DecodeService\n"
        "s = DecodeService(); s.decode(Path('missing'))\n"
        "print(s._idle[0]._process.pid, flush=True); time.sleep(1000)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
    )
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 60
    while _is_running(child):
        assert time.monotonic() < end, "it outlived its parent"


def test_large_images_are_decoded_one_at_a_time(
    tmp_path: Path, decoding: DecodeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = (
        "if not may_be_large: raise worker.NeedsMoreMemory\n"
        f"        os.close(os.open({str(tmp_path / 'busy')!r}, os.O_CREAT | os.O_EXCL))\n"
        # Long enough for the others to begin, if they do not wait.
        "        time.sleep(0.3)\n"
        f"        os.unlink({str(tmp_path / 'busy')!r})"
    )
    stand_in(monkeypatch, body)
    paths = [image(tmp_path / f"bad{i}.png", i) for i in range(1, 5)]
    with ThreadPoolExecutor(4) as executor:
        found = list(executor.map(decoding.decode, paths))
    assert [int(each.pixels[1, 1]) for each in found] == [1, 2, 3, 4]


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="needs Linux's /proc")
def test_a_decoder_that_crashes_leaves_no_core_file(
    tmp_path: Path, decoding: DecodeService
) -> None:
    decoding.decode(image(tmp_path / "x.png"))
    (child,) = decoding._idle
    limits = Path(f"/proc/{child._process.pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]


def _is_running(pid: int) -> bool:
    # A process that nobody has reaped still has its entry, as a zombie.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return state.stdout.strip()[:1] not in ("", "Z")


def test_without_processes_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoding: DecodeService
) -> None:
    monkeypatch.setattr(service.sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(SourceError, match=r"cannot be started \(No such file .*ulimit"):
        decoding.decode(tmp_path / "x.png")
    monkeypatch.undo()
    monkeypatch.setattr(service, "_PROGRAM", "raise SystemExit(3)")
    with pytest.raises(SourceError, match=r"ended as it started: .*ulimit"):
        decoding.decode(tmp_path / "x.png")
