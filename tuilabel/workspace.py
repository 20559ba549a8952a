"""Where sessions are kept, which one was the last, and how a source and its journal are opened."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import platformdirs

from tuilabel.data import inert
from tuilabel.errors import SessionFileError, SourceError, UsageError
from tuilabel.journal import Event, Journal, Kind, SessionInfo, read_session, summarise
from tuilabel.settings import Settings, resolve, user_directory

if TYPE_CHECKING:
    from tuilabel.data import Dataset, Progress
    from tuilabel.session import Session

SUFFIX = ".tuilabel"
LONGEST_PATH = 4096
"""Characters of a path that are shown: all of it, since it is there to be copied."""

ORACLE = "oracle"
"""The annotator and origin that the journal has for labels from the ground truth."""

FIRST_SOURCE = "digits"
"""What is opened when nothing was ever opened: it comes with scikit-learn."""


def data_dir() -> Path:
    """Give the directory of sessions and logs."""
    return user_directory(platformdirs.user_data_path)


def cache_dir() -> Path:
    """Give the directory of what can be made again: decompressed and reduced images."""
    return user_directory(platformdirs.user_cache_path)


def log_file() -> Path:
    """Give the file that the trainer's child process reports to."""
    return user_directory(platformdirs.user_log_path) / "trainer.log"


def session_path(source: str, pool: int | None = None, test: int | None = None) -> Path:
    """Give the session file that belongs to a source when none is named.

    A path in the name is not readable back, only unique: two folders of one name get two files,
    one folder by two names gets one.
    """
    name = source
    if source not in ("digits", "mnist"):
        real = _real(source.removeprefix("mnist:"))
        digest = hashlib.blake2b(os.fsencode(real)).hexdigest()[:8]
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", real.name).strip("-.")[:60] or "session"
        name = f"{name}-{digest}"
        if source.startswith("mnist:"):
            name = f"mnist-{name}"
    parts = [name]
    parts += [f"pool{pool}"] if pool is not None else []
    parts += [f"test{test}"] if test is not None else []
    return data_dir() / "sessions" / ("-".join(parts) + SUFFIX)


def named_source(source: str) -> str:
    """Give the name that a session has of a source: a path in it is absolute."""
    if source in ("digits", "mnist"):
        return source
    folder = source.removeprefix("mnist:")
    return source[: len(source) - len(folder)] + str(_real(folder))


def _real(path: str) -> Path:
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError):  # opening the source will tell what is wrong with its name
        return Path(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long, or a directory that may not be entered
        return False


def find_session(name: str | None, *, may_be_new: bool = False) -> Path:
    """Find a session by its path, its source, or its name in the sessions directory.

    Parameters
    ----------
    name : str or None
        None for the one that was opened last.
    may_be_new : bool
        Take what is found nowhere as the path of a session to make.

    Raises
    ------
    SessionFileError
        There is none.
    """
    if name is None:
        last = last_session()
        if last is None:
            raise SessionFileError("No session was ever opened here; name a session file.")
        return last
    path = Path(name)
    if _is_file(path) and path.suffix != ".npz":
        return path
    sessions = data_dir() / "sessions"
    candidates = [session_path(name)]
    if path.name == name:
        candidates += [sessions / name, sessions / (name + SUFFIX)]
    found = next(filter(_is_file, candidates), None)
    if found is not None or may_be_new or (name and os.path.lexists(path)):
        return found or path
    try:
        known = sorted(file.stem for file in sessions.glob("*" + SUFFIX))
    except OSError:  # not to be looked into; the sentence does without
        known = []
    there = f" Those that are there: {', '.join(map(inert, known))}." if known else ""
    raise SessionFileError(
        f"There is no session file {inert(name, LONGEST_PATH)}. Name one, or its source.{there}"
    )


def last_session() -> Path | None:
    """Give the session that was opened last, if its file is still there."""
    try:
        path = Path((data_dir() / "last").read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return None
    return path if _is_file(path) else None


def remember(path: Path) -> None:
    """Make a session the last one; where that cannot be written, the next start begins anew."""
    try:
        data_dir().mkdir(parents=True, exist_ok=True)
        (data_dir() / "last").write_text(
            str(path.absolute()), encoding="utf-8", errors="surrogateescape"
        )
    except OSError:
        # A read-only home is no reason not to label: the session itself is elsewhere.
        return


@dataclass(frozen=True)
class SourceOptions:
    """What the command line says about the source; None where it says nothing."""

    source: str | None = None
    classes: tuple[str, ...] | None = None
    pool: int | None = None
    test: int | None = None


@dataclass
class Workspace:
    """An opened dataset, its journal and the loop over both."""

    path: Path
    dataset: Dataset
    journal: Journal
    session: Session
    settings: Settings

    def outcome(self) -> str:
        """Say in a line what there is now, and where."""
        count = self.session.labels
        labels = f"{count:,} label" + ("" if count == 1 else "s")
        if self.session.curve:
            found = self.session.curve[-1].accuracy
            labels += (
                f", {found.value:.1%} right ({found.low:.1%} to {found.high:.1%}, 95 %) "
                f"on the {found.name}, n = {found.n:,}"
            )
        return f"{labels}; saved in {inert(str(self.path), LONGEST_PATH)}."

    def saved(self) -> str:
        """Say in a sentence how many labels are on disk: what is in memory may be at fault."""
        where = inert(str(self.path), LONGEST_PATH)
        try:
            count = summarise(*read_session(self.path))["labels"]
        except SessionFileError as error:
            return f"Whether all labels are saved is not known: {inert(str(error), LONGEST_PATH)}"
        if count == 1:
            return f"The one label is saved in {where}."
        return f"All {count:,} labels are saved in {where}."

    def close(self) -> None:
        """Close the journal."""
        self.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_workspace(
    options: SourceOptions,
    flags: Mapping[str, Any],
    *,
    path: Path | None = None,
    progress: Progress | None = None,
    check: Callable[[Dataset, Settings], object] | None = None,
) -> Workspace:
    """Open a session with its source: the one that is there, or a new one.

    Parameters
    ----------
    options : SourceOptions
        Without a source, the session's own; without a session either, the last session; without
        any, `FIRST_SOURCE`.
    flags : mapping
        Settings given on the command line, None where not given.
    path : Path, optional
        The session file; by default the one that belongs to the source.
    progress : callable, optional
        Told how far reading or downloading the source is.
    check : callable, optional
        Raises where the opened source cannot be labelled with these settings; then no session is
        made for it.

    Raises
    ------
    SourceError, DownloadError, SessionFileError, UsageError
    """
    if path is None and options.source is None:
        path = last_session()
    if path is None:
        path = session_path(_source(options), options.pool, options.test)
    if os.path.lexists(path):
        workspace = _resume(path, options, flags, progress, check)
    else:
        workspace = _start(path, options, flags, progress, check)
    remember(path)
    return workspace


def demo_workspace(
    options: SourceOptions,
    flags: Mapping[str, Any],
    *,
    progress: Progress | None = None,
    check: Callable[[Dataset, Settings], object] | None = None,
) -> Workspace:
    """Make a new session for the ground truth to label in, apart from a person's own.

    Raises
    ------
    SourceError
        The source has no ground truth; else as `open_workspace`.
    """
    now = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    path = data_dir() / "demos" / f"{now}{SUFFIX}"
    return _start(path, options, flags, progress, check, needs_truth=True)


def _source(options: SourceOptions) -> str:
    return FIRST_SOURCE if options.source is None else options.source


def _start(
    path: Path,
    options: SourceOptions,
    flags: Mapping[str, Any],
    progress: Progress | None,
    check: Callable[[Dataset, Settings], object] | None,
    *,
    needs_truth: bool = False,
) -> Workspace:
    settings = resolve(flags)
    dataset = _open_dataset(_source(options), options, progress)
    if needs_truth and dataset.truth is None:
        raise SourceError(
            f"{inert(dataset.source)} has no ground truth to press the keys. "
            "Demo digits, mnist or an .npz file with labels."
        )
    if check is not None:
        check(dataset, settings)
    settings = _fitting(settings, flags, dataset)
    info = SessionInfo(
        source=dataset.source,
        class_names=tuple(dataset.class_names),
        pool=options.pool,
        test=options.test,
        seed=settings.seed,
        audit=settings.audit,
    )
    journal = Journal.create(path, info, settings.annotator)
    return _assemble(path, dataset, journal, settings)


def _resume(
    path: Path,
    options: SourceOptions,
    flags: Mapping[str, Any],
    progress: Progress | None,
    check: Callable[[Dataset, Settings], object] | None,
) -> Workspace:
    info, events = read_session(path)
    classes = options.classes and tuple(inert(name.strip()) for name in options.classes)
    given = {
        "--classes": (classes, info.class_names),
        "--pool": (options.pool, info.pool),
        "--test": (options.test, info.test),
        "--seed": (flags.get("seed"), info.seed),
        "--audit": (flags.get("audit"), info.audit),
    }
    for option, (wanted, fixed) in given.items():
        if wanted is not None and wanted != fixed:
            raise SessionFileError(
                f"{path} was made with {option} {_shown(fixed)}, not {_shown(wanted)}. "
                f"Leave {option} out, or start another session with --session FILE."
            )
    settings = resolve(flags, _stored(info, events))
    fixed_options = SourceOptions(options.source, info.class_names, info.pool, info.test)
    journal = Journal(path, settings.annotator)
    try:
        dataset = _open_dataset_of(path, info, fixed_options, progress)
        if check is not None:
            check(dataset, settings)
        settings = _fitting(settings, flags, dataset)
        return _assemble(path, dataset, journal, settings)
    except BaseException:
        journal.close()
        raise


def stored_settings(path: Path) -> dict[str, Any]:
    """Give the settings that a session was opened with last.

    Raises
    ------
    SessionFileError
        The file cannot be read as a session.
    """
    return _stored(*read_session(path))


def _stored(info: SessionInfo, events: Sequence[Event]) -> dict[str, Any]:
    opened = next((event.body for event in reversed(events) if event.kind is Kind.OPEN), {})
    return {**opened, "seed": info.seed, "audit": info.audit}


def open_dataset_of(path: Path, info: SessionInfo, progress: Progress | None = None) -> Dataset:
    """Open the source that a session was made for.

    Raises
    ------
    SourceError
        It is not there any more, or cannot be read.
    """
    options = SourceOptions(info.source, info.class_names, info.pool, info.test)
    return _open_dataset_of(path, info, options, progress)


def _open_dataset_of(
    path: Path, info: SessionInfo, options: SourceOptions, progress: Progress | None
) -> Dataset:
    """Open what a session is resumed with."""
    source = info.source if options.source is None else options.source
    try:
        return _open_dataset(source, options, progress)
    except SourceError as error:
        if session_path(source) == session_path(info.source):
            raise
        raise SessionFileError(
            f"{path} was made for {info.source} with the classes {_shown(info.class_names)}, and "
            f"{source} does not do instead: {error}"
        ) from error


def _open_dataset(source: str, options: SourceOptions, progress: Progress | None) -> Dataset:
    from tuilabel.data import open_dataset

    return open_dataset(
        source,
        classes=options.classes,
        pool=options.pool,
        test=options.test,
        cache_dir=cache_dir(),
        progress=progress,
    )


def _assemble(path: Path, dataset: Dataset, journal: Journal, settings: Settings) -> Workspace:
    from tuilabel.session import LoopSettings, Session

    known = asdict(settings)
    loop = LoopSettings(**{name: known[name] for name in LoopSettings.__dataclass_fields__})
    try:
        session = Session(dataset, journal, loop)
    except BaseException:
        journal.close()
        raise
    return Workspace(path, dataset, journal, session, settings)


def _fitting(settings: Settings, flags: Mapping[str, Any], dataset: Dataset) -> Settings:
    """Refuse a batch that was asked for and is larger than the pool; cut any other to fit."""
    if settings.batch_size <= len(dataset):
        return settings
    if flags.get("batch_size") is None:
        return replace(settings, batch_size=len(dataset))
    raise UsageError(
        f"--batch-size {settings.batch_size} is larger than the pool of {len(dataset)} items. "
        "Give a smaller one."
    )


def _shown(value: object) -> str:
    if value is None:
        return "all items"
    if isinstance(value, Sequence) and not isinstance(value, str):
        more = ",..." if len(value) > 20 else ""
        return ",".join(map(str, value[:20])) + more
    return str(value)
