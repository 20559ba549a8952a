"""Commands that write a session's model to a file, and predict images with such a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, cast

import click

from tuilabel.commands.options import session_argument
from tuilabel.commands.progress import ProgressLine
from tuilabel.commands.text import data_output, say
from tuilabel.errors import SourceError, UsageError
from tuilabel.text import counted, disputed_text, inert, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuilabel.data import Dataset
    from tuilabel.exchange.rows import LabelRow
    from tuilabel.session.view import SessionView
    from tuilabel.workspace.models import SessionModel

FORMATS = ("csv", "jsonl")

_STARTS = (b"path,item_id,class,probability", b'{"path": "')


@click.command("model")
@session_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="OUT",
    required=True,
    help="File to write: OUT.skops for scikit-learn, OUT.onnx for ONNX.",
)
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def model(session: str | None, output: str, force: bool) -> None:
    """Write a session's model to a file.

    F is a session or the source it was made for; by default the last session. The model is fitted
    to the labels in effect. The file says which features the model takes and what its classes are.
    A model that predicts only images of the session is replaced by one that predicts any image;
    how often the two agree is printed. `tuilabel predict` uses the file.
    """
    from tuilabel.exchange.guard import guard
    from tuilabel.exchange.output import check_output, write_whole
    from tuilabel.learn.model_files import check_kind, is_model, write_model
    from tuilabel.session.view import SessionView
    from tuilabel.workspace.models import model_of
    from tuilabel.workspace.outputs import guarded
    from tuilabel.workspace.places import find_session

    ending, out = check_kind(output), Path(output)
    path = find_session(session)
    view = SessionView(path)
    keep = guard(*guarded(view.source, path))
    check_output(out, force=force, guard=keep, is_like=is_model)
    progress = ProgressLine()
    try:
        found = model_of(view, progress)
    finally:
        progress.close()
    data = write_model(ending, found.apart.network, found.card)
    write_whole(out, lambda file: file.write(data), force=force, guard=keep, is_like=is_model)
    say(*_model_lines(found, view, output))


def _model_lines(found: SessionModel, view: SessionView, output: str) -> Iterator[str]:
    from tuilabel.workspace.checking import damage_text

    apart, card = found
    images = counted(card.labels, "labelled image")
    yield (
        f"Wrote {inert(card.model)} on {inert(card.features.name)} to {shown_path(output)}: fitted "
        f"to {images}, {counted(len(card.classes), 'class', 'classes')}, "
        f"{counted(card.features.width, 'feature')}."
    )
    if apart.agreement is not None:
        instead, features = map(inert, apart.agreement.seen)
        same = "the images without a label: there are none"
        if n := apart.agreement.n:
            share = apart.agreement.agreed / n
            same = f"{share:.1%} of the {counted(n, 'image')} without a label"
        yield (
            f"The session's model is {instead} on {features}, which cannot be written to a file. "
            f"The two predict the same for {same}."
        )
    if apart.accuracy is None:
        yield "accuracy   not measured: there are no audit labels"
    else:
        disputed = view.known.audit_disputes if apart.accuracy.name == "audit" else 0
        of_sets = " (of whole sets of classes)" if card.several else ""
        yield f"accuracy   {apart.accuracy.text}{disputed_text(disputed)}{of_sets}"
    if apart.calibration is not None:
        yield apart.calibration.sentence()
    if damage := damage_text(view.path, view.problems):
        yield damage


@click.command("predict")
@click.argument("model", type=click.Path(), metavar="MODEL")
@click.argument("files", nargs=-1, required=True, type=click.Path(), metavar="FILES...")
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="OUT",
    default="-",
    show_default=True,
    help="File to write, .csv or .jsonl; - for CSV on standard output.",
)
@click.option(
    "--probabilities", is_flag=True, help="Write the probability of each class in a column p_CLASS."
)
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def predict(
    model: str, files: Sequence[str], output: str, probabilities: bool, force: bool
) -> None:
    """Predict the classes of images with a model in a file.

    MODEL is a file that `tuilabel model` has written. FILES are images, or any source: a folder, a
    pattern, an .npz file, a table, or a list of paths in a text file or, with -, on standard input.
    OUT has a row for each image: path, item_id, class, probability. Images that cannot be read are
    left out, and named on standard error.
    """
    from tuilabel.exchange import writer
    from tuilabel.exchange.guard import guard
    from tuilabel.exchange.output import check_output, export_to, export_to_stdout
    from tuilabel.workspace.models import Predictor, sources_of
    from tuilabel.workspace.outputs import guarded

    name = PurePath(output.lower()).suffix.removeprefix(".") or "csv"
    if name not in FORMATS:
        raise UsageError(
            f"Predictions are CSV or JSON Lines, and {shown_path(output)} is neither: give a name "
            "that ends in .csv or .jsonl."
        )
    write = writer(name)
    predictor = Predictor(Path(model))
    sources = sources_of([_source(file) for file in files])
    own, known = guarded(sources[0])
    keep = guard([*own, Path(model)], lambda: [*sources, *known()])

    if output != "-":
        check_output(Path(output), force=force, guard=keep, is_like=_is_of_predictions)
    progress = ProgressLine()
    try:
        opened = [predictor.open(source, progress) for source in sources]
        for viewed in opened:
            for notice in _notices(viewed.dataset):
                click.echo(notice, err=True)
        counts = [0]

        def rows() -> Iterator[dict[str, object]]:
            for viewed in opened:
                for row in predictor.rows(viewed, each=probabilities, progress=progress):
                    counts[0] += 1
                    yield row
            if not counts[0]:
                raise SourceError(f"No image was predicted. {' '.join(predictor.notes())}".strip())

        predictions = cast("Iterable[LabelRow]", rows())
        if output == "-":
            with data_output():
                export_to_stdout(predictions, write, keep)
        else:
            export_to(
                Path(output),
                predictions,
                write,
                force=force,
                guard=keep,
                is_like=_is_of_predictions,
            )
    finally:
        progress.close()
    for note in predictor.notes():
        click.echo(note, err=True)
    if output != "-":
        say(f"{counted(counts[0], 'row')} written to {shown_path(output)}.")


def _is_of_predictions(head: bytes) -> bool:
    """Return whether a file begins as predictions do, whatever its further columns."""
    return head.startswith(_STARTS) and b"item_id" in head.partition(b"\n")[0]


def _notices(dataset: Dataset) -> Iterator[str]:
    yield from dataset.notices
    if dataset.holdout is not None and dataset.holdout.locate is None:
        images = counted(len(dataset.holdout), "image")
        yield (
            f"The {images} held out of {shown_path(dataset.source)} to measure accuracy are left "
            "out."
        )


def _source(file: str) -> str:
    """Return the source that a file stands for: of a URL a copy, of - a list."""
    from tuilabel.commands.sources import INPUT, fetch, read_list
    from tuilabel.plugins import is_url

    if file == INPUT:
        return read_list(null=False, is_kept=False)
    return fetch(file) if is_url(file) else file
