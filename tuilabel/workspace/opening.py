"""Opening a session: its source, its journal and the loop over both."""

from __future__ import annotations

import os
import shlex
import uuid
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
from tuilabel.events.payloads import About, Opened
from tuilabel.events.payloads import Window as WindowSet
from tuilabel.journal.description import LOGS, create_session, is_session
from tuilabel.journal.journal import Journal
from tuilabel.session.class_changes import MOST_CLASSES, add
from tuilabel.session.classes import Classes, normal_name
from tuilabel.session.summary import summarise
from tuilabel.session.values import Annotator
from tuilabel.session.view import SessionView
from tuilabel.settings import Settings, resolve
from tuilabel.text import LONGEST_PATH, counted, disputed_text, inert, shown_path
from tuilabel.workspace.places import (
    FIRST_SOURCE,
    SUFFIX,
    cache_dir,
    data_dir,
    is_folder,
    is_gone,
    last_session,
    own_session,
    remember,
    session_path,
    session_paths,
    source_name,
)
from tuilabel.workspace.writing import DiskBusyError, Writer

if TYPE_CHECKING:
    from tuilabel.data import Dataset
    from tuilabel.progress import Progress
    from tuilabel.session import Session

_NEARLY_ALL = 0.9


class SourceOptions(NamedTuple):
    """The options about the source on the command line; None for those not given."""

    source: str | None = None
    classes: tuple[str, ...] | None = None
    pool: int | None = None
    test: int | None = None


@dataclass(eq=False)
class Workspace:
    """An opened dataset, its journal and the loop over both.

    Attributes
    ----------
    writer : Writer
        Appends to the journal while somebody labels.
    copied : (int, Path, str) or None
        The newest copy of the session: the number of events in it, its folder, a sentence.
    """

    path: Path
    dataset: Dataset
    journal: Journal
    session: Session
    settings: Settings

    def __post_init__(self) -> None:
        self.writer = Writer(self.journal)
        self.copied: tuple[int, Path, str] | None = None

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
            labels += f", accuracy {found.text}{disputed_text(self.session.audit_disputes)}"
        gone = counted(self.session.missing, "answered image is", "answered images are")
        missing = f" {gone} no longer in the source." if self.session.missing else ""
        return f"{labels}; saved in {shown_path(self.path)}.{missing}"

    def saved(self) -> str:
        """Return a sentence about the labels on disk, for after a crash."""
        where = shown_path(self.path)
        try:
            count = self.writer.run(lambda: summarise(SessionView(self.path))["labels"], 2.0)
        except DiskBusyError:
            return f"Its disk does not answer, so it is not known which labels are in {where}."
        except SessionFileError as error:
            return f"The saved labels cannot be read: {inert(str(error), LONGEST_PATH)}"
        return f"{counted(count, 'label is', 'labels are')} saved in {where}."

    def close(self) -> None:
        """Close the journal, unless its disk was given up, and end the thread that appends."""
        self.writer.end()
        if not self.writer.is_stuck:
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
    is_open: Callable[[str], bool] | None = None,
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
        The session; by default the one that belongs to the source.
    progress : callable, optional
        Called with the progress of reading or downloading the source.
    check : callable, optional
        Raises an error if the source cannot be labelled with these settings; then no session is
        created.
    is_open : callable, optional
        Asks whether the annotator's window on a host is still open, see `Session`.

    Raises
    ------
    SourceError, DownloadError, SessionFileError, UsageError
    """
    if path is None and options.source is None:
        path = last_session()
    is_named = path is not None
    if path is None:
        path = own_session(_source(options), options.pool, options.test)
    if os.path.lexists(path):
        workspace = _resume(path, options, flags, progress, check, is_open)
    else:
        _refuse_one_class(_source(options), options.classes)
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
    _refuse_session(_source(options))
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
    _refuse_one_class(dataset.source, dataset.class_names)
    if check is not None:
        check(dataset, settings)
    settings = _fitting(settings, flags, dataset)
    about = About(
        uuid=uuid.uuid4().hex,
        source=source_name(dataset.source),
        seed=settings.seed,
        audit=settings.audit,
        pool=options.pool,
        test=options.test,
    )
    create_session(path, about)
    return _assemble(path, dataset, settings)


def _refuse_session(source: str) -> None:
    # A folder of images may have a file of the name `session.json`, but hardly logs beside it.
    path = Path(source)
    if is_session(path) and (path / LOGS).is_dir():
        command = shlex.join(["tuilabel", "label", "--session", source])
        raise UsageError(
            f"{shown_path(source)} is a session, not a source of images. "
            f"`{shown_path(command)}` continues it."
        )


def _refuse_one_class(source: str, names: Sequence[str] | None) -> None:
    if names is not None and len(names) == 1:
        raise UsageError(
            f"{shown_path(source)} would have a single class, {inert(names[0])!r}: name at least "
            "two classes with --classes."
        )


def _offer_moved(source: str, options: SourceOptions, progress: Progress | None) -> None:
    """Raise an error if the images are those of a session whose folder is gone: it was renamed.

    A folder that only shares some of the images is another one.
    """
    if not is_folder(source):
        return
    known: set[str] | None = None
    for view, folder in _without_folder():
        labelled = {item for item, standing in view.known.items() if standing.class_id}
        size = 0 if view.opened is None else view.opened.items
        if known is None:
            # The session has the names of the classes, so they need not be given.
            classes = options.classes or ("image",)
            known = set(_open_dataset(source, options._replace(classes=classes), progress).ids)
        there = min(len(known), view.about.pool or len(known))
        is_alike = size <= 2 * there <= 4 * size
        if labelled and is_alike and len(labelled & known) >= _NEARLY_ALL * len(labelled):
            command = shlex.join(["tuilabel", "label", source, "--session", str(view.path)])
            raise UsageError(
                f"The images in {shown_path(source)} belong to a session with "
                f"{counted(len(labelled), 'label')} for {shown_path(folder)}, which is gone. "
                f"Continue it with `{shown_path(command)}`, or start another with --session FOLDER."
            )


def _without_folder() -> Iterator[tuple[SessionView, Path]]:
    """Yield each session whose folder is gone, and the folder."""
    for path in session_paths():
        try:
            view = SessionView(path)
        except (OSError, TuilabelError):
            continue
        if is_gone(view.source):
            yield view, Path(view.source)


def _resume(
    path: Path,
    options: SourceOptions,
    flags: Mapping[str, Any],
    progress: Progress | None,
    check: Callable[[Dataset, Settings], object] | None,
    is_open: Callable[[str], bool] | None,
) -> Workspace:
    view = SessionView(path)
    about, classes = view.about, view.known.classes
    added = () if options.classes is None else _new_classes(path, classes, options.classes)
    given: dict[str, tuple[object, object]] = {
        "--pool": (options.pool, about.pool),
        "--test": (options.test, about.test),
        "--seed": (flags.get("seed"), about.seed),
        "--audit": (flags.get("audit"), about.audit),
    }
    for option, (wanted, fixed) in given.items():
        if wanted is not None and wanted != fixed:
            made = f"with {option} {_shown(fixed)}, not {_shown(wanted)}"
            if fixed is None:
                made = f"without {option}, not with {option} {_shown(wanted)}"
            raise SessionFileError(
                f"{path} was made {made}. "
                f"Leave out {option}, or start another session with --session FOLDER."
            )
    settings = resolve(flags, _stored(view))
    dataset = _open_dataset_of(view, options.source, progress)
    if check is not None:
        check(dataset, settings)
    workspace = _assemble(path, dataset, _fitting(settings, flags, dataset), view, is_open)
    for name in added:
        workspace.session.add_class(name, by=workspace.annotator)
    return workspace


def _new_classes(path: Path, classes: Classes, given: Sequence[str]) -> list[str]:
    """Return the names of an option that no class of the session has, not even a retired one.

    Raises
    ------
    SessionFileError
        The option lacks a name of the session: it may mean a class to rename or to merge.
    """
    names = list(dict.fromkeys(map(normal_name, given)))
    known = {info.name for info in classes.every()}
    new = [name for name in names if name not in known]
    lacking = next((info.name for info in classes if info.name not in names), None)
    if lacking is None:
        for name in new:
            add(classes, name)
        return new
    where = f"tuilabel classes {shlex.quote(shown_path(path))}"
    found = f"{shown_path(path)} has the class `{lacking}`, which --classes lacks."
    if not new:
        raise SessionFileError(
            f"{found} Leave out --classes, or retire the class with "
            f"`{where} retire {shlex.quote(lacking)}`."
        )
    raise SessionFileError(
        f"{found} Leave out --classes, rename the class with "
        f"`{where} rename {shlex.quote(lacking)} {shlex.quote(new[0])}`, or merge it into another "
        f"with `{where} merge {shlex.quote(lacking)} OTHER`."
    )


def stored_settings(path: Path) -> dict[str, Any]:
    """Return the settings that a session was last opened with.

    Raises
    ------
    SessionFileError
        It cannot be read as a session.
    """
    return _stored(SessionView(path))


def _stored(view: SessionView) -> dict[str, Any]:
    opened: Opened | None = view.opened
    settings = {} if opened is None else opened.settings
    return {**settings, "seed": view.about.seed, "audit": view.about.audit}


def open_dataset_of(view: SessionView, progress: Progress | None = None) -> Dataset:
    """Open the source that a session was made for.

    Raises
    ------
    SourceError
        It no longer exists, or cannot be read.
    """
    return _open_dataset_of(view, None, progress)


def _open_dataset_of(view: SessionView, source: str | None, progress: Progress | None) -> Dataset:
    """Open the source that a session is resumed with."""
    names = view.known.classes.names_of_source()[:MOST_CLASSES]
    options = SourceOptions(None, tuple(names) or None, view.about.pool, view.about.test)
    if source is None and is_gone(view.source):
        command = shlex.join(["tuilabel", "label", "NEW", "--session", str(view.path)])
        raise SourceError(
            f"{shown_path(view.source)}, the source of the session, is gone: put it back or, if it "
            f"has a new name, run `{shown_path(command)}`."
        )
    source = view.source if source is None else source
    try:
        return _open_dataset(source, options, progress, view.window)
    except SourceError as error:
        if session_path(source) == session_path(view.source):
            raise
        raise SessionFileError(
            f"{view.path} was made for {view.source} with the classes {_shown(names)}, and "
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


def _assemble(
    path: Path,
    dataset: Dataset,
    settings: Settings,
    view: SessionView | None = None,
    is_open: Callable[[str], bool] | None = None,
) -> Workspace:
    from tuilabel.session import LoopSettings, Session

    known = asdict(settings)
    loop = LoopSettings(**{name: known[name] for name in LoopSettings.__dataclass_fields__})
    reader = None if view is None else view.reader
    journal = Journal(path, settings.annotator, dataset.source, reader=reader)
    record = None if view is None else view.record
    try:
        session = Session(dataset, journal, loop, Annotator(settings.annotator), record, is_open)
        if dataset.window is not None and (view is None or view.window is None):
            journal.append([WindowSet(*dataset.window)], settings.annotator)
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
