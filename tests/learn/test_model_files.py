"""Files of models: what is written is read, also by the libraries; all else is refused."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fuzzing import check_sentence, fuzzed
from hypothesis import given
from hypothesis import strategies as st

from tuilabel.errors import ModelFileError, UsageError
from tuilabel.learn.model_card import (
    AccuracyOfModel,
    ClassOfModel,
    FeaturesOfModel,
    ImagesOfModel,
    ModelCard,
)
from tuilabel.learn.model_files import check_kind, is_model, read_model, write_model
from tuilabel.learn.network import Network

RNG = np.random.default_rng(0)


def layer(d: int, h: int) -> tuple[np.ndarray, np.ndarray]:
    return RNG.normal(size=(d, h)).astype(np.float32), RNG.normal(size=h).astype(np.float32)


NETWORKS = {
    "softmax": Network((layer(12, 3),)),
    "two classes": Network((layer(12, 2),)),
    "mlp": Network((layer(12, 7), layer(7, 3))),
    "several": Network((layer(12, 3),), several=True),
}


def card_of(network: Network, **changes: Any) -> ModelCard:
    names = ("cat", "ünï\x1b[31m", "=1+1")[: network.n_classes]
    card = ModelCard(
        model="softmax",
        classes=tuple(ClassOfModel(f"c1:{name}", name) for name in names),
        several=network.several,
        features=FeaturesOfModel("raw", "0", "ff", 12),
        images=ImagesOfModel((3, 4), (0.0, 4095.0)),
        temperature=1.25,
        accuracy=AccuracyOfModel(9, 10, "audit"),
        labels=40,
        session="s",
        tuilabel="0.1",
    )
    return replace(card, **changes)


def written(ending: str, network: Network = NETWORKS["softmax"], **changes: Any) -> bytes:
    pytest.importorskip(ending[1:])
    return write_model(ending, network, card_of(network, **changes))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("ending", [".skops", ".onnx"])
def test_what_is_written_is_read(ending: str, name: str) -> None:
    network = NETWORKS[name]
    data = written(ending, network)
    assert is_model(data[:64])
    found, card = read_model(data, "m")
    assert card == card_of(network)
    features = RNG.normal(size=(20, 12)).astype(np.float32)
    np.testing.assert_allclose(
        found.probabilities(features), network.probabilities(features), atol=1e-6
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_returns_the_probabilities_of_any_number_of_images(name: str) -> None:
    data = written(".onnx", NETWORKS[name])
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(data)
    (takes,), (returns,) = session.get_inputs(), session.get_outputs()
    assert (takes.name, takes.shape, takes.type) == ("features", ["n", 12], "tensor(float)")
    assert returns.name == "probabilities"
    for n in (0, 1, 300):
        features = RNG.normal(size=(n, 12)).astype(np.float32)
        found = session.run(None, {"features": features})[0]
        np.testing.assert_allclose(found, NETWORKS[name].probabilities(features), atol=1e-5, rtol=0)
    assert json.loads(session.get_modelmeta().custom_metadata_map["tuilabel"])["labels"] == 40


@pytest.mark.parametrize("name", NETWORKS)
def test_scikit_learn_returns_the_probabilities_and_the_names(name: str) -> None:
    data = written(".skops", NETWORKS[name])
    import skops.io

    assert skops.io.get_untrusted_types(data=data) == []
    model = skops.io.loads(data, trusted=[])
    features = RNG.normal(size=(30, 12)).astype(np.float32)
    expected = NETWORKS[name].probabilities(features)
    np.testing.assert_allclose(model.predict_proba(features), expected, atol=1e-5, rtol=0)
    names = np.array([each.name for each in card_of(NETWORKS[name]).classes])
    predicted = model.predict(features)
    if name == "several":
        assert (predicted == (expected >= 0.5)).all()
    else:
        assert (predicted == names[expected.argmax(axis=1)]).all()


def refused(data: bytes) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_model(data, "m")
    check_sentence(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"classes": (ClassOfModel("a", "a"),) * 3}, "it has 3 classes, 1 of them different"),
        ({"classes": (ClassOfModel("a", "a"),)}, "it has only one class"),
        (
            {"classes": tuple(ClassOfModel(str(n), "a" * 10**5) for n in range(3))},
            "a class has a name of 100,000 characters",
        ),
        ({"several": True}, "it has 3 scores for 3 classes"),
        ({"features": FeaturesOfModel("raw", "0", "ff", 13)}, "its layers have the shapes"),
        ({"images": ImagesOfModel((3,))}, r"its images have the shape \(3,\)"),
        ({"images": ImagesOfModel((3, 10**9))}, "its images have the shape"),
        ({"images": ImagesOfModel((3, 4), (5.0, 5.0))}, "its window is 5 to 5"),
        ({"labels": "many"}, "Expected `int`, got `str`"),
        ({"format": 2, "tuilabel": "9.0"}, "written by tuilabel 9.0, in a newer format: upgrade"),
    ],
)
@pytest.mark.parametrize("ending", [".skops", ".onnx"])
def test_a_card_that_contradicts_itself_is_refused(
    ending: str, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ModelFileError, match=reason):
        read_model(written(ending, **changes), "m")


def onnx_with(change: Callable[[Any], object]) -> bytes:
    data = written(".onnx")
    import onnx

    model = onnx.ModelProto()
    model.ParseFromString(data)
    change(model)
    return bytes(model.SerializeToString())


def external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    tensor.external_data.add(key="location", value="/etc/passwd")


def huge(model: Any) -> None:
    model.graph.initializer[0].dims[:] = [10**9, 10**9]


def not_numbers(model: Any) -> None:
    model.graph.initializer[0].raw_data = np.full((12, 3), np.nan, np.float32).tobytes()


def custom(model: Any) -> None:
    model.graph.node[0].domain = "evil.ops"


def loop(model: Any) -> None:
    model.graph.node.add(op_type="Loop", input=["probabilities"], output=["x"])


def attribute(model: Any) -> None:
    model.graph.node[0].attribute.add(name="alpha", type=1, f=0.5)


def transposed(model: Any) -> None:
    model.graph.initializer[0].dims[:] = [3, 12]


def function(model: Any) -> None:
    model.functions.add(name="Gemm")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (external, "its numbers are in another file"),
        (huge, "reshape"),
        (not_numbers, "NaN or infinite"),
        (custom, "it has the operators evil.ops.Gemm, Softmax"),
        (loop, "it has the operators Gemm, Softmax, Loop"),
        (attribute, "it has the operators Gemm, Softmax"),
        (transposed, "its layers have the shapes"),
        (function, "it has the operators"),
        (lambda model: model.graph.node[1].input.append("x"), "it has the operators"),
        (lambda model: model.graph.initializer.pop(), "it has the numbers weights0"),
        (lambda model: model.metadata_props.pop(), "Input data was truncated"),
    ],
)
def test_onnx_that_is_not_as_it_was_written_is_refused(
    change: Callable[[Any], object], reason: str
) -> None:
    assert reason in refused(onnx_with(change))


def skops_with(change: Callable[[str, bytes], bytes], **added: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(written(".skops"))) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, content in added.items():
            new.writestr(name, content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def retyped(old: str, new: str) -> Callable[[str, bytes], bytes]:
    return lambda name, data: (
        data.replace(old.encode(), new.encode()) if name == "schema.json" else data
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"LabelBinarizer"', '"FunctionTransformer"'),
        ('"builtins"', '"os"'),
        ('"ObjectNode"', '"ReduceNode"'),
        ('"ndarray"', '"memmap"'),
        ('"JsonNode"', '"OperatorFuncNode"'),
    ],
)
def test_a_type_that_is_not_trusted_is_never_loaded(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = skops_with(retyped(old, new))
    monkeypatch.setattr("skops.io.loads", None)  # calling it would be another error
    assert "it has the type " in refused(data)


def test_other_hostile_skops_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unchanged(name: str, data: bytes) -> bytes:
        return data

    with monkeypatch.context() as patch:
        patch.setattr("tuilabel.learn.model_files.MOST_BYTES", 1_000_000)
        bomb = skops_with(unchanged, big=b"\0" * 2_000_000)
        assert len(bomb) < 100_000
        assert "parts of 2,0" in refused(bomb)

    def deep(name: str, data: bytes) -> bytes:
        return b"[" * 100_000 + b"]" * 100_000 if name == "schema.json" else data

    assert "recursion" in refused(skops_with(deep))

    def object_array(name: str, data: bytes) -> bytes:
        if not name.endswith(".npy"):
            return data
        made = io.BytesIO()
        np.save(made, np.array([{}], dtype=object), allow_pickle=True)
        return made.getvalue()

    assert "allow_pickle" in refused(skops_with(object_array))


@fuzzed
@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.booleans())
@pytest.mark.parametrize("ending", [".skops", ".onnx"])
def test_any_damage_is_found_or_harmless(ending: str, place: int, byte: int, cut: bool) -> None:
    data = bytearray(written(ending))
    place %= len(data)
    data[place:] = b"" if cut else bytes([byte]) + data[place + 1 :]
    try:
        network, card = read_model(bytes(data), "m")
    except ModelFileError as error:
        check_sentence(error)
    else:
        assert network.width == card.features.width
        assert network.n_classes == len(card.classes)


@pytest.mark.parametrize(
    "data", [b"", b"\x80\x04\x95pickle", b"PK\x03\x04" + b"\0" * 80, b"item_id,reference,class,\n"]
)
def test_a_file_of_another_kind_is_refused(data: bytes) -> None:
    assert "is not a model that tuilabel has exported (it begins with" in refused(data)


def test_no_other_format_is_written_and_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for path in ("m.pkl", "m.joblib", "m", "onnx"):
        with pytest.raises(UsageError, match=r"ends in \.skops \(scikit-learn\) or \.onnx \(ONNX"):
            check_kind(path)
    monkeypatch.setattr("tuilabel.learn.model_files.find_spec", lambda name: None)
    for ending in (".skops", ".onnx"):
        needed = rf"m\{ending} needs {ending[1:]}, which is not .*: pip install 'tuilabel\["
        with pytest.raises(UsageError, match=needed):
            check_kind(f"m{ending}")
    head = b"\x08\x08\x12\x08tuilabel"
    with pytest.raises(UsageError, match="m needs onnx"):
        read_model(head, "m")
