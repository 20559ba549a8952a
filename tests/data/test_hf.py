"""Parquet and Arrow files with images in their cells, and Hugging Face datasets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tuilabel.data import open_dataset
from tuilabel.data.cell import Cell
from tuilabel.data.decoding import DecodeService, Refused, formats
from tuilabel.data.decoding import cells as decoding_cells
from tuilabel.data.decoding.cells import describe_table
from tuilabel.data.decoding.decoder import decode_file
from tuilabel.data.decoding.values import NeedsMoreMemory
from tuilabel.data.places import find_places
from tuilabel.errors import SourceError

pytestmark = pytest.mark.usefixtures("warm_decoders")


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    expected = r"which needs pyarrow: pip install 'tuilabel\[hf\]'\."
    with pytest.raises(SourceError, match=expected):
        open_dataset(str(tmp_path / "x.parquet"), classes=("a", "b"), cache_dir=tmp_path / "cache")


try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    pa = pq = None

needs_pyarrow = pytest.mark.skipif(pa is None, reason="needs pyarrow: pip install -e '.[hf]'")


def png(value: int, size: int = 6) -> bytes:
    file = BytesIO()
    pixels = np.full((size, size, 3), value, np.uint8)
    pixels[0, 0] = 255 - value
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def table(
    images: Sequence[bytes | None], labels: Sequence[int | None] = (), names: Sequence[str] = ()
) -> Any:
    """Return a table as Hugging Face's datasets write it."""
    cells = [None if each is None else {"bytes": each, "path": "a.png"} for each in images]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    columns = {"image": pa.array(cells, kind)}
    if names:
        columns["label"] = pa.array(labels or [0] * len(cells), pa.int64())
        features["label"] = {"names": list(names), "_type": "ClassLabel"}
    about = json.dumps({"info": {"features": features}})
    return pa.table(columns).replace_schema_metadata({"huggingface": about})


def save_to_disk(found: Any, folder: Path, rows: int = 3) -> None:
    """Write a dataset as `Dataset.save_to_disk` does."""
    folder.mkdir(parents=True)
    path = str(folder / "data-00000-of-00001.arrow")
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, found.schema) as stream:
        stream.write_table(found, max_chunksize=rows)
    (folder / "dataset_info.json").write_text("{}")
    (folder / "state.json").write_text("{}")


@needs_pyarrow
def test_a_cell_is_the_item_that_a_file_of_its_bytes_is(tmp_path: Path) -> None:
    images = [png(value, 120) for value in range(1, 8)]
    folder, shards = tmp_path / "files", tmp_path / "ds" / "data"
    for path in (folder, shards):
        path.mkdir(parents=True)
    for number, image in enumerate(images):
        (folder / f"{number}.png").write_bytes(image)
    pq.write_table(table(images[:4]), shards / "train-00000-of-00002.parquet", row_group_size=2)
    pq.write_table(table(images[4:]), shards / "train-00001-of-00002.parquet")
    cache = tmp_path / "cache"
    files = open_dataset(str(folder), classes=("a", "b"), cache_dir=cache)
    found = open_dataset(str(shards.parent), classes=("a", "b"), cache_dir=cache)
    assert found.source == f"hf:{shards.parent}"
    assert list(found.ids) == list(files.ids)
    assert found.references(5) == ("data/train-00001-of-00002.parquet[1]",)
    assert (np.array(found.pool) == np.array(files.pool)).all()
    assert (found.full_image(6) == files.full_image(6)).all()
    picture = found.picture(2, (50, 50))
    assert picture.values[9, 9] == 3
    assert dict(picture.facts)["file"] == "PNG"
    assert found.file(0) is None
    places = find_places(found.source, cache_dir=cache)
    assert places.items[found.ids[5]] == ["data/train-00001-of-00002.parquet[1]"]


@needs_pyarrow
def test_the_process_that_draws_does_not_import_pyarrow(
    tmp_path: Path, run_python: Callable[[str], str]
) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(table([png(1), png(2)], [0, 1], ["a", "b"]), path)
    code = (
        "import sys; from pathlib import Path; from tuilabel.data import open_dataset\n"
        f"found = open_dataset({str(path)!r}, cache_dir=Path({str(tmp_path)!r}))\n"
        "print(len(found), 'pyarrow' in sys.modules)"
    )
    assert run_python(code) == "2 False\n"


@needs_pyarrow
def test_rows_are_known_at_once_and_in_the_order_of_the_seed(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(table([png(value % 200 + 1) for value in range(20)]), path, row_group_size=5)
    one, other = (
        open_dataset(str(path), classes=("a", "b"), cache_dir=tmp_path / str(seed), seed=seed)
        for seed in (1, 2)
    )
    assert len(one) == 20
    assert one.reading is not None
    assert one.reading.unread.all()
    names = [one.references(row)[0] for row in range(20)]
    assert sorted(names) == sorted(f"x.parquet[{row}]" for row in range(20))
    assert names != [other.references(row)[0] for row in range(20)]


@needs_pyarrow
@pytest.mark.parametrize("kind", ["saved", "saved dict", "parquet"])
def test_a_class_label_names_the_classes_and_is_the_truth_on_request(
    tmp_path: Path, kind: str
) -> None:
    labels = [value % 2 for value in range(9)] + [-1, None]
    found = table([png(value + 1) for value in range(11)], labels, ["cat", "\x1b[2Jdog"])
    root = tmp_path / "ds"
    if kind == "parquet":
        (root / "data").mkdir(parents=True)
        pq.write_table(found, root / "data" / "train.parquet", row_group_size=4)
    elif kind == "saved":
        save_to_disk(found, root)
    else:
        save_to_disk(found, root / "train")
        (root / "dataset_dict.json").write_text("{}")
    plain = open_dataset(str(root), cache_dir=tmp_path / "cache")
    assert plain.class_names == ("cat", "␛[2Jdog")
    assert plain.truth is None
    assert len(plain) == 11
    true = open_dataset(f"hf?folders=truth:{root}", cache_dir=tmp_path / "cache")
    assert true.truth is not None
    assert true.holdout is not None
    assert len(true) + len(true.holdout) == 9
    assert [why for _, why in true.skipped] == ["no class", "no class"]
    labels_found = open_dataset(f"hf?folders=labels:{root}", cache_dir=tmp_path / "cache")
    assert labels_found.guesses is not None
    assert labels_found.guesses.are_labels
    said = [labels_found.guesses.of(labels_found.references(row)) for row in range(11)]
    assert [each and each.class_name for each in said] == [
        *(("cat", "␛[2Jdog")[value % 2] for value in range(9)),
        None,
        None,
    ]
    for row in range(len(true)):
        assert true.truth[row] == (int(true.full_image(row)[1, 1]) - 1) % 2


@needs_pyarrow
def test_what_is_no_table_of_images_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"

    def problem() -> str:
        with pytest.raises(SourceError) as caught:
            open_dataset(str(path), classes=("a", "b"), cache_dir=tmp_path / "cache")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    pq.write_table(pa.table({"a": [1, 2], "text": ["x", "y"]}), path)
    assert "no column of images" in problem()
    whole = BytesIO()
    pq.write_table(table([png(1), png(2)]), whole)
    for content in (whole.getvalue()[:-9], b"PAR1", b"", b"text", whole.getvalue()[:60]):
        path.write_bytes(content)
        assert "has no Parquet or Arrow file with a column of images" in problem()
    path.unlink()
    (tmp_path / "empty").mkdir()
    path = tmp_path / "empty"
    with pytest.raises(SourceError, match="has no Parquet or Arrow file"):
        open_dataset(f"hf:{path}", classes=("a", "b"), cache_dir=tmp_path / "cache")


@needs_pyarrow
def test_cells_without_an_image_are_refused_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(table([png(1), None, b"", b"text", png(2)[:40], png(3)]), path)
    found = open_dataset(str(path), classes=("a", "b"), cache_dir=tmp_path / "cache")
    assert len(found) == 2
    assert [tuple(file) for file in found.skipped] == [
        ("x.parquet[1]", "no image in its cell"),
        ("x.parquet[2]", "an empty cell"),
        ("x.parquet[3]", "text, not an image"),
        ("x.parquet[4]", "PNG image, damaged, cut short or not supported"),
    ]


@needs_pyarrow
def test_a_large_group_of_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(table([png(1), bytes(10**6)]), path, compression="gzip")
    monkeypatch.setattr(decoding_cells, "LARGE_GROUP_BYTES", 10**6)
    found = decode_file(Cell(str(path), "image", 0).__fspath__())
    assert isinstance(found, Refused)
    assert found.reason.startswith("in a group of rows of 1 MB; at most 1 MB are read")


@needs_pyarrow
def test_a_large_group_is_kept_for_large_images_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(table([png(1), png(2)]), path)
    with path.open("rb") as file:
        assert decoding_cells.read_cell(file, Cell(str(path), "image", 1), may_be_large=False)
        decoding_cells.forget_large()
        assert decoding_cells._kept.values is not None
        monkeypatch.setattr(decoding_cells, "GROUP_BYTES", 9)
        decoding_cells._kept = decoding_cells._kept._replace(group=-1)
        with pytest.raises(NeedsMoreMemory):
            decoding_cells.read_cell(file, Cell(str(path), "image", 0), may_be_large=False)
        assert decoding_cells.read_cell(file, Cell(str(path), "image", 0), may_be_large=True)
        decoding_cells.forget_large()
        assert decoding_cells._kept.values is None


@needs_pyarrow
def test_a_file_that_is_replaced_is_not_shown_for_the_other(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(table([png(1), png(2)]), path)
    found = open_dataset(str(path), classes=("a", "b"), cache_dir=tmp_path / "cache")
    pq.write_table(table([png(3), png(4), png(5)]), path)
    with pytest.raises(SourceError, match=r"x\.parquet\[1\] can no longer be read .*changed"):
        found.picture(1, (9, 9))
    pq.write_table(table([png(1)]), path)
    with pytest.raises(SourceError, match="its row is gone"):
        found.picture(1, (9, 9))
    path.unlink()
    with pytest.raises(SourceError, match="No such file"):
        found.picture(0, (9, 9))


@needs_pyarrow
@given(data=st.data())
@settings(max_examples=60)
def test_any_damage_is_a_reason(
    tmp_path_factory: pytest.TempPathFactory, decoders: DecodeService, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    whole = BytesIO()
    found = table([png(value) for value in (1, 2, 3)], [0, 1, 0], ["a", "b"])
    if data.draw(st.booleans()):
        pq.write_table(found, whole)
    else:
        with pa.ipc.new_stream(whole, found.schema) as stream:
            stream.write_table(found, max_chunksize=2)
    content = bytearray(whole.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "x.arrow"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    table_info = decoders.table(path)
    labels = decoders.labels(path, "label")
    assert isinstance(labels, Refused | np.ndarray)
    if not isinstance(table_info, Refused):
        try:
            dataset = open_dataset(
                str(path), classes=("a", "b"), cache_dir=folder / "cache", seed=0
            )
        except SourceError:
            return
        for _, result in dataset.reading.read(range(min(5, len(dataset)))):
            assert result is not None


def test_a_file_of_another_kind_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\0" * 99)
    assert describe_table(str(tmp_path / "x")) == Refused("neither a Parquet nor an Arrow file")
