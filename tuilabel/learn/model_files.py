"""Files of models, for scikit-learn (skops) and ONNX: numbers and a card, never a pickle.

What is read is hostile. Only the numbers are taken from a file, and only from one that has exactly
the parts that are written here: nothing in it is run.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tuilabel.errors import ModelFileError, TuilabelError, UsageError
from tuilabel.learn.model_card import FORMAT, ModelCard, problem
from tuilabel.learn.network import Layer, Network
from tuilabel.text import inert, shown_path

MOST_BYTES = 2**28
"""Largest file of a model, and largest content of a compressed one."""

MOST_CARD_BYTES = 2**22
MOST_LAYERS = 2
_MOST_MEMBERS = 64

INPUT, OUTPUT = "features", "probabilities"
"""The names of what an ONNX model takes and returns: (n, d) and (n, c) float32."""

CARD = "tuilabel"
"""The name of the card: a property in ONNX, with .json an entry in a skops file."""

_CARD_ENTRY = f"{CARD}.json"
_ZIP = b"PK\x03\x04"
_OPSET, _IR_VERSION = 13, 8

TRUSTED = {
    "sklearn.neural_network._multilayer_perceptron.MLPClassifier": "ObjectNode",
    "sklearn.preprocessing._label.LabelBinarizer": "ObjectNode",
    "numpy.ndarray": "NdArrayNode",
    "builtins.dict": "DictNode",
    "builtins.list": "ListNode",
    "builtins.tuple": "TupleNode",
    "builtins.str": "JsonNode or TypeNode",
}
"""The only types that a skops file may have, and how skops loads them."""


class _Kind(NamedTuple):
    """A kind of file: what it is for, the module and package it needs, how it is written."""

    purpose: str
    module: str
    extra: str
    write: Callable[[Network, ModelCard], bytes]
    read: Callable[[bytes], tuple[Sequence[Layer], bool, ModelCard]]


def check_kind(path: str) -> str:
    """Return the ending of a path, if it is that of a kind of file that can be written.

    Raises
    ------
    UsageError
        It is none, or a package is missing.
    """
    ending = next((ending for ending in KINDS if path.lower().endswith(ending)), None)
    if ending is None:
        known = " or ".join(f"{each} ({kind.purpose})" for each, kind in KINDS.items())
        raise UsageError(
            f"{shown_path(path)} has no known format: give a name that ends in {known}."
        )
    _check_installed(ending, shown_path(path))
    return ending


def _check_installed(ending: str, shown: str) -> None:
    kind = KINDS[ending]
    if find_spec(kind.module) is None:
        raise UsageError(
            f"{shown} needs {kind.module}, which is not installed: pip install "
            f"'tuilabel[{kind.extra}]'."
        )


def write_model(ending: str, network: Network, card: ModelCard) -> bytes:
    """Return the content of a file.

    Parameters
    ----------
    ending : str
        As `check_kind` returns it.
    network : Network
    card : ModelCard
    """
    return KINDS[ending].write(network, card)


def is_model(head: bytes) -> bool:
    """Return whether a file begins as those of `write_model` do."""
    is_skops = head.startswith(_ZIP) and head[30:].startswith(_CARD_ENTRY.encode())
    return is_skops or b"\x12\x08tuilabel" in head[:16]


def read_model(data: bytes, shown: str) -> tuple[Network, ModelCard]:
    """Return the model in a file.

    Parameters
    ----------
    data : bytes
        The content of the file, whatever it is.
    shown : str
        The path of the file, inert.

    Raises
    ------
    ModelFileError
        It is no such file, damaged, or has anything in it that is not written here.
    UsageError
        A package is missing.
    """
    if not is_model(data[:64]):
        start = inert(data[:12].decode("utf-8", "replace"))
        raise ModelFileError(
            f"{shown} is not a model that tuilabel has exported (it begins with {start!r}): name "
            "the output of `tuilabel model`."
        )
    ending = ".skops" if data.startswith(_ZIP) else ".onnx"
    _check_installed(ending, shown)
    with _reporting(shown):
        layers, several, card = KINDS[ending].read(data)
        if card.format > FORMAT:
            raise ModelFileError(
                f"{shown} was written by tuilabel {inert(card.tuilabel, 20)}, in a newer format: "
                "upgrade tuilabel."
            )
        if wrong := problem(card):
            raise ValueError(wrong)
        network = Network(tuple(map(_checked, layers)), several)
        _check_shapes(network, card)
    return network, card


@contextmanager
def _reporting(shown: str) -> Iterator[None]:
    try:
        yield
    except TuilabelError:
        raise
    # zipfile, json, numpy and the two libraries have many exceptions for hostile bytes.
    except Exception as error:
        found = inert(" ".join(str(error).split()), 200) or type(error).__name__
        raise ModelFileError(
            f"{shown} is damaged, or was changed since tuilabel has exported it ({found}): export "
            "the model again."
        ) from error


def _checked(layer: Layer) -> Layer:
    weights, biases = layer
    for numbers, axes in ((weights, 2), (biases, 1)):
        if numbers.dtype not in (np.float32, np.float64) or numbers.ndim != axes:
            raise ValueError(f"a layer has {numbers.dtype} numbers of shape {numbers.shape}")
        if not np.isfinite(numbers).all():
            raise ValueError("a layer has NaN or infinite numbers")
    return weights.astype(np.float32, copy=False), biases.astype(np.float32, copy=False)


def _check_shapes(network: Network, card: ModelCard) -> None:
    shapes = [(weights.shape, biases.shape) for weights, biases in network.layers]
    widths = [card.features.width, *(len(biases) for _, biases in network.layers)]
    expected = [((d, h), (h,)) for d, h in pairwise(widths)]
    if not 1 <= len(shapes) <= MOST_LAYERS or shapes != expected:
        raise ValueError(f"its layers have the shapes {shapes[:MOST_LAYERS]}")
    if network.n_classes != len(card.classes) or network.several != card.several:
        raise ValueError(f"it has {network.n_classes} scores for {len(card.classes)} classes")


def _encoded(card: ModelCard) -> bytes:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(card), indent=1)


def _decoded(data: bytes) -> ModelCard:
    import msgspec

    if len(data) > MOST_CARD_BYTES:
        raise ValueError(f"its card has {len(data):,} bytes")
    return msgspec.json.decode(data, type=ModelCard)


# skops: a zip archive of arrays and a schema, which names the types to make of them.


def estimator_of(network: Network, names: Sequence[str]) -> Any:
    """Return a network as a fitted classifier of scikit-learn.

    Parameters
    ----------
    network : Network
    names : sequence of str
        What `predict` returns; where an item may have several classes, it returns a row of 0 and 1.

    Returns
    -------
    sklearn.neural_network.MLPClassifier
        Without hidden layers for a softmax.
    """
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import LabelBinarizer

    made = MLPClassifier(tuple(len(biases) for _, biases in network.layers[:-1]))
    made.coefs_ = [weights for weights, _ in network.layers]
    made.intercepts_ = [biases for _, biases in network.layers]
    made.n_layers_ = len(network.layers) + 1
    made.n_outputs_ = network.n_classes
    made.n_features_in_ = network.width
    made.out_activation_ = "logistic" if network.several else "softmax"
    made.classes_ = np.array(names)
    targets = np.eye(len(names), dtype=np.intp) if network.several else made.classes_
    made._label_binarizer = LabelBinarizer().fit(targets)
    if not network.several:
        # It sorts the names, and the scores are in the order of the classes.
        made._label_binarizer.classes_ = made.classes_
    return made


def _write_skops(network: Network, card: ModelCard) -> bytes:
    import skops.io

    names = [each.name for each in card.classes]
    plain, made = skops.io.dumps(estimator_of(network, names)), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as source, zipfile.ZipFile(made, "w") as target:
        target.writestr(_CARD_ENTRY, _encoded(card))
        for entry in source.infolist():
            target.writestr(entry, source.read(entry))
    return made.getvalue()


def _read_skops(data: bytes) -> tuple[Sequence[Layer], bool, ModelCard]:
    import skops.io

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        size = sum(entry.file_size for entry in entries)
        if size > MOST_BYTES or len(entries) > _MOST_MEMBERS:
            raise ValueError(f"it has {len(entries)} parts of {size:,} bytes in all")
        card = _decoded(archive.read(_CARD_ENTRY))
        _check_types(json.loads(archive.read("schema.json")))
    found = skops.io.loads(data, trusted=list(TRUSTED))
    layers = list(zip(map(_array, found.coefs_), map(_array, found.intercepts_), strict=True))
    return layers, found.out_activation_ == "logistic", card


def _check_types(schema: object) -> None:
    """Raise an error for a type that is not one of `TRUSTED`, before anything is made of it."""
    if isinstance(schema, dict):
        if "__class__" in schema or "__loader__" in schema:
            name = f"{schema.get('__module__')}.{schema.get('__class__')}"
            if str(schema.get("__loader__")) not in TRUSTED.get(name, "").split(" or "):
                raise ValueError(f"it has the type {inert(name)}")
        schema = list(schema.values())
    if isinstance(schema, list):
        for each in schema:
            _check_types(each)


def _array(found: object) -> NDArray[Any]:
    if not isinstance(found, np.ndarray):
        raise ValueError(f"it has {type(found).__name__} in place of numbers")
    return found


# ONNX: a graph of operators, which every runtime has.


def _write_onnx(network: Network, card: ModelCard) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    nodes = [helper.make_node(*step) for step in _steps(network)]
    tensors = [
        numpy_helper.from_array(np.ascontiguousarray(numbers), name)
        for place, layer in enumerate(network.layers)
        for numbers, name in zip(layer, _names(place), strict=True)
    ]
    sides = ((INPUT, network.width), (OUTPUT, network.n_classes))
    takes, returns = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in sides
    )
    graph = helper.make_graph(nodes, card.model, [takes], [returns], tensors)
    made = helper.make_model(
        graph,
        producer_name="tuilabel",
        producer_version=card.tuilabel,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    helper.set_model_props(made, {CARD: _encoded(card).decode()})
    return bytes(made.SerializeToString())


def _names(place: int) -> tuple[str, str]:
    return f"weights{place}", f"biases{place}"


def _steps(network: Network) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield the operator, inputs and outputs of each node."""
    name = INPUT
    for place in range(len(network.layers)):
        if place:
            yield "Relu", [name], [name := f"hidden{place}"]
        yield "Gemm", [name, *_names(place)], [name := f"scores{place}"]
    yield "Sigmoid" if network.several else "Softmax", [name], [OUTPUT]


def _read_onnx(data: bytes) -> tuple[Sequence[Layer], bool, ModelCard]:
    import onnx
    from onnx import numpy_helper

    made = onnx.ModelProto()
    made.ParseFromString(data)
    graph = made.graph
    if len(graph.initializer) > 2 * MOST_LAYERS or len(graph.node) > 3 * MOST_LAYERS:
        raise ValueError(f"it has {len(graph.node):,} operators")
    for tensor in graph.initializer:
        if tensor.external_data or tensor.data_location != onnx.TensorProto.DEFAULT:
            raise ValueError("its numbers are in another file")
    numbers = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    names = [_names(place) for place in range(len(numbers) // 2)]
    if set(numbers) != {name for pair in names for name in pair}:
        raise ValueError(f"it has the numbers {inert(', '.join(numbers))}")
    several = any(node.op_type == "Sigmoid" for node in graph.node)
    network = Network(tuple((numbers[one], numbers[two]) for one, two in names), several)
    found = [(node.op_type, list(node.input), list(node.output)) for node in graph.node]
    is_plain = not any(node.domain or node.attribute for node in graph.node)
    if not is_plain or found != list(_steps(network)) or made.functions:
        kinds = dict.fromkeys(f"{node.domain}.{node.op_type}".strip(".") for node in graph.node)
        raise ValueError(f"it has the operators {inert(', '.join(kinds))}")
    card = next((each.value for each in made.metadata_props if each.key == CARD), "")
    return network.layers, several, _decoded(card.encode())


KINDS = {
    ".skops": _Kind("scikit-learn", "skops", "skops", _write_skops, _read_skops),
    ".onnx": _Kind("ONNX", "onnx", "onnx", _write_onnx, _read_onnx),
}
"""The kinds of files, by their endings."""
