"""Labelled photographs, boxes and pages, for the formats that read image files."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from sessions import label_of, new_session

from tuilabel.data.item_ids import file_digest
from tuilabel.data.part import part_digest, stored_box
from tuilabel.events.payloads import Payload, Skip

TAKEN = "2029:06:05 04:03:02"
STORED = (60, 40)


def digest_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file)


def id_of(path: Path, part: str = "", turn: int = 1) -> str:
    digest = digest_of(path)
    if not part:
        return f"f1:{digest.hex()}"
    box = stored_box(part, STORED, turn) if part.startswith("xywh") else None
    return f"p1:{part_digest(digest, part, box).hex()}"


def photo(path: Path, turn: int = 1, shade: int = 90) -> Path:
    """Write a photograph of 60x40 stored pixels with a time and an orientation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", STORED, (shade, 120, 60))
    exif = image.getexif()
    exif[0x0112] = turn
    exif.get_ifd(0x8769)[0x9003] = TAKEN
    image.save(path, exif=exif)
    return path


def photos(folder: Path) -> Path:
    """Return a session of three photographs of which two have a label and one is skipped."""
    first = photo(folder / "site" / "1.jpg")
    turned = photo(folder / "site" / "2.jpg", turn=6)
    skipped = photo(folder / "site" / "3.jpg", shade=10)
    session = folder.with_suffix(".tuilabel")
    new_session(
        session,
        label_of(id_of(first), "bird/owl", "site/1.jpg", ms=1500),
        label_of(id_of(turned), "fox", "site/2.jpg"),
        Skip(item=id_of(skipped), names=("site/3.jpg",)),
        source=str(folder),
        classes=("bird/owl", "fox"),
        by="ana",
    )
    return session


def boxes(folder: Path) -> Path:
    """Return a session of boxes in two photographs."""
    photo(folder / "1.jpg")
    photo(folder / "2.jpg", turn=6)
    table = folder / "boxes.json"
    table.write_text(_DETECTIONS)
    source = f"detections:{table}"
    labels: list[Payload] = []
    for name, part, turn, class_name in DETECTED:
        item = id_of(folder / name, part, turn)
        labels.append(label_of(item, class_name, f"{name}#{part}"))
    session = folder.with_suffix(".tuilabel")
    new_session(session, *labels, source=source, classes=("bird/owl", "fox"), by="ana")
    return session


DETECTED = (
    ("1.jpg", "xywh=percent:10,10,50,50", 1, "fox"),
    ("2.jpg", "xywh=percent:10,20,50,25", 6, "bird/owl"),
    ("1.jpg", "xywh=percent:0,0,20,20", 1, "bird/owl"),
)
_DETECTIONS = """{"detection_categories": {"1": "animal"}, "images": [
{"file": "1.jpg", "detections": [{"category": "1", "conf": 0.9, "bbox": [0.1, 0.1, 0.5, 0.5]},
                                 {"category": "1", "conf": 0.8, "bbox": [0, 0, 0.2, 0.2]}]},
{"file": "2.jpg", "detections": [{"category": "1", "conf": 0.7, "bbox": [0.1, 0.2, 0.5, 0.25]}]}]}
"""
