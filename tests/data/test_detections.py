"""Boxes in JSON of MegaDetector and SpeciesNet."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzzing import check_sentence, fuzzed
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tuilabel.data import detections, open_dataset
from tuilabel.data.dataset import Dataset
from tuilabel.data.folder_items import FolderItems
from tuilabel.data.guesses import Guess
from tuilabel.errors import SourceError, TuilabelError, UsageError
from tuilabel.plugins import with_options

Open = Callable[..., Dataset]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    values = np.arange(200, dtype=np.uint8).reshape(10, 20)
    Image.fromarray(values).save(folder / "a.png")
    Image.fromarray(values).save(folder / "turned.png", exif=exif)
    Image.fromarray(values[::-1]).save(folder / "sub" / "b.png")
    return folder


@pytest.fixture
def opened(root: Path, cache_dir: Path) -> Open:
    def opened(
        content: Any,
        name: str = "found.json",
        classes: tuple[str, ...] | None = None,
        **query: str,
    ) -> Dataset:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (root / name).write_bytes(data)
        source = with_options(str(root / name), **query)
        return open_dataset(source, classes=classes, cache_dir=cache_dir, seed=0)

    return opened


def box(conf: float, *bbox: float, category: str = "1", **more: object) -> dict[str, object]:
    return {"category": category, "conf": conf, "bbox": list(bbox), **more}


def images(**files: Any) -> dict[str, Any]:
    """Return what MegaDetector writes."""
    return {
        "info": {"format_version": "1.6", "detector": "MDV5A"},
        "detection_categories": {"1": "animal", "2": "person"},
        "classification_categories": {"0": "fox", "7": "elk"},
        "images": [{"file": name, "detections": found} for name, found in files["files"].items()],
    }


def said(dataset: Dataset) -> dict[str, Guess | None]:
    assert dataset.guesses is not None
    assert not dataset.guesses.are_labels
    names = [dataset.references(row)[0] for row in range(len(dataset))]
    return {name: dataset.guesses.of([name]) for name in names}


def test_boxes_of_megadetector_are_items_with_suggestions(opened: Open) -> None:
    found = opened(
        images(
            files={
                "a.png": [
                    box(0.9, 0.1, 0.2, 0.3, 0.4, classifications=[["7", 0.8], ["0", 0.1]]),
                    box(0.19, 0, 0, 0.5, 0.5),
                    box(0.2, 0.5, 0.5, 0.5, 0.5, category="2", classifications=[["9", 0.9]]),
                    box(0.8, 0, 0, 0.1, 0.1, category="5"),
                ],
                "sub/b.png": [box(0.6, 0, 0, 1, 1)],
                "turned.png": [],
                "broken.png": None,
            }
        )
    )
    assert said(found) == {
        "a.png#xywh=percent:10,20,30,40": Guess("elk", 0.8),
        "a.png#xywh=percent:50,50,50,50": Guess("person", 0.2),
        "sub/b.png#xywh=percent:0,0,100,100": Guess("animal", 0.6),
    }
    assert found.class_names == ("animal", "person", "elk")
    assert found.notices == (
        "Left out: 2 images without a box of confidence 0.2 or more in found.json.",
    )


def test_what_speciesnet_says_of_an_image_is_about_its_likeliest_box_and_those_like_it(
    opened: Open, root: Path
) -> None:
    of_image = {
        "filepath": str(root / "a.png"),
        "classifications": {"classes": ["x;blank"], "scores": [0.5]},
        "detections": [
            box(0.5, 0, 0, 0.1, 0.1, label="animal"),
            box(0.9, 0.5, 0, 0.5, 0.5, label="animal"),
            box(0.7, 0.5, 0.5, 0.5, 0.5, category="2", label="human"),
        ],
        "prediction": "a-1;mammalia;carnivora;canidae;vulpes;vulpes;red fox",
        "prediction_score": 0.77,
        "prediction_source": "classifier",
        "model_version": "4.0.1a",
    }
    blank = {"filepath": "sub/b.png", "prediction": "f1856211;;;;;;blank", "detections": []}
    failed = {"filepath": "turned.png", "failures": ["DETECTOR"]}
    found = opened({"predictions": [of_image, blank, failed]})
    assert said(found) == {
        "a.png#xywh=percent:50,0,50,50": Guess("red fox", 0.77),
        "a.png#xywh=percent:50,50,50,50": Guess("human", 0.7),
        "a.png#xywh=percent:0,0,10,10": Guess("red fox", 0.77),
    }
    assert found.class_names == ("human", "red fox")


@pytest.mark.usefixtures("warm_decoders")
def test_a_box_is_cut_from_the_upright_image(opened: Open) -> None:
    files = {"a.png": [box(1, 0.1, 0.2, 0.3, 0.4)], "turned.png": [box(1, 0.1, 0.2, 0.3, 0.4)]}
    found = opened(images(files=files))
    assert isinstance(found, FolderItems)
    found.learn(found.read([0, 1]))
    values = np.arange(200, dtype=np.uint8).reshape(10, 20)
    expected = {"a.png": values[2:6, 2:8], "turned.png": np.rot90(values, -1)[4:12, 1:4]}
    for row in range(2):
        name = found.references(row)[0].partition("#")[0]
        assert (found.full_image(row) == expected[name]).all()


def test_the_threshold_and_the_folder_can_be_chosen(opened: Open) -> None:
    files = {"a.png": [box(0.4, 0, 0, 1, 1), box(0.6, 0, 0, 0.5, 0.5)]}
    assert len(opened(images(files=files), confidence="0.5")) == 1
    with pytest.raises(SourceError, match=r"has no box of confidence 0\.7 or more: choose another"):
        opened(images(files=files), confidence="0.7")
    for wrong in ("2", "-1", "nan", "x"):
        with pytest.raises(UsageError, match=r"--confidence is .*; expected a number, 0 to 1"):
            opened(images(files=files), confidence=wrong)


def test_paths_below_another_folder_are_found(opened: Open, root: Path) -> None:
    files = {"b.png": [box(0.4, 0, 0, 1, 1)], str(root / "a.png"): [box(0.4, 0, 0, 1, 1)]}
    found = opened(images(files=files), root=str(root / "sub"))
    assert found.references(0) == ("b.png#xywh=percent:0,0,100,100",)
    assert [file.path for file in found.skipped] == [str(root / "a.png")], "it leads out"


def test_of_given_classes_only_theirs_are_suggested(opened: Open) -> None:
    files = {"a.png": [box(0.4, 0, 0, 1, 1), box(0.4, 0, 0, 0.5, 1, category="2")]}
    found = opened(images(files=files), classes=("deer", "person"))
    assert found.class_names == ("deer", "person")
    assert [guess for guess in said(found).values() if guess] == [Guess("person", 0.4)]
    assert found.notices == ("Left out: 1 suggestion in found.json of other classes (animal).",)


def test_boxes_that_cannot_be_are_refused_with_the_reason(opened: Open) -> None:
    boxes = [box(1, 0, 0, 1, 1), box(1, 3, 4, 50, 60), box(1, 0, 0, 0, 1), box(1, 0, 0), box(1)]
    files = {"a.png": boxes, "../x.png": [box(1, 0, 0, 1, 1)], "": [box(1, 0, 0, 1, 1)]}
    found = opened(images(files=files))
    assert len(found) == 1
    reasons = sorted(reason.partition(" /")[0] for _, reason in found.skipped)
    assert reasons == [
        "1 box",
        "a box of 0 numbers, not 4",
        "a box of 2 numbers, not 4",
        "outside of",
        "the box 0,0,0,1 has no pixel",
        "the box 3,4,50,60 is not one in shares of the image, from 0 to 1",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Input data was truncated"),
        (b"{}", "it has neither images nor predictions"),
        (b"[1]", "Expected `object`, got `array`"),
        (b"\xff\xfe{", "is no JSON of MegaDetector or SpeciesNet"),
        (b'{"images": 3}', "Expected `array"),
        (b'{"images": [{"file": 3}]}', "Expected `str`, got `int`"),
        (b'{"images": [{"file": "a", "detections": [{"conf": 7}]}]}', "<= 1"),
        (b'{"images": [{"file": "a", "detections": [{"conf": NaN}]}]}', "malformed"),
        (b'{"images": [{"file": "a", "detections": [{"bbox": ["\x1b"]}]}]}', "is no JSON"),
        (b"[" * 10_000 + b"]" * 10_000, "is no JSON"),
        (b'{"images": [], "more": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested too deeply"),
        (b'{"images": []}', "has no box of confidence"),
    ],
)
def test_what_is_no_such_json_is_refused(opened: Open, content: bytes, reason: str) -> None:
    with pytest.raises(SourceError, match=r"found\.json ") as found:
        opened(content)
    check_sentence(found.value)
    assert reason in str(found.value)


def test_names_of_any_length_and_many_values_do_no_harm(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = images(files={"a.png": [box(1, 0, 0, 1, 1)]})
    content["detection_categories"] = {"1": "x" * 10_000, "2": " \x1b[31m"}
    found = opened(content)
    assert list(map(len, found.class_names)) == [80, 5]
    assert said(found).popitem()[1] == Guess(found.class_names[0], 1)
    monkeypatch.setattr(detections, "MOST_VALUES", 3)
    with pytest.raises(SourceError, match=r"found\.json has more than 3 values: divide it"):
        opened(content)


def test_a_large_file_is_not_read(opened: Open, root: Path, cache_dir: Path) -> None:
    (root / "x.json").touch()
    os.truncate(root / "x.json", 2**30)
    with pytest.raises(SourceError, match=r"x\.json is larger than 256 MiB: divide it"):
        open_dataset(str(root / "x.json"), cache_dir=cache_dir)
    os.mkfifo(root / "pipe.json")
    with pytest.raises(SourceError, match="it is a pipe"):
        open_dataset(f"detections:{root / 'pipe.json'}", cache_dir=cache_dir)


_NUMBERS = st.one_of(st.floats(), st.sampled_from([0, 0.25, 0.5, 1]), st.integers())
_NAMES = st.one_of(st.sampled_from(["a.png", "../a.png", "/dev/zero", "sub", "1", ""]), st.text())
_VALUES = st.recursive(
    st.one_of(st.none(), _NUMBERS, _NAMES, st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                [
                    "file",
                    "filepath",
                    "detections",
                    "conf",
                    "bbox",
                    "category",
                    "label",
                    "classifications",
                    "x",
                    "prediction",
                    "prediction_score",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
_BOXES = st.fixed_dictionaries(
    {"conf": st.floats(0, 1), "category": st.sampled_from("12"), "bbox": st.lists(_NUMBERS)}
)
_IMAGES = st.fixed_dictionaries({"file": _NAMES, "detections": st.lists(_BOXES, max_size=3)})


@fuzzed
@given(st.one_of(_VALUES, st.lists(_IMAGES, max_size=3)), st.booleans(), st.binary(max_size=3))
@pytest.mark.usefixtures("bounded")
def test_any_bytes_are_detections_or_refused(
    opened: Open, value: object, is_of_images: bool, end: bytes
) -> None:
    content = json.dumps({"images" if is_of_images else "predictions": value}).encode() + end
    try:
        found = opened(content, classes=("a", "b"))
    except TuilabelError as error:
        check_sentence(error)
    else:
        names = {found.references(row)[0].partition("#")[0] for row in range(len(found))}
        assert names <= {"a.png", "found.json"}
