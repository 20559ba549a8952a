"""The command that exports labels, to a file or as class folders."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, cast

import click

from tuilabel.commands.options import one_of, session_argument
from tuilabel.commands.progress import ProgressLine
from tuilabel.commands.text import say
from tuilabel.errors import ExportError, SourceError, UsageError
from tuilabel.exchange import ORIGINS, FolderWriter, format_of, writer
from tuilabel.exchange.choosing import PATH_FORMS, SPLIT, Counts, Filter
from tuilabel.plugins import GROUPS, check
from tuilabel.text import LONGEST_PATH, counted, inert, shown_path

if TYPE_CHECKING:
    from tuilabel.data.places import Places
    from tuilabel.exchange.manifest import Entry
    from tuilabel.exchange.placement import Placement
    from tuilabel.exchange.placing import Outcome
    from tuilabel.exchange.splitting import Split
    from tuilabel.session.view import SessionView

FOLDERS = "folders"
"""The format that is no file."""

_MODES = ("copy", "hardlink", "symlink", "move")
_MOST_NAMED = 3

_OF_IMAGE_FOLDER = frozenset(
    [".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"]
)
"""The endings of the files that torchvision's ImageFolder takes for images."""


def _share(ctx: click.Context, parameter: click.Parameter, value: float) -> float:
    if not 0 <= value <= 1:
        raise UsageError(f"--min-probability {value:g} is out of range: use a number from 0 to 1.")
    return value


@click.command("export")
@session_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="OUT",
    default="-",
    show_default=True,
    help="File or, for formats of folders, new folder to write; - for standard output.",
)
@click.option(
    "--format",
    "format_",
    **one_of([*GROUPS["writers"].built_in, FOLDERS], "writers"),
    help="Format; `folders` places the files in folders named like their classes.  [default: the "
    "ending of OUT, or csv]",
)
@click.option(
    "--origin",
    type=click.Choice(ORIGINS),
    multiple=True,
    help="Export only labels of this origin; repeat it for several.  [default: all]",
)
@click.option(
    "--annotator",
    metavar="NAME",
    multiple=True,
    help="Export only labels of this annotator; repeat it for several.  [default: all]",
)
@click.option(
    "--min-probability",
    type=float,
    metavar="P",
    default=0.0,
    callback=_share,
    help="Leave out labels with a lower probability, such as auto-labels.",
)
@click.option(
    "--all-answers",
    is_flag=True,
    help="Write what each annotator answered, not the label in effect.",
)
@click.option(
    "--split",
    "shares",
    metavar="train=0.8,...",
    help="Divide the images into parts with these shares. The part of an image depends on its "
    "content alone.",
)
@click.option(
    "--columns",
    metavar="FIELD=NAME,...",
    help="Write these fields only, in this order and under these names, such as "
    "path=filename,class=label.",
)
@click.option(
    "--paths",
    type=click.Choice(PATH_FORMS),
    default=PATH_FORMS[0],
    show_default=True,
    help="Write paths from the folder of the source, absolute paths, or names without folders.",
)
@click.option(
    "--no-source",
    is_flag=True,
    help="Write the names of labelling time, without looking for the images.",
)
@click.option(
    "--package",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="With camtrap-dp: a folder with a datapackage.json and deployments.csv of the project.",
)
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@click.option(
    "--files",
    type=click.Choice(_MODES),
    help="With class folders: how a file gets into its folder.  [default: copy]",
)
@click.option(
    "--update",
    is_flag=True,
    help="With class folders: make of OUT what a first export would be.",
)
@click.option(
    "--undo",
    type=click.Path(),
    metavar="MANIFEST",
    help="Take class folders back that have this manifest.",
)
def export(session: str | None, undo: str | None, **options: Any) -> None:
    """Export labels.

    F is a session or the source it was made for; by default the last session. Each image is
    looked for in the source, by its content: it may have been renamed, moved or copied.
    """
    if undo is not None:
        _undo(session, Path(undo))
    elif options["format_"] == FOLDERS:
        _export_folders(session, **options)
    else:
        _export_file(session, **options)


def _export_file(
    session: str | None,
    *,
    output: str,
    format_: str | None,
    all_answers: bool,
    shares: str | None,
    columns: str | None,
    paths: str,
    no_source: bool,
    package: Path | None,
    force: bool,
    files: str | None,
    update: bool,
    **which: Any,
) -> None:
    from tuilabel.exchange.choosing import (
        About,
        check_annotators,
        chosen,
        parse_columns,
        shaped,
    )
    from tuilabel.exchange.foreign import form_of
    from tuilabel.exchange.guard import check_folder, guard
    from tuilabel.exchange.output import (
        check_output,
        check_output_folder,
        export_to,
        export_to_folder,
        export_to_stdout,
        has_form_of,
    )
    from tuilabel.exchange.rows import COLUMNS, label_rows
    from tuilabel.session.view import SessionView
    from tuilabel.workspace.outputs import guarded
    from tuilabel.workspace.places import find_session

    if files is not None or update:
        option = "--update" if update else "--files"
        raise UsageError(f"{option} is for class folders: add --format {FOLDERS}.")
    name = format_ or format_of(output)
    check("writers", name, FOLDERS)
    write = writer(name)
    split = _split(shares)
    path = find_session(session)
    view = SessionView(path)
    further = {
        "group": view.known.groups,
        "unknown": view.about.multi,
        "split": split,
    }
    fields = (*COLUMNS, *(name for name, is_there in further.items() if is_there))
    names = None if columns is None else parse_columns(columns, fields)
    form = form_of(write)
    if form.fields is not None and names is not None:
        raise UsageError(f"--format {name} has columns of its own: leave out --columns.")
    if all_answers and not form.answers:
        raise UsageError(
            f"--format {name} has one label for each image: leave out --all-answers, or use jsonl."
        )
    if form.images and no_source:
        raise UsageError(f"--format {name} is about image files: leave out --no-source.")
    written = names or form.fields or fields
    if split is not None and SPLIT not in written:
        why = f"--format {name} has no place for the parts of --split: choose another format"
        if names is not None:
            why = "--columns leaves out the parts of --split: add `split` to it"
        raise UsageError(f"{why}, or leave out --split.")
    check_annotators(which["annotator"], view.annotators)
    own, sources = guarded(view.source, path)
    keep = guard(own, sources)
    root = None
    if form.images or paths == "absolute":
        option = f"--format {name}" if form.images else "--paths absolute"
        root = _root(view.source, option)
    counts = Counts()

    def is_like(head: bytes) -> bool:
        return has_form_of(head, name, list(fields if names is None else names.values()))

    if package is not None and name != "camtrap-dp":
        raise UsageError("--package is for --format camtrap-dp: leave it out.")
    is_folder = form.into == "folder"
    if is_folder and (force or output == "-"):
        hint = "leave out --force" if force else "name it with -o OUT"
        raise UsageError(f"--format {name} writes a new folder: {hint}.")
    if is_folder:
        check_output_folder(Path(output))
        check_folder(Path(output).absolute(), own, root or Path(), is_listed=True)
    elif output != "-":
        check_output(Path(output), force=force, guard=keep, is_like=is_like)
    places = None if no_source else _found(view) if form.images else _places(view)
    labels = label_rows(view.labelled(all_answers=all_answers), None, places)
    progress = ProgressLine()
    classes = view.known.classes
    rows = shaped(
        chosen(labels, _filter(**which), counts),
        counts,
        fields=fields,
        columns=names,
        paths=paths,
        root=root,
        split=split,
        about=About(
            view.about.source,
            [classes.written_name(info.id) for info in classes],
            view.about.multi,
            split.names if split else (),
            paths,
            package,
            progress,
        ),
        with_files=form.images,
    )
    try:
        if output == "-":
            notes = export_to_stdout(rows, write, keep)
        elif is_folder:
            notes = export_to_folder(Path(output), rows, cast(FolderWriter, write))
        else:
            notes = export_to(Path(output), rows, write, force=force, guard=keep, is_like=is_like)
    finally:
        progress.close()
    for line in notes:
        _note(line)
    if not form.images:
        _report(view, counts, all_answers=all_answers)
    _report_choice(counts, split)
    _report_damage(view)
    lost = [own for own in fields if own not in written]
    if lost:
        why = f"{name} has no place for them" if names is None else "--columns does not name them"
        _note(f"Not written, because {why}: {', '.join(lost)}.")
    if counts.equal_names:
        rows_text = counted(counts.equal_names, "row has a name", "rows have a name")
        _note(f"{rows_text} that another image has too; --paths relative tells them apart.")


def _filter(origin: Sequence[str], annotator: Sequence[str], min_probability: float) -> Filter:
    return Filter(origin or None, annotator or None, min_probability)


def _split(shares: str | None) -> Split | None:
    from tuilabel.exchange.splitting import Split

    return None if shares is None else Split(shares)


def _root(source: str, option: str) -> Path:
    from tuilabel.data.places import files_root

    root = files_root(source)
    if root is None:
        raise UsageError(f"{shown_path(source)} has no files, which {option} would name.")
    return root.absolute()


def _report(view: SessionView, counts: Counts, *, all_answers: bool) -> None:
    """Print how many images an export could not find, and how many are disputed."""
    if counts.gone:
        images = counted(len(counts.gone), "labelled image is", "labelled images are")
        _note(f"{images} no longer in {shown_path(view.source)}; the status of each is `gone`.")
    if counts.disputed:
        images = counted(len(counts.disputed), "image is", "images are")
        empty = "" if all_answers else ", and the class of each is empty"
        _note(f"{images} disputed{empty}.")


def _report_damage(view: SessionView) -> None:
    from tuilabel.workspace.checking import damage_text

    if damage := damage_text(view.path, view.problems):
        _note(damage)


def _report_choice(counts: Counts, split: Split | None) -> None:
    for option, count in counts.left_out.items():
        _note(f"{counted(count, 'row')} left out by {option}.")
    for line in [] if split is None else split.lines():
        _note(line)


def _note(text: str) -> None:
    click.echo(text, err=True)


def _places(view: SessionView) -> Places | None:
    """Return where images are now; report a source that cannot be read, and return None."""
    try:
        return _found(view)
    except SourceError as error:
        reason = inert(str(error), LONGEST_PATH).rstrip(".")
        _note(
            f"The names are those of labelling time, because the source cannot be read: {reason}."
        )
        return None


def _found(view: SessionView, *, keep_keys: bool = False) -> Places:
    from tuilabel.data.places import find_places
    from tuilabel.workspace.places import cache_dir

    progress = ProgressLine()
    try:
        return find_places(
            view.source,
            cache_dir=cache_dir(),
            progress=progress,
            moved=view.record.moved,
            keep_keys=keep_keys,
        )
    finally:
        progress.close()


# Class folders.


def _export_folders(
    session: str | None,
    *,
    output: str,
    format_: str,
    all_answers: bool,
    shares: str | None,
    columns: str | None,
    paths: str,
    no_source: bool,
    package: Path | None,
    force: bool,
    files: str | None,
    update: bool,
    **which: Any,
) -> None:
    from tuilabel.exchange.choosing import check_annotators, chosen, shaped
    from tuilabel.exchange.class_folders import ClassFolders
    from tuilabel.exchange.guard import check_folder
    from tuilabel.exchange.placement import place_rows
    from tuilabel.exchange.rows import COLUMNS, label_rows
    from tuilabel.session.view import SessionView
    from tuilabel.workspace.moving import announce_moves
    from tuilabel.workspace.outputs import guarded
    from tuilabel.workspace.places import find_session

    unfit = {
        "--all-answers": all_answers,
        "--columns": columns is not None,
        "--paths": paths != PATH_FORMS[0],
        "--no-source": no_source,
        "--package": package is not None,
        "--force": force,
    }
    for option in (name for name, is_given in unfit.items() if is_given):
        raise UsageError(f"{option} is for files of rows: leave it out with class folders.")
    if output == "-":
        raise UsageError("Name the folder for the class folders with -o OUT.")
    split, counts = _split(shares), Counts()
    path = find_session(session)
    view = SessionView(path)
    check_annotators(which["annotator"], view.annotators)
    out = Path(output).absolute()
    root = _files_root(view.source)
    check_folder(out, guarded(view.source, path)[0], root, is_listed=_is_listed(view.source))
    folders = ClassFolders(out)
    if not update:
        folders.check_new()
        files = files or _MODES[0]
    elif folders.manifest is None:
        raise ExportError(
            f"{shown_path(out)} has no manifest of an export: leave out --update the first time."
        )
    files = files or (folders.manifest.files if folders.manifest else "") or _MODES[0]
    places = _found(view, keep_keys=True)
    labels = chosen(label_rows(view.labelled(), None, places), _filter(**which), counts)
    keys = places.keys or {}
    wanted = place_rows(
        shaped(labels, counts, fields=COLUMNS, split=split),
        root,
        files,
        times={name: (key.size, key.mtime_ns) for name, key in keys.items()},
        moved=folders.moved(),
    )

    def announce(entries: Sequence[Entry]) -> None:
        if files == "move":
            moved = (entry.path for entry in entries if entry.path in wanted.items)
            announce_moves(view, out, {path: wanted.items[path] for path in moved})

    progress = ProgressLine()
    try:
        outcome = folders.export(
            wanted,
            root,
            files,
            view.about.uuid,
            options=_as_typed(shares, **which),
            announce=announce,
            progress=progress,
        )
    finally:
        progress.close()
    say(*_outcome_lines(out, files, outcome, wanted, is_split=split is not None))
    _report_choice(counts, split)
    manifest = shlex.quote(shown_path(folders.out / _manifest_name()))
    # Where files were moved to, the session says: the last one may be another by then.
    named = f"{shlex.quote(shown_path(session or path))} " if files == "move" else ""
    say(f"`tuilabel export {named}--undo {manifest}` takes it back.")
    if outcome.taken or outcome.changed:
        click.get_current_context().exit(1)


def _as_typed(
    shares: str | None, origin: Sequence[str], annotator: Sequence[str], min_probability: float
) -> str:
    """Return the options that choose images and parts, in one form."""
    words = [f"--split {shares.replace(' ', '')}"] if shares else []
    words += [f"--origin {name}" for name in sorted(origin)]
    words += [f"--annotator {shlex.quote(name)}" for name in sorted(annotator)]
    words += [f"--min-probability {min_probability:g}"] if min_probability else []
    return " ".join(words)


def _files_root(source: str) -> Path:
    from tuilabel.data.places import files_root

    root = files_root(source)
    if root is None:
        raise ExportError(
            f"{shown_path(source)} has no files of its own: class folders are for a folder, a "
            "list, a pattern or a table of files."
        )
    return root.absolute()


def _is_listed(source: str) -> bool:
    """Return whether files that come to lie in the folder of a source are not of the source."""
    from tuilabel.plugins import split_source

    name, argument = split_source(source)
    return name in ("list", "table") or (name == "glob" and "**" not in (argument or ""))


def _manifest_name() -> str:
    from tuilabel.exchange.manifest import MANIFEST

    return MANIFEST


_DONE = {
    "copy": "copied",
    "hardlink": "hard-linked",
    "symlink": "linked",
    "move": "moved",
}


def _outcome_lines(
    out: Path, files: str, outcome: Outcome, wanted: Placement, *, is_split: bool
) -> list[str]:
    """Return what an export of class folders has done, and what it has not."""
    placed = set(outcome.placed)
    images = len(placed & wanted.items.keys())
    beside = len(placed) - images
    also = f" and {counted(beside, 'file')} beside them" if beside else ""
    lines = [f"{counted(images, 'image')}{also} {_DONE[files]} to {shown_path(out)}."]
    if outcome.kept:
        lines.append(f"{counted(len(outcome.kept), 'file was', 'files were')} there already.")
    if outcome.removed:
        lines.append(f"{counted(len(outcome.removed), 'file')} removed from there.")
    if outcome.taken:
        lines.append(f"Taken by other files, which stay: {_named(outcome.taken, 'name')}.")
    if outcome.changed:
        lines.append(f"Changed since, and left as it is: {_named(outcome.changed, 'file')}.")
    there = placed.union(outcome.kept)
    renamed = [entry for entry in wanted.entries if entry.why and entry.path in there]
    why = {entry.why for entry in renamed} | set(filter(None, wanted.folders.values()))
    count = len(renamed) + sum(map(bool, wanted.folders.values()))
    if count:
        lines.append(
            f"{counted(count, 'name differs', 'names differ')} from the source or the class "
            f"({', '.join(sorted(why))}); the manifest lists them."
        )
    lines += _skipped_lines(wanted.skipped)
    return [*lines, *_lines_for_image_folder(wanted, is_split)]


def _lines_for_image_folder(wanted: Placement, is_split: bool) -> list[str]:
    """Return what torchvision's ImageFolder does not take as it is meant."""
    lines = []
    depth = max((path.count("/") for path in wanted.folders), default=0)
    if depth > is_split:
        lines.append(
            "Some class folders are in others. torchvision's ImageFolder takes the outermost "
            "folders for classes."
        )
    others = Counter(
        ending
        for path in wanted.items
        if (ending := PurePath(path).suffix.lower()) not in _OF_IMAGE_FOLDER
    )
    if others:
        endings = ", ".join(inert(ending, 20) or "none" for ending in sorted(others)[:_MOST_NAMED])
        images = counted(others.total(), "image has an ending", "images have endings")
        lines.append(f"{images} that torchvision's ImageFolder passes over ({endings}).")
    return lines


def _skipped_lines(skipped: Mapping[str, int]) -> list[str]:
    from tuilabel.exchange.placement import (
        DISPUTED,
        GONE,
        MOVED,
        OF_A_PART,
        SEVERAL,
        SKIPPED,
    )

    reasons = {
        DISPUTED: ("image is disputed", "images are disputed"),
        SKIPPED: ("image has no class", "images have no class"),
        SEVERAL: ("image has several classes", "images have several classes"),
        GONE: ("image is no longer in the source", "images are no longer in the source"),
        OF_A_PART: ("item is a part of a file", "items are parts of files"),
        MOVED: (
            "image is a link, or was moved before",
            "images are links, or were moved before",
        ),
    }
    return [
        f"{counted(count, *reasons[reason])}, and {'was' if count == 1 else 'were'} left out."
        for reason, count in skipped.items()
    ]


def _named(paths: Sequence[str], one: str) -> str:
    """Return a number of files, and the first of them."""
    first = ", ".join(inert(path) for path in sorted(paths)[:_MOST_NAMED])
    more = ", ..." if len(paths) > _MOST_NAMED else ""
    return f"{counted(len(paths), one)} ({first}{more})"


def _undo(session: str | None, manifest: Path) -> None:
    from tuilabel.exchange.class_folders import ClassFolders
    from tuilabel.exchange.manifest import MANIFEST
    from tuilabel.session.view import SessionView
    from tuilabel.workspace.moving import take_moves_back
    from tuilabel.workspace.places import find_session

    path = manifest / MANIFEST if manifest.is_dir() else manifest
    if path.name != MANIFEST:
        raise ExportError(
            f"{shown_path(manifest)} is not the manifest of class folders: name OUT/{MANIFEST}."
        )
    folders = ClassFolders(path.parent.absolute())
    found = folders.manifest
    if found is None:
        raise ExportError(f"There is no manifest {shown_path(path)}: nothing was taken back.")
    root, view = Path(found.root), None
    if found.files == "move":
        # The session, not the manifest, says where files may go.
        view = SessionView(find_session(session))
        if view.about.uuid != found.session:
            raise ExportError(
                f"{shown_path(path)} was made for another session: name it, as in "
                "`tuilabel export SESSION --undo MANIFEST`."
            )
        root = _files_root(view.source)
    progress = ProgressLine()
    try:
        outcome = folders.undo(root, progress)
    except OSError as error:
        raise ExportError(
            f"{shown_path(path.parent)} cannot be changed ({error.strerror or error}): correct "
            "that and do it again."
        ) from error
    finally:
        progress.close()
    if view is not None and not outcome.changed:
        take_moves_back(view, folders.out)
    back = "moved back" if found.files == "move" else "removed"
    say(f"{counted(len(outcome.removed), 'file')} {back}.")
    if outcome.changed:
        stay = _named(outcome.changed, "file")
        say(f"Changed since, or another file is in the old place, so left: {stay}.")
        click.get_current_context().exit(1)
