"""Export and import large sessions, as the commands do, and print the time and the memory.

Files go into class folders by hard link, and back. Labels go to CSV and to JSON Lines, and the
bare loop over the same labels is printed beside them. Run it on an otherwise idle machine:
``python -m benchmarks.exchange``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tuilabel.data.item_ids import digests, file_digest
from tuilabel.events.payloads import About, ClassAdded, Label
from tuilabel.journal.description import create_session
from tuilabel.journal.journal import Journal
from tuilabel.session.classes import class_id_of

CLASSES = [f"class {number}" for number in range(10)]
PART = 10_000
PER_FOLDER = 1000


def main() -> None:
    """Parse the options, measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=100_000, help="files to place (100,000)")
    parser.add_argument("--labels", type=int, default=1_000_000, help="labels (1,000,000)")
    parser.add_argument("--imports", type=int, default=1_000_000, help="to import (1,000,000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tuilabel-") as name:
        place = Path(name)
        for kind in ("CONFIG", "DATA", "CACHE", "STATE"):
            os.environ[f"XDG_{kind}_HOME"] = str(place / kind)
        if options.files:
            folders(place, options.files)
        if options.labels:
            tables(place, options.labels)
        if options.imports:
            imports(place, options.imports)


def folders(place: Path, count: int) -> None:
    """Print the time of class folders by each way of placing that costs no room."""
    photos, session = place / "photos", place / "photos.tuilabel"
    items = []
    for number in range(count):
        path = photos / f"{number // PER_FOLDER:03}" / f"{number % PER_FOLDER:03}.jpg"
        if not number % PER_FOLDER:
            path.parent.mkdir(parents=True)
        path.write_bytes(number.to_bytes(8, "big") * 500)
        with path.open("rb") as file:
            items.append((f"f1:{file_digest(file).hex()}", str(path.relative_to(photos))))
    make_session(session, str(photos), items)
    out, manifest = place / "out", place / "out" / ".tuilabel-manifest.jsonl"
    for files in ("hardlink", "symlink", "move"):
        asked = ("-o", out, "--format", "folders", "--files", files)
        show(f"{count:,} files, {files}", "export", session, *asked)
        show("  nothing to update", "export", session, *asked, "--update")
        show("  undo", "export", session, "--undo", manifest)


def tables(place: Path, count: int) -> None:
    """Print the time and memory of files of rows."""
    session = place / "large.tuilabel"
    items = (
        (f"f1:{number:032x}", f"{number // 1000}/{number % 1000}.jpg") for number in range(count)
    )
    make_session(session, str(place / "nothing"), list(items))
    show(f"{count:,} labels, read alone", "status", session)
    for ending in ("csv", "jsonl"):
        asked = ("--no-source", "-o", place / f"labels.{ending}")
        show(f"{count:,} labels, {ending}", "export", session, *asked)
    asked = (
        "--no-source",
        "-o",
        place / "chosen.csv",
        "--columns",
        "path=filename,class=label,split",
    )
    show("  with columns and a split", "export", session, *asked, "--split", "train=0.8,test=0.2")


def imports(place: Path, count: int) -> None:
    """Print the time and memory of imports of what was exported, each into an empty session."""
    source = place / "images.npy"
    pixels = np.arange(count, dtype="<u4").view(np.uint8).reshape(count, 2, 2)
    np.save(source, pixels)
    ids = (f"a1:{digest.tobytes().hex()}" for digest in digests(pixels))
    items = [(item, f"images[{number}]") for number, item in enumerate(ids)]
    labelled, empty = place / "labelled.tuilabel", place / "empty.tuilabel"
    make_session(labelled, str(source), items)
    make_session(empty, str(source), [])
    show("  an empty session, read alone", "export", empty)
    for ending in ("csv", "jsonl", "parquet"):
        file, session = place / f"import.{ending}", place / f"import-{ending}.tuilabel"
        asked = ("--format", ending, "-o", file)
        show(f"{count:,} labels, {ending} written", "export", labelled, "--no-source", *asked)
        shutil.copytree(empty, session)
        show("  imported", "import", session, file)
    with (place / "paths.csv").open("w") as file:
        file.write("path,class\n")
        file.writelines(f"{name},{CLASSES[n % 10]}\n" for n, (_, name) in enumerate(items))
    show("  imported by paths", "import", empty, place / "paths.csv")


def make_session(path: Path, source: str, items: list[tuple[str, str]]) -> None:
    """Make a session with a label of each item."""
    create_session(path, About(uuid="0123456789abcdef" * 2, source="benchmark"))
    ids = [class_id_of(name) for name in CLASSES]
    with Journal(path, "me", source) as journal:
        journal.append(
            [ClassAdded(id_, name) for id_, name in zip(ids, CLASSES, strict=True)], "me"
        )
        for start in range(0, len(items), PART):
            part = enumerate(items[start : start + PART])
            journal.append(
                [
                    Label(
                        item=item,
                        class_id=ids[n % 10],
                        round=n,
                        ms=n,
                        place=n % 10,
                        reason="margin",
                        names=(name,),
                    )
                    for n, (item, name) in part
                ],
                "me",
            )


def show(what: str, *arguments: object) -> None:
    """Run a command in a process of its own, and print what it took."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "tuilabel", *map(str, arguments)]
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdout=said, stderr=said)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        said.seek(0)
        if status:
            sys.exit(said.read().decode())
    processor = used.ru_utime + used.ru_stime
    memory = used.ru_maxrss / 1000
    print(f"{what:<36} {seconds:7.2f} s  processor {processor:6.2f} s {memory:6.0f} MB", flush=True)


if __name__ == "__main__":
    main()
