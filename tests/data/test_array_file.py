import json
from pathlib import Path

import numpy as np
import pytest

from tuilabel.data import ArrayFile, as_array_file
from tuilabel.errors import SourceError


@pytest.fixture
def mapped(tmp_path: Path, rng: np.random.Generator) -> np.memmap:
    path = tmp_path / "raw"
    path.write_bytes(b"header--" * 2 + rng.integers(0, 256, 600, dtype=np.uint8).tobytes())
    return np.memmap(path, dtype=np.uint8, mode="r", offset=16, shape=(100, 3, 2))


@pytest.fixture
def spare(tmp_path: Path) -> Path:
    folder = tmp_path / "spare"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("part", [slice(None), slice(40), slice(7, 90), slice(99, 100)], ids=str)
def test_a_view_of_a_map_is_described_in_place(mapped: np.memmap, spare: Path, part: slice) -> None:
    described = as_array_file(mapped[part], spare)
    assert described.path.name == "raw"
    assert not list(spare.iterdir())
    assert (described.open() == mapped[part]).all()


def test_views_of_views_and_reshaped_ones_too(mapped: np.memmap, spare: Path) -> None:
    view = np.asarray(mapped[10:60])[5:].reshape(-1, 6)
    described = as_array_file(view, spare)
    assert described.offset == 16 + 15 * 6
    assert (described.open() == view).all()
    values = mapped.reshape(-1)[:400].view("<u4")[3:]
    assert (as_array_file(values, spare).open() == values).all()
    assert not list(spare.iterdir())


def test_a_large_offset_is_that_of_the_file(tmp_path: Path, spare: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(np.arange(50_000, dtype="<u4").tobytes())
    tail = np.memmap(path, dtype="<u4", mode="r", offset=80_000)[5000:]
    assert (as_array_file(tail, spare).open() == np.arange(25_000, 50_000)).all()


@pytest.mark.parametrize("make", [lambda a: a[::2], lambda a: a[:, :, 1], lambda a: a.copy()])
def test_what_does_not_lie_in_one_piece_is_written(mapped: np.memmap, spare: Path, make) -> None:
    array = make(mapped)
    described = as_array_file(array, spare)
    assert described.path.parent == spare
    assert (described.open() == array).all()
    assert (np.load(described.path) == array).all()


def test_a_map_that_may_differ_from_its_file_is_written(tmp_path: Path, spare: Path) -> None:
    path = tmp_path / "raw"
    path.write_bytes(bytes(10))
    private = np.memmap(path, dtype=np.uint8, mode="c")
    private[:] = 7
    assert (as_array_file(private, spare).open() == 7).all()


def test_a_file_replaced_under_the_map_is_not_described(mapped: np.memmap, spare: Path) -> None:
    path = Path(mapped.filename)
    other = path.with_name("other")
    other.write_bytes(bytes(616))
    other.replace(path)
    described = as_array_file(mapped, spare)
    assert described.path.parent == spare
    assert (described.open() == mapped).all()


def test_it_survives_json_and_another_process(spare: Path, run_python) -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    text = json.dumps(as_array_file(array, spare).to_json())
    code = (
        "import json; from tuilabel.data import ArrayFile;"
        f"print(ArrayFile.from_json(json.loads({text!r})).open().sum())"
    )
    assert run_python(code).strip() == "276.0"


def test_a_path_of_any_bytes_survives_json(tmp_path: Path) -> None:
    described = ArrayFile(tmp_path / "bad\udcff", "|u1", (1,), 0)
    assert ArrayFile.from_json(json.loads(json.dumps(described.to_json()))) == described


def test_a_missing_or_short_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "raw"
    with pytest.raises(SourceError, match="raw cannot be read"):
        ArrayFile(path, "|u1", (4,), 0).open()
    path.write_bytes(bytes(10))
    with pytest.raises(SourceError, match="10 bytes, but at least 12"):
        ArrayFile(path, "<u2", (4,), 4).open()


def test_an_opened_array_cannot_be_written(mapped: np.memmap, spare: Path) -> None:
    opened = as_array_file(mapped, spare).open()
    with pytest.raises(ValueError, match="read-only"):
        opened[0] = 1
