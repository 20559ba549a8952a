"""Opening a session: its source, its journal and the loop over both."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from tuilabel.errors import (
    SessionFileError,
    SourceError,
    TuilabelError,
    UnnamedClassesError,
    UsageError,
)
from tuilabel.journal import (
    Annotator,
    Event,
    EventKind,
    Journal,
    Ledger,
    SessionInfo,
    read_session,
    summarise,
)
from tuilabel.settings import Settings, resolve
from tuilabel.text import LONGEST_PATH, counted, inert, shown_path
from tuilabel.workspace.places import (
    FIRST_SOURCE,
    SUFFIX,
    cache_dir,
    data_dir,
    last_session,
    remember,
    session_path,
)
from tuilabel.workspace.recent import session_files

if TYPE_CHECKING:
    from tuilabel.data import Dataset
    from tuilabel.progress import Progress
    from tuilabel.session import Session


class SourceOptions(NamedTuple):
    """The options about the source on the command line; None for those not given."""

    source: str | None = None
    classes: tuple[str, ...] | None = None
    pool: int | None = None
    test: int | None = None


@dataclass(eq=False)
class Workspace:
    """An opened dataset, its journal and the loop over both."""

    path: Path
    dataset: Dataset
    journal: Journal
    session: Session
    settings: Settings

    @property
    def annotator(self) -> Annotator:
        """The person who labels, as the settings name them."""
        return Annotator(self.settings.annotator)

    def outcome(self) -> str:
        """Return a line about the labels and where they are."""
        count = self.session.labels
        labels = counted(count, "label")
        if self.session.curve:
            found = self.session.curve[-1].accuracy
            labels += f", accuracy {found.text}"
        return f"{labels}; saved in {shown_path(self.path)}."

    def saved(self) -> str:
        """Return a sentence about the labels on disk, for after a crash."""
        where = shown_path(self.path)
        try:
            count = summarise(*read_session(self.path))["labels"]
        except SessionFileError as error:
            return f"The saved labels cannot be read: {inert(str(error), LONGEST_PATH)}"
        return f"{counted(count, 'label is', 'labels are')} saved in {where}."

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
    """Open a session with its source, and create the session if it does not exist.

    Parameters
    ----------
    options : SourceOptions
        Without a source, that of the session. Without a session either, the last session, or
        `FIRST_SOURCE` if there is none.
    flags : mapping
        Settings given on the command line, None for those not given.
    path : Path, optional
        The session file; by default the one that belongs to the source.
    progress : callable, optional
        Called with the progress of reading or downloading the source.
    check : callable, optional
        Raises an error if the source cannot be labelled with these settings; then no session is
        created.

    Raises
    ------
    SourceError, DownloadError, SessionFileError, UsageError
    """
    if path is None and options.source is None:
        path = last_session()
    is_named = path is not None
    if path is None:
        path = session_path(_source(options), options.pool, options.test)
    if os.path.lexists(path):
        workspace = _resume(path, options, flags, progress, check)
    else:
        if not is_named:
            _offer_moved(_source(options), options, progress)
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
    """Create a session for a demo, apart from the annotator's own.

    Raises
    ------
    SourceError
        The source has no ground truth. Other errors are those of `open_workspace`.
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
    no_truth = SourceError(
        f"{shown_path(_source(options))} has no ground truth, which a demo labels with. "
        "Choose digits, mnist or an .npz file with labels."
    )
    try:
        dataset = _open_dataset(_source(options), options, progress)
    except UnnamedClassesError as error:
        raise (no_truth if needs_truth else error) from None
    if needs_truth and dataset.truth is None:
        raise no_truth
    if len(dataset.class_names) < 2:
        raise UsageError(
            f"{shown_path(dataset.source)} would have a single class, "
            f"{dataset.class_names[0]!r}: name at least two classes with --classes."
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
        window=dataset.window,
    )
    journal = Journal.create(path, info)
    return _assemble(path, dataset, journal, settings)


def _offer_moved(source: str, options: SourceOptions, progress: Progress | None) -> None:
    """Raise an error if the images are those of a session whose folder is gone: it was renamed."""
    if not _is_folder(source):
        return
    known: set[str] | None = None
    for path, folder, labelled, size in _without_folder():
        if known is None:
            # The session has the names of the classes, so they need not be given.
            classes = options.classes or ("image",)
            known = set(_open_dataset(source, options._replace(classes=classes), progress).ids)
        # A folder that only shares some images with it is another.
        is_alike = size <= 2 * len(known) <= 4 * size
        if is_alike and 2 * len(labelled & known) >= len(labelled):
            command = shlex.join(["tuilabel", "label", source, "--session", str(path)])
            raise UsageError(
                f"The images in {shown_path(source)} belong to a session with "
                f"{counted(len(labelled), 'label')} for {shown_path(folder)}, which is gone. "
                f"Continue it with `{shown_path(command)}`, or start another with --session FILE."
            )


def _without_folder() -> Iterator[tuple[Path, Path, set[str], int]]:
    """Yield each session with labels whose folder is gone.

    With its path, the folder, the labelled items, and the number of all items.
    """
    for file in session_files():
        try:
            info, events = read_session(file.path)
        except (OSError, TuilabelError):
            continue
        folder, ledger = Path(info.source), Ledger.of(events)
        labelled = {str(event.item) for event in ledger.labels()}
        size = summarise(info, events)["pool_left"] or 0
        size += len(labelled) + ledger.skips_held
        if labelled and folder.is_absolute() and not os.path.lexists(folder):
            yield file.path, folder, labelled, size


def _is_folder(source: str) -> bool:
    try:
        return Path(source).expanduser().is_dir()
    except (OSError, RuntimeError, ValueError):
        return False


def _resume(
    path: Path,
    options: SourceOptions,
    flags: Mapping[str, Any],
    progress: Progress | None,
    check: Callable[[Dataset, Settings], object] | None,
) -> Workspace:
    info, events = read_session(path)
    classes = options.classes and tuple(inert(name.strip()) for name in options.classes)
    given: dict[str, tuple[object, object]] = {
        "--classes": (classes, info.class_names),
        "--pool": (options.pool, info.pool),
        "--test": (options.test, info.test),
        "--seed": (flags.get("seed"), info.seed),
        "--audit": (flags.get("audit"), info.audit),
    }
    for option, (wanted, fixed) in given.items():
        if wanted is not None and wanted != fixed:
            made = f"with {option} {_shown(fixed)}, not {_shown(wanted)}"
            if fixed is None:
                made = f"without {option}, not with {option} {_shown(wanted)}"
            raise SessionFileError(
                f"{path} was made {made}. "
                f"Leave out {option}, or start another session with --session FILE."
            )
    settings = resolve(flags, _stored(info, events))
    fixed_options = SourceOptions(options.source, info.class_names, info.pool, info.test)
    journal = Journal(path)
    try:
        dataset = _open_dataset_of(path, info, fixed_options, progress)
        if check is not None:
            check(dataset, settings)
        settings = _fitting(settings, flags, dataset)
        if info.window is None and dataset.window is not None:
            journal.keep_window(dataset.window)
        return _assemble(path, dataset, journal, settings)
    except BaseException:
        journal.close()
        raise


def stored_settings(path: Path) -> dict[str, Any]:
    """Return the settings that a session was last opened with.

    Raises
    ------
    SessionFileError
        The file cannot be read as a session.
    """
    return _stored(*read_session(path))


def _stored(info: SessionInfo, events: Sequence[Event]) -> dict[str, Any]:
    opened = next((event.body for event in reversed(events) if event.kind is EventKind.OPEN), {})
    return {**opened, "seed": info.seed, "audit": info.audit}


def open_dataset_of(path: Path, info: SessionInfo, progress: Progress | None = None) -> Dataset:
    """Open the source that a session was made for.

    Raises
    ------
    SourceError
        It no longer exists, or cannot be read.
    """
    options = SourceOptions(info.source, info.class_names, info.pool, info.test)
    return _open_dataset_of(path, info, options, progress)


def _open_dataset_of(
    path: Path, info: SessionInfo, options: SourceOptions, progress: Progress | None
) -> Dataset:
    """Open the source that a session is resumed with."""
    source = info.source if options.source is None else options.source
    try:
        return _open_dataset(source, options, progress, info.window)
    except SourceError as error:
        if session_path(source) == session_path(info.source):
            raise
        raise SessionFileError(
            f"{path} was made for {info.source} with the classes {_shown(info.class_names)}, and "
            f"cannot be opened with {source}: {error}"
        ) from error


def _open_dataset(
    source: str,
    options: SourceOptions,
    progress: Progress | None,
    window: tuple[float, float] | None = None,
) -> Dataset:
    from tuilabel.data import Window, open_dataset

    return open_dataset(
        source,
        classes=options.classes,
        pool=options.pool,
        test=options.test,
        window=None if window is None else Window(*window),
        cache_dir=cache_dir(),
        progress=progress,
    )


def _assemble(path: Path, dataset: Dataset, journal: Journal, settings: Settings) -> Workspace:
    from tuilabel.session import LoopSettings, Session

    known = asdict(settings)
    loop = LoopSettings(**{name: known[name] for name in LoopSettings.__dataclass_fields__})
    try:
        session = Session(dataset, journal, loop, Annotator(settings.annotator))
    except BaseException:
        journal.close()
        raise
    return Workspace(path, dataset, journal, session, settings)


def _fitting(settings: Settings, flags: Mapping[str, Any], dataset: Dataset) -> Settings:
    """Return settings whose batch is no larger than the pool; refuse a larger one from a flag."""
    if settings.batch_size <= len(dataset):
        return settings
    if flags.get("batch_size") is None:
        return replace(settings, batch_size=len(dataset))
    raise UsageError(
        f"--batch-size {settings.batch_size} is larger than the pool of "
        f"{counted(len(dataset), 'item')}. Give a smaller one."
    )


def _shown(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        more = ",..." if len(value) > 20 else ""
        return ",".join(map(str, value[:20])) + more
    return str(value)
