"""COCO's JSON of images, categories and annotations, as pycocotools reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from tuilabel.exchange.choosing import About, Rows
from tuilabel.exchange.foreign import writes
from tuilabel.exchange.pictured import Pictures
from tuilabel.exchange.rows import LabelRow


@writes("reference", "class", answers=False, images=True)
def write_coco(rows: Iterable[LabelRow], file: TextIO) -> Sequence[str]:
    """Write one object; return sentences about what was left out.

    A class of a whole image is an annotation whose box is the image. Boxes are in pixels of the
    upright image. An image without a class has no annotation.
    """
    about = rows.about if isinstance(rows, Rows) else About()
    pictures = Pictures(rows, about.progress)
    classes = pictures.classes(about.classes)
    numbers = {name: number for number, name in enumerate(classes, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for picture in pictures:
        width, height = picture.size
        number = len(images) + 1
        images.append(
            {"id": number, "width": width, "height": height, "file_name": picture.reference}
        )
        for _, box, name in picture.boxes():
            (left, top, right, bottom), (wide, high) = box, box.size
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": numbers[name],
                    # The outline is that of the box, as in a COCO of boxes alone.
                    "segmentation": [[left, top, left, bottom, right, bottom, right, top]],
                    "area": wide * high,
                    "bbox": [left, top, wide, high],
                    "iscrowd": 0,
                }
            )
    categories = [
        {"id": number, "name": name, "supercategory": name.rpartition("/")[0]}
        for name, number in numbers.items()
    ]
    file.write('{"info": ' + json.dumps({"description": about.name, "version": "1.0"}))
    file.write(', "licenses": []')
    for key, found in (
        ("images", images),
        ("annotations", annotations),
        ("categories", categories),
    ):
        file.write(f',\n"{key}": [')
        for place, one in enumerate(found):
            file.write((",\n" if place else "\n") + json.dumps(one))
        file.write("]")
    file.write("}\n")
    return pictures.notes()
