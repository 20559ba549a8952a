"""Labels from COCO's JSON of images, categories and annotations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from tuilabel.exchange.boxes import parts_of
from tuilabel.exchange.json_values import read_json, shaped
from tuilabel.exchange.reading import PARTS, BadLineError, Row, reads


class _Image(Struct):
    id: int | str
    file_name: str
    width: float | None = None
    height: float | None = None


class _Category(Struct):
    id: int | str
    name: str


class _Annotation(Struct):
    image_id: int | str
    category_id: int | str
    bbox: list[float] | None = None
    score: float | None = None


class _Content(Struct):
    images: list[_Image]
    categories: list[_Category]
    annotations: list[Any]


@reads("annotation")
def read_coco(path: Path) -> Iterator[tuple[int, Row | BadLineError]]:
    """Yield the class of each annotation, about its box; then the images without annotation."""
    found = read_json(path)
    if isinstance(found, list):
        raise BadLineError(
            "it has results without the names of images and categories; put them into the "
            "annotations of the COCO file that they are for"
        )
    content = shaped(found, _Content, "a COCO file")
    images = {image.id: image for image in content.images}
    names = {category.id: category.name for category in content.categories}
    seen = set()
    for number, one in enumerate(content.annotations, start=1):
        try:
            annotation = shaped(one, _Annotation, "an annotation of COCO")
            image = images.get(annotation.image_id)
            if image is None or annotation.category_id not in names:
                what = "image" if image is None else "category"
                raise BadLineError(f"its {what} is not in the file")
            seen.add(image.id)
            yield (
                number,
                {
                    "path": image.file_name,
                    "class": names[annotation.category_id],
                    "probability": annotation.score,
                    PARTS: _parts(image, annotation.bbox),
                },
            )
        except BadLineError as error:
            yield number, error
    for image in content.images:
        if image.id not in seen:
            yield len(content.annotations), {"path": image.file_name, "class": None}


def _parts(image: _Image, box: list[float] | None) -> list[str]:
    if not box:
        return []
    if len(box) != 4:
        raise BadLineError(f"its bbox has {len(box)} numbers; expected 4")
    size = (image.width, image.height) if image.width and image.height else None
    return parts_of(box[0], box[1], box[2], box[3], size)
