"""The images to label, opened from a source. Knows no labels, no model and no screen."""

from tuilabel.data.array_file import ArrayFile, as_array_file
from tuilabel.data.dataset import (
    ArrayDataset,
    Dataset,
    HoldOut,
    Split,
    build_dataset,
    resolve_classes,
)
from tuilabel.data.item_ids import digests
from tuilabel.data.sources import open_dataset
from tuilabel.data.window import Window

__all__ = [
    "ArrayDataset",
    "ArrayFile",
    "Dataset",
    "HoldOut",
    "Split",
    "Window",
    "as_array_file",
    "build_dataset",
    "digests",
    "open_dataset",
    "resolve_classes",
]
