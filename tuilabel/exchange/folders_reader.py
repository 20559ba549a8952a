"""Labels from class folders: images in folders that are named like their classes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tuilabel.data.item_ids import file_digest
from tuilabel.data.listing import BESIDE, natural, scan
from tuilabel.exchange.reading import FOLDER, BadLineError, Row, reads
from tuilabel.small_files import open_regular


@reads("file")
def read_folders(path: Path) -> Iterator[tuple[int, Row | BadLineError]]:
    """Yield the item id of each file, and the folder that it is in.

    Text that lies beside images is passed over. A file in no folder has no class.
    """
    if not path.is_dir():
        raise BadLineError("it is not a folder; name one whose folders are named like classes")
    files = (key for key in natural(scan(path)[0]) if not key.path.lower().endswith(BESIDE))
    for number, key in enumerate(files, start=1):
        try:
            with os.fdopen(open_regular(path / key.path), "rb") as file:
                item = f"f1:{file_digest(file).hex()}"
        except OSError as error:
            yield number, BadLineError(f"{key.path}: {error.strerror or error}")
            continue
        folder = key.path.rpartition("/")[0]
        yield number, {"item_id": item, "path": key.path, "class": folder, FOLDER: True}
