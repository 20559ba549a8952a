"""Opening a session: its source, its journal and the loop over both."""

from __future__ import annotations

import os
import shlex
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from tuilabel.errors import (
    SessionFileError,
    SourceError,
    TuilabelError,
    UnnamedClassesError,
    UsageError,
)
from tuilabel.events.payloads import About, Answer, Label, LabelSet, Opened
from tuilabel.journal.description import create_session, is_session
from tuilabel.journal.journal import Journal
from tuilabel.journal.store import LOGS
from tuilabel.plugins import exists, place_of, source_options, split_source
from tuilabel.session.class_changes import MOST_CLASSES, add
from tuilabel.session.classes import Classes, normal_name
from tuilabel.session.summary import summarise
from tuilabel.session.values import Annotator
from tuilabel.session.view import SessionView
from tuilabel.settings import Settings, resolve
from tuilabel.small_files import open_regular
from tuilabel.text import (
    LONGEST_PATH,
    carry_text,
    changed_text,
    counted,
    disputed_text,
    inert,
    shown_path,
)
from tuilabel.workspace.guesses import record_at_start, record_when_read
from tuilabel.workspace.multi import FORMAT as MULTI_FORMAT
from tuilabel.workspace.multi import check_options, check_resumed, check_source
from tuilabel.workspace.places import (
    COPIES,
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
from tuilabel.workspace.yesno import check_resumed as check_yesno
from tuilabel.workspace.yesno import first_keys, open_for_two

if TYPE_CHECKING:
    from tuilabel.data import Dataset
    from tuilabel.progress import Progress
    from tuilabel.session import Session
    from tuilabel.workspace.reading import SourceReading

_NEARLY_ALL = 0.9
_KNOWN_BY = 50


class SourceOptions(NamedTuple):
    """The options about the source on the command line; None for those not given."""

    source: str | None = None
    classes: tuple[str, ...] | None = None
    pool: int | None = None
    test: int | None = None
    watch: bool = False
    yesno: bool = False
    multi: bool = False


@dataclass(eq=False)
class Workspace:
    """An opened dataset, its journal and the loop over both.

    Attributes
    ----------
    reading : SourceReading or None
        Reads the source while somebody labels; None if it was read whole.
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
    reading: SourceReading | None = None

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
        same, others = self.session.same, self.session.changed - self.session.same
        if same:
            missing += f" {carry_text(same, carry_command(self.path))}"
        if others:
            missing += f" {changed_text(others)}"
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
        """Read no more, end the thread that appends, and close the journal unless it is stuck."""
        if self.reading is not None:
            self.reading.stop()
        self.writer.end()
        if not self.writer.is_stuck:
            self.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def carry_command(path: Path) -> str:
    """Return the command that keeps labels of files whose metadata changed, as it is shown."""
    return f"`tuilabel carry {shlex.quote(shown_path(path))}`"


def open_workspace(
    options: SourceOptions,
    flags: Mapping[str, Any],
    *,
    path: Path | None = None,
    progress: Progress | None = None,
    check: Callable[[Dataset, Settings], object] | None = None,
    is_open: Callable[[str], bool] | None = None,
    reads_on: bool = False,
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
    reads_on : bool
        Whether the files of a folder may be read while somebody labels, instead of before.

    Raises
    ------
    SourceError, DownloadError, SessionFileError, UsageError
    """
    if path is None and options.source is None:
        path = last_session()
    is_named = path is not None
    if path is None:
        path = own_session(_source(options), options.pool, options.test)
    if os.path.lexists(path) or is_session(path):
        workspace = _resume(path, options, flags, progress, check, is_open, reads_on)
    else:
        _refuse_one_class(_source(options), options.classes)
        if not is_named:
            _offer_moved(_source(options))
        workspace = _start(path, options, flags, progress, check, reads_on=reads_on)
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
    reads_on: bool = False,
) -> Workspace:
    _refuse_session(_source(options))
    settings = resolve(flags)
    check_options(multi=options.multi, yesno=options.yesno)
    if flags.get("yesno_keys") is not None and not options.yesno:
        raise UsageError("--yesno-keys sets the keys of --yesno: add --yesno, or leave it out.")
    no_truth = SourceError(
        f"{shown_path(_source(options))} has no ground truth, which a demo labels with. "
        "Choose digits, mnist, an .npz file with labels or, with --folders truth, class folders."
    )
    try:
        # Labels are known by the content of the files, and counted from the first batch on.
        are_labels = source_options(_source(options)).get("folders") == "labels"
        seed = settings.seed if reads_on and not are_labels else None

        def opened(classes: Sequence[str] | None) -> Dataset:
            named = options._replace(classes=None if classes is None else tuple(classes))
            return _open_dataset(_source(options), named, progress, seed=seed)

        dataset = (open_for_two if options.yesno else _open_as_named)(opened, options.classes)
    except UnnamedClassesError as error:
        raise (no_truth if needs_truth else error) from None
    if needs_truth and dataset.truth is None:
        raise no_truth
    _refuse_one_class(dataset.source, dataset.class_names)
    if options.multi:
        check_source(dataset)
    if check is not None:
        check(dataset, settings)
    settings = _fitting(settings, flags, dataset, options)
    _refuse_watching(options, dataset, options.pool)
    about = About(
        uuid=uuid.uuid4().hex,
        source=source_name(dataset.source),
        seed=settings.seed,
        audit=settings.audit,
        pool=options.pool,
        test=options.test,
        format=MULTI_FORMAT if options.multi else 1,
        multi=options.multi,
    )
    reading = _begun(dataset, options)
    create_session(path, about)
    keys = settings.yesno_keys if options.yesno else ""
    return _assemble(path, dataset, settings, reading, keys=keys)


def _open_as_named(
    opener: Callable[[Sequence[str] | None], Dataset], given: Sequence[str] | None
) -> Dataset:
    return opener(given)


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


def _offer_moved(source: str) -> None:
    """Raise an error if the images are those of a session whose folder is gone: it was renamed.

    A folder that only shares some of the images is another one. No image is decoded.
    """
    if not is_folder(source):
        return
    files: set[str] | None = None
    for view, folder in _without_folder():
        if files is None:
            from tuilabel.data.listing import scan

            files = {key.path for key in scan(Path(source).expanduser().resolve())[0]}
        labelled = list(_newest_answers(view))
        size = 0 if view.opened is None else view.opened.items
        there = min(len(files), view.about.pool or len(files))
        same = sum(_is_at(Path(source).expanduser(), files, answer) for answer in labelled)
        if labelled and size <= 2 * there <= 4 * size and same >= _NEARLY_ALL * len(labelled):
            command = shlex.join(["tuilabel", "label", source, "--session", str(view.path)])
            raise UsageError(
                f"The images in {shown_path(source)} belong to a session with "
                f"{counted(view.known.labels_held, 'label')} for {shown_path(folder)}, which is "
                f"gone. Continue it with `{shown_path(command)}`, or start another with --session "
                "FOLDER."
            )


def _newest_answers(view: SessionView) -> Iterator[Answer]:
    """Yield the newest labels of a session that stand, as many as are needed to know its files."""
    for event in islice(view.newest(), _KNOWN_BY):
        answer = event.payload
        if isinstance(answer, Label | LabelSet):
            yield answer


def _is_at(root: Path, files: Collection[str], answer: Answer) -> bool:
    """Return whether the image of an answer is still in a file of its name."""
    from tuilabel.data.item_ids import file_digest

    for name in set(answer.references) & set(files):
        with suppress(OSError), os.fdopen(open_regular(root / name), "rb") as file:
            if answer.item == f"f1:{file_digest(file).hex()}":
                return True
    return False


def _is_strange(view: SessionView, dataset: Dataset) -> bool:
    """Return whether no file of a folder has the name of an image that was answered."""
    named = {name for answer in _newest_answers(view) for name in answer.references}
    there = (name for row in range(len(dataset)) for name in dataset.references(row))
    return bool(named) and named.isdisjoint(there)


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
    reads_on: bool,
) -> Workspace:
    view = SessionView(path)
    about, classes = view.about, view.known.classes
    added = []
    if next(classes.every(), None) is None:
        _refuse_one_class(view.source, options.classes)
    elif options.classes is not None:
        added = _new_classes(path, classes, options.classes)
    given: dict[str, tuple[object, object]] = {
        "--pool": (options.pool, about.pool),
        "--test": (options.test, about.test),
        "--seed": (flags.get("seed"), about.seed),
        "--audit": (flags.get("audit"), about.audit),
        "--yesno-keys": (flags.get("yesno_keys"), first_keys(classes) or None),
    }
    check_options(multi=options.multi or about.multi, yesno=options.yesno)
    check_resumed(path, about, options.multi)
    if options.yesno:
        check_yesno(path, classes)
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
    dataset = _open_dataset_of(view, options, progress, reads_on=reads_on)
    _refuse_watching(options, dataset, about.pool)
    if check is not None:
        check(dataset, settings)
    settings = _fitting(settings, flags, dataset, options)
    workspace = _assemble(path, dataset, settings, _begun(dataset, options), view, is_open)
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
    keys = first_keys(view.known.classes) or None
    return {**settings, "seed": view.about.seed, "audit": view.about.audit, "yesno_keys": keys}


def open_dataset_of(view: SessionView, progress: Progress | None = None) -> Dataset:
    """Open the source that a session was made for.

    Raises
    ------
    SourceError
        It no longer exists, or cannot be read.
    """
    return _open_dataset_of(view, SourceOptions(), progress)


def _open_dataset_of(
    view: SessionView, given: SourceOptions, progress: Progress | None, *, reads_on: bool = False
) -> Dataset:
    """Open the source that a session is resumed with."""
    source, names = given.source, view.known.classes.names_of_source()[:MOST_CLASSES]
    # The first process may have been killed, or its log lost, before it had named any.
    classes = tuple(names) or given.classes
    options = SourceOptions(None, classes, view.about.pool, view.about.test)
    if source is None and not view.record.begun and not exists("sources", view.source):
        command = shlex.join(["tuilabel", "label", "SOURCE", "--session", str(view.path)])
        raise SourceError(
            f"No log of {shown_path(view.path)} says where its source is, {inert(view.source)}: "
            f"run `{shown_path(command)}`."
        )
    if source is None and is_gone(view.source):
        is_copy = Path(place_of(view.source)).is_relative_to(cache_dir() / COPIES)
        new = "URL" if is_copy else "NEW"
        command = shlex.join(["tuilabel", "label", new, "--session", str(view.path)])
        if is_copy:
            raise SourceError(
                f"{shown_path(view.source)}, the copy that the session was made for, was removed "
                f"from the cache. Copy the files again with `{shown_path(command)}`."
            )
        raise SourceError(
            f"{shown_path(view.source)}, the source of the session, is gone: put it back or, if it "
            f"has a new name, run `{shown_path(command)}`."
        )
    source = view.source if source is None else source
    try:
        seed = view.about.seed if reads_on else None
        moved = view.record.moved
        dataset = _open_dataset(source, options, progress, view.window, seed, moved)
        if dataset.reading is not None and not given.watch and _is_strange(view, dataset):
            # Perhaps every file was renamed: the contents decide. A folder that is watched may
            # be emptied as it is filled.
            dataset = _open_dataset(source, options, progress, view.window, moved=moved)
        return dataset
    except UnnamedClassesError as error:
        where = shlex.quote(shown_path(view.path))
        raise SessionFileError(
            f"No log of {shown_path(view.path)} names its classes: name them with --classes, such "
            f"as --classes cat,dog, or see with `tuilabel check {where}` what is missing."
        ) from error
    except SourceError as error:
        if session_path(source) == session_path(view.source):
            raise
        made = f" with the classes {_shown(names)}" if names else ""
        raise SessionFileError(
            f"{view.path} was made for {view.source}{made}, and cannot be opened with {source}: "
            f"{error}"
        ) from error


def _open_dataset(
    source: str,
    options: SourceOptions,
    progress: Progress | None,
    window: tuple[float, float] | None = None,
    seed: int | None = None,
    moved: Mapping[str, str] | None = None,
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
        seed=seed,
        moved=moved,
    )


def _refuse_watching(options: SourceOptions, dataset: Dataset, pool: int | None) -> None:
    if options.watch and dataset.reading is None:
        raise UsageError(
            "--watch looks for files that arrive in a folder while you label on the screen: leave "
            f"it out for {shown_path(dataset.source)}, and with --line."
        )
    if options.watch and split_source(dataset.source)[0] not in ("", "folder"):
        raise UsageError(
            f"--watch looks for files that arrive in a folder: leave it out for "
            f"{shown_path(dataset.source)}."
        )
    if options.watch and "frames" in source_options(dataset.source):
        raise UsageError("--watch adds files, and not their frames: leave out it or --frames.")
    if options.watch and pool is not None:
        raise UsageError(
            "--watch adds every file that arrives, and --pool takes only the first: leave out "
            "one of them."
        )


def _begun(dataset: Dataset, options: SourceOptions) -> SourceReading | None:
    """Begin to read the files of a dataset that was not read whole.

    Raises
    ------
    SourceError
        None of them is an image.
    """
    if dataset.reading is None:
        return None
    from tuilabel.data.folder_items import FolderItems
    from tuilabel.workspace.reading import SourceReading

    assert isinstance(dataset, FolderItems)
    reading = SourceReading(dataset, watches=options.watch)
    reading.start()
    return reading


def _assemble(
    path: Path,
    dataset: Dataset,
    settings: Settings,
    reading: SourceReading | None,
    view: SessionView | None = None,
    is_open: Callable[[str], bool] | None = None,
    keys: str = "",
) -> Workspace:
    from tuilabel.session import LoopSettings, Session

    known = asdict(settings)
    loop = LoopSettings(**{name: known[name] for name in LoopSettings.__dataclass_fields__})
    is_read = dataset.reading is None or not dataset.reading.unread.any()
    if dataset.guesses is not None and is_read:
        view = record_at_start(path, dataset, settings.annotator, view, keys)
    reader = None if view is None else view.reader
    journal = Journal(path, settings.annotator, dataset.source, reader=reader)
    record = None if view is None else view.record
    try:
        by = Annotator(settings.annotator)
        session = Session(dataset, journal, loop, by, record, is_open, keys)
        session.keep_window(by=Annotator(settings.annotator))
    except BaseException:
        journal.close()
        if reading is not None:
            reading.stop()
        raise
    workspace = Workspace(path, dataset, journal, session, settings, reading)
    record_when_read(workspace)
    if reading is not None:
        reading.attach(session)
        reading.wait_for_first(workspace.annotator)
    return workspace


def _fitting(
    settings: Settings, flags: Mapping[str, Any], dataset: Dataset, options: SourceOptions
) -> Settings:
    """Return settings whose batch is no larger than the pool; refuse a larger one from a flag."""
    if settings.batch_size <= len(dataset) or options.watch:
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
