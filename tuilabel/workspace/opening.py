"""Opening a session: its source, its journal and the loop over both."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from tuilabel.errors import SessionFileError, SourceError, UsageError
from tuilabel.journal import (
    Annotator,
    Event,
    EventKind,
    Journal,
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
    dataset = _open_dataset(_source(options), options, progress)
    if needs_truth and dataset.truth is None:
        raise SourceError(
            f"{shown_path(dataset.source)} has no ground truth, which a demo labels with. "
            "Choose digits, mnist or an .npz file with labels."
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
    journal = Journal.create(path, info)
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
        return _open_dataset(source, options, progress)
    except SourceError as error:
        if session_path(source) == session_path(info.source):
            raise
        raise SessionFileError(
            f"{path} was made for {info.source} with the classes {_shown(info.class_names)}, and "
            f"cannot be opened with {source}: {error}"
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
    if value is None:
        return "all items"
    if isinstance(value, Sequence) and not isinstance(value, str):
        more = ",..." if len(value) > 20 else ""
        return ",".join(map(str, value[:20])) + more
    return str(value)
