"""The images to label, opened from a source. Knows no labels, no model and no screen."""

from tuilabel.data.array_file import ArrayFile, as_array_file, in_memory
from tuilabel.data.dataset import Dataset, HoldOut
from tuilabel.data.sources import open_dataset
from tuilabel.data.window import Window

__all__ = [
    "ArrayFile",
    "Dataset",
    "HoldOut",
    "Window",
    "as_array_file",
    "in_memory",
    "open_dataset",
]
