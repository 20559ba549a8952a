"""Placing files in folders and taking them back, each after the manifest says so."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tuilabel.data.item_ids import DIGEST_SIZE, file_digest
from tuilabel.durable_files import make_folders, sync_directory
from tuilabel.exchange.manifest import Entry, Manifest
from tuilabel.exchange.placement import Placement, Times
from tuilabel.process.umask import UMASK
from tuilabel.progress import Progress
from tuilabel.small_files import open_regular

UNLINKABLE = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""Errors of a place that cannot have a link to a file."""

_CHUNK = 500
_BLOCK = 2**20


@dataclass
class Outcome:
    """What has become of files, by their paths below the folder of all.

    Attributes
    ----------
    placed, removed, kept : list of str
        New there, no longer there, and there as before.
    taken : list of str
        Not placed, because another file has the name.
    changed : list of str
        Not placed or not removed, because the file has other content now, or was replaced.
    """

    placed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


class Placing:
    """Changes on disk, each of which is in the manifest before.

    Parameters
    ----------
    out : Path
        The folder of all.
    manifest : Manifest
    times : dict of str to Times
        As in `Placement`.
    step : callable
        Called before each change.
    progress : callable or None
    """

    def __init__(
        self,
        out: Path,
        manifest: Manifest,
        times: Mapping[str, Times],
        step: Callable[[], object],
        progress: Progress | None,
    ) -> None:
        self._out, self._manifest, self._times = str(out), manifest, times
        self._step, self._progress = step, progress
        self._root, self._files = manifest.root, manifest.files
        self._new = f"{self._out}/.tuilabel-{manifest.id}.new"
        self._real: dict[str, bool] = {}
        self._outcome = Outcome()

    def update(
        self,
        wanted: Placement,
        made: Mapping[str, str],
        announce: Callable[[Sequence[Entry]], object],
    ) -> Outcome:
        """Make what lies there what is wanted; `made` has the outermost folder if it is new."""
        manifest, outcome = self._manifest, self._outcome
        target = {entry.path: entry for entry in wanted.entries}
        there = manifest.entries
        stale = [path for path, entry in there.items() if not self._is_there(entry, target)]
        stay = there.keys() - set(stale)
        known = manifest.folders.keys()
        folders = {path: why for path, why in wanted.folders.items() if path not in known}
        self._clear_new()
        left: set[str] = set()
        if stale:
            # Apart from what comes, so that a place is never that of two files.
            self._step()
            manifest.plan({}, stale, ())
            left = self._remove(stale, Path(self._root))
            self._sync(manifest.folders)
            self._step()
            manifest.done(sorted(left))
        added = [one for one in wanted.entries if one.path not in stay and one.path not in left]
        self._step()
        manifest.plan({**made, **folders}, (), added)
        announce(added)
        self._make(wanted.folders)
        failed = self._place(added)
        self._remove_folders(
            [path for path in manifest.folders if path not in wanted.folders and path != "."]
        )
        self._sync(wanted.folders)
        self._step()
        manifest.done(failed)
        outcome.kept = sorted(stay)
        return outcome

    def _is_there(self, entry: Entry, target: Mapping[str, Entry]) -> bool:
        """Return whether an entry is wanted as it is, and there."""
        wanted = target.get(entry.path)
        if wanted is None or (wanted.source, wanted.hash) != (entry.source, entry.hash):
            return False
        try:
            found = os.lstat(self._at(entry.path))
        except OSError:
            return False
        if entry.path in self._manifest.unsure:
            is_twice = self._files == "move" and os.path.lexists(self._from(entry.source))
            return self._agrees(entry) and not is_twice
        if stat.S_ISREG(found.st_mode) and found.st_size != entry.size:
            self._outcome.changed.append(entry.path)
        return True

    def take_back(self, root: Path) -> Outcome:
        """Take everything back; moved files go to a folder."""
        manifest, outcome = self._manifest, self._outcome
        self._clear_new()
        self._remove(list(manifest.entries), root)
        self._sync(manifest.folders)
        if outcome.changed:
            self._step()
            manifest.plan({}, outcome.removed, ())
            manifest.done()
            return outcome
        self._remove_folders([path for path in manifest.folders if path != "."])
        self._step()
        manifest.path.unlink(missing_ok=True)
        sync_directory(manifest.path.parent)
        if "." in manifest.folders:
            self._step()
            with suppress(OSError):  # it has other files now
                Path(self._out).rmdir()
        return outcome

    def _at(self, path: str) -> str:
        return f"{self._out}/{path}"

    def _from(self, source: str) -> str:
        return source if source.startswith("/") else f"{self._root}/{source}"

    def _clear_new(self) -> None:
        """Remove what a killed export was copying."""
        with suppress(FileNotFoundError):
            os.unlink(self._new)  # noqa: PTH108  (paths are strings here: a Path costs as much)

    # Folders.

    def _make(self, folders: Iterable[str]) -> None:
        with UMASK.of_person():
            for path in folders:
                self._step()
                with suppress(FileExistsError):
                    os.mkdir(self._at(path))  # noqa: PTH102
                if not self._is_real(path):
                    raise NotADirectoryError(errno.ENOTDIR, f"{path} is not a folder")

    def _is_real(self, folder: str) -> bool:
        """Return whether a folder and those above it are there, and no links that lead away."""
        if not folder:
            return True
        found = self._real.get(folder)
        if found is None:
            try:
                is_folder = stat.S_ISDIR(os.lstat(self._at(folder)).st_mode)
            except OSError:
                return False
            found = is_folder and self._is_real(folder.rpartition("/")[0])
            self._real[folder] = found
        return found

    def _remove_folders(self, folders: Sequence[str]) -> None:
        for path in sorted(folders, key=lambda path: -path.count("/")):
            if self._is_real(path):
                self._step()
                with suppress(OSError):  # it has other files now
                    os.rmdir(self._at(path))  # noqa: PTH106
                self._real.pop(path, None)

    def _sync(self, folders: Iterable[str]) -> None:
        for path in folders:
            if self._is_real(path):
                sync_directory(Path(self._at(path)))

    # Placing.

    def _place(self, entries: Sequence[Entry]) -> list[str]:
        """Place files; return the paths of those that were not."""
        failed: list[str] = []
        for start in range(0, len(entries), _CHUNK):
            part = [entry for entry in entries[start : start + _CHUNK] if self._add(entry)]
            if self._files == "move":
                self._sync({entry.path.rpartition("/")[0] for entry in part})
                part = [entry for entry in part if self._leave(entry)]
            placed = {entry.path for entry in part}
            self._outcome.placed += placed
            failed += [
                one.path for one in entries[start : start + _CHUNK] if one.path not in placed
            ]
            if self._progress is not None:
                self._progress("placing files", start + len(part), len(entries))
        return failed

    def _add(self, entry: Entry) -> bool:
        """Place one file, unless its name is taken or it is another one now."""
        source, target = self._from(entry.source), self._at(entry.path)
        self._step()
        try:
            if self._files == "copy":
                agrees = self._copy(source, target, entry)
            elif self._files == "symlink":
                os.symlink(source, target)  # noqa: PTH211
                agrees = self._check(entry, target)
            else:
                agrees = self._link(source, target, entry)
        except FileExistsError:
            self._outcome.taken.append(entry.path)
            return False
        except FileNotFoundError:
            if os.path.lexists(source):
                raise
            agrees = False
        if not agrees:
            self._outcome.changed.append(entry.path)
        return agrees

    def _link(self, source: str, target: str, entry: Entry) -> bool:
        """Link a file, or copy it to move it; return whether it is the one that was hashed."""
        try:
            # A link to a link would lead to nowhere when the source is gone.
            os.link(os.path.realpath(source) if os.path.islink(source) else source, target)  # noqa: PTH114
        except OSError as error:
            if self._files != "move" or error.errno not in UNLINKABLE:
                raise
            return self._copy(source, target, entry, is_synced=True)
        return self._check(entry, target)

    def _check(self, entry: Entry, target: str) -> bool:
        """Return whether a linked file is the one that was hashed; remove another one."""
        found = os.stat(target)  # noqa: PTH116
        if (found.st_size, found.st_mtime_ns) == self._times.get(entry.source):
            return True
        if _hash(target) == entry.hash:
            return True
        self._step()
        os.unlink(target)  # noqa: PTH108
        return False

    def _copy(self, source: str, target: str, entry: Entry, *, is_synced: bool = False) -> bool:
        """Copy a file under a name of its own, then give it its name; return whether it agrees."""
        state = hashlib.blake2b(digest_size=DIGEST_SIZE)
        with os.fdopen(open_regular(source), "rb", buffering=0) as file:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with UMASK.of_person():
                descriptor = os.open(self._new, flags, 0o666)
            try:
                with os.fdopen(descriptor, "wb", buffering=0) as new:
                    while block := file.read(_BLOCK):
                        state.update(block)
                        _write(new.fileno(), block)
                    times = os.fstat(file.fileno())
                    os.utime(new.fileno(), ns=(times.st_atime_ns, times.st_mtime_ns))
                    if is_synced:
                        os.fsync(new.fileno())
                if state.hexdigest() != entry.hash:
                    return False
                self._step()
                _name(self._new, target)
                return True
            finally:
                self._clear_new()

    def _leave(self, entry: Entry) -> bool:
        """Remove the earlier name of a file that is in its folder now."""
        source, target = self._from(entry.source), self._at(entry.path)
        old, new = os.lstat(source), os.lstat(target)
        if not os.path.samestat(old, new) and (old.st_size, old.st_mtime_ns) != (
            new.st_size,
            new.st_mtime_ns,
        ):
            # It was written to while it was copied: both stay.
            self._outcome.changed.append(entry.path)
            return True
        self._step()
        os.unlink(source)  # noqa: PTH108
        return True

    # Taking back.

    def _remove(self, paths: Sequence[str], root: Path) -> set[str]:
        """Take files back; return the paths of those that stay, because they have changed."""
        left: set[str] = set()
        for start in range(0, len(paths), _CHUNK):
            ready: list[str] = []
            folders: set[str] = set()
            for path in paths[start : start + _CHUNK]:
                entry = self._manifest.entries[path]
                if not os.path.lexists(self._at(path)):
                    continue
                if self._agrees(entry) and self._is_back(entry, str(root), folders):
                    ready.append(path)
                else:
                    left.add(path)
                    self._outcome.changed.append(path)
            for folder in sorted(folders):
                sync_directory(Path(folder))
            for path in ready:
                self._step()
                os.unlink(self._at(path))  # noqa: PTH108
            self._outcome.removed += ready
            if self._progress is not None:
                done = min(start + _CHUNK, len(paths))
                self._progress("taking files back", done, len(paths))
        return left

    def _agrees(self, entry: Entry) -> bool:
        """Return whether what lies in the place of an entry is what was placed there."""
        target = self._at(entry.path)
        if not self._is_real(entry.path.rpartition("/")[0]):
            return False
        if self._files == "symlink":
            try:
                return os.readlink(target) == self._from(entry.source)  # noqa: PTH115
            except OSError:
                return False
        with suppress(OSError):
            found = os.lstat(target)
            if not stat.S_ISREG(found.st_mode):
                return False
            with suppress(OSError):
                # Another name of a file that stays can go without reading it.
                if os.path.samestat(os.stat(self._from(entry.source)), found):  # noqa: PTH116
                    return True
        return _hash(target) == entry.hash

    def _is_back(self, entry: Entry, root: str, folders: set[str]) -> bool:
        """Put a moved file back, but not over another; return whether its place here can go.

        `folders` are those that have to be written to disk before.
        """
        if self._files != "move":
            return True
        origin = f"{root}/{entry.source}"
        if os.path.lexists(origin):
            return _hash(origin) == entry.hash
        self._return(self._at(entry.path), origin, entry)
        folders.add(os.path.dirname(origin))  # noqa: PTH120
        return True

    def _return(self, target: str, origin: str, entry: Entry) -> None:
        folder = Path(origin).parent
        if not folder.is_dir():
            self._step()
            with UMASK.of_person():
                make_folders(folder)
        self._step()
        try:
            os.link(target, origin)
        except OSError as error:
            if error.errno not in UNLINKABLE:
                raise
            new = f"{folder}/.tuilabel-{self._manifest.id}.new"
            before, self._new = self._new, new
            try:
                if not self._copy(target, origin, entry, is_synced=True):
                    raise OSError(errno.EIO, "it changes while it is read") from None
            finally:
                self._new = before


def _write(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def _name(new: str, target: str) -> None:
    """Rename a file to its name, and never that of another one."""
    try:
        os.link(new, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as exFAT
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.rename(new, target)  # noqa: PTH104


def _hash(path: str) -> str | None:
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            return file_digest(file).hex()
    except OSError:
        return None
