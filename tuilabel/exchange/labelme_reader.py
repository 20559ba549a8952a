"""Labels from labelme's JSON: one file beside each image, or a folder of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field

from tuilabel.data.listing import natural, scan
from tuilabel.exchange.boxes import parts_of
from tuilabel.exchange.json_values import read_json, shaped
from tuilabel.exchange.reading import OTHERS, PARTS, BadLineError, Row, reads

_LARGEST = 2**26


class _Shape(Struct):
    label: str
    points: list[tuple[float, float]]
    shape_type: str | None = None


class _File(Struct):
    image: str = field(name="imagePath")
    shapes: list[_Shape]
    flags: dict[str, bool] | None = None
    width: float | None = field(name="imageWidth", default=None)
    height: float | None = field(name="imageHeight", default=None)


@reads("file")
def read_labelme(path: Path) -> Iterator[tuple[int, Row | BadLineError]]:
    """Yield the flags of each image, or where it has none, the label of each shape.

    Without flags that are set, and without shapes, an image has no class.
    """
    files = [path]
    if path.is_dir():
        every = natural(scan(path, beside=True)[0])
        files = [path / key.path for key in every if key.path.lower().endswith(".json")]
        if not files:
            raise BadLineError("it has no .json file, as labelme writes beside an image")
    for number, file in enumerate(files, start=1):
        try:
            found = shaped(read_json(file, _LARGEST), _File, "a file of labelme")
            for row in _rows(file, found):
                yield number, row
        except (BadLineError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            yield number, BadLineError(f"{file.name}: {reason}")


def _rows(file: Path, found: _File) -> Iterator[Row]:
    image = str(file.parent / found.image.replace("\\", "/"))
    if found.flags:
        chosen = [name for name, is_set in found.flags.items() if is_set]
        others = [name for name, is_set in found.flags.items() if not is_set]
        yield {"path": image, "class": chosen, OTHERS: others}
        return
    for shape in found.shapes:
        yield {"path": image, "class": shape.label, PARTS: _box(found, shape)}
    if not found.shapes:
        yield {"path": image, "class": None}


def _box(found: _File, shape: _Shape) -> list[str]:
    if shape.shape_type != "rectangle" or len(shape.points) != 2:
        return []
    (x1, y1), (x2, y2) = shape.points
    size = (found.width, found.height) if found.width and found.height else None
    return parts_of(min(x1, x2), min(y1, y2), abs(x2 - x1), abs(y2 - y1), size)
