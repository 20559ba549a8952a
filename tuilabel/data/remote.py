"""Copying of files from URLs such as ``s3://bucket/photos`` with fsspec, when a person asks for it.

What may be a secret is never in a message: names and passwords in URLs are refused, queries are
not shown, and of unexpected errors only the kind is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tuilabel.data.arrays import CacheError, replacing
from tuilabel.errors import SourceError
from tuilabel.progress import Progress
from tuilabel.small_files import read_small
from tuilabel.text import bytes_text, inert, shown_path, shown_url

MOST_FILES = 10**6

_RECORD = "copied.json"
_LARGEST_RECORD = 2**28
_BLOCK = 2**20
# What changes with the content of a file, as different systems call it.
_STAMPS = ("ETag", "etag", "checksum", "md5", "LastModified", "updated", "mtime", "created")


def copy_files(url: str, target: Path, *, limit: int, progress: Progress | None = None) -> None:
    """Copy the file, or all files below the folder, that a URL leads to.

    Files that were copied before and have not changed are not copied again; those that are gone
    are removed. Hidden files, and names that lead out of the folder, are left out.

    Parameters
    ----------
    url : str
    target : Path
        The file or folder to make. A record of it lies beside it.
    limit : int
        Most bytes to copy.
    progress : Progress, optional
        Called with the number of files.

    Raises
    ------
    SourceError
        fsspec is not installed, the files cannot be read, or there are too many.
    CacheError
        The folder cannot be written.
    """
    shown = shown_url(url)
    if "::" in url:
        raise SourceError(
            f"{shown_url(url.partition('::')[0])} is followed by another URL: name one URL, of a "
            "file or folder."
        )
    if "@" in urlsplit(url).netloc:
        raise SourceError(
            f"The URL {shown} has a name or a password in it: leave it out, and set up credentials "
            "as the packages of fsspec read them."
        )
    if find_spec("fsspec") is None:
        raise SourceError(
            f"{shown} needs fsspec: pip install 'tuilabel[remote]' and the package for "
            f"{inert(urlsplit(url).scheme)}, such as s3fs or gcsfs."
        )
    with _reporting(shown):
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url)
        infos = _listed(system, path)
    if not infos:
        raise SourceError(f"There are no files at {shown}: choose another URL.")
    size = sum(info.get("size") or 0 for info in infos.values())
    if len(infos) > MOST_FILES or size > limit:
        raise SourceError(
            f"{shown} has {bytes_text(size)} in {len(infos):,} files, but at most "
            f"{bytes_text(limit)} in {MOST_FILES:,} files are copied: raise --cache-size, or name "
            "a part of it."
        )
    record = target.with_name(_RECORD)
    copied, left = _recorded(record), limit
    for name in copied.keys() - infos.keys():
        del copied[name]
        with suppress(OSError):
            (target / name if name else target).unlink()
    try:
        for done, (name, info) in enumerate(infos.items(), start=1):
            stamp = _stamp(info)
            local = target / name if name else target
            if copied.get(name) != stamp or stamp is None or not local.is_file():
                copied.pop(name, None)
                with _reporting(shown), system.open(info["name"], "rb") as stream:
                    left -= _copy(stream, local, left)
                copied[name] = stamp
            if progress is not None:
                progress(f"copying {shown}", done, len(infos))
    finally:
        with suppress(CacheError), replacing(record) as file:
            file.write(json.dumps(copied).encode())


def _listed(system: Any, path: str) -> dict[str, Mapping[str, Any]]:
    """Return what is known of each file, by its path below the URL; "" for the URL's own."""
    about = system.info(path)
    if about["type"] == "file":
        return {"": about}
    root = str(about["name"]).rstrip("/")
    found = {}
    for name, info in sorted(system.find(path, detail=True).items()):
        inner = str(name).removeprefix(root).lstrip("/")
        if _is_inside(inner) and info.get("type", "file") == "file":
            found[inner] = info
    return found


def _is_inside(name: str) -> bool:
    """Return whether a name is that of a file below a folder, and not hidden."""
    parts = name.split("/")
    return "\0" not in name and all(part and not part.startswith(".") for part in parts)


def _stamp(info: Mapping[str, Any]) -> str | None:
    """Return a text that changes with a file; None if nothing is known of it."""
    known = [str(info[name]) for name in _STAMPS if info.get(name)]
    return f"{info.get('size')} {known[0]}" if known else None


def _copy(stream: Any, local: Path, most: int) -> int:
    """Write a stream to a file that gets its name when it is whole; return the number of bytes."""
    size, part = 0, local.with_name(f".{local.name[:200]}.part")
    try:
        with _writing(local):
            local.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            file = part.open("xb")
        with file:
            while block := stream.read(_BLOCK):
                size += len(block)
                if size > most:
                    raise SourceError(
                        f"{inert(local.name)} has more bytes than are copied: raise --cache-size, "
                        "or name a part of the URL."
                    )
                with _writing(local):
                    file.write(block)
        with _writing(local):
            part.replace(local)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return size


@contextmanager
def _writing(local: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CacheError(
            f"The copy {shown_path(local)} cannot be written ({error.strerror or error}): free "
            "space there, or make it writable."
        ) from error


def _recorded(record: Path) -> dict[str, str | None]:
    try:
        found = json.loads(read_small(record, _LARGEST_RECORD))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: stamp for name, stamp in found.items() if not name or _is_inside(name)}


@contextmanager
def _reporting(shown: str) -> Iterator[None]:
    """Raise a `SourceError` for any error of fsspec and its packages."""
    try:
        yield
    except SourceError:
        raise
    except FileNotFoundError as error:
        raise SourceError(f"There is nothing at {shown}: choose another URL.") from error
    except PermissionError as error:
        raise SourceError(
            f"{shown} may not be read: set up credentials as the packages of fsspec read them."
        ) from error
    except ImportError as error:
        raise SourceError(
            f"{shown} needs a package that is not installed: {inert(str(error), 120)}."
        ) from error
    # The message may have the whole URL in it, or a key.
    except Exception as error:
        raise SourceError(
            f"{shown} cannot be read ({type(error).__name__}): check the URL, the network and the "
            "credentials."
        ) from error
