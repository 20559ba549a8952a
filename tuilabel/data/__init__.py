"""What is labelled: images, opened from a source. Knows no labels, no model and no screen."""

from tuilabel.data.array_file import ArrayFile, as_array_file
from tuilabel.data.dataset import Dataset, HoldOut, Progress
from tuilabel.data.sources import open_dataset
from tuilabel.data.text import inert, source_name

__all__ = [
    "ArrayFile",
    "Dataset",
    "HoldOut",
    "Progress",
    "as_array_file",
    "inert",
    "open_dataset",
    "source_name",
]
