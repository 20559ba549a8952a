"""Files from the web: from whichever mirror has them, whole and genuine or not at all.

urllib is enough for this: it knows proxies and redirects, and its responses can be read in
pieces. What it lacks (resuming, limits, mirrors) is here.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, BinaryIO
from urllib import request
from urllib.error import HTTPError
from urllib.parse import urlsplit

from tuilabel.errors import DownloadError
from tuilabel.progress import Progress
from tuilabel.text import inert

STALL_SECONDS = 20.0
_CHUNK = 2**16
_CRAWL_BYTES = 1024
_SCHEMES = ("http", "https")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass(frozen=True)
class PublishedFile:
    """A file as its publisher describes it.

    Attributes
    ----------
    name : str
        Its name below every mirror's address.
    size : int
        Bytes.
    sha256 : str
        In hex.
    """

    name: str
    size: int
    sha256: str


class _MirrorError(Exception):
    """Why one mirror did not deliver; the next one is tried."""


def download(
    file: PublishedFile,
    mirrors: Sequence[str],
    folder: Path,
    *,
    progress: Progress | None = None,
    stall_seconds: float = STALL_SECONDS,
) -> Path:
    """Get a file from the first mirror that delivers it whole and genuine.

    It has its name only once its size and SHA-256 are right; until then it is ``NAME.part``,
    which an interrupted download leaves behind and the next one resumes. Only http and https
    are spoken, also after redirects, and never more than the published size is written.

    Parameters
    ----------
    file : PublishedFile
    mirrors : sequence of str
        Addresses that end in ``/``, the first choice first.
    folder : Path
        An existing folder. The caller sees to it that no other process downloads into it.
    progress : Progress, optional
        Told of the bytes.
    stall_seconds : float
        How long a mirror may send nothing, or less than a kilobyte, before it is given up.

    Returns
    -------
    Path
        The file in `folder`.

    Raises
    ------
    DownloadError
        If no mirror delivers, with each one's reason; or if the folder cannot be written.
    """
    part = folder / f"{file.name}.part"
    failures = []
    for mirror in mirrors:
        try:
            _fetch_genuine(mirror + file.name, file, part, progress, stall_seconds)
        except _MirrorError as error:
            failures.append(f"{urlsplit(mirror).netloc or inert(mirror)}: {error}")
            continue
        return part.replace(folder / file.name)
    raise DownloadError(
        f"{file.name} could not be downloaded ({'; '.join(failures)}): check the network and try "
        "again, or give a folder that has it."
    )


def _fetch_genuine(
    url: str, file: PublishedFile, part: Path, progress: Progress | None, stall_seconds: float
) -> None:
    """Complete the part file and verify it; it does not survive a failed verification."""
    resumed = _fetch(url, file, part, progress, stall_seconds)
    if _is_genuine(part, file):
        return
    part.unlink()
    if resumed:
        # The bytes from before may be to blame, not this mirror.
        _fetch(url, file, part, progress, stall_seconds)
        if _is_genuine(part, file):
            return
        part.unlink()
    raise _MirrorError("its SHA-256 is not the published one")


def _is_genuine(part: Path, file: PublishedFile) -> bool:
    with part.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256


def _fetch(
    url: str, file: PublishedFile, part: Path, progress: Progress | None, stall_seconds: float
) -> bool:
    """Bring the part file to its full size; tell whether bytes from before are in it."""
    if urlsplit(url).scheme not in _SCHEMES:
        raise _MirrorError("not an address of http or https")
    try:
        out = os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
    except OSError as error:
        raise _cannot_write(part, error) from error
    with out:
        have = out.seek(0, os.SEEK_END)
        if have > file.size:
            have = 0
        if have < file.size:
            have = _receive(url, file, out, have, progress, stall_seconds)
        return have > 0


def _receive(
    url: str,
    file: PublishedFile,
    out: BinaryIO,
    have: int,
    progress: Progress | None,
    stall_seconds: float,
) -> int:
    """Append to the first `have` bytes what the mirror sends; give how many of them were kept."""
    asked = request.Request(url, headers={"User-Agent": "tuilabel"})
    if have:
        asked.add_header("Range", f"bytes={have}-")
    try:
        with _opener().open(asked, timeout=stall_seconds) as response:
            kept = have if have and _continues(response, have, file.size) else 0
            if kept or not have or response.status == 200:
                _check_announced(response, file.size - kept)
                _copy(response, out, kept, file, progress, stall_seconds)
                return kept
    except HTTPError as error:
        error.close()
        if not have or error.code != 416:
            raise _MirrorError(f"it answered {error.code} {inert(str(error.reason))}") from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise _MirrorError(f"it sent nothing for {stall_seconds:g} s") from error
        raise _MirrorError(inert(str(reason)) or type(reason).__name__) from error
    # The mirror does not go on where the part file ends: once more, from the beginning.
    return _receive(url, file, out, 0, progress, stall_seconds)


class _HttpRedirects(request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> request.Request | None:
        if urlsplit(newurl).scheme not in _SCHEMES:
            raise _MirrorError(f"it redirected to {inert(newurl)}, which is not http or https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> request.OpenerDirector:
    """Make an opener that knows http and https only: no file, ftp or data addresses."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        _HttpRedirects(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _continues(response: HTTPResponse, have: int, size: int) -> bool:
    """Tell whether the answer goes on exactly where the part file ends."""
    if response.status != 206:
        return False
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return (
        match is not None
        and int(match[1]) == have
        and int(match[2]) == size - 1
        and match[3] in (str(size), "*")
    )


def _check_announced(response: HTTPResponse, expected: int) -> None:
    announced = response.headers.get("Content-Length")
    if announced is not None and announced != str(expected):
        raise _MirrorError(f"it announced {inert(announced)} bytes where {expected} are expected")


def _copy(
    response: HTTPResponse,
    out: BinaryIO,
    start: int,
    file: PublishedFile,
    progress: Progress | None,
    stall_seconds: float,
) -> None:
    with _writing(out):
        out.seek(start)
        out.truncate()
    done = checked = start
    since = time.monotonic()
    while done < file.size and (chunk := response.read1(min(_CHUNK, file.size - done))):
        with _writing(out):
            out.write(chunk)
        done += len(chunk)
        if progress is not None:
            progress(f"downloading {file.name}", done, file.size)
        now = time.monotonic()
        if now - since > stall_seconds:
            # A timeout of the connection does not notice a mirror that sends a byte now and then.
            if done - checked < _CRAWL_BYTES:
                raise _MirrorError(f"it sent only {done - checked} bytes in {now - since:.0f} s")
            checked, since = done, now
    with _writing(out):
        out.flush()
        os.fsync(out.fileno())
    if done < file.size:
        raise _MirrorError(f"it sent {done} of {file.size} bytes")
    if response.read1(1):
        with _writing(out):
            out.truncate(0)
        raise _MirrorError(f"it sent more than the published {file.size} bytes")


@contextmanager
def _writing(out: BinaryIO) -> Iterator[None]:
    """Tell a disk that fails from a mirror that fails: the next mirror would not help."""
    try:
        yield
    except OSError as error:
        raise _cannot_write(Path(out.name), error) from error


def _cannot_write(part: Path, error: OSError) -> DownloadError:
    return DownloadError(
        f"{inert(str(part), 200)} cannot be written ({error.strerror}): free space there, or make "
        "it writable."
    )
