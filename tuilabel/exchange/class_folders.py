"""Files in folders that are named like their classes, with a manifest that takes them back."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from tuilabel.durable_files import make_folders
from tuilabel.errors import ExportError, TuilabelError
from tuilabel.exchange.manifest import MANIFEST, Entry, Manifest
from tuilabel.exchange.placement import Placement
from tuilabel.exchange.placing import UNLINKABLE, Outcome, Placing
from tuilabel.process.umask import UMASK
from tuilabel.progress import Progress
from tuilabel.text import inert, shown_path

MODES = ("copy", "hardlink", "symlink", "move")
"""How a file gets into its folder."""


class ClassFolders:
    """A folder of class folders, and its manifest.

    Parameters
    ----------
    out : Path
    step : callable, optional
        Called before each change on disk.

    Attributes
    ----------
    manifest : Manifest or None
        That of an earlier export; None without one.

    Raises
    ------
    ExportError
        The manifest cannot be read.
    """

    def __init__(self, out: Path, step: Callable[[], object] = lambda: None) -> None:
        self.out, self._step = out, step
        path = out / MANIFEST
        self.manifest = Manifest.read(path) if os.path.lexists(path) else None

    def check_new(self) -> None:
        """Raise an error if a first export has no place here.

        Raises
        ------
        ExportError
            There is something that is not an empty folder.
        """
        shown = shown_path(self.out)
        if self.manifest is not None:
            raise ExportError(
                f"{shown} has the class folders of an export: bring them up to date with --update, "
                f"or take them back with --undo {shown_path(self.out / MANIFEST)}."
            )
        if not os.path.lexists(self.out):
            return
        try:
            is_empty = not any(self.out.iterdir())
        except OSError as error:
            raise ExportError(
                f"{shown} cannot be used ({error.strerror}): name a folder that does not exist yet."
            ) from error
        if not is_empty:
            raise ExportError(
                f"{shown} is not empty, and has no manifest of an export: name a folder that does "
                "not exist yet."
            )

    def moved(self) -> dict[str, Entry]:
        """Return what was moved here, by its absolute path."""
        if self.manifest is None or self.manifest.files != "move":
            return {}
        return {f"{self.out}/{path}": entry for path, entry in self.manifest.entries.items()}

    def export(
        self,
        wanted: Placement,
        root: Path,
        files: str,
        session: str,
        *,
        options: str = "",
        announce: Callable[[Sequence[Entry]], object] = lambda entries: None,
        progress: Progress | None = None,
    ) -> Outcome:
        """Place files, or make what lies here what a first export would place.

        Parameters
        ----------
        wanted : Placement
        root : Path
        files : str
        session : str
            Identity of the session.
        options : str
            Those that chose the images and their parts.
        announce : callable
            Called with what is about to be placed, when that is in the manifest.
        progress : callable, optional

        Raises
        ------
        ExportError
            It fails; a first export is taken back then. An earlier one was made for another
            session, or with other options.
        TuilabelError
            That of `announce`.
        """
        is_new = self.manifest is None
        made: dict[str, str] = {}
        try:
            if not self.out.is_dir():
                self._step()
                with UMASK.of_person():
                    make_folders(self.out)
                made["."] = ""
            manifest = self._fitting(root, files, session, options)
            with manifest.alone():
                work = Placing(self.out, manifest, wanted.times, self._step, progress)
                return work.update(wanted, made, announce)
        except (OSError, TuilabelError) as error:
            hint = self._clean_up(root, is_new, bool(made))
            if isinstance(error, OSError):
                raise ExportError(f"{_reason(self.out, root, files, error)} {hint}") from error
            raise

    def _clean_up(self, root: Path, is_new: bool, is_made: bool) -> str:
        """Take back a first export that has failed; return what is there now, as a sentence."""
        is_whole = not is_new
        if is_new:
            try:
                is_whole = self.manifest is None or not self.undo(root).changed
                if is_made:
                    self.out.rmdir()
            except (OSError, ExportError):
                is_whole = not self.out.exists()
        if not is_whole:
            return f"Take back what was done with --undo {shown_path(self.out / MANIFEST)}."
        return "Nothing was left there." if is_new else "Correct that and do it again."

    def _fitting(self, root: Path, files: str, session: str, options: str) -> Manifest:
        """Return the manifest: a new one, or the earlier one if it fits."""
        earlier = self.manifest
        if earlier is None or not earlier.files:
            id_ = uuid.uuid4().hex
            found = Manifest(self.out / MANIFEST, id_, files, session, str(root), options)
            if earlier is not None:
                self._step()
                earlier.path.unlink()
            self.manifest = found
            return found
        shown = shown_path(self.out)
        if earlier.session != session:
            raise ExportError(f"{shown} has the class folders of another session: name another.")
        if earlier.files != files:
            raise ExportError(
                f"{shown} was made with --files {earlier.files}; use that, or another folder."
            )
        if earlier.options != options:
            was = f"with {inert(earlier.options, 200)}" if earlier.options else "without options"
            raise ExportError(
                f"{shown} was made {was} to choose images and parts: use the same, or another "
                "folder."
            )
        if earlier.root != str(root):
            raise ExportError(
                f"{shown} was made of files in {shown_path(earlier.root)}, which are in "
                f"{shown_path(root)} now: take it back with --undo, and export again."
            )
        return earlier

    def undo(self, root: Path, progress: Progress | None = None) -> Outcome:
        """Take everything back that the manifest lists, and whose hash still agrees.

        Without anything left, the manifest and the folders go too.

        Parameters
        ----------
        root : Path
            The folder that moved files go back to.
        progress : callable, optional

        Raises
        ------
        OSError
        ExportError
            Another export is at work here.
        """
        manifest = self.manifest
        assert manifest is not None
        with manifest.alone():
            work = Placing(self.out, manifest, {}, self._step, progress)
            outcome = work.take_back(root)
        if not outcome.changed:
            self.manifest = None
        return outcome


def _reason(out: Path, root: Path, files: str, error: OSError) -> str:
    """Return why files could not be placed, as a sentence."""
    shown = shown_path(out)
    if files in ("hardlink", "symlink") and error.errno in UNLINKABLE:
        if error.errno == errno.EXDEV:
            return (
                f"{shown} is on another file system than {shown_path(root)}, where hard links "
                "cannot lead: use --files copy."
            )
        links = "hard links" if files == "hardlink" else "symbolic links"
        return f"{shown} cannot have {links} to these files ({error.strerror}): use --files copy."
    return f"{shown} cannot be written ({error.strerror or error})."
