"""labelme: a JSON file for each image, with flags for its classes and rectangles for boxes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tuilabel.exchange.choosing import PATH_FORMS, About, Rows
from tuilabel.exchange.folder_names import FolderNames, Wanted
from tuilabel.exchange.foreign import classes_of, writes
from tuilabel.exchange.pictured import Picture, Pictures
from tuilabel.exchange.rows import LabelRow

_VERSION = "5.5.0"
"""The version of labelme that writes these fields."""


@writes("reference", "class", "unknown", answers=False, into="folder", images=True)
def write_labelme(rows: Iterable[LabelRow], folder: Path) -> Sequence[str]:
    """Write a file for each image into a folder; return sentences about what was left out.

    The paths of images are relative to the folder, as labelme needs them, or those that the rows
    have.
    """
    about = rows.about if isinstance(rows, Rows) else About()
    pictures = Pictures(rows, about.progress)
    found = list(pictures)
    names = FolderNames([Wanted((), _json_name(picture.reference)) for picture in found])
    above = os.path.realpath(folder)
    for picture, name in zip(found, names.files, strict=True):
        path = picture.reference
        if about.paths == PATH_FORMS[0]:
            directory, own = os.path.split(picture.path)
            path = os.path.relpath(f"{os.path.realpath(directory)}/{own}", above)
        with (folder / name.path).open("x", encoding="ascii") as file:
            json.dump(_content(picture, path, about.classes), file, indent=2)
            file.write("\n")
    return pictures.notes()


def _json_name(reference: str) -> str:
    folder, slash, name = reference.rpartition("/")
    return f"{folder}{slash}{name.rpartition('.')[0] or name}.json"


def _content(picture: Picture, path: str, classes: Sequence[str]) -> dict[str, Any]:
    flags: dict[str, bool] = {}
    shapes: list[dict[str, Any]] = []
    for row, box in picture.labels():
        chosen = classes_of(row)
        if box is None:
            known = (name for name in classes if name not in row.get("unknown", ()))
            flags |= {name: name in chosen for name in (*known, *chosen)}
            continue
        left, top, right, bottom = box
        shapes += (
            {
                "label": name,
                "points": [[left, top], [right, bottom]],
                "group_id": None,
                "description": "",
                "shape_type": "rectangle",
                "flags": {},
                "mask": None,
            }
            for name in chosen
        )
    width, height = picture.size
    return {
        "version": _VERSION,
        "flags": flags,
        "shapes": shapes,
        "imagePath": path,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
